#pragma once
/* Shared by the files of this module: a key as text. */
#include "notary.h"

#define HM_SEED 32

/* A fresh key; its private text is appended to `text`, which the caller wipes and has reserved room in. */
int hm_notary_make(struct hm_notary **ret, struct hm_bytes *text, const char *name, uint8_t type, struct hm_fail *fail) HM_MUST_CHECK;
/* From its text. */
int hm_notary_parse(struct hm_notary **ret, struct hm_slice text, uint8_t type, struct hm_fail *fail) HM_MUST_CHECK;
