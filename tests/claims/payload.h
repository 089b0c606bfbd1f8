#pragma once
/* Payloads of claim tests: texts, tokens, digests, encodings. */
#include "parts.h"

/* Appends what the words stand for. `seed` has 32 bytes; documents are looked up in `parts`. Ends the program with a message
 * when a word cannot be read. */
void payload_make(struct hm_bytes *out, const struct hm_parts *parts, const uint8_t *seed, char *const *words, size_t count);
