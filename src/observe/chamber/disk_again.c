/* A chamber that begins with what another one left: it takes over that one's folder, layers and all. An upper layer that goes on as an
 * upper layer keeps its deletions and its folders made anew without anybody looking at them; its work folder is made new, since that
 * of a volatile overlay serves one mount alone. */
#include "chamber_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "fs.h"

int hm_chamber_disk_take(struct hm_chamber_disk *d, struct hm_chamber_disk *from, const char *work, const char *name, struct hm_fail *fail)
{
	HM_FREE char *real = realpath(work, NULL), *folder = NULL;
	HM_CLOSE int locked = -1;

	if (!real || !from->work || strcmp(real, from->work) != 0)
		return hm_fail_set(fail, HM_E_USAGE, "going on with a chamber: it has another work folder, or none");
	locked = hm_chamber_lock_work(real, fail);
	if (locked < 0)
		return locked;
	folder = hm_sprintf("%s/" HM_CHAMBER_FOLDER "%s", real, name);
	/* The lock on the folder goes with it. */
	if (renameat2(AT_FDCWD, from->folder, AT_FDCWD, folder, RENAME_NOREPLACE) < 0)
		return hm_fail_errno(fail, "renaming the run's folder %s to %s", from->folder, folder);
	free(from->folder);
	*d = *from;
	d->folder = hm_take_ptr(&folder);
	*from = (struct hm_chamber_disk){ .locked = -1, .image = -1, .base = -1 };
	return 0;
}

static bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool was_hidden(const struct hm_chamber *after, const char *path)
{
	for (size_t i = 0; i < after->hidden_count; i++)
		if (hm_chamber_below(path, after->hidden[i]))
			return true;
	return false;
}

int hm_chamber_disk_continue(struct hm_chamber *c, const struct hm_chamber *after, struct hm_fail *fail)
{
	bool as_was = c->layer_count == after->layer_count;

	for (size_t i = 0; i < c->layer_count && as_was; i++)
		as_was = same(c->layers[i].point, after->layers[i].point) && same(c->layers[i].lower, after->layers[i].lower);
	if (!as_was)
		return hm_fail_set(fail, HM_E_SYSTEM, "going on with a chamber: the host's file systems are not those that it had");
	for (size_t i = 0; i < c->layer_count; i++) {
		HM_FREE char *upper = hm_sprintf("%zu/u", i);

		c->layers[i].upper = openat(c->disk.base, upper, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (c->layers[i].upper < 0)
			return hm_fail_errno(fail, "opening the layer of %s again", c->layers[i].point);
	}
	for (size_t i = 0; i < c->hidden_count; i++) {
		int r = was_hidden(after, c->hidden[i]) ? 0 : hm_chamber_hide(c, c->hidden[i], fail);

		if (r < 0)
			return r;
	}
	return 0;
}

int hm_chamber_disk_reopen(struct hm_chamber *c, struct hm_fail *fail)
{
	for (size_t i = 0; i < c->layer_count; i++) {
		HM_FREE char *name = hm_sprintf("%zu", i);
		HM_CLOSE int folder = openat(c->disk.base, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		int r;

		if (folder < 0)
			return hm_fail_errno(fail, "opening the layer of %s again", c->layers[i].point);
		r = hm_fs_remove_at(folder, "w", fail);
		if (r < 0)
			return r;
		if (mkdirat(folder, "w", 0700) < 0)
			return hm_fail_errno(fail, "making a work folder for %s", c->layers[i].point);
	}
	return 0;
}
