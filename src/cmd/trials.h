#pragma once
/* The experiment of an assessment: blocks of two runs in twin chambers, in the order that plan.json fixed, each run in a world
 * of its own; what they found becomes planted.json. */
#include "assess.h"
#include "compare.h"

struct hm_trials; /* of one assessment */

/* For `factors` (names, NULL-terminated; borrowed) `pairs` confirming blocks each. HM_E_USAGE for a factor that does not exist, that cannot be
 * set, or is named twice, and for too few pairs. */
int hm_trials_open(struct hm_trials **ret, struct hm_assessment *a, const char *const *factors, unsigned pairs, struct hm_fail *fail)
	HM_MUST_CHECK;
void hm_trials_close(struct hm_trials *e); /* NULL is fine */
/* Runs that are planned. */
unsigned hm_trials_runs(const struct hm_trials *e) HM_MUST_CHECK;
/* The members `factors`, `runs` and `blocks` of plan.json; new references. */
void hm_trials_plan(const struct hm_trials *e, json_t **factors, json_t **runs, json_t **blocks);
/* Before the first block: takes up what `old`, the parts of an interrupted assessment with the same plan and seed, has: its runs are
 * borrowed. HM_E_USAGE when nothing is missing there. */
int hm_trials_resume(struct hm_trials *e, const struct hm_parts *old, struct hm_fail *fail) HM_MUST_CHECK;
/* Does the blocks by the rules of doc/format/core.md. `plan` is the digest of plan.json; `absent` as hm_run tells it. Adds the runs' files and
 * planted.json to the assessment's parts. 1 when it ended early with something done, by a signal or because the machine would not: `fail`
 * tells why, and the parts are those of what was done. */
int hm_trials_run(struct hm_trials *e, struct hm_slice plan, struct hm_bytes *absent, struct hm_fail *fail) HM_MUST_CHECK;
/* Behind the last run: notes, and what assessment.json says of blocks; new references, notes borrowed. */
void hm_trials_done(const struct hm_trials *e, struct hm_planned *planned);
