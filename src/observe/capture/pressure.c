/* A thread that does nothing but freeze, with real-time priority: it runs within 0.1 ms of the alarm where any other
 * takes its turn behind the flood. It must not drain the ring too: at full load it would be throttled, for 50 ms of each
 * second.
 *
 * Nothing may stay frozen. The thread writes first and says so in `frozen` afterwards; who thaws takes `frozen` away and
 * writes afterwards. So whatever the order in which the two meet, behind a freeze there is a `frozen` that the next
 * hm_pressure_let_go finds. When this process is killed its guard, a child that holds nothing but the freezer's file and
 * the map of stopped processes, does the same.
 *
 * Processes that BPF stopped go on by a SIGCONT each. A mark is taken out of the map before that signal is sent: a
 * process that is stopped anew meanwhile has a new mark, and is let go by the next call. A pidfd from before the mark
 * was taken cannot name another process, because marks go when their processes do. What the product itself stopped
 * stays stopped. Its SIGTSTP, SIGTTIN or SIGTTOU that arrives at a process while we hold it still is forgotten by the
 * kernel at our SIGCONT; SIGSTOP is not, for BPF notes it. */
#include "pressure.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#define STACK_BYTES (64u << 10)
#define GUARD_ROUNDS 25
#define GUARD_PAUSE_MS 20

