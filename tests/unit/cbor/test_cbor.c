#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <jansson.h>

#include "../../support/vectors.h"
#include "cbor.h"
#include "text.h"

static struct hm_cursor over(const char *bytes, size_t len)
{
	return hm_cursor_of((struct hm_slice){ (const uint8_t *)bytes, len });
}

#define OVER(literal) over(literal, sizeof(literal) - 1)

static void unsigned_integers(void **state HM_UNUSED)
{
	static const uint64_t values[] = { 0, 1, 23, 24, 255, 256, 65535, 65536, UINT32_MAX, UINT32_MAX + 1ull, INT64_MAX, UINT64_MAX };
	static const size_t lengths[] = { 1, 1, 1, 2, 2, 3, 3, 5, 5, 9, 9, 9 };

	for (size_t i = 0; i < HM_COUNT(values); i++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };
		struct hm_cursor c;

		hm_cbor_uint(&out, values[i]);
		assert_int_equal(out.len, lengths[i]);
		c = hm_cursor_of(hm_slice_of(&out));
		assert_true(hm_cbor_get_uint(&c) == values[i] && hm_cursor_done(&c));
	}
}

static void signed_integers(void **state HM_UNUSED)
{
	static const int64_t values[] = { 0, -1, 23, 24, -24, -25, -256, -257, INT32_MIN, INT64_MAX, INT64_MIN };

	for (size_t i = 0; i < HM_COUNT(values); i++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };
		struct hm_cursor c;

		hm_cbor_int(&out, values[i]);
		c = hm_cursor_of(hm_slice_of(&out));
		assert_true(hm_cbor_get_int(&c) == values[i] && hm_cursor_done(&c));
	}
}

/* Each refused read leaves the cursor where it was, and bad. */
static void refuses(void **state HM_UNUSED)
{
	static const struct {
		char reader;
		struct hm_slice bytes;
	} rows[] = {
		{ 'u', HM_SLICE("") },
		{ 'u', HM_SLICE("\x18\x17") },			      /* fits one byte */
		{ 'u', HM_SLICE("\x19\x00\xff") },		      /* fits two */
		{ 'u', HM_SLICE("\x1a\x00\x00\xff\xff") },	      /* fits three */
		{ 'u', HM_SLICE("\x1b\x00\x00\x00\x00\xff\xff\xff\xff") },
		{ 'u', HM_SLICE("\x1c") },			      /* reserved */
		{ 'u', HM_SLICE("\x1f") },			      /* indefinite */
		{ 'u', HM_SLICE("\x19\x01") },			      /* cut */
		{ 'u', HM_SLICE("\x20") },			      /* negative */
		{ 'i', HM_SLICE("\x1b\x80\x00\x00\x00\x00\x00\x00\x00") }, /* above INT64_MAX */
		{ 'i', HM_SLICE("\x3b\x80\x00\x00\x00\x00\x00\x00\x00") }, /* below INT64_MIN */
		{ 'i', HM_SLICE("\x40") },
		{ 'b', HM_SLICE("\x42\x01") },			      /* cut */
		{ 'b', HM_SLICE("\x5b\xff\xff\xff\xff\xff\xff\xff\xff") },
		{ 'b', HM_SLICE("\x5f\x41\x01\xff") },		      /* indefinite */
		{ 'b', HM_SLICE("\x61\x61") },			      /* text */
		{ 'a', HM_SLICE("\x82\x01") },			      /* fewer items than can follow */
		{ 'a', HM_SLICE("\x9f\xff") },			      /* indefinite */
		{ 'a', HM_SLICE("\x9b\xff\xff\xff\xff\xff\xff\xff\xff") },
		{ 's', HM_SLICE("\xa0") },			      /* map */
		{ 's', HM_SLICE("\xc0\x00") },			      /* tag */
		{ 's', HM_SLICE("\xf4") },			      /* false */
		{ 's', HM_SLICE("\xf9\x00\x00") },		      /* float */
		{ 's', HM_SLICE("\x82\x01\x18\x01") },		      /* long form inside */
		{ 's', HM_SLICE("\x3b\x80\x00\x00\x00\x00\x00\x00\x00") },
		{ 's', HM_SLICE("\x81\x81\x81\x81\x81\x81\x81\x81\x80") }, /* depth 9 */
	};

	for (size_t i = 0; i < HM_COUNT(rows); i++) {
		struct hm_cursor c = hm_cursor_of(rows[i].bytes);

		if (rows[i].reader == 'u')
			assert_int_equal(hm_cbor_get_uint(&c), 0);
		if (rows[i].reader == 'i')
			assert_int_equal(hm_cbor_get_int(&c), 0);
		if (rows[i].reader == 'b')
			assert_int_equal(hm_cbor_get_bytes(&c).len, 0);
		if (rows[i].reader == 'a')
			assert_int_equal(hm_cbor_get_array(&c), 0);
		if (rows[i].reader == 's')
			hm_cbor_skip(&c);
		assert_true(c.bad);
		assert_ptr_equal(c.at, rows[i].bytes.data);
	}
}

