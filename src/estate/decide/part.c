/* One item held against all rules: the worst answer counts, and what led to it is told. */
#include "decide_internal.h"

static json_t *facts_of(const struct decide_case *c, const json_t *item)
{
	json_t *list = json_array();
	const json_t *supplier = decide_supplier(c, decide_text(item, "supplier")), *row;
	const struct hm_owner *step[HM_OWNER_MAX];
	const char *class = decide_class(c, item);
	size_t n = hm_owner_on(step, c->owner, c->owners, decide_text(item, "supplier"), c->question->as_of), i;
	char score[24], day[11];

	if (supplier)
		decide_fact(list, "supplier", decide_text(supplier, "name"), NULL, NULL);
	for (i = 0; i < n; i++) {
		HM_FREE char *value = step[i]->controller ? hm_sprintf("%s, by %s", step[i]->country, step[i]->controller) : hm_strdup(step[i]->country);
		HM_JSON json_t *source = json_string(step[i]->source), *confidence = json_string(step[i]->confidence);

		decide_fact(list, "country", value, source, confidence);
	}
	decide_fact(list, "relation", decide_text(item, "relation"), NULL, NULL);
	if (*class)
		decide_fact(list, "class", class, NULL, NULL);
	decide_bundle_facts(c, item, list);
	/* Of a bundle's product, or one that is known by name, nobody says where it is. */
	if (strcmp(c->question->kind, "found") != 0)
		return list;
	decide_fact(list, "state", decide_text(item, "state"), NULL, NULL);
	snprintf(score, sizeof(score), "%lld", (long long)json_integer_value(json_object_get(item, "score")));
	decide_fact(list, "score", score, NULL, NULL);
	decide_definitions(item, day);
	if (*day)
		decide_fact(list, "definitions", day, NULL, NULL);
	json_array_foreach (json_object_get(item, "evidence"), i, row)
		if (i < 8)
			decide_fact(list, "row", decide_text(row, "row"), NULL, NULL);
	return list;
}

/* The exception of the rule that holds, or NULL; what the others would take is told. */
static const json_t *exception_of(const struct decide_case *c, const json_t *item, const json_t *rule, json_t *changes)
{
	const json_t *unless, *when;
	size_t i;

	json_array_foreach (json_object_get(rule, "unless"), i, unless) {
		enum answer to = decide_answer(decide_text(unless, "answer"));
		const char *until = json_string_value(json_object_get(unless, "to"));

		if (decide_unless(c, item, unless))
			return unless;
		if (until && strcmp(c->question->as_of, until) >= 0)
			continue;
		when = json_object_get(unless, "when");
		if (json_object_get(when, "bundle"))
			decide_bundle_change(c, item, json_object_get(when, "bundle"), to, changes);
		else
			decide_change(changes, "exemption", to, "the exemption %s%s%s", decide_text(unless, "id"), until ? ", until " : "", until ? until : "");
	}
	return NULL;
}

/* Words that nobody read here: who has them can do better. */
static void tell_words(const json_t *rule, const json_t *exception, json_t *changes)
{
	const json_t *row = exception ? exception : rule;

	if (json_is_null(json_object_get(row, "quote")))
		decide_change(changes, "words", ALLOWED, "the words of %s, if they allow it: none of them were read here (%s)", decide_text(row, "id"), decide_text(row, "source"));
}

struct verdict {
	enum answer answer;
	const json_t *rule, *exception;
};

/* What is not known cannot be told; but where the rule would allow it if it were true, and is silent if it is not, nothing hangs on that. */
static void judge(const struct decide_case *c, const json_t *rule, const json_t *item, struct verdict *worst, json_t *changes)
{
	HM_JSON json_t *mine = json_array();
	enum truth t = decide_when(c, rule, item, mine);
	struct verdict v = { CANNOT_TELL, rule, NULL };
	enum answer answer;

	if (t == NO)
		return;
	v.exception = exception_of(c, item, rule, mine);
	answer = decide_answer(decide_text(v.exception ? v.exception : rule, "answer"));
	if (t == YES || answer == ALLOWED)
		v.answer = answer;
	else if (t == UNSOURCED)
		v.answer = decide_answer(decide_text(c->policy->root, "unsourced_country"));
	if (v.answer == CANNOT_TELL && t == YES)
		tell_words(rule, v.exception, mine);
	if (v.answer != ALLOWED)
		decide_changes(changes, mine);
	if (!worst->rule || v.answer > worst->answer)
		*worst = v;
}

