#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "pcapng.h"

/* A section header, an interface description and one packet of 3 bytes at 1.000000002 s, written out by hand from the
 * draft (draft-ietf-opsawg-pcapng). */
static const uint8_t file[] = {
	0x0a, 0x0d, 0x0d, 0x0a, 28, 0, 0, 0, 0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, /* SHB */
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 28, 0, 0, 0,
	1, 0, 0, 0, 32, 0, 0, 0, 1, 0, 0, 0, 0x34, 0x12, 0, 0, 9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0, 0, /* IDB */
	6, 0, 0, 0, 36, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0xca, 0x9a, 0x3b, 3, 0, 0, 0, 7, 0, 0, 0, /* EPB */
	'a', 'b', 'c', 0, 36, 0, 0, 0,
};
enum { AT_IDB = 28, AT_EPB = 60 };

static void writes_what_the_draft_says(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };

	hm_pcapng_start(&out, 0x1234);
	hm_pcapng_packet(&out, 1000000002, HM_SLICE("abc"), 7);
	assert_true(hm_slice_eq(hm_slice_of(&out), (struct hm_slice){ file, sizeof(file) }));
}

static void reads_block_by_block(void **state HM_UNUSED)
{
	struct hm_cursor c = hm_cursor_of((struct hm_slice){ file, sizeof(file) });
	struct hm_pcapng_block b;

	assert_int_equal(hm_pcapng_next(&c, &b, NULL), 1);
	assert_int_equal(b.type, HM_PCAPNG_SHB);
	assert_true(b.whole.data == file && b.whole.len == 28);
	assert_int_equal(hm_pcapng_next(&c, &b, NULL), 1);
	assert_int_equal(b.type, HM_PCAPNG_IDB);
	assert_int_equal(hm_pcapng_next(&c, &b, NULL), 1);
	assert_int_equal(b.type, HM_PCAPNG_EPB);
	assert_true(b.time_ns == 1000000002 && b.wire_len == 7 && hm_slice_eq(b.packet, HM_SLICE("abc")));
	assert_int_equal(hm_pcapng_next(&c, &b, NULL), 0);
	assert_true(hm_cursor_done(&c));
}

static void times_and_lengths_survive(void **state HM_UNUSED)
{
	static const uint64_t times[] = { 0, 1, UINT32_MAX, (uint64_t)UINT32_MAX + 1, 1800000000123456789, UINT64_MAX };
	uint8_t frame[70] = { 0 };

	for (size_t i = 0; i < HM_COUNT(times); i++)
		for (size_t len = 0; len <= sizeof(frame); len++) {
			HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };
			struct hm_pcapng_block b;
			struct hm_cursor c;

			hm_pcapng_packet(&out, times[i], (struct hm_slice){ frame, len }, UINT32_MAX);
			assert_int_equal(out.len % 4, 0);
			c = hm_cursor_of(hm_slice_of(&out));
			assert_int_equal(hm_pcapng_next(&c, &b, NULL), 1);
			assert_true(b.time_ns == times[i] && b.packet.len == len && b.wire_len == UINT32_MAX);
			assert_true(hm_cursor_done(&c));
		}
}

/* From the draft's sections 4.5 and 4.7, by hand. */
static const uint8_t extras[] = {
	10, 0, 0, 0, 28, 0, 0, 0, 0x4b, 0x53, 0x4c, 0x54, 6, 0, 0, 0, 'a', ' ', '1', '\n', 'b', '\n', 0, 0, 28, 0, 0, 0, /* DSB */
	4, 0, 0, 0, 40, 0, 0, 0, /* NRB */
	1, 0, 8, 0, 198, 18, 3, 4, 'a', '.', 'b', 0,
	1, 0, 6, 0, 198, 19, 0, 1, 'c', 0, 0, 0,
	0, 0, 0, 0, 40, 0, 0, 0,
};
enum { AT_NRB = 28 };

