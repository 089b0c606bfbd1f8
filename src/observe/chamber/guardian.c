/* The guardian: a process that hallmark starts before it makes anything, in a session of its own and with none of its
 * descriptors. It sleeps until hallmark dismisses it, or is dead: then it does for this one run what the sweep does for
 * all, kill what lives, remove the control groups and the run's folder. Where it is killed too, the next command
 * sweeps. */
#include "chamber_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

/* A child of the dead hallmark that is dying itself may hold copies of its locks for a moment. */
#define LOCK_MS 3000

static int sweep(const char *work, const char *name, unsigned wait_ms, struct hm_bytes *said, struct hm_fail *fail)
{
	int r = hm_chamber_groups_sweep(name, wait_ms, said, fail);

	return r < 0 ? r : hm_chamber_disk_sweep(work, name, wait_ms, said, fail);
}

int hm_chamber_sweep(const char *work, struct hm_bytes *said, struct hm_fail *fail)
{
	return sweep(work, NULL, 0, said, fail);
}

static _Noreturn void guard(int hallmark, int control, const char *work, const char *name)
{
	struct hm_bytes said = { 0 };
	struct pollfd p[] = { { .fd = hallmark, .events = POLLIN }, { .fd = control, .events = POLLIN } };
	char byte;

	while (poll(p, HM_COUNT(p), -1) < 0 && errno == EINTR)
		;
	/* A byte dismisses. The end of the stream alone does not: children of hallmark hold its other end too. */
	if (recv(control, &byte, 1, MSG_DONTWAIT) == 1)
		_exit(0);
	while (poll(p, 1, -1) < 0 && errno == EINTR)
		;
	_exit(sweep(work, name, LOCK_MS, &said, NULL) < 0);
}

/* Leaves the guardian nothing of hallmark but the two descriptors that it waits for. */
static int detach(int hallmark, int control)
{
	int null = open("/dev/null", O_RDWR);
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	setsid();
	prctl(PR_SET_NAME, "hallmark-guard");
	if (null < 0 || chdir("/") < 0)
		return -1;
	/* 3 and 4 are the two; copies first, since they may be anywhere. */
	hallmark = fcntl(hallmark, F_DUPFD, 8);
	control = fcntl(control, F_DUPFD, 8);
	for (int i = 0; i < 3; i++)
		if (dup2(null, i) < 0)
			return -1;
	if (dup2(hallmark, 3) < 0 || dup2(control, 4) < 0)
		return -1;
	return close_range(5, ~0u, 0);
}

int hm_chamber_guardian(struct hm_chamber *c, const char *work, const char *name, struct hm_fail *fail)
{
	HM_CLOSE int hallmark = pidfd_open(getpid(), 0);
	HM_FREE char *real = realpath(work, NULL);
	int pair[2];

	if (hallmark < 0)
		return hm_fail_errno(fail, "starting the guardian");
	if (!real)
		return hm_fail_errno(fail, "finding the work folder %s", work);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return hm_fail_errno(fail, "starting the guardian");
	c->guardian = fork();
	if (c->guardian == 0) {
		if (detach(hallmark, pair[1]) < 0)
			_exit(1);
		guard(3, 4, real, name);
	}
	close(pair[1]);
	c->guardian_control = pair[0];
	return c->guardian < 0 ? hm_fail_errno(fail, "starting the guardian") : 0;
}

void hm_chamber_guardian_dismiss(struct hm_chamber *c)
{
	if (c->guardian_control >= 0) {
		if (send(c->guardian_control, "q", 1, MSG_NOSIGNAL) < 0)
			kill(c->guardian, SIGKILL);
		close(hm_take_fd(&c->guardian_control));
	}
	if (c->guardian > 0)
		while (waitpid(c->guardian, NULL, 0) < 0 && errno == EINTR)
			;
	c->guardian = 0;
}
