/* Whoever redacts could put something else in. So every member must be the one that the first manifest has, to the byte, but for those that
 * lack something; of these the roots of core.json hold what is left. */
#include "redaction_internal.h"

#include "bundle.h"
#include "json.h"

struct checking {
	const struct hm_parts *parts;
	json_t *manifest;
	bool *lacks; /* by index of the part: something is withheld of it */
};

static void release(struct checking *c)
{
	json_decref(c->manifest);
	free(c->lacks);
}

static int read_manifest(struct checking *c, struct hm_fail *fail)
{
	static const struct hm_json_member root[] = { { "members", JSON_ARRAY }, { "schema", JSON_STRING } };
	static const struct hm_json_member row[] = { { "length", JSON_INTEGER }, { "name", JSON_STRING }, { "sha256", JSON_STRING } };
	struct hm_slice text = { 0 };
	const char *before = "";
	const json_t *member;
	size_t i;
	int r;

	hm_parts_get(c->parts, HM_ORIGINAL_MANIFEST, &text);
	r = hm_json_parse_canonical(&c->manifest, text, HM_ORIGINAL_MANIFEST, fail);
	if (r == 0)
		r = hm_json_shape(c->manifest, root, HM_COUNT(root), HM_ORIGINAL_MANIFEST, fail);
	if (r < 0)
		return r;
	json_array_foreach (json_object_get(c->manifest, "members"), i, member) {
		const char *name;

		r = hm_json_shape(member, row, HM_COUNT(row), HM_ORIGINAL_MANIFEST, fail);
		if (r < 0)
			return r;
		name = json_string_value(json_object_get(member, "name"));
		if (strcmp(before, name) >= 0 || !hm_bundle_in_manifest(name) || strcmp(name, HM_REDACTION) == 0 || strcmp(name, HM_ORIGINAL_MANIFEST) == 0)
			return hm_fail_set(fail, HM_E_BAD, HM_ORIGINAL_MANIFEST ": it is no manifest of a bundle in which nothing was withheld");
		before = name;
	}
	return 0;
}

static int find_lacks(struct checking *c, struct hm_fail *fail)
{
	c->lacks = hm_alloc(hm_parts_count(c->parts) + 1, sizeof(*c->lacks));
	for (size_t i = 0; i < hm_parts_count(c->parts); i++) {
		HM_JSON json_t *rows = NULL;
		int r = hm_redaction_rows(&rows, c->parts, i, fail);

		if (r < 0)
			return r;
		c->lacks[i] = json_array_size(rows) > 0;
	}
	return 0;
}

static size_t index_of(const struct hm_parts *parts, const char *name)
{
	size_t low = 0, high = hm_parts_count(parts);

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(hm_parts_at(parts, middle, NULL), name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < hm_parts_count(parts) && strcmp(hm_parts_at(parts, low, NULL), name) == 0 ? low : SIZE_MAX;
}

static bool lacks(const struct checking *c, const char *name)
{
	size_t i = index_of(c->parts, name);

	return i != SIZE_MAX && c->lacks[i];
}

static bool ends_in(const char *name, const char *file)
{
	const char *slash = strrchr(name, '/');

	return slash && strcmp(slash + 1, file) == 0;
}

/* Of the run that `name` belongs to something is withheld. */
static bool run_lacks(const struct checking *c, const char *name)
{
	static const char *const files[] = { "record.cbor.zst", "tree.cbor.zst", "packets.pcapng" };
	const char *slash = strrchr(name, '/');
	bool any = false;

	for (size_t i = 0; slash && i < HM_COUNT(files); i++) {
		HM_FREE char *other = hm_sprintf("%.*s/%s", (int)(slash - name), name, files[i]);

		any = any || lacks(c, other);
	}
	return any;
}

/* A member that lacks something, or the salts of one that does, is other than it was. */
static bool may_differ(const struct checking *c, const char *name)
{
	HM_FREE char *packets = ends_in(name, "packets.salts") ? hm_sprintf("%.*s/packets.pcapng", (int)(strrchr(name, '/') - name), name) : NULL;

	return lacks(c, packets ? packets : name);
}

static int check_member(const struct checking *c, const char *name, const json_t *member, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes entry = { 0 }, original = { 0 };
	struct hm_slice content;

	if (!hm_parts_get(c->parts, name, &content)) {
		if (ends_in(name, "features.cbor.zst") && run_lacks(c, name))
			return 0;
		return hm_fail_set(fail, HM_E_BAD, "%s is gone, and nothing of its run is withheld", name);
	}
	if (ends_in(name, "features.cbor.zst") && run_lacks(c, name))
		return hm_fail_set(fail, HM_E_BAD, "%s is there, and of its run something is withheld", name);
	if (may_differ(c, name))
		return 0;
	hm_bundle_manifest_entry(&entry, name, content);
	hm_json_write(&original, member);
	if (!hm_slice_eq(hm_slice_of(&entry), hm_slice_of(&original)))
		return hm_fail_set(fail, HM_E_BAD, "%s is another than before, and nothing of it is withheld", name);
	return 0;
}

/* Both lists are in bytewise order of names. */
static int check_members(const struct checking *c, struct hm_fail *fail)
{
	const json_t *members = json_object_get(c->manifest, "members"), *member;
	size_t i, at = 0;

	json_array_foreach (members, i, member) {
		int r = check_member(c, json_string_value(json_object_get(member, "name")), member, fail);

		if (r < 0)
			return r;
	}
	for (i = 0; i < hm_parts_count(c->parts); i++) {
		const char *name = hm_parts_at(c->parts, i, NULL), *there = NULL;

		if (!hm_bundle_in_manifest(name) || strcmp(name, HM_REDACTION) == 0 || strcmp(name, HM_ORIGINAL_MANIFEST) == 0)
			continue;
		for (; at < json_array_size(members); at++) {
			there = json_string_value(json_object_get(json_array_get(members, at), "name"));
			if (strcmp(there, name) >= 0)
				break;
		}
		if (!there || strcmp(there, name) != 0)
			return hm_fail_set(fail, HM_E_BAD, "%s was not there before", name);
	}
	return 0;
}

int hm_redaction_check(const struct hm_parts *parts, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes again = { 0 };
	HM_CLEANUP(release) struct checking c = { .parts = parts };
	struct hm_slice there;
	unsigned kinds = 0;
	int r = hm_redaction_kinds(&kinds, parts, fail);

	if (r < 0)
		return r;
	if (!hm_parts_get(parts, HM_REDACTION, &there))
		return kinds ? hm_fail_set(fail, HM_E_BAD, "something is withheld, and there is no " HM_REDACTION) : 0;
	if (!kinds)
		return hm_fail_set(fail, HM_E_BAD, HM_REDACTION " is there, and nothing is withheld");
	r = read_manifest(&c, fail);
	if (r == 0)
		r = find_lacks(&c, fail);
	if (r == 0)
		r = check_members(&c, fail);
	if (r == 0)
		r = hm_redaction_json(&again, parts, fail);
	if (r == 0 && !hm_slice_eq(hm_slice_of(&again), there))
		r = hm_fail_set(fail, HM_E_BAD, HM_REDACTION " is not what is withheld");
	return r;
}
