/* The run's control groups:
 *
 *   V2/hallmark/NAME           held by a lock as long as hallmark lives; the device filter and the limit of processes
 * sit here V2/hallmark/NAME/init      pid 1 of the chamber: never frozen, not seen by the recorder
 *   V2/hallmark/NAME/product   the product and everything that it starts
 *   PIDS/hallmark/NAME         twin where processes are counted by version 1
 *
 * V2 is wherever cgroup2 is mounted. The lock is flock on the folder NAME; the folder V2/hallmark is locked while one
 * is made or removed, so that nobody sees a run of which the lock is not yet taken. */
#include "chamber_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <dirent.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "fs.h"

#define EMPTY_MS 10000 /* killing takes milliseconds; a process in uninterruptible sleep may take longer */
#define RETRIES 200

struct roots {
	char *v2, *pids;
};

static void release_roots(struct roots *r)
{
	free(r->v2);
	free(r->pids);
}

static void nap_ms(unsigned ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	nanosleep(&t, NULL);
}

bool hm_chamber_lock(int fd, unsigned wait_ms)
{
	for (unsigned waited = 0;; waited += 5) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return true;
		if (waited >= wait_ms)
			return false;
		nap_ms(5);
	}
}

static bool has_option(const char *options, const char *name)
{
	HM_FREE char *copy = hm_strdup(options);
	char *save = NULL;

	for (char *o = strtok_r(copy, ",", &save); o; o = strtok_r(NULL, ",", &save))
		if (strcmp(o, name) == 0)
			return true;
	return false;
}

static int note_root(void *cookie, const struct hm_chamber_mount *m, struct hm_fail *fail HM_UNUSED)
{
	struct roots *r = cookie;

	if (strcmp(m->type, "cgroup2") == 0 && !r->v2)
		r->v2 = hm_strdup(m->point);
	if (strcmp(m->type, "cgroup") == 0 && !r->pids && has_option(m->super, "pids"))
		r->pids = hm_strdup(m->point);
	return 0;
}

