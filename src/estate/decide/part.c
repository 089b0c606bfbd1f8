/* One item held against all rules: the worst answer counts, and what led to it is told. */
#include "decide_internal.h"

#define ROWS_TOLD 8u

/* The rows that showed it, each once; who wants all has found.json. */
static void tell_rows(json_t *list, const json_t *evidence)
{
	const char *told[ROWS_TOLD];
	const json_t *piece;
	size_t i, n = 0, k;

	json_array_foreach (evidence, i, piece) {
		const char *row = decide_text(piece, "row");

		for (k = 0; k < n && strcmp(told[k], row) != 0; k++)
			;
		if (k < n || n == ROWS_TOLD)
			continue;
		told[n++] = row;
		decide_fact(list, "row", row, NULL, NULL);
	}
}

static json_t *facts_of(const struct decide_case *c, const json_t *item)
{
	json_t *list = json_array();
	const json_t *supplier = decide_supplier(c, decide_text(item, "supplier"));
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
	tell_rows(list, json_object_get(item, "evidence"));
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
		/* Exemptions are told by what they would come to: tell_exemptions. */
		if (json_object_get(when, "bundle"))
			decide_bundle_change(c, item, json_object_get(when, "bundle"), to, changes);
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

/* What one rule says of an item; false where it is silent. What is not known cannot be told; but where the rule would allow it if it were true, and is silent if it is
 * not, nothing hangs on that. */
static bool judge(const struct decide_case *c, const json_t *rule, const json_t *item, struct verdict *v, json_t *changes)
{
	enum truth t = decide_when(c, rule, item, changes);
	enum answer answer;

	if (t == NO)
		return false;
	*v = (struct verdict){ CANNOT_TELL, rule, exception_of(c, item, rule, changes) };
	answer = decide_answer(decide_text(v->exception ? v->exception : rule, "answer"));
	if (t == YES || answer == ALLOWED)
		v->answer = answer;
	else if (t == UNSOURCED)
		v->answer = decide_answer(decide_text(c->policy->root, "unsourced_country"));
	if (v->answer == CANNOT_TELL && t == YES)
		tell_words(rule, v->exception, changes);
	return true;
}

/* The worst of all rules that apply, and what would change what these say: of milder ones it would change nothing. */
static struct verdict worst_of(const struct decide_case *c, const json_t *item, json_t *changes)
{
	struct verdict worst = { ALLOWED, NULL, NULL };
	const json_t *rule;
	size_t i;

	json_array_foreach (json_object_get(c->policy->root, "rules"), i, rule) {
		HM_JSON json_t *mine = json_array();
		struct verdict v;

		if (strcmp(decide_applies(c, rule), "yes") != 0 || !judge(c, rule, item, &v, mine))
			continue;
		if (!worst.rule || v.answer > worst.answer) {
			worst = v;
			json_array_clear(changes);
		}
		if (v.answer == worst.answer && v.answer != ALLOWED)
			decide_changes(changes, mine);
	}
	return worst;
}

/* What the answer would be if the question were another; told where that is another answer, and returned. */
static enum answer what_if(const struct decide_case *c, const json_t *item, bool candidate, enum answer now, const struct hm_decide_question *other, const char *change, const char *what,
		    json_t *changes)
{
	HM_JSON json_t *unused = json_array();
	struct decide_case then = *c;
	struct verdict v;

	then.question = other;
	v = worst_of(&then, item, unused);
	if (candidate && v.answer != ALLOWED)
		v.answer = CANNOT_TELL;
	if (v.answer != now)
		decide_change(changes, change, v.answer, "%s%s%s", what, v.rule ? ", by the rule " : "", v.rule ? decide_text(v.rule, "id") : "");
	return v.answer;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Days to come on which a rule begins or ends, or an exception of it does; the answer of each where it is another than that of the day before. */
static void tell_days(const struct decide_case *c, const json_t *item, bool candidate, enum answer now, json_t *changes)
{
	HM_FREE const char **day = NULL;
	const json_t *rule, *unless;
	size_t i, j, count = 0;

	json_array_foreach (json_object_get(c->policy->root, "rules"), i, rule) {
		day = hm_realloc(day, count + 2 + json_array_size(json_object_get(rule, "unless")), sizeof(*day));
		day[count++] = decide_text(json_object_get(rule, "in_force"), "from");
		day[count++] = decide_text(json_object_get(rule, "in_force"), "to");
		json_array_foreach (json_object_get(rule, "unless"), j, unless)
			day[count++] = decide_text(unless, "to");
	}
	qsort(day, count, sizeof(*day), by_text);
	for (i = 0; i < count; i++) {
		struct hm_decide_question other = *c->question;
		HM_FREE char *what = hm_sprintf("from %s on", day[i]);

		other.as_of = day[i];
		if (strcmp(day[i], c->question->as_of) > 0 && (i == 0 || strcmp(day[i], day[i - 1]) != 0))
			now = what_if(c, item, candidate, now, &other, "date", what, changes);
	}
}

/* An exemption is told by what it would come to: other rules may speak against the item all the same. */
static void tell_exemptions(const struct decide_case *c, const json_t *item, bool candidate, enum answer now, json_t *changes)
{
	HM_FREE const char **granted = hm_alloc(c->question->exemptions + 1, sizeof(*granted));
	const json_t *rule, *unless;
	size_t i, j;

	for (i = 0; i < c->question->exemptions; i++)
		granted[i] = c->question->exemption[i];
	json_array_foreach (json_object_get(c->policy->root, "rules"), i, rule)
		json_array_foreach (json_object_get(rule, "unless"), j, unless) {
			struct hm_decide_question other = *c->question;
			const char *quote = decide_text(unless, "quote"), *to = decide_text(unless, "to");
			HM_FREE char *what = hm_sprintf("the exemption %s%s%s%s%s%s", decide_text(unless, "id"), *to ? ", until " : "", to, *quote ? " (\"" : "", quote, *quote ? "\")" : "");

			granted[other.exemptions++] = decide_text(unless, "id");
			other.exemption = granted;
			if (json_object_get(json_object_get(unless, "when"), "exemption"))
				(void)what_if(c, item, candidate, now, &other, "exemption", what, changes);
		}
}

/* So that who is allowed sees what that hangs on, and who is not, where he would be. */
static void tell_others(const struct decide_case *c, const json_t *item, bool candidate, enum answer now, json_t *changes)
{
	HM_FREE const char **scope = hm_alloc(c->question->scopes + 1, sizeof(*scope));
	const json_t *row;
	size_t i;

	tell_exemptions(c, item, candidate, now, changes);
	json_array_foreach (json_object_get(c->policy->root, "levels"), i, row) {
		struct hm_decide_question other = *c->question;
		HM_FREE char *what = hm_sprintf("a system at %s", json_string_value(row));

		other.level = json_string_value(row);
		if (strcmp(other.level, c->question->level) != 0)
			(void)what_if(c, item, candidate, now, &other, "level", what, changes);
	}
	for (i = 0; i < c->question->scopes; i++)
		scope[i] = c->question->scope[i];
	json_array_foreach (json_object_get(c->policy->root, "scopes"), i, row) {
		struct hm_decide_question other = *c->question;
		HM_FREE char *what = hm_sprintf("--scope %s (%s)", decide_text(row, "id"), decide_text(row, "is"));

		scope[other.scopes++] = decide_text(row, "id");
		other.scope = scope;
		(void)what_if(c, item, candidate, now, &other, "scope", what, changes);
	}
	tell_days(c, item, candidate, now, changes);
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
	struct verdict worst = worst_of(c, item, changes);
	size_t i;

	if (candidate && worst.answer != ALLOWED) {
		json_array_clear(changes);
		decide_change(changes, "evidence", worst.answer, "evidence that is enough: one strong, or another independent weak one (score %lld of 100)",
			      (long long)json_integer_value(json_object_get(item, "score")));
		decide_change(changes, "evidence", ALLOWED, "a person's look: that it is not there");
		worst.answer = CANNOT_TELL;
	} else if (worst.answer != ALLOWED && strcmp(c->question->kind, "found") == 0) {
		decide_change(changes, "remove", ALLOWED, "it is gone, shown by hallmark find --gone");
	}
	tell_others(c, item, candidate, worst.answer, changes);
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
