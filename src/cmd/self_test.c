/* The subject is this very program: its file is planted into the chamber, where the folder that it lies in may not be seen, and
 * started with an argument that no help lists. */
#include "self_test.h"

#include <time.h>

#include "fs.h"

#define SUBJECT "/hallmark-self-test/subject"
#define TIME_LIMIT_S 30
/* For the daemon, which sends when the first process has ended. One process stays for good, so that the last look finds it. */
#define LINGER_MS 600

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void free_test(struct hm_selftest **test)
{
	hm_selftest_free(*test);
}

static int run_subject(const struct hm_selftest *test, struct hm_surroundings *s, struct hm_run_spec *spec, struct hm_fail *fail)
{
	HM_CLEANUP(hm_fs_unmap) struct hm_map program = { 0 };
	const char *argv[8] = { SUBJECT };
	struct hm_chamber_file files[2] = { { .path = SUBJECT, .mode = 0755 }, { .mode = 0444 } };
	struct hm_run_result result = { 0 };
	int r = hm_fs_map(&program, "/proc/self/exe", fail);

	if (r < 0)
		return r;
	for (size_t i = 0; hm_selftest_arguments(test)[i]; i++)
		argv[i + 1] = hm_selftest_arguments(test)[i];
	files[0].content = program.bytes;
	files[1].path = hm_selftest_file(test, &files[1].content);
	hm_surroundings_fill(s, spec);
	spec->chamber.target = HM_TARGET;
	spec->chamber.argv = argv;
	spec->chamber.files = files;
	spec->chamber.file_count = HM_COUNT(files);
	r = hm_run(&result, spec, fail);
	hm_bytes_release(&result.absent);
	return r;
}

static int check(struct hm_self_test *t, const struct hm_selftest *test, const struct hm_run_spec *spec, struct hm_fail *fail)
{
	HM_CLEANUP(hm_fs_unmap) struct hm_map record = { 0 }, packets = { 0 };
	int r = hm_fs_map(&record, spec->record, fail);

	if (r == 0)
		r = hm_fs_map(&packets, spec->packets, fail);
	if (r == 0)
		r = hm_selftest_check(test, record.bytes, packets.bytes, t->rows, &t->count, fail);
	t->green = r == 1;
	return r < 0 ? r : 0;
}

int hm_self_test_run(struct hm_self_test *t, struct hm_surroundings *s, const char *folder, enum hm_internet_mode mode,
		     struct hm_fail *fail)
{
	HM_CLEANUP(free_test) struct hm_selftest *test = NULL;
	HM_FREE char *own = hm_sprintf("%s/self-test", folder), *target = hm_sprintf("%s/target", own);
	HM_FREE char *record = hm_sprintf("%s/record", own), *packets = hm_sprintf("%s/packets.pcapng", own);
	/* What the subject sends is for nobody outside. */
	struct hm_run_spec spec = { .mode = mode == HM_INTERNET_GATEWAY ? HM_INTERNET_SIMULATED : mode, .time_limit_s = TIME_LIMIT_S, .linger_ms = LINGER_MS,
				    .record = record, .packets = packets };
	uint64_t begun = now_ns();
	int r = hm_fs_mkdirs(target, 0755, fail);

	*t = (struct hm_self_test){ .without = t->without, .control = t->control, .loaded = t->loaded };
	spec.loaded = t->loaded;
	spec.chamber.control = t->control;
	spec.without = t->without;
	spec.chamber.target_from = target;
	if (r == 0)
		r = hm_selftest_plant(&test, target, HM_TARGET, mode == HM_INTERNET_CLOSED, fail);
	if (r == 0)
		r = run_subject(test, s, &spec, fail);
	if (r == 0)
		r = check(t, test, &spec, fail);
	if (r == 0)
		r = hm_fs_remove_tree(own, fail);
	t->took_ns = now_ns() - begun;
	if (r == HM_E_INTERRUPTED)
		return hm_fail_set(fail, r, "interrupted in the self-test: no product was run");
	if (r < 0) {
		hm_fail_in(fail, "self-test");
		fail->code = HM_E_SYSTEM;
	}
	return r < 0 ? HM_E_SYSTEM : 0;
}

int hm_self_test_demand(const struct hm_self_test *t, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes missed = { 0 };
	const char *why = NULL;

	if (t->green)
		return 0;
	for (size_t i = 0; i < t->count; i++) {
		if (t->rows[i].result != HM_SELFTEST_MISSED)
			continue;
		hm_bytes_printf(&missed, "%s%s", why ? ", " : "", t->rows[i].way);
		why = why ? why : t->rows[i].why;
	}
	hm_bytes_u8(&missed, 0);
	hm_fail_set(fail, HM_E_SYSTEM, "the self-test is not green, and without it there is no verdict: missed %s: %s",
		    (const char *)missed.data, why ? why : "nothing was tried");
	return hm_fail_advise(fail, "hallmark doctor --chamber shows it whole");
}

static json_t *row_json(const struct hm_selftest_row *row)
{
	json_t *witnesses = json_array();

	for (unsigned bit = 0; bit < HM_SELFTEST_BITS; bit++)
		if (row->witnesses & 1u << bit)
			json_array_append_new(witnesses, json_string(hm_selftest_witness_name(bit)));
	return json_pack("{s:s,s:s,s:o,s:s,s:s}", "way", row->way, "kind", hm_selftest_kind_name(row->kind), "witnesses", witnesses,
			 "result", hm_selftest_result_name(row->result), "why", row->why);
}

json_t *hm_self_test_json(const struct hm_self_test *t)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < t->count; i++)
		json_array_append_new(rows, row_json(&t->rows[i]));
	return json_pack("{s:s,s:o}", "result", t->green ? "passed" : "failed", "rows", rows);
}
