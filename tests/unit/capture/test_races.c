/* Identity while arguments change under a call (tests/subjects/races_subject.c): each event must tell what the kernel did, and none
 * what the caller's memory or the names of files said a moment before or after. */
#include "stage.h"

/* The subject has opened one of two files that often; every one of these opens is in the record, and no other of them but those that
 * made them. */
static void count_opens(const struct stage *stage)
{
	unsigned long long one = 0, other = 0;
	unsigned turns = 0, opens = 0;

	for (size_t i = 0; i < stage->count; i++) {
		const struct hm_event *e = &stage->events[i].event;
		HM_FREE char *path = NULL;
		const char *mark;

		if (e->kind != HM_EV_OPEN)
			continue;
		path = hm_sprintf("%.*s", (int)e->field[HM_OPEN_PATH].b.len, (const char *)e->field[HM_OPEN_PATH].b.data);
		mark = strstr(path, "/count-");
		if (mark)
			assert_int_equal(sscanf(mark, "/count-%u-%llu-%llu", &turns, &one, &other), 3);
	}
	assert_true(turns > 0);
	for (size_t i = 0; i < stage->count; i++) {
		const struct hm_event *e = &stage->events[i].event;

		if (e->kind == HM_EV_OPEN && !(e->field[HM_OPEN_FLAGS].u & O_CREAT) &&
		    (e->field[HM_OPEN_INO].u == one || e->field[HM_OPEN_INO].u == other))
			opens++;
	}
	assert_int_equal(opens, turns + 2); /* O_CREAT is no part of a file's flags: the two that made them */
}

static void run_step(struct stage *stage, const char *step, size_t lines)
{
	const char *argv[] = { HM_SUBJECT, step, stage->folder, NULL };

	stage_open(stage);
	stage_run(stage, argv);
	stage_stop(stage);
	assert_true(WIFEXITED(stage->status));
	assert_int_equal(WEXITSTATUS(stage->status), 0);
	assert_true(compare(stage) >= lines);
	assert_int_equal(check_sequences(stage), 0);
	assert_int_equal(stage->stats.lost, 0);
}

#define OPENS(name)                            \
	static void test_##name(void **state)  \
	{                                      \
		run_step(*state, #name, 301);  \
		count_opens(*state);           \
	}

OPENS(rename)
OPENS(folders)
OPENS(symlink)
OPENS(mount)
OPENS(string)

static void test_deep(void **state)
{
	run_step(*state, "deep", 300);
}

static void test_argv(void **state)
{
	run_step(*state, "argv", 100);
}

static void test_sockaddr(void **state)
{
	run_step(*state, "sockaddr", 300);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		STAGE_TEST(test_rename), STAGE_TEST(test_folders), STAGE_TEST(test_symlink), STAGE_TEST(test_mount),
		STAGE_TEST(test_string), STAGE_TEST(test_deep),	   STAGE_TEST(test_argv),    STAGE_TEST(test_sockaddr),
	};
	const char *missing = stage_missing();

	if (missing) {
		printf("1..0 # SKIP %s\n", missing);
		return 0;
	}
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
