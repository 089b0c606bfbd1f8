#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <jansson.h>

#include "pem.h"
#include "signature.h"
#include "text.h"
#include "../../support/vectors.h"

/* The key of RFC 6979 A.2.5 and its signature over "sample" with SHA-256. */
static const char key_pem[] = "-----BEGIN PUBLIC KEY-----\n"
			      "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYP7UuiVanTHJYet0xjVtaMBJuJI7\n"
			      "Yfps5mliLmDyn7Z5A/4QCLi8maQa6elWKLxk8vGyDC1+n1F3o8KU1EYimQ==\n"
			      "-----END PUBLIC KEY-----\n";
static const char sample_raw[] = "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
				 "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8";

static void unhex(struct hm_bytes *out, const char *hex)
{
	size_t len = strlen(hex) / 2;

	hm_bytes_reserve(out, len + 1);
	assert_int_equal(hm_text_unhex(out->data + out->len, len, hm_slice_text(hex)), 0);
	out->len += len;
}

static void key_is_read(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_pubkey_cleanup) struct hm_pubkey *key = NULL, *other = NULL;
	struct hm_slice pem = hm_slice_text(key_pem);
	struct hm_fail fail;

	assert_int_equal(hm_pubkey_parse(&key, pem, &fail), 0);
	/* openssl pkey -pubin -outform DER | openssl dgst -sha256 -binary | base64 */
	assert_string_equal(hm_pubkey_id(key), "Wnp4zKSg9CDZvGK7Zpw8J1njn3I9OuENy+DwgVoH7NQ=");
	pem.len--; /* the last line feed may be missing */
	assert_int_equal(hm_pubkey_parse(&other, pem, &fail), 0);
	assert_string_equal(hm_pubkey_id(other), hm_pubkey_id(key));
}

static void refuse_key(const char *pem)
{
	struct hm_pubkey *key = NULL;
	struct hm_fail fail;

	if (hm_pubkey_parse(&key, hm_slice_text(pem), &fail) != HM_E_BAD)
		fail_msg("taken for a key: %s", pem);
	assert_null(key);
}

static void key_is_refused(void **state HM_UNUSED)
{
	static const char *const bad[] = {
		"",
		"\n",
		"-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n",
		"-----BEGIN PUBLIC KEY----------END PUBLIC KEY-----\n",
		/* a point that is not on the curve */
		"-----BEGIN PUBLIC KEY-----\n"
		"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYP7UuiVanTHJYet0xjVtaMBJuJI7\n"
		"Yfps5mliLmDyn7Z5A/4QCLi8maQa6elWKLxk8vGyDC1+n1F3o8KU1EYimA==\n"
		"-----END PUBLIC KEY-----\n",
		/* the same key as a compressed point */
		"-----BEGIN PUBLIC KEY-----\n"
		"MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgADYP7UuiVanTHJYet0xjVtaMBJuJI7\n"
		"Yfps5mliLmDyn7Y=\n"
		"-----END PUBLIC KEY-----\n",
		/* Ed448, X25519, and Ed25519 with a byte more */
		"-----BEGIN PUBLIC KEY-----\n"
		"MEMwBQYDK2VxAzoAX9dEm1m0Yf0s54fsYWrUah2hNCSFpwdN7nLcGkVskaRQ5uzr\n"
		"eXp6eH2P0HZhDL08vCx8Ab1Bzu8A\n"
		"-----END PUBLIC KEY-----\n",
		"-----BEGIN PUBLIC KEY-----\n"
		"MCowBQYDK2VuAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
		"-----END PUBLIC KEY-----\n",
		"-----BEGIN PUBLIC KEY-----\n"
		"MCswBQYDK2VwAyIA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURoA\n"
		"-----END PUBLIC KEY-----\n",
		/* other line lengths */
		"-----BEGIN PUBLIC KEY-----\n"
		"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYP7UuiVanTHJYet0xjVtaMBJuJI7Yfps\n"
		"5mliLmDyn7Z5A/4QCLi8maQa6elWKLxk8vGyDC1+n1F3o8KU1EYimQ==\n"
		"-----END PUBLIC KEY-----\n",
	};
	size_t len = strlen(key_pem);

	for (size_t i = 0; i < HM_COUNT(bad); i++)
		refuse_key(bad[i]);
	for (size_t cut = 0; cut + 1 < len; cut++) {
		HM_FREE char *s = hm_slice_dup((struct hm_slice){ (const uint8_t *)key_pem, cut });

		refuse_key(s);
	}
	for (size_t i = 0; i < len; i++) {
		HM_FREE char *s = hm_strdup(key_pem);

		memmove(s + i + 1, s + i, len - i - 1); /* a byte more, of any place */
		s[len] = 0;
		s[i] = '\r';
		refuse_key(s);
	}
	{
		HM_FREE char *twice = hm_sprintf("%s%s", key_pem, key_pem), *before = hm_sprintf("\n%s", key_pem);
		HM_FREE char *after = hm_sprintf("%s\n", key_pem), *text = hm_sprintf("my key\n%s", key_pem);

		refuse_key(twice);
		refuse_key(before);
		refuse_key(after);
		refuse_key(text);
	}
}

