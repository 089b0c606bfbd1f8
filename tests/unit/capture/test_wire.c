/* Back-pressure of the packet capture: a product that sends more than its ring holds stands still until the reader, here
 * stopped for a while, has taken it. Nothing is lost; and where the reader does not come back, the product goes on, and
 * what is lost is told. */
#include "net.h"

#include "internet.h"

enum { BURST = 60000 }; /* the subject's */

static pid_t holder;
static struct hm_capture_loaded *loaded;

static pid_t child_other_than(pid_t other)
{
	HM_FREE char *path = hm_sprintf("/proc/self/task/%d/children", (int)getpid());
	HM_FCLOSE FILE *f = fopen(path, "re");
	int pid, found = 0;

	while (f && fscanf(f, "%d", &pid) == 1)
		if (pid != other)
			found = pid;
	return found;
}

/* Until the cgroup has stood still once; false where it never does. */
static bool stands_still(const char *cgroup)
{
	HM_FREE char *path = hm_sprintf("%s/cgroup.events", cgroup);

	for (int i = 0; i < 60000; i++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };

		if (hm_fs_read(&text, path, 4096, NULL) < 0)
			return false;
		hm_bytes_u8(&text, 0);
		if (strstr((char *)text.data, "frozen 1"))
			return true;
		usleep(1000);
	}
	return false;
}

/* Stops the reader now, and lets it go on a second after the subject has been stopped for its sake, or never. */
static pid_t interrupt(pid_t reader, const char *cgroup, bool goes_on)
{
	pid_t pid;

	assert_int_equal(kill(reader, SIGSTOP), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (goes_on && (!stands_still(cgroup) || usleep(1000000) < 0 || kill(reader, SIGCONT) < 0))
			_exit(1);
		_exit(0);
	}
	return pid;
}

static size_t freezes(const struct stage *stage)
{
	size_t count = 0;

	for (size_t i = 0; i < stage->count; i++)
		count += stage->events[i].event.kind == HM_EV_FREEZE;
	return count;
}

static void burst(struct stage *stage, bool goes_on, struct hm_internet_stats *stats)
{
	const char *argv[] = { HM_SUBJECT, "burst", stage->folder, "8.8.8.8", NULL };
	HM_CLEANUP(hm_internet_cleanup) struct hm_internet *internet = NULL;
	HM_FREE char *packets = hm_sprintf("%s/packets", stage->folder);
	struct hm_internet_spec spec = { .mode = HM_INTERNET_SIMULATED, .packets = packets };
	struct hm_fail fail = { 0 };
	pid_t reader, helper;

	holder = hold_namespace(&stage->net);
	spec.chamber = holder;
	if (hm_capture_load(&loaded, &stage->spec, &fail) < 0)
		fail_msg("%s", fail.text);
	spec.wire = hm_capture_wire(loaded);
	stage->spec.loaded = loaded;
	if (hm_internet_open(&internet, &spec, &fail) < 0)
		fail_msg("%s", fail.text);
	reader = child_other_than(holder);
	stage->spec.wire_room = hm_internet_room(internet);
	assert_in_range(stage->spec.wire_room, 1 << 20, 64 << 20);
	stage_open(stage);
	helper = interrupt(reader, stage->cgroup, goes_on);
	stage_run(stage, argv);
	assert_int_equal(waitpid(helper, NULL, 0), helper);
	assert_int_equal(kill(reader, SIGCONT), 0);
	stage_stop(stage);
	if (hm_internet_stop(internet, stats, &fail) < 0)
		fail_msg("%s", fail.text);
	assert_int_equal(stage->status, 0);
	assert_true(compare(stage) > 0);
	assert_int_equal(stage->stats.lost, 0);
	assert_int_equal(stage->stats.egress_packets, BURST);
	assert_int_equal(stats->packets + stats->lost, BURST);
}

static void test_reader_that_pauses(void **state)
{
	struct hm_internet_stats stats;

	burst(*state, true, &stats);
	assert_int_equal(stats.lost, 0);
	assert_true(freezes(*state) > 0);
}

static void test_reader_that_is_stuck(void **state)
{
	struct hm_internet_stats stats;

	burst(*state, false, &stats);
	assert_true(stats.lost > 0);
	assert_true(freezes(*state) > 0);
}

static int leave(void **state)
{
	struct stage *stage = *state;
	int r;

	if (holder > 0 && kill(holder, SIGKILL) == 0)
		waitpid(holder, NULL, 0);
	holder = 0;
	if (stage->net > 0)
		close(stage->net);
	r = leave_stage(state);
	hm_capture_unload(hm_take_ptr(&loaded));
	return r;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_reader_that_pauses, enter_stage, leave),
		cmocka_unit_test_setup_teardown(test_reader_that_is_stuck, enter_stage, leave),
	};
	const char *missing = stage_missing();

	if (missing) {
		print_message("1..0 # SKIP %s\n", missing);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
