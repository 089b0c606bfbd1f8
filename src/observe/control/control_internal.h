#pragma once
/* What the files of this module share.
 *
 *   filter.c  the filter that stops calls
 *   control.c the supervisor's life
 *   calls.c   the table of calls, and when each is stopped
 *   serve.c   its loop: a call taken, answered, let go
 *   answer.c  random numbers and clocks
 *   wait.c    calls that wait, or begin to
 *   task.c    who calls: its number inside, its memory
 *   stream.c  what is drawn
 *   clock.c   logical time
 *   device.c  /dev/urandom
 *   sleeper.c processes that sleep and end
 *   exec.c    the stop at exec
 *   vdso.c    the vDSO's functions made into calls
 *   fast.c    clocks that a process answers itself; fast_code.c what does so in it
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
	uint64_t furthest; /* whole seconds that some thread has got to */
};
struct hm_control_time { /* of a thread; all zero at first */
	uint64_t passed, purse; /* what clocks show, and what they do not show yet */
	uint64_t wait, wait_begun; /* how long it asked to wait in its last call, 0: not; when, on the host's monotonic clock */
};
/* `now_ns` is the host's monotonic clock. What the thread waited for is counted. */
void hm_control_settle(struct hm_control_clock *clock, struct hm_control_time *time, uint64_t now_ns);
/* It is about to wait. Settle first. */
void hm_control_await(struct hm_control_time *time, uint64_t now_ns, uint64_t length);
/* The thread asks for the time, which takes a step of STEP or QUICK. Settles. */
#define HM_CONTROL_STEP 10000ull /* ns; less than a question costs that is stopped */
#define HM_CONTROL_QUICK 25ull	 /* one that the process answers itself */
void hm_control_ask(struct hm_control_clock *clock, struct hm_control_time *time, uint64_t now_ns, uint64_t step);
/* So many quick steps that nobody saw. */
void hm_control_asked(struct hm_control_clock *clock, struct hm_control_time *time, uint64_t questions);
/* How far its clocks are from showing something else by questions alone, ns. */
uint64_t hm_control_until_change(const struct hm_control_time *time) HM_MUST_CHECK;
enum hm_control_clock_kind { HM_CONTROL_FOREIGN, HM_CONTROL_REAL, HM_CONTROL_MONOTONIC, HM_CONTROL_CPU };
enum hm_control_clock_kind hm_control_kind(int32_t id) HM_MUST_CHECK;
/* What a clock of this kind shows the thread, ns. */
uint64_t hm_control_shows(const struct hm_control_clock *clock, enum hm_control_clock_kind kind,
			  const struct hm_control_time *time) HM_MUST_CHECK;

/* ---- task.c ---- */
struct hm_control_task {
	uint32_t tid;	/* inside; 0: free */
	uint64_t drawn; /* bytes of its stream */
	struct hm_control_time time;
	struct {	     /* a deadline in its memory that was moved; `at` 0: none */
		uint64_t at, was, is;
		bool wide;
	} moved;
};
#define HM_CONTROL_KNOWN 512u
struct hm_control_known { /* who a number of the host's stands for */
	pid_t pid;
	int folder; /* /proc/PID: stops working when that task ends, also where another gets its number */
	pid_t process; /* its first thread */
	uint32_t tid, parent; /* inside; the parent of a process's first thread, else 0 */
};
struct hm_control_tasks {
	struct hm_control_task *list; /* hashed by tid */
	size_t count, cap;
	struct hm_control_known known[HM_CONTROL_KNOWN]; /* by pid modulo */
};
/* The task `pid` and its memory (a descriptor of the caller's), or NULL where it has ended. The task is good until the next call. */
struct hm_control_task *hm_control_task_of(struct hm_control_tasks *tasks, pid_t pid, int *memory) HM_MUST_CHECK;
/* By its number inside. */
struct hm_control_task *hm_control_task_with(struct hm_control_tasks *tasks, uint32_t tid) HM_MUST_CHECK;
/* What is known of `pid`, or NULL; and a file of its folder in /proc. Both behind a hm_control_task_of. */
const struct hm_control_known *hm_control_task_known(const struct hm_control_tasks *tasks, pid_t pid) HM_MUST_CHECK;
int hm_control_task_open(const struct hm_control_tasks *tasks, pid_t pid, const char *name) HM_MUST_CHECK;

