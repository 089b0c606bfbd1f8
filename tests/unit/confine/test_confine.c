/* What is left to a confined process: each thing is tried in a child, whose exit code says what came of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "confine.h"

static char folder[] = "/tmp/hallmark-confine-XXXXXX";
static int missing;

static int set_up(void **state HM_UNUSED)
{
	char path[64];
	int fd;

	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/inside", folder);
	fd = open(path, O_WRONLY | O_CREAT, 0644);
	return fd < 0 || write(fd, "x", 1) != 1 ? -1 : close(fd);
}

static int tear_down(void **state HM_UNUSED)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/inside", folder);
	unlink(path);
	return rmdir(folder);
}

/* 0: it worked; 1: it was refused. */
static int try(int (*what)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		const char *const readable[] = { folder, NULL };
		const struct hm_confine how = { readable, (size_t)64 << 20 };
		struct hm_fail fail;
		int r = hm_confine(&how, &fail);

		_exit(r < 0 ? 99 : what() >= 0 ? r << 1 : 1 | r << 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) || WIFSIGNALED(status));
	if (WIFSIGNALED(status))
		return 1;
	assert_int_not_equal(WEXITSTATUS(status), 99);
	missing = WEXITSTATUS(status) >> 1;
	return WEXITSTATUS(status) & 1;
}

static int read_inside(void)
{
	char path[64], byte;
	int fd;

	snprintf(path, sizeof(path), "%s/inside", folder);
	fd = open(path, O_RDONLY);
	return fd < 0 || read(fd, &byte, 1) != 1 ? -1 : 0;
}

static int read_outside(void)
{
	return open("/etc/passwd", O_RDONLY);
}

static int write_inside(void)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/inside", folder);
	return open(path, O_RDWR);
}

static int create_inside(void)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/new", folder);
	return open(path, O_RDONLY | O_CREAT, 0644);
}

static int truncate_inside(void)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/inside", folder);
	return truncate(path, 0);
}

static int execute(void)
{
	return execl("/bin/true", "true", NULL);
}

static int start(void)
{
	return fork();
}

static int connect_out(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static int kill_parent(void)
{
	return kill(getppid(), 0);
}

static int take_memory(void)
{
	char *much = malloc((size_t)256 << 20);

	if (!much)
		return -1;
	memset(much, 1, (size_t)256 << 20);
	return 0;
}

static void reads_what_it_may(void **state HM_UNUSED)
{
	assert_int_equal(try(read_inside), 0);
}

static void reads_nothing_else(void **state HM_UNUSED)
{
	int refused = try(read_outside);

	if (missing & HM_CONFINE_LANDLOCK)
		skip(); /* this kernel has no Landlock */
	assert_int_equal(refused, 1);
}

static void changes_nothing(void **state HM_UNUSED)
{
	assert_int_equal(try(write_inside), 1);
	assert_int_equal(try(create_inside), 1);
	assert_int_equal(try(truncate_inside), 1);
}

static void does_nothing_else(void **state HM_UNUSED)
{
	assert_int_equal(try(execute), 1);
	assert_int_equal(try(start), 1);
	assert_int_equal(try(connect_out), 1);
	assert_int_equal(try(kill_parent), 1);
	assert_int_equal(try(take_memory), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(reads_what_it_may), cmocka_unit_test(reads_nothing_else), cmocka_unit_test(changes_nothing),
					    cmocka_unit_test(does_nothing_else) };

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
