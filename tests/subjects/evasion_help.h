#pragma once
/* What the steps of evasion_subject.c are made of. */
#include "subject.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <utime.h>


static char *folder, *outside, *self;
static int caged;

static const char *in_folder(const char *name)
{
	static char path[8][4096];
	static unsigned at;
	char *out = path[at++ % 8];

	snprintf(out, sizeof(path[0]), "%s/%s", folder, name);
	return out;
}

/* Opens a file of that name and closes it again: where the record has it, this was seen. */
static void leave_mark(const char *name)
{
	int fd = open(in_folder(name), O_RDWR | O_CREAT, 0600);

	must(fd >= 0, name);
	close(fd);
}

static void state_mark(const char *name, int seen)
{
	state("%sopen path=\"%s\"", seen ? "" : "!", in_folder(name));
}

static void state_call(long nr, long result, long a, long b, long c)
{
	state("call nr=%ld result=%ld arg0=%ld arg1=%ld arg2=%ld", nr, result, a, b, c);
}

static void state_deny(long nr, int error, long a, long b)
{
	state("deny nr=%ld result=%d arg0=%ld arg1=%ld", nr, -error, a, b);
}

/* A call that succeeds where the product is free, and is refused in the chamber. */
static long attempt(const char *what, long nr, long a, long b, long c, long d, long e)
{
	long result = syscall(nr, a, b, c, d, e, 0l);

	if (caged) {
		must(result == -1 && errno == EPERM, what);
		state_deny(nr, EPERM, a, b);
	} else {
		must(result >= 0, what);
		state_call(nr, result, a, b, c);
	}
	return result;
}

/* A call that fails by itself where the product is free, and is refused in the chamber before that. Machines may refuse it
 * anyway, and that is seen as well. */
static void attempt_in_vain(const char *what, long nr, long a, long b, long c, long d, long e)
{
	must(syscall(nr, a, b, c, d, e, 0l) == -1, what);
	if (caged)
		must(errno == EPERM, what);
	if (errno == EPERM || errno == EACCES || errno == ENOSYS)
		state_deny(nr, errno, a, b);
	else
		state("!call nr=%ld", nr);
}

static pid_t fork_child(void (*child)(void))
{
	pid_t pid = fork();

	must(pid >= 0, "fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* nobody is left behind where a step fails */
		child();
		_exit(0);
	}
	return pid;
}

static void wait_for(pid_t pid)
{
	int status;

	must(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0, "child");
}
