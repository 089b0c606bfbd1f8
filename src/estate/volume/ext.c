/* ext2, ext3 and ext4: superblock, groups, inodes. The Sleuth Kit 4.11 loses folders and files that are in more than four pieces, and shows names that were
 * never there out of the index of a folder: so it is not asked. */
#include "ext.h"

#include <stdlib.h>

enum {
	INCOMPATIBLE_RECOVER = 0x4,
	INCOMPATIBLE_JOURNAL = 0x8,
	INCOMPATIBLE_META = 0x10,
	INCOMPATIBLE_64 = 0x80,
	INCOMPATIBLE_EA_INODE = 0x400,
	INCOMPATIBLE_KNOWN = 0x3e7de, /* without compression, and data in folders */
};

static bool is_power(uint64_t n, uint64_t of)
{
	while (n % of == 0)
		n /= of;
	return n == 1;
}

static bool has_superblock(const struct ext *x, uint64_t group)
{
	if (group == 0)
		return true;
	if (x->backups_two)
		return group == x->backups[0] || group == x->backups[1];
	return !(x->read_only & 1) || group == 1 || is_power(group, 3) || is_power(group, 5) || is_power(group, 7);
}

/* Inodes that are in use and have no name: the first ones but the root, and some that a feature brings. */
static void count(struct hm_volume *v, const uint8_t *sb, uint32_t first)
{
	static const unsigned at[] = { 0xe0, 0x26c, 0x280 }; /* a journal, quotas of projects, orphans */
	uint64_t all = volume_le(sb, 4), free = volume_le(sb + 16, 4), hidden = first - 2;

	for (size_t i = 0; i < HM_COUNT(at); i++)
		hidden += volume_le(sb + at[i], 4) >= first;
	if ((volume_le(sb + 96, 4) & (INCOMPATIBLE_RECOVER | INCOMPATIBLE_EA_INODE)) == 0 && (volume_le(sb + 58, 2) & 1) && free + hidden <= all)
		v->inodes = all - free - hidden;
}

static int ext_open(struct hm_volume *v, struct hm_fail *fail)
{
	struct ext *x = v->state = hm_alloc(1, sizeof(*x));
	uint8_t sb[1024];
	uint32_t first;
	int r = volume_at(v, 1024, sb, sizeof(sb), fail);

	if (r != 0)
		return r;
	if (volume_le(sb + 56, 2) != 0xef53 || volume_le(sb + 24, 4) > 6)
		return hm_fail_set(fail, HM_E_BAD, "its superblock is damaged");
	x->block = 1024u << volume_le(sb + 24, 4);
	x->inodes = (uint32_t)volume_le(sb, 4);
	x->first_block = (uint32_t)volume_le(sb + 20, 4);
	x->group_blocks = (uint32_t)volume_le(sb + 32, 4);
	x->group_inodes = (uint32_t)volume_le(sb + 40, 4);
	x->incompatible = volume_le(sb + 76, 4) ? (uint32_t)volume_le(sb + 96, 4) : 0;
	x->read_only = volume_le(sb + 76, 4) ? (uint32_t)volume_le(sb + 100, 4) : 0;
	x->inode = volume_le(sb + 76, 4) ? (uint32_t)volume_le(sb + 88, 2) : 128;
	first = volume_le(sb + 76, 4) ? (uint32_t)volume_le(sb + 84, 4) : 11;
	x->blocks = volume_le(sb + 4, 4) | (x->incompatible & INCOMPATIBLE_64 ? volume_le(sb + 336, 4) << 32 : 0);
	x->descriptor = x->incompatible & INCOMPATIBLE_64 ? (uint32_t)volume_le(sb + 254, 2) : 32;
	x->meta = x->incompatible & INCOMPATIBLE_META;
	x->first_meta = (uint32_t)volume_le(sb + 260, 4);
	x->backups_two = volume_le(sb + 92, 4) & 0x200;
	x->backups[0] = (uint32_t)volume_le(sb + 588, 4);
	x->backups[1] = (uint32_t)volume_le(sb + 592, 4);
	if (x->incompatible & INCOMPATIBLE_JOURNAL)
		return hm_fail_set(fail, HM_E_BAD, "it is the journal of a file system that is elsewhere");
	if (x->incompatible & ~(uint32_t)INCOMPATIBLE_KNOWN)
		return hm_fail_set(fail, HM_E_BAD, "it has features that are not known here (0x%x)", x->incompatible & ~(uint32_t)INCOMPATIBLE_KNOWN);
	if (x->group_blocks == 0 || x->group_inodes == 0 || x->inodes < 2 || x->inode < 128 || x->inode > x->block || (x->inode & (x->inode - 1)) || x->descriptor < 32 ||
	    x->descriptor > x->block || (x->descriptor & (x->descriptor - 1)) || first < 3)
		return hm_fail_set(fail, HM_E_BAD, "its superblock is damaged");
	v->root_number = 2;
	count(v, sb, first);
	if (x->incompatible & INCOMPATIBLE_RECOVER)
		v->partial = hm_strdup("ext: it was not unmounted: what its journal holds back is not seen");
	return 0;
}

