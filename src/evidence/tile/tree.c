/* Every node of the tree that is the root of a perfect subtree lies in a tile, or eight levels at most above its hashes. A tile that was
 * read is kept with all these nodes: proofs that are near each other cost no reading and hardly any hashing. */
#include "tree.h"

#define SLOTS 4096 /* tiles that are kept, by the place that their number gives them: 64 MiB at most */
#define NODES 511  /* of a tile: 256 hashes, then 128 nodes above them, ... , then the one above all */

struct slot {
	struct hm_tile tile; /* width 0: empty */
	struct hm_sha256 node[NODES];
};

struct hm_tree {
	struct hm_tile_source source;
	uint64_t size;
	struct slot *slot[SLOTS];
};

struct hm_tree *hm_tree_open(struct hm_tile_source source, uint64_t size)
{
	struct hm_tree *tree = hm_alloc(1, sizeof(*tree));

	tree->source = source;
	tree->size = size;
	return tree;
}

void hm_tree_close(struct hm_tree *tree)
{
	if (!tree)
		return;
	for (size_t i = 0; i < SLOTS; i++)
		free(tree->slot[i]);
	free(tree);
}

void hm_tree_cleanup(struct hm_tree **tree)
{
	hm_tree_close(*tree);
}

/* Where the nodes `up` levels above the hashes begin. */
static size_t row(unsigned up)
{
	return 512 - (512u >> up);
}

static void fill(struct slot *slot, const uint8_t *hashes, unsigned width)
{
	memcpy(slot->node, hashes, (size_t)width * HM_SHA256_LEN);
	for (unsigned up = 1; up <= 8; up++)
		for (unsigned i = 0; i < width >> up; i++)
			hm_merkle_node(&slot->node[row(up) + i], &slot->node[row(up - 1) + 2 * i], &slot->node[row(up - 1) + 2 * i + 1]);
}

/* The tile's bytes; of a full one what a tree of this size has of it. */
static int read_tile(struct hm_tree *tree, struct hm_tile tile, struct hm_bytes *out, struct hm_fail *fail)
{
	char path[HM_TILE_PATH];
	unsigned want = tile.width;
	int r = tree->source.read(tree->source.context, hm_tile_path(path, tile), HM_TILE_WIDTH * HM_SHA256_LEN, out, fail);

	if (r == 1 && want < HM_TILE_WIDTH) {
		tile.width = HM_TILE_WIDTH;
		r = tree->source.read(tree->source.context, hm_tile_path(path, tile), HM_TILE_WIDTH * HM_SHA256_LEN, out, fail);
	}
	if (r < 0)
		return r;
	if (r == 1)
		return hm_fail_set(fail, HM_E_BAD, "%s is missing", path);
	if (out->len != (size_t)tile.width * HM_SHA256_LEN)
		return hm_fail_set(fail, HM_E_BAD, "%s has %zu bytes, not %u", path, out->len, tile.width * HM_SHA256_LEN);
	return 0;
}

static int get_tile(struct hm_tree *tree, unsigned level, uint64_t index, struct slot **ret, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes bytes = { 0 };
	struct hm_tile tile = { level, index, hm_tile_width(level, index, tree->size) };
	struct slot **place = &tree->slot[(index + level * 977) % SLOTS];
	int r;

	if (tile.width == 0)
		return hm_fail_set(fail, HM_E_BAD, "a tree of %llu has no tile %u/%llu", (unsigned long long)tree->size, level,
				   (unsigned long long)index);
	if (!*place)
		*place = hm_alloc(1, sizeof(**place));
	*ret = *place;
	if ((*place)->tile.width && (*place)->tile.level == level && (*place)->tile.index == index)
		return 0;
	(*place)->tile.width = 0;
	r = read_tile(tree, tile, &bytes, fail);
	if (r < 0)
		return r;
	fill(*place, bytes.data, tile.width);
	(*place)->tile = tile;
	return 0;
}

