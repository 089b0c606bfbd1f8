/* Finding a control group, and refusing what must not be stopped. Makes groups below one of its own, and removes them. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <mntent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "group.h"

static char mount[256], top[384], base[64];

static const char *const folders[] = { "a.slice", "a.slice/one.service", "a.slice/two.service", "b.slice", "b.slice/two.service",
				       "b.slice/three.scope", "plain", "plain/plain.service" };

static char *below(const char *name)
{
	return hm_sprintf("%s/%s", top, name);
}

static void put(const char *folder, const char *file, const char *text)
{
	HM_FREE char *path = hm_sprintf("%s/%s/%s", top, folder, file);
	HM_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static bool find_mount(const char *type, const char *option, char *out, size_t size)
{
	FILE *mounts = setmntent("/proc/self/mounts", "r");
	const struct mntent *m;
	bool found = false;

	while (!found && (m = getmntent(mounts)))
		if (strcmp(m->mnt_type, type) == 0 && (!option || hasmntopt(m, option))) {
			snprintf(out, size, "%s", m->mnt_dir);
			found = true;
		}
	endmntent(mounts);
	return found;
}

static int remove_folders(void **state HM_UNUSED)
{
	for (size_t i = HM_COUNT(folders); i > 0; i--) {
		HM_FREE char *path = below(folders[i - 1]);

		for (int tries = 0; rmdir(path) < 0 && errno == EBUSY && tries < 200; tries++)
			nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
	}
	rmdir(top);
	return 0;
}

static int make_folders(void **state HM_UNUSED)
{
	if (geteuid() != 0 || !find_mount("cgroup2", NULL, mount, sizeof(mount)))
		return 0;
	snprintf(base, sizeof(base), "hm-group-%d", (int)getpid());
	snprintf(top, sizeof(top), "%s/%s", mount, base);
	if (mkdir(top, 0755) < 0)
		return -1;
	for (size_t i = 0; i < HM_COUNT(folders); i++) {
		HM_FREE char *path = below(folders[i]);

		if (mkdir(path, 0755) < 0)
			return -1;
	}
	return 0;
}

static void need_groups(void)
{
	if (!top[0]) {
		print_message("skipped: needs root and a cgroup2 file system\n");
		skip();
	}
}

static void opens(const char *path, const char *wanted)
{
	HM_CLEANUP(hm_group_release) struct hm_group g = HM_GROUP_NONE;
	HM_FREE char *full = below(wanted);
	struct hm_fail fail = { 0 };
	struct stat st;

	if (hm_group_open(&g, path, &fail) < 0)
		fail_msg("%s: %s", path, fail.text);
	assert_string_equal(g.path, full);
	assert_int_equal(stat(full, &st), 0);
	assert_int_equal(g.id, st.st_ino);
}

static void refuses(const char *path, int code, const char *why)
{
	HM_CLEANUP(hm_group_release) struct hm_group g = HM_GROUP_NONE;
	struct hm_fail fail = { 0 };

	assert_int_equal(hm_group_open(&g, path, &fail), code);
	if (!strstr(fail.text, why))
		fail_msg("%s: %s", path, fail.text);
}

static void by_path(void **state HM_UNUSED)
{
	HM_FREE char *full = NULL, *relative = NULL, *rooted = NULL, *turned = NULL;

	need_groups();
	full = below("a.slice/one.service");
	relative = hm_sprintf("%s/a.slice/one.service", base);
	rooted = hm_sprintf("/%s/a.slice/one.service", base);
	turned = hm_sprintf("%s/b.slice/../a.slice//one.service/", base);
	opens(full, "a.slice/one.service");
	opens(relative, "a.slice/one.service");
	opens(rooted, "a.slice/one.service");
	opens(turned, "a.slice/one.service");
}

static void what_is_no_group(void **state HM_UNUSED)
{
	char first[256];
	HM_FREE char *file = NULL;

	need_groups();
	file = below("plain/cgroup.procs");
	refuses("/", HM_E_USAGE, "root control group");
	refuses(mount, HM_E_USAGE, "root control group");
	refuses("no-such-group", HM_E_SYSTEM, "No such file");
	refuses("/proc/self", HM_E_SYSTEM, "No such file");
	refuses("", HM_E_USAGE, "root control group");
	refuses("..", HM_E_USAGE, "not below");
	refuses(file, HM_E_SYSTEM, "Not a directory");
	if (find_mount("cgroup", "pids", first, sizeof(first)))
		refuses(first, HM_E_USAGE, "version 1");
}

static void finds(const char *unit, const char *wanted)
{
	HM_CLEANUP(hm_group_release) struct hm_group g = HM_GROUP_NONE;
	HM_FREE char *full = below(wanted);
	struct hm_fail fail = { 0 };

	if (hm_group_find(&g, unit, &fail) < 0)
		fail_msg("%s: %s", unit, fail.text);
	assert_string_equal(g.path, full);
}

static void finds_none(const char *unit, int code, const char *why)
{
	HM_CLEANUP(hm_group_release) struct hm_group g = HM_GROUP_NONE;
	struct hm_fail fail = { 0 };

	assert_int_equal(hm_group_find(&g, unit, &fail), code);
	if (!strstr(fail.text, why))
		fail_msg("%s: %s", unit, fail.text);
	assert_int_equal(g.fd, -1);
}

static void by_unit(void **state HM_UNUSED)
{
	need_groups();
	finds("one", "a.slice/one.service");
	finds("one.service", "a.slice/one.service");
	finds("three", "b.slice/three.scope");
	finds("plain.service", "plain/plain.service");
	finds_none("one.scope", HM_E_SYSTEM, "no control group");
	finds_none("on", HM_E_SYSTEM, "no control group");
	finds_none("one.servic", HM_E_SYSTEM, "no control group");
	finds_none("two", HM_E_SYSTEM, "2 control groups");
	finds_none("plain", HM_E_SYSTEM, "2 control groups"); /* itself, and plain.service */
	finds_none("a.slice/one", HM_E_USAGE, "--cgroup");
	finds_none("", HM_E_USAGE, "not the name");
}

