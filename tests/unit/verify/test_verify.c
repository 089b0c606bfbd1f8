#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "fs.h"
#include "verify_internal.h"

static void exit_is_the_worst_row(void **state HM_UNUSED)
{
	struct hm_verify v = { 0 };

	assert_int_equal(hm_verify_exit(&v), 1); /* nothing checked */
	hm_verify_say(&v, "container", HM_CHECK_HOLDS, "x");
	assert_int_equal(hm_verify_exit(&v), 0);
	hm_verify_say(&v, "log", HM_CHECK_UNCHECKED, "x");
	assert_int_equal(hm_verify_exit(&v), 2);
	hm_verify_say(&v, "core", HM_CHECK_FALSE, "%s", "x");
	assert_int_equal(hm_verify_exit(&v), 1);
	hm_verify_say(&v, "seed", HM_CHECK_UNCHECKED, "x");
	assert_int_equal(hm_verify_exit(&v), 1);
	hm_verify_release(&v);
	assert_int_equal(v.rows, 0);
}

/* The report is made again by whoever stands above this module. */
static void what_is_checked_later_has_one_row(void **state HM_UNUSED)
{
	struct hm_verify v = { 0 };

	hm_verify_say(&v, "report", HM_CHECK_UNCHECKED, "not yet");
	hm_verify_say(&v, "signature", HM_CHECK_UNCHECKED, "one");
	hm_verify_say(&v, "signature", HM_CHECK_HOLDS, "another");
	hm_verify_say(&v, "report", HM_CHECK_HOLDS, "now");
	assert_int_equal(v.rows, 3);
	assert_int_equal(v.row[0].outcome, HM_CHECK_HOLDS);
	assert_string_equal(v.row[0].detail, "now");
	assert_int_equal(hm_verify_exit(&v), 2);
}

static void nothing_bad_gets_lost(void **state HM_UNUSED)
{
	struct hm_verify v = { 0 };

	for (int i = 0; i < 100; i++)
		hm_verify_say(&v, "row", HM_CHECK_HOLDS, "x");
	hm_verify_say(&v, "false", HM_CHECK_FALSE, "bad");
	hm_verify_say(&v, "unchecked", HM_CHECK_UNCHECKED, "x");
	assert_int_equal(v.rows, HM_COUNT(v.row));
	assert_int_equal(hm_verify_exit(&v), 1);
	assert_string_equal(v.row[v.rows - 1].name, "false");
}

static void long_details_are_cut(void **state HM_UNUSED)
{
	struct hm_verify v = { 0 };
	char text[2000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	hm_verify_say(&v, "row", HM_CHECK_FALSE, "%s", text);
	assert_int_equal(strlen(v.row[0].detail), sizeof(v.row[0].detail) - 1);
}

static void published_claims_are_known(void **state HM_UNUSED)
{
	HM_FREE char *path = hm_sprintf("%s/../data/claims/claims.json", HM_TEST_DATA);
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = hm_parts_new();
	char digest[72];

	assert_int_equal(hm_parts_file(parts, "claims.json", path, NULL), 0);
	hm_verify_digest(digest, parts, "claims.json");
	if (!hm_verify_claim_set_known(digest))
		fail_msg("data/claims/claims.json is %s: add it to known_claim_sets in verify_core.c", digest);
	digest[70] ^= 1;
	assert_false(hm_verify_claim_set_known(digest));
	assert_false(hm_verify_claim_set_known(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exit_is_the_worst_row), cmocka_unit_test(what_is_checked_later_has_one_row),
		cmocka_unit_test(nothing_bad_gets_lost), cmocka_unit_test(long_details_are_cut),
		cmocka_unit_test(published_claims_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
