/* core.json and manifest.json. Both hold nothing but names that hm_bundle_check_parts let through, hex and integers, so
 * they are written as text that is canonical by construction. */
#include "bundle_internal.h"

#include "json.h"
#include "run.h"
#include "text.h"

static void put_digest(struct hm_bytes *out, const struct hm_sha256 *digest)
{
	hm_text_hex(out, (struct hm_slice){ digest->b, HM_SHA256_LEN });
}

static void put_sha256(struct hm_bytes *out, struct hm_slice content)
{
	struct hm_sha256 digest;

	hm_sha256_slice(&digest, content);
	put_digest(out, &digest);
}

/* `"name":"sha256:hex"` of a part that is there. */
static void put_prefixed(struct hm_bytes *out, const char *member, const struct hm_parts *parts, const char *part)
{
	struct hm_slice content = { 0 };

	hm_parts_get(parts, part, &content);
	hm_bytes_printf(out, "\"%s\":\"sha256:", member);
	put_sha256(out, content);
	hm_bytes_text(out, "\"");
}

static void put_inputs(struct hm_bytes *out, const struct hm_parts *parts)
{
	const char *comma = "";

	hm_bytes_text(out, "\"inputs\":[");
	for (size_t i = 0; i < hm_parts_count(parts); i++) {
		struct hm_slice content;
		const char *name = hm_parts_at(parts, i, &content);

		if (hm_part_rule(name)->role != HM_PART_INPUT)
			continue;
		hm_bytes_printf(out, "%s{\"name\":\"%s\",\"sha256\":\"", comma, name);
		put_sha256(out, content);
		hm_bytes_text(out, "\"}");
		comma = ",";
	}
	hm_bytes_text(out, "]");
}

/* What a core.json that is there already says of losses, read row by row beside the parts. */
struct stated {
	json_t *core;
	size_t at;
};

static void release_stated(struct stated *s)
{
	json_decref(s->core);
}

/* Where what tells the losses is withheld, they are those that core.json states; never fewer than are left to be counted. */
static int take_stated(struct stated *s, uint64_t *lost, const struct hm_parts *parts, const char *name, struct hm_fail *fail)
{
	struct hm_slice text = { 0 };
	const json_t *rows, *value;
	const char *there = NULL;
	int r = 0;

	if (!s->core && !hm_parts_get(parts, "core.json", &text))
		return hm_fail_set(fail, HM_E_BAD, "%s: something is withheld, and there is no core.json that tells the losses", name);
	if (!s->core)
		r = hm_json_parse_canonical(&s->core, text, "core.json", fail);
	if (r < 0)
		return r;
	rows = json_object_get(s->core, "records");
	for (; s->at < json_array_size(rows); s->at++) {
		there = json_string_value(json_object_get(json_array_get(rows, s->at), "name"));
		if (!there || strcmp(there, name) >= 0)
			break;
	}
	value = json_object_get(json_array_get(rows, s->at), "lost");
	if (!there || strcmp(there, name) != 0 || !json_is_integer(value) || json_integer_value(value) < 0 || (uint64_t)json_integer_value(value) < *lost)
		return hm_fail_set(fail, HM_E_BAD, "%s: core.json states fewer losses than are left to be counted", name);
	*lost = (uint64_t)json_integer_value(value);
	return 0;
}

static int put_records(struct hm_bytes *out, const struct hm_parts *parts, struct hm_fail *fail)
{
	HM_CLEANUP(release_stated) struct stated stated = { 0 };
	struct hm_run_cache cache = { 0 };
	const char *comma = "";

	hm_bytes_text(out, "\"records\":[");
	for (size_t i = 0; i < hm_parts_count(parts); i++) {
		const char *name = hm_parts_at(parts, i, NULL);
		struct hm_run_part p;
		int r = hm_run_part(&p, &cache, parts, i, fail);

		if (r < 0)
			return r;
		if (r == 0)
			continue;
		if (p.withheld)
			r = take_stated(&stated, &p.lost, parts, name, fail);
		if (r < 0)
			return r;
		hm_bytes_printf(out, "%s{", comma);
		if (p.is_record)
			hm_bytes_printf(out, "\"cut\":%s,\"items\":%llu,", p.cut ? "true" : "false", (unsigned long long)p.items);
		hm_bytes_printf(out, "\"leaves\":%llu,\"lost\":%llu,\"name\":\"%s\",\"root\":\"", (unsigned long long)p.leaves,
				(unsigned long long)p.lost, name);
		put_digest(out, &p.root);
		hm_bytes_text(out, "\"}");
		comma = ",";
	}
	hm_bytes_text(out, "]");
	return 0;
}

