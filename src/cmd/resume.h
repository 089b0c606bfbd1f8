#pragma once
/* The bundle of an interrupted assessment, to go on from. */
#include "parts.h"

struct hm_resume;

/* Reads the bundle at `path` and verifies it whole under the key that is to sign the next (private key's file). HM_E_SYSTEM when it is not
 * there, HM_E_BAD for one that does not verify. Its parts live as long as it does. */
int hm_resume_open(struct hm_resume **ret, const char *path, const char *key, struct hm_fail *fail) HM_MUST_CHECK;
void hm_resume_close(struct hm_resume *resume); /* NULL is fine */
const struct hm_parts *hm_resume_parts(const struct hm_resume *resume) HM_MUST_CHECK;
/* The seed that it reveals. */
int hm_resume_seed(const struct hm_resume *resume, uint8_t seed[32], struct hm_fail *fail) HM_MUST_CHECK;
/* HM_E_USAGE unless it was made for the plan.json in `parts`, to the byte, and by this kernel; the text tells what is other. */
int hm_resume_same(const struct hm_resume *resume, const struct hm_parts *parts, struct hm_fail *fail) HM_MUST_CHECK;
