#include "commands.h"

#include "doctor.h"
#include "fs.h"
#include "program.h"
#include "run.h"
#include "surroundings.h"

static const struct hm_option options[] = {
	{ "output", 'o', "RUN.record", false, "the record to write (RUN.record.pcapng and RUN.record.tree stand beside it)" },
	{ "stdin", 0, "FILE", false, "what the command reads as standard input" },
	{ "internet", 0, "MODE", false, "closed (default) or simulated" },
	{ "time-limit", 0, "SECONDS", false, "kill it after so long (default 120)" },
};

static int run(const struct hm_args *args, struct hm_fail *fail)
{
	HM_CLEANUP(hm_surroundings_release) struct hm_surroundings surroundings = { .lock = -1 };
	const char *output = hm_args_get(args, "output"), *folder;
	struct hm_run_result result = { 0 };
	struct hm_run_spec spec = { .number = 1, .echo = true };
	int r;

	if (!output || !args->product)
		return hm_fail_set(fail, HM_E_USAGE, "usage: hallmark observe %s", args->command->usage);
	r = hm_surroundings_mode(&spec.mode, hm_args_get(args, "internet"), HM_INTERNET_CLOSED, fail);
	if (r == 0)
		r = hm_surroundings_limit(&spec.time_limit_s, hm_args_get(args, "time-limit"), 120, fail);
	if (r == 0)
		r = hm_doctor_preflight(fail);
	if (r == 0)
		r = hm_surroundings_open(&surroundings, fail);
	if (r == 0 && spec.mode == HM_INTERNET_SIMULATED)
		r = hm_surroundings_scenario(&surroundings, "default", fail);
	if (r == 0)
		r = hm_surroundings_folder(&surroundings, &folder, fail);
	if (r < 0)
		return r;
	HM_FREE char *target = hm_sprintf("%s/target", folder);
	HM_FREE char *packets = hm_sprintf("%s.pcapng", output);
	HM_FREE char *tree = hm_sprintf("%s.tree", output);
	/* No documents are planted: the target folder is there and empty. */
	r = hm_fs_mkdirs(target, 0755, fail);
	if (r < 0)
		return r;
	hm_program_catch_signals();
	hm_surroundings_fill(&surroundings, &spec);
	spec.chamber.target_from = target;
	spec.chamber.target = HM_TARGET;
	spec.chamber.argv = args->product;
	spec.chamber.stdin_path = hm_args_get(args, "stdin");
	spec.record = output;
	spec.packets = packets;
	spec.tree = tree;
	r = hm_run(&result, &spec, fail);
	hm_bytes_release(&result.absent);
	if (r < 0)
		return r == HM_E_BAD ? HM_E_SYSTEM : r;
	hm_program_note("%s: %llu events, %llu lost, %llu packets", output, (unsigned long long)result.record.items,
			(unsigned long long)result.capture.lost, (unsigned long long)result.internet.packets);
	return 0;
}

const struct hm_command hm_cmd_observe = {
	.name = "observe",
	.summary = "record one run of a command in a chamber, nothing else",
	.usage = "-o RUN.record [OPTION...] -- COMMAND [ARG...]",
	.detail = "Runs COMMAND once in a chamber (own namespaces, copy-on-write root, closed internet) and writes what it\n"
		  "did: RUN.record (events; doc/format/record.md), RUN.record.pcapng (packets), RUN.record.tree (what it left\n"
		  "on disk). Its output is passed on. Nothing is judged.\n\n"
		  "exit: 0 recorded, whatever the command's own exit code (it is in the record); 4 could not run.",
	.takes_product = true,
	.options = options,
	.option_count = HM_COUNT(options),
	.run = run,
};
