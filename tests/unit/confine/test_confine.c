/* What is left to a confined process: each thing is tried in a child, whose exit code says what came of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "confine.h"

static char folder[] = "/tmp/hallmark-confine-XXXXXX";
static int missing;
static bool old_kernel;
static int forget_landlock(void);

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
		int r = old_kernel && forget_landlock() != 0 ? -1 : hm_confine(&how, &fail);

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

/* The filter of system calls does not see the flags. */
static int open_how(int flags)
{
	const struct open_how how = { .flags = (uint64_t)(unsigned)flags, .resolve = RESOLVE_IN_ROOT };
	int at = open(folder, O_RDONLY | O_DIRECTORY);

	return (int)syscall(SYS_openat2, at, "inside", &how, sizeof(how));
}

static int open_to_read(void)
{
	return open_how(O_RDONLY);
}

static int open_to_write(void)
{
	return open_how(O_RDWR);
}

static int open_to_cut(void)
{
	return open_how(O_RDONLY | O_TRUNC);
}

static pid_t sibling;

static int trace_sibling(void)
{
	return (int)ptrace(PTRACE_ATTACH, sibling, NULL, NULL);
}

static int read_sibling(void)
{
	char byte;
	struct iovec here = { &byte, 1 }, there = { folder, 1 };

	return (int)process_vm_readv(sibling, &here, 1, &there, 1, 0);
}

static int kill_sibling(void)
{
	return (int)syscall(SYS_tgkill, sibling, sibling, SIGKILL);
}

/* A descriptor that sends signals to whom it is told. */
static int signal_by_descriptor(void)
{
	return fcntl(0, F_SETOWN, sibling);
}

static int make_ring(void)
{
	char parameters[128] = { 0 };

	return (int)syscall(SYS_io_uring_setup, 1, parameters);
}

static int make_space(void)
{
	return unshare(CLONE_NEWUSER);
}

static int connect_local(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0);
}

static void leaves_others_alone(void **state HM_UNUSED)
{
	static int (*const what[])(void) = { trace_sibling, read_sibling, kill_sibling, signal_by_descriptor, make_ring, make_space, connect_local };

	sibling = fork();
	if (sibling == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		pause();
		_exit(0);
	}
	for (size_t i = 0; i < HM_COUNT(what); i++)
		assert_int_equal(try(what[i]), 1);
	assert_int_equal(kill(sibling, SIGKILL), 0);
	assert_int_equal(waitpid(sibling, NULL, 0), sibling);
}

/* A kernel without Landlock: its first call is not there. */
static int forget_landlock(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_landlock_create_ruleset, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { HM_COUNT(code), code };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0 ? -1 : 0;
}

static void without_landlock(void **state HM_UNUSED)
{
	old_kernel = true;
	assert_int_equal(try(read_inside), 0);
	assert_int_equal(missing, HM_CONFINE_LANDLOCK);
	assert_int_equal(try(open_to_write), 1);
	assert_int_equal(try(open_to_cut), 1);
	assert_int_equal(try(write_inside), 1);
	assert_int_equal(try(create_inside), 1);
	assert_int_equal(try(connect_out), 1);
	assert_int_equal(try(execute), 1);
	old_kernel = false;
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
	assert_int_equal(try(open_to_write), 1);
	assert_int_equal(try(open_to_read), missing ? 1 : 0);
	if (geteuid() == 0) /* a user needs a kernel that knows of it */
		assert_int_equal(try(open_to_cut), 1);
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
					    cmocka_unit_test(does_nothing_else), cmocka_unit_test(leaves_others_alone), cmocka_unit_test(without_landlock) };

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
