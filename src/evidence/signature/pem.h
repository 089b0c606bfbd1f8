#pragma once
/* The textual encoding of RFC 7468, in the one form that its section 2 lets a generator write: lines of 64 characters that
 * end with a line feed, no headers, no text around the block. Both halves of a key pair are kept in it. */
#include "bytes.h"
#include "fail.h"

/* Longest DER that fits: keys are far smaller. */
#define HM_PEM_MAX 4096

/* Appends the block, its last line ended. */
void hm_pem_write(struct hm_bytes *pem, const char *label, struct hm_slice der);
/* Appends the DER of the one block with that label that `pem` consists of. HM_E_BAD unless hm_pem_write of it would give
 * the same bytes, but for the last line feed, which may be missing. `der` may have grown on failure. */
int hm_pem_read(struct hm_bytes *der, struct hm_slice pem, const char *label) HM_MUST_CHECK;
/* Overwrites what `b` holds, then releases it: for bytes that are secret. Room must have been reserved before the first
 * of them came in, because growing leaves a copy behind. */
void hm_pem_wipe(struct hm_bytes *b);
