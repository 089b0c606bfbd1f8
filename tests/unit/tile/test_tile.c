#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tree.h"

static void paths(void **state HM_UNUSED)
{
	static const struct {
		struct hm_tile tile;
		const char *path;
	} rows[] = {
		{ { 0, 0, 256 }, "tile/0/000" },
		{ { 0, 1234067, 256 }, "tile/0/x001/x234/067" },
		{ { 3, 999, 17 }, "tile/3/999.p/17" },
		{ { 1, 1000, 255 }, "tile/1/x001/000.p/255" },
		{ { 63, 12, 1 }, "tile/63/012.p/1" },
		{ { HM_TILE_ENTRIES, 273, 112 }, "tile/entries/273.p/112" },
		{ { HM_TILE_ENTRIES, 70000, 256 }, "tile/entries/x070/000" },
	};
	static const char *const wrong[] = { "", "checkpoint", "tile", "tile/", "tile/0", "tile/0/", "tile/0/0", "tile/0/0000", "tile/0/x000/001",
					     "tile/0/001/234", "tile/0/x01/234", "tile/64/000", "tile/00/000", "tile/0/000.p", "tile/0/000.p/",
					     "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000/", "tile/0//000", "tile/entries/",
					     "tile/data/000", "tile/0/../checkpoint", "tile/0/x000", "tile/-1/000",
					     "tile/0/x999/x999/x999/x999/x999/x999/999" };
	char path[HM_TILE_PATH];
	struct hm_tile tile;

	for (size_t i = 0; i < HM_COUNT(rows); i++) {
		assert_string_equal(hm_tile_path(path, rows[i].tile), rows[i].path);
		assert_true(hm_tile_parse(&tile, path));
		assert_int_equal(tile.level, rows[i].tile.level);
		assert_int_equal(tile.index, rows[i].tile.index);
		assert_int_equal(tile.width, rows[i].tile.width);
	}
	for (size_t i = 0; i < HM_COUNT(wrong); i++)
		assert_false(hm_tile_parse(&tile, wrong[i]));
}

/* The example of tlog-tiles: 70,000 entries. */
static void widths(void **state HM_UNUSED)
{
	assert_int_equal(hm_tile_width(0, 272, 70000), 256);
	assert_int_equal(hm_tile_width(0, 273, 70000), 112);
	assert_int_equal(hm_tile_width(0, 274, 70000), 0);
	assert_int_equal(hm_tile_width(1, 0, 70000), 256);
	assert_int_equal(hm_tile_width(1, 1, 70000), 17);
	assert_int_equal(hm_tile_width(2, 0, 70000), 1);
	assert_int_equal(hm_tile_width(3, 0, 70000), 0);
	assert_int_equal(hm_tile_width(63, 0, UINT64_MAX), 0);
	assert_int_equal(hm_tile_width(0, UINT64_MAX, UINT64_MAX), 0);
}

/* A log of leaves that are known, its tiles made on demand. */
#define LEAVES 600
struct made {
	struct hm_sha256 leaf[LEAVES];
	unsigned asked;
	const char *broken; /* a path that is cut short */
	bool only_full;	    /* partial tiles have gone */
};

static void root_of(struct hm_sha256 *out, const struct hm_sha256 *leaf, uint64_t n)
{
	struct hm_merkle tree = { 0 };

	for (uint64_t i = 0; i < n; i++)
		hm_merkle_append(&tree, &leaf[i]);
	hm_merkle_root(&tree, out);
}

