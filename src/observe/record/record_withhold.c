/* The file is walked once as a whole by hm_record_open, so that what is walked here is sound; its blocks are then taken as they lie. */
#include "withhold.h"

#include "fs.h"
#include "record_internal.h"

static void close_record(struct hm_record **r)
{
	hm_record_close(*r);
}

/* Opens a record and hands out its blocks' headers one by one. */
struct walk {
	struct hm_slice file;
	size_t at;
	struct hm_block block;
	struct hm_slice frame; /* with nothing in it where the block is withheld */
};

/* 1 with the next block, 0 behind the last. The file was checked before. */
static int next_block(struct walk *w, struct hm_fail *fail)
{
	struct hm_slice rest = { w->file.data + w->at, w->file.len - w->at };
	int r;

	if (!rest.len || hm_record_part(rest, fail) != HM_PART_BLOCK)
		return 0;
	r = hm_record_get_block(&w->block, rest, fail);
	if (r < 0)
		return r;
	if (w->block.frame_len > rest.len - HM_RECORD_BLOCK_LEN)
		return 0;
	w->frame = (struct hm_slice){ rest.data + HM_RECORD_BLOCK_LEN, w->block.frame_len };
	w->at += HM_RECORD_BLOCK_LEN + w->block.frame_len;
	return 1;
}

/* The content of a block that is there: its items are read until the position is that of the next block. */
static int read_items(struct hm_bytes *out, struct hm_record *record, const struct hm_block *block, struct hm_fail *fail)
{
	out->len = 0;
	for (uint32_t i = 0; i < block->count; i++) {
		struct hm_slice item;
		int r = hm_record_next(record, &item, fail);

		if (r <= 0)
			return r < 0 ? r : hm_fail_set(fail, HM_E_BAD, "record: it changed while it was read");
		hm_bytes_slice(out, item);
	}
	return 0;
}

int hm_record_blocks(struct hm_slice file, bool content, int (*visit)(void *cookie, const struct hm_record_block *block, struct hm_fail *fail), void *cookie,
		     struct hm_fail *fail)
{
	HM_CLEANUP(close_record) struct hm_record *record = NULL;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes items = { 0 };
	struct walk w = { .file = file };
	int r = content ? hm_record_open(&record, file, fail) : 0;

	while (r >= 0 && (r = next_block(&w, fail)) == 1) {
		items.len = 0;
		if (content && !w.block.withheld)
			r = read_items(&items, record, &w.block, fail);
		hm_fs_passed((struct hm_slice){ file.data + w.at - HM_RECORD_BLOCK_LEN - w.block.frame_len, HM_RECORD_BLOCK_LEN + w.block.frame_len });
		if (r >= 0)
			r = visit(cookie, &(struct hm_record_block){ w.block.number, w.block.first, w.block.count, w.block.withheld, hm_slice_of(&items) }, fail);
	}
	return r < 0 ? r : 0;
}

/* The block as it lies, or its header alone. */
static void put_block(struct hm_bytes *out, struct hm_bytes *seek, struct walk *w, bool withhold)
{
	if (withhold) {
		w->block.withheld = true;
		w->block.frame_len = w->block.frame_crc = 0;
		memset(w->block.salt, 0, sizeof(w->block.salt));
		w->frame.len = 0;
	}
	hm_record_put_block(out, &w->block);
	hm_bytes_slice(out, w->frame);
	hm_record_put_seek(seek, HM_RECORD_BLOCK_LEN, 0);
	if (!w->block.withheld)
		hm_record_put_seek(seek, w->block.frame_len, w->block.raw_len);
}

int hm_record_withhold(struct hm_bytes *out, struct hm_slice file, const bool *withhold, size_t count, struct hm_fail *fail)
{
	HM_CLEANUP(close_record) struct hm_record *record = NULL;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes seek = { 0 };
	struct hm_totals totals = { 0 };
	struct walk w = { .file = file };
	const struct hm_record_head *head;
	int r = hm_record_open(&record, file, fail);

	if (r < 0)
		return r;
	head = hm_record_head(record);
	if (head->blocks != count)
		return hm_fail_set(fail, HM_E_BAD, "record: it has %llu blocks", (unsigned long long)head->blocks);
	totals = (struct hm_totals){ .kind = (uint8_t)head->kind, .blocks = head->blocks, .items = head->items, .root = head->root };
	for (size_t i = 0; i < count; i++) {
		r = next_block(&w, fail);
		if (r <= 0)
			return r < 0 ? r : hm_fail_set(fail, HM_E_BAD, "record: it changed while it was read");
		totals.raw_bytes += w.block.raw_len;
		put_block(out, &seek, &w, withhold[i]);
	}
	if (head->cut)
		return 0;
	hm_record_put_totals(out, &totals);
	hm_record_put_seek(&seek, HM_RECORD_TOTALS_LEN, 0);
	hm_record_put_seek_table(out, hm_slice_of(&seek));
	return 0;
}
