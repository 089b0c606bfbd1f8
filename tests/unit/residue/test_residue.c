/* What runs left on disk is told apart entry by entry, and what is no tree is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include "cbor.h"
#include "fs.h"
#include "residue.h"

struct row {
	const char *path;
	char type;
	unsigned mode, uid, size;
	const char *content, *link; /* content NULL: not hashed */
	const char *more;
};

static int read_rows(struct hm_tree *tree, const struct row *rows, size_t count)
{
	char path[] = "/tmp/hm-residue-XXXXXX";
	HM_CLEANUP(hm_bytes_release) struct hm_bytes file = { 0 };
	struct hm_record_writer *writer;
	struct hm_record *record;
	struct hm_fail fail;
	int r, fd = mkstemp(path);

	close(fd);
	unlink(path);
	assert_int_equal(hm_record_create(&writer, path, HM_RECORD_TREE, &fail), 0);
	for (size_t i = 0; i < count; i++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes item = { 0 };
		struct hm_sha256 digest = { 0 };

		if (rows[i].content)
			hm_sha256_slice(&digest, hm_slice_text(rows[i].content));
		hm_cbor_array(&item, rows[i].more ? 9 : 8);
		hm_cbor_bytes(&item, hm_slice_text(rows[i].path));
		hm_cbor_uint(&item, (uint8_t)rows[i].type);
		hm_cbor_uint(&item, rows[i].mode);
		hm_cbor_uint(&item, rows[i].uid);
		hm_cbor_uint(&item, 0);
		hm_cbor_uint(&item, rows[i].size);
		hm_cbor_bytes(&item, (struct hm_slice){ digest.b, rows[i].content ? sizeof(digest.b) : 0 });
		hm_cbor_bytes(&item, hm_slice_text(rows[i].link ? rows[i].link : ""));
		if (rows[i].more)
			hm_cbor_bytes(&item, hm_slice_text(rows[i].more));
		assert_int_equal(hm_record_append(writer, hm_slice_of(&item), 0, &fail), 0);
	}
	assert_int_equal(hm_record_finish(writer, NULL, &fail), 0);
	assert_int_equal(hm_fs_read(&file, path, 1 << 20, &fail), 0);
	unlink(path);
	assert_int_equal(hm_record_open(&record, hm_slice_of(&file), &fail), 0);
	r = hm_tree_read(tree, record, &fail);
	hm_record_close(record);
	return r;
}

static const struct row plain[] = {
	{ "/var/lib/p", 'd', 0755, 0, 0, NULL, NULL },
	{ "/var/lib/p/a b", 'f', 0644, 0, 1, "a", NULL },
	{ "/var/lib/p/l", 'l', 0777, 0, 0, NULL, "/etc" },
	{ "/var/lib/p/w", 'w', 0, 0, 0, NULL, NULL },
};

/* Names of the features in which the two trees differ, each followed by a blank. */
static char *difference(const struct row *rows, size_t count)
{
	struct hm_tree tree[2];
	struct hm_residue residue[2];
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };

	assert_int_equal(read_rows(&tree[0], plain, HM_COUNT(plain)), 0);
	assert_int_equal(read_rows(&tree[1], rows, count), 0);
	for (int i = 0; i < 2; i++)
		hm_residue_read(&residue[i], &tree[i]);
	for (int i = 0; i < 2; i++)
		for (size_t k = 0; k < residue[i].features.count; k++) {
			const struct hm_feature *mine = &residue[i].features.list[k];
			const struct hm_feature *other = hm_features_find(&residue[1 - i].features, HM_RESIDUE_ENDPOINT, mine->name);

			if (k)
				assert_true(strcmp(mine[-1].name, mine->name) < 0);
			assert_false(mine->placed);
			if (!other || (i == 0 && (mine->number != other->number || !hm_slice_eq(mine->bytes, other->bytes))))
				hm_bytes_printf(&out, "%s ", mine->name);
		}
	for (int i = 0; i < 2; i++) {
		hm_residue_release(&residue[i]);
		hm_tree_release(&tree[i]);
	}
	return hm_slice_dup(hm_slice_of(&out));
}

static void assert_differs(size_t at, struct row with, const char *wanted)
{
	struct row rows[HM_COUNT(plain)];
	HM_FREE char *got = NULL;

	memcpy(rows, plain, sizeof(plain));
	rows[at] = with;
	got = difference(rows, HM_COUNT(rows));
	assert_string_equal(got, wanted);
}

