/* A folder: a mounted root, an unpacked image, the host's own. Walked by open folders, so that no path is longer than the system takes and no link is
 * ever followed; several levels deep the descriptors are the bound. */
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
	struct hm_bytes path; /* NUL-terminated */
	dev_t device;
	struct hm_fail *fail;
};

static void release(struct folder_walk *w)
{
	hm_bytes_release(&w->path);
}

static ssize_t pull(void *cookie, void *to, size_t len)
{
	ssize_t got;

	do
		got = read(*(int *)cookie, to, len);
	while (got < 0 && errno == EINTR);
	return got;
}

static const char *path_of(const struct folder_walk *w)
{
	return w->path.len ? (const char *)w->path.data : "/";
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

static int one_folder(struct folder_walk *w, int parent, const char *name, const struct stat *st, unsigned level)
{
	struct hm_entry entry = { .type = HM_ENTRY_FOLDER, .path = path_of(w), .mode = st->st_mode & 07777 };
	int r = target_tell(w->t, &entry, NULL, NULL, -1, w->fail), fd;

	if (r != 0)
		return r;
	if (level >= DEEPEST)
		return target_unread(w->t, path_of(w), NULL, w->fail, "deeper than %d folders", DEEPEST);
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return w->t->bounds.shard ? 0 : target_unread(w->t, path_of(w), NULL, w->fail, "%s", strerror(errno));
	if (st->st_dev != w->device && w->t->bounds.one_system && is_kernels(fd)) {
		close(fd);
		return 0;
	}
	return walk_folder(w, fd, level + 1);
}

static int one_file(struct folder_walk *w, int parent, const char *name, const struct stat *st)
{
	struct hm_entry entry = { .type = HM_ENTRY_FILE, .path = path_of(w), .size = (uint64_t)st->st_size, .mode = st->st_mode & 07777 };
	HM_CLOSE int fd = -1;
	int why;

	if (w->t->bounds.shards > 1 && w->t->counted % w->t->bounds.shards != w->t->bounds.shard)
		return target_tell(w->t, &entry, NULL, NULL, -1, w->fail);
	fd = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	why = errno;
	if (fd < 0 && why == ENOENT) { /* gone since */
		w->t->counted++;
		return 0;
	}
	if (fd < 0) {
		int r = target_tell(w->t, &entry, NULL, NULL, -1, w->fail); /* its name tells all the same */

		return r ? r : target_unread(w->t, path_of(w), NULL, w->fail, "%s", strerror(why));
	}
	return target_tell(w->t, &entry, pull, &fd, fd, w->fail);
}

static int one(struct folder_walk *w, int parent, const char *name, unsigned level)
{
	struct hm_entry entry = { .type = HM_ENTRY_OTHER, .path = path_of(w) };
	struct stat st;

	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? 0 : target_unread(w->t, path_of(w), NULL, w->fail, "%s", strerror(errno));
	if (S_ISDIR(st.st_mode))
		return one_folder(w, parent, name, &st, level);
	if (S_ISREG(st.st_mode))
		return one_file(w, parent, name, &st);
	entry.type = S_ISLNK(st.st_mode) ? HM_ENTRY_LINK : HM_ENTRY_OTHER;
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
		r = one(w, fd, d->d_name, level);
	}
	if (r == 0 && errno)
		r = target_unread(w->t, path_of(w), NULL, w->fail, "%s", strerror(errno));
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

int hm_target_other(void *target, const char *path, size_t max, struct hm_bytes *out, struct hm_fail *fail)
{
	struct hm_target *t = target;
	struct open_how how = { .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	HM_CLOSE int fd = -1;
	struct stat st;
	ssize_t got;

	if (t->form == &target_disk)
		return target_disk_other(t, path, max, out, fail);
	if (t->form != &target_folder)
		return 1;
	while (*path == '/')
		path++;
	fd = (int)syscall(SYS_openat2, t->fd, path, &how, sizeof(how));
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ? 1 : hm_fail_errno(fail, "cannot read /%s", path);
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

bool hm_target_has_others(const struct hm_target *t)
{
	return t->form == &target_folder || t->form == &target_disk;
}

int hm_target_names(struct hm_target *t, const char *path, int (*each)(void *cookie, const char *name), void *cookie)
{
	struct open_how how = { .flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	int fd = t->form == &target_folder ? (int)syscall(SYS_openat2, t->fd, path, &how, sizeof(how)) : -1, r = 0;
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *d;

	if (!dir)
		return t->form == &target_folder ? 0 : 1;
	while (r == 0 && (d = readdir(dir)))
		r = each(cookie, d->d_name);
	closedir(dir);
	return r;
}

const struct target_form target_folder = { "folder", walk, NULL };