static int read_made(void *context, const char *path, size_t max HM_UNUSED, struct hm_bytes *out, struct hm_fail *fail HM_UNUSED)
{
	struct made *m = context;
	struct hm_tile tile;

	assert_true(hm_tile_parse(&tile, path));
	m->asked++;
	if (m->only_full && tile.level == 0 && tile.width < HM_TILE_WIDTH && tile.index * 256 + 256 <= LEAVES)
		return 1;
	for (unsigned i = 0; i < tile.width; i++) {
		uint64_t first = tile.index * 256 + i;
		struct hm_sha256 hash;

		if (tile.level == 0)
			hash = m->leaf[first];
		else
			root_of(&hash, &m->leaf[first * 256], 256);
		hm_bytes_append(out, hash.b, sizeof(hash));
	}
	if (m->broken && strcmp(path, m->broken) == 0)
		out->len--;
	return 0;
}

static void make_leaves(struct made *m)
{
	for (uint32_t i = 0; i < LEAVES; i++)
		hm_merkle_leaf(&m->leaf[i], &(struct hm_slice){ (const uint8_t *)&i, sizeof(i) }, 1);
}

/* Held against the verifying half, which is held against the definition and foreign vectors. */
static void proofs_of_all_sizes(void **state HM_UNUSED)
{
	static struct made m;
	struct hm_sha256 root, old, proof[HM_PROOF_MAX];
	size_t count, proofs = 0;

	make_leaves(&m);
	m.only_full = true;
	for (uint64_t size = 1; size <= LEAVES; size += size < 20 ? 1 : 37) {
		HM_CLEANUP(hm_tree_cleanup) struct hm_tree *tree = hm_tree_open((struct hm_tile_source){ read_made, &m }, size);

		root_of(&root, m.leaf, size);
		assert_int_equal(hm_tree_root(tree, &old, NULL), 0);
		assert_memory_equal(&old, &root, sizeof(root));
		for (uint64_t i = 0; i < size; i++, proofs++) {
			assert_int_equal(hm_tree_inclusion(tree, i, proof, &count, NULL), 0);
			assert_true(hm_merkle_included(&root, size, i, &m.leaf[i], proof, count));
		}
		for (uint64_t i = 1; i <= size; i += i < 20 ? 1 : 13, proofs++) {
			root_of(&old, m.leaf, i);
			assert_int_equal(hm_tree_consistency(tree, i, proof, &count, NULL), 0);
			assert_true(hm_merkle_consistent(&old, i, &root, size, proof, count));
		}
		assert_int_equal(hm_tree_inclusion(tree, size, proof, &count, NULL), HM_E_BAD);
		assert_int_equal(hm_tree_consistency(tree, size + 1, proof, &count, NULL), HM_E_BAD);
		assert_int_equal(hm_tree_consistency(tree, 0, proof, &count, NULL), HM_E_BAD);
	}
	printf("# %zu proofs\n", proofs);
}

static void tiles_are_read_once(void **state HM_UNUSED)
{
	static struct made m;
	HM_CLEANUP(hm_tree_cleanup) struct hm_tree *tree = NULL;
	struct hm_sha256 proof[HM_PROOF_MAX];
	size_t count;

	make_leaves(&m);
	tree = hm_tree_open((struct hm_tile_source){ read_made, &m }, LEAVES);
	for (uint64_t i = 0; i < LEAVES; i++)
		assert_int_equal(hm_tree_inclusion(tree, i, proof, &count, NULL), 0);
	assert_int_equal(m.asked, 4); /* three of level 0, one of level 1 */
}

static void a_tile_of_another_length(void **state HM_UNUSED)
{
	static struct made m;
	HM_CLEANUP(hm_tree_cleanup) struct hm_tree *tree = NULL;
	struct hm_sha256 root;
	struct hm_fail fail;

	make_leaves(&m);
	m.broken = "tile/0/002.p/88";
	tree = hm_tree_open((struct hm_tile_source){ read_made, &m }, LEAVES);
	assert_int_equal(hm_tree_root(tree, &root, &fail), HM_E_BAD);
	assert_non_null(strstr(fail.text, m.broken));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths), cmocka_unit_test(widths), cmocka_unit_test(proofs_of_all_sizes), cmocka_unit_test(tiles_are_read_once),
		cmocka_unit_test(a_tile_of_another_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
