/* A folder: a mounted root, an unpacked image, the host's own. Walked by open folders, so that no path is longer than the system takes and no link is
 * ever followed; several levels deep the descriptors are the bound. */
#include "root.h"
#include "target_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DEEPEST 200

struct folder_walk {
	struct hm_target *t;
	const struct target_root *root; /* the innermost that we are in, NULL: the target's own */
	const char *place;		/* and its path */
	size_t in_root;			/* the bytes that this takes of `path` */
	struct hm_bytes path; /* NUL-terminated */
	dev_t device;
	struct hm_fail *fail;
};

static void release(struct folder_walk *w)
{
	hm_bytes_release(&w->path);
}

/* What stays for as long as the target is open: what engines call their layers, and the root of other systems that was asked for last. */
struct target_others {
	struct target_stores stores;
	struct target_root *root;
	char *place;
};

static struct target_others *others_of(struct hm_target *t)
{
	if (!t->others)
		t->others = hm_alloc(1, sizeof(*t->others));
	return t->others;
}

static void close_folder(struct hm_target *t)
{
	if (!t->others)
		return;
	target_stores_release(&t->others->stores);
	target_root_free(t->others->root);
	free(t->others->place);
	free(hm_take_ptr(&t->others));
}

static ssize_t pull(void *cookie, void *to, size_t len)
{
	ssize_t got;

	do
		got = read(*(int *)cookie, to, len);
	while (got < 0 && errno == EINTR);
	return got;
}

/* Inside the root that we are in. */
static const char *path_of(const struct folder_walk *w)
{
	return w->path.len > w->in_root + 1 ? (const char *)w->path.data + w->in_root : "/";
}

static struct hm_entry entry_of(const struct folder_walk *w, enum hm_entry_type type, const struct stat *st)
{
	return (struct hm_entry){ .type = type, .path = path_of(w), .outer = w->root ? w->root->name : NULL, .root = w->place, .mode = st->st_mode & 07777,
				  .size = type == HM_ENTRY_FILE ? (uint64_t)st->st_size : 0 };
}

static int unread(struct folder_walk *w, int why)
{
	return target_unread(w->t, path_of(w), w->root ? w->root->name : NULL, w->fail, "%s", strerror(why));
}

/* The kernel's own file systems, and those that others serve: nothing installed lies there, and reading may never end. */
static bool is_kernels(int fd)
{
	struct statfs s;

	if (fstatfs(fd, &s) != 0)
		return false;
	switch ((unsigned)s.f_type) {
	case PROC_SUPER_MAGIC:
	case SYSFS_MAGIC:
	case DEVPTS_SUPER_MAGIC:
	case DEBUGFS_MAGIC:
	case TRACEFS_MAGIC:
	case SECURITYFS_MAGIC:
	case CGROUP_SUPER_MAGIC:
	case CGROUP2_SUPER_MAGIC:
	case BPF_FS_MAGIC:
	case PSTOREFS_MAGIC:
	case EFIVARFS_MAGIC:
	case 0x19800202: /* mqueue */
	case 0x62656570: /* configfs */
	case 0x65735543: /* fusectl */
		return true;
	default:
		return false;
	}
}

static int walk_folder(struct folder_walk *w, int fd, unsigned level);

/* A folder that may be the root of a system of its own. */
static int walk_root(struct folder_walk *w, int fd, unsigned level)
{
	HM_FREE char *place = hm_strdup((const char *)w->path.data);
	HM_CLEANUP(target_root_cleanup) struct target_root *root = target_root_at(w->t->fd, fd, place, &others_of(w->t)->stores);
	const struct folder_walk before = *w;
	int r;

	if (root) {
		w->root = root;
		w->place = place;
		w->in_root = strlen(place);
	}
	r = walk_folder(w, fd, level);
	w->root = before.root;
	w->place = before.place;
	w->in_root = before.in_root;
	return r;
}

/* A folder of images is of the share that the folder itself is of. */
static int walk_images(struct folder_walk *w, int fd, const struct hm_entry *e)
{
	HM_FREE char *within = e->outer ? hm_sprintf("%s!%s", e->outer, e->path) : hm_strdup(e->path);
	bool mine = !target_is_others(w->t, e->path);
	int r;

	w->t->depth++;
	r = mine ? target_container_walk_at(w->t, fd, within, w->fail) : 0;
	w->t->depth--;
	close(fd);
	return r;
}

static int one_folder(struct folder_walk *w, int parent, const char *name, const struct stat *st, unsigned level)
{
	struct hm_entry entry = entry_of(w, HM_ENTRY_FOLDER, st);
	int r = target_tell(w->t, &entry, NULL, NULL, -1, w->fail), fd;

	if (r != 0)
		return r;
	if (level >= DEEPEST)
		return target_unread(w->t, entry.path, entry.outer, w->fail, "deeper than %d folders", DEEPEST);
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		/* One tells it for all; but what another put there meanwhile one of us alone may have met. */
		return errno == ENOENT || (w->t->bounds.shard && errno != ELOOP && errno != ENOTDIR) ?
			       0 :
			       unread(w, errno);
	if (st->st_dev != w->device && is_kernels(fd)) {
		close(fd);
		return 0;
	}
	return target_is_container(w->t, fd) ? walk_images(w, fd, &entry) : walk_root(w, fd, level + 1);
}

