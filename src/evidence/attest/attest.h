#pragma once
/* What is signed: in-toto Statement v1 with predicate test-result v0.1 in a DSSE envelope (research: evidence.md 1).
 *
 * The statement follows from the bundle alone: subjects are the product's artifacts of findings.json, configuration names
 * bundle id and manifest digest, the tests are the claims. A verifier makes it again and compares bytes. */
#include "parts.h"

/* DSSE pre-authentication encoding (secure-systems-lab/dsse protocol.md), appended. */
void hm_dsse_pae(struct hm_bytes *out, const char *type, struct hm_slice payload);
/* The statement that these parts (with core.json, manifest.json, findings.json) call for, canonical JSON, appended. */
int hm_attest_statement(struct hm_bytes *out, const struct hm_parts *parts, struct hm_fail *fail) HM_MUST_CHECK;
/* The envelope as canonical JSON, one line without its newline, appended. */
void hm_attest_envelope(struct hm_bytes *out, struct hm_slice statement, const char *keyid, struct hm_slice signature);
/* The Sigstore bundle v0.3 (public key hint, no log entry) for the same envelope, appended. */
void hm_attest_sigstore(struct hm_bytes *out, struct hm_slice statement, const char *keyid, struct hm_slice signature);
/* Reads an envelope line strictly: payload and signature are appended, keyid copied. HM_E_BAD unless hm_attest_envelope of
 * what was read gives the same bytes. */
int hm_attest_read(struct hm_slice line, struct hm_bytes *statement, char keyid[64], struct hm_bytes *signature,
		   struct hm_fail *fail) HM_MUST_CHECK;
#define HM_PAYLOAD_TYPE "application/vnd.in-toto+json"
#define HM_ATTESTATIONS "attestations.intoto.jsonl"
