/* xfs, versions 4 and 5: its superblock, inodes, extents. Folders are in xfs_folder.c, the log in xfs_log.c. */
#include "xfs.h"

#include <stdlib.h>

#define CORE_V3 176u
#define CORE_V2 100u
#define DEEPEST_TREE 8 /* XFS_BTREE_MAXLEVELS is 9 and more; a file of 2^63 bytes in the smallest blocks has fewer */
#define BLOCKS_TREE 1000000u

enum { FORMAT_LOCAL = 1, FORMAT_EXTENTS, FORMAT_BTREE };

/* What a version 5 may have in its incompatible features. A folder of metadata and zones move what is known here: they are not. */
static const struct {
	uint32_t bit;
	const char *name;
	bool known;
} features[] = {
	{ 0x001, "ftype", true },    { 0x002, "sparse inodes", true },	 { 0x004, "meta uuid", true },	     { 0x008, "bigtime", true },
	{ 0x010, "needsrepair", true }, { 0x020, "nrext64", true },	 { 0x040, "exchange range", true },  { 0x080, "parent pointers", true },
	{ 0x100, "metadir", false }, { 0x200, "zoned", false },
};

static int check_features(struct xfs *x, const uint8_t *sb, struct hm_volume *v, struct hm_fail *fail)
{
	uint32_t incompatible = (uint32_t)volume_be(sb + 216, 4), left = incompatible;

	for (size_t i = 0; i < HM_COUNT(features); i++) {
		if (features[i].known)
			left &= ~features[i].bit;
		else if (incompatible & features[i].bit)
			return hm_fail_set(fail, HM_E_BAD, "it has the feature %s, which is not known here", features[i].name);
	}
	if (left)
		return hm_fail_set(fail, HM_E_BAD, "it has features that are not known here (0x%x)", left);
	x->ftype = (incompatible & 1) != 0;
	if (incompatible & 0x10)
		v->partial = hm_strdup("xfs: it is marked as in need of repair");
	return 0;
}

static unsigned log2_of(uint64_t n)
{
	unsigned log = 0;

	while (log < 63 && ((uint64_t)1 << log) < n)
		log++;
	return log;
}

/* Inodes that are in use and in no folder: of the bitmaps of the real-time part, and of quotas. */
static uint64_t hidden_inodes(const uint8_t *sb, bool five)
{
	const size_t at[] = { 64, 72, 160, 168, 232 };
	uint64_t seen[HM_COUNT(at)], n = 0;

	for (size_t i = 0; i < (five ? HM_COUNT(at) : 4); i++) {
		uint64_t number = volume_be(sb + at[i], 8);
		bool new = number != 0 && number != UINT64_MAX;

		for (uint64_t j = 0; j < n; j++)
			new = new && seen[j] != number;
		if (new)
			seen[n++] = number;
	}
	return n;
}

static int superblock(struct hm_volume *v, struct xfs *x, struct hm_fail *fail)
{
	uint8_t sb[264];
	uint16_t version;
	int r = volume_at(v, 0, sb, sizeof(sb), fail);

	if (r != 0)
		return r;
	version = (uint16_t)volume_be(sb + 100, 2);
	x->block = (uint32_t)volume_be(sb + 4, 4);
	x->blocks = volume_be(sb + 8, 8);
	x->ag_blocks = (uint32_t)volume_be(sb + 84, 4);
	x->ags = (uint32_t)volume_be(sb + 88, 4);
	x->inode = (uint32_t)volume_be(sb + 104, 2);
	x->ag_log = sb[124];
	x->inodes_log = sb[123];
	x->five = (version & 15) == 5;
	x->folder_block = x->block << (sb[192] < 16 ? sb[192] : 16);
	x->log_start = volume_be(sb + 48, 8);
	x->log_blocks = (uint32_t)volume_be(sb + 96, 4);
	if (memcmp(sb, "XFSB", 4) != 0 || sb[120] < 9 || sb[120] > 16 || x->block != 1u << sb[120] || sb[122] < 8 || sb[122] > 11 || x->inode != 1u << sb[122] ||
	    sb[123] + sb[122] != sb[120] || x->ag_blocks == 0 || x->ag_log != log2_of(x->ag_blocks) || x->ag_log > 31 || x->ags == 0 || sb[192] > 8 ||
	    x->folder_block > 65536)
		return hm_fail_set(fail, HM_E_BAD, "its superblock is damaged");
	if ((version & 15) < 4 || (version & 15) > 5 || !(version & 0x2000))
		return hm_fail_set(fail, HM_E_BAD, "it is of version %u, which is not known here", version & 15);
	v->root_number = volume_be(sb + 56, 8);
	v->inodes = volume_be(sb + 128, 8) - volume_be(sb + 136, 8) - hidden_inodes(sb, x->five);
	if (volume_be(sb + 136, 8) > volume_be(sb + 128, 8) || v->inodes > volume_be(sb + 128, 8))
		v->inodes = VOLUME_UNKNOWN;
	x->ftype = (volume_be(sb + 200, 4) & 0x200) != 0;
	return x->five ? check_features(x, sb, v, fail) : 0;
}

