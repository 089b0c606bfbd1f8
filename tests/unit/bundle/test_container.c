#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sys/mman.h>

#include "bundle_internal.h"
#include "fs.h"

static char folder[] = "/tmp/hallmark-bundle-XXXXXX";

static int set_up(void **state HM_UNUSED)
{
	return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state HM_UNUSED)
{
	return hm_fs_remove_tree(folder, NULL);
}

/* To memory. */
struct memory_sink {
	struct hm_sink sink;
	struct hm_bytes out;
};

static int put_memory(struct hm_sink *sink, struct hm_slice s, struct hm_fail *fail HM_UNUSED)
{
	hm_bytes_slice(&((struct memory_sink *)sink)->out, s);
	return 0;
}

static struct hm_bytes emit(const struct hm_parts *parts)
{
	struct memory_sink m = { .sink = { .put = put_memory } };
	struct hm_fail fail;

	assert_int_equal(hm_zip_emit(parts, &m.sink, &fail), 0);
	return m.out;
}

static struct hm_parts *some_parts(void)
{
	static const char *const names[] = { "core.json",    "manifest.json", "plan.json",     "assessment.json",
					     "claims.json",  "product.json",  "planted.json",  "findings.json",
					     "planted/0001", "report.html",   "planted/12345", "runs/0001/record.cbor.zst" };
	struct hm_parts *parts = hm_parts_new();

	for (size_t i = 0; i < HM_COUNT(names); i++)
		assert_int_equal(hm_parts_borrow(parts, names[i], hm_slice_text(i % 3 ? names[i] : ""), NULL), 0);
	return parts;
}

static int read_code(struct hm_slice file)
{
	struct hm_parts *parts = NULL;
	struct hm_fail fail = { 0 };
	int r = hm_bundle_read(&parts, file, &fail);

	assert_int_equal(r < 0, fail.code != 0);
	hm_parts_free(parts);
	return r;
}

static void reads_what_it_wrote(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = some_parts(), *back = NULL;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes file = { 0 }, memory = emit(parts);
	HM_FREE char *path = hm_sprintf("%s/a.hallmark", folder);
	struct hm_fail fail;

	assert_int_equal(hm_bundle_write(parts, path, &fail), 0);
	assert_int_equal(hm_fs_read(&file, path, 1 << 20, &fail), 0);
	assert_true(hm_slice_eq(hm_slice_of(&file), hm_slice_of(&memory)));
	assert_int_equal(hm_bundle_read(&back, hm_slice_of(&file), &fail), 0);
	assert_int_equal(hm_parts_count(back), hm_parts_count(parts));
	for (size_t i = 0; i < hm_parts_count(parts); i++) {
		struct hm_slice a, b;

		assert_string_equal(hm_parts_at(parts, i, &a), hm_parts_at(back, i, &b));
		assert_true(hm_slice_eq(a, b));
	}
	/* core.json first, manifest.json second */
	assert_memory_equal(file.data + 30, "core.json", 9);
	assert_memory_equal(file.data + 30 + 9 + 30, "manifest.json", 13);
}

static void write_is_all_or_nothing(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = some_parts();
	HM_FREE char *path = hm_sprintf("%s/none/b.hallmark", folder), *full = hm_sprintf("%s/c.hallmark", folder);
	struct hm_fail fail;

	assert_int_equal(hm_bundle_write(parts, path, &fail), HM_E_SYSTEM);
	assert_int_equal(hm_parts_borrow(parts, "extra.txt", HM_SLICE("x"), &fail), 0);
	assert_int_equal(hm_bundle_write(parts, full, &fail), HM_E_BAD);
	assert_non_null(strstr(fail.text, "extra.txt"));
	assert_int_equal(access(full, F_OK), -1);
}

