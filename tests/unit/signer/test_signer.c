#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sys/stat.h>

#include "fs.h"
#include "signature.h"
#include "signer.h"
#include "text.h"

/* The key of RFC 6979 A.2.5, as openssl writes it in PKCS #8. */
static const char rfc_key[] = "-----BEGIN PRIVATE KEY-----\n"
			      "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgya+p2EW6dRZrXCFX\n"
			      "Z7HWk05Qw9s26JsSe4piKxIPZyGhRANCAARg/tS6JVqdMclh63TGNW1owEm4kjth\n"
			      "+mzmaWIuYPKftnkD/hAIuLyZpBrp6VYovGTy8bIMLX6fUXejwpTURiKZ\n"
			      "-----END PRIVATE KEY-----\n";
static char folder[] = "/tmp/hallmark-signer-XXXXXX";

static char *in_folder(const char *name)
{
	return hm_sprintf("%s/%s", folder, name);
}

static int set_up(void **state HM_UNUSED)
{
	return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state HM_UNUSED)
{
	return hm_fs_remove_tree(folder, NULL);
}

static void put(const char *path, const char *text, mode_t mode)
{
	assert_int_equal(hm_fs_write_atomic(path, hm_slice_text(text), mode, NULL), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static struct hm_signer *rfc_signer(void)
{
	HM_FREE char *path = in_folder("rfc");
	struct hm_signer *s = NULL;
	struct hm_fail fail = { 0 };

	put(path, rfc_key, 0600);
	if (hm_signer_load(&s, path, &fail) < 0)
		fail_msg("%s", fail.text);
	return s;
}

static void sign_is(const struct hm_signer *s, const char *message, const char *r, const char *v)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes got = { 0 }, expected = { 0 };
	uint8_t raw[64];

	assert_int_equal(hm_text_unhex(raw, 32, hm_slice_text(r)), 0);
	assert_int_equal(hm_text_unhex(raw + 32, 32, hm_slice_text(v)), 0);
	hm_signature_der(&expected, raw);
	assert_int_equal(hm_signer_sign(s, hm_slice_text(message), &got, NULL), 0);
	assert_true(hm_slice_eq(hm_slice_of(&got), hm_slice_of(&expected)));
}

static void nonce_of_rfc6979(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_signer_cleanup) struct hm_signer *s = rfc_signer();

	sign_is(s, "sample", "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716",
		"f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8");
	sign_is(s, "test", "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367",
		"019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083");
}

