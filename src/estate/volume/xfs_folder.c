/* Folders of xfs: within the inode, or in blocks of their own. The index (leaves, nodes) is not read: what is in it is in the blocks. */
#include "xfs.h"

#include <stdlib.h>

#define LEAF_OFFSET ((uint64_t)32 << 30) /* of a folder's bytes: what lies behind is its index */

enum { FORMAT_LOCAL = 1 };

static int within(const struct xfs *x, struct hm_slice fork, volume_name_fn each, void *cookie, struct hm_fail *fail)
{
	struct hm_cursor c = hm_cursor_of(fork);
	uint8_t count = hm_cursor_u8(&c), wide = hm_cursor_u8(&c);
	int r = 0;

	(void)hm_cursor_bytes(&c, wide ? 8 : 4);
	for (unsigned i = 0; r == 0 && i < count; i++) {
		uint8_t len = hm_cursor_u8(&c);
		struct hm_slice name;
		uint64_t number;

		(void)hm_cursor_bytes(&c, 2);
		name = hm_cursor_bytes(&c, len);
		(void)hm_cursor_bytes(&c, x->ftype);
		number = hm_cursor_be(&c, wide ? 8 : 4);
		if (c.bad)
			return hm_fail_set(fail, HM_E_BAD, "the folder is damaged");
		r = each(cookie, name, 0, number, fail);
	}
	return r;
}

/* Where the entries of a block end: in a folder of one block its index stands behind them. */
static size_t end_of(const struct xfs *x, const uint8_t *raw)
{
	uint64_t count = volume_be(raw + x->folder_block - 8, 4);

	if (memcmp(raw, x->five ? "XDB3" : "XD2B", 4) != 0)
		return x->folder_block;
	return count <= x->folder_block / 8 - 1 ? x->folder_block - 8 - (size_t)count * 8 : 0;
}

static int entries(const struct xfs *x, const uint8_t *raw, volume_name_fn each, void *cookie, struct hm_fail *fail)
{
	size_t at = x->five ? 64 : 16, end = end_of(x, raw);
	int r = 0;

	while (r == 0 && at + 8 <= end) {
		bool free = volume_be(raw + at, 2) == 0xffff;
		uint8_t letters = !free && at + 9 <= end ? raw[at + 8] : 0;
		size_t len = free ? (size_t)volume_be(raw + at + 2, 2) : ((size_t)letters + 11 + x->ftype + 7) & ~(size_t)7;
		struct hm_slice name = { raw + at + 9, letters };

		if (len < 8 || len % 8 || at + len > end)
			break;
		if (!free && !(name.len == 1 && name.data[0] == '.') && !(name.len == 2 && memcmp(name.data, "..", 2) == 0))
			r = each(cookie, name, 0, volume_be(raw + at, 8), fail);
		at += len;
	}
	return r == 0 && at != end ? hm_fail_set(fail, HM_E_BAD, "a block of the folder is damaged") : r;
}

static int block(struct hm_volume *v, const struct volume_node *n, uint64_t logical, uint8_t *raw, struct hm_fail *fail)
{
	const struct xfs *x = v->state;

	for (uint64_t have = 0; have < x->folder_block;) {
		const struct volume_extent *e = NULL;
		uint64_t at = logical + have, left;

		for (size_t low = 0, high = n->extents; low < high && !e;) { /* they ascend */
			size_t middle = low + (high - low) / 2;

			if (at < n->extent[middle].logical)
				high = middle;
			else if (at >= n->extent[middle].logical + n->extent[middle].length)
				low = middle + 1;
			else
				e = &n->extent[middle];
		}
		if (!e || e->zero)
			return hm_fail_set(fail, HM_E_BAD, "a block of the folder is not there");
		left = e->length - (at - e->logical);
		left = left < x->folder_block - have ? left : x->folder_block - have;
		if (volume_at(v, e->physical + (at - e->logical), raw + have, (size_t)left, fail) != 0)
			return HM_E_BAD;
		have += left;
	}
	if (memcmp(raw, x->five ? "XDB3" : "XD2B", 4) != 0 && memcmp(raw, x->five ? "XDD3" : "XD2D", 4) != 0)
		return hm_fail_set(fail, HM_E_BAD, "a block of the folder is damaged");
	return 0;
}

int xfs_list(struct hm_volume *v, struct volume_node *folder, volume_name_fn each, void *cookie, struct hm_fail *fail)
{
	const struct xfs *x = v->state;
	HM_FREE uint8_t *raw = NULL;
	uint64_t next = 0; /* the first block that was not told */
	int r;

	if (folder->raw.data[5] == FORMAT_LOCAL)
		return within(x, xfs_fork(x, folder), each, cookie, fail);
	raw = hm_alloc(1, x->folder_block);
	r = volume_map(v, folder, fail);
	for (size_t i = 0; r == 0 && i < folder->extents; i++) {
		const struct volume_extent *e = &folder->extent[i];
		uint64_t at = e->logical / x->folder_block * x->folder_block;

		for (at = at < next ? next : at; r == 0 && at < e->logical + e->length && at < LEAF_OFFSET; at = next) {
			next = at + x->folder_block;
			r = block(v, folder, at, raw, fail);
			if (r == 0)
				r = entries(x, raw, each, cookie, fail);
		}
	}
	return r;
}
