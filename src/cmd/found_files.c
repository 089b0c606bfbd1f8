#include "found_files.h"

#include "find_store.h"
#include "found.h"
#include "fs.h"

#define FOUND_MAX (256u << 20)

static int read_one(json_t **ret, const char *path, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	int r = hm_fs_read(&text, path, FOUND_MAX, fail);

	return r < 0 ? r : hm_found_read(ret, hm_slice_of(&text), path, fail);
}

/* Two machines are both called "host". */
static int name_targets(json_t *list, const char *path, struct hm_fail *fail)
{
	json_t *row;
	size_t i;

	json_array_foreach (list, i, row) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes name = { 0 };
		int r;

		hm_bytes_printf(&name, "%s: ", path);
		r = hm_json_get_bytes(row, "target", &name, fail);
		if (r < 0)
			return r;
		json_object_del(row, "target");
		json_object_del(row, "target_b64");
		hm_json_set_bytes(row, "target", hm_slice_of(&name));
	}
	return 0;
}

static void add_suppliers(json_t *all, const json_t *more)
{
	const json_t *row, *other;
	size_t i, j;

	json_array_foreach (more, i, row) {
		bool there = false;

		json_array_foreach (all, j, other)
			there = there || json_equal(json_object_get(row, "id"), json_object_get(other, "id"));
		if (!there)
			json_array_append(all, (json_t *)row);
	}
}

static int add(json_t *all, json_t *more, const char *first, const char *path, struct hm_fail *fail)
{
	static const char *const same[] = { "tables", "filter" }, *const lists[] = { "targets", "items", "candidates" };
	int r = 0;

	for (size_t i = 0; i < HM_COUNT(same); i++)
		if (!json_equal(json_object_get(all, same[i]), json_object_get(more, same[i])))
			return hm_fail_set(fail, HM_E_USAGE, i ? "%s and %s tell of different suppliers (--supplier, --country): make one again" :
								 "%s and %s were made with different supplier tables: make one again", first, path);
	if (strcmp(json_string_value(json_object_get(more, "made")), json_string_value(json_object_get(all, "made"))) < 0)
		json_object_set(all, "made", json_object_get(more, "made"));
	for (size_t i = 0; i < HM_COUNT(lists) && r == 0; i++) {
		r = name_targets(json_object_get(more, lists[i]), path, fail);
		json_array_extend(json_object_get(all, lists[i]), json_object_get(more, lists[i]));
	}
	add_suppliers(json_object_get(all, "suppliers"), json_object_get(more, "suppliers"));
	return r;
}

int hm_found_files_read(json_t **ret, const char *const *path, size_t count, struct hm_fail *fail)
{
	static const char *const lists[] = { "targets", "items", "candidates" };
	HM_JSON json_t *all = NULL;
	int r = read_one(&all, path[0], fail);

	for (size_t i = 0; i < HM_COUNT(lists) && r == 0 && count > 1; i++)
		r = name_targets(json_object_get(all, lists[i]), path[0], fail);
	for (size_t i = 1; i < count && r == 0; i++) {
		HM_JSON json_t *more = NULL;

		r = read_one(&more, path[i], fail);
		if (r == 0)
			r = add(all, more, path[0], path[i], fail);
	}
	if (r == 0)
		*ret = hm_take_ptr(&all);
	return r;
}

int hm_found_files_past(json_t **ret, const char *path, const struct hm_suppliers *tables, struct hm_fail *fail)
{
	HM_CLEANUP(hm_find_past_release) struct hm_find_past past = { 0 };
	HM_CLEANUP(hm_found_cleanup) struct hm_found *found = NULL;
	char digest[65];
	int r;

	hm_suppliers_digest(tables, digest);
	r = hm_find_past_open(&past, path, digest, fail);
	if (r < 0)
		return r;
	found = hm_found_new(tables, past.made);
	for (size_t i = 0; i < past.names && r >= 0; i++)
		r = hm_find_store_replay(past.store, past.name[i], found, fail);
	if (r < 0)
		return hm_fail_in(fail, "%s", path);
	if (!past.finished) {
		hm_found_target(found, "what the run did not come to", "folder", false);
		hm_found_not_read(found, "/", "the run was cut short (hallmark find --resume goes on)");
	}
	*ret = hm_found_document(found, NULL);
	return 0;
}
