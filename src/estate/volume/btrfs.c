/* btrfs on one device: superblock, chunks, the search in its trees. Subvolumes are in btrfs_roots.c, files and folders in btrfs_file.c. */
#include "btrfs.h"

#include <stdlib.h>

#define SUPER 0x10000u
#define CHUNKS_MAX 200000u
#define DEEPEST_TREE 8u
#define KNOWN 0x10fffu /* incompatible features; without zones, a new extent tree, a tree of stripes */
#define SEVERAL_STRIPES 0x1c8u /* raid0, raid10, raid5, raid6 */

static uint32_t crc32c(const uint8_t *at, size_t len)
{
	static uint32_t table[256];
	uint32_t crc = UINT32_MAX;

	for (uint32_t i = 0; !table[1] && i < 256; i++) {
		uint32_t c = 255 - i; /* [1] last */

		for (int bit = 0; bit < 8; bit++)
			c = c & 1 ? c >> 1 ^ 0x82f63b78u : c >> 1;
		table[255 - i] = c;
	}
	while (len--)
		crc = table[(crc ^ *at++) & 255] ^ crc >> 8;
	return ~crc;
}

static int compare(struct btrfs_key a, struct btrfs_key b)
{
	if (a.object != b.object)
		return a.object < b.object ? -1 : 1;
	if (a.type != b.type)
		return a.type < b.type ? -1 : 1;
	return a.offset < b.offset ? -1 : a.offset > b.offset;
}

static struct btrfs_key key_at(const uint8_t *p)
{
	return (struct btrfs_key){ volume_le(p, 8), p[8], volume_le(p + 9, 8) };
}

static const struct btrfs_chunk *chunk_of(const struct btrfs *b, uint64_t at)
{
	size_t low = 0, high = b->chunks;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct btrfs_chunk *c = &b->chunk[middle];

		if (at < c->logical)
			high = middle;
		else if (at - c->logical >= c->length)
			low = middle + 1;
		else
			return c;
	}
	return NULL;
}

ssize_t btrfs_logical(struct hm_volume *v, uint64_t at, void *to, size_t len, unsigned copy)
{
	const struct btrfs_chunk *c = chunk_of(v->state, at);
	uint64_t in = c ? at - c->logical : 0;

	if (!c || c->striped || (copy && !c->physical[copy]))
		return -1;
	len = len < c->length - in ? len : (size_t)(c->length - in);
	return volume_at(v, c->physical[copy] + in, to, len, NULL) == 0 ? (ssize_t)len : -1;
}

/* A chunk: 1 when it is sound. One that is there already, as those of the superblock are, is not taken twice. */
static size_t add_chunk(struct btrfs *b, uint64_t logical, struct hm_slice item)
{
	uint64_t stripes = item.len >= 48 ? volume_le(item.data + 44, 2) : 0;
	struct btrfs_chunk c = { .logical = logical };
	size_t at;

	if (stripes == 0 || item.len < 48 + stripes * 32 || b->chunks == CHUNKS_MAX)
		return 0;
	if (chunk_of(b, logical))
		return 1;
	c.length = volume_le(item.data, 8);
	c.striped = (volume_le(item.data + 24, 8) & SEVERAL_STRIPES) != 0;
	c.physical[0] = volume_le(item.data + 56, 8);
	c.physical[1] = stripes > 1 ? volume_le(item.data + 88, 8) : 0;
	if (c.length == 0 || logical + c.length < logical)
		return 0;
	b->chunk = hm_realloc(b->chunk, b->chunks + 1, sizeof(*b->chunk));
	for (at = b->chunks++; at > 0 && b->chunk[at - 1].logical > logical; at--) /* they come in order, but for the first */
		b->chunk[at] = b->chunk[at - 1];
	b->chunk[at] = c;
	return 1;
}

static int on_chunk(void *cookie, const struct btrfs_key *key, struct hm_slice item, struct hm_fail *fail)
{
	return add_chunk(cookie, key->offset, item) ? 0 : hm_fail_set(fail, HM_E_BAD, "one of its chunks is damaged");
}

static bool is_node(const struct btrfs *b, const uint8_t *raw, uint64_t bytenr)
{
	if (b->summed && volume_le(raw, 4) != crc32c(raw + 32, b->node - 32))
		return false;
	return volume_le(raw + 48, 8) == bytenr && volume_le(raw + 96, 4) <= b->node / 25;
}

