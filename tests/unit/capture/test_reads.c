/* Every way to read a file (tests/subjects/reads_subject.c): on a disk file system, and through an overlay from either of its
 * layers. Each must leave the events of both witnesses. */
#include "stage.h"

static void run_out_of_scope(const char *const *argv)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		execv(argv[0], (char *const *)argv);
		_exit(96);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void make_document(const char *path)
{
	const char *argv[] = { HM_SUBJECT, path, NULL };

	run_out_of_scope(argv);
}

/* What both witnesses say of the same file. */
static bool same_file(const struct hm_event *pages, const struct hm_event *read)
{
	return pages->field[HM_PAGES_DEV].u == read->field[HM_READ_DEV].u &&
	       pages->field[HM_PAGES_INO].u == read->field[HM_READ_INO].u &&
	       pages->field[HM_PAGES_GEN].u == read->field[HM_READ_GEN].u;
}

/* A look that asks for what was read. */
static bool is_witnessed(const struct stage *stage, const struct hm_event *read)
{
	uint64_t from = read->field[HM_READ_OFFSET].u, to = from + read->field[HM_READ_BYTES].u;

	for (size_t i = 0; i < stage->count; i++) {
		const struct hm_event *e = &stage->events[i].event;

		if (e->kind == HM_EV_PAGES && e->tid == read->tid && same_file(e, read) &&
		    e->field[HM_PAGES_OFFSET].u <= from && e->field[HM_PAGES_OFFSET].u + e->field[HM_PAGES_LENGTH].u >= to)
			return true;
	}
	return false;
}

/* The file was opened as a block device. */
static bool is_device(const struct stage *stage, const struct hm_event *read)
{
	for (size_t i = 0; i < stage->count; i++) {
		const struct hm_event *e = &stage->events[i].event;

		if (e->kind == HM_EV_OPEN && S_ISBLK(e->field[HM_OPEN_MODE].u) &&
		    e->field[HM_OPEN_DEV].u == read->field[HM_READ_DEV].u && e->field[HM_OPEN_INO].u == read->field[HM_READ_INO].u)
			return true;
	}
	return false;
}

/* Every read of a file that the page cache can have is there twice, and nothing else is needed to find that out. */
static void check_witnesses(const struct stage *stage)
{
	size_t witnessed = 0;

	for (size_t i = 0; i < stage->count; i++) {
		const struct hm_event *e = &stage->events[i].event;

		if (e->kind != HM_EV_READ || (e->field[HM_READ_LAYER].u == HM_LAYER_NONE && !is_device(stage, e)))
			continue;
		if (!is_witnessed(stage, e))
			fail_msg("event %zu: a read of %llu bytes at %llu has no second witness", i,
				 (unsigned long long)e->field[HM_READ_BYTES].u, (unsigned long long)e->field[HM_READ_OFFSET].u);
		witnessed++;
	}
	assert_true(witnessed > 10);
}

static void run_ways(struct stage *stage, const char *document, const char *real, const char *layer, const char *scratch)
{
	const char *argv[] = { HM_SUBJECT, document, real, layer, scratch, NULL };

	stage_open(stage);
	stage_run(stage, argv);
	stage_stop(stage);
	assert_int_equal(stage->status, 0);
	assert_true(compare(stage) > 50);
	assert_int_equal(check_sequences(stage), 0);
	assert_int_equal(stage->stats.lost, 0);
	check_witnesses(stage);
}

static void test_disk(void **state)
{
	struct stage *stage = *state;
	HM_FREE char *document = hm_sprintf("%s/document", stage->folder);

	make_document(document);
	run_ways(stage, document, document, "3", stage->folder);
}

static void run_overlay(struct stage *stage, const char *real, const char *layer)
{
	HM_FREE char *merged = hm_sprintf("%s/merged", stage->folder), *document = hm_sprintf("%s/document", merged);
	static const char *const folders[] = { "lower", "upper", "work", "merged" };
	HM_FREE char *path = hm_sprintf("%s/%s", stage->folder, real);

	for (size_t i = 0; i < HM_COUNT(folders); i++) {
		HM_FREE char *folder = hm_sprintf("%s/%s", stage->folder, folders[i]);

		assert_int_equal(mkdir(folder, 0755), 0);
	}
	make_document(path);
	stage->overlay = true;
	run_ways(stage, document, path, layer, merged);
}

static void test_lower(void **state)
{
	run_overlay(*state, "lower/document", "1");
}

static void test_upper(void **state)
{
	run_overlay(*state, "upper/document", "2");
}

