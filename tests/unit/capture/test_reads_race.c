/* A descriptor that means another file when its call ends than when it began (tests/subjects/race_subject.c): every byte that
 * was read is recorded as of the file that it came from, because the page cache says which it was. */
#include "stage.h"

struct files {
	struct stat a, b;
};

static void make_file(const struct stage *stage, const char *name, struct stat *st)
{
	HM_FREE char *path = hm_sprintf("%s/%s", stage->folder, name);
	uint8_t content[65536];

	memset(content, name[0], sizeof(content));
	assert_int_equal(hm_fs_write_atomic(path, (struct hm_slice){ content, sizeof(content) }, 0644, NULL), 0);
	assert_int_equal(stat(path, st), 0);
}

/* Bytes of mappings of which the record does not say for sure what they are of. */
static uint64_t unsure(const struct stage *stage, uint32_t tid)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < stage->count; i++) {
		const struct hm_event *e = &stage->events[i].event;

		if (e->tid == tid && e->kind == HM_EV_MAP && (e->field[HM_MAP_FLAGS].u & HM_MAP_UNSURE))
			sum += e->field[HM_MAP_LENGTH].u;
	}
	return sum;
}

/* Bytes that the record says this reader got of a file. */
static uint64_t recorded(const struct stage *stage, uint32_t tid, uint64_t ino)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < stage->count; i++) {
		const struct hm_event *e = &stage->events[i].event;

		if (e->tid != tid)
			continue;
		if (e->kind == HM_EV_READ && e->field[HM_READ_INO].u == ino)
			sum += e->field[HM_READ_BYTES].u;
		if (e->kind == HM_EV_MAP && e->field[HM_MAP_INO].u == ino && !(e->field[HM_MAP_FLAGS].u & HM_MAP_UNSURE))
			sum += e->field[HM_MAP_LENGTH].u;
	}
	return sum;
}

static void run_race(struct stage *stage, const char *way, const char *count)
{
	const char *argv[] = { HM_SUBJECT, way, stage->folder, count, NULL };
	struct files files;
	char *rest, *line;
	int readers = 0;

	make_file(stage, "a", &files.a);
	make_file(stage, "b", &files.b);
	stage_open(stage);
	stage_run(stage, argv);
	stage_stop(stage);
	assert_int_equal(stage->status, 0);
	assert_int_equal(check_sequences(stage), 0);
	rest = (char *)stage->stated.data;
	while ((line = strsep(&rest, "\n")) && *line) {
		unsigned long long a, b;
		uint64_t of_a, of_b, open;
		unsigned tid;

		assert_int_equal(sscanf(line, "%u %llu %llu", &tid, &a, &b), 3);
		of_a = recorded(stage, tid, files.a.st_ino);
		of_b = recorded(stage, tid, files.b.st_ino);
		open = unsure(stage, tid);
		print_message("# reader %u: %llu and %llu bytes, of %llu it is not sure of which\n", tid, a, b, (unsigned long long)open);
		assert_true(a > 0 && b > 0);
		assert_true(of_a <= a && of_b <= b);
		assert_int_equal(of_a + of_b + open, a + b);
		assert_true(open < a + b);
		readers++;
	}
	assert_int_equal(readers, 2);
}

static void test_read(void **state)
{
	run_race(*state, "read", "60000");
}

static void test_pread(void **state)
{
	run_race(*state, "pread", "60000");
}

/* A thread that holds the address space's lock keeps the recorder from asking the mapping, and how often it does is the machine's
 * affair: that is said, and it is not always so. */
static void test_mmap(void **state)
{
	run_race(*state, "mmap", "20000");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STAGE_TEST(test_read),
		STAGE_TEST(test_pread),
		STAGE_TEST(test_mmap),
	};
	const char *missing = stage_missing();

	if (missing) {
		printf("1..0 # SKIP %s\n", missing);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