/* A copy of a node, for who goes on to others below it. */
static int copy_node(struct hm_volume *v, uint64_t bytenr, unsigned level, uint8_t *to, struct hm_fail *fail)
{
	struct btrfs *b = v->state;
	size_t slot = (size_t)(bytenr / b->node % BTRFS_KNOTS);
	bool sound = b->kept[slot].raw && b->kept[slot].bytenr == bytenr;

	if (!b->kept[slot].raw)
		b->kept[slot].raw = hm_alloc(1, b->node);
	for (unsigned copy = 0; copy < 2 && !sound; copy++) {
		b->kept[slot].bytenr = UINT64_MAX;
		sound = btrfs_logical(v, bytenr, b->kept[slot].raw, b->node, copy) == (ssize_t)b->node && is_node(b, b->kept[slot].raw, bytenr);
	}
	if (!sound || b->kept[slot].raw[100] != level)
		return hm_fail_set(fail, HM_E_BAD, "a node of one of its trees is damaged (at %llu)", (unsigned long long)bytenr);
	b->kept[slot].bytenr = bytenr;
	memcpy(to, b->kept[slot].raw, b->node);
	return 0;
}

struct search {
	struct hm_volume *v;
	struct btrfs_key low, high;
	btrfs_item_fn each;
	void *cookie;
	struct hm_fail *fail;
};

static int in_leaf(struct search *s, const uint8_t *raw)
{
	const struct btrfs *b = s->v->state;
	uint64_t count = volume_le(raw + 96, 4), room = b->node - BTRFS_HEADER;
	int r = 0;

	for (uint64_t i = 0; r == 0 && i < count && (i + 1) * 25 <= room; i++) {
		const uint8_t *item = raw + BTRFS_HEADER + i * 25;
		struct btrfs_key key = key_at(item);
		uint64_t at = volume_le(item + 17, 4), len = volume_le(item + 21, 4);

		if (compare(key, s->low) < 0)
			continue;
		if (compare(key, s->high) > 0)
			return 0;
		if (at > room || len > room - at)
			return hm_fail_set(s->fail, HM_E_BAD, "an item of one of its trees is damaged");
		r = s->each(s->cookie, &key, (struct hm_slice){ raw + BTRFS_HEADER + at, (size_t)len }, s->fail);
	}
	return r;
}

/* `first`: the key with which its parent says that it begins, or NULL. With keys that ascend, no node is in two places, however it is made. */
static int descend(struct search *s, uint64_t bytenr, unsigned level, const struct btrfs_key *first)
{
	const struct btrfs *b = s->v->state;
	HM_FREE uint8_t *raw = hm_alloc(1, b->node);
	struct btrfs_key before = { 0, 0, 0 };
	uint64_t count;
	int r = copy_node(s->v, bytenr, level, raw, s->fail);

	if (r != 0)
		return r;
	count = volume_le(raw + 96, 4);
	if (first && (count == 0 || compare(key_at(raw + BTRFS_HEADER), *first) != 0))
		return hm_fail_set(s->fail, HM_E_BAD, "a node of one of its trees is in the wrong place (at %llu)", (unsigned long long)bytenr);
	if (level == 0)
		return in_leaf(s, raw);
	for (uint64_t i = 0; r == 0 && i < count && (i + 1) * 33 <= b->node - BTRFS_HEADER; i++) {
		const uint8_t *at = raw + BTRFS_HEADER + i * 33;
		struct btrfs_key key = key_at(at);

		if (i && compare(key, before) <= 0)
			return hm_fail_set(s->fail, HM_E_BAD, "a node of one of its trees is damaged (at %llu)", (unsigned long long)bytenr);
		before = key;
		if (compare(key, s->high) > 0)
			break;
		/* What is below ends before the next key. */
		if (i + 1 < count && (i + 2) * 33 <= b->node - BTRFS_HEADER && compare(key_at(at + 33), s->low) <= 0)
			continue;
		r = descend(s, volume_le(at + 17, 8), level - 1, &key);
	}
	return r;
}

