/* Programs and maps that one recording after the other uses: nothing of one reaches the next, and where something might, they are
 * not used. */
#include "stage.h"

#include "loaded.h"

static struct hm_capture_loaded *loaded;

static void load(struct stage *stage)
{
	struct hm_fail fail = { 0 };

	if (hm_capture_load(&loaded, &stage->spec, &fail) < 0)
		fail_msg("%s", fail.text);
	stage->spec.loaded = loaded;
}

/* Ends the stage's recording and begins with another: another cgroup, folder and subject. */
static void renew(struct stage *stage)
{
	stage_leave(stage);
	stage_enter(stage);
}

static void record(struct stage *stage, const char *step)
{
	const char *argv[] = { HM_SUBJECT, step, stage->folder, "2000", NULL };

	stage_open(stage);
	stage_run(stage, argv);
	stage_stop(stage);
}

/* What was opened, one a line, without the stage's folder. */
static void list_opened(const struct stage *stage, struct hm_bytes *out)
{
	for (size_t i = 0; i < stage->count; i++) {
		const struct hm_event *e = &stage->events[i].event;
		struct hm_slice path = e->field[HM_OPEN_PATH].b;
		size_t skip = strlen(stage->folder);

		if (e->kind != HM_EV_OPEN)
			continue;
		if (path.len < skip || memcmp(path.data, stage->folder, skip) != 0)
			skip = 0;
		hm_bytes_append(out, path.data + skip, path.len - skip);
		hm_bytes_u8(out, '\n');
	}
	hm_bytes_u8(out, 0);
}

/* Each of a few recordings has the numbers, names and counts that one with programs of its own has. */
static void test_as_the_first(void **state)
{
	static const char *const steps[] = { "files", "flood", "files", "maps", "files" };
	struct stage *stage = *state;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes alone = { 0 };

	record(stage, "files");
	list_opened(stage, &alone);
	assert_true(alone.len > 100);
	for (size_t i = 0; i < HM_COUNT(steps); i++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes opened = { 0 };

		renew(stage);
		assert_true(i == 0 || hm_loaded_is_ready(loaded, &stage->spec));
		stage->spec.tls_ahead = i > 1;
		load(stage);
		record(stage, steps[i]);
		compare(stage);
		assert_int_equal(stage->status, 0);
		assert_int_equal(check_sequences(stage), 0);
		assert_int_equal(stage->stats.lost, 0);
		assert_int_equal(stage->stats.produced, stage->count);
		for (size_t k = 0; k < stage->count; k++)
			if (stage->events[k].event.kind == HM_EV_EXEC)
				check_task_sequence(stage, stage->events[k].event.tid);
		list_opened(stage, &opened);
		if (strcmp(steps[i], "files") == 0)
			assert_string_equal((const char *)opened.data, (const char *)alone.data);
	}
}

/* A library that gives plaintext to TLS is watched by the programs that were loaded before, in each recording anew. */
static void test_tls_ahead(void **state)
{
	const char *argv[] = { "/usr/bin/openssl", "version", NULL };
	struct stage *stage = *state;
	const struct tls_bpf *programs = NULL;

	if (access(argv[0], X_OK) < 0)
		skip();
	for (int i = 0; i < 3; i++) {
		size_t watched = 0;

		if (i)
			renew(stage);
		stage->spec.tls_ahead = true;
		load(stage);
		assert_non_null(loaded->tls);
		assert_true(i == 0 || loaded->tls == programs);
		programs = loaded->tls;
		stage_open(stage);
		stage_run(stage, argv);
		stage_stop(stage);
		for (size_t k = 0; k < stage->count; k++) {
			const struct hm_event *e = &stage->events[k].event;

			watched += e->kind == HM_EV_LIBRARY && e->field[HM_LIBRARY_WATCHED].u &&
				   e->field[HM_LIBRARY_WATCHED].u == e->field[HM_LIBRARY_FUNCTIONS].u;
		}
		assert_true(watched > 0);
		assert_int_equal(stage->stats.lost, 0);
	}
}

/* What was lost, and how often something was stopped, is told once. */
static void test_behind_losses(void **state)
{
	struct stage *stage = *state;
	const char *argv[] = { HM_SUBJECT, "flood", stage->folder, "20000", NULL };

	stage->spec.ring_bytes = 4096;
	stage->spec.no_pressure = true;
	load(stage);
	stage->idle = true;
	stage_open(stage);
	stage_run(stage, argv);
	stage_stop(stage);
	assert_true(stage->stats.lost > 19000);
	for (int i = 0; i < 2; i++) {
		renew(stage);
		stage->spec.ring_bytes = 4096;
		stage->spec.no_pressure = true;
		assert_true(hm_loaded_is_ready(loaded, &stage->spec));
		load(stage);
		stage->idle = i == 1;
		record(stage, "files");
		assert_int_equal(check_sequences(stage), stage->stats.lost);
		assert_true(stage->stats.lost < stage->stats.produced);
		assert_true(stage->stats.produced < 5000);
	}
}

