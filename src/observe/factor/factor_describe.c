/* A world's documents as rows of planted.json (doc/format/core.md, versions 2 and 3), and rows held against the seed. */
#include <stdlib.h>

#include "factor_internal.h"
#include "text.h"

#define PART_PREFIX "planted/"

static size_t planted_parts(const struct hm_parts *parts)
{
	size_t count = 0;

	for (size_t i = 0; i < hm_parts_count(parts); i++)
		count += strncmp(hm_parts_at(parts, i, NULL), PART_PREFIX, strlen(PART_PREFIX)) == 0;
	return count;
}

/* The part that has this content already, or a new one behind the last. */
static int part_of(char name[32], struct hm_parts *parts, struct hm_slice content, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes copy = { 0 };

	for (size_t i = 0; i < hm_parts_count(parts); i++) {
		struct hm_slice there;
		const char *at = hm_parts_at(parts, i, &there);

		if (strncmp(at, PART_PREFIX, strlen(PART_PREFIX)) == 0 && hm_slice_eq(there, content)) {
			snprintf(name, 32, "%s", at);
			return 0;
		}
	}
	snprintf(name, 32, PART_PREFIX "%04zu", planted_parts(parts) + 1);
	hm_bytes_slice(&copy, content);
	return hm_parts_take(parts, name, &copy, fail);
}

/* All that a row says but its part. */
static json_t *row_of(const struct hm_world_file *file)
{
	struct hm_sha256 hash;
	char hex[2 * HM_SHA256_LEN + 1];
	json_t *row = json_object(), *tokens = json_array(), *xattrs = json_array();

	hm_sha256_slice(&hash, hm_slice_of(&file->content));
	hm_text_hex_into(hex, (struct hm_slice){ hash.b, sizeof(hash.b) });
	for (unsigned i = 0; i < file->tokens; i++)
		json_array_append_new(tokens, json_string(file->token[i]));
	for (unsigned i = 0; i < HM_FACTOR_XATTRS && file->xattr[i].name; i++) {
		json_t *one = json_object();

		json_object_set_new(one, "name", json_string(file->xattr[i].name));
		json_object_set_new(one, "value", json_string(file->xattr[i].value));
		json_array_append_new(xattrs, one);
	}
	hm_json_set_bytes(row, "path", hm_slice_text(file->path));
	json_object_set_new(row, "sha256", json_string(hex));
	json_object_set_new(row, "size", json_integer((json_int_t)file->content.len));
	json_object_set_new(row, "mode", json_integer(file->mode));
	json_object_set_new(row, "uid", json_integer(file->uid));
	json_object_set_new(row, "gid", json_integer(file->gid));
	json_object_set_new(row, "mtime", json_integer(file->mtime.tv_sec));
	json_object_set_new(row, "atime", json_integer(file->atime.tv_sec));
	json_object_set_new(row, "xattrs", xattrs);
	json_object_set_new(row, "role", json_string(file->role));
	json_object_set_new(row, "marking", file->marking ? json_string(file->marking) : json_null());
	json_object_set_new(row, "tokens", tokens);
	json_object_set_new(row, "draw", json_integer(file->draw));
	return row;
}

int hm_factor_describe(json_t *files, const struct hm_world *world, struct hm_parts *parts, struct hm_fail *fail)
{
	for (size_t i = 0; i < world->file_count; i++) {
		char part[32];
		int r = part_of(part, parts, hm_slice_of(&world->file[i].content), fail);
		json_t *row;

		if (r < 0)
			return r;
		row = row_of(&world->file[i]);
		json_object_set_new(row, "part", json_string(part));
		json_array_append_new(files, row);
	}
	return 0;
}

static const char *role_of(const json_t *row)
{
	const char *role = json_string_value(json_object_get(row, "role"));

	return role ? role : "";
}

static const char *path_of(const json_t *row)
{
	const char *path = json_string_value(json_object_get(row, "path"));

	return path ? path : "";
}

/* What nobody derives: samples and definitions of the product's, in folders of their own. */
static bool is_foreign(const json_t *row)
{
	const char *path = json_string_value(json_object_get(row, "path"));
	const char *role = role_of(row);

	return strcmp(role, "definitions") == 0 || !path ||
	       (strcmp(role, "sample") == 0 && strncmp(path, "samples/", 8) == 0);
}

