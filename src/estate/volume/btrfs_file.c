/* Files and folders of btrfs. */
#include "btrfs.h"

#include <stdlib.h>

#define PACKED_MAX ((size_t)1 << 20) /* the kernel writes no more than 128 KiB of compressed bytes, and of what they become */

static int tree_of(struct hm_volume *v, uint64_t id, struct btrfs_tree *tree, struct hm_fail *fail)
{
	const struct btrfs_sub *sub = btrfs_sub_of(v->state, id);

	if (!sub)
		return hm_fail_set(fail, HM_E_BAD, "it has no tree %llu", (unsigned long long)id);
	*tree = sub->tree;
	return 0;
}

static int on_inode(void *cookie, const struct btrfs_key *key HM_UNUSED, struct hm_slice item, struct hm_fail *fail)
{
	struct volume_node *n = cookie;

	if (item.len < 160)
		return hm_fail_set(fail, HM_E_BAD, "its inode is damaged");
	n->stamp[0] = volume_le(item.data, 8);
	n->stamp[1] = volume_le(item.data + 8, 8);
	n->size = volume_le(item.data + 16, 8);
	n->links = (uint32_t)volume_le(item.data + 40, 4);
	n->mode = (unsigned)volume_le(item.data + 52, 4) & 07777;
	n->type = volume_type_of((unsigned)volume_le(item.data + 52, 4));
	return n->size >> 63 ? hm_fail_set(fail, HM_E_BAD, "its inode has an impossible size") : 1;
}

int btrfs_node(struct hm_volume *v, struct volume_node *n, struct hm_fail *fail)
{
	const struct btrfs_key key = { n->number, BTRFS_INODE, 0 };
	struct btrfs_tree tree;
	int r = tree_of(v, n->tree, &tree, fail);

	if (r == 0)
		r = btrfs_search(v, tree, key, key, on_inode, n, fail);
	return r == 0 ? hm_fail_set(fail, HM_E_BAD, "its inode %llu is not there", (unsigned long long)n->number) : r == 1 ? 0 : r;
}

struct listing {
	uint64_t tree, letters;
	volume_name_fn each;
	void *cookie;
};

static int on_name(void *cookie, const struct btrfs_key *key HM_UNUSED, struct hm_slice item, struct hm_fail *fail)
{
	struct listing *l = cookie;
	struct hm_cursor c = hm_cursor_of(item);
	uint64_t number = hm_cursor_le(&c, 8), data, len;
	uint8_t type = hm_cursor_u8(&c);
	struct hm_slice name;

	(void)hm_cursor_bytes(&c, 16); /* the key's offset, when */
	data = hm_cursor_le(&c, 2);
	len = hm_cursor_le(&c, 2);
	(void)hm_cursor_u8(&c);
	name = hm_cursor_bytes(&c, (size_t)len);
	if (c.bad || data > hm_cursor_left(&c))
		return hm_fail_set(fail, HM_E_BAD, "an entry of the folder is damaged");
	l->letters += len;
	if (type == BTRFS_ROOT) /* a subvolume: walked by itself */
		return 0;
	return type == BTRFS_INODE ? l->each(l->cookie, name, l->tree, number, fail) : hm_fail_set(fail, HM_E_BAD, "an entry of the folder is damaged");
}

/* A folder's size is twice the letters of all names in it: by that is seen whether all were. */
int btrfs_list(struct hm_volume *v, struct volume_node *folder, volume_name_fn each, void *cookie, struct hm_fail *fail)
{
	struct listing l = { folder->tree, 0, each, cookie };
	struct btrfs_tree tree;
	int r = tree_of(v, folder->tree, &tree, fail);

	if (r == 0)
		r = btrfs_search(v, tree, (struct btrfs_key){ folder->number, BTRFS_DIR_INDEX, 0 }, (struct btrfs_key){ folder->number, BTRFS_DIR_INDEX, UINT64_MAX }, on_name, &l, fail);
	if (r == 0 && l.letters * 2 != folder->size)
		r = hm_fail_set(fail, HM_E_BAD, "the folder has names of %llu letters, and says that there are %llu", (unsigned long long)l.letters, (unsigned long long)folder->size / 2);
	return r;
}

struct mapping {
	const struct btrfs *b;
	struct volume_node *n;
};

