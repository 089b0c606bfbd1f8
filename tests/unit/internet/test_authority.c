/* The chamber's authority: the same bytes from the same secret, and a certificate that its own key signed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/x509v3.h>

#include "internet.h"
#include "tls_internal.h"

enum { DAY = 86400, NOW = 1700000000 };

static const uint8_t secret[HM_INTERNET_SECRET] = "one", other[HM_INTERNET_SECRET] = "other";

static bool same(const uint8_t *a, int64_t at_a, const uint8_t *b, int64_t at_b)
{
	HM_CLEANUP(hm_internet_authority_release) struct hm_internet_authority one, two;

	hm_internet_authority(&one, a, at_a);
	hm_internet_authority(&two, b, at_b);
	assert_true(one.der.len > 300 && one.der.len < 600);
	assert_int_equal(strlen(one.hash), 8);
	assert_string_equal(one.hash, two.hash);
	return hm_slice_eq(hm_slice_of(&one.der), hm_slice_of(&two.der)) && hm_slice_eq(hm_slice_of(&one.pem), hm_slice_of(&two.pem));
}

static void bytes_follow_from_secret_and_day(void **state HM_UNUSED)
{
	assert_true(same(secret, NOW, secret, NOW));
	assert_true(same(secret, NOW, secret, NOW / DAY * DAY));
	assert_false(same(secret, NOW, secret, NOW + DAY));
	assert_false(same(secret, NOW, other, NOW));
}

static X509 *certificate_of(const struct hm_internet_authority *a)
{
	const uint8_t *at = a->der.data;
	X509 *certificate = d2i_X509(NULL, &at, (long)a->der.len);

	assert_non_null(certificate);
	assert_ptr_equal(at, a->der.data + a->der.len);
	return certificate;
}

static void certificate_is_signed(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_internet_authority_release) struct hm_internet_authority one, two;
	X509 *a, *b;

	/* Different secrets: signatures of other lengths come up too. */
	for (uint8_t i = 0; i < 40; i++) {
		uint8_t varied[HM_INTERNET_SECRET] = { i };

		hm_internet_authority(&one, varied, NOW);
		hm_internet_authority(&two, other, NOW);
		a = certificate_of(&one);
		b = certificate_of(&two);
		assert_int_equal(X509_verify(a, X509_get0_pubkey(a)), 1);
		assert_int_not_equal(X509_verify(a, X509_get0_pubkey(b)), 1);
		X509_free(a);
		X509_free(b);
		hm_internet_authority_release(&one);
		hm_internet_authority_release(&two);
	}
}

static void certificate_is_valid_from_the_day_before(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_internet_authority_release) struct hm_internet_authority one;
	time_t before = NOW / DAY * DAY - DAY - 1, after = before + 2;
	X509 *a;

	hm_internet_authority(&one, secret, NOW);
	a = certificate_of(&one);
	assert_true(X509_cmp_time(X509_get0_notBefore(a), &before) > 0);
	assert_true(X509_cmp_time(X509_get0_notBefore(a), &after) < 0);
	after = NOW + 3000L * DAY;
	assert_true(X509_cmp_time(X509_get0_notAfter(a), &after) > 0);
	assert_int_equal(X509_check_ca(a), 1);
	X509_free(a);
}

/* 0, or why OpenSSL does not take a server's certificate for that name at that time. */
static int refusal(const struct hm_internet_authority *trusted, X509 *leaf, const char *name)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509 *root = certificate_of(trusted);
	int why;

	assert_int_equal(X509_STORE_add_cert(store, root), 1);
	assert_int_equal(X509_STORE_CTX_init(ctx, store, leaf, NULL), 1);
	X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(ctx), NOW);
	X509_VERIFY_PARAM_set1_host(X509_STORE_CTX_get0_param(ctx), name, 0);
	why = X509_verify_cert(ctx) == 1 ? 0 : X509_STORE_CTX_get_error(ctx);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	X509_free(root);
	return why;
}

/* One thing is wrong with each, and nothing else. */
static void wrong_certificates_are_refused(void **state HM_UNUSED)
{
	static const struct {
		enum hm_internet_wrong wrong;
		int why;
	} cases[] = { { HM_INTERNET_RIGHT, 0 }, { HM_INTERNET_MISNAMED, X509_V_ERR_HOSTNAME_MISMATCH }, { HM_INTERNET_EXPIRED, X509_V_ERR_CERT_HAS_EXPIRED } };
	HM_CLEANUP(hm_internet_authority_release) struct hm_internet_authority trusted;
	const uint8_t address[4] = { 198, 18, 9, 9 };
	struct authority *authority;

	hm_internet_authority(&trusted, secret, NOW);
	for (int stranger = 0; stranger < 2; stranger++) {
		hm_internet_authority_new(&authority, stranger ? other : secret, NOW);
		for (size_t i = 0; i < HM_COUNT(cases); i++) {
			X509 *leaf = hm_internet_authority_mint(authority, "vendor.example", address, cases[i].wrong);

			if (stranger)
				assert_int_equal(refusal(&trusted, leaf, "vendor.example"), X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
			else
				assert_int_equal(refusal(&trusted, leaf, "vendor.example"), cases[i].why);
			X509_free(leaf);
		}
		hm_internet_authority_free(authority);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_follow_from_secret_and_day),
		cmocka_unit_test(certificate_is_signed), cmocka_unit_test(wrong_certificates_are_refused),
		cmocka_unit_test(certificate_is_valid_from_the_day_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
