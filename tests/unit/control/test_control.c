/* What is drawn and what clocks tell, as functions: doc/format/statistics.md, "Equal noise". And the vDSO of this machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#include "control_internal.h"
#include "digest.h"

static const uint8_t seed[HM_CONTROL_SEED] = { 7 };

static void stream_is_as_written(void **state HM_UNUSED)
{
	struct hm_sha256 key, block;
	uint8_t count[8] = { 2 }, drawn[32];

	hm_derive(&key, seed, "random/12");
	hm_sha256_of(&block, (struct hm_slice[]){ { key.b, 32 }, { count, 8 } }, 2);
	hm_control_stream(drawn, sizeof(drawn), seed, 12, 64);
	assert_memory_equal(drawn, block.b, sizeof(drawn));
}

/* However it is cut, it is one stream; of another thread or another seed it is another one. */
static void stream_is_one(void **state HM_UNUSED)
{
	uint8_t whole[1000], part[1000], other[1000];
	size_t at = 0;

	hm_control_stream(whole, sizeof(whole), seed, 1, 5);
	for (size_t n = 1; at < sizeof(part); at += n, n = n * 3 % 97) {
		n = n < sizeof(part) - at ? n : sizeof(part) - at;
		hm_control_stream(part + at, n, seed, 1, 5 + at);
	}
	assert_memory_equal(whole, part, sizeof(whole));
	hm_control_stream(other, sizeof(other), seed, 2, 5);
	assert_memory_not_equal(whole, other, sizeof(whole));
	hm_control_stream(other, sizeof(other), (const uint8_t[HM_CONTROL_SEED]){ 8 }, 1, 5);
	assert_memory_not_equal(whole, other, sizeof(whole));
}

#define S HM_CONTROL_NS

/* What a monotonic clock has moved since the start, and what has not shown yet. */
static uint64_t ask(struct hm_control_clock *clock, struct hm_control_time *time, uint64_t now)
{
	hm_control_ask(clock, time, now, HM_CONTROL_STEP);
	return hm_control_shows(clock, HM_CONTROL_MONOTONIC, time) + time->purse;
}

static uint64_t shown(const struct hm_control_clock *clock, const struct hm_control_time *time)
{
	uint64_t real = hm_control_shows(clock, HM_CONTROL_REAL, time);

	assert_int_equal(hm_control_shows(clock, HM_CONTROL_MONOTONIC, time), real);
	assert_int_equal(hm_control_shows(clock, HM_CONTROL_CPU, time), real);
	return real;
}

static void time_passes_by_steps(void **state HM_UNUSED)
{
	struct hm_control_clock clock = { 0 };
	struct hm_control_time a = { 0 }, b = { 0 };

	assert_int_equal(ask(&clock, &a, 100 * S), 10000);
	assert_int_equal(ask(&clock, &a, 101 * S), 20000);
	assert_int_equal(ask(&clock, &b, 109 * S), 10000);
	assert_int_equal(ask(&clock, &a, 110 * S), 30000); /* not yet: 30 us are missing */
	/* clocks stand until the purse is full, however often they are asked */
	for (int i = 3; i < 24999; i++)
		hm_control_ask(&clock, &a, 105 * S, HM_CONTROL_STEP);
	assert_int_equal(shown(&clock, &a), 0);
	assert_int_equal(ask(&clock, &a, 105 * S), 250000000);
	assert_int_equal(shown(&clock, &a), 250000000);
	assert_int_equal(ask(&clock, &a, 105 * S), 250010000);
}

/* The quantum is reached by the thread that asks, and the others follow. */
static void time_catches_up(void **state HM_UNUSED)
{
	struct hm_control_clock clock = { 0 };
	struct hm_control_time a = { 0 }, b = { 0 };

	assert_int_equal(ask(&clock, &a, 5 * S), 10000);
	assert_int_equal(ask(&clock, &a, 5 * S + 13 * S), 10 * S);
	assert_int_equal(ask(&clock, &a, 5 * S + 20 * S), 10 * S + 10000);
	assert_int_equal(ask(&clock, &a, 5 * S + 20 * S + 20000), 20 * S);
	assert_int_equal(ask(&clock, &a, 5 * S + 20 * S), 20 * S + 10000);
	assert_int_equal(ask(&clock, &a, 5 * S + 47 * S), 40 * S);
	assert_int_equal(ask(&clock, &b, 5 * S + 48 * S), 40 * S + 10000);
}

