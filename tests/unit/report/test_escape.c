#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "report_internal.h"

static void escapes(bool html, struct hm_slice from, const char *to)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };

	report_escape(&out, from, html);
	hm_bytes_u8(&out, 0);
	assert_string_equal(out.data, to);
}

static void text_shows_itself(void **state HM_UNUSED)
{
	escapes(true, HM_SLICE("plain caf\xc3\xa9 \xd0\xb4\xd0\xb0 \xe6\xbc\xa2 \xf0\x9f\x98\x80"),
		"plain caf\xc3\xa9 \xd0\xb4\xd0\xb0 \xe6\xbc\xa2 \xf0\x9f\x98\x80");
	escapes(false, HM_SLICE("a<b>&\"'"), "a<b>&\"'");
	escapes(true, HM_SLICE(""), "");
}

static void markup_is_referenced(void **state HM_UNUSED)
{
	escapes(true, HM_SLICE("<script>\"&'"), "&lt;script&gt;&quot;&amp;&#39;");
}

static void controls_show_as_bytes(void **state HM_UNUSED)
{
	escapes(true, HM_SLICE("\x1b[31m\n\t\x7f"), "\\x1B[31m\\x0A\\x09\\x7F");
	escapes(false, HM_SLICE("a\0b\r"), "a\\x00b\\x0D");
	escapes(false, HM_SLICE("\xc2\x9b"), "\\xC2\\x9B"); /* CSI as C1 control */
}

static void bidi_and_invisible_show_as_bytes(void **state HM_UNUSED)
{
	static const uint32_t points[] = { 0x202a, 0x202b, 0x202c, 0x202d, 0x202e, 0x2066, 0x2067, 0x2068, 0x2069, 0x200e, 0x200f, 0x061c,
					   0x200b, 0x200c, 0x200d, 0x2028, 0x2029, 0x2060, 0xfeff, 0x00ad, 0x00a0, 0x3000, 0x0301,
					   0xfff9, 0xe0041, 0xe000, 0x180e, 0x2800 };

	for (size_t i = 0; i < HM_COUNT(points); i++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes in = { 0 }, out = { 0 };
		uint32_t p = points[i];

		if (p >= 0x10000) {
			hm_bytes_u8(&in, (uint8_t)(0xf0 | p >> 18));
			hm_bytes_u8(&in, (uint8_t)(0x80 | (p >> 12 & 63)));
		} else if (p >= 0x800) {
			hm_bytes_u8(&in, (uint8_t)(0xe0 | p >> 12));
		} else {
			hm_bytes_u8(&in, (uint8_t)(0xc0 | p >> 6));
		}
		if (p >= 0x800)
			hm_bytes_u8(&in, (uint8_t)(0x80 | (p >> 6 & 63)));
		hm_bytes_u8(&in, (uint8_t)(0x80 | (p & 63)));
		assert_true(hm_text_is_utf8(hm_slice_of(&in)));
		report_escape(&out, hm_slice_of(&in), false);
		assert_int_equal(out.len, 4 * in.len);
		assert_memory_equal(out.data, "\\x", 2);
	}
}

static void bytes_that_are_no_text(void **state HM_UNUSED)
{
	escapes(true, HM_SLICE("a\xff" "b"), "a\\xFFb");
	escapes(true, HM_SLICE("\xc0\xaf"), "\\xC0\\xAF");			/* overlong */
	escapes(true, HM_SLICE("\xed\xa0\x80"), "\\xED\\xA0\\x80");		/* surrogate */
	escapes(true, HM_SLICE("\xe2\x82"), "\\xE2\\x82");			/* cut */
	escapes(true, HM_SLICE("\xe2\x82<"), "\\xE2\\x82&lt;");		/* cut, then markup */
	escapes(true, HM_SLICE("\xf4\x90\x80\x80"), "\\xF4\\x90\\x80\\x80"); /* beyond U+10FFFF */
	escapes(true, HM_SLICE("\xf8\x88\x80\x80\x80"), "\\xF8\\x88\\x80\\x80\\x80");
}

/* Nothing that is foreign can look like an escape of ours. */
static void backslash_doubles(void **state HM_UNUSED)
{
	escapes(true, HM_SLICE("\\x1B"), "\\\\x1B");
}

static void formats(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };

	report_html(&out, "<b>%s</b> %.*s %u %'lu %'lu %'zu 100%%", "<i>", 2, "<>x", 7u, 4711ul, 18446744073709551615ul, (size_t)999);
	hm_bytes_u8(&out, 0);
	assert_string_equal(out.data, "<b>&lt;i&gt;</b> &lt;&gt; 7 4,711 18,446,744,073,709,551,615 999 100%");
}

static void bounds(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };

	assert_int_equal(report_bound(HM_SLICE("caf\xc3\xa9"), 4).len, 3); /* no half character */
	assert_int_equal(report_bound(HM_SLICE("caf\xc3\xa9"), 5).len, 5);
	assert_int_equal(report_bound(HM_SLICE("\x80\x80\x80\x80\x80\x80\x80\x80"), 6).len, 3); /* bounded even for garbage */
	report_html_bound(&out, HM_SLICE("<<<<"), 1);
	hm_bytes_u8(&out, 0);
	assert_string_equal(out.data, "&lt; <span class=\"cut\">and 3 more bytes</span>");
}

static void columns(void **state HM_UNUSED)
{
	assert_int_equal(report_columns(HM_SLICE("caf\xc3\xa9")), 4);
	assert_int_equal(report_columns(HM_SLICE("\xe6\xbc\xa2\xe5\xad\x97")), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_shows_itself),	    cmocka_unit_test(markup_is_referenced),
		cmocka_unit_test(controls_show_as_bytes),   cmocka_unit_test(bidi_and_invisible_show_as_bytes),
		cmocka_unit_test(bytes_that_are_no_text),   cmocka_unit_test(backslash_doubles),
		cmocka_unit_test(formats),		    cmocka_unit_test(bounds),
		cmocka_unit_test(columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
