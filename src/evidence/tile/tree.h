#pragma once
/* A tree read from a log's tiles, as far as somebody asks: proofs and roots. What it gives is worth what the tiles are: hold
 * it against a root that is signed (merkle.h). */
#include "merkle.h"
#include "tile.h"

#define HM_PROOF_MAX 64

/* Where files of a log come from. `read` appends the file at `path`, relative to the log: 0, 1 when there is none, or an error. */
struct hm_tile_source {
	int (*read)(void *context, const char *path, size_t max, struct hm_bytes *out, struct hm_fail *fail);
	void *context;
};

struct hm_tree;

/* The tree of the first `size` leaves. Nothing is read yet. */
struct hm_tree *hm_tree_open(struct hm_tile_source source, uint64_t size) HM_MUST_CHECK;
void hm_tree_close(struct hm_tree *tree); /* NULL is fine */
void hm_tree_cleanup(struct hm_tree **tree);
/* Hash of a leaf. HM_E_BAD when a tile is missing or has another length. */
int hm_tree_leaf(struct hm_tree *tree, uint64_t index, struct hm_sha256 *out, struct hm_fail *fail) HM_MUST_CHECK;
int hm_tree_root(struct hm_tree *tree, struct hm_sha256 *out, struct hm_fail *fail) HM_MUST_CHECK;
/* PATH(index, D[size]) and PROOF(old, D[size]) of RFC 6962 section 2.1; *count hashes. HM_E_BAD for an index or size that the
 * tree does not have. */
int hm_tree_inclusion(struct hm_tree *tree, uint64_t index, struct hm_sha256 proof[HM_PROOF_MAX], size_t *count, struct hm_fail *fail)
	HM_MUST_CHECK;
int hm_tree_consistency(struct hm_tree *tree, uint64_t old, struct hm_sha256 proof[HM_PROOF_MAX], size_t *count,
			struct hm_fail *fail) HM_MUST_CHECK;