static void any_bit_counts(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = some_parts();
	HM_CLEANUP(hm_bytes_release) struct hm_bytes file = emit(parts);

	assert_int_equal(read_code(hm_slice_of(&file)), 0);
	for (size_t bit = 0; bit < file.len * 8; bit++) {
		file.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (read_code(hm_slice_of(&file)) != HM_E_BAD)
			fail_msg("bit %zu of byte %zu", bit % 8, bit / 8);
		file.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static void any_length_counts(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = some_parts();
	HM_CLEANUP(hm_bytes_release) struct hm_bytes file = emit(parts), prefixed = { 0 }, doubled = { 0 };

	for (size_t cut = 0; cut < file.len; cut++) {
		/* A copy of its own, so that a sanitizer sees a step too far. */
		HM_CLEANUP(hm_bytes_release) struct hm_bytes copy = { 0 };

		hm_bytes_append(&copy, file.data, cut);
		assert_int_equal(read_code(hm_slice_of(&copy)), HM_E_BAD);
	}
	hm_bytes_u8(&prefixed, 0);
	hm_bytes_slice(&prefixed, hm_slice_of(&file));
	assert_int_equal(read_code(hm_slice_of(&prefixed)), HM_E_BAD);
	hm_bytes_slice(&doubled, hm_slice_of(&file));
	hm_bytes_slice(&doubled, hm_slice_of(&file));
	assert_int_equal(read_code(hm_slice_of(&doubled)), HM_E_BAD);
	hm_bytes_u8(&file, '\n');
	assert_int_equal(read_code(hm_slice_of(&file)), HM_E_BAD);
}

static void names_are_plain(void **state HM_UNUSED)
{
	static const char *const bad[] = { "/core.json", "../core.json", "a/../b", "a//b",  "a/",      "./a", "a/./b", "a/.",
					   ".",		 "..",		 "A",	   "a b",   "a\\b",    "a\xc3\xa4", "a\n",  "a:b",
					   "a..b",	 "~",		 "c:/x" };

	for (size_t i = 0; i < HM_COUNT(bad); i++) {
		HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = some_parts();
		HM_CLEANUP(hm_bytes_release) struct hm_bytes file = { 0 };

		assert_int_equal(hm_parts_borrow(parts, bad[i], HM_SLICE("x"), NULL), 0);
		file = emit(parts);
		if (read_code(hm_slice_of(&file)) != HM_E_BAD)
			fail_msg("%s", bad[i]);
		assert_int_equal(hm_bundle_check_parts(parts, true, NULL), HM_E_BAD);
	}
	{
		HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = some_parts();
		HM_CLEANUP(hm_bytes_release) struct hm_bytes file = { 0 };
		char name[258];

		memset(name, 'a', 256);
		name[256] = 0;
		assert_int_equal(hm_parts_borrow(parts, name, HM_SLICE("x"), NULL), 0);
		file = emit(parts);
		assert_int_equal(read_code(hm_slice_of(&file)), HM_E_BAD);
		name[255] = 0;
		assert_true(hm_part_name_is_plain(name));
	}
}

static void parts_are_of_the_table(void **state HM_UNUSED)
{
	static const char *const bad[] = { "runs/0000/record.cbor.zst", "runs/1/record.cbor.zst", "runs/00001/record.cbor.zst",
					   "runs/0001/record.cbor", "runs/0001/packets.pcapng", "runs/0002/tree.cbor.zst",
					   "runs/0001/packets.salts", "planted/001", "planted/0001x", "planted/",
					   "attestation-0123456789ABCDEF.sigstore.json", "attestation-0123.sigstore.json", "log/0001",
					   "core.json.bak", "runs/0001", "runs/1234567890/record.cbor.zst" };
	static const char *const good[] = { "runs/0002/record.cbor.zst", "runs/10000/record.cbor.zst", "runs/0001/tree.cbor.zst",
					    "attestations.intoto.jsonl", "attestation-0123456789abcdef.sigstore.json",
					    "declaration.json", "scenario.json" };

	for (size_t i = 0; i < HM_COUNT(bad) + HM_COUNT(good); i++) {
		HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = some_parts();
		bool is_good = i >= HM_COUNT(bad);
		const char *name = is_good ? good[i - HM_COUNT(bad)] : bad[i];

		assert_int_equal(hm_parts_borrow(parts, name, HM_SLICE("x"), NULL), 0);
		if (hm_bundle_check_parts(parts, true, NULL) != (is_good ? 0 : HM_E_BAD))
			fail_msg("%s", name);
	}
}

static void parts_are_all_there(void **state HM_UNUSED)
{
	static const char *const required[] = { "core.json",	"manifest.json", "plan.json",	 "assessment.json",
						"claims.json",	"product.json",	 "planted.json", "findings.json" };
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *all = some_parts();

	for (size_t k = 0; k < HM_COUNT(required); k++) {
		HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = hm_parts_new();
		struct hm_fail fail;

		for (size_t i = 0; i < hm_parts_count(all); i++)
			if (strcmp(hm_parts_at(all, i, NULL), required[k]) != 0)
				assert_int_equal(hm_parts_borrow(parts, hm_parts_at(all, i, NULL), HM_SLICE("x"), NULL), 0);
		assert_int_equal(hm_bundle_check_parts(parts, true, &fail), HM_E_BAD);
		assert_non_null(strstr(fail.text, required[k]));
		assert_int_equal(hm_bundle_check_parts(parts, false, &fail), k < 2 ? 0 : HM_E_BAD);
	}
}

static void large_parts_are_refused(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = some_parts();
	struct hm_bytes big = { 0 };

	memset(hm_bytes_reserve(&big, 2 << 20), ' ', 2 << 20);
	big.len = 2 << 20;
	assert_int_equal(hm_parts_take(parts, "declaration.json", &big, NULL), 0);
	assert_int_equal(hm_bundle_check_parts(parts, true, NULL), HM_E_BAD);
}

/* The same set in another order, or one name twice: made by exchanging members byte by byte. */
static void order_counts(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = hm_parts_new();
	HM_CLEANUP(hm_bytes_release) struct hm_bytes file = { 0 }, copy = { 0 };
	size_t one = 30 + 12 + 1;

	assert_int_equal(hm_parts_borrow(parts, "planted/0001", HM_SLICE("a"), NULL), 0);
	assert_int_equal(hm_parts_borrow(parts, "planted/0002", HM_SLICE("b"), NULL), 0);
	file = emit(parts);
	assert_int_equal(read_code(hm_slice_of(&file)), 0);
	hm_bytes_append(&copy, file.data + one, one);
	hm_bytes_append(&copy, file.data, one);
	hm_bytes_append(&copy, file.data + 2 * one, file.len - 2 * one);
	assert_int_equal(read_code(hm_slice_of(&copy)), HM_E_BAD);
	copy.len = 0;
	hm_bytes_append(&copy, file.data, one);
	hm_bytes_append(&copy, file.data, one);
	hm_bytes_append(&copy, file.data + 2 * one, file.len - 2 * one);
	memcpy(copy.data + 2 * one + 46 + 12 + 46, "planted/0001", 12);
	assert_int_equal(read_code(hm_slice_of(&copy)), HM_E_BAD);
}

static bool have(const char *program)
{
	HM_FREE char *command = hm_sprintf("command -v %s >/dev/null 2>&1", program);

	if (system(command) == 0)
		return true;
	printf("# skipped: %s is not installed\n", program);
	return false;
}

static void others_open(struct hm_slice file)
{
	HM_FREE char *path = hm_sprintf("%s/others.zip", folder);
	HM_FREE char *unzip = hm_sprintf("unzip -tqq %s >/dev/null 2>&1", path);
	HM_FREE char *python = hm_sprintf("python3 -c 'import sys,zipfile; z=zipfile.ZipFile(\"%s\"); sys.exit(z.testzip() is not None)'",
					  path);

	assert_int_equal(hm_fs_write_atomic(path, file, 0644, NULL), 0);
	assert_int_equal(system(unzip), 0);
	assert_int_equal(system(python), 0);
}

static void unzip_opens_it(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = NULL;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes file = { 0 };

	if (!have("unzip") || !have("python3"))
		skip(); /* before anything is held: skipping jumps */
	parts = some_parts();
	file = emit(parts);
	others_open(hm_slice_of(&file));
}

/* More members than 16 bits count: ZIP64 by number. */
static void many_members(void **state HM_UNUSED)
{
	for (unsigned count = 65534; count <= 65536; count++) {
		HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = hm_parts_new();
		HM_CLEANUP(hm_bytes_release) struct hm_bytes file = { 0 };

		for (unsigned i = 0; i < count; i++) {
			HM_FREE char *name = hm_sprintf("planted/%u", 10000 + i);

			assert_int_equal(hm_parts_borrow(parts, name, HM_SLICE("x"), NULL), 0);
		}
		file = emit(parts);
		assert_int_equal(memcmp(file.data + file.len - 42, "PK\6\7", 4) == 0, count >= 65535);
		assert_int_equal(read_code(hm_slice_of(&file)), 0);
		if (count == 65535 && have("unzip") && have("python3"))
			others_open(hm_slice_of(&file));
	}
}

/* A member over 4 GiB and one behind it: ZIP64 by size and by offset. Takes the disk space and half a minute. */
static void large_members(void **state HM_UNUSED)
{
	size_t big = ((size_t)4 << 30) + 7;
	HM_FREE char *path = NULL, *unzip = NULL;
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = NULL;
	HM_CLEANUP(hm_fs_unmap) struct hm_map map = { 0 };
	struct hm_fail fail = { 0 };
	void *zeros;

	if (!getenv("HALLMARK_SLOW")) {
		printf("# skipped: HALLMARK_SLOW is not set (it needs 4 GiB of disk and half a minute)\n");
		skip();
	}
	path = hm_sprintf("%s/large.zip", folder);
	unzip = hm_sprintf("unzip -tqq %s >/dev/null", path);
	zeros = mmap(NULL, big, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_ptr_not_equal(zeros, MAP_FAILED);
	parts = some_parts();
	assert_int_equal(hm_parts_borrow(parts, "runs/0001/packets.pcapng", (struct hm_slice){ zeros, big }, NULL), 0);
	assert_int_equal(hm_parts_borrow(parts, "runs/0001/packets.salts", HM_SLICE("x"), NULL), 0);
	if (hm_bundle_write(parts, path, &fail) < 0)
		fail_msg("%s", fail.text);
	munmap(zeros, big);
	assert_int_equal(hm_fs_map(&map, path, NULL), 0);
	assert_int_equal(read_code(map.bytes), 0);
	assert_int_equal(system(unzip), 0);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_it_wrote),	   cmocka_unit_test(write_is_all_or_nothing),
		cmocka_unit_test(any_bit_counts),	   cmocka_unit_test(any_length_counts),
		cmocka_unit_test(names_are_plain),	   cmocka_unit_test(parts_are_of_the_table),
		cmocka_unit_test(parts_are_all_there),	   cmocka_unit_test(large_parts_are_refused),
		cmocka_unit_test(order_counts),		   cmocka_unit_test(unzip_opens_it),
		cmocka_unit_test(many_members),		   cmocka_unit_test(large_members),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
