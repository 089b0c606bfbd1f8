#include "commands.h"

#include "comparison.h"
#include "program.h"

static const struct hm_option options[] = {
	HM_REPLIES_OPTIONS,
	{ "json", 'j', NULL, false, "print hallmark/comparison/v1" },
	{ "quiet", 'q', NULL, false, "print nothing; the exit code tells" },
};

static int run(const struct hm_args *args, struct hm_fail *fail)
{
	HM_CLEANUP(hm_compared_release) struct hm_compared old = { 0 }, new = { 0 };
	HM_CLEANUP(hm_replies_release) struct hm_replies replies = { 0 };
	int r = hm_replies_load(&replies, args, fail);

	if (r < 0)
		return r;
	hm_program_working("verifying both");
	r = hm_compared_open(&old, args->operand[0], fail);
	if (r == 0)
		r = hm_compared_open(&new, args->operand[1], fail);
	hm_program_done();
	return r < 0 ? r : hm_comparison(&old, &new, &replies, hm_args_has(args, "json"), hm_args_has(args, "quiet"), fail);
}

const struct hm_command hm_cmd_compare = {
	.name = "compare",
	.summary = "tell what is not the same in two bundles",
	.usage = "OLD NEW [--reply FILE --supplier-key PUB]... [--json]",
	.detail = "Derives the findings of both bundles again and tells which verdicts, influences, endpoints and files of the\n"
		  "product differ: of two versions of a product, or of two assessments of one. Whose word they are is not looked\n"
		  "at (verify does).\n\n"
		  "exit: 0 the same verdicts and influence; 1 different, or one is false or malformed; 2 not comparable (another\n"
		  "claim set, semantics, factors or internet).",
	.min = 2,
	.max = 2,
	.options = options,
	.option_count = HM_COUNT(options),
	.run = run,
};