static int xfs_open(struct hm_volume *v, struct hm_fail *fail)
{
	struct xfs *x = v->state = hm_alloc(1, sizeof(*x));
	int r = superblock(v, x, fail);
	const char *log = r == 0 ? xfs_log(v, x) : NULL;

	if (log) {
		v->inodes = VOLUME_UNKNOWN; /* its counters are in the log too */
		if (!v->partial)
			v->partial = hm_sprintf("xfs: %s", log);
	}
	return r;
}

static uint64_t byte_of(const struct xfs *x, uint64_t block)
{
	return ((block >> x->ag_log) * x->ag_blocks + (block & (((uint64_t)1 << x->ag_log) - 1))) * x->block;
}

static int xfs_node(struct hm_volume *v, struct volume_node *n, struct hm_fail *fail)
{
	const struct xfs *x = v->state;
	uint64_t block = n->number >> x->inodes_log, at;
	uint8_t *raw = hm_bytes_reserve(&n->raw, x->inode);
	int r;

	if (block >> x->ag_log >= x->ags)
		return hm_fail_set(fail, HM_E_BAD, "it has the inode %llu, which is nowhere", (unsigned long long)n->number);
	at = byte_of(x, block) + (n->number & (((uint64_t)1 << x->inodes_log) - 1)) * x->inode;
	if ((r = volume_at(v, at, raw, x->inode, fail)) != 0)
		return r;
	n->raw.len = x->inode;
	if (memcmp(raw, "IN", 2) != 0 || raw[4] < 1 || raw[4] > 3 || (raw[4] == 3) != x->five || (x->five && volume_be(raw + 152, 8) != n->number) || volume_be(raw + 2, 2) == 0)
		return hm_fail_set(fail, HM_E_BAD, "its inode %llu is damaged", (unsigned long long)n->number);
	n->mode = (unsigned)volume_be(raw + 2, 2) & 07777;
	n->type = volume_type_of((unsigned)volume_be(raw + 2, 2));
	n->size = volume_be(raw + 56, 8);
	n->links = raw[4] == 1 ? (uint32_t)volume_be(raw + 6, 2) : (uint32_t)volume_be(raw + 16, 4);
	return n->size >> 63 ? hm_fail_set(fail, HM_E_BAD, "its inode %llu has an impossible size", (unsigned long long)n->number) : 0;
}

struct hm_slice xfs_fork(const struct xfs *x, const struct volume_node *n)
{
	size_t core = n->raw.data[4] == 3 ? CORE_V3 : CORE_V2, len = n->raw.data[82] ? n->raw.data[82] * 8u : x->inode - core;

	return (struct hm_slice){ n->raw.data + core, core + len <= x->inode ? len : x->inode - core };
}

static int records(const struct xfs *x, struct volume_node *n, const uint8_t *at, uint64_t count, struct hm_fail *fail)
{
	for (uint64_t i = 0; i < count; i++, at += 16) {
		uint64_t high = volume_be(at, 8), low = volume_be(at + 8, 8), block = (high & 0x1ff) << 43 | low >> 21, blocks = low & 0x1fffff;
		uint64_t ag = block >> x->ag_log, in = block & (((uint64_t)1 << x->ag_log) - 1);
		struct volume_extent *e = volume_extent(n);

		if (!e)
			return hm_fail_set(fail, HM_E_BAD, "it has more than %zu extents", VOLUME_EXTENTS_MAX);
		if (blocks == 0 || ag >= x->ags || in + blocks > x->ag_blocks)
			return hm_fail_set(fail, HM_E_BAD, "one of its extents is nowhere");
		e->logical = (high >> 9 & (((uint64_t)1 << 54) - 1));
		if (e->logical > (UINT64_MAX >> 1) / x->block - blocks)
			return hm_fail_set(fail, HM_E_BAD, "one of its extents is beyond any file");
		e->logical *= x->block;
		e->length = blocks * x->block;
		e->physical = byte_of(x, block);
		e->zero = high >> 63;
	}
	return 0;
}