/* Where a group's descriptor is. */
static uint64_t descriptor_at(const struct ext *x, uint64_t group)
{
	uint64_t each = x->block / x->descriptor, meta = group / each;

	if (!x->meta || meta < x->first_meta)
		return ((x->block == 1024) + 1 + meta) * (uint64_t)x->block + group % each * x->descriptor;
	return (x->first_block + meta * each * x->group_blocks + has_superblock(x, meta * each) + (meta == 0 && x->block == 1024 && x->first_block == 0)) * (uint64_t)x->block + group % each * x->descriptor;
}

static int ext_node(struct hm_volume *v, struct volume_node *n, struct hm_fail *fail)
{
	const struct ext *x = v->state;
	uint8_t descriptor[64] = { 0 }, *raw = hm_bytes_reserve(&n->raw, x->inode);
	uint64_t group = (n->number - 1) / x->group_inodes, table;
	int r;

	if (n->number == 0 || n->number > x->inodes)
		return hm_fail_set(fail, HM_E_BAD, "it has the inode %llu, which is nowhere", (unsigned long long)n->number);
	if ((r = volume_at(v, descriptor_at(x, group), descriptor, x->descriptor < 64 ? 32 : 64, fail)) != 0)
		return r;
	table = volume_le(descriptor + 8, 4) | volume_le(descriptor + 40, 4) << 32;
	if (table == 0 || table >= x->blocks || (r = volume_at(v, table * x->block + (n->number - 1) % x->group_inodes * x->inode, raw, x->inode, fail)) != 0)
		return hm_fail_set(fail, HM_E_BAD, "its inode %llu cannot be read", (unsigned long long)n->number);
	n->raw.len = x->inode;
	n->mode = (unsigned)volume_le(raw, 2) & 07777;
	n->type = volume_type_of((unsigned)volume_le(raw, 2));
	n->links = (uint32_t)volume_le(raw + 26, 2);
	n->size = volume_le(raw + 4, 4) | (n->type == HM_VOLUME_FILE || (x->incompatible & 0x4000) ? volume_le(raw + 108, 4) << 32 : 0);
	if (volume_le(raw, 2) == 0 || n->links == 0 || n->size >> 63)
		return hm_fail_set(fail, HM_E_BAD, "its inode %llu is damaged", (unsigned long long)n->number);
	return 0;
}

static ssize_t ext_fetch(struct hm_volume *v, const struct volume_extent *e, uint64_t at, void *to, size_t len)
{
	return volume_at(v, e->physical + at, to, len, NULL) == 0 ? (ssize_t)len : -1;
}

const struct volume_form volume_ext = { .name = "ext", .open = ext_open, .node = ext_node, .list = ext_list, .map = ext_map, .fetch = ext_fetch };
