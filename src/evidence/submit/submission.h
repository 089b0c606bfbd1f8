#pragma once
/* An entry that somebody else's log is to take (doc/format/log.md, "Submission"): its body, and what is signed. */
#include "signature.h"

#define HM_SUBMISSION_MAX ((size_t)68 << 10)

struct hm_submission {
	struct hm_pubkey *key; /* owned */
	struct hm_bytes signature;
	struct hm_slice entry; /* in the body */
};

/* What is signed, appended. */
void hm_submission_message(struct hm_bytes *out, const char *origin, struct hm_slice entry);
/* The body, appended. */
void hm_submission_write(struct hm_bytes *out, struct hm_slice spki, struct hm_slice signature, struct hm_slice entry);
/* Reads a body, which must outlive `out`; whether the signature is good is not looked at. HM_E_BAD unless hm_submission_write of it gives the same
 * bytes. Release it in any case. */
int hm_submission_read(struct hm_submission *out, struct hm_slice body, struct hm_fail *fail) HM_MUST_CHECK;
void hm_submission_release(struct hm_submission *submission);
