/* Subvolumes and snapshots of btrfs. Each is walked once, as what it is in a running system: by the place that an fstab gives it, else by where it hangs, without
 * the @ that such names have by custom. What looks like the root of a system is one. Read-only snapshots are told apart, and only what differs in them. */
#include "btrfs.h"

#include <stdlib.h>

#define SUBS_MAX 10000u
#define TOP 5u
#define FIRST_INODE 256u
#define LEVELS 64

static struct btrfs_sub *sub_of(struct btrfs *b, uint64_t id)
{
	for (size_t i = 0; i < b->subs; i++)
		if (b->sub[i].id == id)
			return &b->sub[i];
	return NULL;
}

const struct btrfs_sub *btrfs_sub_of(const struct btrfs *b, uint64_t id)
{
	for (size_t i = 0; i < b->subs; i++)
		if (b->sub[i].id == id)
			return &b->sub[i];
	return NULL;
}

static bool is_sub(uint64_t id)
{
	return id == TOP || (id >= FIRST_INODE && id < (uint64_t)-256);
}

static int add(struct btrfs *b, uint64_t id, struct hm_slice item, struct hm_fail *fail)
{
	struct btrfs_sub *s;

	if (item.len < 239)
		return hm_fail_set(fail, HM_E_BAD, "one of its roots is damaged");
	if (volume_le(item.data + 216, 4) == 0) /* deleted, and not yet taken away */
		return 0;
	if (b->subs == SUBS_MAX)
		return hm_fail_set(fail, HM_E_BAD, "it has more than %u subvolumes", SUBS_MAX);
	s = sub_of(b, id);
	if (!s) {
		b->sub = hm_realloc(b->sub, b->subs + 1, sizeof(*b->sub));
		s = &b->sub[b->subs++];
		*s = (struct btrfs_sub){ .id = id };
	}
	s->tree = (struct btrfs_tree){ volume_le(item.data + 176, 8), item.data[238] };
	s->frozen = volume_le(item.data + 208, 8) & 1;
	if (item.len >= 279) {
		memcpy(s->uuid, item.data + 247, 16);
		memcpy(s->of, item.data + 263, 16);
	}
	return 0;
}

static int on_root(void *cookie, const struct btrfs_key *key, struct hm_slice item, struct hm_fail *fail)
{
	struct btrfs *b = cookie;
	struct btrfs_sub *s;

	if (key->type == BTRFS_ROOT && is_sub(key->object))
		return add(b, key->object, item, fail);
	s = key->type == BTRFS_ROOT_BACK ? sub_of(b, key->object) : NULL;
	if (s && !s->name && item.len >= 18 && volume_le(item.data + 16, 2) <= item.len - 18) {
		s->parent = key->offset;
		s->folder = volume_le(item.data, 8);
		s->name = hm_slice_dup((struct hm_slice){ item.data + 18, (size_t)volume_le(item.data + 16, 2) });
	}
	return 0;
}

static int on_default(void *cookie, const struct btrfs_key *key HM_UNUSED, struct hm_slice item, struct hm_fail *fail HM_UNUSED)
{
	struct btrfs *b = cookie;

	if (item.len >= 37 && volume_le(item.data + 27, 2) == 7 && memcmp(item.data + 30, "default", 7) == 0)
		b->home = volume_le(item.data, 8);
	return 0;
}

struct above {
	uint64_t folder;
	char *name;
};

static int on_ref(void *cookie, const struct btrfs_key *key, struct hm_slice item, struct hm_fail *fail HM_UNUSED)
{
	struct above *a = cookie;

	if (item.len < 10 || volume_le(item.data + 8, 2) > item.len - 10)
		return 0;
	a->folder = key->offset;
	a->name = hm_slice_dup((struct hm_slice){ item.data + 10, (size_t)volume_le(item.data + 8, 2) });
	return 1;
}