static void generated_key_signs(void **state HM_UNUSED)
{
	HM_FREE char *path = in_folder("fresh"), *public_path = in_folder("fresh.pub");
	HM_CLEANUP(hm_signer_cleanup) struct hm_signer *s = NULL;
	HM_CLEANUP(hm_pubkey_cleanup) struct hm_pubkey *key = NULL;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes file = { 0 }, pem = { 0 };
	struct stat st;
	struct hm_fail fail;

	assert_int_equal(hm_signer_generate(path, &fail), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(hm_signer_load(&s, path, &fail), 0);
	assert_int_equal(hm_pubkey_load(&key, public_path, &fail), 0);
	assert_int_equal(hm_signer_public(s, &pem, &fail), 0);
	assert_int_equal(hm_fs_read(&file, public_path, 4096, &fail), 0);
	assert_true(hm_slice_eq(hm_slice_of(&file), hm_slice_of(&pem)));
	for (unsigned i = 0; i < 64; i++) { /* scalars with leading zero bytes are among these */
		HM_CLEANUP(hm_bytes_release) struct hm_bytes a = { 0 }, b = { 0 };
		struct hm_slice message = { (const uint8_t *)&i, sizeof(i) };

		assert_int_equal(hm_signer_sign(s, message, &a, &fail), 0);
		assert_int_equal(hm_signer_sign(s, message, &b, &fail), 0);
		assert_true(hm_slice_eq(hm_slice_of(&a), hm_slice_of(&b)));
		assert_true(hm_signature_check(key, message, hm_slice_of(&a), false));
	}
}

static void nothing_is_overwritten(void **state HM_UNUSED)
{
	HM_FREE char *path = in_folder("kept"), *public_path = in_folder("kept.pub");
	struct hm_fail fail;

	put(public_path, "mine", 0644);
	assert_int_equal(hm_signer_generate(path, &fail), HM_E_SYSTEM);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(access(public_path, F_OK), 0);
	assert_int_equal(unlink(public_path), 0);
	put(path, "mine", 0600);
	assert_int_equal(hm_signer_generate(path, &fail), HM_E_SYSTEM);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(access(public_path, F_OK), -1);
}

static void others_may_not_read_it(void **state HM_UNUSED)
{
	static const mode_t open_modes[] = { 0640, 0604, 0620, 0602, 0644, 0666, 0610 };
	HM_FREE char *path = in_folder("open");
	struct hm_signer *s = NULL;
	struct hm_fail fail;

	for (size_t i = 0; i < HM_COUNT(open_modes); i++) {
		put(path, rfc_key, open_modes[i]);
		assert_int_equal(hm_signer_load(&s, path, &fail), HM_E_SYSTEM);
		assert_non_null(strstr(fail.text, "chmod 600"));
	}
	assert_int_equal(hm_signer_load(&s, "/nowhere/key", &fail), HM_E_SYSTEM);
	assert_null(s);
}

static void refuse(const char *text)
{
	HM_FREE char *path = in_folder("bad");
	struct hm_signer *s = NULL;
	struct hm_fail fail;

	put(path, text, 0600);
	if (hm_signer_load(&s, path, &fail) != HM_E_BAD)
		fail_msg("taken for a key: %s", text);
	assert_null(s);
}

static void other_keys_are_refused(void **state HM_UNUSED)
{
	static const char *const bad[] = {
		"",
		/* the scalar is 0; n; n - 1 with another key's point */
		"-----BEGIN PRIVATE KEY-----\n"
		"MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgAAAAAAAAAAAAAAAA\n"
		"AAAAAAAAAAAAAAAAAAAAAAAAAAChRANCAARg/tS6JVqdMclh63TGNW1owEm4kjth\n"
		"+mzmaWIuYPKftnkD/hAIuLyZpBrp6VYovGTy8bIMLX6fUXejwpTURiKZ\n"
		"-----END PRIVATE KEY-----\n",
		"-----BEGIN PRIVATE KEY-----\n"
		"MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg/////wAAAAD/////\n"
		"/////7zm+q2nF56E87nKwvxjJVGhRANCAARg/tS6JVqdMclh63TGNW1owEm4kjth\n"
		"+mzmaWIuYPKftnkD/hAIuLyZpBrp6VYovGTy8bIMLX6fUXejwpTURiKZ\n"
		"-----END PRIVATE KEY-----\n",
		"-----BEGIN PRIVATE KEY-----\n"
		"MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg/////wAAAAD/////\n"
		"/////7zm+q2nF56E87nKwvxjJVChRANCAARg/tS6JVqdMclh63TGNW1owEm4kjth\n"
		"+mzmaWIuYPKftnkD/hAIuLyZpBrp6VYovGTy8bIMLX6fUXejwpTURiKZ\n"
		"-----END PRIVATE KEY-----\n",
		/* Ed25519 */
		"-----BEGIN PRIVATE KEY-----\n"
		"MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpgyoMUCw0ReMX1eB9ll4v4hG2d\n"
		"-----END PRIVATE KEY-----\n",
	};
	HM_FREE char *longer = hm_sprintf("%s\n", rfc_key), *label = hm_strdup(rfc_key), *big = hm_alloc(1, 3000);

	for (size_t i = 0; i < HM_COUNT(bad); i++)
		refuse(bad[i]);
	refuse(longer);
	label[11] = 'p';
	refuse(label);
	memset(big, 'A', 2999);
	refuse(big);
	for (size_t cut = 1; cut < sizeof(rfc_key) - 2; cut += 3) {
		HM_FREE char *s = hm_slice_dup((struct hm_slice){ (const uint8_t *)rfc_key, cut });

		refuse(s);
	}
}

/* openssl, which shares no code with us here, reads our key and believes our signature. */
static void check_with_openssl(void)
{
	HM_FREE char *key = in_folder("interop"), *message = in_folder("message"), *signature = in_folder("signature");
	HM_FREE char *public_path = in_folder("interop.pub");
	HM_FREE char *verify = hm_sprintf("openssl dgst -sha256 -verify %s -signature %s %s >/dev/null 2>&1", public_path,
					  signature, message);
	HM_FREE char *same = hm_sprintf("openssl pkey -in %s -pubout 2>/dev/null | cmp -s - %s", key, public_path);
	HM_FREE char *again = hm_sprintf("openssl pkey -in %s 2>/dev/null | cmp -s - %s", key, key);
	HM_CLEANUP(hm_signer_cleanup) struct hm_signer *s = NULL;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes der = { 0 };

	assert_int_equal(hm_signer_generate(key, NULL), 0);
	assert_int_equal(hm_signer_load(&s, key, NULL), 0);
	put(message, "to whom it may concern", 0644);
	assert_int_equal(hm_signer_sign(s, HM_SLICE("to whom it may concern"), &der, NULL), 0);
	assert_int_equal(hm_fs_write_atomic(signature, hm_slice_of(&der), 0644, NULL), 0);
	assert_int_equal(system(verify), 0);
	assert_int_equal(system(same), 0);
	assert_int_equal(system(again), 0);
	put(message, "to whom it may concerN", 0644);
	assert_int_not_equal(system(verify), 0);
}

static void openssl_agrees(void **state HM_UNUSED)
{
	if (system("openssl version >/dev/null 2>&1") != 0) {
		printf("# skipped: openssl is not installed\n");
		skip(); /* before anything is held: skipping jumps */
	}
	check_with_openssl();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nonce_of_rfc6979),	  cmocka_unit_test(generated_key_signs),
		cmocka_unit_test(nothing_is_overwritten), cmocka_unit_test(others_may_not_read_it),
		cmocka_unit_test(other_keys_are_refused), cmocka_unit_test(openssl_agrees),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