struct tree {
	struct hm_volume *v;
	struct volume_node *n;
	unsigned blocks;
	struct hm_fail *fail;
};

static int tree_block(struct tree *t, uint64_t block, unsigned level)
{
	const struct xfs *x = t->v->state;
	size_t head = x->five ? 72 : 24, most;
	HM_FREE uint8_t *raw = hm_alloc(1, x->block);
	uint64_t count;
	int r;

	if (++t->blocks > BLOCKS_TREE || block >> x->ag_log >= x->ags)
		return hm_fail_set(t->fail, HM_E_BAD, "its tree of extents has a block that is nowhere");
	if ((r = volume_at(t->v, byte_of(x, block), raw, x->block, t->fail)) != 0)
		return r;
	count = volume_be(raw + 6, 2);
	most = (x->block - head) / 16;
	if (memcmp(raw, x->five ? "BMA3" : "BMAP", 4) != 0 || volume_be(raw + 4, 2) != level || count > most)
		return hm_fail_set(t->fail, HM_E_BAD, "its tree of extents is damaged");
	if (level == 0)
		return records(x, t->n, raw + head, count, t->fail);
	for (uint64_t i = 0; r == 0 && i < count; i++)
		r = tree_block(t, volume_be(raw + head + most * 8 + i * 8, 8), level - 1);
	return r;
}

static int tree_root(struct hm_volume *v, struct volume_node *n, struct hm_slice fork, struct hm_fail *fail)
{
	struct tree t = { v, n, 0, fail };
	size_t most = fork.len > 4 ? (fork.len - 4) / 16 : 0;
	uint64_t level = fork.len > 4 ? volume_be(fork.data, 2) : 0, count = fork.len > 4 ? volume_be(fork.data + 2, 2) : 0;
	int r = 0;

	if (level == 0 || level > DEEPEST_TREE || count > most)
		return hm_fail_set(fail, HM_E_BAD, "its tree of extents is damaged");
	for (uint64_t i = 0; r == 0 && i < count; i++)
		r = tree_block(&t, volume_be(fork.data + 4 + most * 8 + i * 8, 8), (unsigned)level - 1);
	return r;
}

static int xfs_map(struct hm_volume *v, struct volume_node *n, struct hm_fail *fail)
{
	const struct xfs *x = v->state;
	struct hm_slice fork = xfs_fork(x, n);
	bool many = x->five && (volume_be(n->raw.data + 120, 8) & 0x10);
	uint64_t count = many ? volume_be(n->raw.data + 24, 8) : volume_be(n->raw.data + 76, 4);
	int r;

	if (volume_be(n->raw.data + 90, 2) & 1)
		return hm_fail_set(fail, HM_E_BAD, "it lies on a real-time device, which is not read");
	switch (n->raw.data[5]) {
	case FORMAT_EXTENTS:
		if (count > fork.len / 16)
			return hm_fail_set(fail, HM_E_BAD, "it has more extents than its inode holds");
		return records(x, n, fork.data, count, fail);
	case FORMAT_BTREE:
		r = tree_root(v, n, fork, fail);
		return r == 0 && n->extents != count ? hm_fail_set(fail, HM_E_BAD, "it has %zu of its %llu extents", n->extents, (unsigned long long)count) : r;
	default:
		return hm_fail_set(fail, HM_E_BAD, "its bytes are kept in a form that is not known");
	}
}

static ssize_t xfs_fetch(struct hm_volume *v, const struct volume_extent *e, uint64_t at, void *to, size_t len)
{
	return volume_at(v, e->physical + at, to, len, NULL) == 0 ? (ssize_t)len : -1;
}

const struct volume_form volume_xfs = { .name = "xfs", .open = xfs_open, .node = xfs_node, .list = xfs_list, .map = xfs_map, .fetch = xfs_fetch };