/* The path of a folder below its tree's root; "" for that. */
static char *folder_path(struct hm_volume *v, const struct btrfs_sub *s, uint64_t folder)
{
	char *path = hm_strdup("");

	for (unsigned i = 0; i < LEVELS && folder != FIRST_INODE; i++) {
		struct above a = { 0, NULL };
		char *longer;

		if (btrfs_search(v, s->tree, (struct btrfs_key){ folder, BTRFS_INODE_REF, 0 }, (struct btrfs_key){ folder, BTRFS_INODE_REF, UINT64_MAX }, on_ref, &a, NULL) != 1)
			break;
		longer = hm_sprintf("/%s%s", a.name, path);
		free(path);
		free(a.name);
		path = longer;
		folder = a.folder;
	}
	return path;
}

static void set_path(struct hm_volume *v, struct btrfs_sub *s, unsigned level)
{
	struct btrfs *b = v->state;
	struct btrfs_sub *parent = s->parent ? sub_of(b, s->parent) : NULL;
	HM_FREE char *folder = NULL;

	if (s->path)
		return;
	if (!parent || level > LEVELS) {
		s->path = hm_sprintf("%s%s", s->id == TOP ? "" : "/", s->id == TOP ? "" : s->name ? s->name : "?");
		return;
	}
	set_path(v, parent, level + 1);
	folder = folder_path(v, parent, s->folder);
	s->path = hm_sprintf("%s%s/%s", parent->path, folder, s->name);
}

static int is_mark(void *cookie, struct hm_slice name, uint64_t tree HM_UNUSED, uint64_t number HM_UNUSED, struct hm_fail *fail HM_UNUSED)
{
	static const char *const marks[] = { "etc", "usr", "Windows" };

	for (unsigned i = 0; i < HM_COUNT(marks); i++)
		if (hm_slice_eq(name, hm_slice_text(marks[i])))
			*(unsigned *)cookie |= i == 2 ? 3 : 1u << i;
	return 0;
}

static bool is_system(struct hm_volume *v, const struct btrfs_sub *s)
{
	HM_CLEANUP(volume_node_release) struct volume_node n = { .tree = s->id, .number = FIRST_INODE };
	unsigned marks = 0;

	return btrfs_node(v, &n, NULL) == 0 && n.type == HM_VOLUME_FOLDER && btrfs_list(v, &n, is_mark, &marks, NULL) == 0 && marks == 3;
}

/* The place that a line of an fstab gives to subvol=PATH. */
static bool fstab_line(const char *line, const char *path, char *place, size_t size)
{
	char device[256], where[256], kind[32], options[512], *at, *end;

	if (sscanf(line, "%255s %255s %31s %511s", device, where, kind, options) != 4 || strcmp(kind, "btrfs") != 0 || where[0] != '/')
		return false;
	at = strstr(options, "subvol=");
	if (!at)
		return false;
	at += 7;
	end = at + strcspn(at, ",");
	*end = 0;
	at += *at == '/';
	if (strcmp(at, path + (*path == '/')) != 0)
		return false;
	snprintf(place, size, "%s", where);
	return true;
}

static void by_fstab(struct hm_volume *v, const struct btrfs_sub *system)
{
	struct btrfs *b = v->state;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	uint64_t before = v->tree;
	char *line, *rest;

	v->tree = system->id;
	if (hm_volume_other(v, "etc/fstab", 1 << 20, &text, NULL) != 0)
		text.len = 0;
	v->tree = before;
	hm_bytes_u8(&text, 0);
	rest = (char *)text.data;
	while ((line = strsep(&rest, "\n")))
		for (size_t i = 0; *line != '#' && i < b->subs; i++) {
			char place[256];

			if (!b->sub[i].place && fstab_line(line, b->sub[i].path, place, sizeof(place)))
				b->sub[i].place = hm_strdup(strcmp(place, "/") == 0 ? "" : place);
		}
}

/* Without the @ of custom, and without what leads to the system that it hangs in. */
static char *by_custom(struct btrfs *b, const struct btrfs_sub *s)
{
	const struct btrfs_sub *parent = s->parent ? sub_of(b, s->parent) : NULL;
	const char *rest = s->path;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };

	if (parent && parent->id != TOP && parent->place && strncmp(s->path, parent->path, strlen(parent->path)) == 0) {
		hm_bytes_text(&out, parent->place);
		rest += strlen(parent->path);
	}
	while (*rest) {
		size_t len = strcspn(rest + 1, "/"), skip = rest[1] == '@' ? 2 : 1;

		if (len + 1 > skip) {
			hm_bytes_u8(&out, '/');
			hm_bytes_append(&out, rest + skip, len + 1 - skip);
		}
		rest += len + 1;
	}
	return hm_slice_dup(hm_slice_of(&out));
}

