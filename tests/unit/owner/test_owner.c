#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "owner.h"

/* AVG was Czech, then Avast's, which is Gen's now; two that own each other end. */
static const struct hm_owner rows[] = {
	{ "avg", NULL, "CZ", NULL, "2016-09", "s", "d", "high" },    { "avg", "avast", "CZ", "2016-09", NULL, "s", "d", "high" },
	{ "avast", NULL, "CZ", NULL, "2022-09-12", "s", "d", "high" }, { "avast", "gen", "US", "2022-09-12", NULL, "s", "d", "high" },
	{ "gen", NULL, "US", NULL, NULL, "s", "d", "high" },	       { "a", "b", "FR", NULL, NULL, "s", "d", "high" },
	{ "b", "a", "DE", NULL, NULL, "s", "d", "high" },
};

static void expect(const char *supplier, const char *day, const char *countries)
{
	const struct hm_owner *step[HM_OWNER_MAX];
	size_t n = hm_owner_on(step, rows, HM_COUNT(rows), supplier, day);
	char got[64] = "";

	for (size_t i = 0; i < n; i++)
		strcat(got, step[i]->country);
	assert_string_equal(got, countries);
}

static void test_history(void **state HM_UNUSED)
{
	expect("avg", "2015-01-01", "CZ");
	expect("avg", "2020-01-01", "CZCZ");
	expect("avg", "2022-09-11", "CZCZ");
	expect("avg", "2022-09-12", "CZUSUS");
	expect("a", "2020-01-01", "FRDE");
	expect("nobody", "2020-01-01", "");
}

static void test_dates(void **state HM_UNUSED)
{
	assert_true(hm_owner_is_date("2024-02-29", false));
	assert_false(hm_owner_is_date("2023-02-29", false));
	assert_false(hm_owner_is_date("2024-13-01", false));
	assert_false(hm_owner_is_date("2024-1-011", false));
	assert_false(hm_owner_is_date("2024-02", false));
	assert_true(hm_owner_is_date("2024-02", true));
	assert_true(hm_owner_is_date("2024", true));
	assert_false(hm_owner_is_date("20245", true));
	assert_false(hm_owner_is_date("", true));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_history), cmocka_unit_test(test_dates) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
