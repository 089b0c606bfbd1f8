/* erofs: superblock, inodes, folders, files that are not compressed. The others are in erofs_packed.c. */
#include "erofs.h"

#include <stdlib.h>

#define KNOWN 0x5fu /* padding, configurations of compressions, big clusters, chunks, device tables, packed tails; and prefixes of attributes' names */
#define CHUNKS_MAX ((uint64_t)4 << 20)
#define UNPACKED_MAX ((uint64_t)32 << 20)

static int erofs_open(struct hm_volume *v, struct hm_fail *fail)
{
	struct erofs *x = v->state = hm_alloc(1, sizeof(*x));
	uint8_t sb[128];
	int r = volume_at(v, 1024, sb, sizeof(sb), fail);

	if (r != 0)
		return r;
	x->block_log = sb[12];
	x->incompatible = (uint32_t)volume_le(sb + 80, 4);
	if (volume_le(sb, 4) != 0xe0f5e1e2 || x->block_log < 9 || x->block_log > 16 || sb[90] != 0)
		return hm_fail_set(fail, HM_E_BAD, "its superblock is damaged");
	if (x->incompatible & ~KNOWN)
		return hm_fail_set(fail, HM_E_BAD, "it has features that are not known here (0x%x)", x->incompatible & ~KNOWN);
	x->meta = volume_le(sb + 40, 4) << x->block_log;
	v->root_number = volume_le(sb + 14, 2);
	v->inodes = volume_le(sb + 16, 8);
	return 0;
}

static void erofs_close(struct hm_volume *v)
{
	struct erofs *x = v->state;

	if (x)
		hm_bytes_release(&x->plain);
}

static int erofs_node(struct hm_volume *v, struct volume_node *n, struct hm_fail *fail)
{
	const struct erofs *x = v->state;
	uint8_t raw[64];
	uint64_t at = x->meta + n->number * 32, attributes;
	bool wide;
	int r;

	if (n->number > UINT64_MAX / 64)
		return hm_fail_set(fail, HM_E_BAD, "it has the inode %llu, which is nowhere", (unsigned long long)n->number);
	if ((r = volume_at(v, at, raw, 32, fail)) != 0)
		return r;
	wide = raw[0] & 1;
	if (wide && (r = volume_at(v, at + 32, raw + 32, 32, fail)) != 0)
		return r;
	attributes = volume_le(raw + 2, 2);
	n->detail[0] = volume_le(raw, 2) >> 1 & 7;
	n->detail[1] = at + (wide ? 64 : 32) + (attributes ? 12 + 4 * (attributes - 1) : 0);
	n->detail[2] = volume_le(raw + 16, 4);
	n->mode = (unsigned)volume_le(raw + 4, 2) & 07777;
	n->type = volume_type_of((unsigned)volume_le(raw + 4, 2));
	n->size = wide ? volume_le(raw + 8, 8) : volume_le(raw + 8, 4);
	n->links = wide ? (uint32_t)volume_le(raw + 44, 4) : (uint32_t)volume_le(raw + 6, 2);
	if (volume_le(raw + 4, 2) == 0 || volume_le(raw, 2) >> 4 || n->detail[0] >= EROFS_LAYOUTS || n->size >> 62)
		return hm_fail_set(fail, HM_E_BAD, "its inode %llu is damaged, or of a form that is not known", (unsigned long long)n->number);
	return 0;
}

static int piece(struct volume_node *n, uint64_t logical, uint64_t length, uint64_t physical, struct hm_fail *fail)
{
	struct volume_extent *e = length ? volume_extent(n) : NULL;

	if (length && !e)
		return hm_fail_set(fail, HM_E_BAD, "it has more than %zu extents", VOLUME_EXTENTS_MAX);
	if (e) {
		e->logical = logical;
		e->length = length;
		e->physical = physical;
	}
	return 0;
}

/* One piece; of INLINE, what does not fill a block is behind the inode. */
static int flat(const struct erofs *x, struct volume_node *n, struct hm_fail *fail)
{
	uint64_t tail = erofs_layout(n) == EROFS_INLINE ? n->size & (erofs_block(x) - 1) : 0;
	int r = piece(n, 0, n->size - tail, n->detail[2] << x->block_log, fail);

	return r ? r : piece(n, n->size - tail, tail, n->detail[1], fail);
}

