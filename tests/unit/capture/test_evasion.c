/* Ways out of the recorder's sight (tests/subjects/evasion_subject.c), each taken twice: in a plain cgroup, where it must be
 * recorded, and in the chamber, where it must be refused and the refusal recorded, or be harmless and recorded. */
#include "stage.h"

#include "chamber.h"

#define IN_CHAMBER "/usr/local/bin/evasion"

static void run_free(struct stage *stage, const char *step)
{
	HM_FREE char *beside = hm_sprintf("%s-beside", stage->cgroup);
	const char *argv[] = { HM_SUBJECT, step, stage->folder, "free", beside, NULL };

	assert_int_equal(mkdir(beside, 0755), 0);
	stage_open(stage);
	stage_run(stage, argv);
	stage_stop(stage);
}

/* The chamber of a step. It is taken down with the test, also when that fails. */
static struct hm_chamber *chamber;

static void read_all(struct hm_bytes *to, int fd)
{
	ssize_t n;

	while ((n = read(fd, hm_bytes_reserve(to, 4096), 4096)) > 0)
		to->len += (size_t)n;
}

static void follow(struct stage *stage, int out, int err, struct hm_bytes *complaint)
{
	struct hm_chamber_result result;
	struct hm_fail fail = { 0 };
	uint64_t limit = stage_now() + 60000000000u;
	int outcome = HM_OUTCOME_EXITED;

	while (!hm_chamber_ended(chamber, &result)) {
		if (hm_capture_poll(stage->capture, 2, &fail) < 0)
			fail_msg("%s", fail.text);
		read_all(&stage->stated, out);
		read_all(complaint, err);
		if (stage_now() > limit) {
			outcome = HM_OUTCOME_TIMEOUT;
			break;
		}
	}
	if (hm_chamber_kill(chamber, outcome, &result, &fail) < 0)
		fail_msg("%s", fail.text);
	read_all(&stage->stated, out);
	read_all(complaint, err);
	hm_bytes_u8(complaint, 0);
	if (result.outcome != HM_OUTCOME_EXITED || result.status != 0)
		fail_msg("in the chamber: outcome %d, status %d: %s", result.outcome, result.status,
			 (const char *)complaint->data);
	hm_bytes_u8(&stage->stated, 0);
}

static void run_caged(struct stage *stage, const char *step)
{
	static const char *const env[] = { "PATH=/usr/bin:/bin", "HOME=/root", "LANG=C.UTF-8", NULL };
	const char *argv[] = { IN_CHAMBER, step, "/tmp", "caged", NULL };
	HM_CLEANUP(hm_fs_unmap) struct hm_map subject = { 0 };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes complaint = { 0 };
	HM_FREE char *work = hm_sprintf("%s/work", stage->folder), *documents = hm_sprintf("%s/documents", stage->folder);
	HM_FREE char *name = hm_sprintf("evasion-%d", (int)getpid());
	struct hm_chamber_file file = { .path = IN_CHAMBER, .mode = 0755 };
	struct hm_chamber_spec spec = { .work = work,
					.name = name,
					.hostname = "ws-0a1b2c",
					.machine_id = "0123456789ab4def8123456789abcdef",
					.target_from = documents,
					.target = "/home/user/Documents",
					.argv = argv,
					.env = env,
					.files = &file,
					.file_count = 1 };
	struct hm_fail fail = { 0 };
	int out, err;

	assert_int_equal(mkdir(work, 0700) | mkdir(documents, 0755), 0);
	assert_int_equal(hm_fs_map(&subject, HM_SUBJECT, &fail), 0);
	file.content = subject.bytes;
	if (hm_chamber_open(&chamber, &spec, &fail) < 0)
		fail_msg("%s", fail.text);
	stage->spec.cgroup = hm_chamber_cgroup(chamber, &stage->spec.cgroup_id);
	stage_open(stage);
	if (hm_chamber_go(chamber, &out, &err, &fail) < 0)
		fail_msg("%s", fail.text);
	follow(stage, out, err, &complaint);
	stage_stop(stage);
}

static int leave_chamber(void **state)
{
	hm_chamber_close(chamber);
	chamber = NULL;
	return leave_stage(state);
}

static void check(struct stage *stage, size_t lines)
{
	size_t compared = compare(stage);

	assert_true(compared >= lines);
	assert_int_equal(check_sequences(stage), 0);
	assert_int_equal(stage->stats.lost, 0);
}

/* `lines`: that many statements at least, so that no step passes by stating nothing. In the chamber a way that does not exist
 * there leaves none. */
