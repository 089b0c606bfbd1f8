/* Records that are cut, changed, or made by somebody who means harm. */
#include "record_fixture.h"

#include <sched.h>

#include <zstd.h>

static int open_code(struct hm_slice file, struct hm_record_head *head)
{
	struct hm_record *r;
	struct hm_fail fail = { 0 };
	int e = hm_record_open(&r, file, &fail);

	if (e < 0) {
		assert_int_equal(fail.code, e);
		assert_true(fail.text[0] != 0);
		return e;
	}
	if (head)
		*head = *hm_record_head(r);
	read_items(r);
	hm_record_close(r);
	return 0;
}

/* Cut at any byte, it reads up to its last whole block and says so. */
static void cut_at_every_byte(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes file = { 0 };
	HM_FREE char *path = file_named("cut");
	struct hm_record_head head;
	size_t ends[4] = { 0 }, at = 0;

	write_record(path, 3, 4, true, NULL);
	read_file(&file, path);
	for (size_t b = 1; b <= 3; b++) {
		struct hm_block block;

		assert_int_equal(hm_record_get_block(&block, (struct hm_slice){ file.data + at, file.len - at }, NULL), 0);
		at += HM_RECORD_BLOCK_LEN + block.frame_len;
		ends[b] = at;
	}
	for (size_t len = 0; len < file.len; len++) {
		/* A copy of that length, so that a sanitizer sees a read behind it. */
		HM_FREE uint8_t *copy = hm_alloc(len, 1);
		size_t blocks = 0;

		memcpy(copy, file.data, len);
		while (blocks < 3 && ends[blocks + 1] <= len)
			blocks++;
		assert_int_equal(open_code((struct hm_slice){ copy, len }, &head), 0);
		assert_true(head.cut);
		assert_int_equal(head.blocks, blocks);
		assert_int_equal(head.items, blocks * 4);
	}
	assert_int_equal(open_code(hm_slice_of(&file), &head), 0);
	assert_false(head.cut);
}

static void flip_every_bit(const char *name, bool whole)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes file = { 0 };
	HM_FREE char *path = file_named(name);

	write_record(path, 3, 4, whole, NULL);
	read_file(&file, path);
	assert_int_equal(open_code(hm_slice_of(&file), NULL), 0);
	for (size_t bit = 0; bit < file.len * 8; bit++) {
		file.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
		assert_int_equal(open_code(hm_slice_of(&file), NULL), HM_E_BAD);
		file.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
	}
}

static void every_bit_counts(void **state HM_UNUSED)
{
	flip_every_bit("bits", true);
}

static void every_bit_counts_without_footer(void **state HM_UNUSED)
{
	flip_every_bit("bits-cut", false);
}

static void nothing_may_follow_or_move(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes file = { 0 }, other = { 0 };
	HM_FREE char *path = file_named("moved");
	struct hm_block block;
	size_t first;

	write_record(path, 2, 4, true, NULL);
	read_file(&file, path);
	assert_int_equal(hm_record_get_block(&block, hm_slice_of(&file), NULL), 0);
	first = HM_RECORD_BLOCK_LEN + block.frame_len;

	hm_bytes_slice(&other, hm_slice_of(&file)); /* one byte more */
	hm_bytes_u8(&other, 0);
	assert_int_equal(open_code(hm_slice_of(&other), NULL), HM_E_BAD);
	other.len = 0; /* the first block left out */
	hm_bytes_append(&other, file.data + first, file.len - first);
	assert_int_equal(open_code(hm_slice_of(&other), NULL), HM_E_BAD);
	other.len = 0; /* the first block twice */
	hm_bytes_append(&other, file.data, first);
	hm_bytes_slice(&other, hm_slice_of(&file));
	assert_int_equal(open_code(hm_slice_of(&other), NULL), HM_E_BAD);
	other.len = 0; /* the whole file twice */
	hm_bytes_slice(&other, hm_slice_of(&file));
	hm_bytes_slice(&other, hm_slice_of(&file));
	assert_int_equal(open_code(hm_slice_of(&other), NULL), HM_E_BAD);
	assert_int_equal(open_code(HM_SLICE("plain text, and more than a header's worth of it; no record at all"), NULL),
			 HM_E_BAD);
}

