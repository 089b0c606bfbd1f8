/* The chamber's authority: the same bytes from the same secret, and a certificate that its own key signed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/x509v3.h>

#include "internet.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_follow_from_secret_and_day),
		cmocka_unit_test(certificate_is_signed),
		cmocka_unit_test(certificate_is_valid_from_the_day_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
