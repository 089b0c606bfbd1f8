/* Where the next reader goes on: nothing that was not read is passed over but what a reader died of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "reader_internal.h"

static int begins(const struct reader_passed *p, uint64_t top, uint64_t inner)
{
	const struct hm_inspect_at at = { top, inner };

	return reader_begins(p, &at);
}

static bool dies(struct reader_passed *p, uint64_t top, uint64_t inner)
{
	return reader_pass(p, (struct hm_inspect_at){ top, inner });
}

static void one_file(void **state HM_UNUSED)
{
	struct reader_passed p = { 0 };

	assert_int_equal(begins(&p, 0, 0), HM_BEGIN);
	assert_true(dies(&p, 5, 0));
	assert_int_equal(begins(&p, 4, 0), HM_BEGIN_CLOSED); /* it was read, with what lies in it */
	assert_int_equal(begins(&p, 5, 0), HM_BEGIN_CLOSED);
	assert_int_equal(begins(&p, 5, 1), HM_BEGIN);
	assert_int_equal(begins(&p, 6, 0), HM_BEGIN);
}

static void in_an_archive(void **state HM_UNUSED)
{
	struct reader_passed p = { 0 };

	assert_true(dies(&p, 5, 3));
	assert_int_equal(begins(&p, 5, 0), HM_BEGIN_READ); /* looked into again */
	assert_int_equal(begins(&p, 5, 2), HM_BEGIN_READ);
	assert_int_equal(begins(&p, 5, 3), HM_BEGIN_CLOSED);
	assert_int_equal(begins(&p, 5, 4), HM_BEGIN);
	assert_true(dies(&p, 5, 7));
	assert_int_equal(begins(&p, 5, 6), HM_BEGIN_READ);
	assert_int_equal(begins(&p, 5, 8), HM_BEGIN);
}

/* Going through it kills, whatever is read of it. */
static void of_the_archive_itself(void **state HM_UNUSED)
{
	for (uint64_t second = 0; second <= 3; second++) {
		struct reader_passed p = { 0 };

		assert_true(dies(&p, 5, 3));
		assert_true(dies(&p, 5, second));
		assert_int_equal(begins(&p, 5, 0), HM_BEGIN_CLOSED);
		assert_int_equal(begins(&p, 6, 0), HM_BEGIN);
		assert_false(dies(&p, 5, 0)); /* also closed it kills */
	}
}

static void of_what_was_read(void **state HM_UNUSED)
{
	struct reader_passed p = { 0 };

	assert_true(dies(&p, 9, 2));
	assert_true(dies(&p, 4, 1));
	assert_int_equal(begins(&p, 4, 0), HM_BEGIN_CLOSED);
	assert_int_equal(begins(&p, 9, 2), HM_BEGIN_CLOSED);
	assert_int_equal(begins(&p, 9, 3), HM_BEGIN);
}

static void bounds(void **state HM_UNUSED)
{
	struct reader_passed p = { 0 };
	size_t deaths = 0;

	for (uint64_t i = 1; i <= READER_PASSED_IN_ONE + 1; i++)
		assert_true(dies(&p, 0, i));
	assert_int_equal(begins(&p, 0, 0), HM_BEGIN_CLOSED);
	assert_int_equal(begins(&p, 1, 0), HM_BEGIN);
	while (dies(&p, 1 + deaths, 0))
		deaths++;
	assert_int_equal(deaths, READER_PASSED - READER_PASSED_IN_ONE - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_file),	    cmocka_unit_test(in_an_archive), cmocka_unit_test(of_the_archive_itself),
		cmocka_unit_test(of_what_was_read), cmocka_unit_test(bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
