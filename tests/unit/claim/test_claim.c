#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "claim_internal.h"
#include "views.h"

static bool fits(const char *pattern, const char *path)
{
	return hm_pattern_fits(pattern, "/srv/t", "name", hm_slice_text(path), false);
}

static void patterns(void **state HM_UNUSED)
{
	assert_true(fits("/a/b", "/a/b"));
	assert_true(fits("/a/*", "/a/b"));
	assert_true(fits("/a/*.log", "/a/x.log"));
	assert_true(fits("/a/x*y*z", "/a/xyyz"));
	assert_true(fits("/a/**", "/a/b/c"));
	assert_true(fits("{target}/**", "/srv/t/x"));
	assert_true(fits("/var/{name}/*", "/var/name/x"));
	assert_true(fits("/proc/{pid}/stat", "/proc/12/stat"));
	assert_false(fits("/proc/{pid}/stat", "/proc/1/stat"));
	assert_false(fits("/proc/{pid}/stat", "/proc/sys/stat"));
	assert_false(fits("/a/b", "/a/b/c"));
	assert_false(fits("/a/*", "/a/b/c"));
	assert_false(fits("/a/*", "/a"));
	assert_false(fits("/a/**", "/a"));
	assert_false(fits("/a/**", "/ab/c"));
	assert_false(fits("/a/b", "a/b"));
	assert_false(fits("/a", ""));
	assert_true(hm_pattern_fits("/a/**", NULL, NULL, HM_SLICE("/a"), true));
	assert_true(hm_pattern_below("/a/b/**", NULL, NULL, HM_SLICE("/a")));
	assert_true(hm_pattern_below("/a/b/**", NULL, NULL, HM_SLICE("/")));
	assert_false(hm_pattern_below("/a/b/**", NULL, NULL, HM_SLICE("/a/c")));
	assert_false(hm_pattern_below("/a/b", NULL, NULL, HM_SLICE("/a/b/c")));
}

static void a_star_takes_no_exponential_time(void **state HM_UNUSED)
{
	char pattern[401], path[402] = "/";

	for (size_t i = 0; i < 200; i++)
		memcpy(pattern + 2 * i, "*a", 2);
	pattern[0] = '/';
	pattern[400] = 0;
	memset(path + 1, 'a', 399);
	path[400] = 'b';
	path[401] = 0;
	assert_false(fits(pattern, path));
}

static void merged_places(void **state HM_UNUSED)
{
	static const char *const rows[][2] = {
		{ "/bin/sh", "/usr/bin/sh" }, { "/lib/x.so", "/usr/lib/x.so" }, { "/lib64/x", "/usr/lib64/x" },
		{ "/library/x", "/library/x" }, { "/usr/bin/sh", "/usr/bin/sh" }, { "/bin", "/bin" },
	};

	for (size_t i = 0; i < HM_COUNT(rows); i++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };

		hm_path_resolve(&out, hm_slice_text(rows[i][0]));
		assert_true(hm_slice_eq(hm_slice_of(&out), hm_slice_text(rows[i][1])));
	}
}

static void cleanup_needles(struct hm_needles **needles)
{
	hm_needles_free(*needles);
}

static void needles_are_found_everywhere(void **state HM_UNUSED)
{
	HM_CLEANUP(cleanup_needles) struct hm_needles *needles = hm_needles_new();
	struct hm_slice hay = HM_SLICE("AAAAAAAABBBBBBBBCCCC and aaaaaaaabbbbbbbbdddd AAAAAAAABBBBBBBB");
	size_t at = 0, index = 0, count = 0;
	const struct hm_needle *needle;

	hm_needles_add(needles, HM_SLICE("AAAAAAAABBBBBBBBCCCC"), "one", false, 1);
	hm_needles_add(needles, HM_SLICE("AAAAAAAABBBBBBBBDDDD"), "two", false, 2);
	hm_needles_add(needles, HM_SLICE("AAAAAAAABBBBBBBB"), "three", false, 3);
	hm_needles_add(needles, HM_SLICE("AAAAAAAABBBBBBBB"), "three", false, 3);
	hm_needles_add(needles, HM_SLICE("short"), "never", false, 4);
	hm_needles_seal(needles);
	while ((needle = hm_needles_next(needles, hay, &at, &index)) != NULL) {
		assert_true(at == 0 || at == 25 || at == 46);
		count++;
	}
	assert_int_equal(count, 5);
	at = index = 0;
	assert_null(hm_needles_next(needles, HM_SLICE("AAAAAAA"), &at, &index));
	assert_null(hm_needles_next(needles, HM_SLICE(""), &at, &index));
}

struct seen {
	const char *name, *text;
	size_t at, len;
	unsigned views;
	bool found;
};

static void look(void *cookie, const struct hm_view *view)
{
	struct seen *seen = cookie;
	const uint8_t *place = memmem(view->all.data, view->all.len, seen->text, strlen(seen->text));

	seen->views++;
	if (!place || !view->name || strcmp(view->name, seen->name) != 0 || seen->found)
		return;
	seen->found = true;
	seen->at = (size_t)(place - view->all.data);
	seen->len = strlen(seen->text);
	hm_view_locate(view, &seen->at, &seen->len);
}

