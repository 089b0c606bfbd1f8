#pragma once
/* Findings for people. Computes nothing: it shows what findings.json says and what the records hold.
 *
 * Everything foreign (paths, payloads, program output) is escaped by the writer of its context, the page or the terminal:
 * control, bidi, invisible and non-UTF-8 bytes show as \xHH, a backslash shows double, markup is inert. */
#include "parts.h"

/* Appends the terminal table for the assessments in `list` (each with findings.json, assessment.json): per claim the
 * number first, then the words; what an experiment shows, in the sentence that a person would quote; not-tested claims in one
 * line of their own; losses, witnesses, internet mode; who made the key. `width` is the terminal's columns (80 where unknown), `colour` allows SGR. */
int hm_report_table(struct hm_bytes *out, const struct hm_parts *const *list, size_t count, unsigned width, bool colour,
		    struct hm_fail *fail) HM_MUST_CHECK;
/* Version of the page: any change of a byte of it for any parts raises it. */
#define HM_REPORT_VERSION 5
/* What suppliers say of the bundle, an object with the member `replies` of doc/format/reply.md, stands in a part of this name, which no bundle has: whoever shows it puts it
 * beside the others. */
#define HM_REPORT_REPLIES "replies.json"
/* Appends one self-contained HTML page: no request leaves it, no script is needed to read it. A function of the parts
 * alone (findings.json, core.json, the core; no attestation), so that a verifier of the same version makes it again. */
int hm_report_html(struct hm_bytes *out, const struct hm_parts *parts, struct hm_fail *fail) HM_MUST_CHECK;
/* The version of the report that made the page, as its beginning and its end both say; 0 for what is no such page. One that
 * another version made cannot be made again here: it is neither true nor false. */
unsigned hm_report_version(struct hm_slice page) HM_MUST_CHECK;
