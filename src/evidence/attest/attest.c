/* The statement: everything in it follows from findings.json and the digests of core and manifest. */
#include "attest.h"

#include "bundle.h"
#include "subject.h"
#include "text.h"

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

json_t *hm_result_ids(const json_t *findings, const char *verdict)
{
	const json_t *claims = json_object_get(findings, "claims");
	HM_FREE const char **ids = hm_alloc(json_array_size(claims) + 1, sizeof(*ids));
	json_t *array = json_array(), *claim;
	size_t count = 0, i;

	json_array_foreach(claims, i, claim)
		if (strcmp(json_string_value(json_object_get(claim, "verdict")), verdict) == 0)
			ids[count++] = json_string_value(json_object_get(claim, "id"));
	qsort(ids, count, sizeof(*ids), by_text);
	for (i = 0; i < count; i++)
		json_array_append_new(array, json_string(ids[i]));
	return array;
}

int hm_result_check(const json_t *findings, struct hm_fail *fail)
{
	static const char *const verdicts[] = { "upheld", "refuted", "not verifiable" };
	const json_t *claims = json_object_get(findings, "claims"), *claim;
	size_t i;

	if (!json_is_array(claims))
		return hm_fail_set(fail, HM_E_BAD, "findings.json: no claims");
	json_array_foreach(claims, i, claim) {
		const char *verdict = json_string_value(json_object_get(claim, "verdict"));
		bool known = false;

		for (size_t k = 0; verdict && k < HM_COUNT(verdicts); k++)
			known = known || strcmp(verdict, verdicts[k]) == 0;
		if (!known || !json_is_string(json_object_get(claim, "id")))
			return hm_fail_set(fail, HM_E_BAD, "findings.json: a claim without id or known verdict");
	}
	return 0;
}

const char *hm_result(const json_t *findings)
{
	HM_JSON json_t *passed = hm_result_ids(findings, "upheld"), *failed = hm_result_ids(findings, "refuted");
	HM_JSON json_t *warned = hm_result_ids(findings, "not verifiable");

	if (json_array_size(failed))
		return "FAILED";
	/* Not one claim judged is no success. */
	return json_array_size(warned) || !json_array_size(passed) ? "WARNED" : "PASSED";
}

static json_t *predicate(const json_t *findings, const char *core, const char *manifest)
{
	return json_pack("{s:s, s:[o, o], s:o, s:o, s:o}", "result", hm_result(findings), "configuration", hm_subject("core.json", core),
			 hm_subject("manifest.json", manifest), "passedTests", hm_result_ids(findings, "upheld"), "warnedTests",
			 hm_result_ids(findings, "not verifiable"), "failedTests", hm_result_ids(findings, "refuted"));
}

static int hex_of_part(char hex[65], const struct hm_parts *parts, const char *name, struct hm_fail *fail)
{
	struct hm_sha256 digest;
	struct hm_slice content;

	if (!hm_parts_get(parts, name, &content))
		return hm_fail_set(fail, HM_E_BAD, "statement: %s is missing", name);
	hm_sha256_slice(&digest, content);
	hm_text_hex_into(hex, (struct hm_slice){ digest.b, HM_SHA256_LEN });
	return 0;
}

int hm_attest_statement(struct hm_bytes *out, const struct hm_parts *parts, struct hm_fail *fail)
{
	HM_JSON json_t *findings = NULL, *statement = NULL;
	json_t *subjects = NULL;
	struct hm_slice text = { 0 };
	char core[65], manifest[65];
	int r = hex_of_part(core, parts, "core.json", fail);

	/* Of a redacted bundle what was signed is the manifest of before. */
	if (r == 0)
		r = hex_of_part(manifest, parts, hm_parts_get(parts, "manifest.original.json", &text) ? "manifest.original.json" : "manifest.json", fail);
	if (r < 0)
		return r;
	hm_parts_get(parts, "findings.json", &text);
	r = hm_json_parse_canonical(&findings, text, "findings.json", fail);
	if (r < 0)
		return r;
	r = hm_result_check(findings, fail);
	if (r == 0)
		r = hm_subjects(&subjects, findings, fail);
	if (r < 0)
		return r;
	statement = json_pack("{s:s, s:o, s:s, s:o}", "_type", "https://in-toto.io/Statement/v1", "subject", subjects, "predicateType",
			      "https://in-toto.io/attestation/test-result/v0.1", "predicate", predicate(findings, core, manifest));
	if (!statement)
		return hm_fail_set(fail, HM_E_BAD, "statement: a name in findings.json is no text");
	hm_json_write(out, statement);
	return 0;
}
