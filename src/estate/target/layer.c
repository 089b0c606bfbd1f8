/* Of paths only 64 bits of a hash are kept. */
#include "layer.h"

#include <stdlib.h>

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

struct target_layers {
	struct hm_target *t;
	const struct target_box *box;
	char *name;
	struct hashes above, here; /* of upper layers; of this one, which hides nothing of itself */
	const char *layer;	   /* what hidden entries are called to be in */
};

struct target_layers *target_layers_new(struct hm_target *t, const struct target_box *box, const char *name)
{
	struct target_layers *v = hm_alloc(1, sizeof(*v));

	v->t = t;
	v->box = box;
	v->name = name ? hm_strdup(name) : NULL;
	return v;
}

void target_layers_free(struct target_layers *v)
{
	if (!v)
		return;
	free(v->above.slot);
	free(v->here.slot);
	free(v->name);
	free(v);
}

static void layer_over(struct target_layers *v)
{
	for (size_t i = 0; i < v->here.cap; i++)
		if (v->here.slot[i])
			hashes_put(&v->above, v->here.slot[i]);
	free(v->here.slot);
	v->here = (struct hashes){ 0 };
}

static bool is_hidden(const struct target_layers *v, const char *path, bool folder)
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
	struct target_layers *v = cookie;
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
	if (v->name) {
		entry->outer = entry->root = v->name;
		entry->streamed = true;
	}
	entry->hidden = is_hidden(v, entry->path, entry->type == HM_ENTRY_FOLDER);
	if (entry->hidden) {
		entry->outer = v->layer;
		entry->root = NULL;
		return 0;
	}
	/* What is no folder hides a folder of that name below it. */
	if (entry->type != HM_ENTRY_FOLDER) {
		hashes_put(&v->here, hash(entry->path, len, TOLD));
		hashes_put(&v->here, hash(entry->path, len, GONE));
	}
	return 0;
}

int target_layers_walk(struct target_layers *v, const char *member, struct hm_fail *fail)
{
	HM_CLEANUP(target_member_close) struct target_member m = TARGET_NO_MEMBER;
	HM_FREE char *path = target_path(member), *layer = v->name ? hm_sprintf("%s!layer %s", v->name, member) : hm_sprintf("layer %s", member);
	struct target_archive_source source = { .pull = target_member_pull, .cookie = &m, .fd = -1, .name = path, .within = v->name, .through = through, .through_cookie = v };
	int r;

	if (target_member_open(&m, v->box, path) != 0)
		return target_unread(v->t, path, v->name, fail, "the image has not this layer of its own");
	v->layer = layer;
	r = target_archive_walk(v->t, &source, fail);
	layer_over(v);
	return r;
}
