/* One call at a time: taken, answered, let go. Nothing here waits for a product, so nothing that it does can hold this up. */
#include "control_internal.h"

#include <errno.h>
#include <linux/audit.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PIECE 65536u
#define RANDOM_MAX 33554431u /* more than this one call need not give: random(4) */
#ifndef GRND_INSECURE
#define GRND_INSECURE 4
#endif
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP 1ull
#endif

struct question {
	const struct seccomp_notif *notif;
	struct hm_control_task *task;
	int memory;
	bool wide; /* how it has times: 64 bits each, or 32 */
	bool leave; /* answer: the kernel shall do it */
};

typedef int64_t answer(struct hm_control_server *server, struct question *q);

static bool is_there_still(const struct hm_control_server *server, const struct question *q)
{
	return ioctl(server->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &q->notif->id) == 0;
}

static bool give(const struct question *q, uint64_t at, const void *data, size_t len)
{
	return pwrite(q->memory, data, len, (off_t)at) == (ssize_t)len;
}

static int64_t answer_random(struct hm_control_server *server, struct question *q)
{
	uint64_t at = q->notif->data.args[0], wanted = q->notif->data.args[1];
	uint32_t flags = (uint32_t)q->notif->data.args[2];
	uint8_t piece[PIECE];
	uint64_t given = 0;

	if (flags & ~(uint32_t)(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE) ||
	    (flags & (GRND_RANDOM | GRND_INSECURE)) == (GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	if (wanted > RANDOM_MAX)
		wanted = RANDOM_MAX;
	while (given < wanted && is_there_still(server, q)) {
		size_t n = wanted - given < PIECE ? (size_t)(wanted - given) : PIECE;

		hm_control_stream(piece, n, server->spec->seed, q->task->tid, q->task->drawn);
		if (!give(q, at + given, piece, n))
			return given ? (int64_t)given : -EFAULT;
		q->task->drawn += n;
		given += n;
	}
	server->counts->random++;
	server->counts->random_bytes += given;
	return (int64_t)given;
}

static uint64_t host_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * HM_CONTROL_NS + (uint64_t)t.tv_nsec;
}

static bool give_time(const struct question *q, uint64_t at, int64_t seconds, int64_t fraction)
{
	int64_t wide[2] = { seconds, fraction };
	int32_t narrow[2] = { (int32_t)seconds, (int32_t)fraction };

	return q->wide ? give(q, at, wide, sizeof(wide)) : give(q, at, narrow, sizeof(narrow));
}

static int64_t answer_clock(struct hm_control_server *server, struct question *q)
{
	struct timespec t;

	if (!hm_control_read(&t, &server->clock, 0, (int32_t)q->notif->data.args[0])) {
		q->leave = true;
		return 0;
	}
	if (!hm_control_read(&t, &server->clock, hm_control_pass(&server->clock, &q->task->time, host_now()),
			     (int32_t)q->notif->data.args[0]))
		return -EINVAL;
	server->counts->clock++;
	return give_time(q, q->notif->data.args[1], t.tv_sec, t.tv_nsec) ? 0 : -EFAULT;
}

static struct timespec real_time(struct hm_control_server *server, struct question *q)
{
	uint64_t ns = server->clock.start_ns + hm_control_pass(&server->clock, &q->task->time, host_now());

	server->counts->clock++;
	return (struct timespec){ (time_t)(ns / HM_CONTROL_NS), (long)(ns % HM_CONTROL_NS) };
}

static int64_t answer_timeofday(struct hm_control_server *server, struct question *q)
{
	const __u64 *args = q->notif->data.args;
	static const int32_t zone[2];
	struct timespec t = real_time(server, q);

	if ((args[0] && !give_time(q, args[0], t.tv_sec, t.tv_nsec / 1000)) || (args[1] && !give(q, args[1], zone, sizeof(zone))))
		return -EFAULT;
	return 0;
}

static int64_t answer_time(struct hm_control_server *server, struct question *q)
{
	int64_t now = real_time(server, q).tv_sec;

	return q->notif->data.args[0] && !give(q, q->notif->data.args[0], &now, q->wide ? 8 : 4) ? -EFAULT : now;
}

static const struct call {
	uint32_t arch;
	int nr;
	answer *answer; /* NULL: exec */
	bool wide;
} calls[] = {
#if defined(__x86_64__)
	{ AUDIT_ARCH_X86_64, SYS_getrandom, answer_random, true },
	{ AUDIT_ARCH_X86_64, SYS_clock_gettime, answer_clock, true },
	{ AUDIT_ARCH_X86_64, SYS_gettimeofday, answer_timeofday, true },
	{ AUDIT_ARCH_X86_64, SYS_time, answer_time, true },
	{ AUDIT_ARCH_X86_64, SYS_execve, NULL, true },
	{ AUDIT_ARCH_X86_64, SYS_execveat, NULL, true },
	{ AUDIT_ARCH_I386, 355, answer_random, false },
	{ AUDIT_ARCH_I386, 265, answer_clock, false },
	{ AUDIT_ARCH_I386, 403, answer_clock, true },
	{ AUDIT_ARCH_I386, 78, answer_timeofday, false },
	{ AUDIT_ARCH_I386, 13, answer_time, false },
	{ AUDIT_ARCH_I386, 11, NULL, false },
	{ AUDIT_ARCH_I386, 358, NULL, false },
#elif defined(__aarch64__)
	{ AUDIT_ARCH_AARCH64, SYS_getrandom, answer_random, true },
	{ AUDIT_ARCH_AARCH64, SYS_clock_gettime, answer_clock, true },
	{ AUDIT_ARCH_AARCH64, SYS_gettimeofday, answer_timeofday, true },
	{ AUDIT_ARCH_AARCH64, SYS_execve, NULL, true },
	{ AUDIT_ARCH_AARCH64, SYS_execveat, NULL, true },
	{ AUDIT_ARCH_ARM, 384, answer_random, false },
	{ AUDIT_ARCH_ARM, 263, answer_clock, false },
	{ AUDIT_ARCH_ARM, 403, answer_clock, true },
	{ AUDIT_ARCH_ARM, 78, answer_timeofday, false },
	{ AUDIT_ARCH_ARM, 11, NULL, false },
	{ AUDIT_ARCH_ARM, 387, NULL, false },
#endif
};

static const struct call *call_of(const struct seccomp_data *data)
{
	for (size_t i = 0; i < HM_COUNT(calls); i++)
		if (calls[i].arch == data->arch && calls[i].nr == data->nr)
			return &calls[i];
	return NULL;
}

static void let_go(const struct hm_control_server *server, uint64_t id, int64_t value, bool leave)
{
	/* Room for the structure of a later kernel. */
	union {
		struct seccomp_notif_resp resp;
		uint8_t room[256];
	} reply = { 0 };

	reply.resp.id = id;
	if (leave)
		reply.resp.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	else if (value < 0)
		reply.resp.error = (int32_t)value;
	else
		reply.resp.val = value;
	/* The caller may have been killed meanwhile: then nobody waits. */
	if (ioctl(server->listener, SECCOMP_IOCTL_NOTIF_SEND, &reply) < 0)
		return;
}

static void let_exec(struct hm_control_server *server, const struct seccomp_notif *notif)
{
	bool held = hm_control_exec_hold((pid_t)notif->pid);

	if (!held)
		server->counts->execs_missed++;
	let_go(server, notif->id, 0, true);
	if (held)
		hm_control_exec_watch((pid_t)notif->pid);
}

static void do_call(struct hm_control_server *server, const struct seccomp_notif *notif)
{
	const struct call *call = call_of(&notif->data);
	HM_CLOSE int memory = -1;
	struct question q = { .notif = notif };
	int64_t value;

	if (!call || (pid_t)notif->pid == server->exempt) {
		let_go(server, notif->id, 0, true);
		return;
	}
	if (!call->answer) {
		let_exec(server, notif);
		return;
	}
	q.wide = call->wide;
	q.task = hm_control_task_of(&server->tasks, (pid_t)notif->pid, &memory);
	q.memory = memory;
	/* Its number may have become another's before its folder was opened. */
	if (!q.task || !is_there_still(server, &q))
		return;
	value = call->answer(server, &q);
	server->counts->left += q.leave;
	let_go(server, notif->id, value, q.leave);
}

static bool take(const struct hm_control_server *server, struct seccomp_notif *notif)
{
	return ioctl(server->listener, SECCOMP_IOCTL_NOTIF_RECV, notif) == 0;
}

_Noreturn void hm_control_serve(struct hm_control_server *server)
{
	struct pollfd p[] = { { .fd = server->listener, .events = POLLIN }, { .fd = server->children, .events = POLLIN } };
	union {
		struct seccomp_notif notif;
		uint8_t room[512];
	} taken;

	/* Saves switches between processors where the kernel can (6.6). */
	if (ioctl(server->listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP) < 0)
		errno = 0;
	for (;;) {
		struct signalfd_siginfo info;

		if (poll(p, HM_COUNT(p), -1) < 0)
			continue;
		if (p[1].revents && read(p[1].fd, &info, sizeof(info)) > 0)
			hm_control_exec_stops(server);
		memset(&taken, 0, sizeof(taken)); /* the kernel insists */
		if (p[0].revents & POLLIN && take(server, &taken.notif))
			do_call(server, &taken.notif);
		if (p[0].revents & (POLLHUP | POLLERR))
			p[0].fd = -1; /* nobody is left who could call */
	}
}
