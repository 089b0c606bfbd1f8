/* One call at a time: taken, answered, let go. Nothing here waits for a product, so nothing that it does can hold this up. */
#include "control_internal.h"

#include <errno.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP 1ull
#endif

uint64_t hm_control_host(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * HM_CONTROL_NS + (uint64_t)t.tv_nsec;
}

static const struct hm_control_call *call_of(const struct seccomp_data *data)
{
	for (size_t i = 0; i < hm_control_call_count; i++)
		if (hm_control_calls[i].arch == data->arch && hm_control_calls[i].nr == (uint32_t)data->nr)
			return &hm_control_calls[i];
	return NULL;
}

void hm_control_let_go(const struct hm_control_server *server, uint64_t id, int64_t value, bool leave)
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

static void do_call(struct hm_control_server *server, const struct seccomp_notif *notif)
{
	HM_CLOSE int memory = -1;
	struct hm_control_question q = { .notif = notif, .call = call_of(&notif->data), .now = hm_control_host(CLOCK_MONOTONIC) };
	const struct hm_control_known *known;
	uint64_t furthest = server->clock.furthest;
	uint32_t tid;
	int64_t value;

	if (!q.call || (pid_t)notif->pid == server->exempt) {
		hm_control_let_go(server, notif->id, 0, true);
		return;
	}
	hm_control_sleepers_look(server, q.now);
	q.task = hm_control_task_of(&server->tasks, (pid_t)notif->pid, &memory);
	q.memory = memory;
	if (!q.task) {
		server->counts->left += hm_control_is_there(server, &q);
		hm_control_let_go(server, notif->id, 0, true);
		return;
	}
	/* Its number may have become another's before its folder was opened. */
	if (!hm_control_is_there(server, &q))
		return;
	hm_control_move_back(&q);
	hm_control_fast_collect(server, &q);
	hm_control_settle(&server->clock, &q.task->time, q.now);
	known = hm_control_task_known(&server->tasks, (pid_t)notif->pid);
	if (!q.call->answer) {
		hm_control_exec(server, (pid_t)notif->pid, known ? known->process : (pid_t)notif->pid, notif->id);
		return;
	}
	tid = q.task->tid;
	value = q.call->answer(server, &q);
	if (hm_control_task_with(&server->tasks, tid)->time.wait)
		hm_control_fast_stop(server, tid);
	if (server->clock.furthest > furthest)
		hm_control_fast_look(server, q.now);
	hm_control_let_go(server, notif->id, value, q.leave);
}

static bool take(const struct hm_control_server *server, struct seccomp_notif *notif)
{
	return ioctl(server->listener, SECCOMP_IOCTL_NOTIF_RECV, notif) == 0;
}

_Noreturn void hm_control_serve(struct hm_control_server *server)
{
	struct pollfd p[] = { { .fd = server->listener, .events = POLLIN }, { .fd = server->children, .events = POLLIN },
			      { .fd = server->device[0], .events = POLLIN },
			      { .fd = server->device[1], .events = POLLIN } };
	union {
		struct seccomp_notif notif;
		uint8_t room[512];
	} taken;

	/* Saves switches between processors where the kernel can (6.6). */
	if (ioctl(server->listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP) < 0)
		errno = 0;
	for (;;) {
		struct signalfd_siginfo info;
		uint64_t rest = hm_control_fast_look(server, hm_control_host(CLOCK_MONOTONIC));

		if (poll(p, HM_COUNT(p), rest ? (int)(rest / 1000000) + 1 : -1) < 0)
			continue;
		if (p[1].revents && read(p[1].fd, &info, sizeof(info)) > 0)
			hm_control_exec_stops(server);
		memset(&taken, 0, sizeof(taken)); /* the kernel insists */
		if (p[0].revents & POLLIN && take(server, &taken.notif))
			do_call(server, &taken.notif);
		for (size_t i = 0; i < HM_CONTROL_DEVICES; i++)
			if (p[2 + i].revents && !hm_control_device_serve(server, i))
				p[2 + i].fd = -1;
		if (p[0].revents & (POLLHUP | POLLERR))
			p[0].fd = -1; /* nobody is left who could call */
	}
}
