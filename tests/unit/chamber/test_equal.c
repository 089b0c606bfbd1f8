/* Equal noise: what programs draw and are told of the time in two chambers with the same control, and in one with another. */
#include "chamber_help.h"

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
	static const struct hm_control_spec one = { .seed = { 1 }, .start_ns = 1700000000000000000 },
					    two = { .seed = { 2 }, .start_ns = 1700000100000000000 };
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

static void shell_and_date(void **state HM_UNUSED)
{
	expect_equal("date +%s.%N; bash -c 'echo $RANDOM$RANDOM $EPOCHREALTIME'; mktemp -u; date +%N$(date +%s)");
}

static void perl_and_python(void **state HM_UNUSED)
{
	expect_equal("/usr/bin/python3 -c 'import os,uuid,random,time\n"
		     "print(os.urandom(16).hex())\nprint(uuid.uuid4())\nprint(uuid.uuid1())\nprint(random.random())\nprint(hash(\"x\"))\n"
		     "print(time.time())\nprint(time.monotonic())\nprint(time.perf_counter_ns())'");
	expect_equal("perl -e 'print time, q( ), times, qq(\\n)'; openssl rand -hex 16");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(shell_and_date), cmocka_unit_test(perl_and_python) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
