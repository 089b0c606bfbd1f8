#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "csv.h"

static int read_all(const char *text, struct hm_bytes *out, struct hm_fail *fail)
{
	HM_FREE char *copy = hm_strdup(text);
	const char *field[HM_CSV_FIELDS];
	struct hm_csv csv;
	int n;

	hm_csv_begin(&csv, copy, strlen(text), "t.csv");
	while ((n = hm_csv_next(&csv, field, fail)) > 0) {
		for (int i = 0; i < n; i++)
			hm_bytes_printf(out, "[%s]", field[i]);
		hm_bytes_text(out, "\n");
	}
	return n;
}

static void test_reads(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };
	struct hm_fail fail;

	assert_int_equal(read_all("a,b\n\"x,y\",\"q\"\"q\"\r\n,\n", &out, &fail), 0);
	hm_bytes_u8(&out, 0);
	assert_string_equal((char *)out.data, "[a][b]\n[x,y][q\"q]\n[][]\n");
}

static void test_refuses(void **state HM_UNUSED)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{ "a\n\"b\n", "control byte" }, { "a\nb\"c\n", "quote inside" }, { "\"a\"b\n", "behind a closing quote" }, { "a,b", "no end" },
		{ "a\tb\n", "control byte" },	{ "\xff\n", "no UTF-8" },	 { "\"a", "not closed" },		  { ",,,,,,,,,,,,,,,,,\n", "too many fields" },
	};

	for (size_t i = 0; i < HM_COUNT(bad); i++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };
		struct hm_fail fail = { 0 };

		assert_int_equal(read_all(bad[i].text, &out, &fail), HM_E_BAD);
		if (!strstr(fail.text, bad[i].why))
			fail_msg("%s: %s", bad[i].text, fail.text);
	}
}

static void test_writes(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };

	hm_csv_put(&out, HM_SLICE("=1+\"2\""), true);
	hm_csv_put(&out, HM_SLICE("a\nb\xff"), false);
	hm_csv_put(&out, HM_SLICE("plain, really"), false);
	/* After blanks, and in the wide forms that some spreadsheets take too. */
	hm_csv_put(&out, HM_SLICE("  @x"), false);
	hm_csv_put(&out, HM_SLICE("\xef\xbc\x9dx"), false);
	hm_csv_put(&out, HM_SLICE(""), false);
	hm_bytes_u8(&out, 0);
	assert_string_equal((char *)out.data, "\"'=1+\"\"2\"\"\",\"a\\x0Ab\\xFF\",\"plain, really\",\"'  @x\",\"'\xef\xbc\x9dx\",\"\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_reads), cmocka_unit_test(test_refuses), cmocka_unit_test(test_writes) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