static void bad_stays_bad(void **state HM_UNUSED)
{
	struct hm_cursor c = OVER("\x40\x05");

	assert_int_equal(hm_cbor_get_uint(&c), 0);
	assert_int_equal(hm_cbor_get_bytes(&c).len, 0);
	assert_int_equal(hm_cbor_get_int(&c), 0);
	hm_cbor_skip(&c);
	assert_true(c.bad);
	assert_int_equal(hm_cursor_left(&c), 0);
}

static void skips_whole_items(void **state HM_UNUSED)
{
	struct hm_cursor c = OVER("\x83\x01\x82\x20\x41\x78\x80\x05"
				  "\x81\x81\x81\x81\x81\x81\x81\x80\x80");

	hm_cbor_skip(&c);
	assert_int_equal(hm_cbor_get_uint(&c), 5);
	hm_cbor_skip(&c);
	hm_cbor_skip(&c);
	assert_true(hm_cursor_done(&c));
}

/* Appends the item that `c` stands at, read through the typed readers. */
static void copy_item(struct hm_bytes *out, struct hm_cursor *c)
{
	uint64_t count;

	switch (*c->at >> 5) {
	case 0:
		hm_cbor_uint(out, hm_cbor_get_uint(c));
		break;
	case 1:
		hm_cbor_int(out, hm_cbor_get_int(c));
		break;
	case 2:
		hm_cbor_bytes(out, hm_cbor_get_bytes(c));
		break;
	default:
		count = hm_cbor_get_array(c);
		hm_cbor_array(out, count);
		for (uint64_t i = 0; i < count; i++)
			copy_item(out, c);
	}
}

/* The same, without an item: where it ends is where the typed readers end. False for what they refuse. */
static bool walk(struct hm_cursor *c, unsigned depth)
{
	uint64_t count;

	if (!hm_cursor_left(c) || depth > 8)
		return false;
	switch (*c->at >> 5) {
	case 0:
		(void)hm_cbor_get_uint(c);
		return !c->bad;
	case 1:
		(void)hm_cbor_get_int(c);
		return !c->bad;
	case 2:
		(void)hm_cbor_get_bytes(c);
		return !c->bad;
	case 4:
		count = hm_cbor_get_array(c);
		for (uint64_t i = 0; !c->bad && i < count; i++)
			if (!walk(c, depth + 1))
				return false;
		return !c->bad;
	}
	return false;
}

/* Skipping takes short cuts: it must agree with the readers on every change of a byte, at the end of the bytes and before more
 * of them. */
