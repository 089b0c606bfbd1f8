#include "verify_internal.h"

#include "evaluate.h"

/* Where two documents part. */
static size_t difference(struct hm_slice a, struct hm_slice b)
{
	size_t i = 0;

	while (i < a.len && i < b.len && a.data[i] == b.data[i])
		i++;
	return i;
}

void hm_verify_findings(struct check *c)
{
	struct hm_slice there = { 0 }, again;
	struct hm_fail fail = { 0 };
	int r = hm_evaluate(&c->v->findings, c->parts, &fail);

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

/* Verdicts are taken from what was derived here, never from what the bundle says. */
void hm_verify_require(struct check *c)
{
	HM_JSON json_t *findings = NULL;
	struct hm_fail fail = { 0 };

	if (!c->require_count)
		return;
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
