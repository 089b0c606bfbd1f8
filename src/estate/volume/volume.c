/* What all forms share: the walk, reading through extents, a path. */
#include "volume_internal.h"

#include <stdlib.h>

#define DEEPEST 200
#define PATH_MOST 8192

/* Inodes that were met and may be met again: those with several names, and folders. Open addressing; 0 is no member. */
struct seen {
	uint64_t *slot;
	size_t count, cap;
};

struct walk {
	struct hm_volume *v;
	hm_volume_fn each;
	void *cookie;
	const struct volume_root *root; /* that is walked */
	struct hm_bytes path; /* NUL-terminated */
	unsigned level;
	uint64_t met;
	bool failed; /* something was told as unread */
	struct seen seen;
};

static const struct volume_form *const forms[] = { &volume_btrfs, &volume_erofs, &volume_ext, &volume_xfs };

enum hm_volume_type volume_type_of(unsigned mode)
{
	switch (mode & 0170000) {
	case 0100000:
		return HM_VOLUME_FILE;
	case 0040000:
		return HM_VOLUME_FOLDER;
	case 0120000:
		return HM_VOLUME_LINK;
	default:
		return HM_VOLUME_OTHER;
	}
}

int volume_at(struct hm_volume *v, uint64_t at, void *to, size_t len, struct hm_fail *fail)
{
	for (size_t have = 0; have < len;) {
		ssize_t got = at + have >= at && at + have < v->from.size ? v->from.read(v->from.cookie, at + have, (uint8_t *)to + have, len - have) : 0;

		if (got <= 0)
			return hm_fail_set(fail, HM_E_BAD, "%s at byte %llu of the file system", got < 0 ? "it cannot be read" : "it ends", (unsigned long long)at);
		have += (size_t)got;
	}
	return 0;
}

struct volume_extent *volume_extent(struct volume_node *n)
{
	struct volume_extent *e;

	if (n->extents >= VOLUME_EXTENTS_MAX)
		return NULL;
	if ((n->extents & (n->extents - 1)) == 0)
		n->extent = hm_realloc(n->extent, n->extents ? n->extents * 2 : 1, sizeof(*n->extent));
	e = &n->extent[n->extents++];
	memset(e, 0, sizeof(*e));
	return e;
}

void volume_node_release(struct volume_node *n)
{
	for (size_t i = 0; i < n->extents; i++)
		free(n->extent[i].inlined);
	free(n->extent);
	hm_bytes_release(&n->raw);
	*n = (struct volume_node){ 0 };
}

int volume_map(struct hm_volume *v, struct volume_node *n, struct hm_fail *fail)
{
	int r = n->mapped ? 0 : v->form->map(v, n, fail);

	for (size_t i = 1; r == 0 && !n->mapped && i < n->extents; i++)
		if (n->extent[i].logical < n->extent[i - 1].logical + n->extent[i - 1].length)
			r = hm_fail_set(fail, HM_E_BAD, "its extents are in no order");
	n->mapped = r == 0;
	return r;
}

