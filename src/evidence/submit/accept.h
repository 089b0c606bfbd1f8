#pragma once
/* A log that takes entries from others: those that a key signed which it lets submit (doc/format/log.md, "Submission"). */
#include "log.h"
#include "submission.h"

struct hm_accept;

/* Opens the log (hm_log_open) and learns what is in it. `policy`, NULL for none, and `keys` must outlive it. */
int hm_accept_open(struct hm_accept **ret, const char *folder, const char *key, const struct hm_policy *policy, struct hm_pubkey *const *keys, size_t count,
		   struct hm_fail *fail) HM_MUST_CHECK;
void hm_accept_close(struct hm_accept *accept); /* NULL is fine */
void hm_accept_cleanup(struct hm_accept **accept);
/* One submission. Returns the status of the answer, whose body is appended: the receipt with 200, else text that says why. After a log that could not be
 * written it is opened again for the next. */
int hm_accept_take(struct hm_accept *accept, struct hm_slice body, struct hm_bytes *answer) HM_MUST_CHECK;
