/* Every tile and every signed root once more, in one pass over the entries. */
#include "log_internal.h"

#include "lines.h"

struct pass {
	struct hm_folder_check *out;
	struct hm_tile_source source;
	const struct hm_vkey *key;
	struct hm_edge edge;
	struct hm_cursor history;
	struct hm_signed_line next; /* of the history, when `pending` */
	bool pending;
};

static void release(struct pass *p)
{
	hm_edge_release(&p->edge);
}

/* A partial tile may have gone when its full one is there: then its beginning is compared. */
static int compare(struct pass *p, const struct hm_edge_file *file, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes there = { 0 };
	struct hm_tile tile = file->tile;
	char path[HM_TILE_PATH];
	int r = p->source.read(p->source.context, hm_tile_path(path, tile), HM_BUNDLE_MAX, &there, fail);

	if (r == 1 && tile.width < HM_TILE_WIDTH) {
		tile.width = HM_TILE_WIDTH;
		r = p->source.read(p->source.context, hm_tile_path(path, tile), HM_BUNDLE_MAX, &there, fail);
		if (r == 0 && there.len > file->bytes.len)
			there.len = file->bytes.len;
	}
	if (r == 1)
		return hm_fail_set(fail, HM_E_BAD, "%s is missing", path);
	if (r == 0 && !hm_slice_eq(hm_slice_of(&there), hm_slice_of(&file->bytes)))
		return hm_fail_set(fail, HM_E_BAD, "%s is not what the entries give", path);
	p->out->tiles += file->tile.level != HM_TILE_ENTRIES;
	return r;
}

static int compare_all(struct pass *p, const struct hm_edge_files *files, struct hm_fail *fail)
{
	int r = 0;

	for (size_t i = 0; i < files->count && r == 0; i++)
		r = compare(p, &files->file[i], fail);
	return r;
}

static int next_line(struct pass *p, struct hm_fail *fail)
{
	uint64_t before = p->next.size;

	p->pending = hm_signed_next(&p->history, &p->next);
	if (p->history.bad)
		return hm_fail_set(fail, HM_E_BAD, "what was signed: a line behind size %llu is none", (unsigned long long)before);
	if (p->pending && p->next.size < before)
		return hm_fail_set(fail, HM_E_BAD, "what was signed: size %llu stands behind size %llu", (unsigned long long)p->next.size,
				   (unsigned long long)before);
	return 0;
}

/* The signatures of the tree as it is now. */
static int check_signed(struct pass *p, struct hm_fail *fail)
{
	struct hm_sha256 root;
	int r = 0;

	while (p->pending && p->next.size == p->edge.range.size && r == 0) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes note = { 0 };

		hm_merkle_root(&p->edge.range, &root);
		if (memcmp(&root, &p->next.root, sizeof(root)) != 0)
			return hm_fail_set(fail, HM_E_BAD, "what was signed at size %llu is not the root of the log's entries: the log shows two versions",
					   (unsigned long long)p->next.size);
		r = hm_signed_note(&note, &p->next, p->key, fail);
		p->out->roots++;
		if (r == 0)
			r = next_line(p, fail);
	}
	return r;
}

static int pass_bundle(struct pass *p, uint64_t size, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes bundle = { 0 };
	HM_CLEANUP(hm_edge_files_release) struct hm_edge_files files = { .count = 0 };
	uint64_t index = p->edge.range.size / HM_TILE_WIDTH;
	unsigned width = hm_tile_width(HM_TILE_ENTRIES, index, size);
	int r = hm_entries_read(p->source, index, width, &bundle, fail);
	struct hm_cursor c;

	if (r < 0)
		return r;
	c = hm_cursor_of(hm_slice_of(&bundle));
	for (unsigned i = 0; i < width && r == 0; i++) {
		hm_edge_add(&p->edge, hm_tile_entry(&c), &files);
		p->out->entries++;
		r = check_signed(p, fail);
	}
	return r < 0 ? r : compare_all(p, &files, fail);
}

static int check_root(const struct pass *p, const struct hm_checkpoint *checkpoint, struct hm_fail *fail)
{
	struct hm_sha256 root;

	hm_merkle_root(&p->edge.range, &root);
	if (memcmp(&root, &checkpoint->root, sizeof(root)) != 0)
		return hm_fail_set(fail, HM_E_BAD, "the checkpoint's root is not that of its %llu entries", (unsigned long long)checkpoint->size);
	if (p->pending)
		return hm_fail_set(fail, HM_E_BAD, "what was signed goes on to size %llu, and the checkpoint stops at %llu (an append was interrupted: the next "
						   "one publishes it; or the log's files are from an older copy)",
				   (unsigned long long)p->next.size, (unsigned long long)checkpoint->size);
	return 0;
}

int hm_folder_check_all(struct hm_folder_check *out, struct hm_tile_source source, const struct hm_checkpoint *checkpoint,
			const struct hm_vkey *key, struct hm_slice history, struct hm_fail *fail)
{
	HM_CLEANUP(release) struct pass p = { .out = out, .source = source, .key = key, .history = hm_cursor_of(history) };
	HM_CLEANUP(hm_edge_files_release) struct hm_edge_files last = { .count = 0 };
	int r = 0;

	*out = (struct hm_folder_check){ 0 };
	if (history.len) {
		r = hm_signed_begin(&p.history, key, fail);
		if (r == 0)
			r = next_line(&p, fail);
	}
	if (r == 0)
		r = check_signed(&p, fail);
	while (r == 0 && p.edge.range.size < checkpoint->size)
		r = pass_bundle(&p, checkpoint->size, fail);
	if (r < 0)
		return r;
	hm_edge_partial(&p.edge, HM_EDGE_LEVELS, &last);
	r = compare_all(&p, &last, fail);
	return r < 0 ? r : check_root(&p, checkpoint, fail);
}
