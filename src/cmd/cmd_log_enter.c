/* A bundle whose attestation is not in a log, because none was asked for or it could not be written then: entered later. What the log says of a plan cannot be had later; so
 * verify --log goes on to say that nothing shows that the plan was there before the runs. */
#include "attest.h"
#include "bundle.h"
#include "cmd_log.h"
#include "fs.h"
#include "logging.h"
#include "program.h"
#include "signer.h"

struct entering {
	struct hm_map map;
	struct hm_parts *parts;
	struct hm_pubkey *key;
	struct hm_bytes statement, signature, receipt; /* of the envelope by that key */
};

static void release(struct entering *e)
{
	hm_parts_free(e->parts);
	hm_fs_unmap(&e->map);
	hm_pubkey_free(e->key);
	hm_bytes_release(&e->statement);
	hm_bytes_release(&e->signature);
	hm_bytes_release(&e->receipt);
}

static int load_key(struct entering *e, const char *path, struct hm_fail *fail)
{
	HM_CLEANUP(hm_signer_cleanup) struct hm_signer *signer = NULL;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes pem = { 0 };
	int r = hm_signer_load(&signer, path, fail);

	if (r == 0)
		r = hm_signer_public(signer, &pem, fail);
	return r < 0 ? r : hm_pubkey_parse(&e->key, hm_slice_of(&pem), fail);
}

/* The envelope by the key. */
static int find_envelope(struct entering *e, struct hm_fail *fail)
{
	struct hm_slice lines;

	if (!hm_parts_get(e->parts, HM_ATTESTATIONS, &lines))
		return hm_fail_set(fail, HM_E_BAD, "nobody signed it");
	while (lines.len) {
		const uint8_t *end = memchr(lines.data, '\n', lines.len);
		size_t len = end ? (size_t)(end - lines.data) : lines.len;
		char keyid[64];
		int r;

		e->statement.len = e->signature.len = 0;
		r = hm_attest_read((struct hm_slice){ lines.data, len }, &e->statement, keyid, &e->signature, fail);
		if (r < 0)
			return r;
		if (strcmp(keyid, hm_pubkey_id(e->key)) == 0)
			return 0;
		lines.data += len + (end != NULL);
		lines.len -= len + (end != NULL);
	}
	return hm_fail_set(fail, HM_E_BAD, "key %s did not sign it", hm_pubkey_id(e->key));
}

static int open_bundle(struct entering *e, const char *path, struct hm_fail *fail)
{
	HM_FREE char *name = hm_attest_receipt_name(hm_pubkey_id(e->key));
	struct hm_slice there;
	int r = hm_fs_map(&e->map, path, fail);

	if (r == 0)
		r = hm_bundle_read(&e->parts, e->map.bytes, fail);
	if (r == 0)
		r = hm_bundle_check_parts(e->parts, true, fail);
	if (r == 0)
		r = find_envelope(e, fail);
	if (r == 0 && hm_parts_get(e->parts, name, &there))
		r = hm_fail_set(fail, HM_E_USAGE, "it has a receipt of a log for this key already");
	return r < 0 ? hm_fail_in(fail, "%s", path) : 0;
}

/* The same parts, with the receipt and the Sigstore bundle that it calls for. */
static int write_bundle(const struct entering *e, const char *path, struct hm_fail *fail)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = hm_parts_new();
	HM_CLEANUP(hm_logged_release) struct hm_logged logged = { .size = 0 };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes sigstore = { 0 };
	HM_FREE char *name = hm_attest_sigstore_name(hm_pubkey_id(e->key)), *receipt = hm_attest_receipt_name(hm_pubkey_id(e->key));
	struct hm_slice statement = hm_slice_of(&e->statement), signature = hm_slice_of(&e->signature), content;
	int r = hm_logged_attestation(&logged, hm_slice_of(&e->receipt), statement, hm_pubkey_id(e->key), signature, fail);

	for (size_t i = 0; i < hm_parts_count(e->parts) && r == 0; i++) {
		const char *part = hm_parts_at(e->parts, i, &content);

		if (strcmp(part, name) != 0)
			r = hm_parts_borrow(parts, part, content, fail);
	}
	if (r < 0)
		return r;
	hm_attest_sigstore(&sigstore, statement, hm_pubkey_id(e->key), signature, &logged);
	r = hm_parts_take(parts, name, &sigstore, fail);
	if (r == 0)
		r = hm_parts_borrow(parts, receipt, hm_slice_of(&e->receipt), fail);
	return r < 0 ? r : hm_bundle_write(parts, path, fail);
}

int hm_log_run_enter(const struct hm_args *args, struct hm_fail *fail)
{
	HM_CLEANUP(release) struct entering e = { .parts = NULL };
	const struct hm_logging log = { args->operand[1], hm_args_get(args, "key"), hm_args_get(args, "policy") };
	const char *signer = hm_args_get(args, "signer"), *output = hm_args_get(args, "output");
	int r = 0;

	if (!signer || !output)
		return hm_fail_set(fail, HM_E_USAGE, "log enter: --signer FILE, the private key that signed the bundle, and --output NEW are needed");
	if (!log.key && (!hm_logging_is_url(log.folder) || !log.policy))
		return hm_fail_set(fail, HM_E_USAGE, "log enter: the log's key is wanted (--key KEY), or of a URL --policy FILE");
	r = load_key(&e, signer, fail);
	if (r == 0)
		r = open_bundle(&e, args->operand[2], fail);
	if (r == 0)
		r = hm_logging_attestation(&log, signer, hm_slice_of(&e.statement), hm_slice_of(&e.signature), &e.receipt, fail);
	return r < 0 ? r : write_bundle(&e, output, fail);
}
