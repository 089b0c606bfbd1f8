#pragma once
/* Shared by the files of this module. */
#include "digest.h"
#include "json.h"
#include "summary.h"

#define HM_SUMMARY_ASSESSMENT "urn:hallmark:predicate:assessment:v1"
#define HM_SUMMARY_VSA "https://slsa.dev/verification_summary/v1"

/* A document of the bundle; the caller's reference. */
int hm_summary_part(json_t **ret, const struct hm_parts *parts, const char *name, struct hm_fail *fail) HM_MUST_CHECK;
void hm_summary_digest(char hex[65], struct hm_slice content);
/* Appends the statement; takes both references. */
void hm_summary_write(struct hm_bytes *out, json_t *subjects, const char *type, json_t *predicate);
