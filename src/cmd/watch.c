#include "watch.h"

#include <time.h>

#include "program.h"
#include "recording.h"

static time_t now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

static int follow(struct hm_recording *recording, const struct hm_watch_spec *spec, enum hm_outcome *outcome, struct hm_fail *fail)
{
	bool lived = recording->inhabited;
	time_t begun = now_s();
	int r = 0;

	*outcome = HM_OUTCOME_EXITED;
	while (*outcome == HM_OUTCOME_EXITED) {
		/* Asked before the step: what the last process did is in the ring by then. */
		bool lives = hm_group_populated(spec->group->fd);

		r = hm_recording_step(recording, fail);
		if (r < 0 || (lived && !lives) || faccessat(spec->group->fd, "cgroup.events", F_OK, 0) < 0)
			break;
		lived |= lives;
		if (hm_program_stopped())
			*outcome = HM_OUTCOME_INTERRUPTED;
		else if (spec->time_limit_s && now_s() - begun >= (time_t)spec->time_limit_s)
			*outcome = HM_OUTCOME_TIMEOUT;
		hm_recording_progress(recording, "watching", false);
	}
	hm_recording_progress(recording, "watching", true);
	return r < 0 ? r : hm_recording_look(recording, HM_LOOK_END, fail);
}

int hm_watch(struct hm_watch_result *result, const struct hm_watch_spec *spec, struct hm_fail *fail)
{
	HM_CLEANUP(hm_recording_release) struct hm_recording recording = { 0 };
	const struct hm_recording_spec what = { .record = spec->record, .number = 1, .cgroup = spec->group->fd,
						.cgroup_id = spec->group->id, .no_freeze = spec->no_freeze };
	struct hm_event end = { 0 };
	int r = hm_recording_open(&recording, &what, fail);

	*result = (struct hm_watch_result){ .inhabited = recording.inhabited };
	if (r == 0)
		r = follow(&recording, spec, &result->outcome, fail);
	if (r == 0)
		r = hm_capture_stop(recording.capture, &result->capture, fail);
	if (r < 0)
		return r;
	end.field[HM_END_OUTCOME].u = result->outcome;
	return hm_recording_end(&recording, &end, &result->capture, &result->record, fail);
}
