#pragma once
/* Bytes as text: lower-case hex and RFC 4648 base64, strict in both directions; UTF-8, and UTF-16 as such. */
#include "bytes.h"
#include "fail.h"

/* Appends two lower-case digits a byte. */
void hm_text_hex(struct hm_bytes *out, struct hm_slice s);
/* Writes 2 * len digits and a NUL into `out`, which holds at least that. Returns `out`. */
char *hm_text_hex_into(char *out, struct hm_slice s);
/* Reads exactly `len` bytes from 2 * len lower-case digits; HM_E_BAD for anything else. */
int hm_text_unhex(uint8_t *out, size_t len, struct hm_slice digits) HM_MUST_CHECK;
/* Appends standard base64 with padding and without line breaks (RFC 4648 section 4). */
void hm_text_base64(struct hm_bytes *out, struct hm_slice s);
/* Appends what `text` encodes. HM_E_BAD for other characters, line breaks, wrong padding or set bits behind the end
 * (RFC 4648 section 3.5), so that one byte string has one encoding. `out` may have grown on failure. */
int hm_text_unbase64(struct hm_bytes *out, struct hm_slice text) HM_MUST_CHECK;
/* True for UTF-8 as RFC 3629 has it (no surrogates, no overlong forms). */
bool hm_text_is_utf8(struct hm_slice s) HM_MUST_CHECK;
/* Appends the character as UTF-8; what is none (a surrogate) as U+FFFD. */
void hm_text_character(struct hm_bytes *out, uint32_t character);
/* UTF-16LE up to its NUL or its end as UTF-8 of about `max` bytes, malloc'ed. */
char *hm_text_of_utf16(struct hm_slice s, size_t max) HM_MUST_CHECK;
