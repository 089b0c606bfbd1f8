#include "commands.h"

#include "doctor.h"
#include "program.h"
#include "self_test.h"

static const struct hm_option options[] = {
	{ "chamber", 0, NULL, false, "run the self-test in a chamber: each way of reading and sending, and whether it is seen" },
	{ "internet", 0, "MODE", false, "of that chamber: simulated (default) or closed" },
};

static int look_at_kernel(struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };
	struct hm_doctor_row rows[HM_DOCTOR_ROWS];
	size_t count = hm_doctor(rows), missing = 0;
	int r;

	for (size_t i = 0; i < count; i++) {
		const struct hm_doctor_row *row = &rows[i];

		hm_bytes_printf(&out, "%-8s %-34s %s\n", row->works ? "works" : row->needed ? "MISSING" : "absent", row->name, row->why);
		if (!row->works)
			hm_bytes_printf(&out, "%9s%s\n", "", row->mend);
		missing += row->needed && !row->works;
	}
	if (geteuid() != 0)
		hm_bytes_text(&out, "BPF programs were not tried: only root may load them.\n");
	if (missing)
		hm_bytes_printf(&out, "%zu missing: no product can be assessed here. hallmark verify, evaluate and report work.\n", missing);
	else
		hm_bytes_text(&out, "Everything that an assessment needs is here.\n");
	r = hm_program_print(hm_slice_of(&out), fail);
	return r < 0 ? r : missing ? 4 : 0;
}

static void show_witnesses(char *out, size_t size, unsigned witnesses)
{
	size_t at = (size_t)snprintf(out, size, "%s", witnesses ? "" : "-");

	for (unsigned bit = 0; bit < HM_SELFTEST_BITS; bit++)
		if (witnesses & 1u << bit && at < size)
			at += (size_t)snprintf(out + at, size - at, "%s%s", at ? "," : "", hm_selftest_witness_name(bit));
}

static int show(const struct hm_self_test *test, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };
	size_t results[HM_SELFTEST_RESULTS] = { 0 };
	int r;

	for (size_t i = 0; i < test->count; i++) {
		const struct hm_selftest_row *row = &test->rows[i];
		const char *result = row->result == HM_SELFTEST_MISSED ? "MISSED" : hm_selftest_result_name(row->result);
		char witnesses[80];

		results[row->result]++;
		show_witnesses(witnesses, sizeof(witnesses), row->witnesses);
		hm_bytes_printf(&out, "%-11s %-6s %-18s %s\n", result, hm_selftest_kind_name(row->kind), row->way, witnesses);
		if (row->why[0])
			hm_bytes_printf(&out, "%12s%s\n", "", row->why);
	}
	hm_bytes_printf(&out, "%zu ways: %zu seen, %zu denied, %zu unavailable, %zu missed; %.1f s.\n", test->count,
			results[HM_SELFTEST_SEEN], results[HM_SELFTEST_DENIED], results[HM_SELFTEST_UNAVAILABLE],
			results[HM_SELFTEST_MISSED], (double)test->took_ns / 1e9);
	hm_bytes_text(&out, test->green ? "The self-test is green.\n" : "The self-test is not green: no product can be assessed here.\n");
	r = hm_program_print(hm_slice_of(&out), fail);
	return r < 0 ? r : test->green ? 0 : 4;
}

static int try_chamber(const char *mode_text, struct hm_fail *fail)
{
	HM_CLEANUP(hm_surroundings_release) struct hm_surroundings surroundings = { .lock = -1 };
	struct hm_self_test test = { 0 };
	enum hm_internet_mode mode;
	const char *folder;
	int r = hm_surroundings_mode(&mode, mode_text, HM_INTERNET_SIMULATED, fail);

	if (r == 0 && mode != HM_INTERNET_CLOSED && mode != HM_INTERNET_SIMULATED)
		r = hm_fail_set(fail, HM_E_USAGE, "--internet: the self-test has two modes, simulated and closed");
	if (r == 0)
		r = hm_doctor_preflight(fail);
	if (r == 0)
		r = hm_surroundings_open(&surroundings, fail);
	if (r == 0)
		r = hm_surroundings_answers(&surroundings, mode, mode_text, "default", fail);
	if (r == 0)
		r = hm_surroundings_folder(&surroundings, &folder, fail);
	if (r < 0)
		return r;
	hm_program_catch_signals();
	r = hm_self_test_run(&test, &surroundings, folder, mode, fail);
	return r < 0 ? r : show(&test, fail);
}

static int run(const struct hm_args *args, struct hm_fail *fail)
{
	const char *mode = hm_args_get(args, "internet");

	if (hm_args_has(args, "chamber"))
		return try_chamber(mode, fail);
	if (mode)
		return hm_fail_set(fail, HM_E_USAGE, "--internet goes with --chamber");
	return look_at_kernel(fail);
}

const struct hm_command hm_cmd_doctor = {
	.name = "doctor",
	.summary = "tell what this kernel and user can do, and how to mend what is missing",
	.usage = "[--chamber [--internet MODE]]",
	.detail = "Tries what an assessment needs (each BPF program type by loading it) and says for each thing whether it\n"
		  "works and what to do when it does not. Changes nothing.\n\n"
		  "With --chamber: runs the self-test that stands before every assessment. A subject in a chamber reads and\n"
		  "sends in every way that is known, and the record must show each. Needs root.\n\n"
		  "exit: 0 all that is needed works; 4 something is missing, or a way was missed.",
	.options = options,
	.option_count = HM_COUNT(options),
	.run = run,
};
