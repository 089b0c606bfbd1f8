#pragma once
/* What a bundle withholds (doc/format/bundle.md, "Redaction"): leaves whose content is gone and whose hashes stay, so that the bundle keeps
 * its id. Everything that says so follows from the other parts, and is made again by whoever checks. */
#include "parts.h"

#define HM_REDACTION "redaction.json"
#define HM_ORIGINAL_MANIFEST "manifest.original.json"

enum hm_withheld { HM_WITHHELD_EVENTS = 1, HM_WITHHELD_PACKETS = 2, HM_WITHHELD_TREE = 4 };

/* Kinds of evidence of which something is withheld in any run, as `enum hm_withheld`; 0 for none. The parts' records and packet files were
 * checked. */
int hm_redaction_kinds(unsigned *kinds, const struct hm_parts *parts, struct hm_fail *fail) HM_MUST_CHECK;
/* Appends the redaction.json that these parts call for; they have manifest.original.json. */
int hm_redaction_json(struct hm_bytes *out, const struct hm_parts *parts, struct hm_fail *fail) HM_MUST_CHECK;
/* 0 when the two members are there and nothing contradicts them. HM_E_BAD else. */
int hm_redaction_check(const struct hm_parts *parts, struct hm_fail *fail) HM_MUST_CHECK;

enum hm_redact_what { HM_REDACT_RECORDS = 1, HM_REDACT_TREES = 2, HM_REDACT_PACKETS = 4, HM_REDACT_SECRETS = 8, HM_REDACT_NAMES = 16 };

/* One wish: the blocks of these kinds, in these runs, that hold one of these items, and something that fits the pattern. */
struct hm_redact {
	unsigned what;		  /* enum hm_redact_what */
	unsigned run_from, run_to;
	uint64_t from, to;	  /* events or entries from 0; packets from 1, as tshark numbers them; others have no numbers */
	const char *pattern;	  /* NULL: whatever stands there. `*` is any bytes but '/' and NUL, `**` any */
};

/* The parts of the redacted bundle, sealed, which borrow from `parts`. *blocks: how many more are withheld. HM_E_BAD for parts that are
 * malformed; with nothing to withhold *blocks is 0 and *ret NULL. */
int hm_redact(struct hm_parts **ret, uint64_t *blocks, const struct hm_parts *parts, const struct hm_redact *wishes, size_t count,
	      struct hm_fail *fail) HM_MUST_CHECK;
/* Whether something in `s` fits the pattern. */
bool hm_redact_fits(const char *pattern, struct hm_slice s) HM_MUST_CHECK;
