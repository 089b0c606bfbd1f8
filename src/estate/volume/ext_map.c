/* Where the bytes of a file of ext are: a tree of extents, blocks of blocks, or the inode itself; and folders, which are read as files are. */
#include "ext.h"

#include <stdlib.h>

#define DEEPEST_TREE 5
#define BLOCKS_TREE 1000000u

struct tree {
	struct hm_volume *v;
	struct volume_node *n;
	unsigned blocks;
	struct hm_fail *fail;
};

/* Behind the last extent, or a part of it. */
static int piece(struct tree *t, uint64_t logical, uint64_t block, uint64_t blocks, bool zero)
{
	const struct ext *x = t->v->state;
	struct volume_extent *last = t->n->extents ? &t->n->extent[t->n->extents - 1] : NULL;

	if (blocks == 0 || block == 0 || block >= x->blocks || blocks > x->blocks - block)
		return hm_fail_set(t->fail, HM_E_BAD, "a part of it is nowhere");
	if (last && !last->zero && !zero && last->logical + last->length == logical * x->block && last->physical + last->length == block * x->block) {
		last->length += blocks * x->block;
		return 0;
	}
	last = volume_extent(t->n);
	if (!last)
		return hm_fail_set(t->fail, HM_E_BAD, "it has more than %zu extents", VOLUME_EXTENTS_MAX);
	last->logical = logical * x->block;
	last->length = blocks * x->block;
	last->physical = block * x->block;
	last->zero = zero;
	return 0;
}

static int block_of(struct tree *t, uint64_t block, uint8_t *raw)
{
	const struct ext *x = t->v->state;

	if (++t->blocks > BLOCKS_TREE || block == 0 || block >= x->blocks)
		return hm_fail_set(t->fail, HM_E_BAD, "a list of its blocks is nowhere");
	return volume_at(t->v, block * x->block, raw, x->block, t->fail);
}

static int extents(struct tree *t, struct hm_slice node, unsigned depth)
{
	const struct ext *x = t->v->state;
	HM_FREE uint8_t *raw = NULL;
	uint64_t count = volume_le(node.data + 2, 2);
	int r = 0;

	if (volume_le(node.data, 2) != 0xf30a || volume_le(node.data + 6, 2) != depth || 12 + count * 12 > node.len)
		return hm_fail_set(t->fail, HM_E_BAD, "its tree of extents is damaged");
	if (depth)
		raw = hm_alloc(1, x->block);
	for (const uint8_t *e = node.data + 12; r == 0 && count; count--, e += 12) {
		uint64_t len = volume_le(e + 4, 2);

		if (depth == 0) {
			r = piece(t, volume_le(e, 4), volume_le(e + 8, 4) | volume_le(e + 6, 2) << 32, len > 32768 ? len - 32768 : len, len > 32768);
		} else {
			r = block_of(t, volume_le(e + 4, 4) | volume_le(e + 8, 2) << 32, raw);
			if (r == 0)
				r = extents(t, (struct hm_slice){ raw, x->block }, depth - 1);
		}
	}
	return r;
}

/* Numbers of blocks, `level` lists deep; `logical` is what comes next. */
static int indirect(struct tree *t, const uint8_t *at, size_t count, unsigned level, uint64_t *logical)
{
	const struct ext *x = t->v->state;
	HM_FREE uint8_t *raw = level ? hm_alloc(1, x->block) : NULL;
	uint64_t end = (t->n->size + x->block - 1) / x->block, each = 1;
	int r = 0;

	for (unsigned i = 0; i < level; i++)
		each *= x->block / 4;
	for (size_t i = 0; r == 0 && i < count && *logical < end; i++) {
		uint64_t block = volume_le(at + 4 * i, 4), before = *logical;

		if (block == 0)
			*logical += each;
		else if (level == 0)
			r = piece(t, (*logical)++, block, 1, false);
		else if ((r = block_of(t, block, raw)) == 0)
			r = indirect(t, raw, x->block / 4, level - 1, logical);
		if (level && r == 0 && block)
			*logical = before + each;
	}
	return r;
}