/* ---- fast_code.c ---- */
#define HM_CONTROL_FAST_FUNCTIONS 3
struct hm_control_fast_code { /* offsets into `code` */
	struct hm_slice code;	    /* begins with 8 bytes for the page's address, 0: none yet */
	uint32_t entry;		    /* 8 bytes for where the program begins */
	uint32_t prepare, prepared; /* where to begin instead, and behind the call that says where the page is, in its second argument */
	struct {
		const char *name;
		uint32_t nr, at, after; /* its call, and where that returns to */
	} functions[HM_CONTROL_FAST_FUNCTIONS];
};
/* NULL where this machine has none. */
const struct hm_control_fast_code *hm_control_fast_code(void) HM_MUST_CHECK;

/* ---- fast.c ---- */
struct hm_control_page { /* as the code reads it */
	uint64_t owner;	      /* the thread's FS; 0: no answers */
	int64_t left;	      /* answers */
	uint64_t tid;	      /* the thread, inside */
	uint64_t version;
	int64_t real_s, monotonic_s, ns, us;
};
#define HM_CONTROL_FASTS 64u
struct hm_control_fast { /* a thread with a page */
	uint32_t tid;
	int memory; /* of its process, as it was: gone with its end or its exec */
	uint64_t code, page;
	struct hm_control_page last; /* what was written there, and how much of that is left */
	int64_t budget;		     /* quick steps before the next long one */
	uint64_t written;	     /* when, on the host's monotonic clock */
};

/* ---- serve.c ---- */
struct hm_control_exec {
	pid_t pid, process;
	uint64_t id; /* of the notification */
	bool held, again; /* again: it is attached from its last exec */
};
#define HM_CONTROL_SLEEPERS 64u
struct hm_control_sleeper { /* a process whose last call was to sleep */
	int folder;	    /* as of hm_control_known, its own */
	uint32_t tid, parent;
};
struct hm_control_server {
	const struct hm_control_spec *spec;
	struct hm_control_counts *counts; /* shared with hallmark */
	struct hm_control_tasks tasks;
	struct hm_control_clock clock;
	int64_t ahead; /* nanoseconds by which the chamber's monotonic clock, as the kernel has it, is ahead of the host's */
	struct hm_control_fast fasts[HM_CONTROL_FASTS];
	size_t fast_count;
	struct hm_control_sleeper sleepers[HM_CONTROL_SLEEPERS];
	size_t sleeper_count;
	struct hm_control_exec *execs; /* calls that have not come to an end */
	size_t exec_count;
	int listener, children; /* children: a signalfd */
	int device[HM_CONTROL_DEVICES]; /* of /dev/fuse, or -1 */
	pid_t exempt;
};
/* The answer, a negative errno, or with `leave` that the kernel shall do it. */
void hm_control_let_go(const struct hm_control_server *server, uint64_t id, int64_t value, bool leave);
_Noreturn void hm_control_serve(struct hm_control_server *server);
uint64_t hm_control_host(clockid_t id) HM_MUST_CHECK; /* the host's clock, ns */

/* ---- calls.c ---- */
struct hm_control_question {
	const struct seccomp_notif *notif;
	const struct hm_control_call *call;
	struct hm_control_task *task;
	int memory;
	uint64_t now; /* the host's monotonic clock */
	bool leave;   /* answer: the kernel shall do it */
};
/* The value of the call, or a negative errno. NULL: exec, which is answered otherwise. */
typedef int64_t hm_control_answer(struct hm_control_server *server, struct hm_control_question *q);
struct hm_control_call {
	uint32_t arch;
	uint32_t nr;
	/* When it is stopped: always; when argument `argument` is an int above 0; no null pointer; has bit 0; for a futex, when
	 * it waits with a time in `argument`. */
	enum { HM_CONTROL_ALWAYS, HM_CONTROL_ABOVE, HM_CONTROL_POINTER, HM_CONTROL_BIT, HM_CONTROL_FUTEX } when;
	unsigned argument;
	bool wide; /* how it has times: two numbers of 64 bits, or of 32 */
	hm_control_answer *answer;
};
extern const struct hm_control_call hm_control_calls[];
extern const size_t hm_control_call_count;