static void skips_what_the_readers_take(void **state HM_UNUSED)
{
	static const uint64_t values[] = { 0, 23, 24, 255, 256, 65535, 65536, UINT32_MAX, UINT32_MAX + 1ull, UINT64_MAX };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes item = { 0 };
	unsigned taken = 0, refused = 0;
	size_t whole;

	hm_cbor_array(&item, HM_COUNT(values) + 16);
	for (size_t i = 0; i < HM_COUNT(values); i++)
		hm_cbor_uint(&item, values[i]);
	for (int i = 0; i < 13; i++)
		hm_cbor_uint(&item, 7);
	hm_cbor_bytes(&item, HM_SLICE("0123456789abcdefghijklmnopqrstuvwxyz"));
	hm_cbor_int(&item, -1000);
	hm_cbor_bytes(&item, HM_SLICE("x"));
	whole = item.len;
	hm_bytes_text(&item, "\1\1\1\1\1\1\1\1\1\1\1\1");
	for (size_t end = 0; end <= item.len; end++)
		for (size_t at = 0; at < whole; at++) {
			uint8_t was = item.data[at];

			for (unsigned value = 0; value < 256; value += end == whole || end == item.len ? 1 : 37) {
				struct hm_cursor a = hm_cursor_of((struct hm_slice){ item.data, end }), b = a;
				bool good;

				item.data[at] = (uint8_t)value;
				good = walk(&a, 0);
				hm_cbor_skip(&b);
				assert_int_equal(good, !b.bad);
				assert_ptr_equal(b.at, good ? a.at : item.data);
				taken += good;
				refused += !good;
			}
			item.data[at] = was;
		}
	assert_true(taken > 10000 && refused > 10000);
}

/* The rows of RFC 8949 appendix A that are of the subset; the other 61 must be refused. */
static bool in_subset(const char *hex)
{
	static const char *const rows[] = {
		"00", "01", "0a", "17", "1818", "1819", "1864", "1903e8", "1a000f4240", "1b000000e8d4a51000",
		"1bffffffffffffffff", "20", "29", "3863", "3903e7", "40", "4401020304", "80", "83010203",
		"8301820203820405", "98190102030405060708090a0b0c0d0e0f101112131415161718181819",
	};

	for (size_t i = 0; i < HM_COUNT(rows); i++)
		if (strcmp(rows[i], hex) == 0)
			return true;
	return false;
}

static void foreign_vectors(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	unsigned taken = 0, refused = 0;
	json_t *rows, *row;
	size_t i;

	if (!hm_vector(&text, "cbor/appendix_a.json"))
		skip();
	/* Some rows hold integers beyond 64 bits, which jansson takes only so; we need the bytes alone. */
	rows = json_loadb((const char *)text.data, text.len, JSON_DECODE_INT_AS_REAL, NULL);
	assert_non_null(rows);
	json_array_foreach (rows, i, row) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes again = { 0 };
		const char *hex = json_string_value(json_object_get(row, "hex"));
		uint8_t bytes[256];
		struct hm_slice item = { bytes, strlen(hex) / 2 };
		struct hm_cursor c = hm_cursor_of(item);

		assert_int_equal(hm_text_unhex(bytes, item.len, hm_slice_text(hex)), 0);
		hm_cbor_skip(&c);
		assert_int_equal(!c.bad, in_subset(hex));
		if (c.bad) {
			refused++;
			continue;
		}
		taken++;
		assert_true(json_is_true(json_object_get(row, "roundtrip")));
		c = hm_cursor_of(item);
		copy_item(&again, &c);
		assert_true(hm_cursor_done(&c) && hm_slice_eq(hm_slice_of(&again), item));
	}
	json_decref(rows);
	assert_int_equal(taken, 21);
	assert_int_equal(refused, 61);
	hm_vectors_agree("cbor/appendix_a.json (of RFC 8949)", taken + refused);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unsigned_integers), cmocka_unit_test(signed_integers),	  cmocka_unit_test(refuses),
		cmocka_unit_test(bad_stays_bad),     cmocka_unit_test(skips_whole_items), cmocka_unit_test(foreign_vectors),
		cmocka_unit_test(skips_what_the_readers_take),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
