/* Questions for the time that nobody is asked: a program that looks at a clock for each thing that it does (clamscan does so half a
 * million times for fifty documents) would pay more for that than for its work. What clocks show changes seldom (clock.c), so a
 * process's first thread has a page with what they show and for how many questions that will do; what it was asked is counted
 * afterwards. A page answers no more while something may have passed for its thread that it has not been told: after a wait,
 * while some process sleeps (its end, which passes time for its parents, is no call), when the run's seconds have gone on, and a quantum after it was written.
 *
 * Of a thread's questions that go by the page every 257th takes a long step, the others a quick one, stopped or not: so that what
 * passes follows from what it did, not from when a page was stopped.
 *
 * A page is the product's own memory, and it may write there what it likes: it deceives its own clock only. */
#include "control_internal.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <stdio.h>
#include <unistd.h>

#define BUDGET 256
#define NOBODY 1ull /* no thread's FS begins there */
#define QUANTUM (10 * HM_CONTROL_NS)
#define PAGE_SPARE 128 /* the call that makes a page known has its own answer written behind what is used */

_Static_assert(sizeof(struct hm_control_page) == 64, "fast_code.c goes by these offsets");

static struct hm_control_fast *find(struct hm_control_server *server, uint32_t tid)
{
	for (size_t i = 0; i < server->fast_count; i++)
		if (server->fasts[i].tid == tid)
			return &server->fasts[i];
	return NULL;
}

static void drop(struct hm_control_server *server, struct hm_control_fast *f)
{
	close(f->memory);
	*f = server->fasts[--server->fast_count];
}

static bool look_at(struct hm_control_page *page, int memory, uint64_t at)
{
	return pread(memory, page, sizeof(*page), (off_t)at) == sizeof(*page);
}

void hm_control_fast_forget(struct hm_control_server *server, uint32_t tid)
{
	struct hm_control_fast *f = find(server, tid);

	if (f)
		drop(server, f);
}

void hm_control_fast_collect(struct hm_control_server *server, const struct hm_control_question *q)
{
	struct hm_control_fast *f = find(server, q->task->tid);
	struct hm_control_page page;
	int64_t asked;

	if (!f || f->last.left == 0)
		return;
	if (!look_at(&page, f->memory, f->page)) {
		drop(server, f);
		return;
	}
	/* One more than there were: a signal's handler. What the product wrote itself is no number of questions. */
	asked = page.left < f->last.left && page.left >= -1 ? f->last.left - page.left : 0;
	hm_control_asked(&server->clock, &q->task->time, (uint64_t)asked);
	server->counts->clock += (uint64_t)asked;
	f->last.left = page.left > 0 ? f->last.left - asked : 0;
	f->budget = f->budget > asked ? f->budget - asked : 0;
}

/* Where the code begins that made this call, 0: it was made elsewhere. */
static uint64_t code_of(const struct hm_control_fast_code *fast, const struct seccomp_data *data)
{
	uint64_t after = data->instruction_pointer;

	for (size_t i = 0; i < HM_CONTROL_FAST_FUNCTIONS; i++)
		if ((uint32_t)data->nr == fast->functions[i].nr && after > fast->functions[i].after)
			return after - fast->functions[i].after;
	return 0;
}

/* The code, but for its page and its entry, is what stands at `at`; *page is what it has for a page. */
static bool stands_at(const struct hm_control_fast_code *fast, int memory, uint64_t at, uint64_t *page)
{
	const size_t begin = fast->entry + 8;
	uint8_t there[1024];

	return fast->code.len <= sizeof(there) && pread(memory, there, fast->code.len, (off_t)at) == (ssize_t)fast->code.len &&
	       memcmp(there + begin, fast->code.data + begin, fast->code.len - begin) == 0 && memcpy(page, there, sizeof(*page));
}

static struct hm_control_fast *add(struct hm_control_server *server, const struct hm_control_question *q, uint64_t code, uint64_t at)
{
	struct hm_control_page page;
	struct hm_control_fast *f;

	for (size_t i = server->fast_count; server->fast_count == HM_CONTROL_FASTS && i > 0; i--)
		if (!look_at(&page, server->fasts[i - 1].memory, server->fasts[i - 1].page))
			drop(server, &server->fasts[i - 1]);
	/* A page that has an owner is that of a process that shares its memory. */
	if (server->fast_count == HM_CONTROL_FASTS || !look_at(&page, q->memory, at) || page.tid)
		return NULL;
	f = &server->fasts[server->fast_count];
	*f = (struct hm_control_fast){ .tid = q->task->tid, .memory = fcntl(q->memory, F_DUPFD_CLOEXEC, 0), .code = code, .page = at };
	server->fast_count += f->memory >= 0;
	return f->memory >= 0 ? f : NULL;
}

