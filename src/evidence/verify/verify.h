#pragma once
/* Decide on a bundle: integrity, trust, recompute. Reads, never writes; links no private-key code and no libbpf.
 *
 * Every check is a row with an outcome; nothing that was not checked is silent. */
#include "parts.h"
#include "signature.h"

enum hm_check { HM_CHECK_HOLDS, HM_CHECK_FALSE, HM_CHECK_UNCHECKED };

struct hm_verify_row {
	const char *name;  /* "container", "manifest", "core", "records", "seed", "planted", "features", "findings", "statement",
			      "signature", "claim set", "redaction", "replication", "log", "plan log", "beside", "reply" */
	enum hm_check outcome;
	char detail[512];
};

struct hm_verify {
	struct hm_verify_row row[32];
	size_t rows;
	struct hm_parts *parts;	  /* the bundle's, NULL when the container is malformed; owned */
	struct hm_bytes findings; /* as recomputed; empty where evidence is withheld */
	struct hm_bytes claims;	  /* where evidence is withheld: JSON, [{"id","status","verdict"}...], as bundle.md, "Redaction" */
	char bundle_id[65];
	uint64_t signers; /* bit i: a good signature is by keys[i] (of the first 64) */
};

/* Checks the bundle that lies in memory. `keys` are the keys that are trusted; without any, integrity only. `require` are
 * claim ids that must be upheld. Returns 0 when it ran: the rows tell what holds. `file` must outlive `out`. */
int hm_verify_bundle(struct hm_verify *out, struct hm_slice file, struct hm_pubkey *const *keys, size_t key_count,
		     const char *const *require, size_t require_count, struct hm_fail *fail) HM_MUST_CHECK;
/* 0, 1 or 2 as CONTRACTS.md section 1 says. */
int hm_verify_exit(const struct hm_verify *v) HM_MUST_CHECK;
/* The first check that is false, or NULL. */
const struct hm_verify_row *hm_verify_first_false(const struct hm_verify *v) HM_MUST_CHECK;
void hm_verify_release(struct hm_verify *v);
/* Adds a row; for checks that stand above this module (the report made again). */
void hm_verify_say(struct hm_verify *v, const char *name, enum hm_check outcome, const char *format, ...) HM_PRINTF(4, 5);
