#include "record_fixture.h"

#include <sys/stat.h>
#include <zstd.h>

static void writes_and_reads(void **state HM_UNUSED)
{
	HM_FREE char *path = file_named("whole");
	HM_CLEANUP(hm_bytes_release) struct hm_bytes file = { 0 };
	struct hm_record_head head;
	const struct hm_record_head *got;
	struct hm_record *r;
	struct hm_fail fail;

	write_record(path, 5, 100, true, &head);
	assert_int_equal(head.blocks, 5);
	assert_int_equal(head.items, 500);
	read_file(&file, path);
	assert_int_equal(hm_record_open(&r, hm_slice_of(&file), &fail), 0);
	got = hm_record_head(r);
	assert_int_equal(got->kind, HM_RECORD_EVENTS);
	assert_int_equal(got->blocks, 5);
	assert_int_equal(got->items, 500);
	assert_int_equal(got->withheld, 0);
	assert_false(got->cut);
	assert_memory_equal(&got->root, &head.root, sizeof(head.root));
	assert_int_equal(read_items(r), 500);
	hm_record_rewind(r);
	assert_int_equal(read_items(r), 500);
	hm_record_close(r);
}

/* Half a million items: blocks close by themselves, and nothing is lost at their borders. */
static void closes_blocks_when_full(void **state HM_UNUSED)
{
	HM_FREE char *path = file_named("large");
	HM_CLEANUP(hm_bytes_release) struct hm_bytes file = { 0 };
	struct hm_record_writer *w;
	struct hm_record_head head;
	struct hm_record *r;
	struct hm_fail fail;

	assert_int_equal(hm_record_create(&w, path, HM_RECORD_EVENTS, &fail), 0);
	for (uint64_t i = 0; i < 200000; i++)
		assert_int_equal(append_item(w, i, &fail), 0);
	assert_int_equal(hm_record_finish(w, &head, &fail), 0);
	assert_in_range(head.blocks, 10, 60);
	read_file(&file, path);
	assert_int_equal(hm_record_open(&r, hm_slice_of(&file), &fail), 0);
	assert_int_equal(hm_record_head(r)->items, 200000);
	assert_int_equal(read_items(r), 200000);
	hm_record_close(r);
}

/* The largest item that there may be, between small ones; and one byte more. */
static void large_items(void **state HM_UNUSED)
{
	HM_FREE char *path = file_named("huge");
	HM_CLEANUP(hm_bytes_release) struct hm_bytes file = { 0 }, item = { 0 };
	const size_t len = HM_RECORD_RAW_MAX - 5; /* behind a head of 5 bytes */
	HM_FREE uint8_t *content = hm_alloc(len + 1, 1);
	struct hm_record_writer *w;
	struct hm_record_head head;
	struct hm_record *r;
	struct hm_slice got;
	struct hm_fail fail;

	for (size_t i = 0; i < len; i++)
		content[i] = (uint8_t)(i * i >> 7);
	assert_int_equal(hm_record_create(&w, path, HM_RECORD_EVENTS, &fail), 0);
	assert_int_equal(append_item(w, 0, &fail), 0);
	hm_cbor_bytes(&item, (struct hm_slice){ content, len });
	assert_int_equal(item.len, HM_RECORD_RAW_MAX);
	assert_int_equal(hm_record_append(w, hm_slice_of(&item), 1, &fail), 0);
	assert_int_equal(append_item(w, 2, &fail), 0);
	assert_int_equal(hm_record_finish(w, &head, &fail), 0);
	assert_int_equal(head.blocks, 3);
	read_file(&file, path);
	assert_int_equal(hm_record_open(&r, hm_slice_of(&file), &fail), 0);
	assert_int_equal(hm_record_next(r, &got, &fail), 1);
	assert_int_equal(hm_record_next(r, &got, &fail), 1);
	assert_true(hm_slice_eq(got, hm_slice_of(&item)));
	assert_int_equal(hm_record_next(r, &got, &fail), 1);
	assert_int_equal(hm_record_next(r, &got, &fail), 0);
	hm_record_close(r);

	assert_int_equal(unlink(path), 0);
	item.len = 0;
	hm_cbor_bytes(&item, (struct hm_slice){ content, len + 1 });
	assert_int_equal(hm_record_create(&w, path, HM_RECORD_EVENTS, &fail), 0);
	assert_int_equal(hm_record_append(w, hm_slice_of(&item), 0, &fail), HM_E_BAD);
	hm_record_abandon(w);
}

