/* Entries are JSON of constants and base64, canonical as it is written. */
#include "entry.h"

#include "attest.h"
#include "merkle.h"
#include "text.h"

static void put_entry(struct hm_bytes *out, const char *head, const char *tail, const char *type, struct hm_slice payload, bool of_pae,
		      struct hm_slice signature, struct hm_slice spki)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes pae = { 0 };
	struct hm_sha256 digest;

	hm_dsse_pae(&pae, type, payload);
	hm_sha256_slice(&digest, of_pae ? hm_slice_of(&pae) : payload);
	hm_bytes_text(out, head);
	hm_bytes_text(out, "\"data\":{\"algorithm\":\"SHA2_256\",\"digest\":\"");
	hm_text_base64(out, (struct hm_slice){ digest.b, HM_SHA256_LEN });
	hm_bytes_text(out, "\"},\"signature\":{\"content\":\"");
	hm_text_base64(out, signature);
	hm_bytes_text(out, "\",\"verifier\":{\"keyDetails\":\"PKIX_ECDSA_P256_SHA_256\",\"publicKey\":{\"rawBytes\":\"");
	hm_text_base64(out, spki);
	hm_bytes_text(out, "\"}}}");
	hm_bytes_text(out, tail);
}

void hm_entry_attestation(struct hm_bytes *out, struct hm_slice statement, struct hm_slice signature, struct hm_slice spki)
{
	put_entry(out, "{\"apiVersion\":\"0.0.2\",\"kind\":\"hashedrekord\",\"spec\":{\"hashedRekordV002\":{", "}}}", HM_PAYLOAD_TYPE, statement, true, signature,
		  spki);
}

void hm_entry_plan(struct hm_bytes *out, struct hm_slice plan, struct hm_slice signature, struct hm_slice spki)
{
	put_entry(out, "{\"apiVersion\":\"1\",\"kind\":\"hallmark.plan\",\"spec\":{", "}}", HM_PLAN_TYPE, plan, false, signature, spki);
}

void hm_logged_release(struct hm_logged *logged)
{
	hm_receipt_release(&logged->receipt);
	hm_bytes_release(&logged->entry);
}

/* The checkpoint's own words, on nobody's authority yet. */
static int read_head(struct hm_logged *out, struct hm_fail *fail)
{
	struct hm_checkpoint checkpoint;
	struct hm_note note;
	int r = hm_note_parse(&note, out->receipt.checkpoint, fail);

	if (r == 0)
		r = hm_checkpoint_parse(&checkpoint, note.text, fail);
	if (r < 0)
		return r;
	out->origin = checkpoint.origin;
	out->size = checkpoint.size;
	out->root = checkpoint.root;
	for (size_t i = note.count; i--;)
		if (hm_slice_eq(note.signature[i].name, checkpoint.origin))
			memcpy(out->key_id, note.signature[i].id, sizeof(out->key_id));
	return 0;
}

static int check_place(struct hm_logged *out, struct hm_fail *fail)
{
	struct hm_slice entry = hm_slice_of(&out->entry);

	hm_merkle_leaf(&out->leaf, &entry, 1);
	if (!hm_merkle_included(&out->root, out->size, out->receipt.index, &out->leaf, out->receipt.proof, out->receipt.count))
		return hm_fail_set(fail, HM_E_BAD, "the receipt is not for this entry: its proof does not lead to the root of its checkpoint");
	return 0;
}

/* Receipt, and the key that its `extra` begins with. */
static int begin(struct hm_logged *out, struct hm_slice receipt, struct hm_pubkey **key, struct hm_fail *fail)
{
	int r = hm_receipt_parse(&out->receipt, receipt, fail);

	if (r == 0)
		r = read_head(out, fail);
	if (r < 0)
		return r;
	if (out->receipt.extra.len < HM_SPKI_LEN)
		return hm_fail_set(fail, HM_E_BAD, "the receipt's extra has no signer's key");
	r = hm_pubkey_of_spki(key, (struct hm_slice){ out->receipt.extra.data, HM_SPKI_LEN }, fail);
	if (r == 0)
		memcpy(out->keyid, hm_pubkey_id(*key), sizeof(out->keyid));
	return r;
}

