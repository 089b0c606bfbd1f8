/* A policy as somebody wrote it: whatever it says that this program would not act upon is refused, so that no rule is silently without effect. */
#include "decide_internal.h"
#include "digest.h"
#include "text.h"

static const struct hm_json_member policy_shape[] = {
	{ "schema", JSON_STRING }, { "id", JSON_STRING },   { "title", JSON_STRING },	       { "issuer", JSON_STRING },	  { "source", JSON_STRING },
	{ "levels", JSON_ARRAY },  { "scopes", JSON_ARRAY }, { "unsourced_country", JSON_STRING }, { "unknown_supplier", JSON_ARRAY }, { "rules", JSON_ARRAY },
};
static const struct hm_json_member scope_shape[] = { { "id", JSON_STRING }, { "is", JSON_STRING } };
static const struct hm_json_member unknown_shape[] = { { "level", JSON_ARRAY }, { "answer", JSON_STRING } };
static const struct hm_json_member rule_shape[] = {
	{ "id", JSON_STRING },	      { "quote|", JSON_STRING },   { "quote_note", JSON_STRING }, { "source", JSON_STRING }, { "read", JSON_STRING },  { "about", JSON_STRING },
	{ "in_force", JSON_OBJECT },  { "applies_to", JSON_OBJECT }, { "when", JSON_OBJECT },	    { "unless", JSON_ARRAY },  { "answer", JSON_STRING },
};
static const struct hm_json_member force_shape[] = { { "from", JSON_STRING }, { "to|", JSON_STRING } };
static const struct hm_json_member applies_shape[] = { { "level?", JSON_ARRAY }, { "scope?", JSON_ARRAY } };
static const struct hm_json_member when_shape[] = {
	{ "supplier?", JSON_ARRAY }, { "country?", JSON_ARRAY }, { "relation?", JSON_ARRAY }, { "class?", JSON_ARRAY }, { "state?", JSON_ARRAY }, { "definitions_after?", JSON_STRING },
};
static const struct hm_json_member unless_shape[] = {
	{ "id", JSON_STRING }, { "quote|", JSON_STRING }, { "source", JSON_STRING }, { "to|", JSON_STRING }, { "when", JSON_OBJECT }, { "answer", JSON_STRING },
};
static const struct hm_json_member unless_when_shape[] = { { "exemption?", HM_JSON_BOOL }, { "bundle?", JSON_OBJECT } };
static const struct hm_json_member bundle_shape[] = { { "upheld", JSON_ARRAY }, { "keys", JSON_INTEGER }, { "logged", HM_JSON_BOOL } };

static const char *const words[] = { "allowed", "sealed only", "cannot tell", "prohibited" };

enum answer decide_answer(const char *word)
{
	size_t i = 0;

	while (i < ANSWERS && strcmp(words[i], word) != 0)
		i++;
	return (enum answer)i;
}

const char *decide_word(enum answer answer)
{
	return words[answer];
}

bool decide_lists(const json_t *list, const char *text)
{
	const json_t *row;
	size_t i;

	json_array_foreach (list, i, row)
		if (strcmp(json_string_value(row), text) == 0)
			return true;
	return false;
}

#define SHAPE(value, shape, what) hm_json_shape(value, shape, HM_COUNT(shape), what, fail)

/* An array of strings, each one of `allowed` (an array of strings, or of objects with `id`) unless that is NULL; absent is fine. */
static int check_list(const json_t *list, const json_t *allowed, const char *what, struct hm_fail *fail)
{
	const json_t *row, *other;
	size_t i, j;

	json_array_foreach (list, i, row) {
		bool known = !allowed;

		if (!json_is_string(row))
			return hm_fail_set(fail, HM_E_BAD, "%s: not a list of text", what);
		json_array_foreach (allowed, j, other)
			known = known || json_equal(row, other) || json_equal(row, json_object_get(other, "id"));
		if (!known)
			return hm_fail_set(fail, HM_E_BAD, "%s: %s is none of those that there are", what, json_string_value(row));
	}
	if (list && json_array_size(list) == 0)
		return hm_fail_set(fail, HM_E_BAD, "%s: an empty list, which nothing fits", what);
	return 0;
}

