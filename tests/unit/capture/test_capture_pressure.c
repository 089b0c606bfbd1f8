/* Nothing is lost, however fast the product and however slow the reader: what fills the ring stands still, goes on again,
 * and is never left standing. */
#include "stage.h"

#include <sys/prctl.h>

#define TIDS (1u << 22) /* pid_max cannot be more */

/* Events go by uncounted millions, so they are checked as they come. */
struct flow {
	struct stage *stage;
	uint64_t next[1024], *of_task;
	uint64_t events, holes, task_holes, gaps, freezes[2];
	uint64_t pause_every; /* events; 0: never */
	long pause_us;
	uint64_t frozen_ns;
};

static struct flow flow;

static int check_event(void *cookie, const struct hm_event *e, struct hm_fail *fail)
{
	struct flow *f = cookie;

	(void)fail;
	if (e->cpu == HM_CPU_USER) {
		if (e->kind == HM_EV_FREEZE) {
			assert_in_range(e->field[HM_FREEZE_MEANS].u, HM_FREEZE_CGROUP, HM_FREEZE_SIGSTOP);
			assert_true(e->field[HM_FREEZE_BEGAN].u + e->field[HM_FREEZE_DURATION].u <= e->time);
			assert_true(e->field[HM_FREEZE_FILL].u > 0);
			f->freezes[e->field[HM_FREEZE_MEANS].u]++;
			f->frozen_ns += e->field[HM_FREEZE_DURATION].u;
		} else {
			f->gaps++;
		}
		assert_int_equal(e->seq, 0);
		return 0;
	}
	assert_in_range(e->cpu, 0, HM_COUNT(f->next) - 1);
	assert_in_range(e->tid, 1, TIDS - 1);
	f->events++;
	f->holes += e->seq != f->next[e->cpu];
	f->next[e->cpu] = e->seq + 1;
	f->task_holes += e->tseq != f->of_task[e->tid];
	f->of_task[e->tid] = e->kind == HM_EV_EXIT ? 0 : e->tseq + 1;
	if (f->pause_every && f->events % f->pause_every == 0)
		usleep((useconds_t)f->pause_us);
	return 0;
}

static int enter_flow(void **state)
{
	enter_stage(state);
	flow = (struct flow){ .stage = &stage_of_test, .of_task = hm_alloc(TIDS, sizeof(uint64_t)) };
	stage_of_test.spec.sink = check_event;
	stage_of_test.spec.cookie = &flow;
	*state = &flow;
	return 0;
}

static int leave_flow(void **state)
{
	free(flow.of_task);
	*state = &stage_of_test;
	return leave_stage(state);
}

#define FLOW_TEST(f) cmocka_unit_test_setup_teardown(f, enter_flow, leave_flow)

static char read_control(const char *file, const char *word)
{
	HM_FREE char *path = hm_sprintf("%s/%s", stage_of_test.cgroup, file);
	HM_FCLOSE FILE *f = fopen(path, "re");
	char line[256];

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		if (!*word)
			return line[0];
		if (strncmp(line, word, strlen(word)) == 0)
			return line[strlen(word) + 1];
	}
	return '?';
}

static bool is_frozen(void)
{
	return read_control("cgroup.events", "frozen") == '1';
}

/* The state letter of a process. */
static char state_of(pid_t pid)
{
	HM_FREE char *path = hm_sprintf("/proc/%d/stat", pid);
	HM_FCLOSE FILE *f = fopen(path, "re");
	char line[512], *at;

	if (!f || !fgets(line, sizeof(line), f) || !(at = strrchr(line, ')')))
		return '?';
	return at[2];
}

/* How many processes of the cgroup are stopped. */
static size_t stopped(void)
{
	HM_FREE char *path = hm_sprintf("%s/cgroup.procs", stage_of_test.cgroup);
	HM_FCLOSE FILE *f = fopen(path, "re");
	size_t count = 0;
	int pid;

	assert_non_null(f);
	while (fscanf(f, "%d", &pid) == 1)
		count += state_of(pid) == 'T';
	return count;
}

