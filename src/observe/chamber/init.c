/* Pid 1 of the chamber. Hallmark clones it into fresh namespaces and the control group `init`; it makes the root and
 * the identity, waits for the word to go, clones the product into the control group `product`, and then does nothing
 * but reap and report until it is killed. It dies with hallmark (PDEATHSIG), and everything in its pid namespace with
 * it.
 *
 * It is a copy of hallmark without exec, so it holds hallmark's memory: it makes itself undumpable, and no profile
 * leaves a product CAP_SYS_PTRACE, so that nothing in the chamber can look into it. Its own rights go before the
 * product starts. */
#include "chamber_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "event.h"
#include "fs.h"

#define DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define OOM_SCORE "500\n" /* when memory is short the product goes first, and not the recorder */

struct clone3_args { /* struct clone_args of linux/sched.h, which cannot be included beside sched.h */
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size,
	    cgroup;
};

#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ull
#endif

int hm_chamber_clone(pid_t *pid, int *pidfd, uint64_t flags, int cgroup, struct hm_fail *fail)
{
	struct clone3_args args = { .flags = flags | CLONE_INTO_CGROUP | (pidfd ? CLONE_PIDFD : 0),
				    .pidfd = (uintptr_t)pidfd,
				    .exit_signal = SIGCHLD,
				    .cgroup = (uint64_t)cgroup };
	long r = syscall(SYS_clone3, &args, sizeof(args));

	if (r < 0)
		return hm_fail_errno(fail, "cloning into the control group");
	*pid = (pid_t)r;
	return 0;
}

void hm_chamber_say(int control, const struct hm_chamber_message *m, const int *fds, size_t count)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(HM_CHAMBER_FDS * sizeof(int))];
	} with = { .head = { .cmsg_len = CMSG_LEN(count * sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS } };
	struct iovec v = { (void *)(uintptr_t)m, sizeof(*m) };
	struct msghdr h = { .msg_iov = &v, .msg_iovlen = 1 };

	if (count) {
		memcpy(CMSG_DATA(&with.head), fds, count * sizeof(int));
		h.msg_control = &with;
		h.msg_controllen = CMSG_SPACE(count * sizeof(int));
	}
	while (sendmsg(control, &h, MSG_NOSIGNAL) < 0 && errno == EINTR)
		;
}

static _Noreturn void give_up(int control, const struct hm_fail *fail)
{
	struct hm_chamber_message m = { .said = HM_SAID_FAILED, .fail = *fail };

	hm_chamber_say(control, &m, NULL, 0);
	_exit(1);
}

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Closes every descriptor but these, which leave 0 to 2 to /dev/null. */
static void keep_only(int *const *fds, size_t count)
{
	int sorted[8], next = 0;
	size_t n = 0;

	for (size_t i = 0; i < count && n < HM_COUNT(sorted); i++) {
		if (*fds[i] >= 0 && *fds[i] < 3)
			*fds[i] = fcntl(*fds[i], F_DUPFD_CLOEXEC, 3);
		if (*fds[i] >= 0)
			sorted[n++] = *fds[i];
	}
	qsort(sorted, n, sizeof(int), by_number);
	for (size_t i = 0; i < n; i++) {
		if (sorted[i] > next)
			close_range((unsigned)next, (unsigned)sorted[i] - 1, 0);
		next = sorted[i] + 1;
	}
	close_range((unsigned)next, ~0u, 0);
	while ((next = open("/dev/null", O_RDWR)) >= 0 && next < 2)
		;
}

/* By the system call: the C library refuses to touch 32 and 33, its own, and its posix_spawn, which make uses, leaves them
 * ignored in what it starts. */
