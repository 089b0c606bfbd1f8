#include "commands.h"

#include "bundle.h"
#include "evaluate.h"
#include "fs.h"
#include "program.h"

static int run(const struct hm_args *args, struct hm_fail *fail)
{
	HM_CLEANUP(hm_fs_unmap) struct hm_map map = { 0 };
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = NULL;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes findings = { 0 };
	int code, r = hm_fs_map(&map, args->operand[0], fail);

	if (r == 0)
		r = hm_bundle_read(&parts, map.bytes, fail);
	if (r == 0)
		r = hm_bundle_check_parts(parts, true, fail);
	hm_program_working("evaluating");
	if (r == 0)
		r = hm_evaluate(&findings, parts, fail);
	if (r < 0)
		return hm_fail_in(fail, "evaluating %s", args->operand[0]);
	hm_program_done();
	code = hm_findings_exit(hm_slice_of(&findings));
	hm_bytes_u8(&findings, '\n');
	r = hm_program_print(hm_slice_of(&findings), fail);
	return r < 0 ? r : code;
}

const struct hm_command hm_cmd_evaluate = {
	.name = "evaluate",
	.summary = "derive the findings of a bundle again and print them",
	.usage = "BUNDLE",
	.detail = "Reads the core of BUNDLE and prints findings.json as this program derives it, whatever findings the\n"
		  "bundle carries (verify compares them). A pure function: the same core gives the same bytes.\n\n"
		  "exit: 0 every judged claim upheld; 1 a claim refuted, or the bundle is malformed; 2 none refuted, some\n"
		  "not verifiable.",
	.min = 1,
	.max = 1,
	.run = run,
};
