/* The statement. Its subjects are names and digests; in-toto matches by digest and wants names to be unique, so a path that
 * stands for several contents gets the digest behind it, and one that is no UTF-8 is percent-encoded (RFC 3986). */
#include "attest.h"

#include "bundle.h"
#include "json.h"
#include "text.h"

struct subject {
	char *name;
	char sha256[65];
};

struct subjects {
	struct subject *list;
	size_t count;
};

static void release(struct subjects *s)
{
	for (size_t i = 0; i < s->count; i++)
		free(s->list[i].name);
	free(s->list);
}

static int compare(const void *a, const void *b)
{
	const struct subject *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : strcmp(x->sha256, y->sha256);
}

static bool is_plain(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || memchr("-._~/", c, 5);
}

static char *subject_name(struct hm_slice path)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };

	if (hm_text_is_utf8(path) && !(path.len && memchr(path.data, 0, path.len)))
		return hm_slice_dup(path);
	for (size_t i = 0; i < path.len; i++) {
		if (is_plain(path.data[i]))
			hm_bytes_u8(&out, path.data[i]);
		else
			hm_bytes_printf(&out, "%%%02X", path.data[i]);
	}
	return hm_slice_dup(hm_slice_of(&out));
}

static int read_subject(struct subject *out, const json_t *artifact, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes path = { 0 };
	const json_t *sha256 = json_object_get(artifact, "sha256");
	uint8_t digest[HM_SHA256_LEN];
	int r;

	if (!json_is_object(artifact) || !json_is_string(sha256) ||
	    hm_text_unhex(digest, sizeof(digest), hm_slice_text(json_string_value(sha256))) < 0)
		return hm_fail_set(fail, HM_E_BAD, "findings.json: an artifact without a sha256");
	r = hm_json_get_bytes(artifact, "path", &path, fail);
	if (r < 0)
		return hm_fail_in(fail, "findings.json: an artifact");
	memcpy(out->sha256, json_string_value(sha256), 65);
	out->name = subject_name(hm_slice_of(&path));
	return 0;
}

/* All artifacts, sorted, each pair of name and digest once. */
static int read_subjects(struct subjects *out, const json_t *artifacts, struct hm_fail *fail)
{
	size_t kept = 0, i;
	json_t *artifact;

	out->list = hm_alloc(json_array_size(artifacts) + 1, sizeof(*out->list));
	json_array_foreach(artifacts, i, artifact) {
		int r = read_subject(&out->list[i], artifact, fail);

		if (r < 0)
			return r;
		out->count++;
	}
	if (out->count == 0)
		return hm_fail_set(fail, HM_E_BAD, "statement: findings.json names no artifact, so there is nothing to attest");
	qsort(out->list, out->count, sizeof(*out->list), compare);
	for (i = 0; i < out->count; i++) {
		if (kept && compare(&out->list[kept - 1], &out->list[i]) == 0)
			free(out->list[i].name);
		else
			out->list[kept++] = out->list[i];
	}
	out->count = kept;
	return 0;
}

static json_t *descriptor(const char *name, const char *sha256)
{
	return json_pack("{s:s, s:{s:s}}", "name", name, "digest", "sha256", sha256);
}

static json_t *subject_array(const struct subjects *s)
{
	json_t *array = json_array();

	for (size_t i = 0; i < s->count; i++) {
		const struct subject *a = &s->list[i];
		bool shared = (i && strcmp(a[-1].name, a->name) == 0) ||
			      (i + 1 < s->count && strcmp(a[1].name, a->name) == 0);
		HM_FREE char *name = shared ? hm_sprintf("%s#sha256:%s", a->name, a->sha256) : hm_strdup(a->name);

		json_array_append_new(array, descriptor(name, a->sha256));
	}
	return array;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Ids of the claims with that verdict, sorted. */
static json_t *ids_of(const json_t *claims, const char *verdict)
{
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

static int check_claims(const json_t *claims, struct hm_fail *fail)
{
	static const char *const verdicts[] = { "upheld", "refuted", "not verifiable" };
	json_t *claim;
	size_t i;

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

static json_t *predicate(const json_t *claims, const char *core, const char *manifest)
{
	json_t *passed = ids_of(claims, "upheld"), *failed = ids_of(claims, "refuted");
	json_t *warned = ids_of(claims, "not verifiable");
	/* Not one claim judged is no success. */
	const char *result = json_array_size(failed)				? "FAILED"
			     : json_array_size(warned) || !json_array_size(passed) ? "WARNED"
										   : "PASSED";

	return json_pack("{s:s, s:[o, o], s:o, s:o, s:o}", "result", result, "configuration", descriptor("core.json", core),
			 descriptor("manifest.json", manifest), "passedTests", passed, "warnedTests", warned, "failedTests",
			 failed);
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
	HM_CLEANUP(release) struct subjects subjects = { 0 };
	HM_JSON json_t *findings = NULL, *statement = NULL;
	const json_t *artifacts, *claims;
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
	artifacts = json_object_get(json_object_get(findings, "product"), "artifacts");
	claims = json_object_get(findings, "claims");
	if (!json_is_array(artifacts) || !json_is_array(claims))
		return hm_fail_set(fail, HM_E_BAD, "findings.json: no artifacts or no claims");
	r = read_subjects(&subjects, artifacts, fail);
	if (r == 0)
		r = check_claims(claims, fail);
	if (r < 0)
		return r;
	statement = json_pack("{s:s, s:o, s:s, s:o}", "_type", "https://in-toto.io/Statement/v1", "subject",
			      subject_array(&subjects), "predicateType", "https://in-toto.io/attestation/test-result/v0.1",
			      "predicate", predicate(claims, core, manifest));
	if (!statement)
		return hm_fail_set(fail, HM_E_BAD, "statement: a name in findings.json is no text");
	hm_json_write(out, statement);
	return 0;
}
