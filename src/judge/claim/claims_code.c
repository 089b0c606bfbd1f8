/* What was executed, or mapped to be executed. Files that an interpreter reads are not code here: nothing in the kernel's
 * events tells a script from data. */
#include "claim_internal.h"

static const char *reason_of(const struct hm_core *core, const struct hm_file_fact *fact)
{
	const struct hm_installed *installed;
	const char *origin;

	if (fact->layer == HM_LAYER_NONE && !fact->path.len)
		return "code.generated"; /* memory without a file: made at run time */
	if (fact->layer != HM_LAYER_LOWER)
		return "code.foreign";
	installed = hm_core_installed(core, fact->path);
	if (!installed || !installed->package)
		return "code.unowned";
	origin = hm_text_of(installed->file, "origin");
	if (strcmp(origin, "package") == 0)
		return "code.installed";
	return strcmp(origin, "differs") == 0 ? "code.altered" : "code.unlisted";
}

void hm_claim_code(struct hm_judgement *j, const struct hm_core *core, const struct hm_run *run)
{
	for (size_t i = 0; i < run->file_count; i++) {
		const struct hm_file_fact *fact = run->files[i];
		const char *reason;
		struct hm_ground *g;

		if (fact->act != HM_ACT_EXEC && fact->act != HM_ACT_MAP)
			continue;
		reason = reason_of(core, fact);
		g = hm_ground(j, reason);
		hm_ground_add(g, "files", 1);
		if (strcmp(reason, "code.installed") != 0)
			hm_ground_event(g, run, fact->event);
	}
}
