/* The writer: items become blocks here; what becomes of blocks is record_blocks.c. */
#include <fcntl.h>

#include "cbor.h"
#include "cursor.h"
#include "record_blocks.h"

#define BLOCK_TARGET (256u << 10)

struct hm_record_writer {
	char *path;
	bool failed;
	struct hm_blocks *blocks;
	struct hm_items *items; /* of the running block */
};

int hm_record_create(struct hm_record_writer **ret, const char *path, enum hm_record_kind kind, struct hm_fail *fail)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	struct hm_record_writer *w;

	if (fd < 0)
		return hm_fail_errno(fail, "creating the record %s", path);
	w = hm_alloc(1, sizeof(*w));
	w->path = hm_strdup(path);
	hm_blocks_open(&w->blocks, fd, path, (uint8_t)kind);
	w->items = hm_blocks_slot(w->blocks);
	*ret = w;
	return 0;
}

static int check_usable(const struct hm_record_writer *w, struct hm_fail *fail)
{
	if (w->failed)
		return hm_fail_set(fail, HM_E_SYSTEM, "writing the record %s: an earlier write failed", w->path);
	return 0;
}

static int close_block(struct hm_record_writer *w, struct hm_fail *fail)
{
	int r = hm_blocks_push(w->blocks, fail);

	w->items = hm_blocks_slot(w->blocks);
	w->failed |= r < 0;
	return r;
}

int hm_record_sync(struct hm_record_writer *w, struct hm_fail *fail)
{
	int r = check_usable(w, fail);

	if (r == 0 && w->items->count)
		r = close_block(w, fail);
	if (r == 0)
		r = hm_blocks_sync(w->blocks, fail);
	w->failed |= r < 0;
	return r;
}

int hm_record_append(struct hm_record_writer *w, struct hm_slice item, uint64_t time, struct hm_fail *fail)
{
	struct hm_cursor c = hm_cursor_of(item);
	struct hm_items *items = w->items;
	int r = check_usable(w, fail);

	if (r < 0)
		return r;
	hm_cbor_skip(&c);
	if (item.len == 0 || item.len > HM_RECORD_RAW_MAX || !hm_cursor_done(&c)) {
		w->failed = true;
		return hm_fail_set(fail, HM_E_BAD, "the record %s: %zu bytes are not one item", w->path, item.len);
	}
	if (items->raw.len + item.len > HM_RECORD_RAW_MAX) {
		r = close_block(w, fail);
		if (r < 0)
			return r;
		items = w->items;
	}
	if (items->count == 0)
		items->t_first = items->t_last = time;
	items->t_first = time < items->t_first ? time : items->t_first;
	items->t_last = time > items->t_last ? time : items->t_last;
	hm_bytes_slice(&items->raw, item);
	items->count++;
	return items->raw.len >= BLOCK_TARGET ? close_block(w, fail) : 0;
}

int hm_record_finish(struct hm_record_writer *w, struct hm_record_head *head, struct hm_fail *fail)
{
	struct hm_totals totals;
	int r = check_usable(w, fail);

	if (r == 0 && w->items->count)
		r = close_block(w, fail);
	if (r == 0)
		r = hm_blocks_finish(w->blocks, &totals, fail);
	if (r == 0 && head)
		*head = (struct hm_record_head){
			.kind = totals.kind, .root = totals.root, .blocks = totals.blocks, .items = totals.items,
		};
	hm_record_abandon(w);
	return r;
}

void hm_record_abandon(struct hm_record_writer *w)
{
	if (!w)
		return;
	hm_blocks_close(w->blocks);
	free(w->path);
	free(w);
}