static int inlined(struct volume_extent *e, struct hm_slice item, struct hm_fail *fail)
{
	e->length = e->unpacked = volume_le(item.data + 8, 8);
	e->packed = item.len - 21;
	e->inlined = (uint8_t *)hm_slice_dup((struct hm_slice){ item.data + 21, item.len - 21 });
	return e->unpacked == 0 || e->unpacked > PACKED_MAX || (!e->how && e->packed < e->unpacked) ? hm_fail_set(fail, HM_E_BAD, "its bytes are damaged") : 0;
}

static int on_extent(void *cookie, const struct btrfs_key *key, struct hm_slice item, struct hm_fail *fail)
{
	struct mapping *m = cookie;
	struct volume_extent *e;

	if (item.len < 21 || volume_le(item.data + 17, 3) != 0 || item.data[16] > 3 || item.data[20] > 2 || (item.data[20] && item.len < 53))
		return hm_fail_set(fail, HM_E_BAD, "an extent of it is damaged, or in a form that is not known");
	if (item.data[20] && volume_le(item.data + 21, 8) == 0) /* a hole */
		return 0;
	e = volume_extent(m->n);
	if (!e)
		return hm_fail_set(fail, HM_E_BAD, "it has more than %zu extents", VOLUME_EXTENTS_MAX);
	e->logical = key->offset;
	e->how = item.data[16];
	if (item.data[20] == 0)
		return inlined(e, item, fail);
	e->zero = item.data[20] == 2;
	e->physical = volume_le(item.data + 21, 8);
	e->packed = volume_le(item.data + 29, 8);
	e->skip = volume_le(item.data + 37, 8);
	e->length = volume_le(item.data + 45, 8);
	e->unpacked = volume_le(item.data + 8, 8);
	if (e->length == 0 || e->logical + e->length < e->logical || e->skip + e->length < e->skip ||
	    (e->how && (e->packed > PACKED_MAX || e->unpacked > PACKED_MAX || e->skip + e->length > e->unpacked)))
		return hm_fail_set(fail, HM_E_BAD, "an extent of it is damaged");
	return 0;
}

int btrfs_map(struct hm_volume *v, struct volume_node *n, struct hm_fail *fail)
{
	struct mapping m = { v->state, n };
	struct btrfs_tree tree;
	int r = tree_of(v, n->tree, &tree, fail);

	if (r == 0)
		r = btrfs_search(v, tree, (struct btrfs_key){ n->number, BTRFS_EXTENT, 0 }, (struct btrfs_key){ n->number, BTRFS_EXTENT, UINT64_MAX }, on_extent, &m, fail);
	return r;
}

/* The plain bytes of a compressed extent, kept until another one is asked for. */
static bool open_extent(struct hm_volume *v, const struct volume_extent *e)
{
	struct btrfs *b = v->state;
	HM_FREE uint8_t *packed = NULL;

	if (!e->inlined && b->opened == e->physical && b->plain.len)
		return true;
	b->plain.len = 0;
	b->opened = e->inlined ? 0 : e->physical;
	if (e->inlined)
		return btrfs_unpack(e->how, (struct hm_slice){ e->inlined, (size_t)e->packed }, (size_t)e->unpacked, b->sector, &b->plain);
	packed = hm_alloc(1, (size_t)e->packed + 1);
	for (size_t have = 0; have < e->packed;) {
		ssize_t got = btrfs_logical(v, e->physical + have, packed + have, (size_t)e->packed - have, 0);

		if (got <= 0)
			return false;
		have += (size_t)got;
	}
	return btrfs_unpack(e->how, (struct hm_slice){ packed, (size_t)e->packed }, (size_t)e->unpacked, b->sector, &b->plain);
}

ssize_t btrfs_fetch(struct hm_volume *v, const struct volume_extent *e, uint64_t at, void *to, size_t len)
{
	const struct btrfs *b = v->state;
	uint64_t from = e->skip + at;

	if (!e->how)
		return btrfs_logical(v, e->physical + from, to, len, 0);
	if (!open_extent(v, e))
		return -1;
	if (from < b->plain.len) {
		len = len < b->plain.len - from ? len : (size_t)(b->plain.len - from);
		memcpy(to, b->plain.data + from, len);
	} else {
		memset(to, 0, len); /* what was compressed was shorter than its last block */
	}
	return (ssize_t)len;
}
