#pragma once
/* Statements that lie beside a bundle, for programs that know nothing of bundles (doc/format/statements.md). Each follows from the bundle;
 * whoever has it makes them again and compares bytes. */
#include "parts.h"

/* Appends the statement with our own predicate: record roots, coverage, losses, bounds, scope, and what it does not assert. */
int hm_summary_assessment(struct hm_bytes *out, const struct hm_parts *parts, struct hm_fail *fail) HM_MUST_CHECK;
/* Appends a SLSA verification summary (https://slsa.dev/verification_summary/v1). `verifier` is its verifier.id, `resource` its resourceUri: the
 * product's purl when NULL. HM_E_UNKNOWN when not every judged claim is upheld, or nobody attested the bundle; HM_E_USAGE without a
 * purl and a resource. Whether the bundle is true is the business of the caller. */
int hm_summary_vsa(struct hm_bytes *out, const struct hm_parts *parts, const char *verifier, const char *resource, struct hm_fail *fail) HM_MUST_CHECK;
/* Holds a statement against the bundle: it is the bundle's own, or one of the above as these parts call for it. `kind` says which, in static text. HM_E_BAD
 * when it is not. */
int hm_summary_check(const char **kind, const struct hm_parts *parts, struct hm_slice statement, struct hm_fail *fail) HM_MUST_CHECK;
