/* A writer that is killed, a disk that is full. */
#include "record_fixture.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

/* Writes until it is killed, and says how many items it knows to be on disk. */
static void write_for_ever(const char *path, _Atomic uint64_t *synced)
{
	struct hm_record_writer *w;

	if (hm_record_create(&w, path, HM_RECORD_EVENTS, NULL) < 0)
		_exit(1);
	for (uint64_t i = 0;; i++) {
		if (append_item(w, i, NULL) < 0)
			_exit(2);
		if (i % 97 == 96) {
			if (hm_record_sync(w, NULL) < 0)
				_exit(3);
			atomic_store(synced, i + 1);
		}
	}
}

static void killed_once(const char *path, long nanoseconds, _Atomic uint64_t *synced)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes file = { 0 };
	struct timespec wait = { .tv_nsec = nanoseconds };
	struct hm_record *r;
	struct hm_fail fail;
	int status;
	pid_t pid;

	atomic_store(synced, 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		write_for_ever(path, synced);
	nanosleep(&wait, NULL);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	if (access(path, F_OK) < 0) /* killed before it began */
		return;
	read_file(&file, path);
	assert_int_equal(hm_record_open(&r, hm_slice_of(&file), &fail), 0);
	assert_true(hm_record_head(r)->cut);
	assert_int_equal(hm_record_head(r)->items % 97, 0);
	assert_true(hm_record_head(r)->items >= atomic_load(synced));
	assert_int_equal(read_items(r), hm_record_head(r)->items);
	hm_record_close(r);
	assert_int_equal(unlink(path), 0);
}

static void killed_at_any_instant(void **state HM_UNUSED)
{
	_Atomic uint64_t *synced = mmap(NULL, sizeof(*synced), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	HM_FREE char *path = file_named("killed");
	uint32_t random = 12345;

	assert_ptr_not_equal(synced, MAP_FAILED);
	for (int i = 0; i < 100; i++) {
		random = random * 1664525 + 1013904223;
		killed_once(path, (long)(random >> 8) % 6000000, synced);
	}
	munmap((void *)synced, sizeof(*synced));
}

/* Writes until it fails; what failed is the system, every later call says so, and what was synced is readable. */
static int write_until_full(const char *path)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes file = { 0 };
	struct hm_record_writer *w;
	struct hm_fail fail = { 0 };
	struct hm_record *r;
	uint64_t i = 0, good = 0;
	int e = hm_record_create(&w, path, HM_RECORD_EVENTS, &fail);

	for (; e == 0 && i < 1000000; i++) {
		e = append_item(w, i, &fail);
		if (e == 0 && i % 50 == 49) {
			e = hm_record_sync(w, &fail);
			good = e == 0 ? i + 1 : good;
		}
	}
	if (e != HM_E_SYSTEM || !strstr(fail.text, path))
		return 1;
	if (append_item(w, i, &fail) != HM_E_SYSTEM || hm_record_sync(w, &fail) != HM_E_SYSTEM ||
	    hm_record_finish(w, NULL, &fail) != HM_E_SYSTEM)
		return 2;
	if (hm_fs_read(&file, path, 1 << 30, &fail) < 0 || hm_record_open(&r, hm_slice_of(&file), &fail) < 0)
		return 3;
	if (good == 0 || !hm_record_head(r)->cut || hm_record_head(r)->items != good || read_items(r) != good)
		return 4;
	hm_record_close(r);
	return 0;
}

static int limited_child(const char *path)
{
	struct rlimit limit = { 50000, 50000 };

	signal(SIGXFSZ, SIG_IGN);
	return setrlimit(RLIMIT_FSIZE, &limit) < 0 ? 10 : write_until_full(path);
}

/* In a mount namespace of its own, so that nothing is left whatever happens. */
static int full_disk_child(const char *path)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", folder, "tmpfs", 0, "size=64k") < 0)
		return 77;
	return write_until_full(path);
}

static int in_child(int (*run)(const char *path), const char *path)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(run(path));
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static void file_size_limit_is_a_clean_error(void **state HM_UNUSED)
{
	HM_FREE char *path = file_named("limited");

	assert_int_equal(in_child(limited_child, path), 0);
}

static void full_disk_is_a_clean_error(void **state HM_UNUSED)
{
	HM_FREE char *path = file_named("full");
	int result = in_child(full_disk_child, path);

	if (result == 77) {
		printf("# skipped: a mount namespace needs root\n");
		skip();
	}
	assert_int_equal(result, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(killed_at_any_instant),
		cmocka_unit_test(file_size_limit_is_a_clean_error),
		cmocka_unit_test(full_disk_is_a_clean_error),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