static void default_signals(void)
{
	const unsigned long plain[4] = { 0 }; /* the kernel's struct sigaction: handler, flags, restorer, mask */
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		syscall(SYS_rt_sigaction, i, plain, NULL, NSIG / 8);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static char **copy_strings(const char *const *list)
{
	char **copy;
	size_t n = 0;

	while (list[n])
		n++;
	copy = hm_alloc(n + 1, sizeof(*copy));
	for (size_t i = 0; i < n; i++)
		copy[i] = hm_strdup(list[i]);
	return copy;
}

static int open_stdin(const char *path, struct hm_fail *fail)
{
	/* O_NONBLOCK: a named pipe without a writer would hold the run up for ever */
	int fd = open(path ? path : "/dev/null", O_RDONLY | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return hm_fail_errno(fail, "opening %s as standard input", path ? path : "/dev/null");
	return fcntl(fd, F_SETFL, 0) < 0 ? hm_fail_errno(fail, "opening %s as standard input", path) : fd;
}

struct launch {
	const struct hm_chamber *chamber;
	struct hm_chamber_profile *profile;
	char **argv, **env, *in; /* copies: hallmark's arguments, which the spec may point into, are overwritten */
	int go[2], broke[2];     /* pid 1 is ready; struct hm_fail of the child, or its end by exec */
};

/* The product's process up to exec. It runs in the product's control group, so the recorder sees from here on. */
static int become_product(const struct launch *l, struct hm_fail *fail)
{
	int in, r;
	char byte;

	if (setsid() < 0 || read(l->go[0], &byte, 1) != 1)
		return hm_fail_set(fail, HM_E_SYSTEM, "starting the product: pid 1 of the chamber has ended");
	/* The root of its cgroup namespace is its own group: /proc/self/cgroup tells nothing about the host's. */
	if (unshare(CLONE_NEWCGROUP) < 0)
		return hm_fail_errno(fail, "making a cgroup namespace");
	in = open_stdin(l->in, fail);
	if (in < 0)
		return in;
	if (dup2(in, 0) < 0 || dup2(l->chamber->out, 1) < 0 || dup2(l->chamber->err, 2) < 0 ||
	    close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
		return hm_fail_errno(fail, "giving the product its standard files");
	r = hm_chamber_profile_enter(l->profile, fail);
	if (r < 0)
		return r;
	environ = l->env;
	execvp(l->argv[0], l->argv);
	return hm_fail_errno(fail, "running %s", l->argv[0]);
}

/* Waits for the child's exec: the end of the pipe without a word. */
static int await_exec(const struct launch *l, struct hm_fail *fail)
{
	ssize_t n;

	do
		n = read(l->broke[0], fail, sizeof(*fail));
	while (n < 0 && errno == EINTR);
	return n == 0 ? 0
	       : n == sizeof(*fail)
		   ? fail->code
		   : hm_fail_set(fail, HM_E_SYSTEM, "starting the product: its last word is cut short");
}

static int harden(const struct hm_chamber_profile *profile, struct hm_fail *fail)
{
	int r = hm_chamber_profile_enter(profile, fail);

	/* A change of credentials clears it. */
	if (r == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		r = hm_fail_errno(fail, "tying the chamber to hallmark");
	return r;
}

static int launch(struct launch *l, pid_t *product, struct hm_fail *fail)
{
	int r;

	if (pipe2(l->go, O_CLOEXEC) < 0 || pipe2(l->broke, O_CLOEXEC) < 0)
		return hm_fail_errno(fail, "starting the product");
	r = hm_chamber_clone(product, NULL, 0, l->chamber->groups.product, fail);
	if (r < 0)
		return r;
	if (*product == 0) {
		close(l->go[1]);
		close(l->broke[0]);
		if (become_product(l, fail) < 0 && write(l->broke[1], fail, sizeof(*fail)) < 0)
			_exit(126);
		_exit(127);
	}
	close(l->go[0]);
	close(l->broke[1]);
	close(l->chamber->out);
	close(l->chamber->err);
	close(l->chamber->groups.product);
	r = harden(l->profile, fail);
	if (r == 0 && write(l->go[1], "g", 1) != 1)
		r = hm_fail_errno(fail, "starting the product");
	close(l->go[1]);
	return r < 0 ? r : await_exec(l, fail);
}

static void report(int control, int status)
{
	struct hm_chamber_message m = { .said = HM_SAID_ENDED };
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	m.end_ns = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
	m.outcome = WIFEXITED(status) ? HM_OUTCOME_EXITED : HM_OUTCOME_SIGNALLED;
	m.status = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
	hm_chamber_say(control, &m, NULL, 0);
}

/* For ever: everything that loses its parent in the chamber is pid 1's to reap. */
static _Noreturn void reap(int control, pid_t product)
{
	sigset_t child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	for (;;) {
		int status, signal_number;
		pid_t pid = waitpid(-1, &status, WNOHANG);

		if (pid == product)
			report(control, status);
		if (pid <= 0)
			sigwait(&child, &signal_number);
	}
}

static void await_go(int control)
{
	char byte;
	ssize_t n;

	do
		n = recv(control, &byte, 1, 0);
	while (n < 0 && errno == EINTR);
	if (n != 1)
		_exit(1);
}

static int prepare(struct hm_chamber *c, const struct hm_chamber_spec *spec, struct launch *l, struct hm_fail *fail)
{
	HM_CLOSE int oom = -1;
	int r = hm_chamber_root(c, spec, fail);

	umask(022);
	if (r == 0)
		r = hm_chamber_identity(spec, fail);
	if (r == 0)
		r = hm_chamber_profile_open(&l->profile, spec->privileged, fail);
	if (r == 0)
		r = hm_chamber_profile_limits(fail);
	if (r == 0)
		r = hm_chamber_bystanders(spec, l->profile, fail);
	if (r < 0)
		return r;
	oom = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (oom < 0 || write(oom, OOM_SCORE, strlen(OOM_SCORE)) < 0)
		return hm_fail_errno(fail, "writing /proc/self/oom_score_adj");
	/* Not hallmark's session keyring. Kernels without keyrings have none to leave. */
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL, 0, 0, 0) < 0 && errno != ENOSYS)
		return hm_fail_errno(fail, "leaving hallmark's keyring");
	return 0;
}

/* The product inherits all of it. Done here and not by the product's process, because what that does is recorded. */
static int make_equal(struct hm_chamber *c, const struct hm_control_spec *control, struct hm_fail *fail)
{
	int r = 0;

	if (!control)
		return 0;
	if (personality(ADDR_NO_RANDOMIZE) < 0)
		return hm_fail_errno(fail, "turning off the randomisation of addresses");
	if (c->fuse[0] >= 0)
		r = hm_control_devices(c->fuse, fail);
	if (r == 0)
		r = hm_control_monotonic(control, fail);
	return r < 0 ? r : hm_control_filter(&c->listener, fail);
}

/* What makes noise equal goes with it: it is for the supervisor. */
static void say_ready(struct hm_chamber *c)
{
	const struct hm_chamber_message m = { .said = HM_SAID_READY };
	int fds[HM_CHAMBER_FDS] = { c->listener };

	for (size_t i = 0; i < HM_COUNT(c->fuse); i++)
		fds[1 + i] = c->fuse[i];
	hm_chamber_say(c->control, &m, fds, c->listener < 0 ? 0 : c->fuse[0] < 0 ? 1 : HM_COUNT(fds));
	for (size_t i = 0; i < HM_COUNT(fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

_Noreturn void hm_chamber_init(struct hm_chamber *c, const struct hm_chamber_spec *spec)
{
	int *fds[] = { &c->control, &c->out, &c->err, &c->groups.product, &c->disk.image };
	static const char *const no_path[] = { DEFAULT_PATH, NULL };
	struct launch l = { .chamber = c };
	struct hm_chamber_message m = { .said = HM_SAID_STARTED };
	struct hm_fail fail = { 0 };
	sigset_t child;
	pid_t product;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_DUMPABLE, 0);
	keep_only(fds, HM_COUNT(fds));
	/* While the host's is within reach. Where there is none, the devices stay as they are, and that is told. */
	for (size_t i = 0; i < HM_COUNT(c->fuse) && spec->control; i++)
		c->fuse[i] = open("/dev/fuse", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	prctl(PR_SET_NAME, "init");
	default_signals();
	setsid();
	umask(0);
	l.argv = copy_strings(spec->argv);
	l.in = spec->stdin_path ? hm_strdup(spec->stdin_path) : NULL;
	l.env = copy_strings(spec->env ? spec->env : no_path);
	if (prepare(c, spec, &l, &fail) < 0 || make_equal(c, spec->control, &fail) < 0)
		give_up(c->control, &fail);
	hm_chamber_overwrite_arguments("init");
	say_ready(c);
	await_go(c->control);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	if (launch(&l, &product, &fail) < 0)
		give_up(c->control, &fail);
	sigprocmask(SIG_BLOCK, &child, NULL);
	hm_chamber_say(c->control, &m, NULL, 0);
	reap(c->control, product);
}
