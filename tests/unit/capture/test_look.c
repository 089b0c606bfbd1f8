/* What lives in a cgroup, told without any call being seen: it is compared with what /proc and fstat say. */
#include "stage.h"

#include <limits.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#define SHARED 0x100
#define LAST_FD 1000 /* the only descriptor that a child has besides the first three */
#define DEVICE(st) ((uint64_t)major((st).st_dev) << 20 | minor((st).st_dev))

struct look {
	size_t begin, end; /* events of the stage; the LOOK is at `end` */
};

static struct look look(struct stage *stage, enum hm_look_when when)
{
	struct hm_fail fail = { 0 };
	struct look l = { .begin = stage->count };
	uint64_t counts[HM_EV_COUNT] = { 0 };
	const struct hm_event *e;

	if (hm_capture_look(stage->capture, when, &fail) < 0)
		fail_msg("%s", fail.text);
	assert_true(stage->count > l.begin);
	l.end = stage->count - 1;
	while (stage->events[l.begin].event.cpu != HM_CPU_USER) /* what the ring held comes first */
		l.begin++;
	for (size_t i = l.begin; i < l.end; i++) {
		e = &stage->events[i].event;
		assert_true(e->kind == HM_EV_ALIVE || e->kind == HM_EV_HELD || e->kind == HM_EV_MAPPED);
		assert_int_equal(e->cpu, HM_CPU_USER);
		assert_int_equal(e->seq | e->tseq | e->tgid | e->tid, 0);
		counts[e->kind]++;
	}
	e = &stage->events[l.end].event;
	assert_int_equal(e->kind, HM_EV_LOOK);
	assert_int_equal(e->field[HM_LOOK_WHEN].u, when);
	assert_int_equal(e->field[HM_LOOK_TASKS].u, counts[HM_EV_ALIVE]);
	assert_int_equal(e->field[HM_LOOK_FILES].u, counts[HM_EV_HELD]);
	assert_int_equal(e->field[HM_LOOK_MAPPINGS].u, counts[HM_EV_MAPPED]);
	return l;
}

/* How many events of the look the line describes (stage.h). */
HM_PRINTF(3, 4) static size_t count(struct stage *stage, struct look l, const char *format, ...)
{
	char line[6000];
	va_list args;
	size_t n = 0;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	for (size_t i = l.begin; i < l.end; i++)
		if (is_kind(&stage->events[i].event, line) &&
		    has_fields(&stage->events[i].event, line + strcspn(line, " ")))
			n++;
	return n;
}

/* Forks a child into the stage's cgroup that does `prepare` with FOLDER, says so, and waits to be killed. */
static pid_t start(struct stage *stage, const char *cgroup, void (*prepare)(const char *folder))
{
	int go[2], done[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe2(go, O_CLOEXEC), 0);
	assert_int_equal(pipe2(done, O_CLOEXEC), 0);
	fflush(stdout);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (read(go[0], &byte, 1) != 1 || dup2(done[1], LAST_FD) != LAST_FD ||
		    close_range(3, LAST_FD - 1, 0) < 0)
			_exit(98);
		prepare(stage->folder);
		if (write(LAST_FD, "x", 1) != 1)
			_exit(97);
		for (;;)
			pause();
	}
	stage_join(cgroup, pid);
	assert_int_equal(write(go[1], "x", 1), 1);
	close(done[1]);
	if (read(done[0], &byte, 1) != 1)
		fail_msg("the child failed");
	close(go[0]);
	close(go[1]);
	close(done[0]);
	return pid;
}

static void end(pid_t pid)
{
	int status;

	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
}

static void nothing(const char *folder)
{
	(void)folder;
}

