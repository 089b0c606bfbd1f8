#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "dns.h"

#define HEAD "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
#define QUERY HEAD "\3WwW\7example\3ORG\0\0\1\0\1"

static void reads_a_query(void **state HM_UNUSED)
{
	struct hm_dns_query q;

	assert_int_equal(hm_dns_read_query(&q, HM_SLICE(QUERY)), 0);
	assert_true(q.id == 0x1234 && q.flags == 0x0100 && q.type == HM_DNS_A && q.class == 1);
	assert_string_equal(q.name, "www.example.org");
	assert_true(hm_slice_eq(q.question, HM_SLICE("\3WwW\7example\3ORG\0\0\1\0\1")));
	/* EDNS behind the question changes nothing */
	assert_int_equal(hm_dns_read_query(&q, HM_SLICE(QUERY "\0\0\x29\x04\xd0\0\0\0\0\0\0")), 0);
	assert_int_equal(q.question.len, 21);
}

static void names_are_plain_and_unambiguous(void **state HM_UNUSED)
{
	static const struct {
		struct hm_slice wire;
		const char *name;
	} rows[] = {
		{ HM_SLICE("\0"), "." },
		{ HM_SLICE("\1a\0"), "a" },
		{ HM_SLICE("\3a.b\1c\0"), "a\\046b.c" },
		{ HM_SLICE("\3a\\b\0"), "a\\092b" },
		{ HM_SLICE("\6\0\1\x7f\xff -\0"), "\\000\\001\\127\\255\\032-" },
		{ HM_SLICE("\2_9\0"), "_9" },
	};

	for (size_t i = 0; i < HM_COUNT(rows); i++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes m = { 0 };
		struct hm_dns_query q;

		hm_bytes_append(&m, HEAD, 12);
		hm_bytes_slice(&m, rows[i].wire);
		hm_bytes_append(&m, "\0\1\0\1", 4);
		assert_int_equal(hm_dns_read_query(&q, hm_slice_of(&m)), 0);
		assert_string_equal(q.name, rows[i].name);
	}
}

static void longest_name_fits(void **state HM_UNUSED)
{
	/* 255 bytes of wire form: three labels of 63 and one of 61; every byte is one that is escaped. One more is refused. */
	for (int last = 61; last <= 62; last++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes m = { 0 };
		struct hm_dns_query q;

		hm_bytes_append(&m, HEAD, 12);
		for (int i = 0; i < 4; i++) {
			size_t len = i < 3 ? 63 : (size_t)last;

			hm_bytes_u8(&m, (uint8_t)len);
			memset(hm_bytes_reserve(&m, len), 0xff, len);
			m.len += len;
		}
		hm_bytes_append(&m, "\0\0\1\0\1", 5);
		assert_int_equal(hm_dns_read_query(&q, hm_slice_of(&m)), last == 61 ? 0 : HM_E_BAD);
		if (last == 61)
			assert_int_equal(strlen(q.name), 4 * (3 * 63 + 61) + 3);
	}
}

static void refuses(void **state HM_UNUSED)
{
	static const struct hm_slice bad[] = {
		HM_SLICE("\x12\x34\x81\0\0\1\0\0\0\0\0\0\1a\0\0\1\0\1"), /* an answer */
		HM_SLICE("\x12\x34\x28\0\0\1\0\0\0\0\0\0\1a\0\0\1\0\1"), /* UPDATE */
		HM_SLICE("\x12\x34\1\0\0\0\0\0\0\0\0\0\1a\0\0\1\0\1"),	 /* no question */
		HM_SLICE("\x12\x34\1\0\0\2\0\0\0\0\0\0\1a\0\0\1\0\1\1b\0\0\1\0\1"),
		HM_SLICE("\x12\x34\1\0\xff\xff\0\0\0\0\0\0\1a\0\0\1\0\1"),
		HM_SLICE(HEAD "\xc0\x0c\0\1\0\1"),	/* a pointer to itself */
		HM_SLICE(HEAD "\1a\xc0\x0c\0\1\0\1"),	/* a loop through the name */
		HM_SLICE(HEAD "\x40" "a\0\0\1\0\1"),	/* label types that are not in use */
		HM_SLICE(HEAD "\x80" "a\0\0\1\0\1"),
		HM_SLICE(HEAD "\x3f" "a\0\0\1\0\1"),	/* a label beyond the message */
	};
	struct hm_dns_query q = { .id = 7 };

	for (size_t i = 0; i < HM_COUNT(bad); i++)
		assert_int_equal(hm_dns_read_query(&q, bad[i]), HM_E_BAD);
	for (size_t len = 0; len < sizeof(QUERY) - 1; len++) {
		uint8_t *copy = malloc(len ? len : 1);

		assert_non_null(copy);
		memcpy(copy, QUERY, len);
		assert_int_equal(hm_dns_read_query(&q, (struct hm_slice){ copy, len }), HM_E_BAD);
		free(copy);
	}
	assert_int_equal(q.id, 7);
}

