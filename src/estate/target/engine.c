/* Layers of containers and images. docker: STORE/overlay2/ID/diff; image/overlay2/layerdb says which image's layer an ID is, and which container's; containers/ID/config.v2.json
 * how that is called. podman, buildah, cri-o: STORE/overlay/ID/diff, with overlay-{layers,images,containers}/NAME.json. Both keep the layers below one in the file `lower`, as
 * names of links in the folder `l`. containerd's records are a database of its own, which is not read: a snapshot is called by its number. */
#include "engine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DOCUMENT_MAX ((size_t)64 << 20)
#define NAMES_MAX 16384 /* images, containers or layers of one store that are looked at */
#define LOWER_MAX 128

struct target_store {
	char *path;		/* inside the target, begins with "." */
	json_t *names, *others; /* by what a layer's folder is called: what it is called, and by how many others that have it too */
};

void target_stores_release(struct target_stores *stores)
{
	for (size_t i = 0; i < stores->count; i++) {
		json_decref(stores->store[i].names);
		json_decref(stores->store[i].others);
		free(stores->store[i].path);
	}
	free(stores->store);
	*stores = (struct target_stores){ 0 };
}

static int open_at(int top, const char *path, int flags)
{
	const struct open_how how = { .flags = (uint64_t)(unsigned)flags | O_CLOEXEC | O_NONBLOCK, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };

	return (int)syscall(SYS_openat2, top, path, &how, sizeof(how));
}

static char *text_at(int top, const char *path, size_t max)
{
	HM_CLOSE int fd = open_at(top, path, O_RDONLY);
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	struct stat st;
	ssize_t got = 0;

	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || (uint64_t)st.st_size > max)
		return NULL;
	while (text.len <= max && (got = read(fd, hm_bytes_reserve(&text, 4096), 4096)) > 0)
		text.len += (size_t)got;
	if (got < 0 || text.len > max)
		return NULL;
	while (text.len && (text.data[text.len - 1] == '\n' || text.data[text.len - 1] == ' '))
		text.len--;
	return hm_slice_dup(hm_slice_of(&text));
}

static json_t *document_at(int top, const char *path)
{
	HM_FREE char *text = text_at(top, path, DOCUMENT_MAX);

	return text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
}

static void drop(json_t **j)
{
	json_decref(*j);
}

