#include "summary.h"

#include "attest.h"
#include "subject.h"
#include "summary_internal.h"
#include "text.h"

int hm_summary_part(json_t **ret, const struct hm_parts *parts, const char *name, struct hm_fail *fail)
{
	struct hm_slice text;

	if (!hm_parts_get(parts, name, &text))
		return hm_fail_set(fail, HM_E_BAD, "statement: %s is missing", name);
	return hm_json_parse_canonical(ret, text, name, fail);
}

void hm_summary_digest(char hex[65], struct hm_slice content)
{
	struct hm_sha256 digest;

	hm_sha256_slice(&digest, content);
	hm_text_hex_into(hex, (struct hm_slice){ digest.b, HM_SHA256_LEN });
}

void hm_summary_write(struct hm_bytes *out, json_t *subjects, const char *type, json_t *predicate)
{
	HM_JSON json_t *statement = json_object();

	json_object_set_new(statement, "_type", json_string("https://in-toto.io/Statement/v1"));
	json_object_set_new(statement, "subject", subjects);
	json_object_set_new(statement, "predicateType", json_string(type));
	json_object_set_new(statement, "predicate", predicate);
	hm_json_write(out, statement);
}

/* A copy of a member, so that nothing is shared with the document that it came from; null for one that is not there. */
static json_t *copy_of(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return value ? json_deep_copy(value) : json_null();
}

static void put_claims(json_t *predicate, const json_t *findings)
{
	json_t *claims = json_array(), *bounds = json_array(), *row;
	const json_t *claim;
	size_t i;

	json_array_foreach (json_object_get(findings, "claims"), i, claim) {
		row = json_object();
		json_object_set_new(row, "id", copy_of(claim, "id"));
		json_object_set_new(row, "verdict", copy_of(claim, "verdict"));
		json_object_set_new(row, "reason", copy_of(claim, "reason"));
		json_array_append_new(claims, row);
		if (!json_object_get(claim, "bound"))
			continue;
		row = json_object();
		json_object_set_new(row, "id", copy_of(claim, "id"));
		json_object_set_new(row, "bound", copy_of(claim, "bound"));
		json_array_append_new(bounds, row);
	}
	json_object_set_new(predicate, "claims", claims);
	json_object_set_new(predicate, "bounds", bounds);
}

/* "sha256:HEX" without its head. */
static json_t *hex_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return json_string(text && strncmp(text, "sha256:", 7) == 0 ? text + 7 : "");
}

static void put_monitor(json_t *predicate, const json_t *findings, const json_t *assessment, const char *core)
{
	const json_t *product = json_object_get(findings, "product"), *chamber = json_object_get(assessment, "chamber");
	const char *profile = json_string_value(json_object_get(chamber, "profile"));
	json_t *source = json_object(), *policy = json_object(), *monitor = json_object(), *process = json_object(), *digest = json_object();

	json_object_set_new(digest, "sha256", hex_of(findings, "plan"));
	json_object_set_new(source, "name", json_string("plan.json"));
	json_object_set_new(source, "digest", digest);
	digest = json_object();
	json_object_set_new(digest, "sha256", hex_of(findings, "claim_set"));
	json_object_set_new(policy, "claimSet", digest);
	json_object_set_new(policy, "factors", copy_of(json_object_get(findings, "experiment"), "factors"));
	json_object_set_new(monitor, "type", json_string("urn:hallmark:monitor:v1"));
	json_object_set_new(monitor, "configSource", source);
	json_object_set_new(monitor, "tracePolicy", policy);
	json_object_set_new(process, "event", copy_of(product, "name"));
	json_object_set_new(process, "hostID", json_sprintf("urn:hallmark:bundle:%s", core));
	json_object_set_new(process, "type", json_sprintf("urn:hallmark:chamber:%s", profile ? profile : "unknown"));
	json_object_set_new(predicate, "monitor", monitor);
	json_object_set_new(predicate, "monitoredProcess", process);
}