static int one_file(struct folder_walk *w, int parent, const char *name, const struct stat *st)
{
	struct hm_entry entry = entry_of(w, HM_ENTRY_FILE, st);
	HM_CLOSE int fd = -1;
	struct stat now;
	int why;

	if (target_is_others(w->t, entry.path))
		return target_tell(w->t, &entry, NULL, NULL, -1, w->fail);
	fd = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	why = errno;
	if (fd < 0 && why == ENOENT) { /* gone since */
		w->t->counted++;
		return 0;
	}
	if (fd < 0) {
		int r = target_tell(w->t, &entry, NULL, NULL, -1, w->fail); /* its name tells all the same */

		return r ? r : unread(w, why);
	}
	if (fstat(fd, &now) == 0)
		entry.size = S_ISREG(now.st_mode) ? (uint64_t)now.st_size : 0; /* another file may stand there by now */
	return target_tell(w->t, &entry, pull, &fd, fd, w->fail);
}

static int one(struct folder_walk *w, int parent, const char *name, unsigned level)
{
	struct hm_entry entry;
	struct stat st;

	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? 0 : unread(w, errno);
	if (S_ISDIR(st.st_mode))
		return one_folder(w, parent, name, &st, level);
	if (S_ISREG(st.st_mode))
		return one_file(w, parent, name, &st);
	entry = entry_of(w, S_ISLNK(st.st_mode) ? HM_ENTRY_LINK : HM_ENTRY_OTHER, &st);
	return target_tell(w->t, &entry, NULL, NULL, -1, w->fail);
}

static int walk_folder(struct folder_walk *w, int fd, unsigned level)
{
	DIR *dir = fdopendir(fd);
	size_t len = w->path.len ? w->path.len - 1 : 0;
	struct dirent *d;
	int r = 0;

	if (!dir) {
		close(fd);
		return hm_fail_errno(w->fail, "cannot read a folder");
	}
	while (r == 0 && (errno = 0, d = readdir(dir))) {
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		w->path.len = len;
		hm_bytes_u8(&w->path, '/');
		hm_bytes_append(&w->path, d->d_name, strlen(d->d_name) + 1);
		if (d->d_type == DT_REG && target_is_others(w->t, path_of(w)))
			w->t->counted++; /* nothing is asked of it */
		else
			r = one(w, fd, d->d_name, level);
	}
	if (r == 0 && errno)
		r = unread(w, errno);
	closedir(dir);
	w->path.len = len;
	hm_bytes_u8(&w->path, 0);
	return r;
}

static int walk(struct hm_target *t, struct hm_fail *fail)
{
	HM_CLEANUP(release) struct folder_walk w = { .t = t, .fail = fail };
	struct stat st;
	int fd = openat(t->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) != 0)
		return hm_fail_errno(fail, "cannot read %s", t->place);
	w.device = st.st_dev;
	return walk_folder(&w, fd, 0);
}

static int open_other(struct hm_target *t, const char *root, const char *path, int flags)
{
	const struct open_how how = { .flags = (uint64_t)(unsigned)flags, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	struct target_others *o = others_of(t);

	while (*path == '/')
		path++;
	if (!root)
		return (int)syscall(SYS_openat2, t->fd, path, &how, sizeof(how));
	if (!o->place || strcmp(o->place, root) != 0) {
		target_root_free(o->root);
		free(o->place);
		o->root = target_root_known(t->fd, root, &o->stores);
		o->place = hm_strdup(root);
	}
	return target_root_open(t->fd, o->root, path, flags);
}

/* Not there; what a layer says is deleted is a device. */
static bool is_absence(int why)
{
	return why == ENOENT || why == ENOTDIR || why == ELOOP || why == ENXIO || why == ENODEV;
}

int hm_target_other_in(struct hm_target *t, const char *root, const char *path, size_t max, struct hm_bytes *out, struct hm_fail *fail)
{
	HM_CLOSE int fd = -1;
	struct stat st;
	ssize_t got;

	if (t->form == &target_disk || t->form == &target_squash)
		return target_disk_other(t, path, max, out, fail);
	if (t->form != &target_folder)
		return 1;
	/* What is no file is not opened, not even to see that: a device does something when it is. */
	fd = open_other(t, root, path, O_PATH | O_CLOEXEC);
	if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)))
		return 1;
	if (fd >= 0)
		close(fd);
	fd = fd < 0 ? fd : open_other(t, root, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return is_absence(errno) ? 1 : hm_fail_errno(fail, "cannot read /%s", path);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return 1;
	if ((uint64_t)st.st_size > max)
		return hm_fail_set(fail, HM_E_BAD, "/%s has more than %zu bytes", path, max);
	for (size_t left = max + 1; left; left -= (size_t)got) {
		size_t step = left < ((size_t)1 << 18) ? left : (size_t)1 << 18;

		got = pull(&fd, hm_bytes_reserve(out, step), step);
		if (got < 0)
			return hm_fail_errno(fail, "cannot read /%s", path);
		if (got == 0)
			return 0;
		out->len += (size_t)got;
	}
	return hm_fail_set(fail, HM_E_BAD, "/%s has more than %zu bytes", path, max);
}

int hm_target_other(void *target, const char *path, size_t max, struct hm_bytes *out, struct hm_fail *fail)
{
	return hm_target_other_in(target, NULL, path, max, out, fail);
}

bool hm_target_has_others(const struct hm_target *t)
{
	return t->form == &target_folder || ((t->form == &target_disk || t->form == &target_squash) && t->state);
}

bool hm_target_has_names(const struct hm_target *t)
{
	return t->form == &target_folder;
}

int hm_target_names(struct hm_target *t, const char *root, const char *path, int (*each)(void *cookie, const char *name), void *cookie)
{
	int fd = t->form == &target_folder ? open_other(t, root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1, r = 0;
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *d;

	if (!dir)
		return t->form == &target_folder ? 0 : 1;
	while (r == 0 && (d = readdir(dir)))
		r = each(cookie, d->d_name);
	closedir(dir);
	return r;
}

const struct target_form target_folder = { "folder", walk, close_folder };
