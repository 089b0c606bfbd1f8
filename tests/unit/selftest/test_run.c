/* The self-test for real: green with the whole recorder, red with one of its programs left out, for the ways which that program
 * alone sees and no others. The subject is this program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <sys/stat.h>

#include "doctor.h"
#include "fs.h"
#include "self_test.h"

struct stage {
	char work[64];
	struct hm_surroundings surroundings;
	const char *folder;
};

static struct stage stage;
static char missing[1200]; /* why it cannot be run here */

static int begin(void **state)
{
	struct hm_fail fail = { 0 };

	if (missing[0]) {
		print_message("# %s\n", missing);
		return 0;
	}
	stage = (struct stage){ .work = "/var/tmp/hallmark-selftest-XXXXXX", .surroundings.lock = -1 };
	assert_non_null(mkdtemp(stage.work));
	assert_int_equal(setenv("HALLMARK_WORK", stage.work, 1), 0);
	assert_int_equal(setenv("HALLMARK_DATA", HM_TEST_DATA "/../data", 1), 0);
	if (hm_surroundings_open(&stage.surroundings, &fail) < 0 || hm_surroundings_answers(&stage.surroundings, HM_INTERNET_SIMULATED, NULL, "default", &fail) < 0 ||
	    hm_surroundings_folder(&stage.surroundings, &stage.folder, &fail) < 0)
		fail_msg("%s", fail.text);
	*state = &stage;
	return 0;
}

static int end(void **state)
{
	if (!*state)
		return 0;
	hm_surroundings_release(&stage.surroundings);
	return hm_fs_remove_tree(stage.work, NULL);
}

/* What the lock of sweeping is called is the chamber's own business. */
static void assert_nothing_left(const struct stage *s)
{
	DIR *folder = opendir(s->work);
	const struct dirent *entry;

	assert_non_null(folder);
	while ((entry = readdir(folder)))
		if (strncmp(entry->d_name, "chamber-", strlen("chamber-")) == 0)
			fail_msg("%s is left", entry->d_name);
	closedir(folder);
}

static void run(struct hm_self_test *t, struct stage *s, enum hm_internet_mode mode)
{
	struct hm_fail fail = { 0 };

	if (hm_self_test_run(t, &s->surroundings, s->folder, mode, &fail) < 0)
		fail_msg("%s", fail.text);
	assert_true(t->count > 40);
	assert_nothing_left(s);
	print_message("# %zu ways in %.1f s\n", t->count, (double)t->took_ns / 1e9);
}

static void assert_green(const struct hm_self_test *t)
{
	struct hm_fail fail = { 0 };

	for (size_t i = 0; i < t->count; i++)
		if (t->rows[i].result == HM_SELFTEST_MISSED)
			print_message("# missed: %s: %s\n", t->rows[i].way, t->rows[i].why);
	assert_true(t->green);
	assert_int_equal(hm_self_test_demand(t, &fail), 0);
}

static void green(void **state)
{
	struct hm_self_test t = { 0 };

	if (!*state)
		skip();
	run(&t, *state, HM_INTERNET_SIMULATED);
	assert_green(&t);
}

static void green_with_the_internet_closed(void **state)
{
	struct hm_self_test t = { 0 };

	if (!*state)
		skip();
	run(&t, *state, HM_INTERNET_CLOSED);
	assert_green(&t);
}

/* One of the words in `list`. */
static bool is_in(const char *list, const char *word)
{
	const char *at = strstr(list, word);

	while (at && !((at == list || at[-1] == ' ') && strchr(" ", at[strlen(word)])))
		at = strstr(at + 1, word);
	return at != NULL;
}

/* The ways in `list` are missed, and named in what an assessment says; all others are not. */
static void red_without(struct stage *s, const char *program, const char *list)
{
	struct hm_self_test t = { .without = program };
	struct hm_fail fail = { 0 };

	run(&t, s, HM_INTERNET_SIMULATED);
	assert_false(t.green);
	assert_int_equal(hm_self_test_demand(&t, &fail), HM_E_SYSTEM);
	for (size_t i = 0; i < t.count; i++) {
		bool missed = t.rows[i].result == HM_SELFTEST_MISSED;

		if (missed != is_in(list, t.rows[i].way))
			fail_msg("without %s: %s is %s (%s)", program, t.rows[i].way, hm_selftest_result_name(t.rows[i].result), t.rows[i].why);
		if (missed)
			assert_non_null(strstr(fail.text, t.rows[i].way));
	}
}

static bool has_witness(const char *name)
{
	return strstr(hm_capture_witnesses(), name) != NULL;
}

static void red_without_pages(void **state)
{
	if (!*state || !has_witness("page-cache,") || !has_witness("read:"))
		skip();
	red_without(*state, "on_get_pages",
		    "read pread readv preadv preadv2 sendfile splice copy_file_range scm_rights proc.mem int80");
}

static void red_without_direct(void **state)
{
	if (!*state || !has_witness("direct"))
		skip();
	red_without(*state, "on_direct", "direct");
}

static void red_without_sockets(void **state)
{
	if (!*state || !has_witness("socket"))
		skip();
	red_without(*state, "on_sock_send_length",
		    "tcp tcp.write tcp.zerocopy tcp.sendfile tcp.splice udp udp.connected udp.sendmsg udp.sendmmsg icmp.raw icmp.ping ip.raw netlink "
		    "unix child daemon");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(green, begin, end),
		cmocka_unit_test_setup_teardown(green_with_the_internet_closed, begin, end),
		cmocka_unit_test_setup_teardown(red_without_pages, begin, end),
		cmocka_unit_test_setup_teardown(red_without_direct, begin, end),
		cmocka_unit_test_setup_teardown(red_without_sockets, begin, end),
	};
	struct hm_fail fail = { 0 };

	if (argc > 1 && strcmp(argv[1], HM_SELFTEST_ARGUMENT) == 0)
		return hm_selftest_subject(argc, argv);
	if (hm_doctor_preflight(&fail) < 0)
		snprintf(missing, sizeof(missing), "%s", fail.text);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