static int check_words(const json_t *list, const char *const *allowed, size_t count, const char *what, struct hm_fail *fail)
{
	HM_JSON json_t *all = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(all, json_string(allowed[i]));
	return check_list(list, all, what, fail);
}

static int check_span(const json_t *object, const char *from, const char *to, const char *what, struct hm_fail *fail)
{
	const char *a = from ? decide_text(object, from) : NULL, *b = json_string_value(json_object_get(object, to));

	if ((a && !hm_owner_is_date(a, false)) || (b && !hm_owner_is_date(b, false)))
		return hm_fail_set(fail, HM_E_BAD, "%s: a date that is not YYYY-MM-DD", what);
	if (a && b && strcmp(a, b) >= 0)
		return hm_fail_set(fail, HM_E_BAD, "%s: it ends before it begins", what);
	return 0;
}

static int check_answer(const json_t *object, const char *what, struct hm_fail *fail)
{
	if (decide_answer(decide_text(object, "answer")) == ANSWERS)
		return hm_fail_set(fail, HM_E_BAD, "%s: %s is no answer", what, decide_text(object, "answer"));
	return 0;
}

static int check_when(const json_t *when, const char *what, struct hm_fail *fail)
{
	static const char *const relations[] = { "branded", "contains", "controlled" }, *const classes[] = { "antivirus", "endpoint", "security", "code" },
				 *const states[] = { "running", "installed", "present", "residue" };
	const char *after = json_string_value(json_object_get(when, "definitions_after"));
	int r = SHAPE(when, when_shape, what);

	if (r == 0)
		r = check_list(json_object_get(when, "supplier"), NULL, what, fail);
	if (r == 0)
		r = check_list(json_object_get(when, "country"), NULL, what, fail);
	if (r == 0)
		r = check_words(json_object_get(when, "relation"), relations, HM_COUNT(relations), what, fail);
	if (r == 0)
		r = check_words(json_object_get(when, "class"), classes, HM_COUNT(classes), what, fail);
	if (r == 0)
		r = check_words(json_object_get(when, "state"), states, HM_COUNT(states), what, fail);
	if (r == 0 && after && !hm_owner_is_date(after, false))
		r = hm_fail_set(fail, HM_E_BAD, "%s: definitions_after is no date", what);
	return r;
}

static int check_unless(const json_t *unless, const char *what, struct hm_fail *fail)
{
	const json_t *when = json_object_get(unless, "when"), *exemption, *bundle;
	int r = SHAPE(unless, unless_shape, what);

	if (r == 0)
		r = SHAPE(when, unless_when_shape, what);
	if (r == 0)
		r = check_span(unless, NULL, "to", what, fail);
	if (r == 0)
		r = check_answer(unless, what, fail);
	if (r < 0)
		return r;
	exemption = json_object_get(when, "exemption");
	bundle = json_object_get(when, "bundle");
	if (!exemption == !bundle || (exemption && !json_is_true(exemption)))
		return hm_fail_set(fail, HM_E_BAD, "%s: an exception is an exemption or a bundle", what);
	if (bundle) {
		r = SHAPE(bundle, bundle_shape, what);
		if (r == 0)
			r = check_list(json_object_get(bundle, "upheld"), NULL, what, fail);
	}
	return r;
}

static int check_rule(const json_t *root, const json_t *rule, struct hm_fail *fail)
{
	const json_t *applies = json_object_get(rule, "applies_to"), *unless;
	const char *id = decide_text(rule, "id"), *what = *id ? id : "a rule without id";
	size_t i;
	int r = SHAPE(rule, rule_shape, what);

	if (r == 0)
		r = SHAPE(json_object_get(rule, "in_force"), force_shape, what);
	if (r == 0)
		r = check_span(json_object_get(rule, "in_force"), "from", "to", what, fail);
	if (r == 0)
		r = SHAPE(applies, applies_shape, what);
	if (r == 0)
		r = check_list(json_object_get(applies, "level"), json_object_get(root, "levels"), what, fail);
	if (r == 0)
		r = check_list(json_object_get(applies, "scope"), json_object_get(root, "scopes"), what, fail);
	if (r == 0)
		r = check_when(json_object_get(rule, "when"), what, fail);
	if (r == 0)
		r = check_answer(rule, what, fail);
	if (r == 0 && !hm_owner_is_date(decide_text(rule, "read"), false))
		r = hm_fail_set(fail, HM_E_BAD, "%s: read is no date", what);
	/* A rule without words must say why. */
	if (r == 0 && json_is_null(json_object_get(rule, "quote")) && !*decide_text(rule, "quote_note"))
		r = hm_fail_set(fail, HM_E_BAD, "%s: no quote, and no note that says why", what);
	json_array_foreach (json_object_get(rule, "unless"), i, unless)
		if (r == 0)
			r = check_unless(unless, what, fail);
	return r;
}

