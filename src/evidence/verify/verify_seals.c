#include "verify_internal.h"

#include "bundle.h"
#include "cursor.h"
#include "text.h"

#define CORE_MAX ((size_t)16 << 20)

/* The one number that is read before anything else is believed: which format the bundle says it has. 0 when it can be
 * gone on with. */
static int read_format(const struct hm_parts *parts, struct hm_fail *fail)
{
	HM_JSON json_t *core = NULL;
	struct hm_slice text = { 0 };
	const char *schema;
	json_t *format;
	int r;

	if (!hm_parts_get(parts, "core.json", &text) || text.len > CORE_MAX)
		return hm_fail_set(fail, HM_E_BAD, "core.json is missing or too large");
	r = hm_json_parse_canonical(&core, text, "core.json", fail);
	if (r < 0)
		return r;
	schema = json_string_value(json_object_get(core, "schema"));
	format = json_object_get(core, "format");
	if (!schema || strncmp(schema, "hallmark/core/v", 15) != 0 || !json_is_integer(format) || json_integer_value(format) < 1)
		return hm_fail_set(fail, HM_E_BAD, "core.json: not the core of a Hallmark bundle");
	if (json_integer_value(format) != HM_BUNDLE_FORMAT || strcmp(schema, "hallmark/core/v1") != 0)
		return hm_fail_set(fail, HM_E_UNKNOWN, "bundle format %lld (%s) is not known to this program: get a newer one",
				   (long long)json_integer_value(format), schema);
	return 0;
}

bool hm_verify_container(struct check *c, struct hm_slice file)
{
	struct hm_fail fail = { 0 };
	struct hm_sha256 id;
	int r = hm_bundle_read(&c->v->parts, file, &fail);

	if (r < 0) {
		hm_verify_say(c->v, "container", HM_CHECK_FALSE, "%s", fail.text);
		return false;
	}
	c->parts = c->v->parts;
	hm_verify_say(c->v, "container", HM_CHECK_HOLDS, "%zu members in canonical form, %zu bytes", hm_parts_count(c->parts),
		      file.len);
	r = read_format(c->parts, &fail);
	if (r < 0) {
		hm_verify_say(c->v, "core", hm_verify_outcome(r), "%s", fail.text);
		return false;
	}
	r = hm_bundle_check_parts(c->parts, true, &fail);
	hm_verify_say(c->v, "parts", hm_verify_outcome(r), "%s", r < 0 ? fail.text : "each has its place, none is missing");
	if (r == 0 && hm_bundle_id(&id, c->parts, &fail) == 0)
		hm_text_hex_into(c->v->bundle_id, (struct hm_slice){ id.b, sizeof(id.b) });
	return r == 0;
}

/* The first member whose entry does not stand where it must, for the message. One pass: a hostile manifest costs no more. */
static const char *first_difference(const struct hm_parts *parts, struct hm_slice manifest)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes entry = { 0 };
	struct hm_cursor c = hm_cursor_of(manifest);

	hm_cursor_bytes(&c, strlen("{\"members\":"));
	for (size_t i = 0; i < hm_parts_count(parts); i++) {
		struct hm_slice content;
		const char *name = hm_parts_at(parts, i, &content);

		if (!hm_bundle_in_manifest(name))
			continue;
		hm_cursor_bytes(&c, 1); /* bracket or comma */
		entry.len = 0;
		hm_bundle_manifest_entry(&entry, name, content);
		if (!hm_slice_eq(hm_cursor_bytes(&c, entry.len), hm_slice_of(&entry)))
			return name;
	}
	return "its end";
}

static void check_manifest(struct check *c)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes again = { 0 };
	struct hm_slice there = { 0 };
	struct hm_fail fail = { 0 };
	int r = hm_bundle_manifest(&again, c->parts, &fail);

	hm_parts_get(c->parts, "manifest.json", &there);
	if (r < 0)
		hm_verify_say(c->v, "manifest", hm_verify_outcome(r), "%s", fail.text);
	else if (hm_slice_eq(hm_slice_of(&again), there))
		hm_verify_say(c->v, "manifest", HM_CHECK_HOLDS, "every member has the length and SHA-256 that it names");
	else
		hm_verify_say(c->v, "manifest", HM_CHECK_FALSE, "manifest.json differs at %s", first_difference(c->parts, there));
}

static void check_core(struct check *c)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes again = { 0 };
	struct hm_slice there = { 0 };
	struct hm_fail fail = { 0 };
	int r = hm_bundle_core(&again, c->parts, &fail);

	hm_parts_get(c->parts, "core.json", &there);
	if (r < 0)
		hm_verify_say(c->v, "core", hm_verify_outcome(r), "%s", fail.text);
	else if ((c->core_holds = hm_slice_eq(hm_slice_of(&again), there)))
		hm_verify_say(c->v, "core", HM_CHECK_HOLDS, "digests, Merkle roots, counts and losses are those of the parts");
	else
		hm_verify_say(c->v, "core", HM_CHECK_FALSE, "core.json does not describe these parts");
}

void hm_verify_seals(struct check *c)
{
	check_manifest(c);
	check_core(c);
}