/* A file of one block that lacks nothing but what the caller changes in it. */
struct forged {
	struct hm_bytes raw, frame, file;
	struct hm_block block;
	bool false_leaf, false_root, false_frame_crc;
};

static void release_forged(struct forged *f)
{
	hm_bytes_release(&f->raw);
	hm_bytes_release(&f->frame);
	hm_bytes_release(&f->file);
}

static void compress(struct hm_bytes *out, struct hm_slice raw, int level, int checksum, int content_size)
{
	ZSTD_CCtx *zstd = ZSTD_createCCtx();
	size_t bound = ZSTD_compressBound(raw.len), n;

	ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, level);
	ZSTD_CCtx_setParameter(zstd, ZSTD_c_windowLog, 26); /* a single segment, however long */
	ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, checksum);
	ZSTD_CCtx_setParameter(zstd, ZSTD_c_contentSizeFlag, content_size);
	n = ZSTD_compress2(zstd, hm_bytes_reserve(out, bound), bound, raw.data, raw.len);
	assert_false(ZSTD_isError(n));
	out->len += n;
	ZSTD_freeCCtx(zstd);
}

static void forge_items(struct forged *f, uint64_t count)
{
	*f = (struct forged){ .block = { .kind = HM_RECORD_EVENTS, .count = (uint32_t)count } };
	for (uint64_t i = 0; i < count; i++)
		put_item(&f->raw, i);
	compress(&f->frame, hm_slice_of(&f->raw), 3, 1, 1);
	f->block.raw_len = (uint32_t)f->raw.len;
}

/* Leaf, root and CRCs made to fit what is there, unless one shall not; then read as a record without a footer. */
static int open_forged(struct forged *f, struct hm_record_head *head)
{
	struct hm_merkle tree = { 0 };

	if (!f->block.withheld) {
		hm_record_leaf(&f->block.leaf, f->block.salt, hm_slice_of(&f->raw));
		f->block.frame_len = (uint32_t)f->frame.len;
		f->block.frame_crc = hm_record_crc(hm_slice_of(&f->frame)) ^ f->false_frame_crc;
	}
	f->block.leaf.b[31] ^= f->false_leaf;
	hm_merkle_append(&tree, &f->block.leaf);
	hm_merkle_root(&tree, &f->block.root);
	f->block.root.b[31] ^= f->false_root;
	f->file.len = 0;
	hm_record_put_block(&f->file, &f->block);
	hm_bytes_slice(&f->file, hm_slice_of(&f->frame));
	return open_code(hm_slice_of(&f->file), head);
}

static void compressed_again_keeps_its_root(void **state HM_UNUSED)
{
	HM_CLEANUP(release_forged) struct forged f;
	struct hm_record_head once, again;

	forge_items(&f, 100);
	assert_int_equal(open_forged(&f, &once), 0);
	f.frame.len = 0;
	compress(&f.frame, hm_slice_of(&f.raw), 19, 1, 1);
	assert_int_equal(open_forged(&f, &again), 0);
	assert_memory_equal(&once.root, &again.root, sizeof(once.root));
}

/* Everything is consistent here but the one thing that the line changes. */
static void frames_have_one_form(void **state HM_UNUSED)
{
	HM_CLEANUP(release_forged) struct forged f;

	forge_items(&f, 100);
	f.frame.len = 0;
	compress(&f.frame, hm_slice_of(&f.raw), 3, 0, 1); /* no checksum */
	assert_int_equal(open_forged(&f, NULL), HM_E_BAD);
	f.frame.len = 0;
	compress(&f.frame, hm_slice_of(&f.raw), 3, 1, 0); /* no content size */
	assert_int_equal(open_forged(&f, NULL), HM_E_BAD);
	f.frame.len = 0;
	compress(&f.frame, (struct hm_slice){ f.raw.data, 10 }, 3, 1, 1); /* two frames */
	compress(&f.frame, (struct hm_slice){ f.raw.data + 10, f.raw.len - 10 }, 3, 1, 1);
	assert_int_equal(open_forged(&f, NULL), HM_E_BAD);
	f.frame.len = 0;
	compress(&f.frame, hm_slice_of(&f.raw), 3, 1, 1);
	hm_bytes_u8(&f.frame, 0); /* a byte behind */
	assert_int_equal(open_forged(&f, NULL), HM_E_BAD);
	f.frame.len--;
	assert_int_equal(open_forged(&f, NULL), 0);
	hm_bytes_append(&f.frame, "\x50\x2a\x4d\x18\0\0\0\0", 8); /* an empty skippable frame, which zstd passes over */
	assert_int_equal(open_forged(&f, NULL), HM_E_BAD);
	f.frame.len -= 8;
	f.frame.data[4] |= 0x10; /* the bit that decoders ignore */
	assert_int_equal(open_forged(&f, NULL), HM_E_BAD);
	f.frame.data[4] = (uint8_t)((f.frame.data[4] & ~0x10) | 0x08); /* the reserved bit */
	assert_int_equal(open_forged(&f, NULL), HM_E_BAD);
}

