#pragma once
/* Runs side by side: the two of a block, in twin chambers at the same time, so that what the machine does meanwhile happens to
 * both. Each is made by a process of its own, which dies with this one. No product begins before the surroundings of all stand. */
#include "run.h"

#define HM_TWINS 2

struct hm_twin {
	struct hm_run_spec *spec; /* its `ready` is ours */
	const struct hm_run_spec *then; /* a second run, from what the first left on disk; or NULL */
	struct hm_run_result result, then_result; /* the second has no `absent` */
	int code;	     /* what hm_run returned; what it made is in its files */
	struct hm_fail fail; /* ... and why */
};

struct hm_twins_watch {
	bool (*stopped)(void);	  /* asked every now and then: true ends them */
	void (*tick)(void *cookie); /* called every now and then */
	void *cookie;
};

/* Does `count` runs at once, at most HM_TWINS, and waits for all of them. *begun tells whether the products were started: not where
 * the surroundings of one could not be made; then the `code` of that one tells why, and is 0 for one that stood ready. Where one fails later the others go on to their
 * end: its `code` tells. What stops them makes all of them HM_E_INTERRUPTED that had not ended. Fails only where no process could be
 * begun. `absent` of each result is the caller's to release, also on failure. */
int hm_twins_run(struct hm_twin *twins, size_t count, const struct hm_twins_watch *watch, bool *begun, struct hm_fail *fail) HM_MUST_CHECK;
