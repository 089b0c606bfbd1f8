/* Container images: an OCI layout (a folder or a tar) or what `docker save` writes. Layers are read from the top down, so that each entry is met first as it
 * is in the finished root; what an upper layer deletes (.wh.NAME, .wh..wh..opq) or replaces is told as hidden, since it is still in the image for whoever
 * unpacks it. Of paths only 64 bits of a hash are kept. */
#include "target_internal.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define JSON_MAX ((size_t)8 << 20)
#define LAYERS_MAX 1024
#define MEMBERS_MAX 100000

/* A set of 64-bit hashes, open addressing; 0 is never a member. */
struct hashes {
	uint64_t *slot;
	size_t count, cap;
};

static bool hashes_has(const struct hashes *h, uint64_t key)
{
	for (size_t i = key; h->cap; i++) {
		uint64_t at = h->slot[i & (h->cap - 1)];

		if (at == key || at == 0)
			return at == key;
	}
	return false;
}

static void hashes_put(struct hashes *h, uint64_t key)
{
	size_t i = key;

	if (hashes_has(h, key))
		return;
	if (h->count * 2 >= h->cap) {
		struct hashes bigger = { hm_alloc(h->cap ? h->cap * 2 : 1024, sizeof(uint64_t)), 0, h->cap ? h->cap * 2 : 1024 };

		for (size_t j = 0; j < h->cap; j++)
			if (h->slot[j])
				hashes_put(&bigger, h->slot[j]);
		free(h->slot);
		*h = bigger;
	}
	while (h->slot[i & (h->cap - 1)])
		i++;
	h->slot[i & (h->cap - 1)] = key;
	h->count++;
}

static uint64_t hash(const char *text, size_t len, char tag)
{
	uint64_t h = 0xcbf29ce484222325u ^ (uint8_t)tag;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (uint8_t)text[i]) * 0x100000001b3u;
	h ^= h >> 29;
	h *= 0xbf58476d1ce4e5b9u;
	return (h ^ (h >> 32)) | 1;
}

enum { TOLD = 't', GONE = 'g', EMPTIED = 'e' }; /* a path that an upper layer has; hides, with all below; hides all below */

struct view {
	struct hm_target *t;
	struct hashes above, here; /* of upper layers; of this one, which hides nothing of itself */
	const char *layer;	   /* what hidden entries are called to be in */
};

static void view_release(struct view *v)
{
	free(v->above.slot);
	free(v->here.slot);
}

static void layer_over(struct view *v)
{
	for (size_t i = 0; i < v->here.cap; i++)
		if (v->here.slot[i])
			hashes_put(&v->above, v->here.slot[i]);
	free(v->here.slot);
	v->here = (struct hashes){ 0 };
}

static bool is_hidden(const struct view *v, const char *path, bool folder)
{
	size_t len = strlen(path);

	for (size_t i = 1; i <= len; i++) {
		if (i < len && path[i] != '/')
			continue;
		if (hashes_has(&v->above, hash(path, i, GONE)) || (i < len && hashes_has(&v->above, hash(path, i, EMPTIED))))
			return true;
	}
	return !folder && hashes_has(&v->above, hash(path, len, TOLD));
}

static int through(void *cookie, struct hm_entry *entry)
{
	struct view *v = cookie;
	const char *slash = strrchr(entry->path, '/'), *name = slash ? slash + 1 : entry->path;
	size_t folder = slash ? (size_t)(slash - entry->path) : 0, len = strlen(entry->path);

	if (strcmp(name, ".wh..wh..opq") == 0) {
		hashes_put(&v->here, hash(entry->path, folder, EMPTIED));
		return 1;
	}
	if (strncmp(name, ".wh.", 4) == 0) {
		HM_FREE char *gone = hm_sprintf("%.*s/%s", (int)folder, entry->path, name + 4);

		hashes_put(&v->here, hash(gone, strlen(gone), GONE));
		return 1;
	}
	entry->hidden = is_hidden(v, entry->path, entry->type == HM_ENTRY_FOLDER);
	if (entry->hidden) {
		entry->outer = v->layer;
		return 0;
	}
	/* What is no folder hides a folder of that name below it. */
	if (entry->type != HM_ENTRY_FOLDER) {
		hashes_put(&v->here, hash(entry->path, len, TOLD));
		hashes_put(&v->here, hash(entry->path, len, GONE));
	}
	return 0;
}

/* Members of the image: files of a folder, or of a tar, which is read anew for each. */
struct member {
	struct archive *a;
	int fd;
};

