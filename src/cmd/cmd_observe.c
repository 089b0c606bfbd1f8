#include "commands.h"

#include "doctor.h"
#include "fs.h"
#include "program.h"
#include "run.h"
#include "surroundings.h"
#include "watch.h"

static const struct hm_option options[] = {
	{ "output", 'o', "RUN.record", false, "the record to write (RUN.record.pcapng and RUN.record.tree stand beside it)" },
	{ "stdin", 0, "FILE", false, "what the command reads as standard input" },
	{ "internet", 0, "MODE", false, "closed (default), simulated, replay=FILE.hallmark, gateway[=NETWORK]" },
	{ "time-limit", 0, "SECONDS", false, "kill it after so long (default 120); of daemons: end after so long" },
	{ "cgroup", 0, "PATH", false, "record what runs in this control group, where it runs" },
	{ "unit", 0, "NAME", false, "record a systemd unit that runs already, by its control group" },
	{ "no-freeze", 0, NULL, false, "never stop the daemons of --cgroup or --unit, though events may be lost" },
};

static void tell_handshakes(const struct hm_internet_tls_stats *tls)
{
	if (tls->accepted || tls->refused || tls->failed)
		hm_program_note("TLS: %llu handshakes accepted, %llu refused by the command, %llu failed", (unsigned long long)tls->accepted,
				(unsigned long long)tls->refused, (unsigned long long)tls->failed);
}

/* One run in a chamber. */
static int observe_run(const struct hm_args *args, struct hm_fail *fail)
{
	HM_CLEANUP(hm_surroundings_release) struct hm_surroundings surroundings = { .lock = -1 };
	const char *output = hm_args_get(args, "output"), *folder;
	struct hm_run_result result = { 0 };
	struct hm_run_spec spec = { .number = 1, .echo = true };
	int r;

	r = hm_surroundings_mode(&spec.mode, hm_args_get(args, "internet"), HM_INTERNET_CLOSED, fail);
	if (r == 0)
		r = hm_surroundings_limit(&spec.time_limit_s, hm_args_get(args, "time-limit"), 120, fail);
	if (r == 0)
		r = hm_doctor_preflight(fail);
	if (r == 0)
		r = hm_surroundings_open(&surroundings, fail);
	if (r == 0)
		r = hm_surroundings_answers(&surroundings, spec.mode, hm_args_get(args, "internet"), "default", fail);
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
	tell_handshakes(&result.internet.tls);
	return 0;
}

static void tell_watch(const char *output, const struct hm_group *group, const struct hm_watch_result *result)
{
	static const char *const ends[] = { [HM_OUTCOME_EXITED] = "nothing runs there any more", [HM_OUTCOME_TIMEOUT] = "its time was up",
					    [HM_OUTCOME_INTERRUPTED] = "told to stop" };

	hm_program_note("%s: %llu events, %llu lost; %s: %s", output, (unsigned long long)result->record.items,
			(unsigned long long)result->capture.lost, group->path, ends[result->outcome]);
	if (result->inhabited)
		hm_program_note("it ran before the recorder did: what it did until then is missing, and the record says so");
	if (result->capture.freezes)
		hm_program_note("stopped %llu times for %.3f s in all, so that no event was lost", (unsigned long long)result->capture.freezes,
				(double)result->capture.frozen_ns / 1e9);
	hm_program_note("no chamber: the packets' content and what was left on disk are not kept, and the host's identity is its own");
}

/* Daemons, where they run. SIGINT is how it regularly ends: it is no failure. */
static int observe_daemons(const struct hm_args *args, struct hm_fail *fail)
{
	HM_CLEANUP(hm_group_release) struct hm_group group = HM_GROUP_NONE;
	const char *path = hm_args_get(args, "cgroup"), *unit = hm_args_get(args, "unit");
	struct hm_watch_spec spec = { .group = &group, .record = hm_args_get(args, "output"), .no_freeze = hm_args_has(args, "no-freeze") };
	struct hm_watch_result result;
	int r = hm_surroundings_limit(&spec.time_limit_s, hm_args_get(args, "time-limit"), 0, fail);

	if (r == 0)
		r = hm_doctor_preflight(fail);
	if (r == 0)
		r = path ? hm_group_open(&group, path, fail) : hm_group_find(&group, unit, fail);
	if (r == 0 && !spec.no_freeze && hm_group_frozen(group.fd))
		r = hm_fail_set(fail, HM_E_SYSTEM, "watching %s: somebody has frozen it (thaw it, or use --no-freeze)", group.path);
	if (r < 0)
		return r;
	hm_program_catch_signals();
	r = hm_watch(&result, &spec, fail);
	if (r < 0)
		return r == HM_E_BAD ? HM_E_SYSTEM : r;
	tell_watch(spec.record, &group, &result);
	return 0;
}

static int run(const struct hm_args *args, struct hm_fail *fail)
{
	bool cgroup = hm_args_has(args, "cgroup"), unit = hm_args_has(args, "unit"), daemons = cgroup || unit;

	if (!hm_args_has(args, "output") || cgroup + unit + !!args->product != 1)
		return hm_fail_set(fail, HM_E_USAGE, "usage: hallmark observe %s", args->command->usage);
	if (daemons && (hm_args_has(args, "stdin") || hm_args_has(args, "internet")))
		return hm_fail_set(fail, HM_E_USAGE, "--%s is for a command in a chamber: daemons are recorded as they run",
				   hm_args_has(args, "stdin") ? "stdin" : "internet");
	if (!daemons && hm_args_has(args, "no-freeze"))
		return hm_fail_set(fail, HM_E_USAGE, "--no-freeze is for --cgroup and --unit: a command in a chamber may wait");
	return daemons ? observe_daemons(args, fail) : observe_run(args, fail);
}

const struct hm_command hm_cmd_observe = {
	.name = "observe",
	.summary = "record a command in a chamber, or daemons where they run; nothing else",
	.usage = "-o RUN.record [OPTION...] (-- COMMAND [ARG...] | --cgroup PATH | --unit NAME)",
	.detail = "Runs COMMAND once in a chamber (own namespaces, copy-on-write root, closed internet) and writes what it\n"
		  "did: RUN.record (events; doc/format/record.md), RUN.record.pcapng (packets), RUN.record.tree (what it left\n"
		  "on disk). Its output is passed on. Nothing is judged.\n\n"
		  "With --cgroup or --unit it records the daemons of a control group (version 2), until SIGINT, SIGTERM, the time\n"
		  "limit, or nothing runs there any more: RUN.record alone, no chamber, no internet. They may be stopped for\n"
		  "moments so that no event is lost (--no-freeze).\n\n"
		  "exit: 0 recorded, whatever the command's own exit code (it is in the record); 4 could not run; 130 a command\n"
		  "was interrupted.",
	.takes_product = true,
	.options = options,
	.option_count = HM_COUNT(options),
	.run = run,
};
