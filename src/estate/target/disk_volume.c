/* Pieces of an image that src/estate/volume reads. */
#include "disk_internal.h"

#include <stdlib.h>

struct walk {
	struct hm_target *t;
	uint64_t entries;
	bool over;
};

struct file {
	struct hm_volume *volume;
	uint64_t at;
};

static ssize_t read_part(void *cookie, uint64_t at, void *to, size_t len)
{
	const struct disk_part *part = cookie;

	return tsk_img_read(part->image, part->at + (TSK_OFF_T)at, to, len);
}

struct hm_volume_from disk_from(const struct disk_part *part)
{
	return (struct hm_volume_from){ read_part, (void *)(uintptr_t)part, part->size };
}

static ssize_t pull(void *cookie, void *to, size_t len)
{
	struct file *f = cookie;
	ssize_t got = hm_volume_read(f->volume, f->at, to, len);

	if (got > 0)
		f->at += (uint64_t)got;
	return got;
}

static int each(void *cookie, struct hm_volume *volume, const struct hm_volume_entry *e, struct hm_fail *fail)
{
	static const enum hm_entry_type types[] = { HM_ENTRY_FILE, HM_ENTRY_FOLDER, HM_ENTRY_LINK, HM_ENTRY_OTHER };
	struct walk *w = cookie;
	struct file f = { volume, 0 };
	HM_FREE char *path = target_path(e->path);
	struct hm_entry entry = { .path = path, .outer = e->outer, .hidden = e->outer != NULL, .size = e->type == HM_VOLUME_FILE ? e->size : 0, .mode = e->mode };

	if (e->type == HM_VOLUME_UNREAD)
		return target_unread(w->t, path, e->outer, fail, "%s", e->why);
	if (++w->entries > w->t->bounds.entries) {
		w->over = true;
		return target_unread(w->t, path, e->outer, fail, "more than %llu entries", (unsigned long long)w->t->bounds.entries) ? -1 : 1;
	}
	entry.type = types[e->type];
	return target_tell(w->t, &entry, entry.type == HM_ENTRY_FILE ? pull : NULL, &f, -1, fail);
}

int disk_volume(struct hm_target *t, const struct disk_part *part, const char *kind, struct hm_fail *fail)
{
	HM_CLEANUP(hm_volume_cleanup) struct hm_volume *volume = NULL;
	const struct hm_volume_from from = disk_from(part);
	struct walk w = { t, 0, false };
	struct disk_now now = { 0 };
	const void *before = t->state;
	struct hm_fail why = { 0 };
	int r = hm_volume_open(&volume, kind, &from, &why);

	if (r != 0)
		return target_unread(t, part->name, NULL, fail, "%s: %s", kind, why.text);
	now.volume = volume;
	t->state = &now;
	r = hm_volume_walk(volume, each, &w, fail);
	t->state = before;
	return w.over && r == 1 ? 0 : r;
}

static int other(const struct disk_now *now, const char *path, size_t max, struct hm_bytes *out, struct hm_fail *fail)
{
	if (now->fs)
		return disk_tsk_other(now->fs, path, max, out, fail);
	return now->squash ? disk_squash_other(now->squash, path, max, out, fail) : hm_volume_other(now->volume, path, max, out, fail);
}

/* By path, without links; but /lib and its like are links to /usr/lib everywhere by now. */
int target_disk_other(struct hm_target *t, const char *path, size_t max, struct hm_bytes *out, struct hm_fail *fail)
{
	const char *plain = path + strspn(path, "/");
	HM_FREE char *merged = hm_sprintf("usr/%s", plain);
	int r = t->state ? other(t->state, plain, max, out, fail) : 1;

	return t->state && r == 1 ? other(t->state, merged, max, out, fail) : r;
}