static void expect_refused(struct stage *stage, int code, const char *text)
{
	struct hm_capture *c = NULL;
	struct hm_fail fail = { 0 };

	assert_int_equal(hm_capture_open(&c, &stage->spec, &fail), code);
	if (!strstr(fail.text, text))
		fail_msg("%s", fail.text);
}

static bool usable(const struct stage *stage)
{
	bool was = hm_loaded_is_ready(loaded, &stage->spec);
	struct hm_fail fail = { 0 };

	if (hm_capture_load(&loaded, &stage->spec, &fail) < 0)
		fail_msg("%s", fail.text);
	assert_true(hm_loaded_is_ready(loaded, &stage->spec));
	return was;
}

static void test_one_at_a_time(void **state)
{
	struct stage *stage = *state;

	load(stage);
	stage_open(stage);
	expect_refused(stage, HM_E_USAGE, "another recording's");
	stage_stop(stage);
	expect_refused(stage, HM_E_USAGE, "another recording's");
	hm_capture_close(hm_take_ptr(&stage->capture));
	assert_true(usable(stage));
	record(stage, "files");
	compare(stage);
}

static void test_other_kind(void **state)
{
	struct stage *stage = *state;

	load(stage);
	stage->spec.ring_bytes = 1 << 20;
	expect_refused(stage, HM_E_USAGE, "loaded for other recordings");
	stage->spec.ring_bytes = 0;
	stage->spec.no_pressure = true;
	expect_refused(stage, HM_E_USAGE, "loaded for other recordings");
	stage->spec.no_pressure = false;
	stage->spec.without = "on_fault";
	expect_refused(stage, HM_E_USAGE, "loaded for other recordings");
	assert_false(usable(stage));
}

/* A recording that was given up, in whatever process: the next does not use what it left. */
static void test_given_up(void **state)
{
	struct stage *stage = *state;
	int status;
	pid_t pid;

	load(stage);
	stage_open(stage);
	hm_capture_close(hm_take_ptr(&stage->capture));
	expect_refused(stage, HM_E_USAGE, "another recording's");
	assert_false(usable(stage));
	stage->spec.loaded = loaded;
	pid = fork();
	if (pid == 0) {
		struct hm_fail fail = { 0 };

		if (hm_capture_open(&stage->capture, &stage->spec, &fail) == 0)
			raise(SIGKILL);
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_false(usable(stage));
	stage->spec.loaded = loaded;
	record(stage, "files");
	compare(stage);
}

/* In a process of its own, as twins are; and in the next. */
static void test_forked(void **state)
{
	struct stage *stage = *state;

	load(stage);
	for (int i = 0; i < 3; i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			record(stage, "files");
			compare(stage);
			hm_capture_close(stage->capture);
			_exit(check_sequences(stage) != 0 || stage->stats.lost != 0 || stage->stats.produced != stage->count);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		assert_true(usable(stage));
		remove_folder(stage->folder);
		assert_int_equal(mkdir(stage->folder, 0755), 0);
	}
}

/* A task that lives on has numbers and more of this recording: the next shall not meet it. */
static void test_something_lives(void **state)
{
	struct stage *stage = *state;
	const char *argv[] = { "/bin/sleep", "60", NULL };
	int out;
	pid_t pid;

	load(stage);
	stage_open(stage);
	pid = stage_start(stage, stage->cgroup, argv, &out);
	close(out);
	stage_stop(stage);
	hm_capture_close(hm_take_ptr(&stage->capture));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_false(usable(stage));
}

static void test_something_left(void **state)
{
	struct stage *stage = *state;

	load(stage);
	hm_capture_wire(loaded)[0] = 1;
	expect_refused(stage, HM_E_SYSTEM, "an earlier recording left what was sent");
	assert_false(usable(stage));
}

static int leave(void **state)
{
	int r = leave_stage(state);

	hm_capture_unload(hm_take_ptr(&loaded));
	return r;
}

#define AGAIN_TEST(f) cmocka_unit_test_setup_teardown(f, enter_stage, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		AGAIN_TEST(test_as_the_first), AGAIN_TEST(test_behind_losses), AGAIN_TEST(test_one_at_a_time),
		AGAIN_TEST(test_tls_ahead),
		AGAIN_TEST(test_other_kind),   AGAIN_TEST(test_given_up),      AGAIN_TEST(test_forked),
		AGAIN_TEST(test_something_lives), AGAIN_TEST(test_something_left),
	};
	const char *missing = stage_missing();

	if (missing) {
		print_message("1..0 # SKIP %s\n", missing);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