/* A wait that ran out counts as long as it was meant, one that was cut short not at all; whole seconds are everybody's. */
static void waits_count(void **state HM_UNUSED)
{
	struct hm_control_clock clock = { 0 };
	struct hm_control_time a = { 0 }, b = { 0 };

	assert_int_equal(ask(&clock, &a, 5 * S), 10000);
	hm_control_await(&a, 5 * S, 2499970000);
	assert_int_equal(ask(&clock, &a, 7 * S + 600000000), 2500000000 + 20000);
	assert_int_equal(shown(&clock, &a), 2500000000);
	assert_int_equal(ask(&clock, &b, 7 * S + 600000000), 2 * S + 10000);
	hm_control_await(&a, 8 * S, 3 * S);
	assert_int_equal(ask(&clock, &a, 10 * S), 2500000000 + 30000);
	assert_int_equal(ask(&clock, &a, 13 * S), 2500000000 + 40000);
	/* a short one is small change */
	hm_control_await(&a, 13 * S, 99 * S / 1000);
	assert_int_equal(ask(&clock, &a, 14 * S), 2599000000 + 50000);
	assert_int_equal(shown(&clock, &a), 2500000000);
}

static void clocks_tell(void **state HM_UNUSED)
{
	const struct hm_control_clock clock = { .start_ns = 1700000000 * S, .uptime_s = 90000 };
	static const struct {
		int32_t id;
		enum hm_control_clock_kind kind;
		uint64_t seconds, ns;
	} rows[] = {
		{ CLOCK_REALTIME, HM_CONTROL_REAL, 1700000003, 0 },
		{ CLOCK_REALTIME_COARSE, HM_CONTROL_REAL, 1700000003, 0 },
		{ CLOCK_TAI, HM_CONTROL_REAL, 1700000003, 0 },
		{ CLOCK_MONOTONIC, HM_CONTROL_MONOTONIC, 90003, 0 },
		{ CLOCK_MONOTONIC_RAW, HM_CONTROL_MONOTONIC, 90003, 0 },
		{ CLOCK_BOOTTIME, HM_CONTROL_MONOTONIC, 90003, 0 },
		{ CLOCK_PROCESS_CPUTIME_ID, HM_CONTROL_CPU, 3, 0 },
		{ CLOCK_THREAD_CPUTIME_ID, HM_CONTROL_CPU, 3, 0 },
		{ -6, HM_CONTROL_CPU, 3, 0 },      /* clock_getcpuclockid(0) */
		{ -5, HM_CONTROL_FOREIGN, 3, 0 }, /* of descriptor 0 */
		{ 10, HM_CONTROL_FOREIGN, 3, 0 },
		{ 99, HM_CONTROL_FOREIGN, 3, 0 },
	};
	const struct hm_control_time time = { .passed = 3 * S, .purse = 70000 };

	for (size_t i = 0; i < HM_COUNT(rows); i++) {
		assert_int_equal(hm_control_kind(rows[i].id), rows[i].kind);
		assert_int_equal(hm_control_shows(&clock, rows[i].kind, &time), rows[i].seconds * S + rows[i].ns);
	}
}

/* This process's own image, as a copy that can be written. */
static void vdso_is_written_over(void **state HM_UNUSED)
{
	const uint8_t *base = (const uint8_t *)(uintptr_t)getauxval(AT_SYSINFO_EHDR);
	HM_CLOSE int from = open("/proc/self/mem", O_RDONLY | O_CLOEXEC), to = memfd_create("image", MFD_CLOEXEC);
	uint8_t image[32768], after[32768];
	size_t changed = 0;
	ssize_t n;

	if (!base)
		skip();
	n = pread(from, image, sizeof(image), (off_t)(uintptr_t)base);
	assert_true(n > 4096);
	assert_int_equal(write(to, image, (size_t)n), n);
	assert_true(hm_control_vdso(to, 0, (struct hm_slice){ image, (size_t)n }, true));
	assert_int_equal(pread(to, after, sizeof(after), 0), n);
	for (ssize_t i = 0; i < n; i++)
		changed += image[i] != after[i];
	assert_in_range(changed, 20, 100);
	/* what is no image, or is cut short, is told and not followed */
	assert_false(hm_control_vdso(to, 0, (struct hm_slice){ image, 0 }, true));
	for (size_t cut = 0; cut < 4096; cut += 7)
		(void)!hm_control_vdso(to, 0, (struct hm_slice){ image, cut }, cut & 1);
	memset(image + 64, 0xff, 2048);
	(void)!hm_control_vdso(to, 0, (struct hm_slice){ image, (size_t)n }, true);
	(void)!hm_control_vdso(to, 0, (struct hm_slice){ image, (size_t)n }, false);
}

