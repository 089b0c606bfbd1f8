#include "commands.h"
#include "program.h"
#ifdef HM_HAS_RECORDER
#include "selftest.h"
#endif

const struct hm_command *const hm_commands[] = {
	&hm_cmd_assess, &hm_cmd_observe, &hm_cmd_evaluate, &hm_cmd_verify, &hm_cmd_replicate, &hm_cmd_compare, &hm_cmd_redact,
	&hm_cmd_attest, &hm_cmd_reply, &hm_cmd_report, &hm_cmd_export, &hm_cmd_keygen, &hm_cmd_find, &hm_cmd_decide, &hm_cmd_log, &hm_cmd_witness, &hm_cmd_doctor, &hm_cmd_completion,
	NULL,
};

int main(int argc, char **argv)
{
	static const struct hm_program program = {
		.name = "hallmark",
		.about = "Shows with evidence what a security product collects, what it could collect, what its cloud could make\n"
			 "it change, and whether the controls over that work. Anyone can derive its findings again.",
		.commands = hm_commands,
	};

#ifdef HM_HAS_RECORDER
	/* Not a command: what the self-test starts in its chamber. */
	if (argc > 1 && strcmp(argv[1], HM_SELFTEST_ARGUMENT) == 0)
		return hm_selftest_subject(argc, argv);
#endif
	return hm_program_main(&program, argc, argv);
}
