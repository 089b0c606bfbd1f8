/* The whole decision: its parts, and what holds of all of them. What was not seen is no reason to allow. */
#include "decide_internal.h"

static int usage(const struct hm_decide_policy *policy, const char *option, const char *given, const char *member, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes known = { 0 };
	const json_t *row;
	size_t i;

	json_array_foreach (json_object_get(policy->root, member), i, row)
		hm_bytes_printf(&known, "%s%s", i ? ", " : "", json_is_string(row) ? json_string_value(row) : decide_text(row, "id"));
	hm_bytes_u8(&known, 0);
	return hm_fail_set(fail, HM_E_USAGE, "%s: %s; %s knows: %s", option, given ? given : "which one", decide_text(policy->root, "id"),
			   known.len > 1 ? (const char *)known.data : "none");
}

static bool knows_scope(const struct hm_decide_policy *policy, const char *scope)
{
	const json_t *row;
	size_t i;

	json_array_foreach (json_object_get(policy->root, "scopes"), i, row)
		if (strcmp(decide_text(row, "id"), scope) == 0)
			return true;
	return false;
}

static bool knows_exemption(const struct hm_decide_policy *policy, const char *exemption)
{
	const json_t *rule, *unless;
	size_t i, j;

	json_array_foreach (json_object_get(policy->root, "rules"), i, rule)
		json_array_foreach (json_object_get(rule, "unless"), j, unless)
			if (json_object_get(json_object_get(unless, "when"), "exemption") && strcmp(decide_text(unless, "id"), exemption) == 0)
				return true;
	return false;
}

static int check_question(const struct hm_decide_policy *policy, const struct hm_decide_question *q, struct hm_fail *fail)
{
	const json_t *levels = json_object_get(policy->root, "levels");

	if (!hm_owner_is_date(q->as_of, false))
		return hm_fail_set(fail, HM_E_USAGE, "--as-of: %s is no date (YYYY-MM-DD)", q->as_of);
	if (json_array_size(levels) && (!q->level || !decide_lists(levels, q->level)))
		return usage(policy, "--classification", q->level, "levels", fail);
	for (size_t i = 0; i < q->scopes; i++)
		if (!knows_scope(policy, q->scope[i]))
			return usage(policy, "--scope", q->scope[i], "scopes", fail);
	for (size_t i = 0; i < q->exemptions; i++)
		if (!knows_exemption(policy, q->exemption[i]))
			return hm_fail_set(fail, HM_E_USAGE, "--exemption: no rule of %s has %s", decide_text(policy->root, "id"), q->exemption[i]);
	if (q->unknown && decide_answer(q->unknown) == ANSWERS)
		return hm_fail_set(fail, HM_E_USAGE, "--unknown: %s is no answer (allowed, sealed only, cannot tell, prohibited)", q->unknown);
	return 0;
}

/* All steps of control that found.json has, as rows that borrow its text. */
static void gather_owners(struct decide_case *c)
{
	const json_t *supplier, *row;
	size_t i, j, cap = 0;

	json_array_foreach (json_object_get(c->found, "suppliers"), i, supplier)
		cap += json_array_size(json_object_get(supplier, "control"));
	c->owner = hm_alloc(cap + 1, sizeof(*c->owner));
	json_array_foreach (json_object_get(c->found, "suppliers"), i, supplier)
		json_array_foreach (json_object_get(supplier, "control"), j, row)
			c->owner[c->owners++] = (struct hm_owner){
				.supplier = decide_text(supplier, "id"),
				.controller = json_string_value(json_object_get(row, "controller")),
				.country = decide_text(row, "country"),
				.from = json_string_value(json_object_get(row, "from")),
				.to = json_string_value(json_object_get(row, "to")),
				.source = decide_text(row, "source"),
				.confidence = decide_text(row, "confidence"),
			};
}

static void release_case(struct decide_case *c)
{
	free(c->owner);
}

struct verdict_of_target {
	const json_t *row;
	enum answer answer;
	const char *rule;
};

struct whole {
	enum answer answer;
	const char *rule;
	bool bites; /* a rule that applies could answer something else than allowed */
	json_t *parts, *rules, *facts, *changes;
	struct verdict_of_target *target; /* owned; as found.json has them */
	size_t targets;
};

static void release_whole(struct whole *w)
{
	free(w->target);
}

static void raise_target(struct verdict_of_target *t, enum answer answer, const char *rule)
{
	if (answer > t->answer || (answer == t->answer && !t->rule)) {
		t->answer = answer;
		t->rule = rule;
	}
}

/* Of the whole, and of each target where it concerns all. */
static void raise_to(struct whole *w, enum answer answer, const char *rule, bool all)
{
	if (answer > w->answer || (answer == w->answer && !w->rule)) {
		w->answer = answer;
		w->rule = rule;
	}
	for (size_t i = 0; i < w->targets && all; i++)
		raise_target(&w->target[i], answer, rule);
}

static bool is_of(const json_t *item, const json_t *target)
{
	const json_t *name = json_object_get(target, "target"), *bytes = json_object_get(target, "target_b64");

	return name ? json_equal(json_object_get(item, "target"), name) : bytes && json_equal(json_object_get(item, "target_b64"), bytes);
}

