/* A whole envelope: what we sign is what openssl, given the pre-authentication encoding, believes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "attest.h"
#include "fs.h"
#include "signature.h"
#include "signer.h"

static char folder[] = "/tmp/hallmark-signing-XXXXXX";

static int set_up(void **state HM_UNUSED)
{
	return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state HM_UNUSED)
{
	return hm_fs_remove_tree(folder, NULL);
}

static void check_envelope(bool with_openssl)
{
	HM_FREE char *key_path = hm_sprintf("%s/key", folder), *public_path = hm_sprintf("%s/key.pub", folder);
	HM_FREE char *pae_path = hm_sprintf("%s/pae", folder), *sig_path = hm_sprintf("%s/sig", folder);
	HM_FREE char *command = hm_sprintf("openssl dgst -sha256 -verify %s -signature %s %s >/dev/null 2>&1", public_path,
					   sig_path, pae_path);
	HM_CLEANUP(hm_signer_cleanup) struct hm_signer *signer = NULL;
	HM_CLEANUP(hm_pubkey_cleanup) struct hm_pubkey *key = NULL;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes pae = { 0 }, sig = { 0 }, line = { 0 }, payload = { 0 }, back = { 0 };
	struct hm_slice statement = HM_SLICE("{\"_type\":\"https://in-toto.io/Statement/v1\"}");
	char keyid[64];

	assert_int_equal(hm_signer_generate(key_path, NULL), 0);
	assert_int_equal(hm_signer_load(&signer, key_path, NULL), 0);
	assert_int_equal(hm_pubkey_load(&key, public_path, NULL), 0);
	hm_dsse_pae(&pae, HM_PAYLOAD_TYPE, statement);
	assert_int_equal(hm_signer_sign(signer, hm_slice_of(&pae), &sig, NULL), 0);
	hm_attest_envelope(&line, statement, hm_pubkey_id(key), hm_slice_of(&sig));
	assert_int_equal(hm_attest_read(hm_slice_of(&line), &payload, keyid, &back, NULL), 0);
	assert_string_equal(keyid, hm_pubkey_id(key));
	assert_true(hm_slice_eq(hm_slice_of(&payload), statement));
	assert_true(hm_slice_eq(hm_slice_of(&back), hm_slice_of(&sig)));
	assert_true(hm_signature_check(key, hm_slice_of(&pae), hm_slice_of(&back), false));
	if (!with_openssl)
		return;
	assert_int_equal(hm_fs_write_atomic(pae_path, hm_slice_of(&pae), 0644, NULL), 0);
	assert_int_equal(hm_fs_write_atomic(sig_path, hm_slice_of(&back), 0644, NULL), 0);
	assert_int_equal(system(command), 0);
	hm_bytes_u8(&pae, ' ');
	assert_int_equal(hm_fs_write_atomic(pae_path, hm_slice_of(&pae), 0644, NULL), 0);
	assert_int_not_equal(system(command), 0);
}

static void openssl_believes_the_envelope(void **state HM_UNUSED)
{
	bool have = system("openssl version >/dev/null 2>&1") == 0;

	check_envelope(have);
	if (!have) {
		printf("# skipped: openssl is not installed\n");
		skip();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(openssl_believes_the_envelope) };

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
