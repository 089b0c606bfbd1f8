#pragma once
/* Two findings held against each other: which verdicts, influences and files are the same (doc/format/replication.md). Pure.
 *
 * Findings are taken as evaluate makes them: whoever has some from elsewhere derives them again first. */
#include "json.h"

/* A new reference to {"agree","claims","endpoints","influence","not_comparable","product"}, the members of hallmark/comparison/v1 that
 * follow from findings. */
json_t *hm_agree(const json_t *old_findings, const json_t *new_findings) HM_MUST_CHECK;
/* The exit code of `compare` and `replicate` for what hm_agree gave: 0 the same, 1 different, 2 not comparable. */
int hm_agree_exit(const json_t *agreement) HM_MUST_CHECK;
