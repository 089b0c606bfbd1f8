#pragma once
/* Private half of notes: make a key of a log or of a witness, sign, cosign. Never linked into hallmark-verify. The form of key files
 * is in doc/format/log.md. */
#include "note.h"

struct hm_notary;

/* Makes a key of that type and name; writes `path` (mode 0600) and `path`.pub, neither of which may exist. */
int hm_notary_generate(const char *path, const char *name, uint8_t type, struct hm_fail *fail) HM_MUST_CHECK;
/* Loads a private key; refuses a file that others can read, and a key of another type. */
int hm_notary_load(struct hm_notary **ret, const char *path, uint8_t type, struct hm_fail *fail) HM_MUST_CHECK;
void hm_notary_free(struct hm_notary *n); /* wipes; NULL is fine */
void hm_notary_cleanup(struct hm_notary **n);
/* Its public half; lives as long as it does. */
const struct hm_vkey *hm_notary_key(const struct hm_notary *n) HM_MUST_CHECK;
/* Appends a signature line for `text`: a log's over the text, a witness's with `time`. */
int hm_notary_sign(const struct hm_notary *n, struct hm_slice text, uint64_t time, struct hm_bytes *line, struct hm_fail *fail) HM_MUST_CHECK;
