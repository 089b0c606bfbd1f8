/* Stores with one authority more: what libcrypto, and Java where it is there, finds in them, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include "fs.h"
#include "keystore.h"

static X509 *new_certificate(const char *name)
{
	X509 *x = X509_new();
	EVP_PKEY *key = EVP_EC_gen("P-256");

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 7);
	X509_gmtime_adj(X509_getm_notBefore(x), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x), 36000);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	X509_set_pubkey(x, key);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	EVP_PKEY_free(key);
	return x;
}

static void der_of(struct hm_bytes *out, X509 *x)
{
	uint8_t *der = NULL;
	int len = i2d_X509(x, &der);

	assert_true(len > 0);
	hm_bytes_append(out, der, (size_t)len);
	OPENSSL_free(der);
}

/* A store of another certificate; `password` NULL: not authenticated. */
static void new_pkcs12(struct hm_bytes *out, const char *password, int nid_cert)
{
	X509 *other = new_certificate("other");
	STACK_OF(X509) *list = sk_X509_new_null();
	uint8_t *der = NULL;
	PKCS12 *p12;
	int len;

	sk_X509_push(list, other);
	p12 = PKCS12_create(password, "other", NULL, NULL, list, 0, nid_cert, 100, password ? 100 : -1, 0);
	assert_non_null(p12);
	len = i2d_PKCS12(p12, &der);
	hm_bytes_append(out, der, (size_t)len);
	OPENSSL_free(der);
	PKCS12_free(p12);
	sk_X509_pop_free(list, X509_free);
}

static bool lists(STACK_OF(X509) *list, struct hm_slice der)
{
	bool found = false;

	for (int i = 0; i < sk_X509_num(list); i++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes one = { 0 };

		der_of(&one, sk_X509_value(list, i));
		found |= hm_slice_eq(hm_slice_of(&one), der);
	}
	return found;
}

/* What keytool says, where it is there, or NULL; the caller's. */
static char *keytool(struct hm_slice store)
{
	HM_FREE char *path = hm_strdup("/tmp/hm-keystore-XXXXXX"), *command = NULL;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes said = { 0 };
	int fd = mkstemp(path);
	char line[500];
	FILE *f;

	assert_true(fd >= 0 && write(fd, store.data, store.len) == (ssize_t)store.len);
	close(fd);
	command = hm_sprintf("command -v keytool >/dev/null && keytool -list -keystore %s -storepass changeit 2>&1", path);
	f = popen(command, "r");
	while (fgets(line, sizeof(line), f))
		hm_bytes_text(&said, line);
	pclose(f);
	unlink(path);
	hm_bytes_u8(&said, 0);
	return said.len > 1 ? hm_strdup((const char *)said.data) : NULL;
}

static void pkcs12_has_it(void **state HM_UNUSED)
{
	static const struct {
		const char *password;
		int nid_cert;
	} stores[] = { { "changeit", NID_aes_256_cbc }, { "changeit", -1 }, { "", -1 }, { NULL, -1 } };
	X509 *authority = new_certificate("authority");
	HM_CLEANUP(hm_bytes_release) struct hm_bytes der = { 0 };

	der_of(&der, authority);
	for (size_t i = 0; i < HM_COUNT(stores); i++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes store = { 0 }, more = { 0 }, again = { 0 };
		HM_FREE char *said = NULL;
		STACK_OF(X509) *list = NULL;
		const uint8_t *at;
		PKCS12 *p12;
		EVP_PKEY *key = NULL;
		X509 *own = NULL;

		new_pkcs12(&store, stores[i].password, stores[i].nid_cert);
		assert_int_equal(hm_keystore_add(&more, hm_slice_of(&store), hm_slice_of(&der), NULL), 0);
		/* The same bytes in twins. */
		assert_int_equal(hm_keystore_add(&again, hm_slice_of(&store), hm_slice_of(&der), NULL), 0);
		assert_true(hm_slice_eq(hm_slice_of(&more), hm_slice_of(&again)));
		at = more.data;
		p12 = d2i_PKCS12(NULL, &at, (long)more.len);
		assert_non_null(p12);
		assert_int_equal(PKCS12_mac_present(p12), stores[i].password != NULL);
		if (stores[i].password) {
			assert_true(PKCS12_parse(p12, stores[i].password, &key, &own, &list));
			assert_int_equal(sk_X509_num(list), 2);
			assert_true(lists(list, hm_slice_of(&der)));
			sk_X509_pop_free(list, X509_free);
		}
		PKCS12_free(p12);
		said = stores[i].password && !*stores[i].password ? NULL : keytool(hm_slice_of(&more));
		if (said && !strstr(said, HM_KEYSTORE_ALIAS ", "))
			fail_msg("%s", said);
		assert_true(!said || strstr(said, "trustedCertEntry"));
	}
	X509_free(authority);
}

