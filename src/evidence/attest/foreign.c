#include "foreign.h"

#include "attest.h"
#include "json.h"
#include "text.h"

void hm_foreign_release(struct hm_foreign *envelope)
{
	free(envelope->type);
	hm_bytes_release(&envelope->payload);
	for (size_t i = 0; i < envelope->count; i++)
		hm_bytes_release(&envelope->signature[i]);
	*envelope = (struct hm_foreign){ 0 };
}

/* Either alphabet, not both; padded, or (as URL-safe encoders leave it) not. */
static int unbase64(struct hm_bytes *out, const char *text)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes standard = { 0 };
	bool safe = strpbrk(text, "-_") != NULL;

	if (safe && strpbrk(text, "+/"))
		return HM_E_BAD;
	for (const char *p = text; *p; p++)
		hm_bytes_u8(&standard, *p == '-' ? '+' : *p == '_' ? '/' : (uint8_t)*p);
	if (!memchr(text, '=', standard.len))
		while (standard.len % 4)
			hm_bytes_u8(&standard, '=');
	return hm_text_unbase64(out, hm_slice_of(&standard));
}

static int read_signatures(struct hm_foreign *out, const json_t *list, struct hm_fail *fail)
{
	const json_t *row;
	size_t i;

	if (!json_is_array(list) || json_array_size(list) == 0 || json_array_size(list) > HM_FOREIGN_SIGNATURES)
		return hm_fail_set(fail, HM_E_BAD, "envelope: not 1 to %d signatures", HM_FOREIGN_SIGNATURES);
	json_array_foreach (list, i, row) {
		const char *sig = json_string_value(json_object_get(row, "sig"));

		out->count++;
		if (!sig || unbase64(&out->signature[i], sig) < 0)
			return hm_fail_set(fail, HM_E_BAD, "envelope: signature %zu is not base64", i + 1);
	}
	return 0;
}

/* The envelope itself, or the one in a Sigstore bundle, of which nothing else is looked at. */
static const json_t *envelope_of(const json_t *root)
{
	static const char bundle[] = "application/vnd.dev.sigstore.bundle";
	const char *kind = json_string_value(json_object_get(root, "mediaType"));

	return kind && strncmp(kind, bundle, strlen(bundle)) == 0 ? json_object_get(root, "dsseEnvelope") : root;
}

int hm_foreign_read(struct hm_foreign *out, struct hm_slice text, struct hm_fail *fail)
{
	HM_JSON json_t *root = NULL;
	const json_t *envelope;
	const char *payload, *type;
	int r;

	if (text.len > HM_FOREIGN_MAX)
		return hm_fail_set(fail, HM_E_BAD, "envelope: more than %zu bytes", HM_FOREIGN_MAX);
	r = hm_json_parse(&root, text, "envelope", fail);
	if (r < 0)
		return r;
	envelope = envelope_of(root);
	payload = json_string_value(json_object_get(envelope, "payload"));
	type = json_string_value(json_object_get(envelope, "payloadType"));
	if (!payload || !type)
		return hm_fail_set(fail, HM_E_BAD, "envelope: no payload, or no type of it");
	if (unbase64(&out->payload, payload) < 0)
		return hm_fail_set(fail, HM_E_BAD, "envelope: its payload is not base64");
	out->type = hm_strdup(type);
	return read_signatures(out, json_object_get(envelope, "signatures"), fail);
}

uint64_t hm_foreign_signers(const struct hm_foreign *envelope, struct hm_pubkey *const *keys, size_t count)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes pae = { 0 };
	uint64_t signers = 0;

	hm_dsse_pae(&pae, envelope->type, hm_slice_of(&envelope->payload));
	for (size_t i = 0; i < count && i < 64; i++)
		for (size_t k = 0; k < envelope->count && !(signers >> i & 1); k++)
			if (hm_signature_check(keys[i], hm_slice_of(&pae), hm_slice_of(&envelope->signature[k]), true))
				signers |= (uint64_t)1 << i;
	return signers;
}