static void raise_target_of(struct whole *w, const json_t *item, enum answer answer, const char *rule)
{
	raise_to(w, answer, rule, false);
	for (size_t i = 0; i < w->targets; i++)
		if (is_of(item, w->target[i].row))
			raise_target(&w->target[i], answer, rule);
}

static void gather_targets(struct whole *w, const struct decide_case *c)
{
	const json_t *list = json_object_get(c->found, "targets"), *row;
	size_t i;

	w->target = hm_alloc(json_array_size(list) + 1, sizeof(*w->target));
	json_array_foreach (list, i, row)
		w->target[w->targets++].row = row;
}

static void add_parts(struct whole *w, const struct decide_case *c, const char *list, bool candidate)
{
	const json_t *item, *change;
	size_t i, j;

	json_array_foreach (json_object_get(c->found, list), i, item) {
		json_t *part;
		enum answer answer;

		/* Who controls is asked of the day's history, not of what found.json derived for the day on which it was made. */
		if (strcmp(decide_text(item, "relation"), "controlled") == 0)
			continue;
		part = decide_part(c, item, candidate);
		answer = decide_answer(decide_text(part, "answer"));
		json_array_append_new(w->parts, part);
		raise_target_of(w, item, answer, json_string_value(json_object_get(part, "rule")));
		json_array_foreach (json_object_get(part, "would_change"), j, change) {
			const char *product = decide_text(item, "product");

			decide_change(w->changes, decide_text(change, "change"), decide_answer(decide_text(change, "to")), "%s%s%s: %s", decide_text(item, "supplier"),
				      *product ? ", " : "", product, decide_text(change, "detail"));
		}
	}
}

static void add_rules(struct whole *w, const struct decide_case *c)
{
	const json_t *rule;
	size_t i, applied = 0, in_force = 0;

	json_array_foreach (json_object_get(c->policy->root, "rules"), i, rule) {
		const char *how = decide_applies(c, rule);
		json_t *row = json_pack("{s:s,s:s,s:s,s:s}", "id", decide_text(rule, "id"), "source", decide_text(rule, "source"), "about", decide_text(rule, "about"), "applied", how);

		json_object_set(row, "quote", json_object_get(rule, "quote"));
		json_array_append_new(w->rules, row);
		applied += strcmp(how, "yes") == 0;
		in_force += strcmp(how, "not in force") != 0;
		if (strcmp(how, "yes") == 0 && (strcmp(decide_text(rule, "answer"), "allowed") != 0))
			w->bites = true;
	}
	if (applied)
		return;
	raise_to(w, CANNOT_TELL, NULL, true);
	if (in_force == 0)
		decide_change(w->changes, "date", CANNOT_TELL, "a day on which a rule of the policy is in force: none is on %s", c->question->as_of);
	else
		decide_change(w->changes, "level", CANNOT_TELL, "a classification or scope of which the policy speaks");
}

/* An inventory of some suppliers alone: enough for rules that ask for no others. */
static bool tells_enough(const struct decide_case *c)
{
	const json_t *filter = json_object_get(c->found, "filter"), *suppliers = json_object_get(filter, "supplier"), *rule, *name;
	size_t i, j;

	if (json_array_size(suppliers) == 0 && json_array_size(json_object_get(filter, "country")) == 0)
		return true;
	if (json_array_size(json_object_get(filter, "country")))
		return false;
	json_array_foreach (json_object_get(c->policy->root, "rules"), i, rule) {
		const json_t *wanted = json_object_get(json_object_get(rule, "when"), "supplier");

		if (strcmp(decide_applies(c, rule), "yes") != 0 || strcmp(decide_text(rule, "answer"), "allowed") == 0)
			continue;
		if (!wanted)
			return false;
		json_array_foreach (wanted, j, name)
			if (!decide_lists(suppliers, json_string_value(name)))
				return false;
	}
	return true;
}

/* The answer for components that name nobody, ALLOWED where nobody asks. */
static enum answer nameless_answer(const struct decide_case *c)
{
	const char *unknown = c->question->unknown;
	const json_t *row;
	size_t i;

	json_array_foreach (json_object_get(c->policy->root, "unknown_supplier"), i, row)
		if (!unknown && c->question->level && decide_lists(json_object_get(row, "level"), c->question->level))
			unknown = decide_text(row, "answer");
	return unknown ? decide_answer(unknown) : ALLOWED;
}