/* ---- answer.c ---- */
hm_control_answer hm_control_random, hm_control_clock_gettime, hm_control_gettimeofday, hm_control_get_time, hm_control_times, hm_control_sysinfo;
/* Two numbers as the call has them. */
bool hm_control_give_time(const struct hm_control_question *q, uint64_t at, int64_t seconds, int64_t fraction) HM_MUST_CHECK;
bool hm_control_is_there(const struct hm_control_server *server, const struct hm_control_question *q) HM_MUST_CHECK;

/* ---- wait.c ---- */
/* Relative: milliseconds; seconds with nanoseconds, or with microseconds. The others may be absolute. */
hm_control_answer hm_control_wait_ms, hm_control_wait_ns, hm_control_wait_us, hm_control_wait_sleep, hm_control_wait_futex,
	hm_control_wait_timer, hm_control_wait_nap;
/* Before anything else is done about a call: puts back a deadline that was moved. */
void hm_control_move_back(struct hm_control_question *q);

/* ---- fast.c ---- */
struct hm_control_question;
/* Counts what the caller's page answered since it was last looked at. Before anything else is asked of the caller's clock. */
void hm_control_fast_collect(struct hm_control_server *server, const struct hm_control_question *q);
/* The step that this question takes. It makes a page known that its thread has just made. */
uint64_t hm_control_fast_step(struct hm_control_server *server, const struct hm_control_question *q) HM_MUST_CHECK;
/* Writes into the caller's page, if it has one, what its clocks show; behind its question for the time. */
void hm_control_fast_give(struct hm_control_server *server, const struct hm_control_question *q);
/* The thread's page answers no more until it has asked again: something may have passed for it. */
void hm_control_fast_stop(struct hm_control_server *server, uint32_t tid);
void hm_control_fast_stop_all(struct hm_control_server *server);
/* The same for all that are behind the run's clock, and for those that were written long ago. Nanoseconds until it must be called again, or 0: need not. */
uint64_t hm_control_fast_look(struct hm_control_server *server, uint64_t now_ns);
/* Another program stands in the thread's process: its page is gone. */
void hm_control_fast_forget(struct hm_control_server *server, uint32_t tid);

/* ---- sleeper.c ---- */
/* The caller is about to sleep, for what its task waits. */
void hm_control_sleeper_add(struct hm_control_server *server, const struct hm_control_question *q);
/* Counts for their parents what those slept that are gone. Before the task of a caller is looked up: it may begin with that. */
void hm_control_sleepers_look(struct hm_control_server *server, uint64_t now_ns);

/* ---- device.c ---- */
/* One request of a device, if there is one. False: the file system is gone. */
bool hm_control_device_serve(struct hm_control_server *server, size_t device) HM_MUST_CHECK;

/* ---- exec.c ---- */
/* The thread `pid` of `process` waits in a call to exec: lets it go so that it stops when the new program stands. */
void hm_control_exec(struct hm_control_server *server, pid_t pid, pid_t process, uint64_t id);
/* Deals with all stops that are waiting. */
void hm_control_exec_stops(struct hm_control_server *server);

/* ---- vdso.c ---- */
/* Makes the functions of the image `vdso` that tell time or draw into calls; they are written over through `memory`, at `base`.
 * False: one that is there stayed. `wide`: a 64-bit image. */
bool hm_control_vdso(int memory, uint64_t base, struct hm_slice vdso, bool wide) HM_MUST_CHECK;
/* Behind it: puts `fast` there, and the clocks go by it. The address of the code; 0 where it does not fit, and nothing is changed. */
uint64_t hm_control_vdso_fast(int memory, uint64_t base, struct hm_slice vdso, const struct hm_control_fast_code *fast) HM_MUST_CHECK;
