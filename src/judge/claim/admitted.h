#pragma once
/* What a declaration says is sent of planted documents (its `collects`): values that are computed again from the documents of a run, so that
 * what a product sends is recognised as such, wherever it stands in a field and in the forms of doc/format/core.md. No more than a
 * recognition: a verdict about what is collected never depends on it. */
#include "claim.h"

struct hm_admitted;

/* NULL where the declaration has no `collects`. `core` must outlive it. */
struct hm_admitted *hm_admitted_new(const struct hm_core *core) HM_MUST_CHECK;
void hm_admitted_free(struct hm_admitted *a); /* NULL is fine */
/* Something of it is sent to this endpoint. */
bool hm_admitted_goes(const struct hm_admitted *a, const char *endpoint) HM_MUST_CHECK;
/* Takes the values of the documents of set `set` out of `bytes`, which go to the endpoint: SHA-256 of the rest, in which each value has left
 * what it is and not of which document. Returns how many bytes were values. */
uint64_t hm_admitted_rest(struct hm_admitted *a, size_t set, const char *endpoint, struct hm_slice bytes, struct hm_sha256 *rest);
/* Whether `bytes`, a stretch of the message that goes to the endpoint, follow from the rest of it in a way that is declared (pyzor.signature). */
bool hm_admitted_follows(const struct hm_admitted *a, const char *endpoint, struct hm_slice message, struct hm_slice bytes) HM_MUST_CHECK;
/* Whether a token or digest of a document (the feature of a leak) is among what is sent to the endpoint. */
bool hm_admitted_leak(const struct hm_core *core, const char *endpoint, const char *feature) HM_MUST_CHECK;