/* The semantics that the plan was made for; format 1 has one plan format. */
static int plan_semantics(json_int_t *semantics, const struct hm_parts *parts, struct hm_fail *fail)
{
	struct hm_slice text = { 0 };
	HM_JSON json_t *plan = NULL;
	json_t *value;
	int r;

	hm_parts_get(parts, "plan.json", &text);
	r = hm_json_parse_canonical(&plan, text, "plan.json", fail);
	if (r < 0)
		return r;
	value = json_object_get(plan, "semantics");
	if (!json_is_integer(value) || json_integer_value(value) < 1)
		return hm_fail_set(fail, HM_E_BAD, "plan.json: semantics is no number from 1");
	*semantics = json_integer_value(value);
	return 0;
}

int hm_bundle_core(struct hm_bytes *out, const struct hm_parts *parts, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes core = { 0 };
	json_int_t semantics = 0;
	int r = hm_bundle_check_parts(parts, false, fail);

	if (r == 0)
		r = plan_semantics(&semantics, parts, fail);
	if (r < 0)
		return r;
	hm_bytes_text(&core, "{");
	put_prefixed(&core, "claim_set", parts, "claims.json");
	hm_bytes_text(&core, ",");
	put_prefixed(&core, "findings", parts, "findings.json");
	hm_bytes_printf(&core, ",\"format\":%d,", HM_BUNDLE_FORMAT);
	put_inputs(&core, parts);
	hm_bytes_text(&core, ",");
	r = put_records(&core, parts, fail);
	if (r < 0)
		return r;
	hm_bytes_printf(&core, ",\"schema\":\"hallmark/core/v1\",\"semantics\":%lld}", (long long)semantics);
	hm_bytes_slice(out, hm_slice_of(&core));
	return 0;
}

void hm_bundle_manifest_entry(struct hm_bytes *out, const char *name, struct hm_slice content)
{
	hm_bytes_printf(out, "{\"length\":%zu,\"name\":\"%s\",\"sha256\":\"", content.len, name);
	put_sha256(out, content);
	hm_bytes_text(out, "\"}");
}

bool hm_bundle_in_manifest(const char *name)
{
	const struct hm_part_rule *rule = hm_part_rule(name);

	return rule && rule->role != HM_PART_OUTSIDE && strcmp(name, "manifest.json") != 0;
}

int hm_bundle_manifest(struct hm_bytes *out, const struct hm_parts *parts, struct hm_fail *fail)
{
	const char *comma = "";
	struct hm_slice content;
	int r = hm_bundle_check_parts(parts, false, fail);

	if (r == 0 && !hm_parts_get(parts, "core.json", &content))
		r = hm_fail_set(fail, HM_E_BAD, "manifest: core.json is missing");
	if (r < 0)
		return r;
	hm_bytes_text(out, "{\"members\":[");
	for (size_t i = 0; i < hm_parts_count(parts); i++) {
		const char *name = hm_parts_at(parts, i, &content);

		if (!hm_bundle_in_manifest(name))
			continue;
		hm_bytes_text(out, comma);
		hm_bundle_manifest_entry(out, name, content);
		comma = ",";
	}
	hm_bytes_text(out, "],\"schema\":\"hallmark/manifest/v1\"}");
	return 0;
}

int hm_bundle_seal(struct hm_parts *parts, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes core = { 0 }, manifest = { 0 };
	struct hm_slice content;
	int r;

	if (hm_parts_get(parts, "core.json", &content) || hm_parts_get(parts, "manifest.json", &content))
		return hm_fail_set(fail, HM_E_BAD, "sealing the bundle: it is sealed already");
	r = hm_bundle_core(&core, parts, fail);
	if (r == 0)
		r = hm_parts_take(parts, "core.json", &core, fail);
	if (r == 0)
		r = hm_bundle_manifest(&manifest, parts, fail);
	if (r == 0)
		r = hm_parts_take(parts, "manifest.json", &manifest, fail);
	return r < 0 ? hm_fail_in(fail, "sealing the bundle") : 0;
}

int hm_bundle_id(struct hm_sha256 *out, const struct hm_parts *parts, struct hm_fail *fail)
{
	struct hm_slice core;

	if (!hm_parts_get(parts, "core.json", &core))
		return hm_fail_set(fail, HM_E_BAD, "bundle id: core.json is missing");
	hm_sha256_slice(out, core);
	return 0;
}