static void add_coverage(struct whole *w, const struct decide_case *c)
{
	enum answer nobody = nameless_answer(c);
	long long unread = 0, nameless = 0;
	char number[24];

	for (size_t i = 0; i < w->targets; i++) {
		const json_t *target = w->target[i].row;
		long long not_read = json_integer_value(json_object_get(target, "not_read_count")),
			  names = json_integer_value(json_object_get(json_object_get(target, "components"), "nameless"));

		unread += not_read;
		nameless += names;
		if (w->bites && not_read)
			raise_target_of(w, target, CANNOT_TELL, NULL);
		if (names)
			raise_target_of(w, target, nobody, NULL);
	}
	snprintf(number, sizeof(number), "%lld", unread);
	decide_fact(w->facts, "not_read", number, NULL, NULL);
	if (w->bites && w->targets == 0)
		raise_to(w, CANNOT_TELL, NULL, false);
	if (w->bites && (unread || w->targets == 0))
		decide_change(w->changes, "coverage", ALLOWED, "%s", unread ? "what could not be read is read too, and shows nothing" : "a target that was looked at");
	if (w->bites && !tells_enough(c)) {
		raise_to(w, CANNOT_TELL, NULL, true);
		decide_change(w->changes, "coverage", ALLOWED, "an inventory of all suppliers: this one was made with --supplier or --country");
	}
	snprintf(number, sizeof(number), "%lld", nameless);
	decide_fact(w->facts, "nameless", number, NULL, NULL);
	if (nameless && nobody != ALLOWED)
		decide_change(w->changes, "supplier", ALLOWED, "who supplies the %lld component%s nobody", nameless, nameless == 1 ? " that names" : "s that name");
}

/* With the bundle alone, what is false in it is no evidence, and no absence of it either; beside what was found it counts for nothing. */
static void add_bundles(struct whole *w, const struct decide_case *c)
{
	decide_bundle_summary(c, w->facts);
	if (strcmp(c->question->kind, "bundle") != 0 || !json_is_true(json_object_get(json_array_get(c->question->bundles, 0), "false")))
		return;
	raise_to(w, CANNOT_TELL, NULL, true);
	decide_change(w->changes, "bundle", ALLOWED, "a bundle in which nothing is false");
}

static json_t *list_of(const char *const *text, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_string(text[i]));
	return list;
}

static json_t *text_or_null(const char *text)
{
	return text ? json_string(text) : json_null();
}

/* Each system by itself: which of many are prohibited, of which nothing can be told. */
static json_t *targets_of(const struct whole *w)
{
	static const char *const names[] = { "target", "target_b64" };
	json_t *list = json_array();

	for (size_t i = 0; i < w->targets; i++) {
		json_t *row = json_pack("{s:s}", "answer", decide_word(w->target[i].answer));

		for (size_t j = 0; j < HM_COUNT(names); j++)
			if (json_object_get(w->target[i].row, names[j]))
				json_object_set(row, names[j], json_object_get(w->target[i].row, names[j]));
		json_object_set_new(row, "rule", text_or_null(w->target[i].rule));
		json_array_append_new(list, row);
	}
	return list;
}

static json_t *document(const struct decide_case *c, const struct whole *w)
{
	const struct hm_decide_question *q = c->question;
	json_t *d = json_object();

	json_object_set_new(d, "schema", json_string("hallmark/decision/v1"));
	json_object_set_new(d, "policy", json_pack("{s:s,s:s,s:s}", "id", decide_text(c->policy->root, "id"), "title", decide_text(c->policy->root, "title"), "sha256", c->policy->sha256));
	json_object_set_new(d, "as_of", json_string(q->as_of));
	json_object_set_new(d, "level", text_or_null(q->level));
	json_object_set_new(d, "scopes", list_of(q->scope, q->scopes));
	json_object_set_new(d, "exemptions", list_of(q->exemption, q->exemptions));
	json_object_set_new(d, "unknown", text_or_null(q->unknown));
	json_object_set_new(d, "subject", json_pack("{s:s,s:s}", "kind", q->kind, "name", q->name));
	json_object_set_new(json_object_get(d, "subject"), "made", strcmp(q->kind, "found") == 0 ? json_string(decide_text(c->found, "made")) : json_null());
	json_object_set_new(d, "answer", json_string(decide_word(w->answer)));
	json_object_set_new(d, "rule", text_or_null(w->rule));
	json_object_set(d, "facts", w->facts);
	json_object_set(d, "would_change", w->changes);
	json_object_set_new(d, "targets", targets_of(w));
	json_object_set(d, "parts", w->parts);
	json_object_set(d, "rules", w->rules);
	return d;
}

int hm_decide(json_t **ret, const struct hm_decide_policy *policy, const json_t *found, const struct hm_decide_question *question, struct hm_fail *fail)
{
	HM_CLEANUP(release_case) struct decide_case c = { .policy = policy, .question = question, .found = found };
	HM_JSON json_t *parts = json_array(), *rules = json_array(), *facts = json_array(), *changes = json_array();
	HM_CLEANUP(release_whole) struct whole w = { .parts = parts, .rules = rules, .facts = facts, .changes = changes };
	int r = check_question(policy, question, fail);

	if (r < 0)
		return r;
	gather_owners(&c);
	gather_targets(&w, &c);
	add_parts(&w, &c, "items", false);
	add_parts(&w, &c, "candidates", true);
	add_rules(&w, &c);
	if (strcmp(question->kind, "found") == 0)
		add_coverage(&w, &c);
	add_bundles(&w, &c);
	*ret = document(&c, &w);
	return 0;
}

int hm_decide_exit(const json_t *decision)
{
	enum answer answer = decide_answer(decide_text(decision, "answer"));

	return answer == ALLOWED ? 0 : answer == PROHIBITED ? 1 : 2;
}
