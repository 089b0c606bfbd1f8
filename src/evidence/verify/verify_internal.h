#pragma once
/* Shared by the files of this module: the checks, each of which adds its rows. */
#include "entry.h"
#include "json.h"
#include "verify.h"

struct check {
	struct hm_verify *v;
	const struct hm_parts *parts;
	struct hm_pubkey *const *keys;
	size_t key_count;
	const char *const *require;
	size_t require_count;
	/* Documents of the core, parsed once; NULL where one is malformed, which is a row by then. */
	json_t *plan, *assessment, *planted;
	unsigned withheld; /* enum hm_withheld: of what something is withheld */
	bool core_holds; /* core.json describes the parts */
	bool recomputed; /* v->findings are what the core calls for */
};

/* A row from what a function of the project returned: HOLDS for 0 or more, UNCHECKED for HM_E_UNKNOWN, else FALSE. */
enum hm_check hm_verify_outcome(int r);
/* SHA-256 of a part as "sha256:hex" and NUL, or "" when it is not there. */
void hm_verify_digest(char out[72], const struct hm_parts *parts, const char *name);

/* verify_seals.c: what the container, core.json and manifest.json say. False: nothing behind it can be checked. */
bool hm_verify_container(struct check *c, struct hm_slice file);
void hm_verify_seals(struct check *c);

/* verify_core.c: the core's parts against each other. */
void hm_verify_documents(struct check *c);
void hm_verify_plan(struct check *c);
void hm_verify_seed(struct check *c);
void hm_verify_planted(struct check *c);
void hm_verify_claim_set(struct check *c);
/* verify_sets.c: planted.json of an experiment. */
void hm_verify_sets(struct check *c, const uint8_t *seed);
bool hm_verify_claim_set_known(const char *digest);

/* verify_records.c: each run's record against plan and assessment. */
void hm_verify_records(struct check *c);

/* verify_redaction.c: what is withheld, and what that leaves of each claim; `derived` is what comes out without it, empty for nothing. */
void hm_verify_redaction(struct check *c);
void hm_verify_withheld_claims(struct check *c, struct hm_slice derived);
/* Whether the claim is upheld and recomputed; *says tells why not. */
enum hm_check hm_verify_withheld_require(const struct check *c, const char *id, const char **says);

/* verify_findings.c: derived again. */
void hm_verify_findings(struct check *c);
void hm_verify_require(struct check *c);

/* verify_stated.c: what follows from this bundle and others. */
void hm_verify_stated(struct check *c);

#define HM_SIGNERS_MAX 12

struct envelope {
	char keyid[64];
	struct hm_bytes statement, signature;
};

struct envelopes {
	struct envelope list[HM_SIGNERS_MAX];
	size_t count;
};

/* verify_trust.c: who says so. */
void hm_verify_trust(struct check *c);
/* Reads attestations.intoto.jsonl; release it in any case. */
int hm_verify_envelopes(struct envelopes *e, struct hm_slice text, struct hm_fail *fail) HM_MUST_CHECK;
void hm_verify_envelopes_release(struct envelopes *e);

/* verify_log.c: the receipts of logs, as far as they hold without a policy. */
void hm_verify_receipts(struct check *c);
/* 1 with the receipt of that envelope, 0 when it has none, or an error. */
int hm_verify_receipt_of(struct hm_logged *out, const struct hm_parts *parts, const struct envelope *e, struct hm_fail *fail) HM_MUST_CHECK;
