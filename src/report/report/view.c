#include <inttypes.h>

#include "digest.h"
#include "report_internal.h"

const char *report_text(const json_t *object, const char *name)
{
	const char *s = json_string_value(json_object_get(object, name));

	return s ? s : "";
}

uint64_t report_int(const json_t *object, const char *name)
{
	json_int_t n = json_integer_value(json_object_get(object, name));

	return n > 0 ? (uint64_t)n : 0;
}

const json_t *report_list(const json_t *object, const char *name)
{
	const json_t *list = json_object_get(object, name);

	return json_is_array(list) ? list : NULL;
}

const json_t *report_object(const json_t *object, const char *name)
{
	const json_t *member = json_object_get(object, name);

	return json_is_object(member) ? member : NULL;
}

void report_bytes(struct hm_bytes *out, const json_t *object, const char *name)
{
	size_t before = out->len;

	if (object && hm_json_get_bytes(object, name, out, NULL) < 0)
		out->len = before;
}

bool report_run_part(const struct report_view *v, uint64_t run, const char *file, struct hm_slice *out)
{
	HM_FREE char *name = hm_sprintf("runs/%04" PRIu64 "/%s", run, file);

	return hm_parts_get(v->parts, name, out);
}

static int unhex(char c)
{
	const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c | 0x20) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* The version of a package URL: what stands between '@' and '?' or '#', percent-decoded (purl-spec). */
static char *version_of(const char *purl)
{
	const char *at = strrchr(purl, '@');
	size_t length = at ? strcspn(at + 1, "?#") : 0;
	char *version = hm_alloc(length + 1, 1), *to = version;

	for (size_t i = 1; i <= length; i++) {
		bool encoded = at[i] == '%' && i + 2 <= length && unhex(at[i + 1]) >= 0 && unhex(at[i + 2]) >= 0;
		int c = encoded ? unhex(at[i + 1]) << 4 | unhex(at[i + 2]) : (uint8_t)at[i];

		if (c)
			*to++ = (char)c;
		i += encoded ? 2 : 0;
	}
	return version;
}

static int load_document(json_t **ret, const struct hm_parts *parts, const char *name, struct hm_fail *fail)
{
	struct hm_slice text;
	int r;

	if (!hm_parts_get(parts, name, &text))
		return 0;
	r = hm_json_parse(ret, text, name, fail);
	if (r == 0 && !json_is_object(*ret))
		r = hm_fail_set(fail, HM_E_BAD, "reading %s: not an object", name);
	return r;
}

static int check_findings(const json_t *findings, struct hm_fail *fail)
{
	static const char *const lists[] = { "claims", "not_tested", "losses", "ledger" };
	const json_t *item;
	size_t at;

	if (strcmp(report_text(findings, "schema"), "hallmark/findings/v1") != 0)
		return hm_fail_set(fail, HM_E_UNKNOWN, "reading findings.json: schema is not hallmark/findings/v1");
	if (!report_object(findings, "product") || !report_object(findings, "experiment"))
		return hm_fail_set(fail, HM_E_BAD, "reading findings.json: no product or no experiment");
	for (size_t i = 0; i < HM_COUNT(lists); i++) {
		if (!report_list(findings, lists[i]))
			return hm_fail_set(fail, HM_E_BAD, "reading findings.json: no list %s", lists[i]);
		json_array_foreach (report_list(findings, lists[i]), at, item)
			if (!json_is_object(item))
				return hm_fail_set(fail, HM_E_BAD, "reading findings.json: %s holds no objects", lists[i]);
	}
	json_array_foreach (report_list(findings, "claims"), at, item)
		if (!*report_text(item, "id") || !*report_text(item, "verdict") || !*report_text(item, "reason"))
			return hm_fail_set(fail, HM_E_BAD, "reading findings.json: claim %zu is not whole", at);
	return 0;
}

bool report_handshakes(struct hm_bytes *out, const struct report_view *v)
{
	uint64_t accepted = 0, refused = 0, failed = 0;
	const json_t *run;
	size_t i;

	json_array_foreach (report_list(v->assessment, "runs"), i, run) {
		const json_t *tls = report_object(run, "tls");

		accepted += report_int(tls, "accepted");
		refused += report_int(tls, "refused");
		failed += report_int(tls, "failed");
	}
	if (!accepted && !refused && !failed)
		return false;
	hm_bytes_printf(out, "%" PRIu64 " TLS handshake%s accepted, %" PRIu64 " refused by the product, %" PRIu64 " failed", accepted,
			accepted == 1 ? "" : "s", refused, failed);
	return true;
}

/* Each run once and in order: a run that is listed a million times would be read a million times. */
static int check_runs(const json_t *assessment, struct hm_fail *fail)
{
	const json_t *run;
	uint64_t last = 0;
	size_t at;

	json_array_foreach (report_list(assessment, "runs"), at, run) {
		if (report_int(run, "run") <= last)
			return hm_fail_set(fail, HM_E_BAD, "reading assessment.json: its runs are not in order");
		last = report_int(run, "run");
	}
	return 0;
}

int report_view_load(struct report_view *v, const struct hm_parts *parts, struct hm_fail *fail)
{
	const struct {
		const char *name;
		json_t **document;
	} documents[] = {
		{ "findings.json", &v->findings }, { "assessment.json", &v->assessment },
		{ "plan.json", &v->plan },	   { "product.json", &v->product },
		{ "planted.json", &v->planted },   { "declaration.json", &v->declaration }, { HM_REPORT_REPLIES, &v->replies },
		{ "claims.json", &v->claims },
	};
	struct hm_slice core;
	int r;

	*v = (struct report_view){ .parts = parts };
	for (size_t i = 0; i < HM_COUNT(documents); i++) {
		r = load_document(documents[i].document, parts, documents[i].name, fail);
		if (r < 0)
			return r;
	}
	if (!v->findings)
		return hm_fail_set(fail, HM_E_BAD, "reading findings.json: it is not there");
	r = check_findings(v->findings, fail);
	if (r == 0)
		r = check_runs(v->assessment, fail);
	if (r < 0)
		return r;
	if (hm_parts_get(parts, "core.json", &core)) {
		struct hm_sha256 id;

		hm_sha256_slice(&id, core);
		hm_text_hex_into(v->bundle_id, (struct hm_slice){ id.b, sizeof(id.b) });
	}
	v->name = report_text(report_object(v->findings, "product"), "name");
	v->version_own = version_of(report_text(report_object(v->findings, "product"), "purl"));
	v->version = v->version_own;
	return 0;
}

void report_view_release(struct report_view *v)
{
	json_decref(v->findings);
	json_decref(v->assessment);
	json_decref(v->plan);
	json_decref(v->product);
	json_decref(v->planted);
	json_decref(v->declaration);
	json_decref(v->replies);
	json_decref(v->claims);
	free(v->version_own);
	*v = (struct report_view){ 0 };
}
