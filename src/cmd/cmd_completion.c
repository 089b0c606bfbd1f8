#include "commands.h"

#include "program.h"

static int run(const struct hm_args *args, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };

	if (strcmp(args->operand[0], "bash") != 0)
		return hm_fail_set(fail, HM_E_USAGE, "no completion for %s (bash is there)", args->operand[0]);
	hm_bytes_text(&out, "# bash completion for hallmark, made by: hallmark completion bash\n"
			    "_hallmark() {\n\tlocal word=${COMP_WORDS[COMP_CWORD]} words=\n\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n\t\twords='");
	for (size_t i = 0; hm_commands[i]; i++)
		hm_bytes_printf(&out, "%s%s", i ? " " : "", hm_commands[i]->name);
	hm_bytes_text(&out, "'\n\telse\n\t\tcase ${COMP_WORDS[1]} in\n");
	for (size_t i = 0; hm_commands[i]; i++) {
		hm_bytes_printf(&out, "\t\t%s) words='--help", hm_commands[i]->name);
		for (size_t k = 0; k < hm_commands[i]->option_count; k++)
			hm_bytes_printf(&out, " --%s", hm_commands[i]->options[k].name);
		hm_bytes_text(&out, "' ;;\n");
	}
	hm_bytes_text(&out, "\t\tesac\n\tfi\n\tcase $word in\n\t-* | '') mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\") ;;\n"
			    "\t*) mapfile -t COMPREPLY < <(if [ \"$COMP_CWORD\" -eq 1 ]; then compgen -W \"$words\" -- \"$word\"; else compgen "
			    "-f -- \"$word\"; fi) ;;\n\tesac\n}\ncomplete -F _hallmark hallmark\n");
	return hm_program_print(hm_slice_of(&out), fail);
}

const struct hm_command hm_cmd_completion = {
	.name = "completion",
	.summary = "print shell completion",
	.usage = "bash",
	.detail = "Prints completion for bash, made from the command table: source <(hallmark completion bash)",
	.min = 1,
	.max = 1,
	.run = run,
};