static void member_close(struct member *m)
{
	if (m->a)
		archive_read_free(m->a);
	if (m->fd >= 0)
		close(m->fd);
}

static ssize_t pull_member(void *cookie, void *to, size_t len)
{
	struct member *m = cookie;

	return m->a ? archive_read_data(m->a, to, len) : read(m->fd, to, len);
}

static int tar_open(struct member *m, int fd)
{
	m->a = archive_read_new();
	archive_read_support_filter_all(m->a);
	archive_read_support_format_tar(m->a);
	return lseek(fd, 0, SEEK_SET) == 0 && archive_read_open_fd(m->a, fd, 1 << 18) == ARCHIVE_OK ? 0 : 1;
}

/* The next member. What lies before it is passed over within the bound of what is unpacked: libarchive alone would go on to its end. */
static bool tar_next(const struct member *m, const struct hm_target *t, struct archive_entry **e)
{
	const void *block;
	la_int64_t at, told = archive_filter_bytes(m->a, 0);
	size_t len;

	while (archive_filter_count(m->a) > 1 && archive_file_count(m->a) > 0 && archive_read_data_block(m->a, &block, &len, &at) == ARCHIVE_OK) {
		if ((uint64_t)archive_filter_bytes(m->a, 0) > t->bounds.unpacked)
			return false;
		if (t->bounds.alive && archive_filter_bytes(m->a, 0) - told > 1 << 24) {
			t->bounds.alive(t->bounds.alive_cookie);
			told = archive_filter_bytes(m->a, 0);
		}
	}
	return archive_read_next_header(m->a, e) == ARCHIVE_OK;
}

static int tar_member(struct member *m, const struct hm_target *t, const char *wanted, char **link)
{
	struct archive_entry *e;
	size_t members = 0;

	if (tar_open(m, t->fd) != 0)
		return 1;
	while (members++ < MEMBERS_MAX && tar_next(m, t, &e)) {
		HM_FREE char *path = target_path(archive_entry_pathname(e) ? archive_entry_pathname(e) : "");

		if (strcmp(path, wanted) != 0)
			continue;
		if (archive_entry_filetype(e) == AE_IFLNK && archive_entry_symlink(e))
			*link = hm_strdup(archive_entry_symlink(e));
		return 0;
	}
	return 1;
}

/* Old docker save names equal layers by links: ../ID/layer.tar. */
static char *linked(const char *from, const char *link)
{
	HM_FREE char *folder = hm_strdup(from), *joined = NULL;
	char *slash = strrchr(folder, '/');

	if (slash)
		*slash = 0;
	while (strncmp(link, "../", 3) == 0) {
		link += 3;
		if ((slash = strrchr(folder, '/')))
			*slash = 0;
	}
	joined = hm_sprintf("%s/%s", folder, link);
	return target_path(joined);
}