static void poll_until(uint64_t deadline, bool (*reached)(void))
{
	struct hm_fail fail = { 0 };

	do
		if (hm_capture_poll(stage_of_test.capture, 2, &fail) < 0)
			fail_msg("%s", fail.text);
	while (!reached() && stage_now() < deadline);
	assert_true(reached());
}

static void await(bool (*reached)(void))
{
	for (int i = 0; i < 20000 && !reached(); i++)
		usleep(1000);
	assert_true(reached());
}

static void run_flood(const char *what, const char *seconds, const char *processes, const char *threads)
{
	struct stage *stage = &stage_of_test;
	const char *argv[] = { HM_SUBJECT, what, seconds, processes, threads, NULL };

	stage_open(stage);
	stage_run(stage, argv);
	assert_true(WIFEXITED(stage->status) && WEXITSTATUS(stage->status) == 0);
	stage_stop(stage);
	print_message("# %llu events, %llu freezes, %llu stops, %llu ms\n", (unsigned long long)flow.events,
		      (unsigned long long)flow.freezes[0], (unsigned long long)flow.freezes[1],
		      (unsigned long long)stage->stats.frozen_ns / 1000000);
	assert_int_equal(stage->stats.lost, 0);
	assert_int_equal(flow.gaps, 0);
	assert_int_equal(flow.holes, 0);
	assert_int_equal(flow.task_holes, 0);
	assert_int_equal(flow.events, stage->stats.produced);
	assert_int_equal(stage->stats.freezes, flow.freezes[0] + flow.freezes[1]);
	assert_true(stage->stats.frozen_ns <= flow.frozen_ns);
	/* Every call that the flood counted is there; it made some more to start and to end. */
	assert_in_range(flow.events, strtoull((char *)stage->stated.data, NULL, 10), UINT64_MAX);
	assert_true(strtoull((char *)stage->stated.data, NULL, 10) > 1000);
	assert_false(is_frozen());
}

static void test_flood_of_threads(void **state)
{
	(void)state;
	run_flood("pread", "2", "1", "16");
}

static void test_flood_of_processes(void **state)
{
	(void)state;
	run_flood("both", "2", "8", "2");
}

/* A reader that is far too slow: the flood stands most of the time. */
static void test_slow_sink(void **state)
{
	(void)state;
	flow.pause_every = 20000;
	flow.pause_us = 100000;
	stage_of_test.spec.ring_bytes = 4u << 20;
	run_flood("both", "2", "4", "4");
	assert_true(flow.freezes[HM_FREEZE_CGROUP] > 0);
}

/* SIGSTOP alone, in a ring that a few thousand events fill. */
static void test_stops_alone(void **state)
{
	(void)state;
	flow.pause_every = 2000;
	flow.pause_us = 10000;
	stage_of_test.spec.ring_bytes = 1u << 20;
	stage_of_test.spec.no_freezer = true;
	run_flood("pread", "2", "4", "4");
	assert_int_equal(flow.freezes[HM_FREEZE_CGROUP], 0);
	assert_true(flow.freezes[HM_FREEZE_SIGSTOP] > 0);
}

static pid_t start_flood(const char *seconds, const char *processes, int *out)
{
	const char *argv[] = { HM_SUBJECT, "pread", seconds, processes, "2", NULL };
	pid_t pid;

	pid = stage_start(&stage_of_test, stage_of_test.cgroup, argv, out);
	return pid;
}

/* A process in the cgroup that does what it is told: 's' stop oneself, 'r' read. Ends with its input. */
static pid_t start_puppet(int *strings)
{
	int pair[2];
	pid_t pid;

	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		char order;
		int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

		close(pair[1]);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (read(pair[0], &order, 1) == 1) {
			if (order == 's')
				raise(SIGSTOP);
			else
				for (int i = 0; i < 1000000; i++)
					if (pread(fd, &order, 1, 0) != 1)
						_exit(1);
		}
		_exit(0);
	}
	stage_join(stage_of_test.cgroup, pid);
	close(pair[0]);
	*strings = pair[1];
	return pid;
}

