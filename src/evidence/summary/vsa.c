/* A verification summary says that somebody verified the bundle and that every claim that was judged is upheld. Gatekeepers ask it for levels: so each claim is
 * one, and nobody needs to take PASSED for more than it is. */
#include "attest.h"
#include "subject.h"
#include "summary_internal.h"

static json_t *levels_of(const json_t *findings)
{
	HM_JSON json_t *ids = hm_result_ids(findings, "upheld");
	json_t *levels = json_array();
	const json_t *id;
	size_t i;

	json_array_append_new(levels, json_string("HALLMARK_UPHELD"));
	json_array_foreach (ids, i, id)
		json_array_append_new(levels, json_sprintf("HALLMARK_UPHELD_%s", json_string_value(id)));
	return levels;
}

/* The digest of each line of the bundle's attestations. */
static json_t *inputs_of(struct hm_slice lines)
{
	json_t *inputs = json_array();

	while (lines.len) {
		const uint8_t *end = memchr(lines.data, '\n', lines.len);
		size_t len = end ? (size_t)(end - lines.data) : lines.len;
		char hex[65];

		hm_summary_digest(hex, (struct hm_slice){ lines.data, len });
		json_array_append_new(inputs, json_pack("{s:s, s:{s:s}}", "uri", HM_ATTESTATIONS, "digest", "sha256", hex));
		lines.data += len + (end != NULL);
		lines.len -= len + (end != NULL);
	}
	return inputs;
}

static json_t *predicate_of(const json_t *findings, struct hm_slice claims, struct hm_slice attestations, const char *verifier, const char *resource)
{
	long long semantics = json_integer_value(json_object_get(findings, "semantics"));
	char policy[65], number[24];

	hm_summary_digest(policy, claims);
	snprintf(number, sizeof(number), "%lld", semantics);
	return json_pack("{s:{s:s, s:{s:s}}, s:s, s:{s:s, s:{s:s}}, s:o, s:s, s:o}", "verifier", "id", verifier, "version", "hallmark/semantics", number,
			 "resourceUri", resource, "policy", "uri", "urn:hallmark:claim-set:v1", "digest", "sha256", policy, "inputAttestations",
			 inputs_of(attestations), "verificationResult", "PASSED", "verifiedLevels", levels_of(findings));
}

int hm_summary_vsa(struct hm_bytes *out, const struct hm_parts *parts, const char *verifier, const char *resource, struct hm_fail *fail)
{
	HM_JSON json_t *findings = NULL, *predicate = NULL;
	struct hm_slice attestations, claims;
	json_t *subjects = NULL;
	int r = hm_summary_part(&findings, parts, "findings.json", fail);

	if (r == 0)
		r = hm_result_check(findings, fail);
	if (r < 0)
		return r;
	if (strcmp(hm_result(findings), "PASSED") != 0)
		return hm_fail_set(fail, HM_E_UNKNOWN, "verification summary: not every judged claim is upheld, so there is none");
	if (!hm_parts_get(parts, HM_ATTESTATIONS, &attestations) || !hm_parts_get(parts, "claims.json", &claims))
		return hm_fail_set(fail, HM_E_UNKNOWN, "verification summary: nobody attested this bundle");
	if (!resource)
		resource = json_string_value(json_object_get(json_object_get(findings, "product"), "purl"));
	if (!resource)
		return hm_fail_set(fail, HM_E_USAGE, "verification summary: the product has no purl (give --resource URI)");
	predicate = predicate_of(findings, claims, attestations, verifier, resource);
	if (!predicate)
		return hm_fail_set(fail, HM_E_USAGE, "verification summary: verifier or resource is no UTF-8");
	r = hm_subjects(&subjects, findings, fail);
	if (r == 0)
		hm_summary_write(out, subjects, HM_SUMMARY_VSA, json_incref(predicate));
	return r;
}