/* The first extent that ends behind `at`. */
static size_t behind(const struct volume_node *n, uint64_t at)
{
	size_t low = 0, high = n->extents;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (n->extent[middle].logical + n->extent[middle].length <= at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

ssize_t volume_read(struct hm_volume *v, const struct volume_node *n, uint64_t size, uint64_t at, void *to, size_t len)
{
	size_t i = behind(n, at);
	const struct volume_extent *e = i < n->extents ? &n->extent[i] : NULL;
	uint64_t left;

	if (at >= size)
		return 0;
	len = len < size - at ? len : (size_t)(size - at);
	left = !e ? len : at < e->logical ? e->logical - at : e->length - (at - e->logical);
	len = len < left ? len : (size_t)left;
	if (!e || at < e->logical || e->zero) {
		memset(to, 0, len);
		return (ssize_t)len;
	}
	at -= e->logical;
	if (!e->inlined || e->how)
		return v->form->fetch(v, e, at, to, len);
	if (at + len > e->packed)
		return -1;
	memcpy(to, e->inlined + at, len);
	return (ssize_t)len;
}

ssize_t hm_volume_read(struct hm_volume *v, uint64_t at, void *to, size_t len)
{
	if (!v->at || volume_map(v, v->at, NULL) != 0)
		return -1;
	return volume_read(v, v->at, v->at->size, at, to, len);
}

int hm_volume_open(struct hm_volume **ret, const char *kind, const struct hm_volume_from *from, struct hm_fail *fail)
{
	HM_CLEANUP(hm_volume_cleanup) struct hm_volume *v = hm_alloc(1, sizeof(*v));
	int r = 0;

	v->from = *from;
	v->inodes = VOLUME_UNKNOWN;
	for (size_t i = 0; i < HM_COUNT(forms) && !v->form; i++)
		if (strcmp(forms[i]->name, kind) == 0)
			v->form = forms[i];
	r = v->form ? v->form->open(v, fail) : hm_fail_set(fail, HM_E_UNKNOWN, "no file system called %s", kind);
	if (r == 0)
		*ret = hm_take_ptr(&v);
	return r;
}

void hm_volume_close(struct hm_volume *v)
{
	if (!v)
		return;
	if (v->form && v->form->close)
		v->form->close(v);
	free(v->partial);
	free(v->state);
	free(v);
}

void hm_volume_cleanup(struct hm_volume **v)
{
	hm_volume_close(*v);
}

static uint64_t mixed(uint64_t x)
{
	x = (x ^ (x >> 31)) * 0x9e3779b97f4a7c15u;
	return (x ^ (x >> 29)) | 1;
}

static uint64_t key_of(const struct volume_node *n)
{
	return mixed(n->number ^ (n->tree << 40 | n->tree >> 24));
}

/* Whether it is new. */
static bool first_seen(struct seen *s, uint64_t key)
{
	if (s->count * 2 >= s->cap) {
		struct seen more = { hm_alloc(s->cap ? s->cap * 2 : 1024, sizeof(*s->slot)), 0, s->cap ? s->cap * 2 : 1024 };

		for (size_t i = 0; i < s->cap; i++)
			if (s->slot[i])
				(void)first_seen(&more, s->slot[i]);
		free(s->slot);
		*s = more;
	}
	for (size_t i = mixed(key); key; i++) {
		uint64_t *slot = &s->slot[i & (s->cap - 1)];

		if (*slot == key)
			return false;
		if (*slot == 0) {
			*slot = key;
			s->count++;
			return true;
		}
	}
	return false;
}

static const char *path_of(const struct walk *w)
{
	return w->path.len > 1 ? (const char *)w->path.data : "/";
}

static int tell(struct walk *w, struct volume_node *n, struct hm_fail *fail)
{
	const struct hm_volume_entry e = { .type = n->type, .path = path_of(w), .outer = w->root->outer, .size = n->size, .mode = n->mode };
	struct volume_node *before = w->v->at;
	int r;

	w->v->at = n;
	r = w->each(w->cookie, w->v, &e, fail);
	w->v->at = before;
	return r;
}

static int unread(struct walk *w, const char *why, struct hm_fail *fail)
{
	const struct hm_volume_entry e = { .type = HM_VOLUME_UNREAD, .path = path_of(w), .outer = w->root->outer, .why = why };

	w->failed = true;
	return w->each(w->cookie, w->v, &e, fail);
}

static int enter(struct walk *w, struct volume_node *n, struct hm_fail *fail);

/* The same file, or folder with perhaps other names in it, in the tree that a snapshot was taken of. */
static bool is_told(struct walk *w, const struct volume_node *n)
{
	struct volume_node other = { .tree = w->root->origin, .number = n->number };
	struct hm_fail why;
	bool same = w->root->origin && w->v->form->node(w->v, &other, &why) == 0 && other.type == n->type && other.stamp[0] == n->stamp[0] &&
		    (n->type == HM_VOLUME_FOLDER || (other.size == n->size && other.stamp[1] == n->stamp[1]));

	volume_node_release(&other);
	return same;
}

static int one(struct walk *w, struct volume_node *n, struct hm_fail *fail)
{
	struct hm_fail why = { 0 };
	bool again;
	int r = w->v->form->node(w->v, n, &why);

	if (r != 0)
		return unread(w, why.text, fail);
	again = (n->links > 1 || n->type == HM_VOLUME_FOLDER) && !first_seen(&w->seen, key_of(n));
	w->met += !again;
	r = is_told(w, n) ? 0 : tell(w, n, fail);
	if (r != 0 || n->type != HM_VOLUME_FOLDER)
		return r;
	if (again)
		return unread(w, "a folder that was met before", fail);
	return w->level < DEEPEST ? enter(w, n, fail) : unread(w, "deeper than 200 folders", fail);
}

static int named(void *cookie, struct hm_slice name, uint64_t tree, uint64_t number, struct hm_fail *fail)
{
	struct walk *w = cookie;
	HM_CLEANUP(volume_node_release) struct volume_node n = { .tree = tree, .number = number };
	size_t len = w->path.len - 1;
	int r;

	if (len + name.len + 2 > PATH_MOST)
		return unread(w, "a path that is too long", fail);
	w->path.len = len;
	hm_bytes_u8(&w->path, '/');
	hm_bytes_slice(&w->path, name);
	hm_bytes_u8(&w->path, 0);
	if (name.len == 0 || memchr(name.data, 0, name.len) || memchr(name.data, '/', name.len))
		r = unread(w, "a name that no file has", fail);
	else
		r = one(w, &n, fail);
	w->path.len = len;
	hm_bytes_u8(&w->path, 0);
	return r;
}

static int enter(struct walk *w, struct volume_node *n, struct hm_fail *fail)
{
	struct hm_fail why = { 0 };
	int r;

	w->level++;
	r = w->v->form->list(w->v, n, named, w, &why);
	w->level--;
	if (r == HM_E_BAD && why.code)
		return unread(w, why.text, fail);
	if (r != 0 && why.code)
		*fail = why;
	return r;
}

static int walk_root(struct walk *w, struct hm_fail *fail)
{
	HM_CLEANUP(volume_node_release) struct volume_node n = { .tree = w->root->tree, .number = w->root->number };
	struct hm_fail why = { 0 };
	int r;

	w->path.len = 0;
	hm_bytes_text(&w->path, w->root->path ? w->root->path : "");
	hm_bytes_u8(&w->path, 0);
	w->v->tree = w->root->tree;
	r = w->v->form->node(w->v, &n, &why);
	if (r == 0 && n.type != HM_VOLUME_FOLDER)
		r = hm_fail_set(&why, HM_E_BAD, "its root is no folder");
	if (r != 0)
		return unread(w, why.text, fail);
	w->met += first_seen(&w->seen, key_of(&n));
	return enter(w, &n, fail);
}

static int walk_roots(struct walk *w, struct hm_fail *fail)
{
	const struct volume_form *form = w->v->form;
	int r = 0, got = 0;

	for (unsigned i = 0; r == 0 && got == 0 && (form->root || i == 0); i++) {
		struct volume_root root = { .number = w->v->root_number };
		struct hm_fail why = { 0 };

		w->root = &root;
		got = form->root ? form->root(w->v, i, &root, &why) : 0;
		if (got == 0)
			r = walk_root(w, fail);
		else if (got < 0)
			r = unread(w, why.text, fail);
		free(root.path);
		free(root.outer);
		w->root = NULL;
	}
	return r;
}

static int sum_up(struct walk *w, struct hm_fail *fail)
{
	const struct volume_root nothing = { 0 };
	HM_FREE char *why = NULL;
	int r = 0;

	w->root = &nothing;
	w->path.len = 0;
	hm_bytes_u8(&w->path, 0);
	if (w->v->partial)
		r = unread(w, w->v->partial, fail);
	if (r == 0 && !w->failed && w->v->inodes != VOLUME_UNKNOWN && w->met < w->v->inodes) {
		why = hm_sprintf("%llu of the %llu inodes that it says are in use were met", (unsigned long long)w->met, (unsigned long long)w->v->inodes);
		r = unread(w, why, fail);
	}
	return r;
}

int hm_volume_walk(struct hm_volume *v, hm_volume_fn each, void *cookie, struct hm_fail *fail)
{
	struct walk w = { .v = v, .each = each, .cookie = cookie };
	int r = walk_roots(&w, fail);

	if (r == 0)
		r = sum_up(&w, fail);
	hm_bytes_release(&w.path);
	free(w.seen.slot);
	return r;
}

struct sought {
	struct hm_slice name;
	uint64_t tree, number;
};

static int is_it(void *cookie, struct hm_slice name, uint64_t tree, uint64_t number, struct hm_fail *fail HM_UNUSED)
{
	struct sought *s = cookie;

	if (!hm_slice_eq(name, s->name))
		return 0;
	s->tree = tree;
	s->number = number;
	return 1;
}

/* One step down: 0 with the child in its place, 1 when there is none. */
static int step(struct hm_volume *v, struct volume_node *n, struct hm_slice name, struct hm_fail *fail)
{
	struct sought s = { .name = name };
	int r = n->type == HM_VOLUME_FOLDER ? v->form->list(v, n, is_it, &s, fail) : 0;

	volume_node_release(n);
	if (r <= 0)
		return r < 0 ? r : 1;
	*n = (struct volume_node){ .tree = s.tree, .number = s.number };
	return v->form->node(v, n, fail);
}

static int find(struct hm_volume *v, struct volume_node *n, const char *path, struct hm_fail *fail)
{
	struct volume_root root = { .number = v->root_number };
	int r = v->form->root ? v->form->root(v, 0, &root, fail) : 0;

	free(root.path);
	free(root.outer);
	*n = (struct volume_node){ .tree = v->tree ? v->tree : root.tree, .number = root.number };
	if (r == 0)
		r = v->form->node(v, n, fail);
	while (r == 0 && *path) {
		size_t len = strcspn(path, "/");

		if (len)
			r = step(v, n, (struct hm_slice){ (const uint8_t *)path, len }, fail);
		path += len + (path[len] == '/');
	}
	return r;
}

int hm_volume_other(struct hm_volume *v, const char *path, size_t max, struct hm_bytes *out, struct hm_fail *fail)
{
	HM_CLEANUP(volume_node_release) struct volume_node n = { 0 };
	ssize_t got = 0;
	int r = find(v, &n, path, fail);

	if (r != 0 || n.type != HM_VOLUME_FILE)
		return r < 0 ? r : 1;
	if (n.size > max)
		return hm_fail_set(fail, HM_E_BAD, "%s has more than %zu bytes", path, max);
	r = volume_map(v, &n, fail);
	for (uint64_t at = 0; r == 0 && (got = volume_read(v, &n, n.size, at, hm_bytes_reserve(out, 1 << 16), 1 << 16)) > 0; at += (uint64_t)got)
		out->len += (size_t)got;
	return got < 0 ? hm_fail_set(fail, HM_E_BAD, "%s cannot be read", path) : r;
}
