#pragma once
/* What the two programs share: dispatch over a command table, the one place where errors are printed, output. */
#include "options.h"

struct hm_program {
	const char *name;
	const char *about;		     /* first lines of the general help */
	const struct hm_command *const *commands; /* NULL-terminated */
	const struct hm_command *only;	     /* a program that is one command: no command word is expected */
};

/* The whole of main(): finds the command, parses, runs, prints an error once, returns the exit code. */
int hm_program_main(const struct hm_program *program, int argc, char **argv) HM_MUST_CHECK;
/* Writes to standard output; a full disk or closed pipe there is HM_E_SYSTEM. */
int hm_program_print(struct hm_slice text, struct hm_fail *fail) HM_MUST_CHECK;
/* One line to standard error, "hallmark: " before it. */
void hm_program_note(const char *format, ...) HM_PRINTF(1, 2);
/* Set by SIGINT, SIGTERM and SIGHUP; long work asks. */
bool hm_program_stopped(void) HM_MUST_CHECK;
/* From here on the first of those signals sets the flag, and a second, a second later or more, ends the program at once. */
void hm_program_catch_signals(void);
/* One line on a terminal, in the place of the last; nothing elsewhere. */
void hm_program_progress(const char *format, ...) HM_PRINTF(1, 2);
/* Between these two a terminal on standard error shows, from the second second on, what is going on and for how long. `what`
 * is static text. Nothing is shown elsewhere. `done` also ends a line of progress. */
void hm_program_working(const char *what);
void hm_program_done(void);