/* The caller's page, where it has or gets one and asks by its code. */
static struct hm_control_fast *fast_of(struct hm_control_server *server, const struct hm_control_question *q)
{
	const struct hm_control_fast_code *fast = hm_control_fast_code();
	const struct hm_control_known *known = hm_control_task_known(&server->tasks, (pid_t)q->notif->pid);
	const struct seccomp_data *data = &q->notif->data;
	struct hm_control_fast *f = find(server, q->task->tid);
	uint64_t code, page;

	if (!fast || data->arch != AUDIT_ARCH_X86_64 || !known || known->process != known->pid)
		return NULL;
	code = code_of(fast, data);
	if (f)
		return code == f->code ? f : NULL;
	if (code && stands_at(fast, q->memory, code, &page) && page)
		return add(server, q, code, page); /* a fork's child, whose page is empty */
	code = data->instruction_pointer - fast->prepared;
	page = data->args[1] - PAGE_SPARE;
	if (!stands_at(fast, q->memory, code, &(uint64_t){ 0 }) || pwrite(q->memory, &page, sizeof(page), (off_t)code) != sizeof(page))
		return NULL;
	add(server, q, code, page);
	return NULL; /* it asks for no time yet */
}

uint64_t hm_control_fast_step(struct hm_control_server *server, const struct hm_control_question *q)
{
	struct hm_control_fast *f = fast_of(server, q);

	if (!f)
		return HM_CONTROL_STEP;
	if (f->budget > 0) {
		f->budget--;
		return HM_CONTROL_QUICK;
	}
	f->budget = BUDGET;
	return HM_CONTROL_STEP;
}

void hm_control_fast_give(struct hm_control_server *server, const struct hm_control_question *q)
{
	struct hm_control_fast *f = fast_of(server, q);
	const struct hm_control_time *time = &q->task->time;
	uint64_t real, until;

	if (!f)
		return;
	real = hm_control_shows(&server->clock, HM_CONTROL_REAL, time);
	until = hm_control_until_change(time) / HM_CONTROL_QUICK;
	f->last = (struct hm_control_page){
		.owner = server->sleeper_count ? NOBODY : q->notif->data.args[2],
		.left = until < (uint64_t)f->budget ? (int64_t)until : f->budget,
		.tid = f->tid,
		.version = f->last.version + 1,
		.real_s = (int64_t)(real / HM_CONTROL_NS),
		.monotonic_s = (int64_t)(hm_control_shows(&server->clock, HM_CONTROL_MONOTONIC, time) / HM_CONTROL_NS),
		.ns = (int64_t)(real % HM_CONTROL_NS),
		.us = (int64_t)(real % HM_CONTROL_NS / 1000),
	};
	f->written = q->now;
	if (pwrite(f->memory, &f->last, sizeof(f->last), (off_t)f->page) != sizeof(f->last))
		drop(server, f);
}

static void stop(struct hm_control_fast *f)
{
	f->last.owner = NOBODY;
	/* One that is gone is found out when it is looked at. */
	if (pwrite(f->memory, &f->last.owner, sizeof(f->last.owner), (off_t)f->page) < 0)
		return;
}

void hm_control_fast_stop(struct hm_control_server *server, uint32_t tid)
{
	struct hm_control_fast *f = find(server, tid);

	if (f && f->last.owner != NOBODY)
		stop(f);
}

void hm_control_fast_stop_all(struct hm_control_server *server)
{
	for (size_t i = 0; i < server->fast_count; i++)
		if (server->fasts[i].last.owner != NOBODY)
			stop(&server->fasts[i]);
}

uint64_t hm_control_fast_look(struct hm_control_server *server, uint64_t now_ns)
{
	uint64_t rest = 0;

	for (size_t i = 0; i < server->fast_count; i++) {
		struct hm_control_fast *f = &server->fasts[i];
		bool behind = hm_control_task_with(&server->tasks, f->tid)->time.passed < server->clock.furthest * HM_CONTROL_NS;
		uint64_t age = now_ns > f->written ? now_ns - f->written : 0;

		if (f->last.owner == NOBODY)
			continue;
		if (behind || age >= QUANTUM)
			stop(f);
		else if (!rest || QUANTUM - age < rest)
			rest = QUANTUM - age;
	}
	return rest;
}
