/* Where functions stand in ELF files: in this machine's own libraries, and what is none. */
#include "symbols.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "cleanup.h"

int a_function_of_this_program(void);
int a_function_of_this_program(void)
{
	return 42;
}

static enum hm_symbols_of find(const char *path, struct hm_symbol *list, size_t count)
{
	HM_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	return hm_symbols_find(fd, list, count);
}

/* The bytes at the offset are the function's. */
static void test_own(void **state HM_UNUSED)
{
	struct hm_symbol list[] = { { "a_function_of_this_program", 0 }, { "a_function", 9 }, { "malloc", 9 } };
	HM_CLOSE int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	uint8_t there[16];

	assert_int_equal(hm_symbols_find(fd, list, HM_COUNT(list)), HM_SYMBOLS_READ);
	assert_true(list[0].offset > 0);
	assert_int_equal(list[1].offset, 0); /* a prefix is another name */
	assert_int_equal(list[2].offset, 0); /* it is used there, not defined */
	assert_int_equal(pread(fd, there, sizeof(there), (off_t)list[0].offset), sizeof(there));
	assert_memory_equal(there, (const void *)(uintptr_t)a_function_of_this_program, 4);
}

static void test_small(void **state HM_UNUSED)
{
	struct hm_symbol list[] = { { "gnutls_record_send", 0 }, { "SSL_write", 0 } };

	assert_int_equal(find(HM_TEST_DATA "/fuzz/corpus/symbols/small", list, HM_COUNT(list)), HM_SYMBOLS_OTHER);
	assert_int_equal(list[0].offset, 1);
	assert_int_equal(list[1].offset, 0);
}

static void test_versions(void **state HM_UNUSED)
{
	struct hm_symbol list[] = { { "SSL_write_ex", 0 }, { "SSL_write", 0 } };

	assert_int_equal(find(HM_TEST_DATA "/fuzz/corpus/symbols/library", list, HM_COUNT(list)), HM_SYMBOLS_READ);
	assert_int_equal(list[0].offset, 0x10);
	assert_int_equal(list[1].offset, 0x10);
}

static void test_none(void **state HM_UNUSED)
{
	struct hm_symbol list[] = { { "SSL_write", 5 } };

	assert_int_equal(find(HM_TEST_DATA "/meson.build", list, 1), HM_SYMBOLS_NONE);
	assert_int_equal(list[0].offset, 0);
	assert_int_equal(find(HM_TEST_DATA "/fuzz/corpus/symbols/program", list, 1), HM_SYMBOLS_READ);
	assert_int_equal(list[0].offset, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_own), cmocka_unit_test(test_small), cmocka_unit_test(test_versions),
					    cmocka_unit_test(test_none) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
