#pragma once
/* The self-test of this machine's recorder, in a chamber made as an assessment's is. */
#include "json.h"
#include "selftest.h"
#include "surroundings.h"

struct hm_self_test {
	const char *without; /* set it before: a program that the recorder leaves out, for tests; NULL */
	const struct hm_control_spec *control; /* set it before: noise as the runs will have it, or NULL */
	struct hm_capture_loaded **loaded; /* set it before: of struct hm_run_spec */
	struct hm_selftest_row rows[HM_SELFTEST_ROWS];
	size_t count;
	bool green;
	uint64_t took_ns;
};

/* Runs it in `mode`, with what it needs in a folder of its own below `folder`. A self-test that is not green is no failure of
 * this function; HM_E_SYSTEM when it could not be run. */
int hm_self_test_run(struct hm_self_test *t, struct hm_surroundings *s, const char *folder, enum hm_internet_mode mode,
		     struct hm_fail *fail) HM_MUST_CHECK;
/* As it stands in assessment.json (doc/format/core.md), in fresh memory. */
json_t *hm_self_test_json(const struct hm_self_test *t) HM_MUST_CHECK;
/* 0 when it is green; HM_E_SYSTEM with every way that was missed. */
int hm_self_test_demand(const struct hm_self_test *t, struct hm_fail *fail) HM_MUST_CHECK;
