#pragma once
/* Runs side by side: the two of a block, in twin chambers at the same time, so that what the machine does meanwhile happens to
 * both. Each is made by a process of its own, which dies with this one. */
#include "run.h"

#define HM_TWINS 2

struct hm_twin {
	const struct hm_run_spec *spec;
	const struct hm_run_spec *then; /* a second run, from what the first left on disk; or NULL */
	struct hm_run_result result, then_result; /* the second has no `absent` */
	int code;	     /* what hm_run returned; what it made is in its files */
	struct hm_fail fail; /* ... and why */
};

/* Does `count` runs at once, at most HM_TWINS, and waits for all of them. Where one fails the others go on to their end: its
 * `code` tells. A signal that stops this program is passed on, and makes all of them HM_E_INTERRUPTED. Fails only where no run
 * could be begun or a process is lost. `absent` of each result is the caller's to release, also on failure. */
int hm_twins_run(struct hm_twin *twins, size_t count, struct hm_fail *fail) HM_MUST_CHECK;
