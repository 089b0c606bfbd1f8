#pragma once
/* Lines of text from outside, and what C2SP's formats put on them. */
#include "cursor.h"
#include "digest.h"

/* The next line without its line feed; a last line that does not end sets `bad`. */
struct hm_slice hm_line(struct hm_cursor *c);
/* A decimal without leading zeros, within 2^63-1, that is the whole slice. */
bool hm_line_number(uint64_t *out, struct hm_slice s) HM_MUST_CHECK;
/* The base64 of exactly 32 bytes. */
bool hm_line_hash(struct hm_sha256 *out, struct hm_slice s) HM_MUST_CHECK;
/* Takes `head` off the beginning of `s`; false, and `s` as it was, when it does not begin so. */
bool hm_line_takes(struct hm_slice *s, const char *head) HM_MUST_CHECK;