/* The root over the 2^height leaves from index * 2^height on. */
static int get_node(struct hm_tree *tree, unsigned height, uint64_t index, struct hm_sha256 *out, struct hm_fail *fail)
{
	unsigned up = height % 8;
	struct slot *slot;
	int r = get_tile(tree, height / 8, index >> (8 - up), &slot, fail);

	if (r == 0)
		*out = slot->node[row(up) + (index & ((1u << (8 - up)) - 1))];
	return r;
}

/* MTH(D[from:to]); `from` is a multiple of the largest power of two within, as everywhere in these proofs. */
static int get_range(struct hm_tree *tree, uint64_t from, uint64_t to, struct hm_sha256 *out, struct hm_fail *fail)
{
	struct hm_sha256 stack[64];
	size_t count = 0;

	while (from < to) {
		unsigned height = 63 - (unsigned)__builtin_clzll(to - from);
		int r = get_node(tree, height, from >> height, &stack[count], fail);

		if (r < 0)
			return r;
		count++;
		from += UINT64_C(1) << height;
	}
	*out = stack[--count];
	while (count)
		hm_merkle_node(out, &stack[--count], out);
	return 0;
}

/* The largest power of two below n > 1. */
static uint64_t split(uint64_t n)
{
	return UINT64_C(1) << (63 - __builtin_clzll(n - 1));
}

static void turn(struct hm_sha256 *proof, size_t count)
{
	for (size_t i = 0; i < count / 2; i++) {
		struct hm_sha256 kept = proof[i];

		proof[i] = proof[count - 1 - i];
		proof[count - 1 - i] = kept;
	}
}

int hm_tree_leaf(struct hm_tree *tree, uint64_t index, struct hm_sha256 *out, struct hm_fail *fail)
{
	if (index >= tree->size)
		return hm_fail_set(fail, HM_E_BAD, "a tree of %llu has no leaf %llu", (unsigned long long)tree->size, (unsigned long long)index);
	return get_node(tree, 0, index, out, fail);
}

int hm_tree_root(struct hm_tree *tree, struct hm_sha256 *out, struct hm_fail *fail)
{
	if (tree->size)
		return get_range(tree, 0, tree->size, out, fail);
	hm_sha256_of(out, NULL, 0);
	return 0;
}

int hm_tree_inclusion(struct hm_tree *tree, uint64_t index, struct hm_sha256 proof[HM_PROOF_MAX], size_t *count, struct hm_fail *fail)
{
	uint64_t from = 0, to = tree->size;
	int r = 0;

	*count = 0;
	if (index >= to)
		return hm_fail_set(fail, HM_E_BAD, "a tree of %llu has no leaf %llu", (unsigned long long)to, (unsigned long long)index);
	while (to - from > 1 && r == 0) {
		uint64_t middle = from + split(to - from);

		if (index < middle) {
			r = get_range(tree, middle, to, &proof[*count], fail);
			to = middle;
		} else {
			r = get_range(tree, from, middle, &proof[*count], fail);
			from = middle;
		}
		++*count;
	}
	turn(proof, *count);
	return r;
}

int hm_tree_consistency(struct hm_tree *tree, uint64_t old, struct hm_sha256 proof[HM_PROOF_MAX], size_t *count,
			struct hm_fail *fail)
{
	uint64_t from = 0, to = tree->size;
	int r = 0;

	*count = 0;
	if (old == 0 || old > to)
		return hm_fail_set(fail, HM_E_BAD, "a tree of %llu has no consistency proof from %llu", (unsigned long long)to,
				   (unsigned long long)old);
	while (to != old && r == 0) {
		uint64_t middle = from + split(to - from);

		if (old <= middle) {
			r = get_range(tree, middle, to, &proof[*count], fail);
			to = middle;
		} else {
			r = get_range(tree, from, middle, &proof[*count], fail);
			from = middle;
		}
		++*count;
	}
	/* The subtree that ends both trees is known from the old root when it is the whole of it. */
	if (r == 0 && from > 0)
		r = get_range(tree, from, to, &proof[(*count)++], fail);
	turn(proof, *count);
	return r;
}
