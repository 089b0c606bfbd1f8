/* SIGKILL of hallmark at different moments: nothing of the run stays. A child plays hallmark; this process takes in the
 * orphans (PR_SET_CHILD_SUBREAPER), so it sees what outlives the child and with what status the guardian ends. */
#include "chamber_help.h"

#include <dirent.h>
#include <sys/prctl.h>

#define GONE_MS 30000

/* How far the child goes before it is killed. */
enum moment { OPENED, RUNNING, FROZEN, ENDED, AGAIN };

static void freeze(const char *name)
{
	char group[256], path[300];

	help_group(group, name);
	snprintf(path, sizeof(path), "%s/product/cgroup.freeze", group);
	help_write(path, "1");
}

/* A product that leaves daemons and files behind, and never ends. */
static const char busy[] = "echo x >/etc/passwd; (setsid sh -c 'while :; do sleep 0.01; done' >/dev/null 2>&1 &); echo "
			   "ready; while :; do :; done";

static void second_name(char name[80], const struct place *p)
{
	snprintf(name, 80, "%s-2", p->name);
}

/* A second chamber, with what the first left: its product runs. */
static struct hm_chamber *go_on(struct place *p, struct hm_chamber *after)
{
	struct hm_chamber_spec spec = p->spec;
	struct hm_chamber_result result;
	struct hm_chamber *c = NULL;
	struct hm_fail fail;
	int out, err;
	char name[80];

	second_name(name, p);
	spec.name = name;
	spec.after = after;
	if (hm_chamber_kill(after, HM_OUTCOME_TIMEOUT, &result, &fail) < 0 || hm_chamber_open(&c, &spec, &fail) < 0 ||
	    hm_chamber_go(c, &out, &err, &fail) < 0)
		_exit(5);
	return c;
}

static _Noreturn void play_hallmark(struct place *p, enum moment moment, int ready)
{
	struct hm_chamber *c = NULL;
	struct hm_chamber_result result;
	struct hm_fail fail;
	int out, err;
	char word[8];

	if (hm_chamber_open(&c, &p->spec, &fail) < 0)
		_exit(1);
	if (moment != OPENED) {
		if (hm_chamber_go(c, &out, &err, &fail) < 0)
			_exit(2);
		while (read(out, word, sizeof(word)) < 1)
			help_nap(1);
	}
	if (moment == FROZEN)
		freeze(p->name);
	if (moment == ENDED && hm_chamber_kill(c, HM_OUTCOME_TIMEOUT, &result, &fail) < 0)
		_exit(3);
	if (moment == AGAIN)
		c = go_on(p, c);
	if (write(ready, "r", 1) != 1)
		_exit(4);
	for (;;)
		pause();
}

/* Pids of this process's children that are called `name`. */
static pid_t child_called(pid_t parent, const char *name)
{
	DIR *dir = opendir("/proc");
	struct dirent *e;
	pid_t found = 0;

	while (dir && (e = readdir(dir))) {
		char path[300], text[512] = { 0 }, comm[64];
		int pid = atoi(e->d_name), of;
		HM_CLOSE int fd = -1;

		snprintf(path, sizeof(path), "/proc/%d/stat", pid);
		fd = pid > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
		if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
			continue;
		if (sscanf(text, "%*d (%63[^)]) %*c %d", comm, &of) == 2 && of == parent && strcmp(comm, name) == 0)
			found = pid;
	}
	if (dir)
		closedir(dir);
	return found;
}

static pid_t start(struct place *p, enum moment moment)
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(ready[0]);
		play_hallmark(p, moment, ready[1]);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static bool left(const struct place *p)
{
	char group[256], again[256], name[80];

	second_name(name, p);
	help_group(group, p->name);
	help_group(again, name);
	return group[0] || again[0] || access(p->work, F_OK) < 0 || rmdir(p->work) < 0 || mkdir(p->work, 0700) < 0;
}

/* Reaps what was orphaned; returns the guardian's status, -1 where there was none. */
static int reap_all(pid_t guardian)
{
	int status, of_guardian = -1;
	pid_t pid;

	while ((pid = waitpid(-1, &status, 0)) > 0 || errno == EINTR)
		if (pid == guardian)
			of_guardian = status;
	return of_guardian;
}

