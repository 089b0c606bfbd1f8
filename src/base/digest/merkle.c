#include "merkle.h"

void hm_merkle_node(struct hm_sha256 *out, const struct hm_sha256 *left, const struct hm_sha256 *right)
{
	static const uint8_t prefix[] = { 1 };
	struct hm_slice parts[] = { { prefix, 1 }, { left->b, HM_SHA256_LEN }, { right->b, HM_SHA256_LEN } };

	hm_sha256_of(out, parts, HM_COUNT(parts));
}

static bool same(const struct hm_sha256 *a, const struct hm_sha256 *b)
{
	return memcmp(a->b, b->b, HM_SHA256_LEN) == 0;
}

void hm_merkle_leaf(struct hm_sha256 *out, const struct hm_slice *slices, size_t count)
{
	static const uint8_t prefix[] = { 0 };
	HM_FREE struct hm_slice *parts = hm_alloc(count + 1, sizeof(*parts));

	parts[0] = (struct hm_slice){ prefix, 1 };
	for (size_t i = 0; i < count; i++)
		parts[i + 1] = slices[i];
	hm_sha256_of(out, parts, count + 1);
}

void hm_merkle_append(struct hm_merkle *tree, const struct hm_sha256 *leaf)
{
	size_t held = (size_t)__builtin_popcountll(tree->size);
	struct hm_sha256 carry = *leaf;

	/* As in binary addition: each low bit that is set is a subtree of the carry's size, and the two become one. */
	for (uint64_t bits = tree->size; bits & 1; bits >>= 1)
		hm_merkle_node(&carry, &tree->node[--held], &carry);
	tree->node[held] = carry;
	tree->size++;
}

void hm_merkle_root(const struct hm_merkle *tree, struct hm_sha256 *out)
{
	size_t held = (size_t)__builtin_popcountll(tree->size);
	struct hm_sha256 root;

	if (held == 0) {
		hm_sha256_of(out, NULL, 0);
		return;
	}
	root = tree->node[--held];
	while (held)
		hm_merkle_node(&root, &tree->node[--held], &root);
	*out = root;
}

/* One step of either proof: goes up from node `fn` while it is a right sibling, or the last of its level. */
static void climb(uint64_t *fn, uint64_t *sn)
{
	if (!(*fn & 1)) {
		do {
			*fn >>= 1;
			*sn >>= 1;
		} while (!(*fn & 1) && *fn != 0);
	}
}

bool hm_merkle_included(const struct hm_sha256 *root, uint64_t size, uint64_t index, const struct hm_sha256 *leaf,
			const struct hm_sha256 *proof, size_t count)
{
	uint64_t fn = index, sn = size - 1;
	struct hm_sha256 r = *leaf;

	if (index >= size)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (sn == 0)
			return false;
		if ((fn & 1) || fn == sn) {
			hm_merkle_node(&r, &proof[i], &r);
			climb(&fn, &sn);
		} else {
			hm_merkle_node(&r, &r, &proof[i]);
		}
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 && same(&r, root);
}

bool hm_merkle_consistent(const struct hm_sha256 *root1, uint64_t size1, const struct hm_sha256 *root2, uint64_t size2,
			  const struct hm_sha256 *proof, size_t count)
{
	uint64_t fn = size1 - 1, sn = size2 - 1;
	bool whole = (size1 & (size1 - 1)) == 0; /* the old tree is one perfect subtree: its root is not in the proof */
	struct hm_sha256 fr, sr;
	size_t i = whole ? 0 : 1;

	if (size1 == 0 || size1 > size2)
		return false;
	if (size1 == size2)
		return count == 0 && same(root1, root2);
	if (count == 0)
		return false;
	fr = sr = whole ? *root1 : proof[0];
	for (; fn & 1; fn >>= 1)
		sn >>= 1;
	for (; i < count; i++) {
		if (sn == 0)
			return false;
		if ((fn & 1) || fn == sn) {
			hm_merkle_node(&fr, &proof[i], &fr);
			hm_merkle_node(&sr, &proof[i], &sr);
			climb(&fn, &sn);
		} else {
			hm_merkle_node(&sr, &sr, &proof[i]);
		}
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 && same(&fr, root1) && same(&sr, root2);
}