int hm_logged_attestation(struct hm_logged *out, struct hm_slice receipt, struct hm_slice statement, const char *keyid, struct hm_slice signature,
			  struct hm_fail *fail)
{
	HM_CLEANUP(hm_logged_release) struct hm_logged logged = { .size = 0 };
	HM_CLEANUP(hm_pubkey_cleanup) struct hm_pubkey *key = NULL;
	int r = begin(&logged, receipt, &key, fail);

	if (r == 0 && (logged.receipt.extra.len != HM_SPKI_LEN || strcmp(logged.keyid, keyid) != 0))
		r = hm_fail_set(fail, HM_E_BAD, "the receipt's extra is not the signer's key");
	if (r == 0) {
		hm_entry_attestation(&logged.entry, statement, signature, hm_pubkey_spki(key));
		r = check_place(&logged, fail);
	}
	if (r == 0) {
		*out = logged;
		logged = (struct hm_logged){ .size = 0 };
	}
	return r;
}

int hm_logged_plan(struct hm_logged *out, struct hm_slice receipt, struct hm_slice plan, struct hm_fail *fail)
{
	HM_CLEANUP(hm_logged_release) struct hm_logged logged = { .size = 0 };
	HM_CLEANUP(hm_pubkey_cleanup) struct hm_pubkey *key = NULL;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes pae = { 0 };
	struct hm_slice signature = { 0 };
	int r = begin(&logged, receipt, &key, fail);

	if (r < 0)
		return r;
	signature = (struct hm_slice){ logged.receipt.extra.data + HM_SPKI_LEN, logged.receipt.extra.len - HM_SPKI_LEN };
	hm_dsse_pae(&pae, HM_PLAN_TYPE, plan);
	if (!hm_signature_check(key, hm_slice_of(&pae), signature, false))
		return hm_fail_set(fail, HM_E_BAD, "the receipt's extra is not a key and its signature over plan.json");
	hm_entry_plan(&logged.entry, plan, signature, hm_pubkey_spki(key));
	r = check_place(&logged, fail);
	if (r == 0) {
		*out = logged;
		logged = (struct hm_logged){ .size = 0 };
	}
	return r;
}

static void put_json_text(struct hm_bytes *out, struct hm_slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];

		if (c == '\n')
			hm_bytes_text(out, "\\n");
		else if (c == '"' || c == '\\')
			hm_bytes_printf(out, "\\%c", c);
		else
			hm_bytes_u8(out, c); /* a note has no other control characters, and is UTF-8 */
	}
}

void hm_logged_sigstore(struct hm_bytes *out, const struct hm_logged *logged)
{
	unsigned long long index = logged->receipt.index;

	hm_bytes_text(out, "{\"canonicalizedBody\":\"");
	hm_text_base64(out, hm_slice_of(&logged->entry));
	hm_bytes_text(out, "\",\"inclusionProof\":{\"checkpoint\":{\"envelope\":\"");
	put_json_text(out, logged->receipt.checkpoint);
	hm_bytes_text(out, "\"},\"hashes\":[");
	for (size_t i = 0; i < logged->receipt.count; i++) {
		hm_bytes_text(out, i ? ",\"" : "\"");
		hm_text_base64(out, (struct hm_slice){ logged->receipt.proof[i].b, HM_SHA256_LEN });
		hm_bytes_u8(out, '"');
	}
	hm_bytes_printf(out, "],\"logIndex\":\"%llu\",\"rootHash\":\"", index);
	hm_text_base64(out, (struct hm_slice){ logged->root.b, HM_SHA256_LEN });
	hm_bytes_printf(out, "\",\"treeSize\":\"%llu\"},\"integratedTime\":\"0\",\"kindVersion\":{\"kind\":\"hashedrekord\",\"version\":\"0.0.2\"},\"logId\":{\"keyId\":\"",
			(unsigned long long)logged->size);
	hm_text_base64(out, (struct hm_slice){ logged->key_id, sizeof(logged->key_id) });
	hm_bytes_printf(out, "\"},\"logIndex\":\"%llu\"}", index);
}
