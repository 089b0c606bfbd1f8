/* Equal noise: what programs draw and are told of the time in two chambers with the same control, and in one with another; and
 * what a product may do against the one that answers. */
#include "chamber_help.h"

#include <arpa/nameser.h>
#include <pthread.h>
#include <resolv.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/auxv.h>
#include <sys/epoll.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/times.h>

#include "digest.h"

static const struct hm_control_spec one = { .seed = { 1 }, .start_ns = 1700000000000000000 },
				    two = { .seed = { 2 }, .start_ns = 1700000100000000000 };

/* ---- what the probe does ---- */

/* Everything by the call itself, and by the C library, which takes the vDSO. */
static int probe_raw(void)
{
	struct timespec a, b;
	struct timeval v;
	struct sysinfo info;
	struct tms tms;
	uint8_t drawn[16];
	uint64_t at_random[2];

	memcpy(at_random, (const void *)(uintptr_t)getauxval(AT_RANDOM), sizeof(at_random));
	syscall(SYS_clock_gettime, CLOCK_REALTIME, &a);
	clock_gettime(CLOCK_REALTIME, &b);
	printf("%ld %ld %ld\n", a.tv_sec, a.tv_nsec, (b.tv_sec - a.tv_sec) * 1000000000 + b.tv_nsec - a.tv_nsec);
	syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &a);
	clock_gettime(CLOCK_BOOTTIME, &b);
	printf("%ld.%09ld %ld.%09ld\n", a.tv_sec, a.tv_nsec, b.tv_sec, b.tv_nsec);
	gettimeofday(&v, NULL);
	printf("%ld %ld %ld\n", v.tv_sec, v.tv_usec, time(NULL));
	printf("%ld\n", times(&tms));
	memset(&info, 1, sizeof(info));
	if (sysinfo(&info) < 0 || sysinfo((struct sysinfo *)8) != -1 || errno != EFAULT)
		return 2;
	printf("%ld", info.uptime);
	for (size_t i = 0; i < sizeof(info); i++)
		printf(" %x", ((const uint8_t *)&info)[i]);
	printf("\n");
	if (info.loads[0] + info.loads[1] + info.loads[2] || info.procs != 1 || info.freeram != info.totalram / 2 || info.totalram / 2 < 1 << 20)
		return 3;
	if (syscall(SYS_getrandom, drawn, sizeof(drawn), 0) != sizeof(drawn))
		return 1;
	for (size_t i = 0; i < sizeof(drawn); i++)
		printf("%02x", drawn[i]);
	printf("\n%016lx%016lx\n", at_random[0], at_random[1]);
	return 0;
}

/* The number that the resolver gives to a question. */
static int probe_dns(void)
{
	uint8_t query[512];

	if (res_mkquery(ns_o_query, "host.example", ns_c_in, ns_t_a, NULL, 0, NULL, query, sizeof(query)) < 12)
		return 1;
	printf("%02x%02x\n", query[0], query[1]);
	return 0;
}

static int probe_refused(void)
{
	static const struct {
		void *at;
		size_t len;
		unsigned flags;
		int error;
	} rows[] = { { NULL, 8, 0, EFAULT }, { NULL, 8, 8, EINVAL }, { NULL, 8, 6, EINVAL }, { NULL, 0, 0, 0 }, { NULL, 0, 7, EINVAL } };

	for (size_t i = 0; i < HM_COUNT(rows); i++) {
		long r = syscall(SYS_getrandom, rows[i].at, rows[i].len, rows[i].flags);

		if (rows[i].error ? r != -1 || errno != rows[i].error : r != 0)
			return printf("row %zu: %ld, errno %d\n", i, r, errno), 1;
	}
	if (syscall(SYS_clock_gettime, CLOCK_REALTIME, NULL) != -1 || errno != EFAULT || syscall(SYS_clock_gettime, 77, NULL) != -1 ||
	    errno != EINVAL || syscall(SYS_gettimeofday, 8, NULL) != -1 || errno != EFAULT)
		return 2;
	return 0;
}