static int chunks(struct hm_volume *v, struct volume_node *n, struct hm_fail *fail)
{
	const struct erofs *x = v->state;
	bool wide = n->detail[2] & 0x20;
	uint64_t unit = wide ? 8 : 4, size = erofs_block(x) << (n->detail[2] & 31), at = (n->detail[1] + unit - 1) & ~(unit - 1), count = (n->size + size - 1) / size;
	int r = 0;

	if (n->detail[2] >> 6 & 0x3ff || count > CHUNKS_MAX)
		return hm_fail_set(fail, HM_E_BAD, "its chunks are in a form that is not known");
	for (uint64_t i = 0; r == 0 && i < count; i++) {
		uint8_t entry[8] = { 0 };
		uint64_t where, left = n->size - i * size;

		r = volume_at(v, at + i * unit, entry, (size_t)unit, fail);
		where = volume_le(entry + (wide ? 4 : 0), 4);
		if (r == 0 && wide && volume_le(entry + 2, 2) != 0)
			r = hm_fail_set(fail, HM_E_BAD, "a part of it is on another device");
		if (r == 0 && where != UINT32_MAX)
			r = piece(n, i * size, left < size ? left : size, where << x->block_log, fail);
	}
	return r;
}

static int erofs_map(struct hm_volume *v, struct volume_node *n, struct hm_fail *fail)
{
	switch (erofs_layout(n)) {
	case EROFS_PLAIN:
	case EROFS_INLINE:
		return flat(v->state, n, fail);
	case EROFS_CHUNKS:
		return chunks(v, n, fail);
	default:
		return erofs_packed(v, n, fail);
	}
}

/* A block of a folder: entries, then names; where the first name begins, the entries end. */
static int names(struct hm_slice s, volume_name_fn each, void *cookie, struct hm_fail *fail)
{
	size_t first = s.len >= 12 ? (size_t)volume_le(s.data + 8, 2) : 0, count = first / 12;
	int r = 0;

	if (count == 0 || first % 12 || first > s.len)
		return hm_fail_set(fail, HM_E_BAD, "a block of the folder is damaged");
	for (size_t i = 0; r == 0 && i < count; i++) {
		const uint8_t *e = s.data + i * 12;
		size_t at = (size_t)volume_le(e + 8, 2), end = i + 1 < count ? (size_t)volume_le(e + 20, 2) : s.len;
		struct hm_slice name = { s.data + at, 0 };

		if (at < first || end < at || end > s.len)
			return hm_fail_set(fail, HM_E_BAD, "a block of the folder is damaged");
		name.len = i + 1 < count ? end - at : strnlen((const char *)s.data + at, end - at);
		if (!(name.len == 1 && name.data[0] == '.') && !(name.len == 2 && memcmp(name.data, "..", 2) == 0))
			r = each(cookie, name, 0, volume_le(e, 8), fail);
	}
	return r;
}

static int erofs_list(struct hm_volume *v, struct volume_node *folder, volume_name_fn each, void *cookie, struct hm_fail *fail)
{
	const struct erofs *x = v->state;
	HM_FREE uint8_t *raw = hm_alloc(1, (size_t)erofs_block(x));
	int r = volume_map(v, folder, fail);

	for (uint64_t at = 0; r == 0 && at < folder->size; at += erofs_block(x)) {
		size_t want = folder->size - at < erofs_block(x) ? (size_t)(folder->size - at) : (size_t)erofs_block(x), have = 0;

		while (have < want) {
			ssize_t got = volume_read(v, folder, folder->size, at + have, raw + have, want - have);

			if (got <= 0)
				return hm_fail_set(fail, HM_E_BAD, "a block of the folder cannot be read");
			have += (size_t)got;
		}
		r = names((struct hm_slice){ raw, want }, each, cookie, fail);
	}
	return r;
}

/* The plain bytes of a compressed extent, kept until another one is asked for. */
static bool open_extent(struct hm_volume *v, const struct volume_extent *e)
{
	struct erofs *x = v->state;
	HM_FREE uint8_t *packed = NULL;

	if (x->opened == e->physical && x->plain.len == e->unpacked)
		return true;
	x->opened = 0;
	x->plain.len = 0;
	if (e->unpacked > UNPACKED_MAX || e->packed > UNPACKED_MAX || e->packed == 0)
		return false;
	packed = hm_alloc(1, (size_t)e->packed);
	if (volume_at(v, e->physical, packed, (size_t)e->packed, NULL) != 0 || !erofs_unpack(x, e->how, (struct hm_slice){ packed, (size_t)e->packed }, (size_t)e->unpacked, &x->plain) ||
	    x->plain.len != e->unpacked)
		return false;
	x->opened = e->physical;
	return true;
}

static ssize_t erofs_fetch(struct hm_volume *v, const struct volume_extent *e, uint64_t at, void *to, size_t len)
{
	const struct erofs *x = v->state;

	if (!e->how)
		return volume_at(v, e->physical + at, to, len, NULL) == 0 ? (ssize_t)len : -1;
	if (!open_extent(v, e) || at >= x->plain.len)
		return -1;
	len = len < x->plain.len - at ? len : (size_t)(x->plain.len - at);
	memcpy(to, x->plain.data + at, len);
	return (ssize_t)len;
}

const struct volume_form volume_erofs = { .name = "erofs", .open = erofs_open, .close = erofs_close, .node = erofs_node, .list = erofs_list, .map = erofs_map,
					  .fetch = erofs_fetch };
