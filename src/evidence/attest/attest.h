#pragma once
/* What is signed: in-toto Statement v1 with predicate test-result v0.1 in a DSSE envelope (secure-systems-lab/dsse
 * protocol.md 1.0.2; in-toto/attestation spec/v1 and spec/predicates/test-result.md).
 *
 * The statement follows from the bundle alone: subjects are the product's artifacts of findings.json, configuration names
 * bundle id and manifest digest, the tests are the claims. A verifier makes it again and compares bytes. */
#include "entry.h"
#include "parts.h"

#define HM_PAYLOAD_TYPE "application/vnd.in-toto+json"
#define HM_ATTESTATIONS "attestations.intoto.jsonl"
#define HM_KEYID_LEN 44 /* base64 of SHA-256 of the key's SubjectPublicKeyInfo */

/* DSSE pre-authentication encoding (protocol.md), appended: what a signature is made over. */
void hm_dsse_pae(struct hm_bytes *out, const char *type, struct hm_slice payload);
/* The statement that these parts (with core.json, manifest.json, findings.json) call for, canonical JSON, appended. */
int hm_attest_statement(struct hm_bytes *out, const struct hm_parts *parts, struct hm_fail *fail) HM_MUST_CHECK;
/* The envelope as canonical JSON, one line without its newline, appended. */
void hm_attest_envelope(struct hm_bytes *out, struct hm_slice statement, const char *keyid, struct hm_slice signature);
/* The Sigstore bundle v0.3 (public key hint) for the same envelope, appended; with its entry in a log when `logged` is not NULL. */
void hm_attest_sigstore(struct hm_bytes *out, struct hm_slice statement, const char *keyid, struct hm_slice signature, const struct hm_logged *logged);
/* Reads an envelope line strictly: payload and signature are appended, keyid copied. HM_E_BAD unless hm_attest_envelope of
 * what was read gives the same bytes and the signature has a form; the buffers may have grown then. */
int hm_attest_read(struct hm_slice line, struct hm_bytes *statement, char keyid[64], struct hm_bytes *signature,
		   struct hm_fail *fail) HM_MUST_CHECK;
/* The name of a part beside an envelope, its Sigstore bundle or its receipt, in fresh memory: it holds the first 16 hex digits of the
 * digest that the key id encodes. NULL when `keyid` is no key id. */
char *hm_attest_sigstore_name(const char *keyid) HM_MUST_CHECK;
char *hm_attest_receipt_name(const char *keyid) HM_MUST_CHECK;
/* Adds the first attestation of a bundle: its envelope's line, its Sigstore bundle and, unless empty, the receipt of its entry. */
int hm_attest_add(struct hm_parts *parts, struct hm_slice statement, const char *keyid, struct hm_slice signature,
		  struct hm_slice receipt, struct hm_fail *fail) HM_MUST_CHECK;
