#include "commands.h"

#include "program.h"
#include "witness.h"

static const struct hm_option options[] = {
	{ "key", 'k', "KEY", false, "the witness's private key (hallmark keygen --witness)" },
	{ "logs", 0, "FILE", false, "the logs that it cosigns: the `log` lines of a tlog-policy file" },
	{ "database", 'd', "FILE", false, "what it cosigned (SQLite; made where there is none)" },
	{ "listen", 'l', "ADDRESS:PORT", false, "where (127.0.0.1:8081)" },
	{ "quiet", 'q', NULL, false, "print nothing" },
};

static int run(const struct hm_args *args, struct hm_fail *fail)
{
	HM_CLEANUP(hm_policy_cleanup) struct hm_policy *logs = NULL;
	HM_CLEANUP(hm_witness_cleanup) struct hm_witness *witness = NULL;
	HM_CLEANUP(hm_web_cleanup) struct hm_web *web = NULL;
	const char *key = hm_args_get(args, "key"), *list = hm_args_get(args, "logs"), *database = hm_args_get(args, "database");
	const char *listen = hm_args_get(args, "listen");
	int r;

	if (!key || !list || !database)
		return hm_fail_set(fail, HM_E_USAGE, "usage: hallmark witness %s", args->command->usage);
	r = hm_policy_load(&logs, list, fail);
	if (r == 0)
		r = hm_witness_open(&witness, key, database, logs, fail);
	if (r == 0)
		r = hm_web_open(&web, listen ? listen : "127.0.0.1:8081", HM_WITNESS_BODY, hm_witness_answer, witness, fail);
	if (r < 0)
		return r;
	hm_program_catch_signals();
	if (!hm_args_has(args, "quiet"))
		hm_program_note("witness %s on port %u", hm_witness_key(witness)->name, hm_web_port(web));
	return hm_web_run(web, hm_program_stopped, fail);
}

const struct hm_command hm_cmd_witness = {
	.name = "witness",
	.summary = "cosign logs that only grow",
	.usage = "--key KEY --logs FILE --database FILE [--listen ADDRESS:PORT]",
	.detail = "Serves POST /add-checkpoint (c2sp.org/tlog-witness 1.0.0) and GET /SHA256-OF-ORIGIN/checkpoint. Cosigns a checkpoint of a\n"
		  "listed log when it extends the one that was cosigned last, which is on disk before the answer is sent. Put TLS before it\n"
		  "where it is on the Internet. Ends at SIGINT or SIGTERM.\n\n"
		  "exit: 0 it was stopped; 3 wrong usage; 4 could not run.",
	.options = options,
	.option_count = HM_COUNT(options),
	.run = run,
};
