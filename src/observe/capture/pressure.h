#pragma once
/* Back-pressure, user space's side: the thread that freezes the cgroup, what lets it go on, and the guard that does so
 * when this process dies. The kernel's side is bpf/pressure.bpf.h. */
#include <stdatomic.h>

#include "bytes.h"
#include "capture_abi.h"
#include "fail.h"

struct hm_pressure;

struct hm_pressure_spec {
	int cgroup;		/* descriptor of its directory */
	int alarms, stops, holds; /* descriptors of the BPF maps; they stay the caller's */
	struct hm_alarm *alarm; /* shared with BPF */
	bool no_freezer;
};

/* Something stood still, from `began` until `ended` (CLOCK_MONOTONIC, ns). */
struct hm_standstill {
	bool was;
	uint64_t began, ended, fill;
};

/* Starts thread and guard. The cgroup must not hold this process: it would freeze itself. Where the thread gets no
 * real-time priority, SIGSTOP does what is left to do. */
int hm_pressure_open(struct hm_pressure **ret, const struct hm_pressure_spec *spec, struct hm_fail *fail) HM_MUST_CHECK;
/* Whether something may stand still: then the ring should be emptied without waiting. */
bool hm_pressure_on(const struct hm_pressure *p) HM_MUST_CHECK;
/* To be called when the ring is empty: lets everything go on and lowers the alarm, but for processes of which a task stands in
 * `holds`. `out`, by enum hm_freeze_means, tells what stood still. */
int hm_pressure_let_go(struct hm_pressure *p, struct hm_standstill out[HM_FREEZES], struct hm_fail *fail) HM_MUST_CHECK;
/* Ends the thread: from now on nothing is frozen any more. What is frozen stays so until it is let go. */
void hm_pressure_end(struct hm_pressure *p);
/* Ends everything and lets go what stands still. NULL is fine. */
void hm_pressure_close(struct hm_pressure *p);
