#pragma once
/* RFC 6962 section 2.1 trees over SHA-256: leaf = H(00 || data), node = H(01 || left || right). The tree is kept as a
 * compact range: the roots of its perfect subtrees, largest first, at most 64. */
#include "digest.h"

struct hm_merkle {
	struct hm_sha256 node[64];
	uint64_t size; /* leaves; the population count of it is the number of nodes held */
};

/* H(00 || slices one behind the other). */
void hm_merkle_leaf(struct hm_sha256 *out, const struct hm_slice *slices, size_t count);
/* H(01 || left || right); `out` may be one of them. */
void hm_merkle_node(struct hm_sha256 *out, const struct hm_sha256 *left, const struct hm_sha256 *right);
/* Adds a leaf hash. Zero-initialised is the empty tree. */
void hm_merkle_append(struct hm_merkle *tree, const struct hm_sha256 *leaf);
/* The root; H("") for the empty tree. */
void hm_merkle_root(const struct hm_merkle *tree, struct hm_sha256 *out);
/* RFC 9162 section 2.1.3.2. True when `proof` leads from `leaf` at `index` to `root` of a tree of `size`. */
bool hm_merkle_included(const struct hm_sha256 *root, uint64_t size, uint64_t index, const struct hm_sha256 *leaf,
			const struct hm_sha256 *proof, size_t count) HM_MUST_CHECK;
/* RFC 9162 section 2.1.4.2, after these checks: size1 > 0, size1 <= size2. */
bool hm_merkle_consistent(const struct hm_sha256 *root1, uint64_t size1, const struct hm_sha256 *root2, uint64_t size2,
			  const struct hm_sha256 *proof, size_t count) HM_MUST_CHECK;