void ext_inlined(const struct ext *x, const struct volume_node *n, struct hm_slice part[2])
{
	const uint8_t *raw = n->raw.data, *end = raw + x->inode;
	const uint8_t *first = x->inode > 132 ? raw + 128 + volume_le(raw + 128, 2) + 4 : end;

	part[0] = (struct hm_slice){ raw + 40, 60 };
	part[1] = (struct hm_slice){ 0 };
	if (first + 16 > end || first < raw + 128 || volume_le(first - 4, 4) != 0xea020000)
		return;
	for (const uint8_t *e = first; e + 16 <= end && volume_le(e, 4) != 0; e += (16 + e[0] + 3) / 4 * 4) {
		uint64_t at = volume_le(e + 2, 2), len = volume_le(e + 8, 4);

		if (e[0] == 4 && e[1] == 7 && e + 20 <= end && memcmp(e + 16, "data", 4) == 0 && volume_le(e + 4, 4) == 0 && at + len <= (uint64_t)(end - first))
			part[1] = (struct hm_slice){ first + at, (size_t)len };
	}
}

static int inlined(struct hm_volume *v, struct volume_node *n, struct hm_fail *fail)
{
	struct hm_slice part[2];
	uint64_t at = 0;

	ext_inlined(v->state, n, part);
	if (n->size > part[0].len + part[1].len)
		return hm_fail_set(fail, HM_E_BAD, "it has more bytes than its inode holds");
	for (size_t i = 0; i < 2 && at < n->size; i++) {
		struct volume_extent *e = volume_extent(n);

		e->logical = at;
		e->length = e->packed = part[i].len;
		e->inlined = (uint8_t *)hm_slice_dup(part[i]);
		at += part[i].len;
	}
	return 0;
}

int ext_map(struct hm_volume *v, struct volume_node *n, struct hm_fail *fail)
{
	struct tree t = { v, n, 0, fail };
	uint32_t flags = ext_flags(n);
	uint64_t logical = 0, depth = volume_le(n->raw.data + 46, 2);
	int r = 0;

	if (flags & EXT_ENCRYPTED)
		return hm_fail_set(fail, HM_E_BAD, "it is encrypted");
	if (flags & EXT_INLINE)
		return inlined(v, n, fail);
	if (flags & EXT_EXTENTS)
		return depth <= DEEPEST_TREE ? extents(&t, (struct hm_slice){ n->raw.data + 40, 60 }, (unsigned)depth) :
					       hm_fail_set(fail, HM_E_BAD, "its tree of extents is damaged");
	r = indirect(&t, n->raw.data + 40, 12, 0, &logical);
	for (unsigned level = 1; r == 0 && level <= 3; level++)
		r = indirect(&t, n->raw.data + 40 + 44 + 4 * level, 1, level, &logical);
	return r;
}

/* A block of a folder, or the piece of one that an inode holds. */
static int names(struct hm_slice s, volume_name_fn each, void *cookie, struct hm_fail *fail)
{
	size_t at = 0;
	int r = 0;

	while (r == 0 && at + 8 <= s.len) {
		const uint8_t *e = s.data + at;
		size_t len = volume_le(e + 4, 2), full = len == 65535 || (len == 0 && s.len == 65536) ? 65536 : len;
		struct hm_slice name = { e + 8, e[6] };

		if (full < 8 || full % 4 || at + full > s.len || 8 + name.len > full)
			return hm_fail_set(fail, HM_E_BAD, "a block of the folder is damaged");
		if (volume_le(e, 4) && !(name.len == 1 && name.data[0] == '.') && !(name.len == 2 && memcmp(name.data, "..", 2) == 0))
			r = each(cookie, name, 0, volume_le(e, 4), fail);
		at += full;
	}
	return r;
}

int ext_list(struct hm_volume *v, struct volume_node *folder, volume_name_fn each, void *cookie, struct hm_fail *fail)
{
	const struct ext *x = v->state;
	HM_FREE uint8_t *raw = NULL;
	struct hm_slice part[2];
	int r = 0;

	if (ext_flags(folder) & EXT_ENCRYPTED)
		return hm_fail_set(fail, HM_E_BAD, "it is encrypted");
	if (ext_flags(folder) & EXT_INLINE) {
		ext_inlined(x, folder, part);
		r = names((struct hm_slice){ part[0].data + 4, 56 }, each, cookie, fail);
		return r ? r : names(part[1], each, cookie, fail);
	}
	r = volume_map(v, folder, fail);
	raw = hm_alloc(1, x->block);
	for (size_t i = 0; r == 0 && i < folder->extents; i++)
		for (uint64_t at = 0; r == 0 && at < folder->extent[i].length && folder->extent[i].logical + at < folder->size; at += x->block)
			if (!folder->extent[i].zero && (r = volume_at(v, folder->extent[i].physical + at, raw, x->block, fail)) == 0)
				r = names((struct hm_slice){ raw, x->block }, each, cookie, fail);
	return r;
}
