/* Removal of what a product may have left behind. Its folders may be nested deeper than any path is long and any stack is deep,
 * so one descriptor walks down by name and up by "..", and the names on the way lie in one buffer. Nobody else changes
 * the tree meanwhile: everything that could has been killed. */
#include "fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

static int open_folder(int parent, const char *name)
{
	struct open_how how = { .flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
				.resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS };

	return (int)syscall(SYS_openat2, parent, name, &how, sizeof(how));
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* Unlinks what is no folder. Returns 1 and the first folder's name when there is one, else 0 or -1 with errno. */
static int unlink_files(int fd, char name[256])
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	HM_CLEANUP(close_dir) DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *e;

	if (!dir)
		return -1;
	while ((e = readdir(dir))) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (unlinkat(fd, e->d_name, 0) == 0 || errno == ENOENT)
			continue;
		if (errno != EISDIR)
			return -1;
		if (unlinkat(fd, e->d_name, AT_REMOVEDIR) == 0)
			continue;
		snprintf(name, 256, "%s", e->d_name);
		return 1;
	}
	return 0;
}

/* The last name in the buffer of NUL-terminated names. */
static char *last_name(struct hm_bytes *names)
{
	size_t at = names->len - 1;

	while (at && names->data[at - 1])
		at--;
	return (char *)names->data + at;
}

int hm_fs_remove_at(int parent, const char *name, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes names = { 0 };
	HM_CLOSE int fd = open_folder(parent, name);
	char next[256];

	if (fd < 0)
		return errno == ENOENT ? 0 : hm_fail_errno(fail, "removing %s", name);
	for (;;) {
		int r = unlink_files(fd, next), up;

		if (r < 0)
			return hm_fail_errno(fail, "removing files in %s", names.len ? last_name(&names) : name);
		if (r == 1) {
			up = open_folder(fd, next);
			if (up < 0)
				return hm_fail_errno(fail, "removing folder %s", next);
			hm_bytes_append(&names, next, strlen(next) + 1);
		} else {
			if (!names.len)
				break;
			up = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			if (up < 0 || unlinkat(up, last_name(&names), AT_REMOVEDIR) < 0)
				return hm_fail_errno(fail, "removing folder %s", last_name(&names));
			names.len = (size_t)(last_name(&names) - (char *)names.data);
		}
		close(fd);
		fd = up;
	}
	if (unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return hm_fail_errno(fail, "removing %s", name);
	return 0;
}

int hm_fs_remove_tree(const char *path, struct hm_fail *fail)
{
	const char *slash = strrchr(path, '/');
	HM_FREE char *folder = slash ? hm_slice_dup((struct hm_slice){ (const uint8_t *)path, (size_t)(slash - path) + 1 })
				     : hm_strdup(".");
	HM_CLOSE int parent = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (parent < 0)
		return errno == ENOENT ? 0 : hm_fail_errno(fail, "removing %s", path);
	return hm_fs_remove_at(parent, slash ? slash + 1 : path, fail);
}
