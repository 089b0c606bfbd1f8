/* Errors, the cursor, named parts, files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "cursor.h"
#include "fs.h"
#include "parts.h"

static char folder[64];

static int make_folder(void **state HM_UNUSED)
{
	strcpy(folder, "/tmp/hallmark-parts-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state HM_UNUSED)
{
	return hm_fs_remove_tree(folder, NULL);
}

static void an_error_grows_by_context(void **state HM_UNUSED)
{
	struct hm_fail fail;

	errno = ENOENT;
	assert_int_equal(hm_fail_errno(&fail, "reading %s", "x"), HM_E_SYSTEM);
	assert_int_equal(hm_fail_in(&fail, "bundle %d", 7), HM_E_SYSTEM);
	assert_int_equal(hm_fail_advise(&fail, "make it first"), HM_E_SYSTEM);
	assert_string_equal(fail.text, "bundle 7: reading x: No such file or directory (make it first)");
	assert_int_equal(hm_fail_exit(fail.code), 4);
	assert_int_equal(hm_fail_exit(HM_E_BAD), 1);
	assert_int_equal(hm_fail_exit(HM_E_UNKNOWN), 2);
	assert_int_equal(hm_fail_exit(HM_E_USAGE), 3);
	assert_int_equal(hm_fail_exit(HM_E_INTERRUPTED), 130);
	assert_int_equal(hm_fail_set(NULL, HM_E_BAD, "nobody listens"), HM_E_BAD);
}

static void an_error_is_cut_and_not_spilt(void **state HM_UNUSED)
{
	struct hm_fail fail;
	char much[3000];

	memset(much, 'a', sizeof(much) - 1);
	much[sizeof(much) - 1] = 0;
	hm_fail_set(&fail, HM_E_BAD, "%s", much);
	hm_fail_in(&fail, "%s", much);
	hm_fail_advise(&fail, "%s", much);
	assert_int_equal(strlen(fail.text), sizeof(fail.text) - 1);
}

static void a_cursor_stays_inside(void **state HM_UNUSED)
{
	struct hm_cursor c = hm_cursor_of(HM_SLICE("\x01\x02\x03\x04\x05"));

	assert_int_equal(hm_cursor_be(&c, 2), 0x0102);
	assert_int_equal(hm_cursor_le(&c, 2), 0x0403);
	assert_int_equal(hm_cursor_be(&c, 2), 0);
	assert_true(c.bad);
	assert_int_equal(hm_cursor_left(&c), 0);
	assert_int_equal(hm_cursor_u8(&c), 0);
	assert_false(hm_cursor_done(&c));
}

static void text_of_any_length(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes b = { 0 };

	for (int width = 1; width < 400; width += 57) {
		b.len = 0;
		hm_bytes_printf(&b, "<%*d>", width, 7);
		assert_int_equal(b.len, (size_t)width + 2);
		assert_int_equal(b.data[b.len - 1], '>');
	}
}

static void parts_have_one_order_and_one_name(void **state HM_UNUSED)
{
	static const char *const names[] = { "runs/0002/x", "core.json", "runs/0001/x", "plan.json" };
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = hm_parts_new();
	struct hm_slice content;
	struct hm_fail fail;

	for (size_t i = 0; i < HM_COUNT(names); i++)
		assert_int_equal(hm_parts_borrow(parts, names[i], hm_slice_text(names[i]), &fail), 0);
	assert_int_equal(hm_parts_borrow(parts, "core.json", HM_SLICE("again"), &fail), HM_E_BAD);
	assert_int_equal(hm_parts_count(parts), 4);
	assert_string_equal(hm_parts_at(parts, 0, NULL), "core.json");
	assert_string_equal(hm_parts_at(parts, 3, &content), "runs/0002/x");
	assert_true(hm_slice_eq(content, HM_SLICE("runs/0002/x")));
	assert_false(hm_parts_get(parts, "none", &content));
}

static void a_file_appears_whole_or_not_at_all(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes back = { 0 };
	HM_FREE char *path = hm_sprintf("%s/file", folder), *nowhere = hm_sprintf("%s/none/file", folder);
	struct hm_fail fail;

	assert_int_equal(hm_fs_write_atomic(path, HM_SLICE("one"), 0600, &fail), 0);
	assert_int_equal(hm_fs_write_atomic(path, HM_SLICE("two"), 0600, &fail), 0);
	assert_int_equal(hm_fs_write_atomic(nowhere, HM_SLICE("x"), 0600, &fail), HM_E_SYSTEM);
	assert_int_equal(hm_fs_read(&back, path, 3, &fail), 0);
	assert_true(hm_slice_eq(hm_slice_of(&back), HM_SLICE("two")));
	assert_int_equal(hm_fs_read(&back, path, 2, &fail), HM_E_BAD);
	assert_int_equal(hm_fs_read(&back, folder, 100, &fail), HM_E_SYSTEM);
	assert_int_equal(hm_fs_read(&back, "/dev/zero", 100, &fail), HM_E_SYSTEM);
}

static void removal_follows_no_link_and_knows_no_depth(void **state HM_UNUSED)
{
	HM_FREE char *kept = hm_sprintf("%s/kept", folder), *tree = hm_sprintf("%s/tree", folder);
	HM_FREE char *inside = hm_sprintf("%s/tree/link", folder), *outside = hm_sprintf("%s/kept/file", folder);
	struct hm_fail fail;
	int fd;

	assert_int_equal(hm_fs_mkdirs(kept, 0700, &fail), 0);
	assert_int_equal(hm_fs_mkdirs(tree, 0700, &fail), 0);
	assert_int_equal(hm_fs_write_atomic(outside, HM_SLICE("x"), 0600, &fail), 0);
	assert_int_equal(symlink(kept, inside), 0);
	fd = open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < 3000; i++) { /* far beyond PATH_MAX */
		int next;

		assert_int_equal(mkdirat(fd, "deeper", 0700), 0);
		next = openat(fd, "deeper", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(next >= 0);
		close(fd);
		fd = next;
	}
	close(fd);
	assert_int_equal(hm_fs_remove_tree(tree, &fail), 0);
	assert_int_equal(access(tree, F_OK), -1);
	assert_int_equal(access(outside, F_OK), 0);
	assert_int_equal(hm_fs_remove_tree(tree, &fail), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_error_grows_by_context),
		cmocka_unit_test(an_error_is_cut_and_not_spilt),
		cmocka_unit_test(a_cursor_stays_inside),
		cmocka_unit_test(text_of_any_length),
		cmocka_unit_test(parts_have_one_order_and_one_name),
		cmocka_unit_test(a_file_appears_whole_or_not_at_all),
		cmocka_unit_test(removal_follows_no_link_and_knows_no_depth),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