static void one_signature_one_form(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_pubkey_cleanup) struct hm_pubkey *key = NULL;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes raw = { 0 }, der = { 0 };
	struct hm_slice sample = HM_SLICE("sample");
	struct hm_fail fail;

	assert_int_equal(hm_pubkey_parse(&key, hm_slice_text(key_pem), &fail), 0);
	unhex(&raw, sample_raw);
	hm_signature_der(&der, raw.data);
	assert_true(hm_signature_check(key, sample, hm_slice_of(&der), false));
	assert_false(hm_signature_check(key, HM_SLICE("simple"), hm_slice_of(&der), false));
	assert_false(hm_signature_check(key, sample, hm_slice_of(&raw), false));
	assert_true(hm_signature_check(key, sample, hm_slice_of(&raw), true));
	assert_false(hm_signature_check(key, sample, (struct hm_slice){ NULL, 0 }, true));
	for (size_t bit = 0; bit < der.len * 8; bit++) {
		der.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(hm_signature_check(key, sample, hm_slice_of(&der), true));
		der.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t cut = 0; cut < der.len; cut++)
		assert_false(hm_signature_check(key, sample, (struct hm_slice){ der.data, cut }, true));
	hm_bytes_u8(&der, 0);
	assert_false(hm_signature_check(key, sample, hm_slice_of(&der), true));
}

/* Small scalars: the DER writer takes off zeros, and puts one before a set high bit. */
static void der_is_shortest(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes der = { 0 };
	static const uint8_t expected[] = { 0x30, 0x07, 0x02, 0x01, 0x01, 0x02, 0x02, 0x00, 0x80 };
	uint8_t raw[64] = { 0 };

	raw[31] = 1;
	raw[63] = 0x80;
	hm_signature_der(&der, raw);
	assert_int_equal(der.len, sizeof(expected));
	assert_memory_equal(der.data, expected, sizeof(expected));
}

static void one_wycheproof(const json_t *group, const json_t *t, bool raw, unsigned counts[2])
{
	HM_CLEANUP(hm_pubkey_cleanup) struct hm_pubkey *key = NULL;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes message = { 0 }, signature = { 0 };
	const char *pem = json_string_value(json_object_get(group, "publicKeyPem"));
	const char *result = json_string_value(json_object_get(t, "result"));
	bool expected = strcmp(result, "valid") == 0, got;
	struct hm_fail fail;

	assert_true(expected || strcmp(result, "invalid") == 0); /* this set has no "acceptable" */
	assert_int_equal(hm_pubkey_parse(&key, hm_slice_text(pem), &fail), 0);
	unhex(&message, json_string_value(json_object_get(t, "msg")));
	unhex(&signature, json_string_value(json_object_get(t, "sig")));
	got = hm_signature_check(key, hm_slice_of(&message), hm_slice_of(&signature), raw);
	if (got != expected)
		fail_msg("tcId %d is %s, we say %d", (int)json_integer_value(json_object_get(t, "tcId")), result, got);
	if (!raw)
		assert_int_equal(hm_signature_check(key, hm_slice_of(&message), hm_slice_of(&signature), true), expected);
	else
		assert_int_equal(hm_signature_check(key, hm_slice_of(&message), hm_slice_of(&signature), false), expected && !hm_pubkey_is_p256(key));
	counts[expected]++;
}

