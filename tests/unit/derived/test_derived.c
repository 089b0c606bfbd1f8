/* Features as rows: what stands in a row, and every other frame is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <zstd.h>

#include "../flow/frames.h"
#include "cbor.h"
#include "derived.h"

static const uint8_t remote[4] = { 8, 8, 8, 8 };

/* The rows of one datagram of this payload. */
static void rows_of(struct hm_bytes *rows, struct hm_slice payload)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes file = { 0 };
	struct hm_features features;
	struct hm_flows flows;

	hm_pcapng_start(&file, 0);
	frames_udp(&file, remote, 9, payload);
	assert_int_equal(hm_flows_read(&flows, hm_slice_of(&file), frames_chamber, NULL), 0);
	hm_features_read(&features, &flows, NULL, NULL, false);
	hm_derived_rows(rows, &features);
	hm_features_release(&features);
	hm_flows_release(&flows);
}

/* The value of the row with this name, in its own form. */
static struct hm_slice value_of(struct hm_slice rows, const char *name)
{
	struct hm_cursor c = hm_cursor_of(rows);

	while (hm_cursor_left(&c)) {
		struct hm_slice here, value;

		assert_int_equal(hm_cbor_get_array(&c), 8);
		hm_cbor_get_bytes(&c);
		here = hm_cbor_get_bytes(&c);
		for (unsigned i = 0; i < 4; i++)
			hm_cbor_get_uint(&c);
		value.data = c.at;
		hm_cbor_skip(&c);
		value.len = (size_t)(c.at - value.data);
		hm_cbor_skip(&c);
		assert_false(c.bad);
		if (hm_slice_eq(here, hm_slice_text(name)))
			return value;
	}
	fail_msg("no row %s", name);
	return (struct hm_slice){ 0 };
}

static void values(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes rows = { 0 }, big = { 0 }, long_rows = { 0 };
	struct hm_cursor c;
	struct hm_sha256 digest;
	struct hm_slice value;

	rows_of(&rows, HM_SLICE("abc"));
	assert_true(hm_slice_eq(value_of(hm_slice_of(&rows), "0.0.data"), HM_SLICE("\x43" "abc")));
	assert_true(hm_slice_eq(value_of(hm_slice_of(&rows), "0.0.size"), HM_SLICE("\x03")));
	/* One byte more than stands there. A datagram has no room for it, a stream has. */
	for (size_t i = 0; i <= HM_DERIVED_VALUE_MAX; i++)
		hm_bytes_u8(&big, 'x');
	{
		struct hm_feature feature = { .endpoint = "e", .name = (char *)(uintptr_t)"0.0.data", .text = true, .bytes = hm_slice_of(&big),
					      .flow = 0, .placed = true, .offset = 7 };
		const struct hm_features features = { .list = &feature, .count = 1 };

		hm_derived_rows(&long_rows, &features);
	}
	value = value_of(hm_slice_of(&long_rows), "0.0.data");
	c = hm_cursor_of(value);
	hm_sha256_slice(&digest, hm_slice_of(&big));
	assert_int_equal(hm_cbor_get_array(&c), 2);
	assert_int_equal(hm_cbor_get_uint(&c), HM_DERIVED_VALUE_MAX + 1);
	assert_true(hm_slice_eq(hm_cbor_get_bytes(&c), (struct hm_slice){ digest.b, sizeof(digest.b) }));
	assert_true(hm_cursor_done(&c));
}

static void refused(struct hm_slice part, struct hm_slice rows, const char *why)
{
	struct hm_fail fail = { 0 };

	assert_int_equal(hm_derived_check(part, rows, &fail), HM_E_BAD);
	if (!strstr(fail.text, why))
		fail_msg("\"%s\", not \"%s\"", fail.text, why);
}

static void frames(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes rows = { 0 }, others = { 0 }, part = { 0 }, again = { 0 };
	uint8_t bare[1024];
	size_t len;

	rows_of(&rows, HM_SLICE("abc"));
	rows_of(&others, HM_SLICE("abd"));
	assert_int_equal(hm_derived_pack(&part, hm_slice_of(&rows), NULL), 0);
	assert_int_equal(hm_derived_check(hm_slice_of(&part), hm_slice_of(&rows), NULL), 0);
	refused(hm_slice_of(&part), hm_slice_of(&others), "row 3");
	refused(hm_slice_of(&part), (struct hm_slice){ rows.data, rows.len - 1 }, "length");
	refused((struct hm_slice){ 0 }, hm_slice_of(&rows), "not one zstd frame");
	for (size_t i = 1; i < part.len; i++)
		refused((struct hm_slice){ part.data, i }, hm_slice_of(&rows), "");
	/* Inside, some bits say the same in another way; the frame's head and its checksum have none of these. */
	for (size_t i = 0; i < 8 * part.len; i++) {
		if (i >= 8 * 5 && i < 8 * (part.len - 4))
			continue;
		part.data[i / 8] ^= (uint8_t)(1 << i % 8);
		if (hm_derived_check(hm_slice_of(&part), hm_slice_of(&rows), NULL) != HM_E_BAD)
			fail_msg("bit %zu of byte %zu of %zu", i % 8, i / 8, part.len);
		part.data[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	/* Twice; without a checksum. */
	hm_bytes_slice(&again, hm_slice_of(&part));
	hm_bytes_slice(&again, hm_slice_of(&part));
	refused(hm_slice_of(&again), hm_slice_of(&rows), "not one zstd frame");
	assert_true(ZSTD_compressBound(rows.len) <= sizeof(bare));
	len = ZSTD_compress(bare, sizeof(bare), rows.data, rows.len, 3);
	refused((struct hm_slice){ bare, len }, hm_slice_of(&rows), "checksum");
	/* Nothing at all is rows too. */
	part.len = 0;
	assert_int_equal(hm_derived_pack(&part, (struct hm_slice){ 0 }, NULL), 0);
	assert_int_equal(hm_derived_check(hm_slice_of(&part), (struct hm_slice){ 0 }, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(values), cmocka_unit_test(frames) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
