#pragma once
/* What `hallmark log` does, a file for each half. */
#include "options.h"

/* One of its verbs: operands behind the verb, and the options that it takes. */
struct hm_log_verb {
	const char *name;
	size_t min, max;
	const char *usage;
	const char *takes; /* names of options, a space before and behind each */
	int (*run)(const struct hm_args *args, struct hm_fail *fail);
};

/* cmd_log_write.c */
int hm_log_run_create(const struct hm_args *args, struct hm_fail *fail) HM_MUST_CHECK;
int hm_log_run_append(const struct hm_args *args, struct hm_fail *fail) HM_MUST_CHECK;
int hm_log_run_publish(const struct hm_args *args, struct hm_fail *fail) HM_MUST_CHECK;
