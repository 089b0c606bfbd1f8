/* One item held against all rules: the worst answer counts, and what led to it is told. */
#include "decide_internal.h"

static json_t *facts_of(const struct decide_case *c, const json_t *item)
{
	json_t *list = json_array();
	const json_t *supplier = decide_supplier(c, decide_text(item, "supplier")), *row;
	const struct hm_owner *step[HM_OWNER_MAX];
	const char *class = decide_class(c, item), *day = decide_definitions(item);
	size_t n = hm_owner_on(step, c->owner, c->owners, decide_text(item, "supplier"), c->question->as_of), i;
	char score[24];

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
	/* Of a bundle's product, or one that is known by name, nobody says where it is. */
	if (strcmp(c->question->kind, "found") != 0)
		return list;
	decide_fact(list, "state", decide_text(item, "state"), NULL, NULL);
	snprintf(score, sizeof(score), "%lld", (long long)json_integer_value(json_object_get(item, "score")));
	decide_fact(list, "score", score, NULL, NULL);
	if (*day) {
		HM_FREE char *text = hm_sprintf("%.10s", day);

		decide_fact(list, "definitions", text, NULL, NULL);
	}
	json_array_foreach (json_object_get(item, "evidence"), i, row)
		if (i < 8)
			decide_fact(list, "row", decide_text(row, "row"), NULL, NULL);
	return list;
}

static void tell_bundle(json_t *changes, enum answer to, const json_t *wanted)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes claims = { 0 };
	const json_t *claim;
	size_t i;

	json_array_foreach (json_object_get(wanted, "upheld"), i, claim)
		hm_bytes_printf(&claims, "%s%s", i ? ", " : "", json_string_value(claim));
	hm_bytes_u8(&claims, 0);
	decide_change(changes, "bundle", to, "a bundle with %s upheld, signed by %lld key%s or more%s", (const char *)claims.data,
		      (long long)json_integer_value(json_object_get(wanted, "keys")), json_integer_value(json_object_get(wanted, "keys")) == 1 ? "" : "s",
		      json_is_true(json_object_get(wanted, "logged")) ? ", and logged" : "");
}

/* The exception of the rule that holds, or NULL; what the others would take is told. */
static const json_t *exception_of(const struct decide_case *c, const json_t *rule, json_t *changes)
{
	const json_t *unless, *when;
	size_t i;

	json_array_foreach (json_object_get(rule, "unless"), i, unless) {
		enum answer to = decide_answer(decide_text(unless, "answer"));
		const char *until = json_string_value(json_object_get(unless, "to"));

		if (decide_unless(c, unless))
			return unless;
		if (until && strcmp(c->question->as_of, until) >= 0)
			continue;
		when = json_object_get(unless, "when");
		if (json_object_get(when, "bundle"))
			tell_bundle(changes, to, json_object_get(when, "bundle"));
		else
			decide_change(changes, "exemption", to, "the exemption %s%s%s", decide_text(unless, "id"), until ? ", until " : "", until ? until : "");
	}
	return NULL;
}

struct verdict {
	enum answer answer;
	const json_t *rule, *exception;
};

static void judge(const struct decide_case *c, const json_t *rule, const json_t *item, struct verdict *worst, json_t *changes)
{
	enum truth t = decide_when(c, rule, item, changes);
	struct verdict v = { CANNOT_TELL, rule, NULL };

	if (t == NO)
		return;
	if (t == UNSOURCED)
		v.answer = decide_answer(decide_text(c->policy->root, "unsourced_country"));
	if (t == YES) {
		v.exception = exception_of(c, rule, changes);
		v.answer = decide_answer(decide_text(v.exception ? v.exception : rule, "answer"));
	}
	if (!worst->rule || v.answer > worst->answer)
		*worst = v;
}

static json_t *id_of(const json_t *row)
{
	return row ? json_string(decide_text(row, "id")) : json_null();
}

json_t *decide_part(const struct decide_case *c, const json_t *item, bool candidate)
{
	static const char *const copied[] = { "target", "product", "relation", "state", "outer" };
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
	for (i = 0; i < HM_COUNT(copied); i++)
		json_object_set_new(part, copied[i], json_string(decide_text(item, copied[i])));
	json_object_set_new(part, "supplier", *decide_text(item, "supplier") ? json_string(decide_text(item, "supplier")) : json_null());
	json_object_set_new(part, "candidate", json_boolean(candidate));
	json_object_set_new(part, "answer", json_string(decide_word(worst.answer)));
	json_object_set_new(part, "rule", id_of(worst.rule));
	json_object_set_new(part, "exception", id_of(worst.exception));
	json_object_set_new(part, "facts", facts_of(c, item));
	json_object_set_new(part, "would_change", changes);
	return part;
}