static void secrets_and_names_are_as_the_draft_says(void **state HM_UNUSED)
{
	static const struct hm_pcapng_name names[] = { { { 198, 18, 3, 4 }, "a.b" }, { { 198, 19, 0, 1 }, "c" } };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };
	struct hm_cursor c = hm_cursor_of((struct hm_slice){ extras, sizeof(extras) });
	struct hm_pcapng_block b;
	struct hm_pcapng_name name;

	hm_pcapng_secrets(&out, HM_SLICE("a 1\nb\n"));
	hm_pcapng_names(&out, names, 2);
	assert_true(hm_slice_eq(hm_slice_of(&out), (struct hm_slice){ extras, sizeof(extras) }));
	assert_int_equal(hm_pcapng_next(&c, &b, NULL), 1);
	assert_true(b.type == HM_PCAPNG_DSB && hm_slice_eq(b.secrets, HM_SLICE("a 1\nb\n")) && !b.records.len && !b.packet.len);
	assert_int_equal(hm_pcapng_next(&c, &b, NULL), 1);
	assert_true(b.type == HM_PCAPNG_NRB && !b.secrets.len);
	assert_int_equal(hm_pcapng_next(&c, &b, NULL), 0);
	c = hm_cursor_of(b.records);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(hm_pcapng_name(&c, &name), 1);
		assert_memory_equal(name.address, names[i].address, 4);
		assert_string_equal(name.name, names[i].name);
	}
	assert_int_equal(hm_pcapng_name(&c, &name), 0);
}

static void malformed_secrets_and_names_are_refused(void **state HM_UNUSED)
{
	static const struct {
		size_t at;
		uint8_t byte;
	} changes[] = {
		{ 8, 0x4c },  /* another kind of secrets */
		{ 12, 5 },    /* shorter than its lines: the last has no end */
		{ 12, 0 },    { 12, 200 }, { 16, 0 },	 { 16, 0x80 },	     { 21, 'x' },
		{ 22, 1 },    /* padding */
		{ AT_NRB + 8, 2 }, /* an IPv6 record */
		{ AT_NRB + 8, 0 }, /* records end here, and something follows */
		{ AT_NRB + 10, 7 }, { AT_NRB + 10, 4 }, { AT_NRB + 10, 200 }, { AT_NRB + 19, 'x' },
		{ AT_NRB + 16, 0 }, { AT_NRB + 16, ' ' }, { AT_NRB + 16, 0xff },
		{ AT_NRB + 25, 17 },  /* addresses descend */
		{ AT_NRB + 30, 1 },   /* padding */
		{ AT_NRB + 32, 1 },   /* options in place of the end */
	};
	uint8_t copy[sizeof(extras)];

	for (size_t i = 0; i < HM_COUNT(changes); i++) {
		struct hm_cursor c;
		struct hm_pcapng_block b;
		bool refused = false;
		int r;

		memcpy(copy, extras, sizeof(copy));
		copy[changes[i].at] = changes[i].byte;
		c = hm_cursor_of((struct hm_slice){ copy, sizeof(copy) });
		while ((r = hm_pcapng_next(&c, &b, NULL)) == 1)
			;
		refused = r == HM_E_BAD;
		if (!refused)
			fail_msg("change %zu is read", i);
	}
}

/* 1 + the index of the first block that is refused, or 0 when the whole file is read. */
static int refused_at(struct hm_slice s)
{
	struct hm_cursor c = hm_cursor_of(s);
	struct hm_pcapng_block b, before;
	struct hm_fail fail = { 0 };

	for (int i = 1;; i++) {
		int r;

		memset(&b, 0xaa, sizeof(b));
		before = b;
		r = hm_pcapng_next(&c, &b, &fail);
		if (r == 0)
			return 0;
		if (r < 0) {
			assert_int_equal(r, HM_E_BAD);
			assert_memory_equal(&b, &before, sizeof(b));
			assert_int_equal(hm_pcapng_next(&c, &b, NULL), HM_E_BAD);
			return i;
		}
	}
}

