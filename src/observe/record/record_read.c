/* The reader. hm_record_open checks everything once, block by block, and keeps no index; hm_record_next goes over the
 * blocks again and holds one of them uncompressed. */
#include "record_ahead.h"

#include "cbor.h"
#include "cursor.h"

struct hm_record {
	struct hm_slice file;
	struct hm_record_head head;
	size_t end;	     /* where the blocks end */
	size_t next;	     /* where the next block begins */
	struct hm_ahead *ahead; /* while it is read */
	struct hm_cursor items; /* of the block that is being read */
	uint64_t position; /* of the next item in it */
};

static struct hm_slice slice_from(struct hm_slice s, size_t at)
{
	return (struct hm_slice){ s.data + at, s.len - at };
}

/* What has been seen while scanning. */
struct scan {
	int (*take)(void *cookie, struct hm_slice item, struct hm_fail *fail); /* or NULL */
	void *cookie;
	struct hm_merkle tree;
	struct hm_bytes seek;
	uint64_t raw_bytes;
};

static void release_scan(struct scan *scan)
{
	hm_bytes_release(&scan->seek);
}

static int check_items(struct scan *scan, const struct hm_ahead_block *b, struct hm_fail *fail)
{
	struct hm_cursor c = hm_cursor_of(b->raw);
	uint32_t count = 0;
	int e = 0;

	for (; e >= 0 && !c.bad && hm_cursor_left(&c); count++) {
		const uint8_t *start = c.at;

		hm_cbor_skip(&c);
		if (scan->take && !c.bad)
			e = scan->take(scan->cookie, (struct hm_slice){ start, (size_t)(c.at - start) }, fail);
	}
	if (e < 0)
		return e;
	if (c.bad || count != b->block.count)
		return hm_fail_set(fail, HM_E_BAD, "its content is not %u items of deterministic CBOR", b->block.count);
	return 0;
}

static int take_block(struct hm_record *r, struct scan *scan, const struct hm_ahead_block *b, struct hm_fail *fail)
{
	const struct hm_block *block = &b->block;
	struct hm_sha256 root;
	int e = 0;

	if (block->number != r->head.blocks || block->first != r->head.items ||
	    (r->head.blocks && block->kind != r->head.kind))
		return hm_fail_set(fail, HM_E_BAD, "it is out of its order");
	if (b->result < 0 && fail)
		*fail = b->why;
	if (b->result < 0)
		return b->result;
	if (!block->withheld)
		e = check_items(scan, b, fail);
	if (e < 0)
		return e;
	hm_merkle_append(&scan->tree, &block->leaf);
	hm_merkle_root(&scan->tree, &root);
	if (memcmp(root.b, block->root.b, HM_SHA256_LEN) != 0)
		return hm_fail_set(fail, HM_E_BAD, "the root after it is not that of the leaves");
	hm_record_put_seek(&scan->seek, HM_RECORD_BLOCK_LEN, 0);
	if (!block->withheld)
		hm_record_put_seek(&scan->seek, block->frame_len, block->raw_len);
	scan->raw_bytes += block->raw_len;
	r->head.kind = block->kind;
	r->head.blocks++;
	r->head.items += block->count;
	r->head.withheld += block->withheld;
	r->end = b->after;
	return 0;
}

/* The footer has one right form, which is made again and compared. */
static int check_footer(struct hm_record *r, struct scan *scan, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes want = { 0 };
	struct hm_slice have = slice_from(r->file, r->end);
	struct hm_totals totals = {
		.kind = r->head.blocks ? (uint8_t)r->head.kind : have.data[18],
		.blocks = r->head.blocks, .items = r->head.items, .raw_bytes = scan->raw_bytes,
	};

	if (totals.kind != HM_RECORD_EVENTS && totals.kind != HM_RECORD_TREE)
		return hm_fail_set(fail, HM_E_BAD, "record: no kind %u", totals.kind);
	r->head.kind = totals.kind;
	hm_merkle_root(&scan->tree, &totals.root);
	r->head.root = totals.root;
	hm_record_put_totals(&want, &totals);
	hm_record_put_seek(&scan->seek, HM_RECORD_TOTALS_LEN, 0);
	hm_record_put_seek_table(&want, hm_slice_of(&scan->seek));
	if (have.len > want.len || memcmp(have.data, want.data, have.len) != 0)
		return hm_fail_set(fail, HM_E_BAD, "record: its footer is not that of its blocks");
	r->head.cut = have.len < want.len;
	return 0;
}

static void cleanup_ahead(struct hm_ahead **a)
{
	hm_ahead_close(*a);
}

