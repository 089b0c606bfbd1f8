/* Reads tree.cbor.zst (doc/format/core.md). */
#include "residue.h"

#include "cbor.h"

static int take_entry(struct hm_tree *tree, struct hm_slice item, uint64_t position, struct hm_fail *fail)
{
	static const char types[] = "fdlcbpsw";
	struct hm_cursor c = hm_cursor_of(item);
	struct hm_tree_entry entry = { .position = position };
	struct hm_slice path, sha256, link, more = { 0 };
	uint64_t count = hm_cbor_get_array(&c), type, numbers[3];

	path = hm_cbor_get_bytes(&c);
	type = hm_cbor_get_uint(&c);
	for (size_t i = 0; i < HM_COUNT(numbers); i++)
		numbers[i] = hm_cbor_get_uint(&c);
	entry.size = hm_cbor_get_uint(&c);
	sha256 = hm_cbor_get_bytes(&c);
	link = hm_cbor_get_bytes(&c);
	if (count == 9)
		more = hm_cbor_get_bytes(&c);
	if (!hm_cursor_done(&c) || (count != 8 && !(count == 9 && more.len)) || !path.len || path.data[0] != '/' || type == 0 || type > 127 ||
	    !strchr(types, (int)type) || (sha256.len && sha256.len != sizeof(entry.sha256)))
		return hm_fail_set(fail, HM_E_BAD, "entry %llu is none", (unsigned long long)position);
	if (tree->count == HM_TREE_MAX)
		return hm_fail_set(fail, HM_E_BAD, "more entries than this program judges (%d)", HM_TREE_MAX);
	entry.type = (char)type;
	/* What is cut here is wider than a kernel has it: it is compared, never used. */
	entry.mode = (uint32_t)numbers[0];
	entry.uid = (uint32_t)numbers[1];
	entry.gid = (uint32_t)numbers[2];
	entry.hashed = sha256.len > 0;
	if (entry.hashed)
		memcpy(entry.sha256, sha256.data, sizeof(entry.sha256));
	/* Names move while they grow: until all are there, `data` holds where each begins. */
	entry.path = (struct hm_slice){ (const uint8_t *)(uintptr_t)tree->names.len, path.len };
	hm_bytes_slice(&tree->names, path);
	entry.link = (struct hm_slice){ (const uint8_t *)(uintptr_t)tree->names.len, link.len };
	hm_bytes_slice(&tree->names, link);
	entry.more = (struct hm_slice){ (const uint8_t *)(uintptr_t)tree->names.len, more.len };
	hm_bytes_slice(&tree->names, more);
	if ((tree->count & (tree->count - 1)) == 0)
		tree->list = hm_realloc(tree->list, tree->count ? 2 * tree->count : 1, sizeof(*tree->list));
	tree->list[tree->count++] = entry;
	return 0;
}

static int settle(struct hm_tree *tree, struct hm_fail *fail)
{
	for (size_t i = 0; i < tree->count; i++) {
		struct hm_tree_entry *entry = &tree->list[i];

		entry->path.data = tree->names.data + (uintptr_t)entry->path.data;
		entry->link.data = tree->names.data + (uintptr_t)entry->link.data;
		entry->more.data = tree->names.data + (uintptr_t)entry->more.data;
		if (i && hm_slice_cmp(entry[-1].path, entry->path) >= 0)
			return hm_fail_set(fail, HM_E_BAD, "entry %zu is out of its order", i);
	}
	return 0;
}

int hm_tree_read(struct hm_tree *out, struct hm_record *record, struct hm_fail *fail)
{
	struct hm_slice item;
	int r;

	*out = (struct hm_tree){ 0 };
	while ((r = hm_record_next(record, &item, fail)) == 1) {
		r = take_entry(out, item, hm_record_position(record), fail);
		if (r < 0)
			return r;
	}
	return r < 0 ? r : settle(out, fail);
}

void hm_tree_release(struct hm_tree *tree)
{
	free(tree->list);
	hm_bytes_release(&tree->names);
	*tree = (struct hm_tree){ 0 };
}
