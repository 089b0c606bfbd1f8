#pragma once
/* An envelope that is no part of a bundle, as anybody may write it: DSSE 1.0.2, read as its protocol.md says (unknown members are passed over,
 * either base64 alphabet, several signatures), and with JSON's traps shut (json.h). */
#include "signature.h"

#define HM_FOREIGN_MAX ((size_t)64 << 20) /* bytes of an envelope */
#define HM_FOREIGN_SIGNATURES 64

struct hm_foreign {
	char *type;
	struct hm_bytes payload; /* what was signed: whoever checked a signature takes these bytes, and reads the envelope no more */
	struct hm_bytes signature[HM_FOREIGN_SIGNATURES];
	size_t count;
};

/* Reads an envelope, or the one in a Sigstore bundle (its key hint, certificates and log entries are not looked at), white space around it allowed. HM_E_BAD for anything that is none. Release it in any case. */
int hm_foreign_read(struct hm_foreign *out, struct hm_slice text, struct hm_fail *fail) HM_MUST_CHECK;
void hm_foreign_release(struct hm_foreign *envelope);
/* Which of these keys (the first 64) signed, as bits; a key counts once, and key ids, which nobody signs, are not looked at. */
uint64_t hm_foreign_signers(const struct hm_foreign *envelope, struct hm_pubkey *const *keys, size_t count) HM_MUST_CHECK;