static void jks_has_it(void **state HM_UNUSED)
{
	/* Of no entry: magic, version, count, and SHA-1 of "changeit" in UTF-16, "Mighty Aphrodite" and these. */
	static const uint8_t empty[] = { 0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2, 0, 0, 0, 0,
					 0xe2, 0x68, 0x6e, 0x45, 0xfb, 0x43, 0xdf, 0xa4, 0xd9, 0x92,
					 0xdd, 0x41, 0xce, 0xb6, 0xb2, 0x1c, 0x63, 0x30, 0xd7, 0x92 };
	const struct hm_slice store = { empty, sizeof(empty) };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes der = { 0 }, more = { 0 }, damaged = { 0 }, none = { 0 };
	X509 *authority = new_certificate("authority");
	HM_FREE char *said = NULL;

	der_of(&der, authority);
	X509_free(authority);
	assert_int_equal(hm_keystore_add(&more, store, hm_slice_of(&der), NULL), 0);
	assert_true(more.data[11] == 1 && memmem(more.data, more.len, der.data, der.len));
	said = keytool(hm_slice_of(&more));
	if (said && (!strstr(said, HM_KEYSTORE_ALIAS ", ") || !strstr(said, "contains 1 entry")))
		fail_msg("%s", said);
	for (size_t i = 8; i < more.len; i++) {
		damaged.len = none.len = 0;
		hm_bytes_slice(&damaged, hm_slice_of(&more));
		damaged.data[i] ^= 1;
		assert_int_equal(hm_keystore_add(&none, hm_slice_of(&damaged), hm_slice_of(&der), NULL), HM_E_BAD);
		assert_int_equal(none.len, 0);
	}
}

static void others_are_refused(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes der = { 0 }, store = { 0 }, out = { 0 };
	X509 *authority = new_certificate("authority");
	struct hm_fail fail = { 0 };

	der_of(&der, authority);
	X509_free(authority);
	assert_int_equal(hm_keystore_add(&out, HM_SLICE(""), hm_slice_of(&der), NULL), HM_E_UNKNOWN);
	assert_int_equal(hm_keystore_add(&out, HM_SLICE("\xce\xce\xce\xce\0\0\0\2"), hm_slice_of(&der), NULL), HM_E_UNKNOWN);
	assert_int_equal(hm_keystore_add(&out, HM_SLICE("\xfe\xed\xfe\xed\0\0\0\2"), hm_slice_of(&der), NULL), HM_E_BAD);
	assert_int_equal(hm_keystore_add(&out, hm_slice_of(&der), hm_slice_of(&der), NULL), HM_E_BAD);
	new_pkcs12(&store, "secret", NID_aes_256_cbc);
	assert_int_equal(hm_keystore_add(&out, hm_slice_of(&store), hm_slice_of(&der), &fail), HM_E_BAD);
	assert_non_null(strstr(fail.text, "password"));
	store.len--;
	assert_int_equal(hm_keystore_add(&out, hm_slice_of(&store), hm_slice_of(&der), NULL), HM_E_BAD);
	assert_int_equal(out.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pkcs12_has_it),
		cmocka_unit_test(jks_has_it),
		cmocka_unit_test(others_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