static void run_alone(struct stage *stage, const char *document, const char *way)
{
	const char *argv[] = { HM_SUBJECT, document, document, "3", stage->folder, way, NULL };

	stage_open(stage);
	stage_run(stage, argv);
	stage_stop(stage);
	assert_int_equal(stage->status, 0);
	assert_true(compare(stage) > 0);
	assert_int_equal(check_sequences(stage), 0);
}

static size_t count_opens(const struct stage *stage, const char *path)
{
	size_t count = 0;

	for (size_t i = 0; i < stage->count; i++) {
		const struct hm_event *e = &stage->events[i].event;

		count += e->kind == HM_EV_OPEN && hm_slice_eq(e->field[HM_OPEN_PATH].b, hm_slice_text(path));
	}
	return count;
}

/* A file that no call of the product opened is named when it is read, once. */
static void test_inherited(void **state)
{
	struct stage *stage = *state;
	HM_FREE char *document = hm_sprintf("%s/document", stage->folder);
	int fd;

	make_document(document);
	fd = open(document, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0 && dup2(fd, 9) == 9);
	run_alone(stage, document, "inherited");
	close(9);
	close(fd);
	assert_int_equal(count_opens(stage, document), 1);
}

static void test_closed(void **state)
{
	struct stage *stage = *state;
	HM_FREE char *document = hm_sprintf("%s/document", stage->folder);

	make_document(document);
	run_alone(stage, document, "closed");
}

static bool sleeps(pid_t pid)
{
	HM_FREE char *path = hm_sprintf("/proc/%d/stat", pid);
	HM_FCLOSE FILE *f = fopen(path, "re");
	char task = 0;

	return f && fscanf(f, "%*d %*s %c", &task) == 1 && task == 'S';
}

/* Starts the subject, which touches a mapping and then does nothing more: what it touched is not told yet. */
static pid_t begin_waiting(struct stage *stage, int *out)
{
	HM_FREE char *document = hm_sprintf("%s/document", stage->folder);
	const char *argv[] = { HM_SUBJECT, document, document, "3", stage->folder, "touch and wait", NULL };
	uint64_t limit = stage_now() + 30000000000u;
	uint8_t buffer[4096];
	ssize_t n;
	pid_t pid;

	make_document(document);
	stage_open(stage);
	pid = stage_start(stage, stage->cgroup, argv, out);
	n = read(*out, buffer, sizeof(buffer));
	assert_true(n > 0);
	hm_bytes_append(&stage->stated, buffer, (size_t)n);
	hm_bytes_u8(&stage->stated, 0);
	/* Nothing that it does behind its statement but pause makes it sleep for long. */
	for (int calm = 0; calm < 50 && stage_now() < limit; calm = sleeps(pid) ? calm + 1 : 0)
		usleep(2000);
	return pid;
}

static void check_told(struct stage *stage)
{
	assert_int_equal(compare(stage), 3);
	assert_int_equal(check_sequences(stage), 0);
	assert_int_equal(stage->stats.lost, 0);
}

static void test_killed(void **state)
{
	struct stage *stage = *state;
	HM_FREE char *path = hm_sprintf("%s/cgroup.kill", stage->cgroup);
	int out, kill_file = open(path, O_WRONLY | O_CLOEXEC);
	pid_t pid = begin_waiting(stage, &out);

	assert_true(kill_file >= 0 ? write(kill_file, "1", 1) == 1 : kill(pid, SIGKILL) == 0);
	assert_int_equal(waitpid(pid, &stage->status, 0), pid);
	stage_stop(stage);
	close(kill_file);
	close(out);
	check_told(stage);
}

static void test_left_alive(void **state)
{
	struct stage *stage = *state;
	int out;
	pid_t pid = begin_waiting(stage, &out);

	stage_stop(stage);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &stage->status, 0), pid);
	close(out);
	check_told(stage);
}

/* It ends in another cgroup, where nobody looks. */
static void test_moved_away(void **state)
{
	struct stage *stage = *state;
	HM_FREE char *beside = hm_sprintf("%s-beside", stage->cgroup);
	int out;
	pid_t pid = begin_waiting(stage, &out);

	assert_int_equal(mkdir(beside, 0755), 0);
	stage_join(beside, pid);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &stage->status, 0), pid);
	stage_stop(stage);
	close(out);
	for (int i = 0; i < 500 && rmdir(beside) < 0 && errno == EBUSY; i++)
		usleep(10000);
	check_told(stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STAGE_TEST(test_disk),
		STAGE_TEST(test_lower),
		STAGE_TEST(test_upper),
		STAGE_TEST(test_inherited),
		STAGE_TEST(test_closed),
		STAGE_TEST(test_killed),
		STAGE_TEST(test_left_alive),
		STAGE_TEST(test_moved_away),
	};
	const char *missing = stage_missing();

	if (missing) {
		printf("1..0 # SKIP %s\n", missing);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