/* Ways to wait: real time must go by as it should, and logical time too. */
static void wait_nanosleep(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 300000000 }, NULL);
}

static void wait_until(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += 1;
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
}

static void wait_poll(void)
{
	poll(NULL, 0, 250);
}

static void wait_select(void)
{
	select(0, NULL, NULL, NULL, &(struct timeval){ .tv_usec = 200000 });
}

static void wait_epoll(void)
{
	struct epoll_event e;
	int fd = epoll_create1(EPOLL_CLOEXEC);

	epoll_wait(fd, &e, 1, 150);
	close(fd);
}

static void wait_semaphore(void)
{
	struct timespec t;
	sem_t s;

	sem_init(&s, 0, 0);
	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_sec += 1;
	while (sem_timedwait(&s, &t) < 0 && errno == EINTR)
		;
}

static void wait_condition(void)
{
	pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t c = PTHREAD_COND_INITIALIZER;
	struct timespec t, now;

	clock_gettime(CLOCK_REALTIME, &t);
	now = t;
	t.tv_nsec += 400000000;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	pthread_mutex_lock(&m);
	/* the deadline stays in one place, as in most programs */
	while (now.tv_sec < t.tv_sec || (now.tv_sec == t.tv_sec && now.tv_nsec < t.tv_nsec)) {
		pthread_cond_timedwait(&c, &m, &t);
		clock_gettime(CLOCK_REALTIME, &now);
	}
	pthread_mutex_unlock(&m);
}

static void wait_timer(void)
{
	struct itimerspec t = { 0 };
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	uint64_t count;

	clock_gettime(CLOCK_MONOTONIC, &t.it_value);
	t.it_value.tv_sec += 1;
	timerfd_settime(fd, TFD_TIMER_ABSTIME, &t, NULL);
	if (read(fd, &count, sizeof(count)) == sizeof(count))
		close(fd);
}

static int probe_waits(void)
{
	static const struct {
		const char *name;
		void (*wait)(void);
	} waits[] = { { "nanosleep", wait_nanosleep }, { "until", wait_until }, { "poll", wait_poll },	       { "select", wait_select },
		      { "epoll", wait_epoll },	       { "semaphore", wait_semaphore }, { "condition", wait_condition }, { "timer", wait_timer } };

	for (size_t i = 0; i < HM_COUNT(waits); i++) {
		struct timespec a, b;

		clock_gettime(CLOCK_MONOTONIC, &a);
		waits[i].wait();
		clock_gettime(CLOCK_MONOTONIC, &b);
		printf("%s %ld %ld\n", waits[i].name, b.tv_sec, (b.tv_sec - a.tv_sec) * 1000000000 + b.tv_nsec - a.tv_nsec);
	}
	return 0;
}

/* Draws a million bytes in many calls, interrupted all the time; says their digest. */
static void on_alarm(int number HM_UNUSED)
{
}

static int probe_interrupted(void)
{
	const struct sigaction act = { .sa_handler = on_alarm };
	const struct itimerval often = { { 0, 500 }, { 0, 500 } };
	static uint8_t drawn[1 << 20];
	struct hm_sha256 d;

	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	for (size_t at = 0; at < sizeof(drawn); at += 256) {
		struct timespec t;
		ssize_t n;

		while ((n = getrandom(drawn + at, 256, 0)) < 0 && errno == EINTR)
			;
		/* no program expects that the time cannot be told now */
		if (n != 256 || clock_gettime(CLOCK_MONOTONIC, &t) < 0)
			return 1;
	}
	setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
	hm_sha256_slice(&d, (struct hm_slice){ drawn, sizeof(drawn) });
	for (size_t i = 0; i < 8; i++)
		printf("%02x", d.b[i]);
	printf("\n");
	return 0;
}