int btrfs_search(struct hm_volume *v, struct btrfs_tree tree, struct btrfs_key low, struct btrfs_key high, btrfs_item_fn each, void *cookie, struct hm_fail *fail)
{
	struct search s = { v, low, high, each, cookie, fail };

	return tree.level < DEEPEST_TREE ? descend(&s, tree.bytenr, tree.level, NULL) : hm_fail_set(fail, HM_E_BAD, "one of its trees is too deep");
}

/* The first chunks, without which no tree can be read, are in the superblock. */
static bool first_chunks(struct btrfs *b, const uint8_t *at, size_t len)
{
	struct hm_cursor c = hm_cursor_of((struct hm_slice){ at, len });

	while (hm_cursor_left(&c) >= 17 + 80) {
		struct btrfs_key key = key_at(hm_cursor_bytes(&c, 17).data);
		size_t size = 48 + (size_t)volume_le(c.at + 44, 2) * 32;
		struct hm_slice item = hm_cursor_bytes(&c, size);

		if (c.bad || key.type != BTRFS_CHUNK || !add_chunk(b, key.offset, item))
			return false;
	}
	return b->chunks > 0;
}

static int check(struct btrfs *b, const uint8_t *sb, struct hm_fail *fail)
{
	uint64_t incompatible = volume_le(sb + 188, 8);

	if (incompatible & ~(uint64_t)KNOWN)
		return hm_fail_set(fail, HM_E_BAD, "it has features that are not known here (0x%llx)", (unsigned long long)(incompatible & ~(uint64_t)KNOWN));
	if (volume_le(sb + 136, 8) != 1)
		return hm_fail_set(fail, HM_E_BAD, "it lies on %llu devices, and only what is on one is read", (unsigned long long)volume_le(sb + 136, 8));
	b->sector = (uint32_t)volume_le(sb + 144, 4);
	b->node = (uint32_t)volume_le(sb + 148, 4);
	b->summed = volume_le(sb + 196, 2) == 0;
	if (memcmp(sb + 64, "_BHRfS_M", 8) != 0 || b->node < 4096 || b->node > 65536 || (b->node & (b->node - 1)) || b->sector < 4096 || b->sector > 65536 || volume_le(sb + 160, 4) > 2048)
		return hm_fail_set(fail, HM_E_BAD, "its superblock is damaged");
	return 0;
}

static int btrfs_open(struct hm_volume *v, struct hm_fail *fail)
{
	struct btrfs *b = v->state = hm_alloc(1, sizeof(*b));
	uint8_t sb[4096];
	struct btrfs_tree chunks;
	int r = volume_at(v, SUPER, sb, sizeof(sb), fail);

	if (r == 0)
		r = check(b, sb, fail);
	if (r != 0)
		return r;
	b->roots = (struct btrfs_tree){ volume_le(sb + 80, 8), sb[198] };
	chunks = (struct btrfs_tree){ volume_le(sb + 88, 8), sb[199] };
	if (!first_chunks(b, sb + 811, (size_t)volume_le(sb + 160, 4)))
		return hm_fail_set(fail, HM_E_BAD, "its first chunks are damaged");
	r = btrfs_search(v, chunks, (struct btrfs_key){ 256, BTRFS_CHUNK, 0 }, (struct btrfs_key){ 256, BTRFS_CHUNK, UINT64_MAX }, on_chunk, b, fail);
	if (r == 0)
		r = btrfs_subs(v, fail);
	if (volume_le(sb + 96, 8))
		v->partial = hm_strdup("btrfs: it was not unmounted: what was written last is in its log, which is not read");
	return r;
}

static void btrfs_close(struct hm_volume *v)
{
	struct btrfs *b = v->state;

	for (size_t i = 0; b && i < BTRFS_KNOTS; i++)
		free(b->kept[i].raw);
	for (size_t i = 0; b && i < b->subs; i++) {
		free(b->sub[i].name);
		free(b->sub[i].path);
		free(b->sub[i].place);
	}
	if (!b)
		return;
	free(b->sub);
	free(b->chunk);
	hm_bytes_release(&b->plain);
}

const struct volume_form volume_btrfs = { .name = "btrfs", .open = btrfs_open, .close = btrfs_close, .node = btrfs_node, .list = btrfs_list, .map = btrfs_map,
					  .fetch = btrfs_fetch, .root = btrfs_root };
