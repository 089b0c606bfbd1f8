#pragma once
/* Shared by the files of this module. */
#include <jansson.h>

#include "redaction.h"

enum hm_redaction_part { HM_REDACTION_EVENTS, HM_REDACTION_TREE, HM_REDACTION_PACKETS };

/* 1 when the part of that name has leaves that can be withheld, and of which kind; else 0. */
int hm_redaction_part(enum hm_redaction_part *kind, const char *name) HM_MUST_CHECK;
/* "packet", "secrets" or "names" for the type of a block of a packet file. */
const char *hm_redaction_word(uint32_t type);
/* What is withheld of the part at `index`, as redaction.json has it; empty for other parts. The caller lets go of it, also on failure. */
int hm_redaction_rows(json_t **ret, const struct hm_parts *parts, size_t index, struct hm_fail *fail) HM_MUST_CHECK;
