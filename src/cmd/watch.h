#pragma once
/* Daemons that run already, or that somebody else will start, recorded where they are: no chamber, no internet. Used by
 * observe. */
#include "capture.h"
#include "group.h"
#include "record.h"

struct hm_watch_spec {
	const struct hm_group *group;
	const char *record;	      /* file to create */
	unsigned time_limit_s;	      /* 0: none */
	bool no_freeze;		      /* never stop the daemons; gaps tell of what is lost */
};

struct hm_watch_result {
	enum hm_outcome outcome; /* exited: nothing lives in the group any more; timeout; interrupted: told to stop */
	struct hm_capture_stats capture;
	struct hm_record_head record;
	bool inhabited; /* something ran there before the recorder did: the record begins with a gap */
};

/* Watches until the group is empty after having held something, or removed, the time is up or hm_program_stopped. The
 * daemons go on. When it fails the file may be there, cut short. */
int hm_watch(struct hm_watch_result *result, const struct hm_watch_spec *spec, struct hm_fail *fail) HM_MUST_CHECK;
