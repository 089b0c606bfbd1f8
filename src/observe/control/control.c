/* The supervisor's life: a copy of hallmark that keeps the listener and nothing else. */
#include "control_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs.h"

struct hm_control {
	pid_t pid;
	int pidfd;
	struct hm_control_counts *counts;
};

/* Leaves the listener at 3, and the devices behind it. */
static int detach(int listener, const int fuse[HM_CONTROL_DEVICES])
{
	int null = open("/dev/null", O_RDWR);
	int copy[HM_CONTROL_DEVICES];
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	setsid();
	prctl(PR_SET_NAME, "hallmark-equal");
	/* Whoever asks waits. Where it is not allowed, a little longer. */
	if (setpriority(PRIO_PROCESS, 0, -10) < 0)
		errno = 0;
	listener = fcntl(listener, F_DUPFD, 8);
	for (int i = 0; i < HM_CONTROL_DEVICES; i++)
		copy[i] = fuse[i] < 0 ? -1 : fcntl(fuse[i], F_DUPFD, 8);
	if (null < 0 || listener < 0 || chdir("/") < 0)
		return -1;
	for (int i = 0; i < 3; i++)
		if (dup2(null, i) < 0)
			return -1;
	if (dup2(listener, 3) < 0)
		return -1;
	for (int i = 0; i < HM_CONTROL_DEVICES; i++)
		if (dup2(copy[i] < 0 ? null : copy[i], 4 + i) < 0)
			return -1;
	return close_range(4 + HM_CONTROL_DEVICES, ~0u, 0);
}

/* What hm_control_monotonic set for the children of `pid`. */
static int64_t ahead_of(pid_t pid)
{
	HM_FREE char *path = hm_sprintf("/proc/%d/timens_offsets", (int)pid);
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	long long seconds = 0, ns = 0;

	if (hm_fs_read(&text, path, 4096, NULL) < 0)
		return 0;
	hm_bytes_u8(&text, 0);
	return sscanf((const char *)text.data, "monotonic %lld %lld", &seconds, &ns) == 2 ? seconds * (int64_t)HM_CONTROL_NS + ns : 0;
}

static _Noreturn void supervise(struct hm_control *c, const struct hm_control_spec *spec, int listener,
				 const int fuse[HM_CONTROL_DEVICES], pid_t exempt)
{
	struct hm_control_server server = { .spec = spec, .counts = c->counts, .listener = 3, .exempt = exempt };
	sigset_t child;

	for (int i = 0; i < HM_CONTROL_DEVICES; i++)
		server.device[i] = fuse[i] < 0 ? -1 : 4 + i;
	server.ahead = ahead_of(exempt);
	server.clock = (struct hm_control_clock){ .start_ns = spec->start_ns, .uptime_s = hm_control_uptime(spec) };
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	if (detach(listener, fuse) < 0 || (server.children = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK)) < 0)
		_exit(1);
	hm_control_serve(&server);
}

int hm_control_start(struct hm_control **ret, const struct hm_control_spec *spec, int listener,
		     const int fuse[HM_CONTROL_DEVICES], pid_t exempt, struct hm_fail *fail)
{
	pid_t parent = getpid();
	struct hm_control *c = hm_alloc(1, sizeof(*c));

	c->pidfd = -1;
	c->counts = mmap(NULL, sizeof(*c->counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (c->counts == MAP_FAILED) {
		free(c);
		return hm_fail_errno(fail, "starting the supervisor of clocks and random numbers");
	}
	c->counts->device = fuse[0] >= 0;
	c->pid = fork();
	if (c->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		supervise(c, spec, listener, fuse, exempt);
	}
	if (c->pid > 0)
		c->pidfd = pidfd_open(c->pid, 0);
	if (c->pidfd < 0) {
		int r = hm_fail_errno(fail, "starting the supervisor of clocks and random numbers");

		hm_control_close(c);
		return r;
	}
	*ret = c;
	return 0;
}

bool hm_control_look(const struct hm_control *c, struct hm_control_counts *counts)
{
	struct pollfd p = { .fd = c->pidfd, .events = POLLIN };

	*counts = *c->counts;
	return poll(&p, 1, 0) == 0;
}

void hm_control_close(struct hm_control *c)
{
	if (!c)
		return;
	if (c->pid > 0) {
		kill(c->pid, SIGKILL);
		while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	if (c->pidfd >= 0)
		close(c->pidfd);
	munmap(c->counts, sizeof(*c->counts));
	free(c);
}
