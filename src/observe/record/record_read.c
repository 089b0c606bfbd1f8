/* The reader. hm_record_open checks everything once, block by block, and keeps no index; hm_record_next goes over the
 * blocks again and holds one of them uncompressed. */
#include "record_internal.h"

#include <zstd.h>

#include "cbor.h"
#include "cursor.h"
#include "fs.h"

/* Frame header descriptor, without the two bits that tell the width of the content size: single segment, content checksum,
 * nothing reserved, no dictionary. */
#define DESCRIPTOR_MASK 0x3f
#define DESCRIPTOR 0x24

struct hm_record {
	struct hm_slice file;
	struct hm_record_head head;
	size_t end;	     /* where the blocks end */
	size_t next;	     /* where the next block begins */
	struct hm_bytes raw; /* the block that is being read */
	struct hm_cursor items;
	uint64_t position; /* of the next item in it */
	ZSTD_DCtx *zstd;
};

static struct hm_slice slice_from(struct hm_slice s, size_t at)
{
	return (struct hm_slice){ s.data + at, s.len - at };
}

/* Uncompresses a frame into `raw`, after all checks that need no content. */
static int uncompress(struct hm_record *r, const struct hm_block *block, struct hm_slice frame, struct hm_fail *fail)
{
	uint8_t *at;
	size_t n;

	if (hm_record_crc(frame) != block->frame_crc)
		return hm_fail_set(fail, HM_E_BAD, "its frame's CRC is wrong");
	if (frame.len < 5 || memcmp(frame.data, "\x28\xb5\x2f\xfd", 4) != 0 ||
	    (frame.data[4] & DESCRIPTOR_MASK) != DESCRIPTOR ||
	    ZSTD_findFrameCompressedSize(frame.data, frame.len) != frame.len ||
	    ZSTD_getFrameContentSize(frame.data, frame.len) != block->raw_len)
		return hm_fail_set(fail, HM_E_BAD, "its frame is not one zstd frame of the right form and length");
	r->raw.len = 0;
	at = hm_bytes_reserve(&r->raw, block->raw_len);
	n = ZSTD_decompressDCtx(r->zstd, at, block->raw_len, frame.data, frame.len);
	if (n != block->raw_len)
		return hm_fail_set(fail, HM_E_BAD, "its frame does not uncompress");
	r->raw.len = n;
	return 0;
}

/* The block's header at `at`; *after is where its frame ends. 1 when there is a whole block, 0 when it is torn. */
static int block_at(struct hm_record *r, size_t at, struct hm_block *block, size_t *after, struct hm_fail *fail)
{
	int e = hm_record_get_block(block, slice_from(r->file, at), fail);

	if (e < 0)
		return e;
	at += HM_RECORD_BLOCK_LEN;
	if (block->frame_len > r->file.len - at)
		return 0;
	*after = at + block->frame_len;
	return 1;
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

static int check_content(struct hm_record *r, struct scan *scan, const struct hm_block *block, struct hm_slice frame, struct hm_fail *fail)
{
	struct hm_sha256 leaf;
	struct hm_cursor c;
	uint32_t count = 0;
	int e = uncompress(r, block, frame, fail);

	if (e < 0)
		return e;
	hm_record_leaf(&leaf, block->salt, hm_slice_of(&r->raw));
	if (memcmp(leaf.b, block->leaf.b, HM_SHA256_LEN) != 0)
		return hm_fail_set(fail, HM_E_BAD, "its leaf hash is not that of its content");
	c = hm_cursor_of(hm_slice_of(&r->raw));
	for (; e >= 0 && !c.bad && hm_cursor_left(&c); count++) {
		const uint8_t *start = c.at;

		hm_cbor_skip(&c);
		if (scan->take && !c.bad)
			e = scan->take(scan->cookie, (struct hm_slice){ start, (size_t)(c.at - start) }, fail);
	}
	if (e < 0)
		return e;
	if (c.bad || count != block->count)
		return hm_fail_set(fail, HM_E_BAD, "its content is not %u items of deterministic CBOR", block->count);
	return 0;
}

static int take_block(struct hm_record *r, struct scan *scan, const struct hm_block *block, struct hm_slice frame,
		      struct hm_fail *fail)
{
	struct hm_sha256 root;
	int e = 0;

	if (block->number != r->head.blocks || block->first != r->head.items ||
	    (r->head.blocks && block->kind != r->head.kind))
		return hm_fail_set(fail, HM_E_BAD, "it is out of its order");
	if (!block->withheld)
		e = check_content(r, scan, block, frame, fail);
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

static int scan_file(struct hm_record *r, int (*take)(void *cookie, struct hm_slice item, struct hm_fail *fail), void *cookie,
		     struct hm_fail *fail)
{
	HM_CLEANUP(release_scan) struct scan scan = { .take = take, .cookie = cookie };

	r->head.cut = true;
	while (r->end < r->file.len) {
		size_t after = 0;
		struct hm_block block;
		int e = hm_record_part(slice_from(r->file, r->end), fail);

		if (e == HM_PART_TOTALS)
			return check_footer(r, &scan, fail);
		if (e == HM_PART_TORN)
			break;
		if (e == HM_PART_BLOCK)
			e = block_at(r, r->end, &block, &after, fail);
		if (e == 0)
			break;
		if (e > 0)
			e = take_block(r, &scan, &block,
				       (struct hm_slice){ r->file.data + after - block.frame_len, block.frame_len }, fail);
		if (e < 0)
			return hm_fail_in(fail, "record: block %llu", (unsigned long long)r->head.blocks);
		hm_fs_passed((struct hm_slice){ r->file.data + r->end, after - r->end });
		r->end = after;
	}
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
	r->zstd = ZSTD_createDCtx();
	if (!r->zstd)
		abort();
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
	while (r->next < r->end) {
		size_t after = 0;
		struct hm_block block;
		int e = block_at(r, r->next, &block, &after, fail);

		if (e == 0)
			e = hm_fail_set(fail, HM_E_BAD, "it changed while it was read");
		if (e > 0 && !block.withheld)
			e = uncompress(r, &block, (struct hm_slice){ r->file.data + after - block.frame_len,
								     block.frame_len }, fail);
		if (e < 0)
			return hm_fail_in(fail, "record: a block");
		hm_fs_passed((struct hm_slice){ r->file.data + r->next, after - r->next });
		r->next = after;
		if (block.withheld)
			continue;
		r->position = block.first;
		r->items = hm_cursor_of(hm_slice_of(&r->raw));
		return 1;
	}
	return 0;
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
	r->next = 0;
	r->items = (struct hm_cursor){ NULL, NULL, false };
}

void hm_record_close(struct hm_record *r)
{
	if (!r)
		return;
	ZSTD_freeDCtx(r->zstd);
	hm_bytes_release(&r->raw);
	free(r);
}
