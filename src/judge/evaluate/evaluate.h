#pragma once
/* Core in, findings out: a pure function (CONTRACTS.md section 3). No clock, locale, float, environment, hash order or
 * thread order; the same parts give the same bytes on every machine. */
#include "parts.h"

/* Semantics 1 judge records of version 1 and give what they always gave; a new core has the last. plan.json names them, and
 * every record must be of that version. */
#define HM_SEMANTICS 2
/* Of a core that holds an experiment; its records are of version 2. */
#define HM_SEMANTICS_EXPERIMENT 3

/* Reads the core from `parts` (plan.json, assessment.json, declaration.json, claims.json, product.json, planted.json,
 * planted/, runs/NNNN/...) and appends findings.json in canonical form. HM_E_BAD for a malformed core, HM_E_UNKNOWN for
 * semantics that this program does not have. */
int hm_evaluate(struct hm_bytes *findings, const struct hm_parts *parts, struct hm_fail *fail) HM_MUST_CHECK;

/* The exit code of `assess` and `evaluate` (CONTRACTS.md section 1) for findings that hm_evaluate made: 0, 1 or 2. */
int hm_findings_exit(struct hm_slice findings) HM_MUST_CHECK;