static const char *member(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

/* A folder's name in a record is a name: no path. */
static bool is_id(const char *id)
{
	return *id && strlen(id) <= 255 && !strchr(id, '/') && *id != '.';
}

static void add_layer(struct target_store *s, const char *id, const char *name)
{
	const char *before = is_id(id) ? member(s->names, id) : "";

	if (is_id(id) && !*before)
		json_object_set_new(s->names, id, json_string(name));
	else if (*before && strcmp(before, name) != 0)
		json_object_set_new(s->others, id, json_integer(json_integer_value(json_object_get(s->others, id)) + 1));
}

/* Calls `each` with the names in a folder, in their order. */
static void names_in(int top, const char *path, void (*each)(void *cookie, const char *name), void *cookie)
{
	struct dirent **names = NULL;
	int fd = open_at(top, path, O_RDONLY | O_DIRECTORY), n;

	if (fd < 0)
		return;
	n = scandirat(fd, ".", &names, NULL, alphasort);
	close(fd);
	for (int i = 0; i < n; i++) {
		if (i < NAMES_MAX && is_id(names[i]->d_name))
			each(cookie, names[i]->d_name);
		free(names[i]);
	}
	free(names);
}

/* docker */
struct docker {
	int top;
	struct target_store *store;
	json_t *tags;	/* image id -> first tag */
	json_t *chains; /* diff ids from the bottom up, joined -> cache id */
};

static char *docker_path(const struct docker *d, const char *format, const char *name, const char *leaf)
{
	return hm_sprintf("%s/%s/%s/%s", d->store->path, format, name, leaf);
}

static void docker_tags(struct docker *d)
{
	HM_FREE char *path = hm_sprintf("%s/image/overlay2/repositories.json", d->store->path);
	HM_CLEANUP(drop) json_t *root = document_at(d->top, path);
	const char *repository, *tag;
	json_t *tags, *id;

	json_object_foreach(json_object_get(root, "Repositories"), repository, tags)
		json_object_foreach(tags, tag, id)
			if (json_is_string(id) && !strchr(tag, '@') && !json_object_get(d->tags, json_string_value(id)))
				json_object_set_new(d->tags, json_string_value(id), json_string(tag));
}

/* All diff ids up to this layer; the record of each names the one below. */
static char *chain_of(const struct docker *d, const char *id)
{
	HM_FREE char *at = hm_strdup(id);
	char *all = hm_strdup("");

	for (unsigned i = 0; i < LOWER_MAX && at; i++) {
		HM_FREE char *own = docker_path(d, "image/overlay2/layerdb/sha256", at, "diff"), *below = docker_path(d, "image/overlay2/layerdb/sha256", at, "parent");
		HM_FREE char *diff = text_at(d->top, own, 256), *parent = text_at(d->top, below, 256), *before = all;
		const char *colon = parent ? strchr(parent, ':') : NULL;

		all = hm_sprintf("%s %s", diff ? diff : "?", before);
		free(at);
		at = colon && is_id(colon + 1) ? hm_strdup(colon + 1) : NULL;
	}
	return all;
}

static void docker_chain(void *cookie, const char *name)
{
	struct docker *d = cookie;
	HM_FREE char *path = docker_path(d, "image/overlay2/layerdb/sha256", name, "cache-id"), *cache = text_at(d->top, path, 256);
	HM_FREE char *chain = cache ? chain_of(d, name) : NULL;

	if (chain)
		json_object_set_new(d->chains, chain, json_string(cache));
}

static void docker_image(void *cookie, const char *name)
{
	struct docker *d = cookie;
	HM_FREE char *path = hm_sprintf("%s/image/overlay2/imagedb/content/sha256/%s", d->store->path, name), *id = hm_sprintf("sha256:%s", name);
	HM_CLEANUP(drop) json_t *image = document_at(d->top, path);
	const char *tag = json_string_value(json_object_get(d->tags, id));
	HM_FREE char *called = tag ? hm_sprintf("image %s", tag) : hm_sprintf("image %.12s", name), *chain = hm_strdup("");
	json_t *diff;
	size_t i;

	json_array_foreach(json_object_get(json_object_get(image, "rootfs"), "diff_ids"), i, diff) {
		HM_FREE char *before = chain;
		const char *cache;

		chain = hm_sprintf("%s%s ", before, json_is_string(diff) ? json_string_value(diff) : "?");
		cache = json_string_value(json_object_get(d->chains, chain));
		if (cache)
			add_layer(d->store, cache, called);
		if (i == LOWER_MAX)
			break;
	}
}

static void docker_container(void *cookie, const char *name)
{
	struct docker *d = cookie;
	HM_FREE char *path = docker_path(d, "containers", name, "config.v2.json"), *mount = docker_path(d, "image/overlay2/layerdb/mounts", name, "mount-id");
	HM_CLEANUP(drop) json_t *config = document_at(d->top, path);
	HM_FREE char *layer = text_at(d->top, mount, 256), *called = NULL, *first = NULL;
	const char *own = member(config, "Name"), *image = member(json_object_get(config, "Config"), "Image");

	if (!config || !layer)
		return;
	called = hm_sprintf("container %s (image %s)", *own ? own + (*own == '/') : name, *image ? image : "?");
	first = hm_sprintf("%s-init", layer);
	add_layer(d->store, layer, called);
	add_layer(d->store, first, called);
}

static void load_docker(int top, struct target_store *s)
{
	struct docker d = { .top = top, .store = s, .tags = json_object(), .chains = json_object() };
	HM_FREE char *layers = hm_sprintf("%s/image/overlay2/layerdb/sha256", s->path), *images = hm_sprintf("%s/image/overlay2/imagedb/content/sha256", s->path);
	HM_FREE char *containers = hm_sprintf("%s/containers", s->path);

	docker_tags(&d);
	names_in(top, layers, docker_chain, &d);
	names_in(top, images, docker_image, &d);
	names_in(top, containers, docker_container, &d);
	json_decref(d.tags);
	json_decref(d.chains);
}

/* podman and whatever else uses containers/storage */
static const char *first_name(const json_t *row)
{
	const char *name = json_string_value(json_array_get(json_object_get(row, "names"), 0));

	return name ? name : "";
}

/* The rows of a list by their id. */
static json_t *index_of(const json_t *list)
{
	json_t *by_id = json_object(), *row;
	size_t i;

	json_array_foreach (list, i, row)
		if (i < 4 * (size_t)NAMES_MAX && *member(row, "id"))
			json_object_set(by_id, member(row, "id"), row);
	return by_id;
}

static char *image_called(const json_t *row, const char *id)
{
	const char *name = first_name(row);

	return *name ? hm_sprintf("image %s", name) : hm_sprintf("image %.12s", *id ? id : "?");
}

static void load_podman(int top, struct target_store *s)
{
	HM_FREE char *a = hm_sprintf("%s/overlay-layers/layers.json", s->path), *b = hm_sprintf("%s/overlay-images/images.json", s->path);
	HM_FREE char *c = hm_sprintf("%s/overlay-containers/containers.json", s->path);
	HM_CLEANUP(drop) json_t *layers = document_at(top, a), *images = document_at(top, b), *containers = document_at(top, c);
	HM_CLEANUP(drop) json_t *layer = index_of(layers), *image = index_of(images);
	const json_t *row;
	size_t i;

	json_array_foreach (containers, i, row) {
		HM_FREE char *from = image_called(json_object_get(image, member(row, "image")), member(row, "image"));
		HM_FREE char *called = hm_sprintf("container %s (%s)", *first_name(row) ? first_name(row) : member(row, "id"), from);

		if (i == NAMES_MAX)
			break;
		add_layer(s, member(row, "layer"), called);
	}
	json_array_foreach (images, i, row) {
		HM_FREE char *called = image_called(row, member(row, "id"));
		const char *at = member(row, "layer");

		for (unsigned n = 0; n < LOWER_MAX && *at && i < NAMES_MAX; n++) {
			add_layer(s, at, called);
			at = member(json_object_get(layer, at), "parent");
		}
	}
}

static struct target_store *store_of(int top, const char *path, void (*load)(int top, struct target_store *s), struct target_stores *stores)
{
	struct target_store *s;

	for (size_t i = 0; i < stores->count; i++)
		if (strcmp(stores->store[i].path, path) == 0)
			return &stores->store[i];
	stores->store = hm_realloc(stores->store, stores->count + 1, sizeof(*stores->store));
	s = &stores->store[stores->count++];
	*s = (struct target_store){ hm_strdup(path), json_object(), json_object() };
	load(top, s);
	return s;
}

static void add_place(struct target_root *root, char *place)
{
	root->place = hm_realloc(root->place, root->places + 1, sizeof(*root->place));
	root->place[root->places++] = place;
}

/* "l/NAME:l/NAME...": links to ../ID/diff beside the layers. */
static void add_lower(int top, const char *layers, const char *id, struct target_root *root)
{
	HM_FREE char *path = hm_sprintf("%s/%s/lower", layers, id), *text = text_at(top, path, 65536);
	char *rest = text, *name;

	while (rest && (name = strsep(&rest, ":")) && root->places <= LOWER_MAX) {
		HM_FREE char *folder = hm_sprintf("%s/l", layers);
		HM_CLOSE int fd = strncmp(name, "l/", 2) == 0 && is_id(name + 2) ? open_at(top, folder, O_RDONLY | O_DIRECTORY) : -1;
		char to[512];
		ssize_t len = fd >= 0 ? readlinkat(fd, name + 2, to, sizeof(to) - 1) : -1;

		if (len <= 8)
			continue;
		to[len] = 0;
		if (strncmp(to, "../", 3) == 0 && strcmp(to + len - 5, "/diff") == 0) {
			to[len - 5] = 0;
			if (is_id(to + 3))
				add_place(root, hm_sprintf("%s/%s/diff", layers, to + 3));
		}
	}
}

/* An engine's layer: STORE/FOLDER/ID/LEAF, where FOLDER tells the engine. */
static const struct engine {
	const char *folder, *leaf;
	void (*load)(int top, struct target_store *s); /* NULL: it is called by its path */
	const char *beside;			       /* what lies in STORE too, or NULL */
} engines[] = {
	{ "overlay2", "diff", load_docker, "image" },
	{ "overlay2", "merged", load_docker, "image" },
	{ "overlay", "diff", load_podman, "overlay-layers" },
	{ "overlay", "merged", load_podman, "overlay-layers" },
	{ "snapshots", "fs", NULL, "metadata.db" },
};

/* Takes the last component off `path`; it stays where it was. */
static const char *last(char *path)
{
	char *slash = strrchr(path, '/');

	if (!slash)
		return "";
	*slash = 0;
	return slash + 1;
}

static char *name_of(const struct target_store *s, const char *id)
{
	json_int_t others = json_integer_value(json_object_get(s->others, id));
	const char *name = member(s->names, id);

	if (!*name)
		return NULL;
	return others ? hm_sprintf("%s and %lld others", name, (long long)others) : hm_strdup(name);
}

static struct target_root *layer_at(int top, const char *path, const struct engine *e, const char *store, const char *id, struct target_stores *stores)
{
	HM_FREE char *layers = hm_sprintf("%s/%s", store, e->folder);
	struct target_root *root = hm_alloc(1, sizeof(*root));

	root->name = e->load ? name_of(store_of(top, store, e->load, stores), id) : NULL;
	if (!root->name)
		root->name = hm_strdup(path);
	add_place(root, hm_strdup(path + 1));
	if (e->load && strcmp(e->leaf, "diff") == 0)
		add_lower(top, layers, id, root);
	return root;
}

struct target_root *target_engine_root(int top, const char *path, struct target_stores *stores)
{
	HM_FREE char *rest = hm_sprintf("./%s", path + (*path == '/'));
	const char *leaf = last(rest), *id = last(rest), *folder = last(rest);

	for (size_t i = 0; i < HM_COUNT(engines); i++) {
		const struct engine *e = &engines[i];
		HM_FREE char *beside = hm_sprintf("%s/%s", rest, e->beside);
		struct stat st;

		if (*folder && is_id(id) && strcmp(leaf, e->leaf) == 0 && strcmp(folder, e->folder) == 0 && fstatat(top, beside, &st, AT_SYMLINK_NOFOLLOW) == 0)
			return layer_at(top, path, e, rest, id, stores);
	}
	return NULL;
}
