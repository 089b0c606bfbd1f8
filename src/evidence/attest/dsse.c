/* The envelope has one form: canonical JSON with three members and one signature. Its values are base64 and constants, so
 * reading it needs no JSON parser: what is read is what lies between texts that are known, written again and compared. */
#include "attest.h"

#include "cursor.h"
#include "digest.h"
#include "text.h"

static const char envelope_head[] = "{\"payload\":\"";
static const char envelope_type[] = "\",\"payloadType\":\"" HM_PAYLOAD_TYPE "\",\"signatures\":[{\"keyid\":\"";
static const char envelope_sig[] = "\",\"sig\":\"";
static const char envelope_tail[] = "\"}]}";

void hm_dsse_pae(struct hm_bytes *out, const char *type, struct hm_slice payload)
{
	hm_bytes_printf(out, "DSSEv1 %zu %s %zu ", strlen(type), type, payload.len);
	hm_bytes_slice(out, payload);
}

void hm_attest_envelope(struct hm_bytes *out, struct hm_slice statement, const char *keyid, struct hm_slice signature)
{
	hm_bytes_text(out, envelope_head);
	hm_text_base64(out, statement);
	hm_bytes_text(out, envelope_type);
	hm_bytes_text(out, keyid);
	hm_bytes_text(out, envelope_sig);
	hm_text_base64(out, signature);
	hm_bytes_text(out, envelope_tail);
}

void hm_attest_sigstore(struct hm_bytes *out, struct hm_slice statement, const char *keyid, struct hm_slice signature, const struct hm_logged *logged)
{
	hm_bytes_text(out, "{\"dsseEnvelope\":");
	hm_attest_envelope(out, statement, keyid, signature);
	hm_bytes_printf(out,
			",\"mediaType\":\"application/vnd.dev.sigstore.bundle.v0.3+json\","
			"\"verificationMaterial\":{\"publicKey\":{\"hint\":\"%s\"},\"tlogEntries\":[",
			keyid);
	if (logged)
		hm_logged_sigstore(out, logged);
	hm_bytes_text(out, "]}}");
}

/* Steps over `text`, which must be there. */
static void expect(struct hm_cursor *c, const char *text)
{
	struct hm_slice there = hm_cursor_bytes(c, strlen(text));

	if (!hm_slice_eq(there, hm_slice_text(text)))
		c->bad = true;
}

/* What stands before the next quotation mark. */
static struct hm_slice until_quote(struct hm_cursor *c)
{
	const uint8_t *end = hm_cursor_left(c) ? memchr(c->at, '"', hm_cursor_left(c)) : NULL;

	return hm_cursor_bytes(c, end ? (size_t)(end - c->at) : SIZE_MAX);
}

static int keyid_digest(uint8_t digest[HM_SHA256_LEN], struct hm_slice keyid)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes bytes = { 0 };

	if (keyid.len != HM_KEYID_LEN || hm_text_unbase64(&bytes, keyid) < 0 || bytes.len != HM_SHA256_LEN)
		return HM_E_BAD;
	memcpy(digest, bytes.data, HM_SHA256_LEN);
	return 0;
}

int hm_attest_read(struct hm_slice line, struct hm_bytes *statement, char keyid[64], struct hm_bytes *signature,
		   struct hm_fail *fail)
{
	struct hm_cursor c = hm_cursor_of(line);
	uint8_t digest[HM_SHA256_LEN];
	struct hm_slice payload, id, sig;

	expect(&c, envelope_head);
	payload = until_quote(&c);
	expect(&c, envelope_type);
	id = until_quote(&c);
	expect(&c, envelope_sig);
	sig = until_quote(&c);
	expect(&c, envelope_tail);
	if (!hm_cursor_done(&c))
		return hm_fail_set(fail, HM_E_BAD, "envelope: not the canonical form of one in-toto statement with one signature");
	if (hm_text_unbase64(statement, payload) < 0 || hm_text_unbase64(signature, sig) < 0)
		return hm_fail_set(fail, HM_E_BAD, "envelope: its base64 is not strict (RFC 4648 section 4, padded, no set bits "
						   "behind the end)");
	if (!hm_signature_has_form(hm_slice_of(signature)))
		return hm_fail_set(fail, HM_E_BAD, "envelope: its signature is neither 64 bytes nor DER in its shortest form");
	if (keyid_digest(digest, id) < 0)
		return hm_fail_set(fail, HM_E_BAD, "envelope: its keyid is not the base64 of a SHA-256");
	memcpy(keyid, id.data, id.len);
	keyid[id.len] = 0;
	return 0;
}

static char *part_name(const char *keyid, const char *end)
{
	uint8_t digest[HM_SHA256_LEN];
	char hex[17];

	if (keyid_digest(digest, hm_slice_text(keyid)) < 0)
		return NULL;
	return hm_sprintf("attestation-%s.%s", hm_text_hex_into(hex, (struct hm_slice){ digest, 8 }), end);
}

char *hm_attest_sigstore_name(const char *keyid)
{
	return part_name(keyid, "sigstore.json");
}

char *hm_attest_receipt_name(const char *keyid)
{
	return part_name(keyid, "tlog-proof");
}

int hm_attest_add(struct hm_parts *parts, struct hm_slice statement, const char *keyid, struct hm_slice signature,
		  struct hm_slice receipt, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes line = { 0 }, sigstore = { 0 }, copy = { 0 };
	HM_CLEANUP(hm_logged_release) struct hm_logged logged = { .origin = { 0 } };
	HM_FREE char *name = hm_attest_sigstore_name(keyid), *receipt_name = hm_attest_receipt_name(keyid);
	int r = 0;

	if (!name)
		return hm_fail_set(fail, HM_E_BAD, "attestation: %s is not the base64 of a SHA-256", keyid);
	hm_attest_envelope(&line, statement, keyid, signature);
	hm_bytes_u8(&line, '\n');
	if (receipt.len)
		r = hm_logged_attestation(&logged, receipt, statement, keyid, signature, fail);
	hm_attest_sigstore(&sigstore, statement, keyid, signature, receipt.len && r == 0 ? &logged : NULL);
	hm_bytes_slice(&copy, receipt);
	if (r == 0)
		r = hm_parts_take(parts, HM_ATTESTATIONS, &line, fail);
	if (r == 0)
		r = hm_parts_take(parts, name, &sigstore, fail);
	if (r == 0 && receipt.len)
		r = hm_parts_take(parts, receipt_name, &copy, fail);
	return r;
}
