#include "replication.h"

#include "agree.h"
#include "text.h"

/* What stands in plan.json of a replication as it did in the first. */
static const char *const same_members[] = { "schema", "format", "argv", "stdin", "factors", "runs", "blocks", "feature_version", "alpha",
					    "internet", "profile", "target", "time_limit_s" };

static int document(json_t **ret, const struct hm_parts *parts, const char *name, struct hm_fail *fail)
{
	struct hm_slice text;

	if (!parts || !hm_parts_get(parts, name, &text))
		return hm_fail_set(fail, HM_E_BAD, "%s is missing", name);
	return hm_json_parse_canonical(ret, text, name, fail);
}

/* Both plans, and the product's name in them. */
static int compare_plans(const json_t *of, const json_t *here, struct hm_fail *fail)
{
	static const char *const forms[] = { "arguments", "environment", "files" };
	const json_t *names[] = { json_object_get(json_object_get(of, "product"), "name"), json_object_get(json_object_get(here, "product"), "name") };

	for (size_t i = 0; i < HM_COUNT(same_members); i++) {
		const json_t *a = json_object_get(of, same_members[i]), *b = json_object_get(here, same_members[i]);

		if ((a || b) && !json_equal(a, b))
			return hm_fail_set(fail, HM_E_USAGE, "its plan differs from the first in %s", same_members[i]);
	}
	/* How it was given other authorities, but not after which plan. */
	for (size_t i = 0; i < HM_COUNT(forms); i++) {
		const json_t *a = json_object_get(json_object_get(of, "authorities"), forms[i]), *b = json_object_get(json_object_get(here, "authorities"), forms[i]);

		if ((a || b) && !json_equal(a, b))
			return hm_fail_set(fail, HM_E_USAGE, "its plan differs from the first in authorities");
	}
	if (!json_equal(names[0], names[1]))
		return hm_fail_set(fail, HM_E_USAGE, "it is of another product");
	return 0;
}

int hm_replication_same_plan(const struct hm_parts *of, const struct hm_parts *here, struct hm_fail *fail)
{
	HM_JSON json_t *a = NULL, *b = NULL;
	int r = document(&a, of, "plan.json", fail);

	if (r == 0)
		r = document(&b, here, "plan.json", fail);
	return r < 0 ? r : compare_plans(a, b, fail);
}

/* ---- replication.json ---- */

static json_t *pair(const json_t *of, const json_t *here)
{
	return json_pack("{s:O?,s:O?}", "of", of, "here", here);
}

static json_t *kernel_of(const json_t *assessment)
{
	return json_object_get(json_object_get(assessment, "kernel"), "release");
}

/* Rows of a comparison say old and new; here they are the first and this one. */
static json_t *differ(const json_t *claims)
{
	json_t *out = json_array();
	const json_t *row;
	size_t i;

	json_array_foreach (json_object_get(claims, "differ"), i, row)
		json_array_append_new(out, json_pack("{s:O,s:O,s:O}", "id", json_object_get(row, "id"), "of", json_object_get(row, "old"), "here",
						     json_object_get(row, "new")));
	return out;
}

struct side {
	json_t *findings, *assessment;
};

static void drop_side(struct side *side)
{
	json_decref(side->findings);
	json_decref(side->assessment);
}

static int read_side(struct side *side, const struct hm_parts *parts, struct hm_slice findings, struct hm_fail *fail)
{
	int r;

	if (!findings.len)
		return hm_fail_set(fail, HM_E_UNKNOWN, "findings could not be derived: evidence is withheld, or of a later version");
	r = hm_json_parse_canonical(&side->findings, findings, "findings", fail);
	return r < 0 ? r : document(&side->assessment, parts, "assessment.json", fail);
}

