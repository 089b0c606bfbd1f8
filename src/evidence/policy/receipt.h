#pragma once
/* That an entry is in a log, for whoever is offline (c2sp.org/tlog-proof). doc/format/log.md. */
#include "policy.h"

#define HM_RECEIPT_MAX ((size_t)128 << 10)
#define HM_RECEIPT_HASHES 63

struct hm_receipt {
	struct hm_bytes extra; /* empty: no such line */
	uint64_t index;
	struct hm_sha256 proof[HM_RECEIPT_HASHES];
	size_t count;
	struct hm_slice checkpoint; /* the note, in what was read */
};

/* Reads a receipt, which must outlive `out`. HM_E_BAD unless hm_receipt_write of it gives the same bytes. */
int hm_receipt_parse(struct hm_receipt *out, struct hm_slice text, struct hm_fail *fail) HM_MUST_CHECK;
void hm_receipt_release(struct hm_receipt *receipt);
void hm_receipt_write(struct hm_bytes *out, const struct hm_receipt *receipt);
/* Whether the entry with that leaf hash is where the receipt says, in a tree whose checkpoint the policy accepts, but for its
 * quorum, which stands in `out`. HM_E_BAD when not. */
int hm_receipt_check(struct hm_policy_outcome *out, const struct hm_receipt *receipt, const struct hm_sha256 *leaf,
		     const struct hm_policy *policy, struct hm_fail *fail) HM_MUST_CHECK;