static void headers_must_tell_the_truth(void **state HM_UNUSED)
{
	HM_CLEANUP(release_forged) struct forged f;

	forge_items(&f, 10);
	assert_int_equal(open_forged(&f, NULL), 0);
#define REFUSED(field, value)                                              \
	do {                                                               \
		struct hm_block kept = f.block;                            \
		f.block.field = (value);                                   \
		assert_int_equal(open_forged(&f, NULL), HM_E_BAD);         \
		f.block = kept;                                            \
	} while (0)
	REFUSED(kind, 0);
	REFUSED(kind, 3);
	REFUSED(count, 0);
	REFUSED(count, 9);
	REFUSED(count, 11);
	REFUSED(number, 1);
	REFUSED(first, 1);
	REFUSED(t_first, 1); /* behind t_last */
	REFUSED(raw_len, f.block.raw_len - 1);
	REFUSED(raw_len, f.block.raw_len + 1);
	REFUSED(raw_len, HM_RECORD_RAW_MAX + 1);
	REFUSED(raw_len, UINT32_MAX);
#undef REFUSED
	assert_int_equal(open_forged(&f, NULL), 0);
	f.false_leaf = true;
	assert_int_equal(open_forged(&f, NULL), HM_E_BAD);
	f.false_leaf = false;
	f.false_root = true;
	assert_int_equal(open_forged(&f, NULL), HM_E_BAD);
	f.false_root = false;
	f.false_frame_crc = true;
	assert_int_equal(open_forged(&f, NULL), HM_E_BAD);
	f.false_frame_crc = false;
	f.raw.data[0] = 0x82 | 0x20; /* content that is not of the subset; frame, leaf and CRCs fit it */
	f.frame.len = 0;
	compress(&f.frame, hm_slice_of(&f.raw), 3, 1, 1);
	assert_int_equal(open_forged(&f, NULL), HM_E_BAD);
}

/* A kilobyte that would unfold to a gigabyte is refused by the lengths that it declares, before anything is unfolded. */
static void bomb_is_refused(void **state HM_UNUSED)
{
	HM_CLEANUP(release_forged) struct forged f = { .block = { .kind = HM_RECORD_EVENTS } };
	const size_t len = 64u << 20;

	hm_bytes_reserve(&f.raw, len);
	memset(f.raw.data, 0, len);
	f.raw.len = len;
	compress(&f.frame, hm_slice_of(&f.raw), 1, 1, 1);
	f.block.count = f.block.raw_len = (uint32_t)len; /* the truth, 67 million zeros, is too much */
	assert_int_equal(open_forged(&f, NULL), HM_E_BAD);
	f.block.count = HM_RECORD_RAW_MAX;
	f.block.raw_len = HM_RECORD_RAW_MAX; /* and so is a lie */
	assert_int_equal(open_forged(&f, NULL), HM_E_BAD);
}

static void newer_version_is_unknown(void **state HM_UNUSED)
{
	HM_CLEANUP(release_forged) struct forged f;
	uint32_t crc;

	forge_items(&f, 10);
	assert_int_equal(open_forged(&f, NULL), 0);
	f.file.data[16] = 2;
	assert_int_equal(open_code(hm_slice_of(&f.file), NULL), HM_E_BAD); /* a changed bit is damage */
	crc = hm_record_crc((struct hm_slice){ f.file.data, HM_RECORD_BLOCK_LEN - 4 });
	for (size_t i = 0; i < 4; i++)
		f.file.data[HM_RECORD_BLOCK_LEN - 4 + i] = (uint8_t)(crc >> 8 * i);
	assert_int_equal(open_code(hm_slice_of(&f.file), NULL), HM_E_UNKNOWN);
}