static int scan_file(struct hm_record *r, int (*take)(void *cookie, struct hm_slice item, struct hm_fail *fail), void *cookie,
		     struct hm_fail *fail)
{
	HM_CLEANUP(release_scan) struct scan scan = { .take = take, .cookie = cookie };
	HM_CLEANUP(cleanup_ahead) struct hm_ahead *ahead = NULL;
	const struct hm_ahead_block *block;
	int e;

	r->head.cut = true;
	hm_ahead_open(&ahead, r->file, r->file.len, true);
	while ((e = hm_ahead_next(ahead, &block, fail)) > 0) {
		e = take_block(r, &scan, block, fail);
		if (e < 0)
			break;
	}
	if (e < 0)
		return hm_fail_in(fail, "record: block %llu", (unsigned long long)r->head.blocks);
	if (r->end < r->file.len && hm_record_part(slice_from(r->file, r->end), fail) == HM_PART_TOTALS)
		return check_footer(r, &scan, fail);
	hm_merkle_root(&scan.tree, &r->head.root);
	return 0;
}

static void cleanup_record(struct hm_record **r)
{
	hm_record_close(*r);
}

/* Of a file that needs no scan. */
static int give_items(struct hm_record *r, int (*take)(void *cookie, struct hm_slice item, struct hm_fail *fail), void *cookie,
		      struct hm_fail *fail)
{
	struct hm_slice item;
	int e;

	hm_record_rewind(r);
	while ((e = hm_record_next(r, &item, fail)) > 0) {
		e = take(cookie, item, fail);
		if (e < 0)
			return e;
	}
	return e;
}

int hm_record_open_with(struct hm_record **ret, struct hm_slice file, int (*take)(void *cookie, struct hm_slice item, struct hm_fail *fail),
			void *cookie, struct hm_fail *fail)
{
	HM_CLEANUP(cleanup_record) struct hm_record *r = hm_alloc(1, sizeof(*r));
	struct hm_sha256 digest;
	bool seen;
	int e = 0;

	r->file = file;
	hm_sha256_slice(&digest, file);
	seen = hm_record_was_seen(&digest, &r->head, &r->end);
	if (!seen)
		e = scan_file(r, take, cookie, fail);
	else if (take)
		e = give_items(r, take, cookie, fail);
	if (e < 0)
		return e;
	if (!seen)
		hm_record_note_seen(&digest, &r->head, r->end);
	hm_record_rewind(r);
	*ret = hm_take_ptr(&r);
	return 0;
}

int hm_record_open(struct hm_record **ret, struct hm_slice file, struct hm_fail *fail)
{
	return hm_record_open_with(ret, file, NULL, NULL, fail);
}

const struct hm_record_head *hm_record_head(const struct hm_record *r)
{
	return &r->head;
}

/* Loads the next block that has its content: 1, 0 at the end, or an error. */
static int load_block(struct hm_record *r, struct hm_fail *fail)
{
	const struct hm_ahead_block *block;
	int e;

	if (!r->ahead)
		hm_ahead_open(&r->ahead, r->file, r->end, false);
	while ((e = hm_ahead_next(r->ahead, &block, fail)) == 1) {
		if (block->result < 0 && fail)
			*fail = block->why;
		if (block->result < 0)
			return hm_fail_in(fail, "record: a block");
		r->next = block->after;
		if (block->block.withheld)
			continue;
		r->position = block->block.first;
		r->items = hm_cursor_of(block->raw);
		return 1;
	}
	if (e == 0 && r->next != r->end)
		e = hm_fail_set(fail, HM_E_BAD, "it changed while it was read");
	return e < 0 ? hm_fail_in(fail, "record: a block") : 0;
}

int hm_record_next(struct hm_record *r, struct hm_slice *item, struct hm_fail *fail)
{
	const uint8_t *start;

	if (!hm_cursor_left(&r->items)) {
		int e = load_block(r, fail);

		if (e <= 0)
			return e;
	}
	start = r->items.at;
	hm_cbor_skip(&r->items);
	if (r->items.bad)
		return hm_fail_set(fail, HM_E_BAD, "record: it changed while it was read");
	r->position++;
	*item = (struct hm_slice){ start, (size_t)(r->items.at - start) };
	return 1;
}

uint64_t hm_record_position(const struct hm_record *r)
{
	return r->position - 1;
}

void hm_record_rewind(struct hm_record *r)
{
	hm_ahead_close(r->ahead);
	r->ahead = NULL;
	r->next = 0;
	r->items = (struct hm_cursor){ NULL, NULL, false };
}

void hm_record_close(struct hm_record *r)
{
	if (!r)
		return;
	hm_ahead_close(r->ahead);
	free(r);
}
