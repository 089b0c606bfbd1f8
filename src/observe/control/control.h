#pragma once
/* Equal noise: what a product draws and what it reads off a clock follow from a secret and from its own calls, so that two
 * runs with the same control differ in neither, and two with another one in both.
 *
 * A process of its own, the supervisor, answers calls that a filter sends to it (seccomp's user notification) instead of the
 * kernel: random numbers and clocks. At every exec it stops the program before its first instruction (ptrace, for this one
 * stop), makes the vDSO's clocks and random numbers real calls (most questions for the time a
 * process then answers itself, from a page that the supervisor fills: fast.c), and puts seeded bytes where AT_RANDOM points to. It stands
 * outside the product's control group, so that it never freezes, and dies with the process that started it.
 *
 * What is drawn: a stream for each thread, from the secret and the thread's number in its namespace (stream.c).
 * Time is logical: it stands still but for a step at each question, what a thread asked to wait, and a catch-up (clock.c); a
 * time until which the kernel shall wait is moved to the kernel's clock (wait.c).
 * Not within reach: RDTSC, RDRAND, and what the kernel chooses by itself. */
#include <sys/types.h>

#include "bytes.h"
#include "fail.h"

#define HM_CONTROL_SEED 32

struct hm_control_spec {
	uint8_t seed[HM_CONTROL_SEED];
	uint64_t start_ns; /* of the logical clock, since 1970; whole seconds */
};

struct hm_control_counts {
	uint64_t random, random_bytes; /* calls served, and what they got */
	uint64_t clock;
	uint64_t execs;	       /* whose vDSO was made to make calls */
	uint64_t execs_missed; /* of which some function stayed, or that somebody else traced */
	bool device;	       /* /dev/urandom, /dev/random and the kernel's UUIDs draw likewise, and are counted with `random` */
	uint64_t left;	       /* calls that were left to the kernel: a clock of some device, say */
	uint64_t start_s;      /* when its clocks began, since 1970; the caller's to set */
};

struct hm_control;

/* Puts the filter on the calling process, for ever, and on all that it will start; needs SYS_ADMIN. Every call that the filter
 * stops at waits until hm_control_start has been called with `listener`, which the caller owns. */
int hm_control_filter(int *listener, struct hm_fail *fail) HM_MUST_CHECK;
/* Seconds that the monotonic clocks show at the start. */
uint64_t hm_control_uptime(const struct hm_control_spec *spec) HM_MUST_CHECK;
/* For what the calling process starts from now on, the kernel's own monotonic clocks begin at hm_control_uptime. */
int hm_control_monotonic(const struct hm_control_spec *spec, struct hm_fail *fail) HM_MUST_CHECK;
/* Mounts what stands for /dev/urandom, /dev/random and /proc/sys/kernel/random/uuid in the calling process's root; `fuse` are
 * descriptors of /dev/fuse, one a device, each opened by itself. Reading there waits until hm_control_start has been called with them. */
#define HM_CONTROL_DEVICES 2
int hm_control_devices(const int fuse[HM_CONTROL_DEVICES], struct hm_fail *fail) HM_MUST_CHECK;
/* Starts the supervisor. `listener` and `fuse` (of which the first may be -1: none) stay the caller's; calls of the process `exempt` are left to the kernel. The caller is
 * single-threaded. */
int hm_control_start(struct hm_control **ret, const struct hm_control_spec *spec, int listener, const int fuse[HM_CONTROL_DEVICES], pid_t exempt,
		     struct hm_fail *fail) HM_MUST_CHECK;
/* What was served so far. False when the supervisor has ended by itself: calls have failed since. */
bool hm_control_look(const struct hm_control *c, struct hm_control_counts *counts);
/* Ends the supervisor; what still runs then gets errors for its calls. NULL is fine. */
void hm_control_close(struct hm_control *c);