/* Three blocks, the middle one withheld: the root stays, its items are passed over, positions count them. */
static void withheld_block(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes file = { 0 }, other = { 0 };
	HM_FREE char *path = file_named("withheld");
	struct hm_record_head head;
	struct hm_block block[3];
	struct hm_slice item;
	struct hm_record *r;
	struct hm_fail fail;
	size_t at = 0;

	write_record(path, 3, 4, true, &head);
	read_file(&file, path);
	for (size_t b = 0; b < 3; b++) {
		assert_int_equal(hm_record_get_block(&block[b], (struct hm_slice){ file.data + at, file.len - at }, &fail), 0);
		at += HM_RECORD_BLOCK_LEN + block[b].frame_len;
		if (b == 1) {
			block[b].withheld = true;
			block[b].frame_len = block[b].frame_crc = 0;
			memset(block[b].salt, 0, sizeof(block[b].salt));
		}
		hm_record_put_block(&other, &block[b]);
		hm_bytes_append(&other, file.data + at - block[b].frame_len, block[b].frame_len);
	}
	assert_int_equal(hm_record_open(&r, hm_slice_of(&other), &fail), 0);
	assert_int_equal(hm_record_head(r)->withheld, 1);
	assert_int_equal(hm_record_head(r)->items, 12);
	assert_memory_equal(&hm_record_head(r)->root, &head.root, sizeof(head.root));
	for (uint64_t i = 0; i < 8; i++) {
		assert_int_equal(hm_record_next(r, &item, &fail), 1);
		assert_int_equal(hm_record_position(r), i < 4 ? i : i + 4);
	}
	assert_int_equal(hm_record_next(r, &item, &fail), 0);
	hm_record_close(r);
	/* Salt or content that stay behind would defeat it. */
	block[1].salt[0] = 1;
	other.len = 0;
	hm_record_put_block(&other, &block[1]);
	assert_int_equal(open_code(hm_slice_of(&other), NULL), HM_E_BAD);
}

/* A file that was found right is known by its bytes, not by where it lies. */
static void changed_behind_a_check(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes file = { 0 };
	HM_FREE char *path = file_named("behind");
	struct hm_record_head head;

	write_record(path, 3, 4, true, NULL);
	read_file(&file, path);
	for (size_t i = 0; i < file.len; i++) {
		assert_int_equal(open_code(hm_slice_of(&file), &head), 0);
		assert_int_equal(head.items, 12);
		file.data[i] ^= 1;
		assert_true(open_code(hm_slice_of(&file), NULL) < 0);
		file.data[i] ^= 1;
	}
	file.len -= 1;
	assert_int_equal(open_code(hm_slice_of(&file), &head), 0);
	assert_true(head.cut);
}

struct taken {
	uint64_t count, stop_at;
};

static int take_item(void *cookie, struct hm_slice item, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes want = { 0 };
	struct taken *taken = cookie;

	put_item(&want, taken->count);
	assert_true(hm_slice_eq(item, hm_slice_of(&want)));
	return ++taken->count == taken->stop_at ? hm_fail_set(fail, HM_E_UNKNOWN, "enough") : 0;
}

/* The first time, while it is checked, and when it is known. */
static void items_come_while_it_is_opened(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes file = { 0 };
	HM_FREE char *path = file_named("items");
	struct hm_fail fail;
	struct hm_record *r;

	write_record(path, 3, 5, true, NULL);
	read_file(&file, path);
	for (unsigned i = 0; i < 3; i++) {
		struct taken taken = { 0 }, cut = { .stop_at = 7 };

		assert_int_equal(hm_record_open_with(&r, hm_slice_of(&file), take_item, &cut, &fail), HM_E_UNKNOWN);
		assert_non_null(strstr(fail.text, "enough"));
		assert_int_equal(cut.count, 7);
		assert_int_equal(hm_record_open_with(&r, hm_slice_of(&file), take_item, &taken, &fail), 0);
		assert_int_equal(taken.count, 15);
		assert_int_equal(read_items(r), 15);
		hm_record_close(r);
	}
}