static void set_places(struct hm_volume *v)
{
	struct btrfs *b = v->state;

	for (size_t i = 0; i < b->subs; i++)
		set_path(v, &b->sub[i], 0);
	for (size_t i = 0; i < b->subs; i++)
		if (b->sub[i].id == b->home || b->sub[i].id == TOP || is_system(v, &b->sub[i]))
			b->sub[i].place = hm_strdup("");
	for (size_t i = 0; i < b->subs; i++)
		if (b->sub[i].place && (!b->sub[i].frozen || b->sub[i].id == b->home))
			by_fstab(v, &b->sub[i]);
	for (unsigned round = 0; round < 4; round++) /* what hangs in another may be before it */
		for (size_t i = 0; i < b->subs; i++)
			if (!b->sub[i].place && (round == 3 || (sub_of(b, b->sub[i].parent) && sub_of(b, b->sub[i].parent)->place)))
				b->sub[i].place = by_custom(b, &b->sub[i]);
}

static bool is_snapshot(const struct btrfs *b, const struct btrfs_sub *s)
{
	static const uint8_t none[16];

	return s->frozen && s->id != b->home && memcmp(s->of, none, 16) != 0;
}

static int in_order(const void *va, const void *vb)
{
	const struct btrfs_sub *a = va, *b = vb;

	return a->id < b->id ? -1 : a->id > b->id;
}

int btrfs_subs(struct hm_volume *v, struct hm_fail *fail)
{
	struct btrfs *b = v->state;
	const struct btrfs_key low = { 0, 0, 0 }, high = { UINT64_MAX, UINT8_MAX, UINT64_MAX };
	int r;

	b->home = TOP;
	r = btrfs_search(v, b->roots, (struct btrfs_key){ 6, BTRFS_DIR_ITEM, 0 }, (struct btrfs_key){ 6, BTRFS_DIR_ITEM, UINT64_MAX }, on_default, b, fail);
	if (r == 0)
		r = btrfs_search(v, b->roots, low, high, on_root, b, fail);
	if (r != 0)
		return r;
	if (!sub_of(b, b->home))
		b->home = TOP;
	if (!sub_of(b, TOP))
		return hm_fail_set(fail, HM_E_BAD, "it has no tree of files");
	qsort(b->sub, b->subs, sizeof(*b->sub), in_order);
	set_places(v);
	return 0;
}

/* The live tree that shares its past with a snapshot. 0: there is none. */
static uint64_t origin_of(const struct btrfs *b, const struct btrfs_sub *s)
{
	for (size_t i = 0; i < b->subs; i++) {
		const struct btrfs_sub *o = &b->sub[i];

		if (o != s && !is_snapshot(b, o) && (memcmp(o->uuid, s->of, 16) == 0 || memcmp(o->of, s->uuid, 16) == 0 || memcmp(o->of, s->of, 16) == 0))
			return o->id;
	}
	return 0;
}

/* The default subvolume, the others, then snapshots. */
int btrfs_root(struct hm_volume *v, unsigned i, struct volume_root *root, struct hm_fail *fail HM_UNUSED)
{
	const struct btrfs *b = v->state;
	const struct btrfs_sub *s = NULL;
	size_t n = 0;

	for (unsigned pass = 0; pass < 3 && !s; pass++)
		for (size_t j = 0; j < b->subs && !s; j++) {
			const struct btrfs_sub *sub = &b->sub[j];
			unsigned when = sub->id == b->home ? 0 : is_snapshot(b, sub) ? 2 : 1;

			if (when == pass && n++ == i)
				s = sub;
		}
	if (!s)
		return 1;
	*root = (struct volume_root){ .tree = s->id, .number = FIRST_INODE, .path = hm_strdup(s->place) };
	if (is_snapshot(b, s)) {
		root->outer = hm_sprintf("snapshot %s", s->path + (*s->path == '/'));
		root->origin = origin_of(b, s);
	}
	return 0;
}