static void await_state(pid_t pid, char want)
{
	for (int i = 0; i < 20000 && state_of(pid) != want; i++)
		usleep(1000);
	assert_int_equal(state_of(pid), want);
}

static void end_puppet(pid_t pid, int strings)
{
	int status;

	close(strings);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
}

/* What the product has stopped stays stopped through freezes and stops of ours. */
static void test_stopped_by_itself(void **state)
{
	int strings;
	pid_t puppet;

	(void)state;
	puppet = start_puppet(&strings);
	assert_int_equal(write(strings, "s", 1), 1);
	await_state(puppet, 'T');
	flow.pause_every = 2000;
	flow.pause_us = 5000;
	stage_of_test.spec.ring_bytes = 1u << 20;
	stage_of_test.spec.no_freezer = true;
	run_flood("pread", "1", "4", "2");
	assert_true(flow.freezes[HM_FREEZE_SIGSTOP] > 0);
	assert_int_equal(state_of(puppet), 'T');
	end_puppet(puppet, strings);
}

/* The product stops a process that we hold stopped already: it must not go on with our SIGCONT. And one that was
 * continued by the product after that does. */
static void test_stopped_twice(void **state)
{
	struct hm_fail fail = { 0 };
	int strings[2];
	pid_t puppet[2];

	(void)state;
	stage_of_test.spec.ring_bytes = 65536;
	stage_of_test.spec.no_freezer = true;
	for (int i = 0; i < 2; i++)
		puppet[i] = start_puppet(&strings[i]);
	stage_open(&stage_of_test);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(write(strings[i], "r", 1), 1);
		await_state(puppet[i], 'T');
		kill(puppet[i], SIGSTOP);
	}
	kill(puppet[1], SIGCONT);
	await_state(puppet[1], 'T'); /* by its next event */
	for (int i = 0; i < 5; i++)
		assert_true(hm_capture_poll(stage_of_test.capture, 2, &fail) >= 0);
	assert_int_equal(state_of(puppet[0]), 'T');
	for (int i = 0; i < 10000 && state_of(puppet[1]) != 'S'; i++)
		assert_true(hm_capture_poll(stage_of_test.capture, 1, &fail) >= 0);
	assert_int_equal(state_of(puppet[1]), 'S');
	assert_int_equal(state_of(puppet[0]), 'T');
	kill(puppet[0], SIGCONT);
	for (int i = 0; i < 10000 && state_of(puppet[0]) != 'S'; i++)
		assert_true(hm_capture_poll(stage_of_test.capture, 1, &fail) >= 0);
	assert_int_equal(state_of(puppet[0]), 'S');
	stage_stop(&stage_of_test);
	assert_int_equal(stage_of_test.stats.lost, 0);
	for (int i = 0; i < 2; i++)
		end_puppet(puppet[i], strings[i]);
}

static bool none_left(void)
{
	return read_control("cgroup.events", "populated") == '0';
}