static json_t *replication(const char *id, const struct side *of, const struct side *here, const json_t *agreement)
{
	const json_t *claims = json_object_get(agreement, "claims"), *influence = json_object_get(agreement, "influence");
	json_t *out = json_object();

	json_object_set_new(out, "schema", json_string("hallmark/replication/v1"));
	json_object_set_new(out, "of", json_sprintf("sha256:%s", id));
	json_object_set(out, "agree", json_object_get(agreement, "agree"));
	json_object_set(out, "not_comparable", json_object_get(agreement, "not_comparable"));
	json_object_set(out, "same", json_object_get(claims, "same"));
	json_object_set_new(out, "differ", differ(claims));
	json_object_set_new(out, "influence", json_pack("{s:O,s:O,s:O}", "same", json_object_get(influence, "same"), "of",
							json_object_get(influence, "old"), "here", json_object_get(influence, "new")));
	json_object_set(out, "product_same", json_object_get(json_object_get(agreement, "product"), "same"));
	json_object_set_new(out, "kernel", pair(kernel_of(of->assessment), kernel_of(here->assessment)));
	json_object_set_new(out, "semantics", pair(json_object_get(of->findings, "semantics"), json_object_get(here->findings, "semantics")));
	return out;
}

static int make(struct hm_bytes *out, json_t **agreement, const struct hm_verify *of, const struct hm_parts *parts, struct hm_slice findings,
		struct hm_fail *fail)
{
	HM_CLEANUP(drop_side) struct side first = { 0 }, here = { 0 };
	HM_JSON json_t *text = NULL;
	int r = read_side(&first, of->parts, hm_slice_of(&of->findings), fail);

	if (r == 0)
		r = read_side(&here, parts, findings, fail);
	if (r < 0)
		return r;
	*agreement = hm_agree(first.findings, here.findings);
	text = replication(of->bundle_id, &first, &here, *agreement);
	hm_json_write(out, text);
	return 0;
}

int hm_replication_make(struct hm_bytes *out, int *exit, const struct hm_verify *of, const struct hm_parts *here, struct hm_slice findings,
			struct hm_fail *fail)
{
	HM_JSON json_t *agreement = NULL;
	int r = make(out, &agreement, of, here, findings, fail);

	if (r == 0)
		*exit = hm_agree_exit(agreement);
	return r;
}

bool hm_replication_of(char id[65], const struct hm_parts *parts)
{
	HM_JSON json_t *root = NULL;
	const char *of;

	if (!parts || document(&root, parts, HM_REPLICATION, NULL) < 0)
		return false;
	of = json_string_value(json_object_get(root, "of"));
	if (!of || strncmp(of, "sha256:", 7) != 0 || strlen(of) != 71)
		return false;
	memcpy(id, of + 7, 65);
	return true;
}

/* The seed of one that repeats another's would tell its coins beforehand. */
static int check_plans(const struct hm_parts *of, const struct hm_parts *here, struct hm_fail *fail)
{
	HM_JSON json_t *a = NULL, *b = NULL;
	int r = document(&a, of, "plan.json", fail);

	if (r == 0)
		r = document(&b, here, "plan.json", fail);
	if (r == 0 && json_equal(json_object_get(a, "commitment"), json_object_get(b, "commitment")))
		r = hm_fail_set(fail, HM_E_BAD, "it has the seed of the first: its coins and secrets were known");
	if (r == 0)
		r = compare_plans(a, b, fail);
	return r < 0 ? HM_E_BAD : 0;
}

int hm_replication_check(bool *counts, const struct hm_verify *of, const struct hm_verify *here, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes again = { 0 };
	HM_JSON json_t *agreement = NULL;
	struct hm_slice there;
	int r;

	*counts = false;
	if (!here->parts || !hm_parts_get(here->parts, HM_REPLICATION, &there))
		return hm_fail_set(fail, HM_E_BAD, "it does not say whose replication it is");
	r = check_plans(of->parts, here->parts, fail);
	if (r == 0)
		r = make(&again, &agreement, of, here->parts, hm_slice_of(&here->findings), fail);
	if (r < 0)
		return r;
	if (!hm_slice_eq(hm_slice_of(&again), there))
		return hm_fail_set(fail, HM_E_BAD, "made again from both bundles, " HM_REPLICATION " is another");
	*counts = hm_agree_exit(agreement) == 0 && json_is_true(json_object_get(json_object_get(agreement, "product"), "same"));
	return 0;
}
