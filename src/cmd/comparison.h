#pragma once
/* Two bundles held against each other, and what comes of it told (doc/format/replication.md). */
#include "fs.h"
#include "replies.h"
#include "verify.h"

/* A bundle that was verified, without keys, and in which nothing is false. */
struct hm_compared {
	struct hm_map map;
	struct hm_verify verified; /* its findings are there */
};

/* HM_E_BAD for a bundle that is false or malformed, HM_E_UNKNOWN for one whose findings cannot be derived here (withheld, or of a later version). Release it in any case. */
int hm_compared_open(struct hm_compared *out, const char *path, struct hm_fail *fail) HM_MUST_CHECK;
void hm_compared_release(struct hm_compared *compared);
/* Compares what is derived from both and prints it, with what suppliers say of either (`replies` may be NULL): as a table, as hallmark/comparison/v1 with `json`, not at all with `quiet`. Returns 0, 1
 * or 2 as `compare` exits. */
int hm_comparison(const struct hm_compared *old_bundle, const struct hm_compared *new_bundle, const struct hm_replies *replies, bool json, bool quiet,
		  struct hm_fail *fail) HM_MUST_CHECK;