static void empty_record(void **state HM_UNUSED)
{
	HM_FREE char *path = file_named("empty");
	HM_CLEANUP(hm_bytes_release) struct hm_bytes file = { 0 };
	struct hm_record_writer *w;
	struct hm_sha256 nothing;
	struct hm_slice item;
	struct hm_record *r;
	struct hm_fail fail;

	assert_int_equal(hm_record_create(&w, path, HM_RECORD_TREE, &fail), 0);
	assert_int_equal(hm_record_finish(w, NULL, &fail), 0);
	read_file(&file, path);
	assert_int_equal(hm_record_open(&r, hm_slice_of(&file), &fail), 0);
	hm_sha256_of(&nothing, NULL, 0);
	assert_int_equal(hm_record_head(r)->kind, HM_RECORD_TREE);
	assert_int_equal(hm_record_head(r)->items, 0);
	assert_false(hm_record_head(r)->cut);
	assert_memory_equal(&hm_record_head(r)->root, &nothing, sizeof(nothing));
	assert_int_equal(hm_record_next(r, &item, &fail), 0);
	hm_record_close(r);
}

/* Two records of the same items have other salts, and so other leaves and roots: a hash of a guess proves nothing. */
static void salts_differ(void **state HM_UNUSED)
{
	HM_FREE char *one = file_named("salt1"), *two = file_named("salt2");
	struct hm_record_head first, second;

	write_record(one, 1, 3, true, &first);
	write_record(two, 1, 3, true, &second);
	assert_memory_not_equal(&first.root, &second.root, sizeof(first.root));
}

static void refuses_what_is_no_item(void **state HM_UNUSED)
{
	static const struct hm_slice bad[] = {
		{ NULL, 0 }, HM_SLICE("\x18\x01"), HM_SLICE("\x01\x02"), HM_SLICE("\x81"), HM_SLICE("\xf6"), HM_SLICE("\xa0"),
	};

	for (size_t i = 0; i < HM_COUNT(bad); i++) {
		HM_FREE char *path = hm_sprintf("%s/bad%zu", folder, i);
		struct hm_record_writer *w;
		struct hm_fail fail;

		assert_int_equal(hm_record_create(&w, path, HM_RECORD_EVENTS, &fail), 0);
		assert_int_equal(hm_record_append(w, bad[i], 0, &fail), HM_E_BAD);
		assert_int_equal(append_item(w, 0, &fail), HM_E_SYSTEM);
		assert_int_equal(hm_record_finish(w, NULL, &fail), HM_E_SYSTEM);
	}
}

static void never_overwrites(void **state HM_UNUSED)
{
	HM_FREE char *path = file_named("twice"), *link = file_named("link");
	struct hm_record_writer *w;
	struct hm_fail fail;

	write_record(path, 1, 1, true, NULL);
	assert_int_equal(hm_record_create(&w, path, HM_RECORD_EVENTS, &fail), HM_E_SYSTEM);
	assert_int_equal(symlink("/tmp/hm-record-nowhere", link), 0);
	assert_int_equal(hm_record_create(&w, link, HM_RECORD_EVENTS, &fail), HM_E_SYSTEM);
	assert_int_equal(hm_record_create(&w, "/nonexistent/x", HM_RECORD_EVENTS, &fail), HM_E_SYSTEM);
}

/* Any zstd decoder gives the plain sequence of items. */
static void is_plain_zstd(void **state HM_UNUSED)
{
	HM_FREE char *path = file_named("plain");
	HM_CLEANUP(hm_bytes_release) struct hm_bytes file = { 0 }, want = { 0 }, got = { 0 };
	size_t n;

	write_record(path, 3, 50, true, NULL);
	read_file(&file, path);
	for (uint64_t i = 0; i < 150; i++)
		put_item(&want, i);
	n = ZSTD_decompress(hm_bytes_reserve(&got, want.len), want.len, file.data, file.len);
	assert_false(ZSTD_isError(n));
	got.len = n;
	assert_true(hm_slice_eq(hm_slice_of(&got), hm_slice_of(&want)));
}

/* The CRC is CRC-32C: the check value of the Rocksoft catalogue, and RFC 3720 B.4's 32 zero bytes. */
static void crc_is_castagnoli(void **state HM_UNUSED)
{
	static const uint8_t zero[32];

	assert_int_equal(hm_record_crc(HM_SLICE("123456789")), 0xe3069283u);
	assert_int_equal(hm_record_crc((struct hm_slice){ zero, 32 }), 0x8a9136aau);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_and_reads),	 cmocka_unit_test(closes_blocks_when_full),
		cmocka_unit_test(large_items),		 cmocka_unit_test(empty_record),
		cmocka_unit_test(salts_differ),
		cmocka_unit_test(refuses_what_is_no_item), cmocka_unit_test(never_overwrites),
		cmocka_unit_test(is_plain_zstd),	 cmocka_unit_test(crc_is_castagnoli),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
