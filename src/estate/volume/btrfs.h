#pragma once
#include "volume_internal.h"

#define BTRFS_HEADER 101u
#define BTRFS_KNOTS 128u /* nodes that are kept */

enum { BTRFS_INODE = 1, BTRFS_INODE_REF = 12, BTRFS_DIR_ITEM = 84, BTRFS_DIR_INDEX = 96, BTRFS_EXTENT = 108, BTRFS_ROOT = 132, BTRFS_ROOT_BACK = 144, BTRFS_CHUNK = 228 };

struct btrfs_key {
	uint64_t object;
	uint8_t type;
	uint64_t offset;
};

struct btrfs_chunk {
	uint64_t logical, length, physical[2]; /* the second: a copy, or 0 */
	bool striped;
};

struct btrfs_tree { /* where a tree begins */
	uint64_t bytenr;
	unsigned level;
};

/* A subvolume or snapshot. */
struct btrfs_sub {
	uint64_t id, parent, folder; /* in which tree and folder it hangs; parent 0: nowhere */
	struct btrfs_tree tree;
	uint8_t uuid[16], of[16]; /* its own, and that of which it is a snapshot */
	bool frozen;
	char *name, *path, *place; /* as it hangs; below the top; where its files are in a running system */
};

struct btrfs {
	struct btrfs_chunk *chunk;
	size_t chunks;
	struct btrfs_tree roots;
	uint32_t node, sector;
	bool summed; /* nodes have a checksum that is known here */
	uint64_t home; /* the default subvolume */
	struct btrfs_sub *sub;
	size_t subs;
	struct {
		uint64_t bytenr;
		uint8_t *raw;
	} kept[BTRFS_KNOTS];
	uint64_t opened; /* the extent whose bytes are in `plain` */
	struct hm_bytes plain;
};

/* An item; other than 0 ends the search, which returns it. The bytes are the search's own. */
typedef int (*btrfs_item_fn)(void *cookie, const struct btrfs_key *key, struct hm_slice item, struct hm_fail *fail);
/* All items from `low` to `high`, in order. */
int btrfs_search(struct hm_volume *v, struct btrfs_tree tree, struct btrfs_key low, struct btrfs_key high, btrfs_item_fn each, void *cookie, struct hm_fail *fail) HM_MUST_CHECK;
/* Bytes by their logical address; as many as are in one piece. */
ssize_t btrfs_logical(struct hm_volume *v, uint64_t at, void *to, size_t len, unsigned copy);
const struct btrfs_sub *btrfs_sub_of(const struct btrfs *b, uint64_t id) HM_MUST_CHECK;
/* Fills `sub`, and puts it into the order of a walk. */
int btrfs_subs(struct hm_volume *v, struct hm_fail *fail) HM_MUST_CHECK;
int btrfs_root(struct hm_volume *v, unsigned i, struct volume_root *root, struct hm_fail *fail) HM_MUST_CHECK;
int btrfs_node(struct hm_volume *v, struct volume_node *n, struct hm_fail *fail) HM_MUST_CHECK;
int btrfs_list(struct hm_volume *v, struct volume_node *folder, volume_name_fn each, void *cookie, struct hm_fail *fail) HM_MUST_CHECK;
int btrfs_map(struct hm_volume *v, struct volume_node *n, struct hm_fail *fail) HM_MUST_CHECK;
ssize_t btrfs_fetch(struct hm_volume *v, const struct volume_extent *e, uint64_t at, void *to, size_t len);
/* What is compressed as btrfs does (1 zlib, 2 lzo, 3 zstd): at most `most` bytes of it. */
bool btrfs_unpack(unsigned how, struct hm_slice packed, size_t most, uint32_t sector, struct hm_bytes *plain) HM_MUST_CHECK;
