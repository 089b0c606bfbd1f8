#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "http.h"

#define REQUEST "GET /a?b=c HTTP/1.1\r\nHost: Example.org\r\nX-Empty:\r\nx:  a b \t\r\nX: second\r\n\r\n"

static void reads_a_head(void **state HM_UNUSED)
{
	struct hm_http_request r;

	assert_int_equal(hm_http_read_request(&r, HM_SLICE(REQUEST "body")), 1);
	assert_int_equal(r.head_len, sizeof(REQUEST) - 1);
	assert_true(hm_slice_eq(r.method, HM_SLICE("GET")) && hm_slice_eq(r.target, HM_SLICE("/a?b=c")));
	assert_true(hm_slice_eq(r.version, HM_SLICE("HTTP/1.1")));
	assert_int_equal(r.headers, 4);
	assert_true(hm_slice_eq(r.header[0].name, HM_SLICE("Host")));
	assert_true(hm_slice_eq(hm_http_header(&r, "hOST"), HM_SLICE("Example.org")));
	assert_true(hm_slice_eq(hm_http_header(&r, "X"), HM_SLICE("a b")));
	assert_int_equal(hm_http_header(&r, "x-empty").len, 0);
	assert_int_equal(hm_http_header(&r, "Hos").len, 0);
	assert_int_equal(hm_http_header(&r, "").len, 0);
}

static void bare_line_feeds_are_lines(void **state HM_UNUSED)
{
	struct hm_http_request r;

	assert_int_equal(hm_http_read_request(&r, HM_SLICE("PUT * HTTP/1.0\nA: b\n\n")), 1);
	assert_true(r.headers == 1 && hm_slice_eq(r.header[0].value, HM_SLICE("b")));
	assert_int_equal(hm_http_read_request(&r, HM_SLICE("GET / HTTP/1.1\r\n\r\n")), 1);
	assert_int_equal(r.headers, 0);
}

static void every_prefix_asks_for_more(void **state HM_UNUSED)
{
	struct hm_http_request r = { .headers = 77 };

	for (size_t len = 0; len < sizeof(REQUEST) - 1; len++) {
		uint8_t *copy = malloc(len ? len : 1);

		assert_non_null(copy);
		memcpy(copy, REQUEST, len);
		assert_int_equal(hm_http_read_request(&r, (struct hm_slice){ copy, len }), 0);
		free(copy);
	}
	assert_int_equal(r.headers, 77);
}

static void refuses(void **state HM_UNUSED)
{
	static const struct hm_slice bad[] = {
		HM_SLICE("\x16\x03\x01"),		     /* TLS */
		HM_SLICE("SSH-2.0-x\r\n"),		     /* no request line */
		HM_SLICE("\r\nGET / HTTP/1.1\r\n\r\n"),	     HM_SLICE(" GET / HTTP/1.1\r\n\r\n"),
		HM_SLICE("GET\0 / HTTP/1.1\r\n\r\n"),	     HM_SLICE("GET / HTTP/2.0\r\n\r\n"),
		HM_SLICE("GET / HTTP/1.10\r\n\r\n"),	     HM_SLICE("GET / http/1.1\r\n\r\n"),
		HM_SLICE("GET  HTTP/1.1\r\n\r\n"),	     HM_SLICE("GET /a b HTTP/1.1\r\n\r\n"),
		HM_SLICE("GET / HTTP/1.x\r\n\r\n"),	     HM_SLICE("GET /\x7f HTTP/1.1\r\n\r\n"),
		HM_SLICE("GET /\r HTTP/1.1\r\n\r\n"),	     HM_SLICE("GET / HTTP/1.1\r\nno colon\r\n\r\n"),
		HM_SLICE("GET / HTTP/1.1\r\n: x\r\n\r\n"),   HM_SLICE("GET / HTTP/1.1\r\nA : x\r\n\r\n"),
		HM_SLICE("GET / HTTP/1.1\r\nA: x\r\n folded\r\n\r\n"), HM_SLICE("GET / HTTP/1.1\r\nA: x\ry\r\n\r\n"),
		HM_SLICE("GET / HTTP/1.1\r\nA: \0\r\n\r\n"), HM_SLICE("GET / HTTP/1.1\r\n \r\n"),
		HM_SLICE("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG"), /* over 32 letters of method */
	};
	struct hm_http_request r;

	for (size_t i = 0; i < HM_COUNT(bad); i++)
		if (hm_http_read_request(&r, bad[i]) != HM_E_BAD)
			fail_msg("accepted: %.*s", (int)bad[i].len, (const char *)bad[i].data);
}

static void limits(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes many = { 0 }, endless = { 0 };
	struct hm_http_request r;

	hm_bytes_text(&many, "GET / HTTP/1.1\r\n");
	for (int i = 0; i < 64; i++)
		hm_bytes_text(&many, "A: b\r\n");
	assert_int_equal(hm_http_read_request(&r, hm_slice_of(&many)), 0);
	hm_bytes_text(&many, "\r\n");
	assert_int_equal(hm_http_read_request(&r, hm_slice_of(&many)), 1);
	assert_int_equal(r.headers, 64);
	many.len -= 2;
	hm_bytes_text(&many, "A: b\r\n\r\n");
	assert_int_equal(hm_http_read_request(&r, hm_slice_of(&many)), HM_E_BAD);
	/* A head without end is asked for up to 32 KiB and refused there, the empty line behind that notwithstanding. */
	hm_bytes_text(&endless, "GET /");
	memset(hm_bytes_reserve(&endless, 40000), 'a', 40000);
	endless.len = 32 * 1024 - 1;
	assert_int_equal(hm_http_read_request(&r, hm_slice_of(&endless)), 0);
	endless.len = 32 * 1024;
	assert_int_equal(hm_http_read_request(&r, hm_slice_of(&endless)), HM_E_BAD);
	hm_bytes_text(&endless, " HTTP/1.1\r\n\r\n");
	assert_int_equal(hm_http_read_request(&r, hm_slice_of(&endless)), HM_E_BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_head), cmocka_unit_test(bare_line_feeds_are_lines),
		cmocka_unit_test(every_prefix_asks_for_more), cmocka_unit_test(refuses),
		cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
