#pragma once
/* What `hallmark log` does, a file for each half. */
#include "options.h"
#include "web.h"

/* One of its verbs: operands behind the verb, and the options that it takes. */
struct hm_log_verb {
	const char *name;
	size_t min, max;
	const char *usage;
	const char *takes; /* names of options, a space before and behind each */
	int (*run)(const struct hm_args *args, struct hm_fail *fail);
};

/* Answers a GET of a file of the log; `context` is its source. Whatever is not one of its names is not there, so nothing else in the folder can be had. */
void hm_log_serve_file(void *context, const struct hm_web_request *request, struct hm_web_answer *answer);

/* cmd_log_accept.c */
int hm_log_run_accept(const struct hm_args *args, struct hm_fail *fail) HM_MUST_CHECK;
/* cmd_log_enter.c */
int hm_log_run_enter(const struct hm_args *args, struct hm_fail *fail) HM_MUST_CHECK;
/* cmd_log_write.c */
int hm_log_run_create(const struct hm_args *args, struct hm_fail *fail) HM_MUST_CHECK;
int hm_log_run_append(const struct hm_args *args, struct hm_fail *fail) HM_MUST_CHECK;
int hm_log_run_publish(const struct hm_args *args, struct hm_fail *fail) HM_MUST_CHECK;
