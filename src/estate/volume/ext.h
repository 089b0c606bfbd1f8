#pragma once
#include "volume_internal.h"

struct ext {
	uint32_t block, inodes, group_inodes, group_blocks, inode, first_block, descriptor, first_meta, incompatible, read_only, backups[2];
	uint64_t blocks;
	bool meta, backups_two;
};

#define EXT_ENCRYPTED 0x800u
#define EXT_INLINE 0x10000000u
#define EXT_EXTENTS 0x80000u

static inline uint32_t ext_flags(const struct volume_node *n)
{
	return (uint32_t)volume_le(n->raw.data + 32, 4);
}

/* What is kept in the inode itself: 60 bytes, and what an attribute has of it. */
void ext_inlined(const struct ext *x, const struct volume_node *n, struct hm_slice piece[2]);
int ext_map(struct hm_volume *v, struct volume_node *n, struct hm_fail *fail) HM_MUST_CHECK;
int ext_list(struct hm_volume *v, struct volume_node *folder, volume_name_fn each, void *cookie, struct hm_fail *fail) HM_MUST_CHECK;