static int member_open(struct member *m, const struct hm_target *t, const char *name)
{
	struct open_how how = { .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
	struct stat st;

	if (fstat(t->fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		m->fd = (int)syscall(SYS_openat2, t->fd, name + (*name == '/'), &how, sizeof(how));
		return m->fd >= 0 && fstat(m->fd, &st) == 0 && S_ISREG(st.st_mode) ? 0 : 1;
	}
	for (int links = 0; links < 2; links++) {
		HM_FREE char *link = NULL, *next = NULL;
		int r = tar_member(m, t, name, &link);

		if (r != 0 || !link)
			return r;
		archive_read_free(hm_take_ptr(&m->a));
		next = linked(name, link);
		if ((r = tar_member(m, t, next, &link)) != 0 || links)
			return r;
		return 0;
	}
	return 1;
}

static json_t *document(const struct hm_target *t, const char *name)
{
	HM_CLEANUP(member_close) struct member m = { NULL, -1 };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	HM_FREE char *path = target_path(name);
	ssize_t got;

	if (member_open(&m, t, path) != 0)
		return NULL;
	while ((got = pull_member(&m, hm_bytes_reserve(&text, 65536), 65536)) > 0 && (text.len += (size_t)got) <= JSON_MAX)
		;
	return got == 0 ? json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, NULL) : NULL;
}

static bool is_mark(const struct member *m, struct archive_entry *e)
{
	HM_FREE char *path = target_path(archive_entry_pathname(e) ? archive_entry_pathname(e) : "");
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	uint8_t *begins;
	ssize_t got;

	if ((strcmp(path, "/oci-layout") != 0 && strcmp(path, "/manifest.json") != 0) || archive_entry_filetype(e) != AE_IFREG)
		return false;
	begins = hm_bytes_reserve(&text, 65536);
	got = archive_read_data(m->a, begins, 65536);
	return got > 0 && (memmem(begins, (size_t)got, "\"Layers\"", 8) || memmem(begins, (size_t)got, "imageLayoutVersion", 18));
}

bool target_is_container(const struct hm_target *t, bool folder)
{
	HM_CLEANUP(member_close) struct member m = { NULL, -1 };
	struct archive_entry *e;
	size_t members = 0;
	struct stat st;

	if (folder)
		return fstatat(t->fd, "oci-layout", &st, AT_SYMLINK_NOFOLLOW) == 0 && fstatat(t->fd, "index.json", &st, AT_SYMLINK_NOFOLLOW) == 0;
	if (tar_open(&m, t->fd) != 0)
		return false;
	while (members++ < MEMBERS_MAX && tar_next(&m, t, &e))
		if (is_mark(&m, e))
			return true;
	return false;
}

static int walk_layer(struct view *v, const char *name, struct hm_fail *fail)
{
	HM_CLEANUP(member_close) struct member m = { NULL, -1 };
	HM_FREE char *path = target_path(name), *layer = hm_sprintf("layer %s", name);
	struct target_archive_source source = { .pull = pull_member, .cookie = &m, .fd = -1, .name = path, .through = through, .through_cookie = v };
	int r;

	if (member_open(&m, v->t, path) != 0)
		return target_unread(v->t, path, NULL, fail, "the image has not this layer of its own");
	v->layer = layer;
	r = target_archive_walk(v->t, &source, fail);
	layer_over(v);
	return r;
}

/* `name` of a layer in its list: a string, or {"digest":"sha256:HEX"}. */
static char *layer_name(const json_t *row)
{
	const char *text = json_is_string(row) ? json_string_value(row) : json_string_value(json_object_get(row, "digest"));
	const char *colon = text ? strchr(text, ':') : NULL;

	if (!text || strlen(text) > 512)
		return NULL;
	if (json_is_string(row))
		return hm_strdup(text);
	return colon ? hm_sprintf("blobs/%.*s/%s", (int)(colon - text), text, colon + 1) : NULL;
}

static int walk_layers(struct hm_target *t, const json_t *layers, struct hm_fail *fail)
{
	HM_CLEANUP(view_release) struct view v = { .t = t };
	size_t n = json_array_size(layers);
	int r = 0;

	if (n > LAYERS_MAX)
		return target_unread(t, "/manifest.json", NULL, fail, "%zu layers", n);
	while (r == 0 && n-- > 0) {
		HM_FREE char *name = layer_name(json_array_get(layers, n));

		r = name ? walk_layer(&v, name, fail) : target_unread(t, "/manifest.json", NULL, fail, "layer %zu has no name", n);
	}
	return r;
}

static int walk_manifest(struct hm_target *t, const json_t *row, unsigned level, struct hm_fail *fail)
{
	HM_FREE char *name = layer_name(row);
	json_t *manifest = name ? document(t, name) : NULL;
	const json_t *layers = json_object_get(manifest, "layers"), *more = json_object_get(manifest, "manifests"), *each;
	size_t i;
	int r = 0;

	if (json_is_array(layers))
		r = walk_layers(t, layers, fail);
	else if (json_is_array(more) && level < 3)
		json_array_foreach (more, i, each)
			r = r ? r : walk_manifest(t, each, level + 1, fail);
	else
		r = target_unread(t, name ? name : "/index.json", NULL, fail, "no manifest of an image");
	json_decref(manifest);
	return r;
}

static int walk(struct hm_target *t, struct hm_fail *fail)
{
	json_t *docker = document(t, "manifest.json"), *oci = docker ? NULL : document(t, "index.json");
	const json_t *list = docker ? docker : json_object_get(oci, "manifests"), *row;
	size_t i;
	int r = 0;

	if (!json_is_array(list))
		r = target_unread(t, "/index.json", NULL, fail, "neither manifest.json nor index.json lists images");
	json_array_foreach (list, i, row)
		if (r == 0)
			r = docker ? walk_layers(t, json_object_get(row, "Layers"), fail) : walk_manifest(t, row, 0, fail);
	json_decref(docker);
	json_decref(oci);
	return r;
}

const struct target_form target_container = { "container image", walk, NULL };
