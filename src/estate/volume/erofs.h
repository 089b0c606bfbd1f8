#pragma once
#include "volume_internal.h"

struct erofs {
	unsigned block_log;
	uint64_t meta; /* byte where inodes are counted from */
	uint32_t incompatible;
	uint64_t opened; /* the extent whose bytes are in `plain` */
	struct hm_bytes plain;
};

enum { EROFS_PLAIN, EROFS_FULL, EROFS_INLINE, EROFS_COMPACT, EROFS_CHUNKS, EROFS_LAYOUTS };
enum { EROFS_LZ4 = 1, EROFS_LZMA, EROFS_DEFLATE, EROFS_ZSTD }; /* struct volume_extent's `how` */

static inline uint64_t erofs_block(const struct erofs *x)
{
	return (uint64_t)1 << x->block_log;
}

/* Of a node: its layout, the byte behind its inode and attributes, and the word whose meaning hangs on the layout. */
static inline unsigned erofs_layout(const struct volume_node *n)
{
	return (unsigned)n->detail[0];
}

/* The extents of a compressed file. */
int erofs_packed(struct hm_volume *v, struct volume_node *n, struct hm_fail *fail) HM_MUST_CHECK;
bool erofs_unpack(const struct erofs *x, unsigned how, struct hm_slice packed, size_t most, struct hm_bytes *plain) HM_MUST_CHECK;