static void views_know_where_they_come_from(void **state HM_UNUSED)
{
	static const struct {
		const char *name, *stream, *text;
		size_t at, len;
	} rows[] = {
		{ "percent", "a%62c%64e", "bcd", 1, 7 },
		{ "hex", "..6162636465666768696a6b6c6d6e6f707172..", "bcd", 4, 6 },
		/* "0123456789abcdefghij", from its fourth byte on */
		{ "base64", "..MDEyMzQ1Njc4OWFiY2RlZmdoaWo=..", "345", 6, 4 },
		{ "base64", "..MDEyMzQ1\r\nNjc4OWFiY2RlZmdoaWo=..", "567", 8, 7 },
		{ "base32", "..GAYTEMZUGU3DOOBZMFRGGZDFMZTWQ2LK..", "34567", 6, 9 },
	};

	for (size_t i = 0; i < HM_COUNT(rows); i++) {
		struct seen seen = { .name = rows[i].name, .text = rows[i].text };

		assert_true(hm_views_walk(hm_slice_text(rows[i].stream), 1, 100000, look, &seen));
		assert_true(seen.found);
		assert_int_equal(seen.at, rows[i].at);
		assert_int_equal(seen.len, rows[i].len);
	}
}

static void a_walk_keeps_to_its_budget(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes digits = { 0 };
	struct seen seen = { .name = "none", .text = "none" };

	for (size_t i = 0; i < 4096; i++)
		hm_bytes_u8(&digits, "0123456789abcdef"[i % 16]);
	assert_false(hm_views_walk(hm_slice_of(&digits), 4, 10000, look, &seen));
	assert_true(seen.views > 1);
}

static void empty_blocks_do_not_go_on_for_ever(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes blocks = { 0 }, out = { 0 };

	for (size_t i = 0; i < 20000; i++)
		hm_bytes_append(&blocks, "\0\0\0\xff\xff", 5); /* a stored block of no bytes */
	assert_int_equal(hm_inflate(&out, hm_slice_of(&blocks), 1 << 20), 0);
	assert_int_equal(out.len, 0);
}

static void a_bomb_stops_at_its_bound(void **state HM_UNUSED)
{
	/* One block of fixed codes: a literal NUL, then for ever "258 bytes from 1 back". */
	HM_CLEANUP(hm_bytes_release) struct hm_bytes bomb = { 0 }, out = { 0 };
	uint64_t bits = 3 | 0x0c << 3; /* final, fixed; literal 0 is 00110000, most significant bit first */
	unsigned have = 11;

	for (size_t i = 0; i < 100000; i++) {
		/* length 258 is 11000101, distance 1 is 00000 */
		bits |= (uint64_t)0xa3 << have;
		have += 13;
		for (; have >= 8; have -= 8, bits >>= 8)
			hm_bytes_u8(&bomb, (uint8_t)bits);
	}
	assert_true(hm_inflate(&out, hm_slice_of(&bomb), 100000) > 0);
	assert_int_equal(out.len, 100000);
}

static void cleanup_sequence(struct hm_sequence **s)
{
	hm_sequence_free(s);
}

static void sequences(void **state HM_UNUSED)
{
	HM_CLEANUP(cleanup_sequence) struct hm_sequence *s = hm_sequence_new();
	struct hm_event e = { .kind = HM_EV_EXIT, .cpu = 3 }, gap = { .kind = HM_EV_GAP, .cpu = HM_CPU_USER };

	assert_int_equal(hm_sequence_event(s, &e, NULL), 0);
	assert_int_equal(hm_sequence_missing(s), 0);
	assert_int_equal(hm_sequence_event(s, &e, NULL), HM_E_BAD);
	gap.field[HM_GAP_FROM_CPU].u = 3;
	gap.field[HM_GAP_FIRST].u = 1;
	gap.field[HM_GAP_COUNT].u = 4;
	assert_int_equal(hm_sequence_event(s, &gap, NULL), 0);
	e.seq = 5;
	assert_int_equal(hm_sequence_event(s, &e, NULL), 0);
	assert_int_equal(hm_sequence_missing(s), 4);
	e.seq = 8;
	assert_int_equal(hm_sequence_event(s, &e, NULL), 0);
	assert_int_equal(hm_sequence_missing(s), 6);
	assert_int_equal(hm_sequence_kernel(s), 3);
	gap.seq = 1;
	assert_int_equal(hm_sequence_event(s, &gap, NULL), HM_E_BAD); /* tells of what is there */
	e.cpu = 65536;
	assert_int_equal(hm_sequence_event(s, &e, NULL), HM_E_BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns),
		cmocka_unit_test(a_star_takes_no_exponential_time),
		cmocka_unit_test(merged_places),
		cmocka_unit_test(needles_are_found_everywhere),
		cmocka_unit_test(views_know_where_they_come_from),
		cmocka_unit_test(a_walk_keeps_to_its_budget),
		cmocka_unit_test(empty_blocks_do_not_go_on_for_ever),
		cmocka_unit_test(a_bomb_stops_at_its_bound),
		cmocka_unit_test(sequences),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