#define PREPARE(condition) \
	do {               \
		if (!(condition)) { \
			perror(#condition); \
			_exit(95); \
		} \
	} while (0)

static void prepare_files(const char *folder)
{
	char path[200];
	int fd;

	snprintf(path, sizeof(path), "%s/kept", folder);
	fd = open(path, O_RDWR | O_CREAT | O_APPEND, 0640);
	PREPARE(fd >= 0 && ftruncate(fd, 3 * 4096) == 0 && dup2(fd, 30) == 30);
	PREPARE(dup2(socket(AF_INET, SOCK_DGRAM, 0), 31) == 31);
	PREPARE(dup2(memfd_create("named", 0), 32) == 32);
	snprintf(path, sizeof(path), "%s/gone", folder);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	PREPARE(fd >= 0 && dup2(fd, 33) == 33 && unlink(path) == 0);
	close_range(3, 29, 0);
	PREPARE(mmap(NULL, 8192, PROT_READ, MAP_SHARED, 30, 4096) != MAP_FAILED);
	PREPARE(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, 30, 0) != MAP_FAILED);
	PREPARE(mmap(NULL, 20480, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
	PREPARE(mmap(NULL, 28672, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
}

static void test_files(void **state)
{
	struct stage *stage = *state;
	pid_t pid = start(stage, stage->cgroup, prepare_files);
	char path[200], link[64], self[PATH_MAX] = { 0 };
	struct stat st;
	struct look l;

	stage_open(stage);
	l = look(stage, HM_LOOK_START);
	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	assert_int_equal(stat(self, &st), 0);
	assert_int_equal(count(stage, l, "alive"), 1);
	assert_int_equal(count(stage, l, "alive look=0 of_tgid=%d of_tid=%d uid=0 seccomp=0 dev=%llu ino=%llu path=\"%s\"", pid,
			       pid, (unsigned long long)DEVICE(st), (unsigned long long)st.st_ino, self),
			 1);
	snprintf(path, sizeof(path), "%s/kept", stage->folder);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(count(stage, l, "held of_tgid=%d fd=30 flags=%d mode=%d dev=%llu ino=%llu layer=%d path=\"%s\"", pid,
			       O_RDWR | O_APPEND | 0100000 /* O_LARGEFILE */, st.st_mode, (unsigned long long)DEVICE(st),
			       (unsigned long long)st.st_ino, HM_LAYER_PLAIN, path),
			 1);
	for (int fd = 31; fd <= 33; fd++) {
		snprintf(link, sizeof(link), "/proc/%d/fd/%d", pid, fd);
		assert_int_equal(stat(link, &st), 0);
		assert_int_equal(count(stage, l, "held of_tgid=%d fd=%d mode=%d ino=%llu", pid, fd, st.st_mode,
				       (unsigned long long)st.st_ino),
				 1);
	}
	assert_int_equal(count(stage, l, "held fd=32 layer=0 path=\"/memfd:named\""), 1);
	assert_int_equal(count(stage, l, "held of_tgid=%d", pid), count(stage, l, "held"));
	assert_int_equal(count(stage, l, "held"), 8); /* and the first three and the last */
	assert_int_equal(count(stage, l, "mapped offset=4096 length=8192 prot=%d path=\"%s\"", PROT_READ | SHARED, path), 1);
	assert_int_equal(count(stage, l, "mapped offset=0 length=4096 prot=%d path=\"%s\"", PROT_READ | PROT_EXEC, path), 1);
	assert_int_equal(
	    count(stage, l, "mapped offset=0 length=20480 prot=%d dev=0 ino=0 layer=0 path=\"\"", PROT_READ | PROT_EXEC), 1);
	assert_int_equal(count(stage, l, "mapped length=28672 dev=0"), 0);
	assert_int_equal(count(stage, l, "mapped path=\"[vdso]\" dev=0 ino=0"), 1);
	assert_true(count(stage, l, "mapped path=\"%s\" prot=%d", self, PROT_READ | PROT_EXEC) >= 1);
	end(pid);
	l = look(stage, HM_LOOK_END);
	assert_int_equal(l.begin, l.end);
	assert_int_equal(stage->events[l.end].event.field[HM_LOOK_LOOK].u, 1);
}

static void *wait_for_ever(void *cookie)
{
	(void)cookie;
	for (;;)
		pause();
	return NULL;
}

/* A thread whose descriptors are its own. */
static void *wait_apart(void *cookie)
{
	PREPARE(unshare(CLONE_FILES) == 0 && dup2(1, 40) == 40 && close(2) == 0);
	*(volatile int *)cookie = 1;
	return wait_for_ever(NULL);
}

static volatile int apart;

static void prepare_threads(const char *folder)
{
	pthread_t t;

	(void)folder;
	for (int i = 0; i < 4; i++)
		PREPARE(pthread_create(&t, NULL, wait_for_ever, NULL) == 0);
	PREPARE(pthread_create(&t, NULL, wait_apart, (void *)&apart) == 0);
	while (!apart)
		usleep(1000);
}

/* 20 seconds are more than any thread takes to end. */
static bool has_state(pid_t pid, char wanted)
{
	for (int i = 0; i < 2000; i++) {
		HM_FCLOSE FILE *f = NULL;
		char path[64], state = 0;

		snprintf(path, sizeof(path), "/proc/%d/stat", pid);
		f = fopen(path, "re");
		if (f && fscanf(f, "%*d (%*[^)]) %c", &state) == 1 && state == wanted)
			return true;
		usleep(10000);
	}
	return false;
}

static void test_threads(void **state)
{
	struct stage *stage = *state;
	pid_t pid = start(stage, stage->cgroup, prepare_threads);
	struct look l;

	stage_open(stage);
	l = look(stage, HM_LOOK_CHECKPOINT);
	assert_int_equal(count(stage, l, "alive of_tgid=%d", pid), 6);
	assert_int_equal(count(stage, l, "alive of_tgid=%d of_tid=%d", pid, pid), 1);
	/* Descriptor 1 of the table that five share, and that of the one that has its own. */
	assert_int_equal(count(stage, l, "held fd=1"), 2);
	assert_int_equal(count(stage, l, "held fd=2"), 1);
	assert_int_equal(count(stage, l, "held fd=40"), 1);
	assert_int_equal(count(stage, l, "mapped path=\"[vdso]\""), 1); /* memory is shared by all */
	end(pid);
}

static void leave_alone(void)
{
	syscall(SYS_exit, 0);
}

static void prepare_leaderless(const char *folder)
{
	prepare_threads(folder);
	signal(SIGUSR1, (void (*)(int))leave_alone);
}

/* The first thread has ended, and the others still share the descriptors that were its. */
static void test_leader_gone(void **state)
{
	struct stage *stage = *state;
	pid_t pid = start(stage, stage->cgroup, prepare_leaderless);
	struct look l;

	stage_open(stage);
	assert_int_equal(syscall(SYS_tgkill, pid, pid, SIGUSR1), 0);
	assert_true(has_state(pid, 'Z'));
	l = look(stage, HM_LOOK_CHECKPOINT);
	assert_int_equal(count(stage, l, "alive of_tgid=%d", pid), 5);
	assert_int_equal(count(stage, l, "alive of_tid=%d", pid), 0);
	assert_int_equal(count(stage, l, "held fd=1"), 2);
	assert_int_equal(count(stage, l, "held fd=2"), 1);
	assert_int_equal(count(stage, l, "mapped path=\"[vdso]\""), 1);
	end(pid);
}

static void prepare_many(const char *folder)
{
	static char name[250];
	char path[500];

	memset(name, 'n', sizeof(name) - 1);
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	for (int fd = 3; fd < 900; fd++)
		PREPARE(open(path, O_RDWR | O_CREAT, 0600) == fd);
	for (int i = 0; i < 900; i++) /* with a hole between two, or the kernel joins them */
		PREPARE(mmap(NULL, 4096, PROT_READ, MAP_SHARED, i % 2 ? 3 : 4, i % 2 ? 0 : 8192) != MAP_FAILED);
}

/* More than the iterator's buffer and the reader's hold at a time. */
static void test_many(void **state)
{
	struct stage *stage = *state;
	pid_t pid = start(stage, stage->cgroup, prepare_many);
	struct look l;

	stage_open(stage);
	l = look(stage, HM_LOOK_START);
	for (int fd = 0; fd < 900; fd++)
		assert_int_equal(count(stage, l, "held fd=%d", fd), 1);
	assert_int_equal(count(stage, l, "mapped length=4096 offset=0 prot=%d", PROT_READ | SHARED), 450);
	assert_int_equal(count(stage, l, "mapped length=4096 offset=8192 prot=%d", PROT_READ | SHARED), 450);
	end(pid);
}

/* The cgroup and all below it, and nobody else: neither beside it nor in the one that holds it. */
static void test_scope(void **state)
{
	struct stage *stage = *state;
	char below[600], deep[620], beside[560];
	pid_t inside, deeper, outside, moved;
	struct look l;

	snprintf(below, sizeof(below), "%s/below", stage->cgroup);
	snprintf(deep, sizeof(deep), "%s/deep", below);
	snprintf(beside, sizeof(beside), "%s-beside", stage->cgroup);
	assert_int_equal(mkdir(below, 0755) | mkdir(deep, 0755) | mkdir(beside, 0755), 0);
	inside = start(stage, below, nothing);
	deeper = start(stage, deep, nothing);
	outside = start(stage, beside, nothing);
	moved = start(stage, beside, nothing);
	stage_join(stage->cgroup, moved);
	stage_open(stage);
	l = look(stage, HM_LOOK_START);
	assert_int_equal(count(stage, l, "alive"), 3);
	assert_int_equal(count(stage, l, "alive of_tgid=%d", inside), 1);
	assert_int_equal(count(stage, l, "alive of_tgid=%d", deeper), 1);
	assert_int_equal(count(stage, l, "alive of_tgid=%d", moved), 1);
	assert_int_equal(count(stage, l, "held of_tgid=%d", outside) + count(stage, l, "held of_tgid=%d", getpid()), 0);
	stage_join(beside, moved);
	l = look(stage, HM_LOOK_END);
	assert_int_equal(count(stage, l, "alive"), 2);
	assert_int_equal(count(stage, l, "alive of_tgid=%d", moved), 0);
	end(inside);
	end(deeper);
	end(outside);
	end(moved);
}

/* The identity below the overlay, of descriptor, mapping and program alike. */
static void prepare_overlay(const char *folder)
{
	char path[300];
	int fd;

	PREPARE(mount_overlay(folder) == 0);
	snprintf(path, sizeof(path), "%s/merged/old", folder);
	fd = open(path, O_RDONLY);
	PREPARE(fd == 3 && mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0) != MAP_FAILED);
	snprintf(path, sizeof(path), "%s/merged/new", folder);
	PREPARE(open(path, O_WRONLY | O_CREAT, 0600) == 4);
}

static void test_overlay(void **state)
{
	struct stage *stage = *state;
	static const char *const folders[] = { "lower", "upper", "work", "merged" };
	HM_FREE char *old = hm_sprintf("%s/lower/old", stage->folder), *new = hm_sprintf("%s/upper/new", stage->folder);
	struct stat lower, upper;
	struct look l;
	pid_t pid;

	for (size_t i = 0; i < HM_COUNT(folders); i++) {
		HM_FREE char *path = hm_sprintf("%s/%s", stage->folder, folders[i]);

		assert_int_equal(mkdir(path, 0755), 0);
	}
	assert_int_equal(hm_fs_write_atomic(old, HM_SLICE("what was there before"), 0644, NULL), 0);
	pid = start(stage, stage->cgroup, prepare_overlay);
	assert_int_equal(stat(old, &lower) | stat(new, &upper), 0);
	stage_open(stage);
	l = look(stage, HM_LOOK_START);
	assert_int_equal(count(stage, l, "held fd=3 dev=%llu ino=%llu layer=%d path=\"%s/merged/old\"",
			       (unsigned long long)DEVICE(lower), (unsigned long long)lower.st_ino, HM_LAYER_LOWER,
			       stage->folder),
			 1);
	assert_int_equal(count(stage, l, "held fd=4 dev=%llu ino=%llu layer=%d path=\"%s/merged/new\"",
			       (unsigned long long)DEVICE(upper), (unsigned long long)upper.st_ino, HM_LAYER_UPPER,
			       stage->folder),
			 1);
	assert_int_equal(count(stage, l, "mapped dev=%llu ino=%llu layer=%d path=\"%s/merged/old\"",
			       (unsigned long long)DEVICE(lower), (unsigned long long)lower.st_ino, HM_LAYER_LOWER,
			       stage->folder),
			 1);
	end(pid);
}

static int refuse(void *cookie, const struct hm_event *event, struct hm_fail *fail)
{
	(void)cookie;
	(void)event;
	return hm_fail_set(fail, HM_E_SYSTEM, "the disk is full");
}

static void test_sink_that_fails(void **state)
{
	struct stage *stage = *state;
	struct hm_fail fail = { 0 };
	pid_t pid = start(stage, stage->cgroup, nothing);

	stage->spec.sink = refuse;
	stage_open(stage);
	assert_int_equal(hm_capture_look(stage->capture, HM_LOOK_START, &fail), HM_E_SYSTEM);
	assert_string_equal(fail.text, "the disk is full");
	end(pid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STAGE_TEST(test_files),	  STAGE_TEST(test_threads), STAGE_TEST(test_leader_gone),
		STAGE_TEST(test_many),	  STAGE_TEST(test_scope),   STAGE_TEST(test_overlay),
		STAGE_TEST(test_sink_that_fails),
	};
	const char *missing = stage_missing();

	if (missing) {
		printf("1..0 # SKIP %s\n", missing);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
