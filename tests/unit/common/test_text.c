#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "text.h"

static void base64_of(const char *plain, const char *encoded)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 }, back = { 0 };

	hm_text_base64(&out, hm_slice_text(plain));
	assert_true(hm_slice_eq(hm_slice_of(&out), hm_slice_text(encoded)));
	assert_int_equal(hm_text_unbase64(&back, hm_slice_text(encoded)), 0);
	assert_true(hm_slice_eq(hm_slice_of(&back), hm_slice_text(plain)));
}

static void base64_vectors_of_rfc4648(void **state HM_UNUSED)
{
	base64_of("", "");
	base64_of("f", "Zg==");
	base64_of("fo", "Zm8=");
	base64_of("foo", "Zm9v");
	base64_of("foob", "Zm9vYg==");
	base64_of("fooba", "Zm9vYmE=");
	base64_of("foobar", "Zm9vYmFy");
}

static void base64_refuses(void **state HM_UNUSED)
{
	static const char *const bad[] = { "Z", "Zg", "Zg=", "Zh==", "Zm9=", "Zg==Zg==", "Z===", "====", "Zm9v\n", "Zm-v", "=m9v" };

	for (size_t i = 0; i < HM_COUNT(bad); i++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };

		assert_int_equal(hm_text_unbase64(&out, hm_slice_text(bad[i])), HM_E_BAD);
	}
}

static void hex_both_ways(void **state HM_UNUSED)
{
	uint8_t out[3];
	char text[7];

	assert_int_equal(hm_text_unhex(out, 3, HM_SLICE("00ff7a")), 0);
	assert_string_equal(hm_text_hex_into(text, (struct hm_slice){ out, 3 }), "00ff7a");
	assert_int_equal(hm_text_unhex(out, 3, HM_SLICE("00FF7a")), HM_E_BAD);
	assert_int_equal(hm_text_unhex(out, 3, HM_SLICE("00ff7")), HM_E_BAD);
	assert_int_equal(hm_text_unhex(out, 3, HM_SLICE("00ff7a0")), HM_E_BAD);
}

static void utf8_as_rfc3629(void **state HM_UNUSED)
{
	assert_true(hm_text_is_utf8(HM_SLICE("plain \xc2\xa3 \xe2\x82\xac \xf0\x9f\x98\x80")));
	assert_false(hm_text_is_utf8(HM_SLICE("\xc0\x80")));
	assert_false(hm_text_is_utf8(HM_SLICE("\xed\xa0\x80")));
	assert_false(hm_text_is_utf8(HM_SLICE("\xf4\x90\x80\x80")));
	assert_false(hm_text_is_utf8(HM_SLICE("\xe2\x82")));
	assert_false(hm_text_is_utf8(HM_SLICE("\x80")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base64_vectors_of_rfc4648),
		cmocka_unit_test(base64_refuses),
		cmocka_unit_test(hex_both_ways),
		cmocka_unit_test(utf8_as_rfc3629),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
