#pragma once
/* Options are data: a command is a row, its options are rows, and parsing, --help, completion and the manual pages' test
 * follow from them. */
#include "bytes.h"
#include "fail.h"

#define HM_OPTIONS_MAX 24

struct hm_option {
	const char *name;  /* long name without dashes */
	char letter;	   /* short form, or 0 */
	const char *value; /* how its value is called in help, or NULL for a flag */
	bool repeat;	   /* may be given more than once */
	const char *help;
};

struct hm_args {
	const struct hm_command *command;
	const char **value[HM_OPTIONS_MAX]; /* by the option's index; flags have "" */
	size_t values[HM_OPTIONS_MAX];
	const char **operand;
	size_t operands;
	const char *const *product; /* what stands behind "--", NULL-terminated; NULL when there is no "--" */
};

struct hm_command {
	const char *name;
	const char *summary; /* one line */
	const char *usage;   /* behind "hallmark NAME " */
	const char *detail;  /* paragraphs for --help: what it does, exit codes */
	size_t min, max;     /* operands */
	bool takes_product;  /* "-- COMMAND..." is allowed */
	const struct hm_option *options;
	size_t option_count;
	int (*run)(const struct hm_args *args, struct hm_fail *fail); /* exit code, or a negative hm_code */
	const char *absent; /* why this build lacks it, or NULL; then nothing of the above but name and summary is there */
};

/* Parses argv behind the command's name. HM_E_USAGE for an unknown option, a missing or unwanted value, an option given
 * twice, or a wrong number of operands; the text names it. 1 when --help was asked for. Release args in any case. */
int hm_args_parse(struct hm_args *args, const struct hm_command *command, int argc, char **argv, struct hm_fail *fail) HM_MUST_CHECK;
void hm_args_release(struct hm_args *args);
/* The help text from the table, appended; `program` is how the command is called. */
void hm_args_help(struct hm_bytes *out, const char *program, const struct hm_command *command);
/* Value of an option by name, the last one given; NULL when it is not there. Asking for a name that is not in the table is a
 * programmer's error (abort). */
const char *hm_args_get(const struct hm_args *args, const char *name) HM_MUST_CHECK;
/* All values of an option, *count of them. */
const char *const *hm_args_all(const struct hm_args *args, const char *name, size_t *count) HM_MUST_CHECK;
static inline bool hm_args_has(const struct hm_args *args, const char *name)
{
	return hm_args_get(args, name) != NULL;
}
