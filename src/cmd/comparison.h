#pragma once
/* Two bundles held against each other, and what comes of it told (doc/format/replication.md). */
#include <stdbool.h>

#include "fail.h"

/* Verifies both bundles without keys, compares what is derived from them, and prints it: as a table, as hallmark/comparison/v1 with `json`, not
 * at all with `quiet`. Returns 0, 1 or 2 as `compare` exits; HM_E_BAD where one of them is false or malformed, or cannot be derived. */
int hm_comparison(const char *old_path, const char *new_path, bool json, bool quiet, struct hm_fail *fail) HM_MUST_CHECK;