static void answers(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };
	const struct hm_slice records[] = { HM_SLICE("\x0a\0\0\1"), HM_SLICE("\x0a\0\0\2") };
	struct hm_dns_query q;

	assert_int_equal(hm_dns_read_query(&q, HM_SLICE(QUERY)), 0);
	hm_dns_write_answer(&out, &q, 0, 60, records, 2);
	assert_true(hm_slice_eq(hm_slice_of(&out),
				HM_SLICE("\x12\x34\x85\x80\0\1\0\2\0\0\0\0\3WwW\7example\3ORG\0\0\1\0\1"
					 "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x0a\0\0\1\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x0a\0\0\2")));
	out.len = 0;
	hm_dns_write_answer(&out, &q, 3, 60, NULL, 0);
	assert_true(hm_slice_eq(hm_slice_of(&out), HM_SLICE("\x12\x34\x85\x83\0\1\0\0\0\0\0\0\3WwW\7example\3ORG\0\0\1\0\1")));
}

static void address_is_a_function_of_the_name(void **state HM_UNUSED)
{
	uint8_t a[4], b[4];

	/* From `printf %s example.org | sha256sum`: bytes 0 to 3 modulo 511 and 1, bytes 4 to 7 modulo 254 and 1. */
	hm_dns_address_of(a, "example.org");
	assert_memory_equal(a, "\xc6\x13\x59\x0b", 4);
	hm_dns_address_of(b, "EXAMPLE.org");
	assert_memory_equal(a, b, 4);
	for (int i = 0; i < 20000; i++) {
		char name[32];

		snprintf(name, sizeof(name), "n%d.example", i);
		hm_dns_address_of(a, name);
		assert_true(a[0] == 198 && (a[1] == 18 || a[1] == 19) && a[3] != 0 && a[3] != 255);
		assert_false(a[1] == 18 && a[2] == 0);
	}
}

static void names_have_a_wire_form_or_none(void **state HM_UNUSED)
{
	static const char *const bad[] = { ".", "a.", ".a", "a..b", "a123456789012345678901234567890123456789012345678901234567890123.b" };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };

	assert_int_equal(hm_dns_put_name(&out, "mail.example"), 0);
	assert_true(hm_slice_eq(hm_slice_of(&out), HM_SLICE("\4mail\7example\0")));
	for (size_t i = 0; i < HM_COUNT(bad); i++)
		assert_int_equal(hm_dns_put_name(&out, bad[i]), HM_E_BAD);
	assert_int_equal(out.len, 14);
}

static void room_is_what_edns_says(void **state HM_UNUSED)
{
	struct hm_dns_query q;

	assert_int_equal(hm_dns_read_query(&q, HM_SLICE("\0\1\1\0\0\1\0\0\0\0\0\1\1a\0\0\1\0\1\0\0\x29\4\xd0\0\0\0\0\0\0")), 0);
	assert_int_equal(q.room, 1232);
	assert_int_equal(hm_dns_read_query(&q, HM_SLICE("\0\1\1\0\0\1\0\0\0\0\0\1\1a\0\0\1\0\1\0\0\x29\0\xd0\0\0\0\0\0\0")), 0);
	assert_int_equal(q.room, 512);
	assert_int_equal(hm_dns_read_query(&q, HM_SLICE("\0\1\1\0\0\1\0\0\0\0\0\1\1a\0\0\1\0\1\0\0")), 0);
	assert_int_equal(q.room, 512);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_have_a_wire_form_or_none), cmocka_unit_test(room_is_what_edns_says),
		cmocka_unit_test(reads_a_query),     cmocka_unit_test(names_are_plain_and_unambiguous),
		cmocka_unit_test(longest_name_fits), cmocka_unit_test(refuses),
		cmocka_unit_test(answers),	     cmocka_unit_test(address_is_a_function_of_the_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