#ifdef __x86_64__
static uint64_t base_of_fs(void)
{
	uint64_t base;

	__asm__("rdfsbase %0" : "=r"(base));
	return base;
}

/* The code of a process's own answers, called from a copy of the image with a page of this test's. */
static void code_answers_from_its_page(void **state HM_UNUSED)
{
	const struct hm_control_fast_code *fast = hm_control_fast_code();
	const uint8_t *base = (const uint8_t *)(uintptr_t)getauxval(AT_SYSINFO_EHDR);
	HM_CLOSE int from = open("/proc/self/mem", O_RDONLY | O_CLOEXEC), to = memfd_create("image", MFD_CLOEXEC);
	struct hm_control_page page = { .left = 4, .version = 7, .real_s = 1700000000, .monotonic_s = 90000, .ns = 250000000, .us = 250000 };
	struct hm_control_page *const at = &page;
	int (*clock_gettime_)(clockid_t, struct timespec *), (*gettimeofday_)(struct timeval *, void *);
	long (*time_)(long *);
	struct timespec t = { 0 }, real;
	struct timeval v;
	uint8_t image[32768], *run;
	uint64_t code;
	long seconds;
	ssize_t n;

	if (!base || !fast)
		skip();
	n = pread(from, image, sizeof(image), (off_t)(uintptr_t)base);
	assert_true(n > 4096 && write(to, image, (size_t)n) == n);
	/* where there is no room, or no image, nothing is put */
	assert_int_equal(hm_control_vdso_fast(to, 0, (struct hm_slice){ image, 64 }, fast), 0);
	code = hm_control_vdso_fast(to, 0, (struct hm_slice){ image, (size_t)n }, fast);
	assert_true(code > 0 && code + fast->code.len < (uint64_t)n);
	assert_int_equal(pwrite(to, &at, sizeof(at), (off_t)code), sizeof(at));
	run = mmap(NULL, sizeof(image), PROT_READ | PROT_EXEC, MAP_PRIVATE, to, 0);
	assert_true(run != MAP_FAILED);
	clock_gettime_ = (int (*)(clockid_t, struct timespec *))(uintptr_t)(run + code + fast->functions[0].at);
	gettimeofday_ = (int (*)(struct timeval *, void *))(uintptr_t)(run + code + fast->functions[1].at);
	time_ = (long (*)(long *))(uintptr_t)(run + code + fast->functions[2].at);

	clock_gettime(CLOCK_REALTIME, &real);
	/* another thread's page: the kernel is asked */
	page.owner = base_of_fs() + 1;
	assert_int_equal(clock_gettime_(CLOCK_REALTIME, &t), 0);
	assert_in_range(t.tv_sec, real.tv_sec, real.tv_sec + 5);
	assert_int_equal(page.left, 4);
	page.owner = base_of_fs();
	assert_int_equal(clock_gettime_(CLOCK_REALTIME_COARSE, &t), 0);
	assert_true(t.tv_sec == 1700000000 && t.tv_nsec == 250000000);
	assert_int_equal(clock_gettime_(CLOCK_BOOTTIME, &t), 0);
	assert_true(t.tv_sec == 90000 && t.tv_nsec == 250000000 && page.left == 2);
	/* what it cannot answer: processor time, clocks that there are not, a time zone */
	assert_int_equal(clock_gettime_(CLOCK_PROCESS_CPUTIME_ID, &t), 0);
	assert_true(t.tv_sec < 1000);
	assert_int_equal(clock_gettime_(77, &t), -EINVAL);
	assert_int_equal(gettimeofday_(&v, (struct timezone[1]){ 0 }), 0);
	assert_in_range(v.tv_sec, real.tv_sec, real.tv_sec + 5);
	assert_int_equal(page.left, 2);
	assert_int_equal(gettimeofday_(&v, NULL), 0);
	assert_true(v.tv_sec == 1700000000 && v.tv_usec == 250000 && page.left == 1);
	assert_int_equal(time_(&seconds), 1700000000);
	assert_true(seconds == 1700000000 && page.left == 0);
	/* all answers are given */
	assert_in_range(time_(NULL), real.tv_sec, real.tv_sec + 5);
	assert_int_equal(page.left, 0);
	munmap(run, sizeof(image));
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stream_is_as_written), cmocka_unit_test(stream_is_one), cmocka_unit_test(time_passes_by_steps),
		cmocka_unit_test(time_catches_up),	cmocka_unit_test(waits_count), cmocka_unit_test(clocks_tell),	 cmocka_unit_test(vdso_is_written_over),
#ifdef __x86_64__
		cmocka_unit_test(code_answers_from_its_page),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
