/* What is lost is counted, and the gap events tell where. */
#include "stage.h"

/* A ring of one page and nobody who reads it: nearly all is lost. */
static void test_nobody_polls(void **state)
{
	struct stage *stage = *state;
	const char *argv[] = { HM_SUBJECT, "flood", NULL, "20000", NULL };
	size_t gaps = 0;

	argv[2] = stage->folder;
	stage->spec.ring_bytes = 4096;
	stage->spec.no_pressure = true;
	stage->idle = true;
	stage_open(stage);
	stage_run(stage, argv);
	stage_stop(stage);
	for (size_t i = 0; i < stage->count; i++) {
		if (stage->events[i].event.kind != HM_EV_GAP)
			continue;
		gaps++;
		assert_int_equal(stage->events[i].event.field[HM_GAP_SOURCE].u, HM_GAP_RING);
	}
	assert_true(stage->stats.produced > 20000);
	assert_true(gaps > 0);
	assert_true(stage->stats.lost > 19000);
	assert_int_equal(check_sequences(stage), stage->stats.lost);
	assert_int_equal(stage->stats.produced, stage->stats.lost + stage->count - gaps);
}

/* A ring of one page, polled: holes of any length anywhere, and still every number is accounted for. */
static void test_slow_poll(void **state)
{
	struct stage *stage = *state;
	const char *argv[] = { HM_SUBJECT, "flood", NULL, "20000", NULL };
	size_t gaps = 0;

	argv[2] = stage->folder;
	stage->spec.ring_bytes = 4096;
	stage->spec.no_pressure = true;
	stage_open(stage);
	stage_run(stage, argv);
	stage_stop(stage);
	for (size_t i = 0; i < stage->count; i++)
		gaps += stage->events[i].event.kind == HM_EV_GAP;
	assert_int_equal(check_sequences(stage), stage->stats.lost);
	assert_int_equal(stage->stats.produced, stage->stats.lost + stage->count - gaps);
}

/* More events than one poll hands over, in a ring that holds them all: none is lost, none is left behind. */
static void test_all_at_the_end(void **state)
{
	struct stage *stage = *state;
	const char *argv[] = { HM_SUBJECT, "flood", NULL, "150000", NULL };
	size_t writes = 0;

	argv[2] = stage->folder;
	stage->spec.ring_bytes = 64u << 20;
	stage->spec.no_pressure = true;
	stage->idle = true;
	stage_open(stage);
	stage_run(stage, argv);
	stage_stop(stage);
	assert_int_equal(stage->stats.lost, 0);
	assert_int_equal(check_sequences(stage), 0);
	for (size_t i = 0; i < stage->count; i++)
		writes += stage->events[i].event.kind == HM_EV_WRITE;
	assert_in_range(writes, 150000, 150010);
	assert_int_equal(stage->stats.produced, stage->count);
}

/* Killed in mid-flight: the numbers hold all the same. */
static void test_killed(void **state)
{
	struct stage *stage = *state;
	struct hm_fail fail = { 0 };
	const char *argv[] = { HM_SUBJECT, "flood", NULL, "1000000000", NULL };
	int out, status;
	pid_t pid;

	argv[2] = stage->folder;
	stage_open(stage);
	pid = stage_start(stage, stage->cgroup, argv, &out);
	close(out);
	for (int i = 0; i < 20; i++)
		assert_true(hm_capture_poll(stage->capture, 5, &fail) >= 0);
	/* Room in the ring for its last event: a full one would lose just that, as it should. */
	kill(pid, SIGSTOP);
	while (hm_capture_poll(stage->capture, 5, &fail) > 0)
		;
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	stage_stop(stage);
	assert_int_equal(check_sequences(stage), stage->stats.lost);
	assert_true(find_event(stage, 0, "exit code=9 last=1") > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STAGE_TEST(test_nobody_polls),
		STAGE_TEST(test_slow_poll),
		STAGE_TEST(test_all_at_the_end),
		STAGE_TEST(test_killed),
	};
	const char *missing = stage_missing();

	if (missing) {
		printf("1..0 # SKIP %s\n", missing);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