static void each_property_is_a_feature(void **state HM_UNUSED)
{
	HM_FREE char *none = difference(plain, HM_COUNT(plain)), *fewer = difference(plain, HM_COUNT(plain) - 1);

	assert_string_equal(none, "");
	assert_string_equal(fewer, "all all.entries all.paths dir.entries:/var/lib/p dir.names:/var/lib/p file.type:/var/lib/p/w ");
	assert_differs(1, (struct row){ "/var/lib/p/a b", 'f', 0644, 0, 1, "b", NULL }, "all file.content:/var/lib/p/a%20b ");
	assert_differs(1, (struct row){ "/var/lib/p/a b", 'f', 0600, 0, 1, "a", NULL }, "all file.mode:/var/lib/p/a%20b ");
	assert_differs(1, (struct row){ "/var/lib/p/a b", 'f', 0644, 7, 1, "a", NULL }, "all file.owner:/var/lib/p/a%20b ");
	assert_differs(1, (struct row){ "/var/lib/p/a b", 'f', 0644, 0, 2, "a", NULL }, "all file.size:/var/lib/p/a%20b ");
	assert_differs(1, (struct row){ "/var/lib/p/a b", 'f', 0644, 0, 1, NULL, NULL }, "all file.content:/var/lib/p/a%20b ");
	assert_differs(1, (struct row){ "/var/lib/p/a b", 'f', 0644, 0, 1, "a", NULL, "user.x=01\n" }, "all file.more:/var/lib/p/a%20b ");
	assert_differs(2, (struct row){ "/var/lib/p/l", 'l', 0777, 0, 0, NULL, "/" }, "all file.link:/var/lib/p/l ");
	assert_differs(3, (struct row){ "/var/lib/p/x", 'w', 0, 0, 0, NULL, NULL },
		       "all all.paths dir.names:/var/lib/p file.type:/var/lib/p/w file.type:/var/lib/p/x ");
}

static void names_are_unambiguous(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes name = { 0 };

	hm_residue_escape(&name, HM_SLICE("/a%2f \n\xff:"));
	hm_bytes_u8(&name, 0);
	assert_string_equal((const char *)name.data, "/a%252f%20%0A%FF:");
	assert_string_equal(hm_residue_path("file.size:/a:b"), "/a:b");
	assert_null(hm_residue_path("all.paths"));
}

static void unread_files_are_counted(void **state HM_UNUSED)
{
	static const struct row rows[] = { { "/a", 'f', 0, 0, 9, NULL, NULL }, { "/b", 'f', 0, 0, 0, "", NULL }, { "/c", 'd', 0, 0, 0, NULL, NULL } };
	struct hm_residue residue;
	struct hm_tree tree;

	assert_int_equal(read_rows(&tree, rows, HM_COUNT(rows)), 0);
	hm_residue_read(&residue, &tree);
	assert_int_equal(residue.unread, 1);
	assert_false(residue.beyond);
	hm_residue_release(&residue);
	hm_tree_release(&tree);
}

static void what_is_no_tree_is_refused(void **state HM_UNUSED)
{
	static const struct row bad[][2] = {
		{ { "/b", 'f', 0, 0, 0, "", NULL }, { "/a", 'f', 0, 0, 0, "", NULL } }, /* order */
		{ { "/a", 'f', 0, 0, 0, "", NULL }, { "/a", 'f', 0, 0, 0, "", NULL } },
		{ { "/a", 'f', 0, 0, 0, "", NULL }, { "b", 'f', 0, 0, 0, "", NULL } },
		{ { "/a", 'f', 0, 0, 0, "", NULL }, { "/b", 'z', 0, 0, 0, "", NULL } },
		{ { "/a", 'f', 0, 0, 0, "", NULL }, { "/b", 'f', 0, 0, 0, "", NULL, "" } }, /* a ninth field that says nothing */
	};

	for (size_t i = 0; i < HM_COUNT(bad); i++) {
		struct hm_tree tree;

		assert_int_equal(read_rows(&tree, bad[i], 2), HM_E_BAD);
		hm_tree_release(&tree);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_property_is_a_feature),
		cmocka_unit_test(names_are_unambiguous),
		cmocka_unit_test(unread_files_are_counted),
		cmocka_unit_test(what_is_no_tree_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