#define STEP(name, free_lines, caged_lines)                             \
	static void test_##name##_free(void **state)                    \
	{                                                               \
		run_free(*state, #name);                                \
		check(*state, free_lines);                              \
	}                                                               \
	static void test_##name##_caged(void **state)                   \
	{                                                               \
		run_caged(*state, #name);                               \
		check(*state, caged_lines);                             \
	}
#include "evasion_steps.h"
#undef STEP

static size_t count_kind(const struct stage *stage, unsigned kind)
{
	size_t n = 0;

	for (size_t i = 0; i < stage->count; i++)
		n += stage->events[i].event.kind == kind;
	return n;
}

/* Each of 2,000 programs that live for a moment: made by the one process, executed once, ended, all under its own number. */
static void check_storm(const struct stage *stage, uint32_t parent)
{
	size_t position = 0, seen = 0;

	for (size_t i = 0; i < stage->count; i++) {
		const struct hm_event *fork = &stage->events[i].event, *e;
		bool executed = false, ended = false;

		if (fork->kind != HM_EV_FORK)
			continue;
		assert_int_equal(fork->tgid, parent);
		for (position = i + 1; position < stage->count && !ended; position++) {
			e = &stage->events[position].event;
			if (e->tgid != fork->field[HM_FORK_CHILD_TGID].u)
				continue;
			if (e->kind == HM_EV_EXEC) {
				assert_false(executed);
				executed = true;
				assert_memory_equal(e->field[HM_EXEC_ARGV].b.data, "storm", 6);
			}
			ended = e->kind == HM_EV_EXIT;
		}
		assert_true(executed && ended);
		seen++;
	}
	assert_int_equal(seen, 2000);
	assert_int_equal(count_kind(stage, HM_EV_EXEC), 2001);
}

static uint32_t first_executed(const struct stage *stage)
{
	for (size_t i = 0; i < stage->count; i++)
		if (stage->events[i].event.kind == HM_EV_EXEC)
			return stage->events[i].event.tgid;
	return 0;
}

static void test_storm_free(void **state)
{
	struct stage *stage = *state;

	run_free(stage, "storm");
	assert_int_equal(stage->stats.lost, 0);
	check_storm(stage, first_executed(stage));
}

static void test_storm_caged(void **state)
{
	struct stage *stage = *state;

	run_caged(stage, "storm");
	assert_int_equal(stage->stats.lost, 0);
	check_storm(stage, first_executed(stage));
}

/* The chamber's product is born in its cgroup: the first event tells, made by pid 1 of the chamber, which is not watched. */
static void test_birth(void **state)
{
	struct stage *stage = *state;
	const struct hm_event *first, *second;

	run_caged(stage, "nothing");
	first = &stage->events[0].event;
	second = &stage->events[1].event;
	assert_int_equal(first->kind, HM_EV_MOVE);
	assert_int_equal(first->field[HM_MOVE_INSIDE].u, 1);
	assert_int_equal(first->field[HM_MOVE_PATH].b.len, 0);
	assert_int_equal(first->field[HM_MOVE_MOVED_TGID].u, second->tgid);
	assert_int_not_equal(first->tgid, second->tgid);
	assert_int_equal(second->tseq, 0);
	assert_int_equal(count_kind(stage, HM_EV_MOVE), 1);
}

/* A thread that is not the first executes: the program goes on under the process's number, and its events with new ones. */
static void test_exec_by_thread(void **state)
{
	struct stage *stage = *state;
	uint32_t child = 0;
	uint64_t next = 0, executed = 0;

	run_free(stage, "exec_thread");
	for (size_t i = 0; i < stage->count; i++) {
		const struct hm_event *e = &stage->events[i].event;

		if (e->kind == HM_EV_FORK && !child)
			child = (uint32_t)e->field[HM_FORK_CHILD_TGID].u;
		if (!child || e->tid != child)
			continue;
		assert_int_equal(e->tgid, child);
		assert_int_equal(e->tseq, next);
		next = e->kind == HM_EV_EXIT ? 0 : next + 1;
		executed += e->kind == HM_EV_EXEC;
	}
	assert_int_equal(executed, 1);
}

#define STEP(name, free_lines, caged_lines)                                                                \
	cmocka_unit_test_setup_teardown(test_##name##_free, enter_stage, leave_chamber),                   \
	    cmocka_unit_test_setup_teardown(test_##name##_caged, enter_stage, leave_chamber),

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
#include "evasion_steps.h"
		cmocka_unit_test_setup_teardown(test_storm_free, enter_stage, leave_chamber),
		cmocka_unit_test_setup_teardown(test_storm_caged, enter_stage, leave_chamber),
		cmocka_unit_test_setup_teardown(test_birth, enter_stage, leave_chamber),
		cmocka_unit_test_setup_teardown(test_exec_by_thread, enter_stage, leave_chamber),
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
