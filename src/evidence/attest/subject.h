#pragma once
/* What statements are about, and how they go out, as findings.json says (doc/format/bundle.md). */
#include "fail.h"
#include "json.h"

/* The product's artifacts as an array of in-toto's ResourceDescriptors, sorted, each pair of name and digest once; the caller's reference.
 * HM_E_BAD when there is none. */
int hm_subjects(json_t **ret, const json_t *findings, struct hm_fail *fail) HM_MUST_CHECK;
/* {"name":..,"digest":{"sha256":..}}, the caller's reference; NULL when a text is no UTF-8. */
json_t *hm_subject(const char *name, const char *sha256) HM_MUST_CHECK;
/* HM_E_BAD unless every claim has an id and a known verdict. */
int hm_result_check(const json_t *findings, struct hm_fail *fail) HM_MUST_CHECK;
/* Ids of the claims with that verdict, sorted; the caller's reference. */
json_t *hm_result_ids(const json_t *findings, const char *verdict) HM_MUST_CHECK;
/* "FAILED" where a claim is refuted, else "WARNED" where one is not verifiable or none was judged, else "PASSED". */
const char *hm_result(const json_t *findings) HM_MUST_CHECK;
