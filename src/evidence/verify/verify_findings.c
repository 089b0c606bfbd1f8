#include "verify_internal.h"

#include "derived.h"
#include "evaluate.h"

/* Where two documents part. */
static size_t difference(struct hm_slice a, struct hm_slice b)
{
	size_t i = 0;

	while (i < a.len && i < b.len && a.data[i] == b.data[i])
		i++;
	return i;
}

struct again {
	struct check *check;
	size_t same;
	bool differs;
	struct hm_fail why; /* the first that differs */
};

/* What stands derived in the bundle, against what is derived here. */
static int compare_features(void *cookie, unsigned run, const struct hm_features *features, struct hm_fail *fail HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes rows = { 0 };
	HM_FREE char *name = hm_sprintf("runs/%04u/features.cbor.zst", run);
	struct again *again = cookie;
	struct hm_slice part;

	if (again->differs || !hm_parts_get(again->check->parts, name, &part))
		return 0;
	hm_derived_rows(&rows, features);
	if (hm_derived_check(part, hm_slice_of(&rows), &again->why) == 0) {
		again->same++;
		return 0;
	}
	again->differs = true;
	(void)hm_fail_in(&again->why, "%s", name);
	return 0;
}

static size_t derived_parts(const struct hm_parts *parts)
{
	size_t count = 0;

	for (size_t i = 0; i < hm_parts_count(parts); i++) {
		const char *name = hm_parts_at(parts, i, NULL), *slash = strrchr(name, '/');

		count += slash && strcmp(slash, "/features.cbor.zst") == 0;
	}
	return count;
}

static void say_features(struct check *c, const struct again *again, int evaluated)
{
	size_t there = derived_parts(c->parts);

	if (evaluated < 0 && there)
		hm_verify_say(c->v, "features", HM_CHECK_UNCHECKED, "cannot be derived again, see findings");
	else if (again->differs)
		hm_verify_say(c->v, "features", HM_CHECK_FALSE, "%s", again->why.text);
	else if (again->same < there)
		hm_verify_say(c->v, "features", HM_CHECK_FALSE, "%zu parts belong to no run of an experiment", there - again->same);
	else if (there)
		hm_verify_say(c->v, "features", HM_CHECK_HOLDS, "those of %zu runs derived again: the same", there);
}

void hm_verify_findings(struct check *c)
{
	struct again derived = { .check = c };
	const struct hm_evaluate_watch watch = { compare_features, &derived };
	struct hm_slice there = { 0 }, again;
	struct hm_fail fail = { 0 };
	int r = hm_evaluate_watched(&c->v->findings, c->parts, &watch, &fail);

	say_features(c, &derived, r);
	if (c->withheld) {
		hm_verify_withheld_claims(c, r < 0 ? (struct hm_slice){ 0 } : hm_slice_of(&c->v->findings));
		c->v->findings.len = 0; /* nobody takes these for what the whole record gives */
		return;
	}
	if (r < 0) {
		c->v->findings.len = 0;
		hm_verify_say(c->v, "findings", hm_verify_outcome(r), "cannot be derived: %s", fail.text);
		return;
	}
	again = hm_slice_of(&c->v->findings);
	hm_parts_get(c->parts, "findings.json", &there);
	c->recomputed = hm_slice_eq(again, there);
	if (c->recomputed)
		hm_verify_say(c->v, "findings", HM_CHECK_HOLDS, "derived again from the records: the same %zu bytes", there.len);
	else
		hm_verify_say(c->v, "findings", HM_CHECK_FALSE, "derived again they differ at byte %zu", difference(again, there));
}

static const char *verdict_of(const json_t *findings, const char *id)
{
	json_t *claim;
	size_t i;

	json_array_foreach(json_object_get(findings, "claims"), i, claim) {
		const char *there = json_string_value(json_object_get(claim, "id"));

		if (there && strcmp(there, id) == 0)
			return json_string_value(json_object_get(claim, "verdict"));
	}
	return NULL;
}

/* The same where evidence is withheld. */
static void require_of_rest(struct check *c)
{
	for (size_t i = 0; i < c->require_count; i++) {
		const char *says;
		enum hm_check outcome = hm_verify_withheld_require(c, c->require[i], &says);

		if (outcome == HM_CHECK_HOLDS)
			continue;
		hm_verify_say(c->v, "require", outcome, "%s is %s", c->require[i], says);
		if (outcome == HM_CHECK_FALSE)
			return;
	}
}

/* Verdicts are taken from what was derived here, never from what the bundle says. */
void hm_verify_require(struct check *c)
{
	HM_JSON json_t *findings = NULL;
	struct hm_fail fail = { 0 };

	if (!c->require_count)
		return;
	if (c->withheld) {
		require_of_rest(c);
		return;
	}
	if (!c->v->findings.len || hm_json_parse(&findings, hm_slice_of(&c->v->findings), "findings", &fail) < 0) {
		hm_verify_say(c->v, "require", HM_CHECK_UNCHECKED, "no findings could be derived");
		return;
	}
	for (size_t i = 0; i < c->require_count; i++) {
		const char *verdict = verdict_of(findings, c->require[i]);

		if (verdict && strcmp(verdict, "upheld") == 0)
			continue;
		hm_verify_say(c->v, "require", HM_CHECK_FALSE, "%s is %s", c->require[i],
			      verdict ? verdict : "not judged in this bundle");
		return;
	}
	hm_verify_say(c->v, "require", HM_CHECK_HOLDS, "all %zu required claims are upheld", c->require_count);
}
