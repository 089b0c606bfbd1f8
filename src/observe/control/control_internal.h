#pragma once
/* What the files of this module share.
 *
 *   filter.c  which calls are stopped
 *   control.c the supervisor's life
 *   serve.c   its loop, and the answer to each call
 *   task.c    who calls: its number inside, its memory
 *   stream.c  what is drawn
 *   clock.c   logical time
 *   exec.c    the stop at exec
 *   vdso.c    the vDSO's functions made into calls
 */
#include <linux/seccomp.h>
#include <time.h>

#include "control.h"

#define HM_CONTROL_NS 1000000000ull

/* ---- stream.c ---- */
/* Bytes `at`.. of the stream of thread `tid`. */
void hm_control_stream(uint8_t *out, size_t len, const uint8_t *seed, uint32_t tid, uint64_t at);

/* ---- clock.c ---- */
struct hm_control_clock { /* of a run */
	uint64_t start_ns, uptime_s;
	uint64_t begun_ns; /* the host's monotonic clock at the first call, 0 before it */
	uint64_t furthest; /* whole seconds that some thread has jumped to */
};
struct hm_control_time { /* of a thread; all zero at first */
	uint64_t asked;	 /* questions so far */
	uint64_t passed; /* besides the steps */
};
/* Nanoseconds since the start, for the thread's next question; `now_ns` is the host's monotonic clock. */
uint64_t hm_control_pass(struct hm_control_clock *clock, struct hm_control_time *time, uint64_t now_ns) HM_MUST_CHECK;
/* What the clock `id` shows then. False: a clock that is not ours to answer for. */
bool hm_control_read(struct timespec *out, const struct hm_control_clock *clock, uint64_t passed, int32_t id) HM_MUST_CHECK;

/* ---- task.c ---- */
struct hm_control_task {
	uint32_t tid;	/* inside; 0: free */
	uint64_t drawn; /* bytes of its stream */
	struct hm_control_time time;
};
#define HM_CONTROL_KNOWN 512u
struct hm_control_known { /* who a number of the host's stands for */
	pid_t pid;
	int folder; /* /proc/PID: stops working when that task ends, also where another gets its number */
	uint32_t tid;
};
struct hm_control_tasks {
	struct hm_control_task *list; /* hashed by tid */
	size_t count, cap;
	struct hm_control_known known[HM_CONTROL_KNOWN]; /* by pid modulo */
};
/* The task `pid` and its memory (a descriptor of the caller's), or NULL where it has ended. The task is good until the next call. */
struct hm_control_task *hm_control_task_of(struct hm_control_tasks *tasks, pid_t pid, int *memory) HM_MUST_CHECK;
int hm_control_task_open(const struct hm_control_tasks *tasks, pid_t pid, const char *name) HM_MUST_CHECK;

/* ---- serve.c ---- */
struct hm_control_server {
	const struct hm_control_spec *spec;
	struct hm_control_counts *counts; /* shared with hallmark */
	struct hm_control_tasks tasks;
	struct hm_control_clock clock;
	int listener, children; /* children: a signalfd */
	pid_t exempt;
};
_Noreturn void hm_control_serve(struct hm_control_server *server);

/* ---- exec.c ---- */
/* The thread waits in its call to exec: holds it, so that it stops when the new program stands. False: it cannot be held. */
bool hm_control_exec_hold(pid_t pid) HM_MUST_CHECK;
/* ... after its call was let go: it also stops when exec fails. */
void hm_control_exec_watch(pid_t pid);
/* Deals with all stops that are waiting. */
void hm_control_exec_stops(struct hm_control_server *server);

/* ---- vdso.c ---- */
/* Makes the functions of the image `vdso` that tell time or draw into calls; they are written over through `memory`, at `base`.
 * False: one that is there stayed. `wide`: a 64-bit image. */
bool hm_control_vdso(int memory, uint64_t base, struct hm_slice vdso, bool wide) HM_MUST_CHECK;
