#pragma once
/* Core in, findings out: a pure function (CONTRACTS.md section 3). No clock, locale, float, environment, hash order or
 * thread order; the same parts give the same bytes on every machine. */
#include "feature.h"
#include "parts.h"

/* Of a new core. plan.json names a core's semantics, and each earlier one gives what it always gave, to the byte: 1 judges records of version 1, 2
 * and 3 those of version 2, later ones those of version 3; 3 were those of cores that hold an experiment, 2 of those that hold none, later ones are
 * of either. There is one evaluator: what semantics N brought stands behind a test of hm_core.semantics where it is done, so that what an earlier
 * number did is what is left without it (doc/howto_change_findings.md). */
#define HM_SEMANTICS 5
/* The version of the events that records have in cores of such semantics. */
#define HM_SEMANTICS_EVENTS(semantics) ((semantics) < 2 ? (semantics) : (semantics) < 4 ? 2 : 3)

/* Reads the core from `parts` (plan.json, assessment.json, declaration.json, claims.json, product.json, planted.json,
 * planted/, runs/NNNN/...) and appends findings.json in canonical form. HM_E_BAD for a malformed core, HM_E_UNKNOWN for
 * semantics that this program does not have. */
int hm_evaluate(struct hm_bytes *findings, const struct hm_parts *parts, struct hm_fail *fail) HM_MUST_CHECK;

/* Who wants to see what every run of an experiment sent, as features, while it is evaluated. They live for the call; below 0 ends the evaluation. */
struct hm_evaluate_watch {
	int (*features)(void *cookie, unsigned run, const struct hm_features *features, struct hm_fail *fail);
	void *cookie;
};
/* The same findings, and `watch` sees the features of each run of an experiment (semantics 3), in the order of runs. */
int hm_evaluate_watched(struct hm_bytes *findings, const struct hm_parts *parts, const struct hm_evaluate_watch *watch,
			struct hm_fail *fail) HM_MUST_CHECK;

/* The exit code of `assess` and `evaluate` (CONTRACTS.md section 1) for findings that hm_evaluate made: 0, 1 or 2. */
int hm_findings_exit(struct hm_slice findings) HM_MUST_CHECK;
