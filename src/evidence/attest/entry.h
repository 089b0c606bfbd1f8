#pragma once
/* What stands in a log of an attestation and of a plan, and the receipts that a bundle has for them (doc/format/log.md). */
#include "receipt.h"
#include "signature.h"

#define HM_PLAN_TYPE "application/vnd.hallmark.plan+json"
#define HM_PLAN_RECEIPT "plan.tlog-proof"

/* Appends the entry of a signature over PAE(type, payload) by the key with that SubjectPublicKeyInfo: of an attestation's statement, or
 * of plan.json. */
void hm_entry_attestation(struct hm_bytes *out, struct hm_slice statement, struct hm_slice signature, struct hm_slice spki);
void hm_entry_plan(struct hm_bytes *out, struct hm_slice plan, struct hm_slice signature, struct hm_slice spki);

/* A receipt together with the entry that it is for, as far as no policy is needed. */
struct hm_logged {
	struct hm_receipt receipt; /* borrows from the receipt's text */
	struct hm_bytes entry;
	struct hm_sha256 leaf;
	struct hm_slice origin; /* of its checkpoint */
	uint64_t size;
	struct hm_sha256 root;
	uint8_t key_id[4]; /* of the first signature under the origin's name */
	char keyid[45];	   /* who signed the entry */
};

/* Reads the receipt of an attestation, whose `extra` is the signer's SubjectPublicKeyInfo: key id and entry belong to it, and the entry is
 * where the receipt says. HM_E_BAD when not. Whether the checkpoint is a log's is the policy's business. */
int hm_logged_attestation(struct hm_logged *out, struct hm_slice receipt, struct hm_slice statement, const char *keyid, struct hm_slice signature,
			  struct hm_fail *fail) HM_MUST_CHECK;
/* The same of a plan, whose `extra` is that and a good signature over the plan behind it. */
int hm_logged_plan(struct hm_logged *out, struct hm_slice receipt, struct hm_slice plan, struct hm_fail *fail) HM_MUST_CHECK;
void hm_logged_release(struct hm_logged *logged);
/* Its TransparencyLogEntry in a Sigstore bundle, canonical JSON, appended. */
void hm_logged_sigstore(struct hm_bytes *out, const struct hm_logged *logged);