static void *draw(void *nothing)
{
	uint8_t byte[8];
	struct timespec t;

	for (int i = 0; i < 100; i++) {
		clock_gettime(CLOCK_MONOTONIC, &t);
		if (getrandom(byte, sizeof(byte), 0) != sizeof(byte))
			_exit(9);
	}
	return nothing;
}

static void *execute(void *nothing)
{
	execl(PROBE, "probe", "nothing", NULL);
	return nothing;
}

/* A process with threads of which several exec at once. */
static void many_threads(void)
{
	pthread_t threads[8];

	for (size_t i = 0; i < HM_COUNT(threads); i++)
		pthread_create(&threads[i], NULL, draw, NULL);
	for (size_t i = 0; i < HM_COUNT(threads); i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < HM_COUNT(threads); i++)
		pthread_create(&threads[i], NULL, execute, NULL);
	for (;;)
		pause();
}

static void start(bool copy, const char *program)
{
	pid_t pid = copy ? fork() : vfork();

	if (pid == 0) {
		execl(program, "probe", "nothing", NULL);
		_exit(0);
	}
}

static int probe_storm(void)
{
	int ended = 0, bad = 0, status;

	for (int round = 0; round < 6; round++) {
		for (int i = 0; i < 20; i++)
			start(i % 2, i % 3 ? PROBE : "/nonexistent");
		if (fork() == 0)
			many_threads();
		while (wait(&status) > 0) {
			ended++;
			bad += status != 0;
		}
	}
	printf("%d ended, %d badly\n", ended, bad);
	return bad;
}

/* A child that asks to be traced: it stops at its exec, for ever, since nothing in a chamber may trace. */
static int probe_traced(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		execl(PROBE, "probe", "nothing", NULL);
		_exit(1);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		return 1;
	kill(pid, SIGKILL);
	return waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status);
}

