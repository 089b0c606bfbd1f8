#include "root.h"

#include "engine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ROOT_MAX 128 /* layers of one */

void target_root_free(struct target_root *root)
{
	if (!root)
		return;
	for (size_t i = 0; i < root->places; i++)
		free(root->place[i]);
	free(root->place);
	free(root->name);
	free(root);
}

/* What a system has at its root and nothing else has below itself. */
static const struct {
	const char *folder, *mark;
} marks[] = {
	{ "etc", "etc/os-release" },	    { "etc", "etc/dpkg/origins" },	{ "etc", "etc/apk/world" },	   { "etc", "etc/passwd" },
	{ "usr", "usr/lib/os-release" },    { "usr", "usr/lib/sysimage/rpm" },	{ "usr", "usr/lib/apk/db" },	   { "lib", "lib/apk/db/installed" },
	{ "var", "var/lib/dpkg/status" },   { "var", "var/lib/dpkg/status.d" }, { "var", "var/lib/rpm" },	   { "var", "var/lib/pacman/local" },
	{ "Windows", "Windows/System32" },
};

static bool is_there(int fd, const char *path)
{
	struct stat st;

	return fstatat(fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool is_marked(int fd)
{
	const char *folder = "";
	bool there = false;

	for (size_t i = 0; i < HM_COUNT(marks); i++) {
		if (strcmp(folder, marks[i].folder) != 0)
			there = is_there(fd, folder = marks[i].folder);
		if (there && is_there(fd, marks[i].mark))
			return true;
	}
	return false;
}

static struct target_root *plain(const char *path)
{
	struct target_root *root = hm_alloc(1, sizeof(*root));

	root->name = hm_strdup(path);
	root->place = hm_alloc(1, sizeof(*root->place));
	root->place[root->places++] = hm_strdup(path + (*path == '/'));
	return root;
}

struct target_root *target_root_at(int top, int fd, const char *path, struct target_stores *stores)
{
	struct target_root *root = target_engine_root(top, path, stores);

	return root || !is_marked(fd) ? root : plain(path);
}

struct target_root *target_root_known(int top, const char *path, struct target_stores *stores)
{
	struct target_root *root = target_engine_root(top, path, stores);

	return root ? root : plain(path);
}

static int open_in(int top, const char *place, const char *path, int flags)
{
	const struct open_how inside = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };
	const struct open_how how = { .flags = (uint64_t)(unsigned)flags, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	HM_CLOSE int folder = (int)syscall(SYS_openat2, top, place, &inside, sizeof(inside));

	return folder < 0 ? -1 : (int)syscall(SYS_openat2, folder, path, &how, sizeof(how));
}

/* A layer does not have the links of those below it: what is listed in /lib may lie in /usr/lib of this one. */
static int open_merged(int top, const char *place, const char *path, int flags)
{
	int fd = open_in(top, place, path, flags);

	if (fd < 0 && errno == ENOENT && (strncmp(path, "lib", 3) == 0 || strncmp(path, "bin/", 4) == 0 || strncmp(path, "sbin/", 5) == 0)) {
		HM_FREE char *merged = hm_sprintf("usr/%s", path);

		fd = open_in(top, place, merged, flags);
	}
	return fd;
}

int target_root_open(int top, const struct target_root *root, const char *path, int flags)
{
	int fd = -1;

	errno = ENOENT;
	while (*path == '/')
		path++;
	for (size_t i = 0; fd < 0 && errno == ENOENT && i < root->places && i < ROOT_MAX; i++)
		fd = root->places == 1 ? open_in(top, root->place[0], *path ? path : ".", flags) : open_merged(top, root->place[i], *path ? path : ".", flags);
	return fd;
}
