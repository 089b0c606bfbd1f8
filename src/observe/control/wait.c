/* Calls that wait for some time. The kernel does them; what is noted is how long, for the thread's clock (clock.c).
 *
 * Where a program says until when, it says so by its own clock, and the kernel goes by another one: the deadline is moved in
 * the program's memory, so that it waits as long as it means to, and put back at the thread's next call that is stopped, which
 * a look at the time is. */
#include "control_internal.h"

#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LONGEST 1000000000 /* s; beyond it is no wait that ends */
#define MOVED_AT_LEAST 1000000 /* ns; not worth it below */

static void wait_for(struct hm_control_question *q, uint64_t ns)
{
	hm_control_await(&q->task->time, q->now, ns);
}

/* What the kernel would refuse, or wait for without end, is false. */
static bool take_time(const struct hm_control_question *q, uint64_t at, int64_t unit, uint64_t *ns)
{
	int64_t wide[2];
	int32_t narrow[2];

	if (q->call->wide) {
		if (pread(q->memory, wide, sizeof(wide), (off_t)at) != sizeof(wide))
			return false;
	} else {
		if (pread(q->memory, narrow, sizeof(narrow), (off_t)at) != sizeof(narrow))
			return false;
		wide[0] = narrow[0];
		wide[1] = narrow[1];
	}
	if (wide[0] < 0 || wide[0] > 4 * (int64_t)LONGEST || wide[1] < 0 || wide[1] >= unit)
		return false;
	*ns = (uint64_t)wide[0] * HM_CONTROL_NS + (uint64_t)(wide[1] * (int64_t)(HM_CONTROL_NS / (uint64_t)unit));
	return true;
}

static bool put_time(const struct hm_control_question *q, uint64_t at, uint64_t ns)
{
	return hm_control_give_time(q, at, (int64_t)(ns / HM_CONTROL_NS), (int64_t)(ns % HM_CONTROL_NS));
}

static int64_t wait_relative(struct hm_control_question *q, uint64_t at, int64_t unit)
{
	uint64_t ns;

	if (take_time(q, at, unit, &ns) && ns / HM_CONTROL_NS <= LONGEST)
		wait_for(q, ns);
	return 0;
}

static int64_t wait_until(struct hm_control_server *server, struct hm_control_question *q, uint64_t at, int32_t clock)
{
	enum hm_control_clock_kind kind = hm_control_kind(clock);
	uint64_t wanted, shown, kernels, until, length;

	if ((kind != HM_CONTROL_REAL && kind != HM_CONTROL_MONOTONIC) || !take_time(q, at, HM_CONTROL_NS, &wanted))
		return 0;
	shown = hm_control_shows(&server->clock, kind, &q->task->time);
	kernels = kind == HM_CONTROL_REAL ? hm_control_host(CLOCK_REALTIME) : q->now + (uint64_t)server->ahead;
	length = wanted > shown ? wanted - shown : 0;
	until = kernels + length;
	if (length / HM_CONTROL_NS > LONGEST)
		return 0;
	wait_for(q, length);
	if ((until > wanted ? until - wanted : wanted - until) < MOVED_AT_LEAST)
		return 0;
	if (put_time(q, at, until)) {
		q->task->moved.at = at;
		q->task->moved.was = wanted;
		q->task->moved.is = until;
		q->task->moved.wide = q->call->wide;
	}
	return 0;
}

void hm_control_move_back(struct hm_control_question *q)
{
	const struct hm_control_call *call = q->call;
	struct hm_control_call as = *call;
	uint64_t at = q->task->moved.at, ns;

	if (!at)
		return;
	as.wide = q->task->moved.wide;
	q->call = &as;
	/* Where something else stands there by now, it is not ours. The memory may be gone, too. */
	if (take_time(q, at, HM_CONTROL_NS, &ns) && ns == q->task->moved.is && !put_time(q, at, q->task->moved.was))
		q->task->moved.is = 0;
	q->call = call;
	q->task->moved.at = 0;
}

int64_t hm_control_wait_ms(struct hm_control_server *server HM_UNUSED, struct hm_control_question *q)
{
	q->leave = true;
	wait_for(q, (uint64_t)(uint32_t)q->notif->data.args[q->call->argument] * 1000000);
	return 0;
}

int64_t hm_control_wait_ns(struct hm_control_server *server HM_UNUSED, struct hm_control_question *q)
{
	q->leave = true;
	return wait_relative(q, q->notif->data.args[q->call->argument], HM_CONTROL_NS);
}

int64_t hm_control_wait_us(struct hm_control_server *server HM_UNUSED, struct hm_control_question *q)
{
	q->leave = true;
	return wait_relative(q, q->notif->data.args[q->call->argument], 1000000);
}

int64_t hm_control_wait_nap(struct hm_control_server *server, struct hm_control_question *q)
{
	q->leave = true;
	wait_relative(q, q->notif->data.args[0], HM_CONTROL_NS);
	hm_control_sleeper_add(server, q);
	return 0;
}

int64_t hm_control_wait_sleep(struct hm_control_server *server, struct hm_control_question *q)
{
	const __u64 *args = q->notif->data.args;

	q->leave = true;
	if (hm_control_kind((int32_t)args[0]) == HM_CONTROL_CPU)
		return 0;
	if (args[1] & TIMER_ABSTIME)
		wait_until(server, q, args[2], (int32_t)args[0]);
	else
		wait_relative(q, args[2], HM_CONTROL_NS);
	hm_control_sleeper_add(server, q);
	return 0;
}

/* FUTEX_WAIT takes how long, all others until when. */
int64_t hm_control_wait_futex(struct hm_control_server *server, struct hm_control_question *q)
{
	const __u64 *args = q->notif->data.args;
	int operation = (int)args[1] & FUTEX_CMD_MASK;
	bool real = (int)args[1] & FUTEX_CLOCK_REALTIME || operation == FUTEX_LOCK_PI;

	q->leave = true;
	return operation == FUTEX_WAIT ? wait_relative(q, args[3], HM_CONTROL_NS)
				       : wait_until(server, q, args[3], real ? CLOCK_REALTIME : CLOCK_MONOTONIC);
}

/* A timer by an absolute time. It is no wait; its expiry passes no time. */
int64_t hm_control_wait_timer(struct hm_control_server *server, struct hm_control_question *q)
{
	HM_FREE char *name = hm_sprintf("fdinfo/%d", (int)q->notif->data.args[0]);
	HM_CLOSE int fd = hm_control_task_open(&server->tasks, (pid_t)q->notif->pid, name);
	char text[1024], *line;
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	q->leave = true;
	text[n > 0 ? n : 0] = 0;
	line = strstr(text, "clockid: ");
	if (line)
		wait_until(server, q, q->notif->data.args[2] + (q->call->wide ? 16 : 8), atoi(line + 9));
	hm_control_await(&q->task->time, q->now, 0);
	return 0;
}