/* Killed while it stands: it goes away, and the recorder ends in order. */
static void test_killed_while_frozen(void **state)
{
	int out, status;
	pid_t pid;

	(void)state;
	stage_of_test.spec.ring_bytes = 2u << 20;
	stage_open(&stage_of_test);
	pid = start_flood("1000", "4", &out);
	await(is_frozen);
	HM_FREE char *path = hm_sprintf("%s/cgroup.kill", stage_of_test.cgroup);
	HM_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(write(fd, "1", 1), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(out);
	poll_until(stage_now() + 30000000000u, none_left);
	/* The cgroup goes as well, before the recorder does. */
	remove_cgroup(stage_of_test.cgroup, NULL, FTW_DP, NULL);
	assert_int_equal(access(stage_of_test.cgroup, F_OK), -1);
	stage_stop(&stage_of_test);
	assert_int_equal(stage_of_test.stats.lost, 0);
	assert_int_equal(flow.holes + flow.task_holes, 0);
	assert_true(flow.freezes[HM_FREEZE_CGROUP] > 0);
}

/* Once with the order that is asked for, once just closed, as after an error. */
static void end_while_frozen(bool stop)
{
	int out, status;
	pid_t pid;

	stage_of_test.spec.ring_bytes = 2u << 20;
	stage_open(&stage_of_test);
	pid = start_flood("3", "4", &out);
	await(is_frozen);
	if (stop)
		stage_stop(&stage_of_test);
	else
		hm_capture_close(hm_take_ptr(&stage_of_test.capture));
	assert_int_equal(read_control("cgroup.freeze", ""), '0');
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(out);
}

static void test_stop_while_frozen(void **state)
{
	(void)state;
	end_while_frozen(true);
	assert_int_equal(stage_of_test.stats.lost, 0);
	assert_int_equal(flow.holes, 0);
	assert_true(flow.freezes[HM_FREEZE_CGROUP] > 0);
}

static void test_close_while_frozen(void **state)
{
	(void)state;
	end_while_frozen(false);
}

/* The same for processes that were stopped. */
static void test_close_while_stopped(void **state)
{
	int strings;
	pid_t puppet = start_puppet(&strings);

	(void)state;
	stage_of_test.spec.ring_bytes = 65536;
	stage_of_test.spec.no_freezer = true;
	stage_open(&stage_of_test);
	assert_int_equal(write(strings, "r", 1), 1);
	await_state(puppet, 'T');
	hm_capture_close(hm_take_ptr(&stage_of_test.capture));
	await_state(puppet, 'S');
	end_puppet(puppet, strings);
}

static bool nothing_stands(void)
{
	return !is_frozen() && stopped() == 0;
}

static bool two_stopped(void)
{
	return stopped() >= 2;
}

/* The recorder itself is killed while everything stands: its guard lets it go. */
static void recorder_killed(bool no_freezer)
{
	int out, status, pair[2];
	pid_t pid, recorder;
	char byte;

	stage_of_test.spec.ring_bytes = 1u << 20;
	stage_of_test.spec.no_freezer = no_freezer;
	pid = start_flood("1000", "2", &out);
	kill(pid, SIGSTOP);
	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	recorder = fork();
	assert_true(recorder >= 0);
	if (recorder == 0) {
		struct hm_fail fail;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (hm_capture_open(&stage_of_test.capture, &stage_of_test.spec, &fail) == 0)
			kill(pid, SIGCONT);
		if (write(pair[1], "", 1) < 0)
			_exit(1);
		for (;;)
			pause();
	}
	/* Its children flood while it stands: all may stand before the recorder lets it go. */
	assert_int_equal(read(pair[0], &byte, 1), 1);
	close(pair[0]);
	close(pair[1]);
	await(no_freezer ? two_stopped : is_frozen);
	kill(recorder, SIGKILL);
	assert_int_equal(waitpid(recorder, &status, 0), recorder);
	await(nothing_stands);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(out);
}

static void test_recorder_killed_while_frozen(void **state)
{
	(void)state;
	recorder_killed(false);
}

static void test_recorder_killed_while_stopped(void **state)
{
	(void)state;
	recorder_killed(true);
}

/* A recorder that would freeze itself. */
static void test_own_cgroup(void **state)
{
	pid_t pid;
	int status;

	(void)state;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct hm_fail fail = { 0 };

		stage_join(stage_of_test.cgroup, getpid());
		_exit(hm_capture_open(&stage_of_test.capture, &stage_of_test.spec, &fail) == HM_E_USAGE ? 7 : 8);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 7 << 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FLOW_TEST(test_flood_of_threads),
		FLOW_TEST(test_flood_of_processes),
		FLOW_TEST(test_slow_sink),
		FLOW_TEST(test_stops_alone),
		FLOW_TEST(test_stopped_by_itself),
		FLOW_TEST(test_stopped_twice),
		FLOW_TEST(test_killed_while_frozen),
		FLOW_TEST(test_stop_while_frozen),
		FLOW_TEST(test_close_while_frozen),
		FLOW_TEST(test_close_while_stopped),
		FLOW_TEST(test_recorder_killed_while_frozen),
		FLOW_TEST(test_recorder_killed_while_stopped),
		FLOW_TEST(test_own_cgroup),
	};
	const char *missing = stage_missing();

	if (missing) {
		printf("1..0 # SKIP %s\n", missing);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