/* Writes a control file; errno tells. */
static int control_at(int folder, const char *file, const char *text)
{
	HM_CLOSE int fd = openat(folder, file, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	return write(fd, text, strlen(text)) < 0 ? -1 : 0;
}

static int open_folder(int at, const char *path)
{
	return openat(at, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Opens ROOT/hallmark and locks it. `make`: creates it where it is not; without, -1 and ENOENT. */
static int lock_parent(const char *root, bool make)
{
	HM_FREE char *path = hm_sprintf("%s/" HM_CHAMBER_GROUP, root);

	for (int i = 0; i < RETRIES; i++) {
		struct stat a, b;
		HM_CLOSE int fd = -1;

		if (make && mkdir(path, 0755) < 0 && errno != EEXIST)
			return -1;
		fd = open_folder(AT_FDCWD, path);
		if (fd < 0 && (errno != ENOENT || !make))
			return -1;
		if (fd < 0 || flock(fd, LOCK_EX) < 0)
			continue;
		/* Somebody may have removed it, being empty, before we had the lock. */
		if (stat(path, &a) == 0 && fstat(fd, &b) == 0 && a.st_ino == b.st_ino)
			return hm_take_fd(&fd);
	}
	errno = EAGAIN;
	return -1;
}

static int make_at(int parent, const char *name, int *fd)
{
	if (mkdirat(parent, name, 0755) < 0)
		return -1;
	*fd = open_folder(parent, name);
	return *fd < 0 ? -1 : 0;
}

/* Bounds the number of processes: a fork bomb ends at the limit. Where version 2 counts processes the controller has to
 * be handed down to the run; elsewhere the version 1 twin does it. Without either there is no such bound on this
 * machine. */
static int limit_pids(struct hm_chamber_groups *g, const struct roots *roots, int parent, struct hm_fail *fail)
{
	HM_FREE char *limit = hm_sprintf("%u", HM_CHAMBER_PIDS_MAX), *own = NULL;
	HM_CLOSE int top = -1, twin = -1;

	if (!roots->pids) {
		top = open_folder(AT_FDCWD, roots->v2);
		if (top >= 0 && control_at(top, "cgroup.subtree_control", "+pids") == 0 &&
		    control_at(parent, "cgroup.subtree_control", "+pids") == 0 &&
		    control_at(g->run, "pids.max", limit) < 0)
			return hm_fail_errno(fail, "limiting the product's processes");
		return 0;
	}
	own = hm_sprintf("%s/" HM_CHAMBER_GROUP, roots->pids);
	if (mkdir(own, 0755) < 0 && errno != EEXIST)
		return hm_fail_errno(fail, "making control group %s", own);
	g->pids = hm_sprintf("%s/%s", own, g->name);
	if (mkdir(g->pids, 0755) < 0 && errno != EEXIST)
		return hm_fail_errno(fail, "making control group %s", g->pids);
	twin = open_folder(AT_FDCWD, g->pids);
	if (twin < 0 || control_at(twin, "pids.max", limit) < 0)
		return hm_fail_errno(fail, "limiting the product's processes in %s", g->pids);
	return 0;
}

int hm_chamber_groups_open(struct hm_chamber_groups *g, const char *name, struct hm_fail *fail)
{
	HM_CLEANUP(release_roots) struct roots roots = { 0 };
	HM_CLOSE int parent = -1;
	struct stat st;
	int r = hm_chamber_mounts_each(note_root, &roots, fail);

	if (r < 0)
		return r;
	if (!roots.v2)
		return hm_fail_set(fail, HM_E_SYSTEM,
				   "making the run's control group: no cgroup2 file system is mounted "
				   "(mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified)");
	parent = lock_parent(roots.v2, true);
	if (parent < 0) {
		hm_fail_errno(fail, "making control group %s/" HM_CHAMBER_GROUP, roots.v2);
		return hm_fail_advise(fail, "it takes root, and a cgroup2 file system that may be written");
	}
	g->name = hm_strdup(name);
	if (make_at(parent, name, &g->run) < 0) {
		r = hm_fail_errno(fail, "making control group %s/" HM_CHAMBER_GROUP "/%s", roots.v2, name);
		return errno == EEXIST ? hm_fail_advise(fail, "another run has this name") : r;
	}
	g->v2 = hm_sprintf("%s/" HM_CHAMBER_GROUP "/%s", roots.v2, name);
	if (!hm_chamber_lock(g->run, 0))
		return hm_fail_errno(fail, "locking control group %s", g->v2);
	if (limit_pids(g, &roots, parent, fail) < 0)
		return HM_E_SYSTEM;
	if (make_at(g->run, "init", &g->init) < 0 || make_at(g->run, "product", &g->product) < 0 ||
	    fstat(g->product, &st) < 0)
		return hm_fail_errno(fail, "making control groups in %s", g->v2);
	g->product_id = st.st_ino;
	return 0;
}

int hm_chamber_groups_adopt(const struct hm_chamber_groups *g, pid_t pid, struct hm_fail *fail)
{
	HM_FREE char *text = hm_sprintf("%d", (int)pid);
	HM_CLOSE int fd = -1;

	if (!g->pids)
		return 0;
	fd = open_folder(AT_FDCWD, g->pids);
	if (fd < 0 || control_at(fd, "cgroup.procs", text) < 0)
		return hm_fail_errno(fail, "moving the chamber to %s", g->pids);
	return 0;
}

static bool is_populated(int events)
{
	char text[256];
	ssize_t n = pread(events, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return false; /* the group was removed meanwhile */
	text[n] = 0;
	return strstr(text, "populated 1") != NULL;
}

/* SIGKILL reaches frozen processes too, but they are counted as living until they are thawed on some kernels. */
int hm_chamber_group_kill(int fd, struct hm_fail *fail)
{
	HM_CLOSE int events = openat(fd, "cgroup.events", O_RDONLY | O_CLOEXEC);

	if (events < 0)
		return errno == ENOENT || errno == ENODEV ? 0 : hm_fail_errno(fail, "reading cgroup.events");
	for (unsigned waited = 0; is_populated(events); waited += 20) {
		struct pollfd p = { .fd = events, .events = POLLPRI };

		if (waited >= EMPTY_MS)
			return hm_fail_set(fail, HM_E_SYSTEM, "killing the product: processes still live after %d s",
					   EMPTY_MS / 1000);
		if (control_at(fd, "cgroup.kill", "1") < 0)
			return hm_fail_errno(fail, "killing the product: writing cgroup.kill");
		if (control_at(fd, "cgroup.freeze", "0") < 0)
			return hm_fail_errno(fail, "killing the product: writing cgroup.freeze");
		poll(&p, 1, 20);
	}
	return 0;
}

/* A process that has just been killed may hold its group for some milliseconds more. */
static int remove_group(int parent, const char *name, struct hm_fail *fail)
{
	for (int i = 0; i < RETRIES; i++) {
		if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT || errno == ENODEV)
			return 0;
		if (errno != EBUSY)
			break;
		nap_ms(5);
	}
	return hm_fail_errno(fail, "removing control group %s", name);
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static DIR *list_folder(int fd)
{
	int copy = open_folder(fd, ".");
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);

	if (copy >= 0 && !dir)
		close(copy);
	return dir;
}

/* Depth first. Control groups nest as deep as the kernel lets them (and a product has no cgroup file system to make
 * any). */
static int remove_groups(int parent, const char *name, unsigned depth, struct hm_fail *fail)
{
	HM_CLOSE int fd = open_folder(parent, name);
	HM_CLEANUP(close_dir) DIR *dir = fd < 0 ? NULL : list_folder(fd);
	struct dirent *e;
	int r = 0;

	if (!dir)
		return errno == ENOENT ? 0 : hm_fail_errno(fail, "removing control group %s", name);
	while (r == 0 && (e = readdir(dir)))
		if (e->d_type == DT_DIR && e->d_name[0] != '.' && depth < 64)
			r = remove_groups(fd, e->d_name, depth + 1, fail);
	return r < 0 ? r : remove_group(parent, name, fail);
}

void hm_chamber_groups_release(struct hm_chamber_groups *g)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes said = { 0 };
	int *fds[] = { &g->init, &g->product, &g->run };

	/* A process that was forked while this run lived may not have closed its copy of the lock yet: another run's
	 * guardian, before it has had its first turn. */
	if (g->run >= 0)
		(void)flock(g->run, LOCK_UN);
	for (size_t i = 0; i < HM_COUNT(fds); i++)
		if (*fds[i] >= 0)
			close(hm_take_fd(fds[i]));
	/* Without the lock the run is like one that was killed; what cannot be removed now is left to the next sweep.
	 */
	if (g->v2 && hm_chamber_groups_sweep(g->name, 0, &said, NULL) < 0)
		said.len = 0;
	free(g->name);
	free(g->v2);
	free(g->pids);
	*g = (struct hm_chamber_groups){ .run = -1, .init = -1, .product = -1 };
}

static int sweep_one(int parent, const char *name, unsigned wait_ms, struct hm_bytes *said, struct hm_fail *fail)
{
	HM_CLOSE int fd = open_folder(parent, name);
	int r;

	if (fd < 0)
		return errno == ENOENT ? 0 : hm_fail_errno(fail, "opening control group %s", name);
	if (!hm_chamber_lock(fd, wait_ms))
		return 1;
	r = hm_chamber_group_kill(fd, fail);
	if (r == 0)
		r = remove_groups(parent, name, 0, fail);
	if (r == 0)
		hm_bytes_printf(said, "removed control group " HM_CHAMBER_GROUP "/%s of a run that was killed\n", name);
	return r;
}

/* Twins have no lock of their own: one without its group of version 2 is of no use to anybody. Called with `v2` locked.
 */
static void sweep_twins(const char *pids, int v2, const char *name)
{
	HM_FREE char *path = hm_sprintf("%s/" HM_CHAMBER_GROUP, pids);
	HM_CLOSE int fd = open_folder(AT_FDCWD, path), top = open_folder(AT_FDCWD, pids);
	HM_CLEANUP(close_dir) DIR *dir = fd < 0 ? NULL : list_folder(fd);
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		if (e->d_type != DT_DIR || e->d_name[0] == '.' || (name && strcmp(name, e->d_name) != 0))
			continue;
		if (faccessat(v2, e->d_name, F_OK, 0) < 0 && errno == ENOENT && remove_group(fd, e->d_name, NULL) < 0)
			continue;
	}
	if (top >= 0)
		unlinkat(top, HM_CHAMBER_GROUP, AT_REMOVEDIR);
}

int hm_chamber_groups_sweep(const char *name, unsigned wait_ms, struct hm_bytes *said, struct hm_fail *fail)
{
	HM_CLEANUP(release_roots) struct roots roots = { 0 };
	HM_CLEANUP(close_dir) DIR *dir = NULL;
	HM_CLOSE int parent = -1, top = -1;
	struct dirent *e;
	int r = hm_chamber_mounts_each(note_root, &roots, fail);

	if (r < 0 || !roots.v2)
		return r;
	parent = lock_parent(roots.v2, false);
	if (parent < 0 && errno == ENOENT)
		return 0;
	dir = parent < 0 ? NULL : list_folder(parent);
	if (!dir)
		return hm_fail_errno(fail, "reading control group %s/" HM_CHAMBER_GROUP, roots.v2);
	while (r >= 0 && (e = readdir(dir)))
		if (e->d_type == DT_DIR && e->d_name[0] != '.' && (!name || strcmp(name, e->d_name) == 0))
			r = sweep_one(parent, e->d_name, wait_ms, said, fail);
	if (r < 0)
		return r;
	if (roots.pids)
		sweep_twins(roots.pids, parent, name);
	top = open_folder(AT_FDCWD, roots.v2);
	if (top >= 0)
		unlinkat(top, HM_CHAMBER_GROUP, AT_REMOVEDIR); /* fails as long as a run is in it */
	return 0;
}