/* Documents stand in the order of the table in every world, so they are found by counting. */
const json_t *hm_factor_row(const json_t *files, uint32_t document)
{
	const json_t *row;
	size_t i, count = 0;

	json_array_foreach (files, i, row)
		if (!is_foreign(row) && !hm_factor_is_more(path_of(row)) && count++ == document)
			return row;
	return NULL;
}

static int read_draws(uint32_t *draws, const json_t *files, struct hm_fail *fail)
{
	size_t i, count = 0;
	const json_t *row;

	json_array_foreach (files, i, row) {
		json_int_t draw = json_integer_value(json_object_get(row, "draw"));

		if (is_foreign(row) || (count == hm_factor_doc_count && hm_factor_is_more(path_of(row))))
			continue;
		if (count == hm_factor_doc_count || draw < 0 || draw >= HM_FACTOR_DRAWS)
			return hm_fail_set(fail, HM_E_BAD, "planted.json: a document or its draw is none that the seed gives");
		draws[count++] = (uint32_t)draw;
	}
	return count == hm_factor_doc_count ? 0 : hm_fail_set(fail, HM_E_BAD, "planted.json: a document is missing");
}

/* The row as it is, held against the one that the seed gives. What follows from the bytes (part, digest) is held against the part by
 * who reads it; the bytes of what is deflated are another zlib's affair. */
static int check_row(const json_t *row, const struct hm_world_file *file, bool *other, struct hm_fail *fail)
{
	static const char *const told[] = { "path", "mode", "uid", "gid", "mtime", "atime", "xattrs", "role", "marking", "tokens" };
	HM_JSON json_t *derived = row_of(file);
	const json_t *is = json_object_get(row, "sha256");
	bool deflated = false;

	for (size_t i = 0; i < HM_COUNT(told); i++)
		if (!json_equal(json_object_get(row, told[i]), json_object_get(derived, told[i])))
			return hm_fail_set(fail, HM_E_BAD, "planted.json: %s of %s does not follow from the seed", told[i], file->id);
	if (json_equal(is, json_object_get(derived, "sha256")))
		return 0;
	for (size_t i = 0; i < hm_factor_doc_count; i++)
		deflated |= strcmp(hm_factor_docs[i].id, file->id) == 0 && hm_factor_docs[i].deflated;
	if (!deflated)
		return hm_fail_set(fail, HM_E_BAD, "planted.json: content of %s does not follow from the seed", file->path);
	*other = true;
	return 0;
}

int hm_factor_check(const json_t *files, unsigned version, const uint8_t *seed, const char *phase, const struct hm_factor_choice *choice,
		    const char *name, struct hm_factor_part *parts, size_t count, struct hm_fail *fail)
{
	HM_CLEANUP(hm_factor_release) struct hm_world *world = NULL;
	HM_FREE uint32_t *draws = hm_alloc(hm_factor_doc_count, sizeof(*draws));
	bool other = false;
	const json_t *row;
	size_t i, at = 0;
	int r = read_draws(draws, files, fail);

	/* Nobody mixed what version 2 has. */
	if ((version != 2 || count) && version != HM_FACTOR_DOCUMENTS)
		return hm_fail_set(fail, HM_E_UNKNOWN, "planted.json: documents of a version that this program does not have");
	if (r == 0)
		r = hm_factor_mix(&world, hm_factor_docs_of(version), seed, phase, choice, draws, name, parts, count, fail);
	if (r < 0)
		return r;
	json_array_foreach (files, i, row) {
		if (is_foreign(row))
			continue;
		if (at == world->file_count)
			return hm_fail_set(fail, HM_E_BAD, "planted.json: a document is none that the seed gives");
		r = check_row(row, &world->file[at++], &other, fail);
		if (r < 0)
			return r;
	}
	if (at != world->file_count)
		return hm_fail_set(fail, HM_E_BAD, "planted.json: a document is missing");
	return other ? hm_fail_set(fail, HM_E_UNKNOWN, "planted.json: deflated documents were made by another zlib than this") : 0;
}
