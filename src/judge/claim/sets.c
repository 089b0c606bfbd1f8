/* The planted documents: one set for all runs, in an experiment as many as the levels and secrets of the
 * runs make. What a set holds is checked against its parts; that it follows from the seed is checked token by token. */
#include "claim_internal.h"

#include "planted.h"

struct reading {
	struct hm_core *core;
	size_t parts;	 /* that were named so far */
	unsigned tokens; /* of one set for all runs */
};

/* Parts are numbered in the order in which they are first named: a set names those of sets before it again. */
static int check_part(struct reading *r, const json_t *row, struct hm_fail *fail)
{
	const char *part = hm_text_of(row, "part"), *said = hm_text_of(row, "sha256");
	char text[2 * HM_SHA256_LEN + 1], *end;
	size_t number = strncmp(part, "planted/", 8) == 0 ? strtoul(part + 8, &end, 10) : 0;
	HM_FREE char *name = hm_sprintf("planted/%04zu", number);
	struct hm_slice content;
	struct hm_sha256 digest;

	if (strcmp(part, name) != 0 || number == 0 || number > r->parts + 1 || (!r->core->experiment && number <= r->parts))
		return hm_fail_set(fail, HM_E_BAD, "planted.json: parts are not numbered in the order of the files");
	if (number > r->parts)
		r->parts = number;
	if (!hm_parts_get(r->core->parts, part, &content))
		return hm_fail_set(fail, HM_E_BAD, "%s is missing", part);
	hm_sha256_slice(&digest, content);
	hm_text_hex_into(text, (struct hm_slice){ digest.b, sizeof(digest.b) });
	if (strcmp(text, said) != 0 || (int64_t)content.len != hm_number_of(row, "size"))
		return hm_fail_set(fail, HM_E_BAD, "%s is not what planted.json says", part);
	return 0;
}

static int check_tokens(struct reading *r, const json_t *row, struct hm_fail *fail)
{
	const json_t *token;
	size_t i;

	json_array_foreach (json_object_get(row, "tokens"), i, token) {
		char derived[21];

		hm_planted_token(derived, r->core->seed, "aa", 0, r->tokens++);
		if (strcmp(json_string_value(token), derived) != 0)
			return hm_fail_set(fail, HM_E_BAD, "planted.json: a token does not follow from the seed");
	}
	return 0;
}

static int take_file(struct reading *r, struct hm_set *set, const json_t *row, struct hm_target_file *file, struct hm_fail *fail)
{
	struct hm_bytes *name = &set->names[set->documents.count];
	int e = hm_json_get_bytes(row, "path", name, fail);

	if (e == 0)
		e = check_part(r, row, fail);
	if (e == 0 && !r->core->experiment)
		e = check_tokens(r, row, fail);
	if (e < 0)
		return hm_fail_in(fail, "planted.json");
	if (name->len == 0 || name->data[0] == '/' ||
	    (set->documents.count && hm_slice_cmp(hm_slice_of(name - 1), hm_slice_of(name)) >= 0))
		return hm_fail_set(fail, HM_E_BAD, "planted.json: the files are not in the order of their paths");
	*file = (struct hm_target_file){ hm_slice_of(name), (uint64_t)hm_number_of(row, "size") };
	set->documents.count++;
	if (strcmp(hm_text_of(row, "role"), "sample") == 0)
		set->samples[set->sample_count++] = hm_sprintf("%s/%.*s", r->core->target, (int)name->len, name->data);
	return 0;
}

static int take_set(struct reading *r, struct hm_set *set, const json_t *files, struct hm_fail *fail)
{
	struct hm_target_file *documents = hm_alloc(json_array_size(files), sizeof(*documents));
	const json_t *row;
	int e = 0;
	size_t i;

	*set = (struct hm_set){ .documents = { r->core->target, documents, 0 } };
	set->names = hm_alloc(json_array_size(files) + 1, sizeof(*set->names));
	set->samples = hm_alloc(json_array_size(files), sizeof(*set->samples));
	json_array_foreach (files, i, row) {
		e = take_file(r, set, row, &documents[i], fail);
		if (e < 0)
			return e;
	}
	return 0;
}

const json_t *hm_sets_files(const struct hm_core *core, size_t index)
{
	if (!core->experiment)
		return json_object_get(core->planted, "files");
	return json_object_get(json_array_get(json_object_get(core->planted, "sets"), index), "files");
}

int hm_sets_read(struct hm_core *core, struct hm_fail *fail)
{
	struct reading r = { .core = core };
	size_t count = core->experiment ? json_array_size(json_object_get(core->planted, "sets")) : 1;
	int e = 0;

	core->sets = hm_alloc(count, sizeof(*core->sets));
	while (core->set_count < count && e == 0) {
		core->set_count++;
		e = take_set(&r, &core->sets[core->set_count - 1], hm_sets_files(core, core->set_count - 1), fail);
	}
	return e;
}

static void release_set(struct hm_set *set)
{
	/* One more name than documents was read where a file was refused. */
	for (size_t i = 0; set->names && i <= set->documents.count; i++)
		hm_bytes_release(&set->names[i]);
	for (size_t i = 0; i < set->sample_count; i++)
		free(set->samples[i]);
	free(set->names);
	free(set->samples);
	free((void *)(uintptr_t)set->documents.list);
}

void hm_sets_release(struct hm_core *core)
{
	for (size_t i = 0; i < core->set_count; i++)
		release_set(&core->sets[i]);
	free(core->sets);
}
