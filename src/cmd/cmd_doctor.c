#include "commands.h"

#include "doctor.h"
#include "program.h"

static int run(const struct hm_args *args HM_UNUSED, struct hm_fail *fail)
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

const struct hm_command hm_cmd_doctor = {
	.name = "doctor",
	.summary = "tell what this kernel and user can do, and how to mend what is missing",
	.usage = "",
	.detail = "Tries what an assessment needs (each BPF program type by loading it) and says for each thing whether it\n"
		  "works and what to do when it does not. Changes nothing.\n\nexit: 0 all that is needed works; 4 something is missing.",
	.run = run,
};
