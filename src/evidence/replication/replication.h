#pragma once
/* One assessment and another that was made after its plan: replication.json (doc/format/replication.md). Reads, never writes a file. */
#include "verify.h"

#define HM_REPLICATION "replication.json"

/* Demands that the assessment whose plan.json is in `here` has the plan of `of`, but for what may differ: HM_E_USAGE, and the member that
 * does differ. */
int hm_replication_same_plan(const struct hm_parts *of, const struct hm_parts *here, struct hm_fail *fail) HM_MUST_CHECK;
/* Appends replication.json for the assessment in `here`, whose findings are `findings`; `of` was verified, and nothing in it is false.
 * HM_E_UNKNOWN where its findings could not be derived. *exit is that of `replicate`. */
int hm_replication_make(struct hm_bytes *out, int *exit, const struct hm_verify *of, const struct hm_parts *here, struct hm_slice findings,
			struct hm_fail *fail) HM_MUST_CHECK;
/* Reads whose replication a bundle says it is: 64 hex digits; false where it is none. */
bool hm_replication_of(char id[65], const struct hm_parts *parts) HM_MUST_CHECK;
/* 0 when `here`, verified, is a replication of `of`, verified: its replication.json is made again to the byte, plan and commitment are as they
 * must be. HM_E_UNKNOWN where the findings of one could not be derived, HM_E_BAD else. *counts: it agrees, is comparable and of the same product. */
int hm_replication_check(bool *counts, const struct hm_verify *of, const struct hm_verify *here, struct hm_fail *fail) HM_MUST_CHECK;
