#pragma once
/* The commands, one file each. A command is public by its row alone. */
#include "options.h"

extern const struct hm_command hm_cmd_assess, hm_cmd_observe, hm_cmd_evaluate, hm_cmd_verify, hm_cmd_replicate, hm_cmd_compare, hm_cmd_redact, hm_cmd_attest, hm_cmd_reply, hm_cmd_report, hm_cmd_export, hm_cmd_keygen,
	hm_cmd_find, hm_cmd_decide, hm_cmd_log, hm_cmd_witness, hm_cmd_doctor, hm_cmd_completion;
/* All of them, NULL-terminated, in the order of the help. */
extern const struct hm_command *const hm_commands[];
