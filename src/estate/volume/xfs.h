#pragma once
#include "volume_internal.h"

struct xfs {
	uint32_t block, ag_blocks, ags, inode, folder_block, log_blocks;
	uint64_t blocks, log_start;
	unsigned ag_log, inodes_log;
	bool five, ftype;
};

/* The part of an inode that holds its data, extents or the root of their tree. */
struct hm_slice xfs_fork(const struct xfs *x, const struct volume_node *n) HM_MUST_CHECK;
int xfs_list(struct hm_volume *v, struct volume_node *folder, volume_name_fn each, void *cookie, struct hm_fail *fail) HM_MUST_CHECK;
/* What the log holds back, in words; NULL: nothing. */
const char *xfs_log(struct hm_volume *v, const struct xfs *x) HM_MUST_CHECK;
