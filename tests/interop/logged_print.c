/* Makes keys, a log with a few entries, and in it an attestation: FOLDER/bundle.sigstore.json, key.pub, other.pub and log.key.pub. logged_print FOLDER */
#include <stdio.h>

#include "attest.h"
#include "folder.h"
#include "fs.h"
#include "log.h"
#include "notary.h"
#include "signer.h"

static const char statement[] = "{\"_type\":\"https://in-toto.io/Statement/v1\",\"predicate\":{\"result\":\"PASSED\"},\"predicateType\":"
				"\"https://in-toto.io/attestation/test-result/v0.1\",\"subject\":[{\"digest\":{\"sha256\":"
				"\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"},\"name\":\"/usr/bin/product\"}]}";

static char *in(const char *folder, const char *name)
{
	return hm_sprintf("%s/%s", folder, name);
}

static int log_it(const char *folder, struct hm_slice entry, struct hm_slice extra, struct hm_bytes *receipt, struct hm_fail *fail)
{
	HM_FREE char *key = in(folder, "log.key"), *place = in(folder, "log");
	HM_CLEANUP(hm_log_cleanup) struct hm_log *log = NULL;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes note = { 0 };
	struct hm_slice entries[] = { HM_SLICE("one"), HM_SLICE("two"), entry, HM_SLICE("four") };
	HM_CLOSE int fd = -1;
	struct hm_tile_source source = hm_folder_source(&fd);
	uint64_t first;
	int r = hm_notary_generate(key, "log.example/sigstore", HM_KEY_LOG, fail);

	if (r == 0)
		r = hm_log_create(place, key, fail);
	if (r == 0)
		r = hm_log_open(&log, place, key, NULL, fail);
	if (r == 0)
		r = hm_log_append(log, entries, HM_COUNT(entries), &first, fail);
	if (r < 0)
		return r;
	fd = hm_folder_open(place, fail);
	r = fd < 0 ? fd : hm_folder_checkpoint(source, &note, fail);
	return r < 0 ? r : hm_folder_receipt(source, hm_slice_of(&note), 2, extra, receipt, fail);
}

static int make(const char *folder, struct hm_fail *fail)
{
	HM_FREE char *key = in(folder, "key"), *public_path = in(folder, "key.pub"), *other = in(folder, "other"), *out = in(folder, "bundle.sigstore.json");
	HM_CLEANUP(hm_signer_cleanup) struct hm_signer *signer = NULL;
	HM_CLEANUP(hm_pubkey_cleanup) struct hm_pubkey *public = NULL;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes pae = { 0 }, signature = { 0 }, entry = { 0 }, receipt = { 0 }, bundle = { 0 };
	HM_CLEANUP(hm_logged_release) struct hm_logged logged = { .size = 0 };
	int r = hm_signer_generate(key, fail);

	if (r == 0)
		r = hm_signer_generate(other, fail);
	if (r == 0)
		r = hm_signer_load(&signer, key, fail);
	if (r == 0)
		r = hm_pubkey_load(&public, public_path, fail);
	if (r < 0)
		return r;
	hm_dsse_pae(&pae, HM_PAYLOAD_TYPE, hm_slice_text(statement));
	r = hm_signer_sign(signer, hm_slice_of(&pae), &signature, fail);
	if (r < 0)
		return r;
	hm_entry_attestation(&entry, hm_slice_text(statement), hm_slice_of(&signature), hm_pubkey_spki(public));
	r = log_it(folder, hm_slice_of(&entry), hm_pubkey_spki(public), &receipt, fail);
	if (r == 0)
		r = hm_logged_attestation(&logged, hm_slice_of(&receipt), hm_slice_text(statement), hm_pubkey_id(public), hm_slice_of(&signature), fail);
	if (r < 0)
		return r;
	hm_attest_sigstore(&bundle, hm_slice_text(statement), hm_pubkey_id(public), hm_slice_of(&signature), &logged);
	return hm_fs_write_atomic(out, hm_slice_of(&bundle), 0644, fail);
}

int main(int argc, char **argv)
{
	struct hm_fail fail;

	if (argc != 2)
		return 3;
	if (make(argv[1], &fail) == 0)
		return 0;
	fprintf(stderr, "logged_print: %s\n", fail.text);
	return 1;
}