/* What a file comes to, with its digest of items, by as many cores as `set` has. */
static int opened_by(const cpu_set_t *set, struct hm_slice file, struct hm_fail *fail, struct hm_sha256 *items)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes all = { 0 };
	struct hm_record *r;
	struct hm_slice item;
	int e;

	assert_int_equal(sched_setaffinity(0, sizeof(*set), set), 0);
	*fail = (struct hm_fail){ 0 };
	e = hm_record_open(&r, file, fail);
	if (e < 0)
		return e;
	while (hm_record_next(r, &item, fail) == 1)
		hm_bytes_slice(&all, item);
	hm_sha256_slice(items, hm_slice_of(&all));
	hm_record_close(r);
	return 0;
}

/* More than a MiB, since it does not compress. */
static void write_long(const char *path, unsigned blocks)
{
	struct hm_record_writer *w;
	uint32_t draw = 1;

	assert_int_equal(hm_record_create(&w, path, HM_RECORD_EVENTS, NULL), 0);
	for (unsigned i = 0; i < 4 * blocks; i++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes item = { 0 };
		uint8_t bytes[4000];

		for (size_t k = 0; k < sizeof(bytes); k++)
			bytes[k] = (uint8_t)((draw = draw * 1664525 + 1013904223) >> 24);
		hm_cbor_bytes(&item, (struct hm_slice){ bytes, sizeof(bytes) });
		assert_int_equal(hm_record_append(w, hm_slice_of(&item), i, NULL), 0);
		if (i % 4 == 3)
			assert_int_equal(hm_record_sync(w, NULL), 0);
	}
	assert_int_equal(hm_record_finish(w, NULL, NULL), 0);
}

/* A file long enough for threads is read, and refused, as one core alone does it. */
static void cores_change_nothing(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes file = { 0 };
	HM_FREE char *path = file_named("long");
	size_t at = 0, block = 0, ahead;
	cpu_set_t all, one;

	write_long(path, 80);
	read_file(&file, path);
	assert_true(file.len > (1 << 20));
	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	CPU_ZERO(&one);
	for (int cpu = 0; CPU_COUNT(&one) == 0; cpu++)
		if (CPU_ISSET(cpu, &all))
			CPU_SET(cpu, &one);
	for (; block < 40; block++) {
		struct hm_block b;

		assert_int_equal(hm_record_get_block(&b, (struct hm_slice){ file.data + at, file.len - at }, NULL), 0);
		at += HM_RECORD_BLOCK_LEN + b.frame_len;
	}
	{
		struct hm_block b;

		assert_int_equal(hm_record_get_block(&b, (struct hm_slice){ file.data + at, file.len - at }, NULL), 0);
		ahead = b.frame_len;
	}
	/* Nothing; a frame; then a header behind it, which threads that run ahead have seen by the time the frame is known to be false. */
	for (unsigned wrong = 0; wrong < 3; wrong++) {
		struct hm_fail fails[2];
		struct hm_sha256 items[2] = { 0 };
		int with_all, with_one;

		if (wrong)
			file.data[wrong == 1 ? at + HM_RECORD_BLOCK_LEN + 20 : at + HM_RECORD_BLOCK_LEN + ahead + 30] ^= 1;
		with_one = opened_by(&one, hm_slice_of(&file), &fails[0], &items[0]);
		with_all = opened_by(&all, hm_slice_of(&file), &fails[1], &items[1]);
		assert_int_equal(with_one, wrong ? HM_E_BAD : 0);
		assert_int_equal(with_all, with_one);
		assert_string_equal(fails[0].text, fails[1].text);
		assert_memory_equal(&items[0], &items[1], sizeof(items[0]));
		if (wrong)
			assert_non_null(strstr(fails[0].text, "block 40: its frame's CRC is wrong"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut_at_every_byte),
		cmocka_unit_test(every_bit_counts),
		cmocka_unit_test(every_bit_counts_without_footer),
		cmocka_unit_test(nothing_may_follow_or_move),
		cmocka_unit_test(compressed_again_keeps_its_root),
		cmocka_unit_test(frames_have_one_form),
		cmocka_unit_test(headers_must_tell_the_truth),
		cmocka_unit_test(bomb_is_refused),
		cmocka_unit_test(newer_version_is_unknown),
		cmocka_unit_test(withheld_block),
		cmocka_unit_test(changed_behind_a_check),
		cmocka_unit_test(items_come_while_it_is_opened),
		cmocka_unit_test(cores_change_nothing),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