static void kill_at(enum moment moment)
{
	struct place p;
	pid_t hallmark, guardian;
	unsigned waited = 0;

	help_place(&p, "/var/tmp");
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	help_shell(&p, busy);
	hallmark = start(&p, moment);
	guardian = child_called(hallmark, "hallmark-guard");
	assert_true(guardian > 0);
	assert_true(left(&p));
	kill(hallmark, SIGKILL);
	for (; waited < GONE_MS && left(&p); waited += 10)
		help_nap(10);
	if (waited > 1000)
		print_message("cleaned up after %u ms\n", waited);
	assert_false(left(&p));
	assert_int_equal(reap_all(guardian), 0);
	help_leave(&p);
}

static void killed_in_the_second_run(void **state HM_UNUSED)
{
	kill_at(AGAIN);
}

static void killed_before_the_product_runs(void **state HM_UNUSED)
{
	kill_at(OPENED);
}

static void killed_while_it_runs(void **state HM_UNUSED)
{
	kill_at(RUNNING);
}

static void killed_while_it_is_frozen(void **state HM_UNUSED)
{
	kill_at(FROZEN);
}

static void killed_after_its_end(void **state HM_UNUSED)
{
	kill_at(ENDED);
}

/* While the chamber is being made: at many instants, so that each step is met half done. */
static void killed_while_it_opens(void **state HM_UNUSED)
{
	for (unsigned us = 0; us < 24000; us += 800) {
		struct place p;
		pid_t hallmark;
		struct timespec t = { 0, us * 1000L };
		unsigned waited = 0;

		help_place(&p, "/var/tmp");
		prctl(PR_SET_CHILD_SUBREAPER, 1);
		help_shell(&p, busy);
		hallmark = fork();
		if (hallmark == 0)
			play_hallmark(&p, OPENED, open("/dev/null", O_WRONLY));
		nanosleep(&t, NULL);
		kill(hallmark, SIGKILL);
		reap_all(0); /* the guardian too has ended then, if there was one yet */
		for (; waited < GONE_MS && left(&p); waited += 10)
			help_nap(10);
		assert_false(left(&p));
		help_leave(&p);
	}
}

static void sweep_cleans_where_the_guardian_is_dead(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes said = { 0 };
	HM_FREE char *folder = NULL, *group = NULL;
	struct hm_fail fail = { 0 };
	struct place p;
	pid_t hallmark, guardian;

	help_place(&p, "/var/tmp");
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	help_shell(&p, busy);
	hallmark = start(&p, FROZEN);
	guardian = child_called(hallmark, "hallmark-guard");
	assert_true(guardian > 0);
	assert_int_equal(kill(guardian, SIGKILL), 0);
	kill(hallmark, SIGKILL);
	reap_all(0);
	assert_true(left(&p));
	if (hm_chamber_sweep(p.work, &said, &fail) < 0)
		fail_msg("%s", fail.text);
	assert_false(left(&p));
	hm_bytes_u8(&said, 0);
	folder = hm_sprintf("removed folder %s/chamber-%s ", p.work, p.name);
	group = hm_sprintf("removed control group hallmark/%s ", p.name);
	assert_non_null(strstr((const char *)said.data, folder));
	assert_non_null(strstr((const char *)said.data, group));
	said.len = 0;
	assert_int_equal(hm_chamber_sweep(p.work, &said, &fail), 0);
	assert_int_equal(said.len, 0);
	help_leave(&p);
}

/* exit() without hm_chamber_close is like being killed. */
static void exit_without_close_is_cleaned(void **state HM_UNUSED)
{
	struct place p;
	pid_t hallmark;
	unsigned waited = 0;

	help_place(&p, "/var/tmp");
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	help_shell(&p, busy);
	hallmark = fork();
	if (hallmark == 0) {
		struct hm_chamber *c = NULL;
		struct hm_fail fail;

		_exit(hm_chamber_open(&c, &p.spec, &fail) < 0);
	}
	reap_all(0);
	for (; waited < GONE_MS && left(&p); waited += 10)
		help_nap(10);
	assert_false(left(&p));
	help_leave(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(killed_before_the_product_runs),
		cmocka_unit_test(killed_in_the_second_run),
		cmocka_unit_test(killed_while_it_runs),
		cmocka_unit_test(killed_while_it_is_frozen),
		cmocka_unit_test(killed_after_its_end),
		cmocka_unit_test(killed_while_it_opens),
		cmocka_unit_test(sweep_cleans_where_the_guardian_is_dead),
		cmocka_unit_test(exit_without_close_is_cleaned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
