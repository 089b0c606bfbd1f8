#pragma once
/* Findings for people. Computes nothing: it shows what findings.json says and what the records hold.
 *
 * Everything foreign (paths, payloads, program output) is escaped by the writer of its context: html_text, html_attr, and
 * for the terminal term_text, which shows control, bidi and non-UTF-8 bytes as \xHH. */
#include "parts.h"

/* Appends the terminal table for the assessments in `list` (each with findings.json, assessment.json): per claim the
 * number first, then the words; not-tested claims in one line of their own; losses, witnesses, internet mode; who made the
 * key. `width` is the terminal's columns (80 where unknown), `colour` allows SGR. */
int hm_report_table(struct hm_bytes *out, const struct hm_parts *const *list, size_t count, unsigned width, bool colour,
		    struct hm_fail *fail) HM_MUST_CHECK;
/* Appends one self-contained HTML page: no request leaves it, no script is needed to read it. A function of the parts
 * alone, so that a verifier makes it again. */
int hm_report_html(struct hm_bytes *out, const struct hm_parts *parts, struct hm_fail *fail) HM_MUST_CHECK;