int hm_summary_assessment(struct hm_bytes *out, const struct hm_parts *parts, struct hm_fail *fail)
{
	HM_JSON json_t *findings = NULL, *core = NULL, *assessment = NULL;
	json_t *subjects = NULL, *predicate, *coverage;
	struct hm_slice text = { 0 };
	char id[65];
	int r = hm_summary_part(&findings, parts, "findings.json", fail);

	if (r == 0)
		r = hm_summary_part(&core, parts, "core.json", fail);
	if (r == 0)
		r = hm_summary_part(&assessment, parts, "assessment.json", fail);
	if (r == 0)
		r = hm_result_check(findings, fail);
	if (r == 0)
		r = hm_subjects(&subjects, findings, fail);
	if (r < 0)
		return r;
	hm_parts_get(parts, "core.json", &text);
	hm_summary_digest(id, text);
	predicate = json_object();
	coverage = json_object();
	json_object_set_new(coverage, "experiment", copy_of(findings, "experiment"));
	json_object_set_new(coverage, "notTested", copy_of(findings, "not_tested"));
	json_object_set_new(coverage, "runs", json_integer((json_int_t)json_array_size(json_object_get(findings, "losses"))));
	json_object_set_new(predicate, "bundle", hm_subject("core.json", id));
	json_object_set_new(predicate, "coverage", coverage);
	json_object_set_new(predicate, "doesNotAssert", copy_of(json_object_get(findings, "scope"), "not_asserted"));
	json_object_set_new(predicate, "losses", copy_of(findings, "losses"));
	json_object_set_new(predicate, "records", copy_of(core, "records"));
	json_object_set_new(predicate, "result", json_string(hm_result(findings)));
	json_object_set_new(predicate, "semantics", copy_of(core, "semantics"));
	put_claims(predicate, findings);
	put_monitor(predicate, findings, assessment, id);
	hm_summary_write(out, subjects, HM_SUMMARY_ASSESSMENT, predicate);
	return 0;
}

/* The statement that a statement of this type must be. */
static int make_again(struct hm_bytes *out, const char **kind, const struct hm_parts *parts, const json_t *statement, struct hm_fail *fail)
{
	const char *type = json_string_value(json_object_get(statement, "predicateType"));
	const json_t *predicate = json_object_get(statement, "predicate");
	const char *verifier = json_string_value(json_object_get(json_object_get(predicate, "verifier"), "id"));
	const char *resource = json_string_value(json_object_get(predicate, "resourceUri"));

	if (type && strcmp(type, HM_SUMMARY_ASSESSMENT) == 0) {
		*kind = "what was recorded, and what it does not assert";
		return hm_summary_assessment(out, parts, fail);
	}
	if (type && strcmp(type, "https://in-toto.io/attestation/test-result/v0.1") == 0) {
		*kind = "the bundle's own statement";
		return hm_attest_statement(out, parts, fail);
	}
	if (!type || strcmp(type, HM_SUMMARY_VSA) != 0)
		return hm_fail_set(fail, HM_E_BAD, "a statement of another type than those that are made of bundles");
	*kind = "verification summary";
	if (!verifier || !resource)
		return hm_fail_set(fail, HM_E_BAD, "verification summary: no verifier, or no resource");
	return hm_summary_vsa(out, parts, verifier, resource, fail);
}

int hm_summary_check(const char **kind, const struct hm_parts *parts, struct hm_slice statement, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes again = { 0 };
	HM_JSON json_t *root = NULL;
	int r = hm_json_parse(&root, statement, "statement", fail);

	if (r == 0)
		r = make_again(&again, kind, parts, root, fail);
	if (r == HM_E_UNKNOWN || r == HM_E_USAGE)
		return hm_fail_set(fail, HM_E_BAD, "%s", "this bundle calls for no such summary: not every judged claim is upheld, or nobody attested it");
	if (r == 0 && !hm_slice_eq(hm_slice_of(&again), statement))
		r = hm_fail_set(fail, HM_E_BAD, "%s: it says something else than this bundle does", *kind);
	return r;
}