/* In a child that has joined `joined`, and where `deeper` is set in a child of it that has joined that. */
static int code_inside(const char *joined, const char *deeper, const char *asked)
{
	HM_CLEANUP(hm_group_release) struct hm_group g = HM_GROUP_NONE;
	HM_FREE char *path = below(asked);
	struct hm_fail fail = { 0 };
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		put(joined, "cgroup.procs", "0");
		if (!deeper)
			_exit(-hm_group_open(&g, path, &fail));
		pid = fork();
		if (pid == 0) {
			put(deeper, "cgroup.procs", "0");
			_exit(-hm_group_open(&g, path, &fail));
		}
		if (waitpid(pid, &status, 0) != pid)
			_exit(99);
		_exit(WEXITSTATUS(status));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return -WEXITSTATUS(status);
}

static void its_own(void **state HM_UNUSED)
{
	need_groups();
	assert_int_equal(code_inside("plain", NULL, "plain"), HM_E_USAGE);
	assert_int_equal(code_inside("a.slice/one.service", NULL, "a.slice"), HM_E_USAGE);
	assert_int_equal(code_inside("plain", "b.slice", "plain"), HM_E_USAGE);
	/* Neighbours, and what is below, are others. */
	assert_int_equal(code_inside("plain", "b.slice", "a.slice"), 0);
	assert_int_equal(code_inside("plain", NULL, "plain/plain.service"), 0);
}

static void populated_and_frozen(void **state HM_UNUSED)
{
	HM_FREE char *path = NULL;
	HM_CLOSE int fd = -1;
	char text[32];
	int status;
	pid_t pid;

	need_groups();
	path = below("a.slice");
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_false(hm_group_populated(fd));
	pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	snprintf(text, sizeof(text), "%d", (int)pid);
	put("a.slice/one.service", "cgroup.procs", text);
	assert_true(hm_group_populated(fd));
	assert_false(hm_group_frozen(fd));
	put("a.slice", "cgroup.freeze", "1");
	assert_true(hm_group_frozen(fd));
	put("a.slice", "cgroup.freeze", "0");
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	for (int i = 0; i < 4000 && hm_group_populated(fd); i++)
		nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
	assert_false(hm_group_populated(fd));
	close(fd);
	path[strlen(path) - strlen("a.slice")] = 0;
	HM_FREE char *gone = hm_sprintf("%sgone", path);
	assert_int_equal(mkdir(gone, 0755), 0);
	fd = open(gone, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(rmdir(gone), 0);
	assert_false(hm_group_populated(fd));
	assert_false(hm_group_frozen(fd));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_path), cmocka_unit_test(what_is_no_group), cmocka_unit_test(by_unit),
		cmocka_unit_test(its_own), cmocka_unit_test(populated_and_frozen),
	};

	return cmocka_run_group_tests(tests, make_folders, remove_folders);
}