static _Noreturn void flood(void)
{
	uint8_t bytes[64];
	struct timespec t;

	for (int i = 0; i < 3; i++)
		if (fork() == 0)
			break;
	for (;;) {
		clock_gettime(CLOCK_MONOTONIC, &t);
		if (getrandom(bytes, sizeof(bytes), 0) < 0)
			_exit(1);
		if (bytes[0] < 8 && fork() == 0) {
			execl(PROBE, "probe", "nothing", NULL);
			_exit(0);
		}
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
}

static long asked_until(long ns)
{
	struct timespec t;
	struct timeval v;
	long asked = 1;

	for (clock_gettime(CLOCK_REALTIME, &t); t.tv_nsec != ns; asked++)
		if (asked % 3)
			clock_gettime(asked % 3 == 1 ? CLOCK_REALTIME : CLOCK_MONOTONIC_COARSE, &t);
		else if (gettimeofday(&v, NULL) == 0 && v.tv_sec == time(NULL))
			t.tv_nsec = v.tv_usec * 1000;
	return asked;
}

static void tell(const char *name)
{
	struct timespec t;
	time_t now = time(NULL);

	clock_gettime(CLOCK_REALTIME, &t);
	printf("%s %ld.%09ld\n", name, t.tv_sec, t.tv_nsec);
	fflush(stdout);
	if (t.tv_sec != now)
		exit(1);
}

static void *wait_two_seconds(void *nothing)
{
	struct timespec t;

	sleep(2);
	clock_gettime(CLOCK_REALTIME, &t);
	return nothing;
}

/* What is answered in the process itself: as time passes by questions alone, by its own waits, its child's and its thread's; and what a child has. */
static int probe_answered(void)
{
	pthread_t thread;

	tell("begins");
	if (asked_until(250000000) < 1000000)
		return 1;
	tell("asked");
	usleep(750000);
	tell("waited");
	if (system("sleep 2") != 0)
		return 1;
	tell("child");
	pthread_create(&thread, NULL, wait_two_seconds, NULL);
	pthread_join(thread, NULL);
	tell("thread");
	if (fork() == 0) {
		asked_until(250000000);
		tell("forked");
		exit(0);
	}
	wait(NULL);
	tell("parent");
	asked_until(750000000);
	tell("ends");
	return 0;
}

static int probe(const char *what)
{
	static const struct {
		const char *name;
		int (*probe)(void);
	} probes[] = { { "raw", probe_raw },		 { "dns", probe_dns },	   { "refused", probe_refused }, { "waits", probe_waits },
		       { "interrupted", probe_interrupted }, { "storm", probe_storm }, { "traced", probe_traced },
		       { "answered", probe_answered } };

	for (size_t i = 0; i < HM_COUNT(probes); i++)
		if (strcmp(probes[i].name, what) == 0)
			return probes[i].probe();
	if (strcmp(what, "flood") == 0)
		flood();
	return strcmp(what, "nothing") != 0;
}

/* ---- what is seen of it ---- */

static void run_with(struct place *p, const struct hm_control_spec *control, const char *script, struct run *r)
{
	p->spec.control = control;
	help_shell(p, script);
	help_run(p, 60, r);
	assert_string_equal(help_text(&r->err), "");
	assert_int_equal(r->result.outcome, HM_OUTCOME_EXITED);
	assert_int_equal(r->result.status, 0);
}

/* Each line of the script's output is the same under one control, and another under the other. */
static void expect_equal(const char *script)
{
	HM_CLEANUP(help_release) struct run a = { 0 }, b = { 0 }, other = { 0 };
	char *line, *save = NULL, *with, *save_with = NULL;
	struct place p;

	help_place(&p, "/var/tmp");
	run_with(&p, &one, script, &a);
	run_with(&p, &one, script, &b);
	run_with(&p, &two, script, &other);
	assert_string_equal(help_text(&a.out), help_text(&b.out));
	assert_true(a.out.len > 0);
	help_text(&other.out);
	line = strtok_r((char *)a.out.data, "\n", &save);
	with = strtok_r((char *)other.out.data, "\n", &save_with);
	for (; line && with; line = strtok_r(NULL, "\n", &save), with = strtok_r(NULL, "\n", &save_with))
		assert_string_not_equal(line, with);
	assert_true(!line && !with);
	help_leave(&p);
}

static void expect_out(const struct hm_control_spec *control, const char *script, const char *out)
{
	HM_CLEANUP(help_release) struct run r = { 0 };
	struct place p;

	help_place(&p, "/var/tmp");
	run_with(&p, control, script, &r);
	assert_string_equal(help_text(&r.out), out);
	help_leave(&p);
}

static void calls_and_vdso(void **state HM_UNUSED)
{
	expect_equal(PROBE " raw");
}

static void resolvers_numbers(void **state HM_UNUSED)
{
	expect_equal(PROBE " dns; " PROBE " dns");
}

static void shell_and_date(void **state HM_UNUSED)
{
	expect_equal("date +%s.%N; bash -c 'echo $RANDOM$RANDOM $EPOCHREALTIME'; mktemp -u; sleep 1; date +%s%N; cut -c 1-3 /proc/uptime");
}

/* What a child slept has passed for its parent, and for the parent's next children. */
static void sleeping(void **state HM_UNUSED)
{
	expect_out(&one, "for i in 1 2 3; do sleep 0.7; done; date +%s.%N; sleep 1; date +%s.%N; (sleep 9 &) ; date +%s.%N",
		   "1700000002.100000000\n1700000003.100000000\n1700000003.100000000\n");
}

static void answered_by_itself(void **state HM_UNUSED)
{
	double begun = help_now();

	expect_out(&one, PROBE " answered",
		   "begins 1700000000.000000000\nasked 1700000000.250000000\nwaited 1700000001.000000000\nchild 1700000003.000000000\n"
		   "thread 1700000005.000000000\nforked 1700000005.250000000\nparent 1700000005.000000000\nends 1700000005.750000000\n");
	/* Millions of questions: stopped one by one they would take a minute. */
	assert_true(help_now() - begun < 30);
}

static void devices(void **state HM_UNUSED)
{
	expect_equal("for d in /dev/urandom /dev/random; do head -c 16 $d | od -An -tx1; head -c 16 $d | od -An -tx1; done;"
		     "cat /proc/sys/kernel/random/uuid; head -c 3000001 /dev/urandom | sha256sum; perl -e 'print rand, qq(\\n)'");
	expect_out(&one, "echo more >/dev/urandom; head -c 3000001 /dev/random | wc -c; test -r /dev/random && echo $?;"
			 "[ \"$(head -c 9 /dev/urandom | od -tx1)\" = \"$(head -c 9 /dev/urandom | od -tx1)\" ]; echo $?", "3000001\n0\n1\n");
	expect_out(&one, "f=/proc/sys/kernel/random/uuid; grep -Ec '^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$' $f;"
			 "wc -c <$f; [ $(cat $f) = $(cat $f) ]; echo $?", "1\n37\n1\n");
}

static void interpreters(void **state HM_UNUSED)
{
	expect_equal("/usr/bin/python3 -c 'import os,uuid,random,time,secrets\n"
		     "print(os.urandom(16).hex())\nprint(uuid.uuid4())\nprint(random.random())\nprint(hash(\"x\"))\nprint(secrets.token_hex())\n"
		     "print(time.time())\nprint(time.monotonic())\nprint(time.perf_counter_ns())'");
	expect_equal("perl -e 'print time, q( ), times, qq(\\n)'; openssl rand -hex 16");
}

/* Addresses do not depend on the control's secret. */
static void addresses(void **state HM_UNUSED)
{
	HM_CLEANUP(help_release) struct run a = { 0 }, b = { 0 };
	struct place p;

	help_place(&p, "/var/tmp");
	run_with(&p, &one, "cat /proc/self/maps", &a);
	run_with(&p, &two, "cat /proc/self/maps", &b);
	help_text(&a.out);
	help_text(&b.out);
	assert_true(a.out.len > 0);
	for (char *at = (char *)a.out.data, *with = (char *)b.out.data; at && with && *at && *with; at = strchr(at, '\n') + 1, with = strchr(with, '\n') + 1)
		assert_memory_equal(at, with, 25); /* the address, not the device */
	help_leave(&p);
}

static void errors_are_the_kernels(void **state HM_UNUSED)
{
	expect_out(&one, PROBE " refused", "");
}

static void waiting(void **state HM_UNUSED)
{
	HM_CLEANUP(help_release) struct run a = { 0 }, b = { 0 };
	unsigned seen = 0;
	struct place p;
	double begun;

	help_place(&p, "/var/tmp");
	begun = help_now();
	run_with(&p, &one, PROBE " waits", &a);
	assert_true(help_now() - begun > 0.3 + 1 + 0.25 + 0.2 + 0.15 + 0.9 + 0.4 + 0.9);
	assert_true(help_now() - begun < 30);
	run_with(&p, &one, PROBE " waits", &b);
	assert_string_equal(help_text(&a.out), help_text(&b.out));
	for (char *line = (char *)a.out.data; *line; line = strchr(line, '\n') + 1, seen++) {
		char name[16];
		long second, passed;

		assert_int_equal(sscanf(line, "%15s %ld %ld", name, &second, &passed), 3);
		/* what a timer waits for, its file does not tell, and no clock shows the small change */
		assert_true(passed >= (strcmp(name, "timer") == 0 ? 0 : 150000000));
	}
	assert_int_equal(seen, 8);
	help_leave(&p);
}

static void interruptions_do_not_count(void **state HM_UNUSED)
{
	expect_equal(PROBE " interrupted");
}

static void storms(void **state HM_UNUSED)
{
	expect_out(&one, PROBE " storm", "126 ended, 0 badly\n");
}

static void traced_children(void **state HM_UNUSED)
{
	struct hm_control_counts counts;
	struct hm_chamber_result result;
	struct hm_fail fail;
	struct hm_chamber *c;
	struct place p;
	int out, err;

	help_place(&p, "/var/tmp");
	p.spec.control = &one;
	help_probe(&p, "traced");
	c = help_open(&p);
	assert_int_equal(hm_chamber_go(c, &out, &err, &fail), 0);
	while (!hm_chamber_ended(c, &result))
		help_nap(1);
	assert_int_equal(result.outcome, HM_OUTCOME_EXITED);
	assert_int_equal(result.status, 0);
	hm_chamber_controlled(c, &counts);
	assert_int_equal(counts.execs, 1);
	assert_int_equal(counts.execs_missed, 1);
	hm_chamber_close(c);
	help_leave(&p);
}

static void set_user_id_programs(void **state HM_UNUSED)
{
	expect_out(&one, "cp /usr/bin/id /var/lib/id; chmod 4755 /var/lib/id; setpriv --reuid 65534 --clear-groups /var/lib/id -u; date +%s",
		   "0\n1700000000\n");
}

/* Killed in the middle of it, frozen or not: it ends at once, and nothing is left. */
static void killed_and_frozen(void **state HM_UNUSED)
{
	for (unsigned ms = 20; ms < 400; ms += 90) {
		HM_CLEANUP(help_release) struct run r = { 0 };
		struct hm_fail fail;
		struct hm_chamber *c;
		struct place p;
		char group[256];
		int out, err;

		help_place(&p, "/var/tmp");
		p.spec.control = &one;
		help_probe(&p, "flood");
		c = help_open(&p);
		assert_int_equal(hm_chamber_go(c, &out, &err, &fail), 0);
		help_group(group, p.name);
		for (unsigned i = 0; i < ms / 10; i++) {
			HM_FREE char *path = hm_sprintf("%s/product/cgroup.freeze", group);

			help_write(path, i % 2 ? "0" : "1");
			help_nap(5);
		}
		help_follow(c, out, err, 0.05, &r);
		assert_int_equal(r.result.outcome, HM_OUTCOME_TIMEOUT);
		hm_chamber_close(c);
		help_leave(&p);
	}
}

/* A freeze in the middle does not change what is drawn. */
static void freezing_does_not_count(void **state HM_UNUSED)
{
	HM_CLEANUP(help_release) struct run a = { 0 }, b = { 0 };
	struct hm_fail fail;
	struct hm_chamber *c;
	struct place p;
	char group[256];
	int out, err;

	help_place(&p, "/var/tmp");
	run_with(&p, &one, PROBE " interrupted", &a);
	c = help_open(&p);
	assert_int_equal(hm_chamber_go(c, &out, &err, &fail), 0);
	help_group(group, p.name);
	for (unsigned i = 0; !hm_chamber_ended(c, &b.result); i++) {
		HM_FREE char *path = hm_sprintf("%s/product/cgroup.freeze", group);

		help_write(path, i % 2 ? "0" : "1");
		help_nap(1 + i % 3);
		assert_true(i < 20000);
	}
	help_follow(c, out, err, 5, &b);
	assert_string_equal(help_text(&a.out), help_text(&b.out));
	hm_chamber_close(c);
	help_leave(&p);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_and_vdso),	cmocka_unit_test(resolvers_numbers),
		cmocka_unit_test(shell_and_date),	cmocka_unit_test(sleeping), cmocka_unit_test(devices),
		cmocka_unit_test(answered_by_itself),
		cmocka_unit_test(interpreters),		cmocka_unit_test(addresses),
		cmocka_unit_test(errors_are_the_kernels), cmocka_unit_test(interruptions_do_not_count),
		cmocka_unit_test(storms),		cmocka_unit_test(traced_children),
		cmocka_unit_test(set_user_id_programs), cmocka_unit_test(killed_and_frozen),
		cmocka_unit_test(freezing_does_not_count), cmocka_unit_test(waiting),
	};

	if (argc > 1)
		return probe(argv[argc - 1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