struct hm_pressure {
	int freezer; /* cgroup.freeze, or -1 */
	int alarms, stops, holds;
	struct hm_alarm *alarm;
	struct ring_buffer *items;
	int quit; /* eventfd that ends the thread */
	bool threaded;
	pthread_t thread;
	uint64_t stops_seen;
	pid_t guard;
	int guard_control;
	/* from the thread */
	atomic_bool frozen;
	_Atomic uint64_t began, fill;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static bool raised(const struct hm_pressure *p)
{
	return __atomic_load_n(&p->alarm->raised, __ATOMIC_ACQUIRE);
}

static uint64_t stops_made(const struct hm_pressure *p)
{
	return __atomic_load_n(&p->alarm->stops, __ATOMIC_ACQUIRE);
}

static int drop_item(void *cookie HM_UNUSED, void *data HM_UNUSED, size_t size HM_UNUSED)
{
	return 0;
}

static void freeze(struct hm_pressure *p)
{
	uint64_t now = now_ns();

	if (pwrite(p->freezer, "1", 1, 0) != 1)
		return; /* the cgroup is gone: nothing is in it */
	/* A second freeze before the first is thawed is part of it. */
	if (!atomic_load(&p->frozen)) {
		atomic_store(&p->fill, __atomic_load_n(&p->alarm->fill, __ATOMIC_RELAXED));
		atomic_store(&p->began, now);
	}
	atomic_store(&p->frozen, true);
}

static void *freezing(void *cookie)
{
	struct hm_pressure *p = cookie;
	struct pollfd fds[] = { { .fd = p->alarms, .events = POLLIN }, { .fd = p->quit, .events = POLLIN } };

	prctl(PR_SET_NAME, "hallmark-freeze");
	for (;;) {
		if (poll(fds, HM_COUNT(fds), -1) < 0 && errno != EINTR)
			return NULL;
		if (fds[1].revents)
			return NULL;
		/* First the items: one that comes behind them wakes again. */
		ring_buffer__consume(p->items);
		if (raised(p))
			freeze(p);
	}
}

static int start_thread(struct hm_pressure *p, struct hm_fail *fail)
{
	struct sched_param priority = { .sched_priority = 1 };
	pthread_attr_t attr;
	sigset_t all, before;
	int e;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&attr, SCHED_FIFO);
	pthread_attr_setschedparam(&attr, &priority);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	e = pthread_create(&p->thread, &attr, freezing, p);
	if (e == EPERM) {
		pthread_attr_setinheritsched(&attr, PTHREAD_INHERIT_SCHED);
		e = pthread_create(&p->thread, &attr, freezing, p);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	p->threaded = e == 0;
	errno = e;
	return e ? hm_fail_errno(fail, "recording: starting the thread that freezes") : 0;
}

/* Takes the mark off a process and lets it go on. `of`: by means. */
static void let_process_go(int stops, uint32_t tgid, struct hm_standstill *of)
{
	int process = pidfd_open((pid_t)tgid, 0);
	struct hm_standstill *out;
	struct hm_stop stop;

	/* Gone by itself meanwhile: the process has ended. */
	if (bpf_map_lookup_and_delete_elem(stops, &tgid, &stop) == 0 && stop.sent) {
		if (process >= 0 && !stop.theirs)
			pidfd_send_signal(process, SIGCONT, NULL, 0);
		out = &of[stop.held ? HM_FREEZE_HOLD : HM_FREEZE_SIGSTOP];
		if (!out->was || stop.time < out->began) {
			out->began = stop.time;
			out->fill = stop.fill;
		}
		out->was = true;
	}
	if (process >= 0)
		close(process);
}

/* A task of the process waits for the code that it mapped to be looked at. */
static bool is_held(int holds, uint32_t tgid)
{
	struct hm_hold hold, last;
	bool from_start = true;

	for (; holds >= 0 && bpf_map_get_next_key(holds, from_start ? NULL : &last, &hold) == 0; last = hold) {
		if (hold.tgid == tgid)
			return true;
		from_start = false;
	}
	return false;
}

/* Lets every process go on that BPF stopped up to now: those that it stops meanwhile must wait until the ring is empty again.
 * The earliest stops go to `out`, by means. Allocates nothing: the guard uses it, without `holds`. False: some have to wait. */
static bool let_stopped_go(int stops, int holds, struct hm_standstill *out)
{
	uint64_t now = now_ns();
	uint32_t tgid, last;
	bool from_start = true, all = true;

	while (bpf_map_get_next_key(stops, from_start ? NULL : &last, &tgid) == 0) {
		struct hm_stop stop;

		last = tgid;
		from_start = false;
		if (bpf_map_lookup_elem(stops, &tgid, &stop) < 0 || stop.time > now)
			continue;
		if (is_held(holds, tgid)) {
			all = false;
			continue;
		}
		let_process_go(stops, tgid, out);
		from_start = true;
	}
	out[HM_FREEZE_SIGSTOP].ended = out[HM_FREEZE_HOLD].ended = now_ns();
	return all;
}

static _Noreturn void guard(int parent, int control, int freezer, int stops)
{
	struct pollfd fds[] = { { .fd = parent, .events = POLLIN }, { .fd = control, .events = POLLIN } };
	struct hm_standstill ignored[HM_FREEZES] = { 0 };
	char byte = '0';

	while (poll(fds, HM_COUNT(fds), -1) < 0 && errno == EINTR)
		;
	/* A byte dismisses. The end of the stream alone does not: other children hold its other end too. */
	if (recv(control, &byte, 1, MSG_DONTWAIT) == 1)
		_exit(0);
	while (poll(fds, 1, -1) < 0 && errno == EINTR)
		;
	if (freezer >= 0 && pread(freezer, &byte, 1, 0) == 1 && byte == '1' && pwrite(freezer, "0", 1, 0) != 1)
		freezer = -1; /* the cgroup is gone */
	/* The programs may be running for a moment yet. */
	for (int i = 0; i < GUARD_ROUNDS; i++) {
		if (!let_stopped_go(stops, -1, ignored))
			break;
		poll(NULL, 0, GUARD_PAUSE_MS);
	}
	_exit(0);
}

/* Leaves the guard nothing of its parent but four descriptors: a program stays attached, and a lock held, as long as any
 * process has it open. */
static _Noreturn void become_guard(struct hm_pressure *p, int parent, int control)
{
	int keep[] = { parent, control, p->stops, p->freezer };
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	setsid();
	prctl(PR_SET_NAME, "hallmark-thaw");
	/* Copies first, since they may be anywhere. */
	for (size_t i = 0; i < HM_COUNT(keep); i++)
		keep[i] = fcntl(keep[i], F_DUPFD, 8);
	for (size_t i = 0; i < HM_COUNT(keep); i++)
		if (keep[i] >= 0 && dup2(keep[i], (int)i) < 0)
			_exit(1);
	if (chdir("/") < 0 || close_range(HM_COUNT(keep), ~0u, 0) < 0)
		_exit(1);
	guard(0, 1, keep[3] < 0 ? -1 : 3, 2);
}

static int start_guard(struct hm_pressure *p, struct hm_fail *fail)
{
	HM_CLOSE int self = pidfd_open(getpid(), 0);
	int pair[2];

	if (self < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return hm_fail_errno(fail, "recording: starting the guard of what is frozen");
	p->guard = fork();
	if (p->guard == 0)
		become_guard(p, self, pair[1]);
	close(pair[1]);
	p->guard_control = pair[0];
	return p->guard < 0 ? hm_fail_errno(fail, "recording: starting the guard of what is frozen") : 0;
}

static void close_of(struct hm_pressure **p)
{
	hm_pressure_close(*p);
}

int hm_pressure_open(struct hm_pressure **ret, const struct hm_pressure_spec *spec, struct hm_fail *fail)
{
	HM_CLEANUP(close_of) struct hm_pressure *p = hm_alloc(1, sizeof(*p));
	int r;

	*p = (struct hm_pressure){
		.freezer = -1, .quit = -1, .guard_control = -1,
		.alarms = spec->alarms, .stops = spec->stops, .holds = spec->holds, .alarm = spec->alarm,
	};
	if (!spec->no_freezer)
		p->freezer = openat(spec->cgroup, "cgroup.freeze", O_RDWR | O_CLOEXEC);
	p->quit = eventfd(0, EFD_CLOEXEC);
	if (p->freezer < 0 && !spec->no_freezer)
		return hm_fail_errno(fail, "recording: opening cgroup.freeze");
	if (p->quit < 0)
		return hm_fail_errno(fail, "recording: making an eventfd");
	r = start_guard(p, fail);
	if (r < 0)
		return r;
	if (p->freezer >= 0) {
		p->items = ring_buffer__new(p->alarms, drop_item, NULL, NULL);
		if (!p->items)
			return hm_fail_errno(fail, "recording: mapping the ring of alarms");
		r = start_thread(p, fail);
		if (r < 0)
			return r;
	}
	*ret = hm_take_ptr(&p);
	return 0;
}

bool hm_pressure_on(const struct hm_pressure *p)
{
	return raised(p) || atomic_load(&p->frozen) || stops_made(p) != p->stops_seen;
}

int hm_pressure_let_go(struct hm_pressure *p, struct hm_standstill out[HM_FREEZES], struct hm_fail *fail)
{
	struct hm_standstill *frozen = &out[HM_FREEZE_CGROUP];

	memset(out, 0, HM_FREEZES * sizeof(*out));
	if (!hm_pressure_on(p))
		return 0;
	if (stops_made(p) != p->stops_seen) {
		uint64_t made = stops_made(p);

		if (let_stopped_go(p->stops, p->holds, out))
			p->stops_seen = made;
	}
	if (atomic_exchange(&p->frozen, false)) {
		*frozen = (struct hm_standstill){ .was = true, .began = atomic_load(&p->began), .fill = atomic_load(&p->fill) };
		if (pwrite(p->freezer, "0", 1, 0) != 1 && errno != ENODEV)
			return hm_fail_errno(fail, "recording: thawing the cgroup");
		frozen->ended = now_ns();
	}
	/* Last: an alarm that is raised now is a new one. */
	__atomic_store_n(&p->alarm->raised, 0, __ATOMIC_RELEASE);
	return 0;
}

void hm_pressure_end(struct hm_pressure *p)
{
	uint64_t one = 1;

	if (!p->threaded)
		return;
	while (write(p->quit, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	pthread_join(p->thread, NULL);
	p->threaded = false;
}

static void dismiss_guard(struct hm_pressure *p)
{
	if (p->guard_control >= 0) {
		if (send(p->guard_control, "q", 1, MSG_NOSIGNAL) < 0)
			kill(p->guard, SIGKILL);
		close(hm_take_fd(&p->guard_control));
	}
	if (p->guard > 0)
		while (waitpid(p->guard, NULL, 0) < 0 && errno == EINTR)
			;
}

void hm_pressure_close(struct hm_pressure *p)
{
	struct hm_standstill ignored[HM_FREEZES];

	if (!p)
		return;
	hm_pressure_end(p);
	p->holds = -1; /* nobody looks any more */
	if (hm_pressure_let_go(p, ignored, NULL) < 0)
		ignored[0].was = false; /* no one is left to tell, and the guard tries no better */
	dismiss_guard(p);
	ring_buffer__free(p->items);
	if (p->freezer >= 0)
		close(p->freezer);
	if (p->quit >= 0)
		close(p->quit);
	free(p);
}
