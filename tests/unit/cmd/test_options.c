/* Options as data: what is parsed, and what must be refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "options.h"

static const struct hm_option table[] = {
	{ "output", 'o', "FILE", false, "where to" },
	{ "key", 'k', "PUB", true, "a key" },
	{ "quiet", 'q', NULL, false, "say nothing" },
};

static const struct hm_command command = {
	.name = "try", .usage = "ONE [OPTION...]", .detail = "Tries.", .min = 1, .max = 2, .takes_product = true,
	.options = table, .option_count = HM_COUNT(table),
};

static const struct hm_command plain = { .name = "plain", .usage = "", .detail = "Plain." };

static int parse(struct hm_args *args, const struct hm_command *row, struct hm_fail *fail, const char *const *words)
{
	int count = 0;

	while (words[count])
		count++;
	return hm_args_parse(args, row, count, (char **)(uintptr_t)words, fail);
}

static void every_form_of_an_option(void **state HM_UNUSED)
{
	static const char *const words[] = { "--output=a b", "one", "-k", "first", "-ksecond", "--quiet", "two", "--", "prog", "-x", NULL };
	HM_CLEANUP(hm_args_release) struct hm_args args;
	struct hm_fail fail;
	const char *const *keys;
	size_t count;

	assert_int_equal(parse(&args, &command, &fail, words), 0);
	assert_string_equal(hm_args_get(&args, "output"), "a b");
	keys = hm_args_all(&args, "key", &count);
	assert_int_equal(count, 2);
	assert_string_equal(keys[0], "first");
	assert_string_equal(keys[1], "second");
	assert_true(hm_args_has(&args, "quiet"));
	assert_int_equal(args.operands, 2);
	assert_string_equal(args.operand[1], "two");
	assert_string_equal(args.product[0], "prog");
	assert_string_equal(args.product[1], "-x");
	assert_null(args.product[2]);
}

static void a_single_dash_is_an_operand(void **state HM_UNUSED)
{
	static const char *const words[] = { "-", NULL };
	HM_CLEANUP(hm_args_release) struct hm_args args;
	struct hm_fail fail;

	assert_int_equal(parse(&args, &command, &fail, words), 0);
	assert_string_equal(args.operand[0], "-");
	assert_null(hm_args_get(&args, "output"));
}

static void help_comes_first(void **state HM_UNUSED)
{
	static const char *const words[] = { "--output", "x", "--help", "--nonsense", NULL };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	HM_CLEANUP(hm_args_release) struct hm_args args;
	struct hm_fail fail;

	assert_int_equal(parse(&args, &command, &fail, words), 1);
	hm_args_help(&text, "hallmark try", &command);
	hm_bytes_u8(&text, 0);
	assert_non_null(strstr((char *)text.data, "usage: hallmark try ONE"));
	assert_non_null(strstr((char *)text.data, "-k, --key PUB"));
	assert_non_null(strstr((char *)text.data, "(may be repeated)"));
}

static void wrong_usage_is_refused(void **state HM_UNUSED)
{
	static const struct {
		const struct hm_command *row;
		const char *says, *words[6];
	} cases[] = {
		{ &command, "unknown option --nonsense", { "one", "--nonsense" } },
		{ &command, "unknown option --outputs", { "one", "--outputs=x" } },
		{ &command, "unknown option -x", { "one", "-x" } },
		{ &command, "--output needs a value", { "one", "--output" } },
		{ &command, "--output needs a value", { "one", "-o" } },
		{ &command, "--quiet takes no value", { "one", "--quiet=yes" } },
		{ &command, "--output is given twice", { "one", "-o", "a", "--output=b" } },
		{ &command, "--quiet is given twice", { "one", "-q", "-q" } },
		{ &command, "usage: hallmark try", { NULL } },
		{ &command, "unexpected operand three", { "one", "two", "three" } },
		{ &command, "no command behind", { "one", "--" } },
		{ &plain, "plain takes no", { "--", "true" } },
		{ &plain, "unexpected operand x", { "x" } },
	};

	for (size_t i = 0; i < HM_COUNT(cases); i++) {
		struct hm_fail fail = { 0, "" };
		struct hm_args args;

		assert_int_equal(parse(&args, cases[i].row, &fail, cases[i].words), HM_E_USAGE);
		if (!strstr(fail.text, cases[i].says))
			fail_msg("case %zu says \"%s\" and not \"%s\"", i, fail.text, cases[i].says);
		assert_int_equal(hm_fail_exit(fail.code), 3);
		hm_args_release(&args);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_of_an_option),
		cmocka_unit_test(a_single_dash_is_an_operand),
		cmocka_unit_test(help_comes_first),
		cmocka_unit_test(wrong_usage_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
