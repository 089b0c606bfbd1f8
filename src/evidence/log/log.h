#pragma once
/* The writer of a log (doc/format/log.md): entries, tiles, checkpoint, in this order, each synced. It signs nothing that does not extend
 * what the key signed last, and that stands beside the key: not even when the log's files came back from a backup. */
#include "policy.h"
#include "tree.h"

#define HM_LOG_BATCH 256

struct hm_log;

/* Makes the log `folder` of that key, empty: it may hold nothing yet, and the key may have signed nothing. */
int hm_log_create(const char *folder, const char *key, struct hm_fail *fail) HM_MUST_CHECK;
/* Opens a log for writing: locks the key, reads all entries, demands the root that was signed last, and finishes what was
 * interrupted. `policy`, NULL for none, says whose cosignatures a checkpoint needs before it is published; it must outlive the
 * log. HM_E_BAD when going on could show two versions, HM_E_SYSTEM when witnesses do not make the quorum. */
int hm_log_open(struct hm_log **ret, const char *folder, const char *key, const struct hm_policy *policy, struct hm_fail *fail)
	HM_MUST_CHECK;
void hm_log_close(struct hm_log *log); /* NULL is fine */
void hm_log_cleanup(struct hm_log **log);
/* Appends a batch of 1 to HM_LOG_BATCH entries; `first` is the index of the first. 0: it is synced, signed, cosigned and
 * published. After a failure the log takes no more until it is opened again, and the batch may or may not be in it. */
int hm_log_append(struct hm_log *log, const struct hm_slice *entry, size_t count, uint64_t *first, struct hm_fail *fail) HM_MUST_CHECK;
uint64_t hm_log_size(const struct hm_log *log) HM_MUST_CHECK;
/* Entries that an interrupted batch had left and that opening took up. */
uint64_t hm_log_recovered(const struct hm_log *log) HM_MUST_CHECK;
/* The key's public half; lives as long as the log. */
const struct hm_vkey *hm_log_key(const struct hm_log *log) HM_MUST_CHECK;
