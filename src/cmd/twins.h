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

/* Those of one block, from their set-up on. */
struct hm_twins;

/* Begins with the surroundings of `count` runs, at most HM_TWINS, and returns at once; `twins` must stay. Fails only where no process could be
 * begun. */
int hm_twins_set_up(struct hm_twins **ret, struct hm_twin *twins, size_t count, const struct hm_twins_watch *watch, struct hm_fail *fail) HM_MUST_CHECK;
/* Waits until the surroundings of all stand, starts the products, and returns when they are dead and nothing is recorded any more, or a run has
 * ended otherwise: the next pair may be set up. False: the surroundings of one could not be made, and no product was started. */
bool hm_twins_go(struct hm_twins *t) HM_MUST_CHECK;
/* Waits for the ends, sets results, `code` and `fail` of all, and frees. Where no product was started, the `code` of the one to blame tells why, and is 0 for one that stood
 * ready. Where one fails later the others go on to their end: its `code` tells. What stops them makes all of them HM_E_INTERRUPTED that had not ended.
 * `absent` of each result is the caller's to release. */
void hm_twins_finish(struct hm_twins *t);
