#pragma once
/* What hallmark find says at its end. */
#include "found.h"

/* Of what is asked to be gone: a line for each trace that is left, by kind; appended. Returns the exit code: 0 nothing left, 1 something, 2 a part could not be read. */
int hm_find_gone(struct hm_bytes *out, const json_t *document) HM_MUST_CHECK;
