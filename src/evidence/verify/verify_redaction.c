/* A bundle of which something is withheld: what was done to it, and what that leaves of each claim. */
#include "verify_internal.h"

#include "claim.h"
#include "redaction.h"

void hm_verify_redaction(struct check *c)
{
	struct hm_fail fail = { 0 };
	struct hm_slice text;
	int r = hm_redaction_kinds(&c->withheld, c->parts, &fail);

	/* What is malformed in a record or packet file is a row of core's. */
	if (r < 0 || !c->core_holds || (!c->withheld && !hm_parts_get(c->parts, HM_REDACTION, &text)))
		return;
	r = hm_redaction_check(c->parts, &fail);
	if (r < 0)
		hm_verify_say(c->v, "redaction", hm_verify_outcome(r), "%s", fail.text);
	else
		hm_verify_say(c->v, "redaction", HM_CHECK_HOLDS, "what is withheld is listed; all else is as it was, but for features that follow from it");
}

/* The row of a claim, and whether it was judged. */
static const json_t *row_of(const json_t *findings, const char *id, const char **list)
{
	static const char *const lists[] = { "claims", "not_tested" };
	const json_t *row;
	size_t i;

	for (size_t k = 0; k < HM_COUNT(lists); k++)
		json_array_foreach (json_object_get(findings, lists[k]), i, row) {
			const char *there = json_string_value(json_object_get(row, "id"));

			if (there && strcmp(there, id) == 0) {
				*list = lists[k];
				return row;
			}
		}
	return NULL;
}

/* Both say that it is not verifiable, for the same reason: only how much stands in the way is counted with what is withheld. */
static bool still_open(const json_t *row, const json_t *other)
{
	const char *verdict = json_string_value(json_object_get(row, "verdict"));

	return other && verdict && strcmp(verdict, "not verifiable") == 0 && json_equal(json_object_get(row, "verdict"), json_object_get(other, "verdict")) &&
	       json_equal(json_object_get(row, "reason"), json_object_get(other, "reason"));
}

/* `again` is what came out here, NULL where nothing did. */
static const char *status_of(const struct check *c, const json_t *row, const char *list, const json_t *again)
{
	static const unsigned touched[][2] = {
		{ HM_WITHHELD_EVENTS, HM_TOUCH_EVENTS | HM_TOUCH_PACKETS | HM_TOUCH_TREE },
		{ HM_WITHHELD_PACKETS, HM_TOUCH_PACKETS },
		{ HM_WITHHELD_TREE, HM_TOUCH_TREE },
	};
	const char *id = json_string_value(json_object_get(row, "id")), *there = NULL, *verdict;
	const json_t *other = again ? row_of(again, id, &there) : NULL;
	bool same = other && strcmp(there, list) == 0 && json_equal(row, other);
	unsigned gone = 0;

	for (size_t i = 0; i < HM_COUNT(touched); i++)
		gone |= c->withheld & touched[i][0] ? touched[i][1] : 0;
	if (!again)
		return "evidence withheld";
	if (!(gone & hm_claim_looks(id, json_is_array(json_object_get(c->plan, "blocks")))))
		return same ? "recomputed" : still_open(row, other) ? "evidence withheld" : "differs";
	verdict = json_string_value(json_object_get(row, "verdict"));
	/* What refutes it is there: more of it would change nothing. */
	return same && verdict && strcmp(verdict, "refuted") == 0 ? "recomputed" : "evidence withheld";
}

struct count {
	size_t recomputed, withheld, differ;
	const char *first; /* that differs */
};

static void add_claims(struct count *n, json_t *out, const struct check *c, const json_t *findings, const char *list, const json_t *again)
{
	const json_t *row;
	size_t i;

	json_array_foreach (json_object_get(findings, list), i, row) {
		const char *id = json_string_value(json_object_get(row, "id")), *status;
		const json_t *verdict = json_object_get(row, "verdict");

		if (!id)
			continue;
		status = status_of(c, row, list, again);
		n->recomputed += strcmp(status, "recomputed") == 0;
		n->withheld += strcmp(status, "evidence withheld") == 0;
		if (strcmp(status, "differs") == 0 && n->differ++ == 0)
			n->first = id;
		json_array_append_new(out, json_pack("{s:s,s:s,s:s}", "id", id, "status", status, "verdict",
						     json_is_string(verdict) ? json_string_value(verdict) : "not tested"));
	}
}

static size_t claims_in(const json_t *findings)
{
	return json_array_size(json_object_get(findings, "claims")) + json_array_size(json_object_get(findings, "not_tested"));
}

void hm_verify_withheld_claims(struct check *c, struct hm_slice derived)
{
	HM_JSON json_t *findings = NULL, *again = NULL, *out = json_array();
	struct hm_slice text = { 0 };
	struct hm_fail fail = { 0 };
	struct count n = { 0 };

	hm_parts_get(c->parts, "findings.json", &text);
	if (hm_json_parse_canonical(&findings, text, "findings.json", &fail) < 0) {
		hm_verify_say(c->v, "findings", HM_CHECK_FALSE, "%s", fail.text);
		return;
	}
	if (derived.len && hm_json_parse_canonical(&again, derived, "findings", &fail) < 0)
		abort(); /* made here */
	add_claims(&n, out, c, findings, "claims", again);
	add_claims(&n, out, c, findings, "not_tested", again);
	hm_json_write(&c->v->claims, out);
	if (n.differ || (again && claims_in(again) != claims_in(findings)))
		hm_verify_say(c->v, "findings", HM_CHECK_FALSE, "derived again from what is left, %zu claims differ, of which nothing is withheld (%s)",
			      n.differ, n.first ? n.first : "one is missing");
	else
		hm_verify_say(c->v, "findings", HM_CHECK_UNCHECKED, "%zu claims recomputed; of %zu the evidence is withheld: they are the word of whoever signed",
			      n.recomputed, n.withheld);
}

/* What is demanded has to be recomputed; of what is withheld nothing can be said but what the bundle says. */
enum hm_check hm_verify_withheld_require(const struct check *c, const char *id, const char **says)
{
	HM_JSON json_t *claims = NULL;
	const json_t *row;
	size_t i;

	*says = "not judged in this bundle";
	if (hm_json_parse(&claims, hm_slice_of(&c->v->claims), "claims", NULL) < 0)
		return HM_CHECK_UNCHECKED;
	json_array_foreach (claims, i, row) {
		const char *status = json_string_value(json_object_get(row, "status"));

		if (strcmp(json_string_value(json_object_get(row, "id")), id) != 0)
			continue;
		if (strcmp(json_string_value(json_object_get(row, "verdict")), "upheld") != 0) {
			*says = "not upheld";
			return HM_CHECK_FALSE;
		}
		*says = "said to be upheld, and its evidence is withheld";
		return strcmp(status, "recomputed") == 0 ? HM_CHECK_HOLDS : strcmp(status, "differs") == 0 ? HM_CHECK_FALSE : HM_CHECK_UNCHECKED;
	}
	return HM_CHECK_FALSE;
}