static void cut_anywhere_is_refused(void **state HM_UNUSED)
{
	for (size_t len = 0; len <= sizeof(file); len++) {
		uint8_t *copy = hm_alloc(len + 1, 1); /* of the exact size, for a sanitizer to see */
		int want = len == 0 || len == AT_IDB || len == AT_EPB || len == sizeof(file) ? 0 :
			   len < AT_IDB ? 1 : len < AT_EPB ? 2 : 3;

		memcpy(copy, file, len);
		assert_int_equal(refused_at((struct hm_slice){ copy, len }), want);
		free(copy);
	}
}

/* Every byte of a header is either a value that a reader gets, or has one form alone. */
static void changed_bytes_are_refused_or_told(void **state HM_UNUSED)
{
	uint8_t copy[sizeof(file)];

	for (size_t at = 0; at < sizeof(file); at++)
		for (int bit = 0; bit < 8; bit++) {
			bool value = (at >= AT_IDB + 12 && at < AT_IDB + 16) ||	 /* snaplen */
				     (at >= AT_EPB + 12 && at < AT_EPB + 20) || /* time */
				     (at >= AT_EPB + 28 && at < AT_EPB + 31);	 /* frame */
			bool wire_len = at >= AT_EPB + 24 && at < AT_EPB + 28;
			bool type = at < 4 || (at >= AT_IDB && at < AT_IDB + 4) || (at >= AT_EPB && at < AT_EPB + 4);
			int r;

			memcpy(copy, file, sizeof(file));
			copy[at] ^= (uint8_t)(1 << bit);
			r = refused_at((struct hm_slice){ copy, sizeof(copy) });
			if (value)
				assert_int_equal(r, 0);
			else if (!wire_len && !type) /* another type is an unknown block, a longer wire_len a cut packet */
				assert_int_not_equal(r, 0);
		}
}

static void unknown_blocks_pass_as_they_are(void **state HM_UNUSED)
{
	static const uint8_t block[] = { 5, 0, 0, 0, 16, 0, 0, 0, 1, 2, 3, 4, 16, 0, 0, 0 };
	struct hm_cursor c = hm_cursor_of((struct hm_slice){ block, sizeof(block) });
	struct hm_pcapng_block b;

	assert_int_equal(hm_pcapng_next(&c, &b, NULL), 1);
	assert_true(b.type == 5 && b.whole.len == sizeof(block) && b.packet.len == 0 && b.time_ns == 0);
}

static void withheld_blocks_are_what_the_page_says(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };
	struct hm_pcapng_block b;
	struct hm_cursor c;
	uint8_t leaf[32] = { 1, 2, 3 };

	hm_pcapng_withheld(&out, HM_PCAPNG_EPB, 60, leaf);
	c = hm_cursor_of(hm_slice_of(&out));
	assert_int_equal(out.len, 52);
	assert_int_equal(hm_pcapng_next(&c, &b, NULL), 1);
	assert_true(b.was == HM_PCAPNG_EPB && b.was_len == 60 && b.leaf.len == 32 && b.packet.len == 0);
	assert_memory_equal(b.leaf.data, leaf, 32);
	for (size_t at = 4; at < out.len; at++) {
		if (at >= 12 && at < 48)
			continue; /* its length, which may be another, and the leaf */
		out.data[at] ^= 0x20;
		assert_int_not_equal(refused_at(hm_slice_of(&out)), 0);
		out.data[at] ^= 0x20;
	}
	out.data[12] = 61;
	assert_int_not_equal(refused_at(hm_slice_of(&out)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_what_the_draft_says),	     cmocka_unit_test(reads_block_by_block),
		cmocka_unit_test(secrets_and_names_are_as_the_draft_says), cmocka_unit_test(malformed_secrets_and_names_are_refused),
		cmocka_unit_test(times_and_lengths_survive),	     cmocka_unit_test(cut_anywhere_is_refused),
		cmocka_unit_test(changed_bytes_are_refused_or_told), cmocka_unit_test(unknown_blocks_pass_as_they_are),
		cmocka_unit_test(withheld_blocks_are_what_the_page_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