static void wycheproof(const char *name, bool raw)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	json_t *root, *group, *t;
	unsigned counts[2] = { 0 };
	size_t i, k;

	if (!hm_vector(&text, name))
		skip();
	root = json_loadb((const char *)text.data, text.len, 0, NULL);
	assert_non_null(root);
	json_array_foreach(json_object_get(root, "testGroups"), i, group)
		json_array_foreach(json_object_get(group, "tests"), k, t)
			one_wycheproof(group, t, raw, counts);
	assert_int_equal(counts[0] + counts[1], json_integer_value(json_object_get(root, "numberOfTests")));
	assert_true(counts[0] > 0 && counts[1] > 0);
	hm_vectors_agree(name, counts[0] + counts[1]);
	json_decref(root);
}

static void wycheproof_der(void **state HM_UNUSED)
{
	wycheproof("wycheproof/ecdsa_secp256r1_sha256_test.json", false);
}

static void wycheproof_raw(void **state HM_UNUSED)
{
	wycheproof("wycheproof/ecdsa_secp256r1_sha256_p1363_test.json", true);
}

/* RFC 8032 section 7.1, test 2. */
static void ed25519_is_taken(void **state HM_UNUSED)
{
	static const char pem[] = "-----BEGIN PUBLIC KEY-----\n"
				  "MCowBQYDK2VwAyEAPUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=\n"
				  "-----END PUBLIC KEY-----\n";
	static const char hex[] = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
				  "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";
	HM_CLEANUP(hm_pubkey_cleanup) struct hm_pubkey *key = NULL, *again = NULL, *p256 = NULL;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes signature = { 0 };
	struct hm_slice message = HM_SLICE("\x72");

	assert_int_equal(hm_pubkey_parse(&key, hm_slice_text(pem), NULL), 0);
	assert_int_equal(hm_pubkey_parse(&p256, hm_slice_text(key_pem), NULL), 0);
	assert_false(hm_pubkey_is_p256(key));
	assert_true(hm_pubkey_is_p256(p256));
	assert_int_equal(hm_pubkey_spki(key).len, HM_SPKI_ED25519_LEN);
	assert_int_equal(hm_pubkey_of_spki(&again, hm_pubkey_spki(key), NULL), 0);
	assert_string_equal(hm_pubkey_id(again), hm_pubkey_id(key));
	unhex(&signature, hex);
	for (unsigned raw = 0; raw < 2; raw++) {
		assert_true(hm_signature_check(key, message, hm_slice_of(&signature), raw));
		assert_false(hm_signature_check(p256, message, hm_slice_of(&signature), raw));
		assert_false(hm_signature_check(key, HM_SLICE("s"), hm_slice_of(&signature), raw));
	}
	for (size_t bit = 0; bit < signature.len * 8; bit++) {
		signature.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(hm_signature_check(key, message, hm_slice_of(&signature), true));
		signature.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t cut = 0; cut < signature.len; cut++)
		assert_false(hm_signature_check(key, message, (struct hm_slice){ signature.data, cut }, true));
}

static void wycheproof_ed25519(void **state HM_UNUSED)
{
	wycheproof("wycheproof/ed25519_test.json", true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ed25519_is_taken), cmocka_unit_test(wycheproof_ed25519),
		cmocka_unit_test(key_is_read),	   cmocka_unit_test(key_is_refused),  cmocka_unit_test(one_signature_one_form),
		cmocka_unit_test(der_is_shortest), cmocka_unit_test(wycheproof_der), cmocka_unit_test(wycheproof_raw),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