static int check_ids(const json_t *root, struct hm_fail *fail)
{
	HM_JSON json_t *seen = json_object();
	const json_t *rule, *unless;
	size_t i, j;

	json_array_foreach (json_object_get(root, "rules"), i, rule) {
		if (json_object_get(seen, decide_text(rule, "id")))
			return hm_fail_set(fail, HM_E_BAD, "two rules are called %s", decide_text(rule, "id"));
		json_object_set_new(seen, decide_text(rule, "id"), json_true());
		/* One exemption may stand under several rules; it may not be called like a rule. */
		json_array_foreach (json_object_get(rule, "unless"), j, unless)
			if (strcmp(decide_text(unless, "id"), decide_text(rule, "id")) == 0)
				return hm_fail_set(fail, HM_E_BAD, "an exception of %s is called like it", decide_text(rule, "id"));
	}
	if (json_array_size(json_object_get(root, "rules")) == 0)
		return hm_fail_set(fail, HM_E_BAD, "no rules");
	return 0;
}

static int check_policy(const json_t *root, struct hm_fail *fail)
{
	const char *unsourced = decide_text(root, "unsourced_country");
	const json_t *row;
	size_t i;
	int r = SHAPE(root, policy_shape, "policy");

	if (r == 0 && strcmp(decide_text(root, "schema"), "hallmark/policy/v1") != 0)
		return hm_fail_set(fail, HM_E_UNKNOWN, "schema is %s, not hallmark/policy/v1", decide_text(root, "schema"));
	if (r == 0 && strcmp(unsourced, "counts") != 0 && decide_answer(unsourced) == ANSWERS)
		return hm_fail_set(fail, HM_E_BAD, "unsourced_country: %s is no answer", unsourced);
	if (r == 0 && json_array_size(json_object_get(root, "levels")))
		r = check_list(json_object_get(root, "levels"), NULL, "levels", fail);
	json_array_foreach (json_object_get(root, "scopes"), i, row)
		if (r == 0)
			r = SHAPE(row, scope_shape, "scopes");
	json_array_foreach (json_object_get(root, "unknown_supplier"), i, row) {
		if (r == 0)
			r = SHAPE(row, unknown_shape, "unknown_supplier");
		if (r == 0)
			r = check_list(json_object_get(row, "level"), json_object_get(root, "levels"), "unknown_supplier", fail);
		if (r == 0)
			r = check_answer(row, "unknown_supplier", fail);
	}
	json_array_foreach (json_object_get(root, "rules"), i, row)
		if (r == 0)
			r = check_rule(root, row, fail);
	return r == 0 ? check_ids(root, fail) : r;
}

int hm_decide_policy_read(struct hm_decide_policy **ret, struct hm_slice text, const char *what, struct hm_fail *fail)
{
	HM_CLEANUP(hm_decide_policy_cleanup) struct hm_decide_policy *policy = hm_alloc(1, sizeof(*policy));
	struct hm_sha256 digest;
	int r = hm_json_parse(&policy->root, text, what, fail);

	if (r < 0)
		return r;
	r = check_policy(policy->root, fail);
	if (r < 0)
		return hm_fail_in(fail, "policy %s", what);
	hm_sha256_slice(&digest, text);
	hm_text_hex_into(policy->sha256, (struct hm_slice){ digest.b, sizeof(digest.b) });
	*ret = hm_take_ptr(&policy);
	return 0;
}

void hm_decide_policy_free(struct hm_decide_policy *policy)
{
	if (policy)
		json_decref(policy->root);
	free(policy);
}
