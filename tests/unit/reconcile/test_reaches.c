/* The evaluator's table of calls against the recorder's, and both tables' numbers against the kernel's headers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "fs.h"
#include "reconcile.h"

struct row {
	const char *name, *touches;
	int nr, nr32;
};

static const struct row table[] = {
#define HM_REACH(name, nr, nr32, touches) { #name, #touches, nr, nr32 },
#include "reaches.def"
#undef HM_REACH
};

static const struct row *row_of(const char *name, size_t len)
{
	for (size_t i = 0; i < HM_COUNT(table); i++)
		if (strlen(table[i].name) == len && memcmp(table[i].name, name, len) == 0)
			return &table[i];
	return NULL;
}

static void sorted_and_once(void **state HM_UNUSED)
{
	for (size_t i = 1; i < HM_COUNT(table); i++)
		assert_true(strcmp(table[i - 1].name, table[i].name) < 0);
	for (size_t i = 0; i < HM_COUNT(table); i++)
		for (size_t k = 0; k < i; k++) {
			assert_true(table[i].nr < 0 || table[i].nr != table[k].nr);
			assert_true(table[i].nr32 < 0 || table[i].nr32 != table[k].nr32);
		}
}

/* A call of which the recorder tells, and that no row names, would make every claim not verifiable. */
static void every_call_of_the_recorder(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes page = { 0 };
	unsigned told = 0;

	assert_int_equal(hm_fs_read(&page, HM_TEST_DATA "/../src/observe/capture/calls.def", 1 << 20, NULL), 0);
	hm_bytes_u8(&page, 0);
	for (char *save = NULL, *line = strtok_r((char *)page.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		size_t len;

		if (strncmp(line, "HM_CALL(", 8) != 0)
			continue;
		line += 8;
		len = strcspn(line, ",");
		if (strstr(line, ", 0, NEVER)"))
			continue;
		told++;
		if (!row_of(line, len))
			fail_msg("no row for %.*s", (int)len, line);
	}
	assert_true(told > 60);
}

/* "#define __NR_name number" of a kernel header. */
static void check_numbers(const char *header, bool compat)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes page = { 0 };
	unsigned found = 0;

	if (hm_fs_read(&page, header, 1 << 20, NULL) < 0)
		skip();
	hm_bytes_u8(&page, 0);
	for (char *save = NULL, *line = strtok_r((char *)page.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		const struct row *row;
		char name[64];
		int number;

		if (sscanf(line, "#define __NR_%63s %d", name, &number) != 2)
			continue;
		row = row_of(name, strlen(name));
		if (!row)
			continue;
		found++;
		if ((compat ? row->nr32 : row->nr) != number)
			fail_msg("%s is %d in %s", name, number, header);
	}
	assert_true(found > 60);
}

static void numbers_of_x86_64(void **state HM_UNUSED)
{
	check_numbers("/usr/include/x86_64-linux-gnu/asm/unistd_64.h", false);
}

static void numbers_of_i386(void **state HM_UNUSED)
{
	check_numbers("/usr/include/x86_64-linux-gnu/asm/unistd_32.h", true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sorted_and_once),
		cmocka_unit_test(every_call_of_the_recorder),
		cmocka_unit_test(numbers_of_x86_64),
		cmocka_unit_test(numbers_of_i386),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