/* Where a rule that does not apply would say something worse: so that who is allowed sees what that hangs on. */
static void tell_worse(const struct decide_case *c, const json_t *rule, const json_t *item, enum answer now, json_t *changes)
{
	HM_JSON json_t *unused = json_array();
	struct hm_decide_question asked = *c->question;
	struct decide_case then = *c;
	const char *how = decide_applies(c, rule), *id = decide_text(rule, "id"), *from = decide_text(json_object_get(rule, "in_force"), "from");
	enum answer to = decide_answer(decide_text(rule, "answer"));
	const json_t *applies = json_object_get(rule, "applies_to"), *row;
	size_t i;

	if (to <= now || strcmp(how, "yes") == 0)
		return;
	/* A rule to come is asked as it will be on its first day. */
	then.question = &asked;
	if (strcmp(how, "not in force") == 0) {
		asked.as_of = strcmp(c->question->as_of, from) < 0 ? from : asked.as_of;
		how = strcmp(decide_applies(&then, rule), "yes") == 0 ? "later" : "";
	}
	if (decide_when(&then, rule, item, unused) != YES)
		return;
	if (strcmp(how, "later") == 0)
		decide_change(changes, "date", to, "from %s on, by the rule %s", from, id);
	if (strcmp(how, "other level") == 0)
		json_array_foreach (json_object_get(applies, "level"), i, row)
			decide_change(changes, "level", to, "a system at %s, by the rule %s", json_string_value(row), id);
	if (strcmp(how, "other scope") == 0)
		json_array_foreach (json_object_get(applies, "scope"), i, row)
			decide_change(changes, "scope", to, "--scope %s, by the rule %s", json_string_value(row), id);
}

/* An exemption that is in use ends. */
static void tell_end(const struct verdict *worst, json_t *changes)
{
	const char *to = json_string_value(json_object_get(worst->exception, "to"));

	if (to)
		decide_change(changes, "date", decide_answer(decide_text(worst->rule, "answer")), "from %s on: %s ends then", to, decide_text(worst->exception, "id"));
}

static json_t *id_of(const json_t *row)
{
	return row ? json_string(decide_text(row, "id")) : json_null();
}

json_t *decide_part(const struct decide_case *c, const json_t *item, bool candidate)
{
	/* What is no text stands under its other name, as in found.json. */
	static const char *const copied[] = { "target", "target_b64", "product", "relation", "state", "outer", "outer_b64" };
	json_t *part = json_object(), *changes = json_array();
	const json_t *rule;
	struct verdict worst = { ALLOWED, NULL, NULL };
	size_t i;

	json_array_foreach (json_object_get(c->policy->root, "rules"), i, rule)
		if (strcmp(decide_applies(c, rule), "yes") == 0)
			judge(c, rule, item, &worst, changes);
	if (worst.answer == ALLOWED)
		json_array_clear(changes);
	if (candidate && worst.answer != ALLOWED) {
		json_array_clear(changes);
		decide_change(changes, "evidence", worst.answer, "evidence that is enough: one strong, or another independent weak one (score %lld of 100)",
			      (long long)json_integer_value(json_object_get(item, "score")));
		decide_change(changes, "evidence", ALLOWED, "a person's look: that it is not there");
		worst.answer = CANNOT_TELL;
	} else if (worst.answer != ALLOWED && strcmp(c->question->kind, "found") == 0) {
		decide_change(changes, "remove", ALLOWED, "it is gone, shown by hallmark find --gone");
	}
	tell_end(&worst, changes);
	json_array_foreach (json_object_get(c->policy->root, "rules"), i, rule)
		tell_worse(c, rule, item, worst.answer, changes);
	for (i = 0; i < HM_COUNT(copied); i++)
		if (json_object_get(item, copied[i]))
			json_object_set(part, copied[i], json_object_get(item, copied[i]));
	json_object_set_new(part, "supplier", *decide_text(item, "supplier") ? json_string(decide_text(item, "supplier")) : json_null());
	json_object_set_new(part, "candidate", json_boolean(candidate));
	json_object_set_new(part, "answer", json_string(decide_word(worst.answer)));
	json_object_set_new(part, "rule", id_of(worst.rule));
	json_object_set_new(part, "exception", id_of(worst.exception));
	json_object_set_new(part, "facts", facts_of(c, item));
	json_object_set_new(part, "would_change", changes);
	return part;
}
