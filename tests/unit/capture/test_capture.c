/* The recorder against subjects that state what they do (tests/subjects/capture_subject.c), in a cgroup of their
 * own. */
#include "stage.h"

/* Those that the kernel's programs made: the recorder itself tells of libraries that it has found. */
static size_t made_by_programs(const struct stage *stage)
{
	size_t count = 0;

	for (size_t i = 0; i < stage->count; i++)
		count += stage->events[i].event.kind != HM_EV_LIBRARY;
	return count;
}

static void run_step(struct stage *stage, const char *step, const char *three, const char *four)
{
	const char *argv[] = { HM_SUBJECT, step, stage->folder, three, four, NULL };

	stage_open(stage);
	stage_run(stage, argv);
	stage_stop(stage);
	assert_true(WIFEXITED(stage->status));
	assert_true(WEXITSTATUS(stage->status) == 0 || WEXITSTATUS(stage->status) == 7);
	assert_true(compare(stage) > 0);
	assert_int_equal(check_sequences(stage), 0);
	check_task_sequence(stage, stage->events[0].event.tid);
	assert_int_equal(stage->stats.produced, made_by_programs(stage));
	assert_int_equal(stage->stats.lost, 0);
}

#define STEP(name)                                                                                                     \
	static void test_##name(void **state)                                                                          \
	{                                                                                                              \
		run_step(*state, #name, NULL, NULL);                                                                   \
	}

STEP(files)
STEP(other)
STEP(copies)
STEP(maps)
STEP(tcp)
STEP(udp)
STEP(ipv6)
STEP(unix)
STEP(tasks)
STEP(int80)
STEP(rights)

static void test_exec(void **state)
{
	run_step(*state, "exec", "two words", "");
}

static void test_overlay(void **state)
{
	struct stage *stage = *state;
	HM_FREE char *old = hm_sprintf("%s/lower/old", stage->folder), *changed = hm_sprintf("%s/lower/changed", stage->folder);
	static const char *const folders[] = { "lower", "upper", "work", "merged" };

	for (size_t i = 0; i < HM_COUNT(folders); i++) {
		HM_FREE char *path = hm_sprintf("%s/%s", stage->folder, folders[i]);

		assert_int_equal(mkdir(path, 0755), 0);
	}
	assert_int_equal(hm_fs_write_atomic(old, HM_SLICE("what was there before"), 0644, NULL), 0);
	assert_int_equal(hm_fs_write_atomic(changed, HM_SLICE("what is copied up by a change of its mode"), 0644, NULL), 0);
	stage->overlay = true;
	run_step(stage, "overlay", NULL, NULL);
}

static void test_path_of_300_names(void **state)
{
	run_step(*state, "path", "295", "6"); /* and the names before them */
}

static void test_path_of_4096_bytes(void **state)
{
	run_step(*state, "path", "15", "250");
}

static void test_path_too_deep(void **state)
{
	run_step(*state, "path", "450", "3");
}

static void test_path_too_long(void **state)
{
	run_step(*state, "path", "18", "255");
}

/* What counts is the cgroup: a child cgroup is in it, everybody else is not. */
static void test_scope(void **state)
{
	struct stage *stage = *state;
	char below[600];
	const char *argv[] = { "/bin/true", NULL };
	int out, status;
	pid_t inside, outside;
	size_t seen = 0;

	snprintf(below, sizeof(below), "%s/below", stage->cgroup);
	assert_int_equal(mkdir(below, 0755), 0);
	stage_open(stage);
	inside = stage_start(stage, below, argv, &out);
	close(out);
	assert_int_equal(waitpid(inside, &status, 0), inside);
	outside = fork();
	if (outside == 0) {
		execv(argv[0], (char *const *)argv);
		_exit(96);
	}
	assert_int_equal(waitpid(outside, &status, 0), outside);
	stage_stop(stage);
	/* This process moved it in, and is watched no more for that. */
	assert_int_equal(stage->events[0].event.kind, HM_EV_MOVE);
	assert_int_equal(stage->events[0].event.tgid, getpid());
	assert_int_equal(stage->events[0].event.field[HM_MOVE_MOVED_TGID].u, inside);
	assert_int_equal(stage->events[0].event.field[HM_MOVE_INSIDE].u, 1);
	for (size_t i = 1; i < stage->count; i++) {
		assert_int_equal(stage->events[i].event.tgid, inside);
		seen += stage->events[i].event.kind == HM_EV_EXEC;
	}
	assert_int_equal(seen, 1);
	assert_int_equal(rmdir(below), 0);
}

/* What a product says to itself does not leave, so the second witness does not count it. */
static void test_egress_loopback(void **state)
{
	struct stage *stage = *state;
	const char *argv[] = { HM_SUBJECT, "udp", NULL, NULL };

	argv[2] = stage->folder;
	stage_open(stage);
	stage_run(stage, argv);
	stage_stop(stage);
	assert_int_equal(stage->stats.egress_packets, 0);
	assert_int_equal(stage->stats.egress_bytes, 0);
}

/* Packets of the cgroup's sockets that leave are counted by a second witness. */
static void test_egress(void **state)
{
	struct stage *stage = *state;
	const char *argv[] = { "/usr/bin/unshare", "-n", "/bin/sh", "-ec",
			       "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6\n"
			       "ip link add v0 type veth peer name v1\n"
			       "ip addr add 192.0.2.1/24 dev v0\n"
			       "ip link set v0 up\n"
			       "ip link set v1 up\n"
			       "ip neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev v0\n"
			       "bash -c 'printf hello > /dev/udp/192.0.2.9/9'\n",
			       NULL };

	if (access("/usr/bin/unshare", X_OK) < 0 || access("/bin/bash", X_OK) < 0 || access("/sbin/ip", X_OK) < 0)
		skip();
	stage_open(stage);
	stage_run(stage, argv);
	stage_stop(stage);
	/* One datagram of 5 bytes behind 28 bytes of IPv4 and UDP. */
	assert_int_equal(stage->stats.egress_packets, 1);
	assert_int_equal(stage->stats.egress_bytes, 28 + 5);
}

static int refuse(void *cookie, const struct hm_event *event, struct hm_fail *fail)
{
	(void)event;
	++*(int *)cookie;
	return hm_fail_set(fail, HM_E_SYSTEM, "the disk is full");
}

static void test_sink_that_fails(void **state)
{
	struct stage *stage = *state;
	struct hm_fail fail = { 0 };
	const char *argv[] = { "/bin/true", NULL };
	int calls = 0, out, status;
	pid_t pid;

	stage->spec.sink = refuse;
	stage->spec.cookie = &calls;
	stage_open(stage);
	pid = stage_start(stage, stage->cgroup, argv, &out);
	close(out);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(hm_capture_poll(stage->capture, 0, &fail), HM_E_SYSTEM);
	assert_string_equal(fail.text, "the disk is full");
	assert_int_equal(calls, 1);
}

static void test_refused(void **state)
{
	struct stage *stage = *state;
	struct hm_fail fail = { 0 };
	struct hm_capture *c = NULL;
	static const size_t bad[] = { 1, 4095, 4097, 12288, (size_t)1 << 31 };

	for (size_t i = 0; i < HM_COUNT(bad); i++) {
		stage->spec.ring_bytes = bad[i];
		assert_int_equal(hm_capture_open(&c, &stage->spec, &fail), HM_E_USAGE);
		assert_null(c);
	}
	stage->spec.ring_bytes = 0;
	stage->spec.cgroup = -1;
	assert_int_equal(hm_capture_open(&c, &stage->spec, &fail), HM_E_SYSTEM);
	stage->spec.cgroup = open("/", O_RDONLY | O_CLOEXEC);
	assert_int_equal(hm_capture_open(&c, &stage->spec, &fail), HM_E_SYSTEM);
	assert_null(c);
	close(stage->spec.cgroup);
	hm_capture_close(NULL);
}

static void test_probe(void **state)
{
	struct hm_capture_probe rows[64];
	size_t count = hm_capture_probe(rows, HM_COUNT(rows));

	(void)state;
	assert_true(count > 12);
	for (size_t i = 0; i < count; i++) {
		if (!rows[i].works)
			print_message("# %s%s: %s\n", rows[i].name, rows[i].needed ? " (needed)" : "", rows[i].why);
		assert_true(rows[i].works == (rows[i].why[0] == '\0'));
		assert_true(rows[i].works || !rows[i].needed);
	}
	assert_int_equal(hm_capture_probe(rows, 3), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_probe),
		STAGE_TEST(test_exec),
		STAGE_TEST(test_files),
		STAGE_TEST(test_other),
		STAGE_TEST(test_copies),
		STAGE_TEST(test_maps),
		STAGE_TEST(test_overlay),
		STAGE_TEST(test_tcp),
		STAGE_TEST(test_udp),
		STAGE_TEST(test_ipv6),
		STAGE_TEST(test_unix),
		STAGE_TEST(test_tasks),
		STAGE_TEST(test_int80),
		STAGE_TEST(test_rights),
		STAGE_TEST(test_path_of_300_names),
		STAGE_TEST(test_path_of_4096_bytes),
		STAGE_TEST(test_path_too_deep),
		STAGE_TEST(test_path_too_long),
		STAGE_TEST(test_scope),
		STAGE_TEST(test_egress_loopback),
		STAGE_TEST(test_egress),
		STAGE_TEST(test_sink_that_fails),
		STAGE_TEST(test_refused),
	};
	const char *missing = stage_missing();

	if (missing) {
		printf("1..0 # SKIP %s\n", missing);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
