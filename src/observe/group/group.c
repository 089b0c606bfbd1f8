/* Which control group is meant, and whether it may be watched. */
#include "group.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <mntent.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define DEPTH_MAX 64
#define PARENTS_MAX 256
#define NAMED_MAX 4 /* of several groups with a unit's name, so many are told */

static int open_folder(int at, const char *path)
{
	return openat(at, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* A file's content as text, cut to `size` - 1; -1 when it cannot be read. */
static int read_text(int fd, const char *file, char *text, size_t size)
{
	HM_CLOSE int control = openat(fd, file, O_RDONLY | O_CLOEXEC);
	ssize_t n = control < 0 ? -1 : read(control, text, size - 1);

	if (n < 0)
		return -1;
	text[n] = 0;
	return 0;
}

bool hm_group_populated(int fd)
{
	char text[256];

	return read_text(fd, "cgroup.events", text, sizeof(text)) == 0 && strstr(text, "populated 1");
}

bool hm_group_frozen(int fd)
{
	char text[16];

	return read_text(fd, "cgroup.freeze", text, sizeof(text)) == 0 && text[0] == '1';
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* Calls `visit` for each folder of the tree below `fd`, `fd` first; `path` is relative to it, "" for itself. Non-zero stops
 * and is returned. What is removed meanwhile is passed over. */
typedef int visit_folder(void *cookie, int fd, const char *path);
static int walk(int fd, const char *path, unsigned depth, visit_folder *visit, void *cookie)
{
	int copy = open_folder(fd, ".");
	HM_CLEANUP(close_dir) DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *e;
	int r = visit(cookie, fd, path);

	if (copy >= 0 && !dir)
		close(copy);
	while (r == 0 && dir && depth < DEPTH_MAX && (e = readdir(dir))) {
		HM_FREE char *below = *path ? hm_sprintf("%s/%s", path, e->d_name) : hm_strdup(e->d_name);
		HM_CLOSE int child = -1;

		if (e->d_type != DT_DIR || strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		child = open_folder(fd, e->d_name);
		if (child >= 0)
			r = walk(child, below, depth + 1, visit, cookie);
	}
	return r;
}

/* Field 4 of /proc/PID/stat; 0 where it has none, or is gone. */
static pid_t parent_of(pid_t pid)
{
	char path[64], text[1024];
	const char *behind;
	int parent;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (read_text(AT_FDCWD, path, text, sizeof(text)) < 0)
		return 0;
	/* Behind the name, which can hold anything. */
	behind = strrchr(text, ')');
	return behind && sscanf(behind + 1, " %*c %d", &parent) == 1 ? parent : 0;
}

struct parents {
	pid_t pid[PARENTS_MAX];
	size_t count;
};

/* Threads, since the list of processes cannot be read in threaded groups. Only first threads have a parent's number. */
static int find_parent(void *cookie, int fd, const char *path HM_UNUSED)
{
	const struct parents *p = cookie;
	HM_CLOSE int file = openat(fd, "cgroup.threads", O_RDONLY | O_CLOEXEC);
	HM_FCLOSE FILE *list = file < 0 ? NULL : fdopen(dup(file), "r");
	int tid;

	while (list && fscanf(list, "%d", &tid) == 1)
		for (size_t i = 0; i < p->count; i++)
			if (p->pid[i] == tid)
				return tid;
	return 0;
}

static int refuse_own(const struct hm_group *g, struct hm_fail *fail)
{
	struct parents parents = { .pid = { getpid() }, .count = 1 };
	int found;

	while (parents.count < PARENTS_MAX && parent_of(parents.pid[parents.count - 1]) > 0) {
		parents.pid[parents.count] = parent_of(parents.pid[parents.count - 1]);
		parents.count++;
	}
	found = walk(g->fd, "", 0, find_parent, &parents);
	if (!found)
		return 0;
	hm_fail_set(fail, HM_E_USAGE, "watching %s: %s (%d) runs in it, and the recorder stops what it watches", g->path,
		    found == getpid() ? "hallmark itself" : "a process that started hallmark", found);
	return hm_fail_advise(fail, "watch a group further down, or start hallmark from another one");
}

/* The first mount of the cgroup2 file system. NULL: none. */
static char *find_mount(void)
{
	FILE *mounts = setmntent("/proc/self/mounts", "r");
	char *found = NULL;
	const struct mntent *m;

	while (mounts && !found && (m = getmntent(mounts)))
		if (strcmp(m->mnt_type, "cgroup2") == 0)
			found = hm_strdup(m->mnt_dir);
	if (mounts)
		endmntent(mounts);
	return found;
}

static int no_mount(struct hm_fail *fail)
{
	return hm_fail_set(fail, HM_E_SYSTEM, "finding the control group: no cgroup2 file system is mounted "
			   "(mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified)");
}

/* Links undone; of version 2. */
static int resolve(struct hm_group *g, const char *path, struct hm_fail *fail)
{
	HM_FREE char *mount = find_mount(), *below = NULL;
	struct statfs fs = { 0 };

	if (!mount)
		return no_mount(fail);
	g->path = path[0] == '/' ? realpath(path, NULL) : NULL;
	if (g->path && statfs(g->path, &fs) == 0 && fs.f_type == CGROUP_SUPER_MAGIC)
		return hm_fail_set(fail, HM_E_USAGE, "watching %s: a control group of version 1, and the recorder takes version 2 "
				   "(groups below %s)", path, mount);
	if (!g->path || fs.f_type != CGROUP2_SUPER_MAGIC) {
		below = hm_sprintf("%s/%s", mount, path);
		free(g->path);
		g->path = realpath(below, NULL);
		if (!g->path) {
			hm_fail_errno(fail, "watching control group %s", path);
			return hm_fail_advise(fail, "give its path below %s", mount);
		}
		if (statfs(g->path, &fs) < 0 || fs.f_type != CGROUP2_SUPER_MAGIC)
			return hm_fail_set(fail, HM_E_USAGE, "watching %s: not below %s", path, mount);
	}
	return 0;
}

int hm_group_open(struct hm_group *g, const char *path, struct hm_fail *fail)
{
	struct stat st;
	int r = resolve(g, path, fail);

	if (r < 0)
		return r;
	g->fd = open_folder(AT_FDCWD, g->path);
	if (g->fd < 0 || fstat(g->fd, &st) < 0)
		return hm_fail_errno(fail, "watching control group %s", g->path);
	g->id = st.st_ino;
	if (faccessat(g->fd, "cgroup.freeze", F_OK, 0) < 0)
		return hm_fail_set(fail, HM_E_USAGE, "watching %s: the root control group, which is all of the machine "
				   "(name one below it)", g->path);
	return refuse_own(g, fail);
}

struct named {
	const char *unit;
	char *path[NAMED_MAX];
	size_t count;
};

static void release_named(struct named *n)
{
	for (size_t i = 0; i < n->count && i < NAMED_MAX; i++)
		free(n->path[i]);
}

static int note_named(void *cookie, int fd HM_UNUSED, const char *path)
{
	static const char *const endings[] = { "", ".service", ".scope", ".slice" };
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	struct named *n = cookie;
	size_t len = strlen(n->unit);

	for (size_t i = 0; i < HM_COUNT(endings); i++) {
		if (strncmp(name, n->unit, len) != 0 || strcmp(name + len, endings[i]) != 0)
			continue;
		if (n->count < NAMED_MAX)
			n->path[n->count] = hm_strdup(path);
		n->count++;
	}
	return 0;
}

int hm_group_find(struct hm_group *g, const char *unit, struct hm_fail *fail)
{
	HM_CLEANUP(release_named) struct named named = { .unit = unit };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes all = { 0 };
	HM_FREE char *mount = find_mount(), *path = NULL;
	HM_CLOSE int top = -1;

	if (!*unit || strchr(unit, '/'))
		return hm_fail_set(fail, HM_E_USAGE, "unit %s: not the name of a unit (a path goes to --cgroup)", unit);
	if (!mount)
		return no_mount(fail);
	top = open_folder(AT_FDCWD, mount);
	if (top < 0)
		return hm_fail_errno(fail, "reading %s", mount);
	walk(top, "", 0, note_named, &named);
	if (named.count == 0)
		return hm_fail_set(fail, HM_E_SYSTEM, "unit %s: no control group below %s is called so (start it; or give its path "
				   "by --cgroup)", unit, mount);
	for (size_t i = 0; i < named.count && i < NAMED_MAX; i++)
		hm_bytes_printf(&all, "%s%s", i ? ", " : "", named.path[i]);
	hm_bytes_u8(&all, 0);
	if (named.count > 1)
		return hm_fail_set(fail, HM_E_SYSTEM, "unit %s: %zu control groups are called so: %s%s (give the path of one by "
				   "--cgroup)", unit, named.count, (const char *)all.data, named.count > NAMED_MAX ? ", ..." : "");
	path = hm_sprintf("%s/%s", mount, named.path[0]);
	return hm_group_open(g, path, fail);
}

void hm_group_release(struct hm_group *g)
{
	if (g->fd >= 0)
		close(g->fd);
	free(g->path);
	*g = (struct hm_group)HM_GROUP_NONE;
}
