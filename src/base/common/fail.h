#pragma once
/* Errors with context.
 *
 * A function that can fail returns 0 or one of the negative codes below and, where it has a cause to tell, writes it
 * into the `struct hm_fail` that it takes last. Library code never prints: a command prints the text once, as
 * `hallmark: what failed: why (what to do)`, and turns the code into an exit code (hm_fail_exit).
 * On failure outputs are untouched unless a header says otherwise. */
#include "cleanup.h"

enum hm_code {
	HM_E_BAD = -1,         /* input that is malformed, or evidence that is false: exit 1 */
	HM_E_UNKNOWN = -2,     /* a version, semantics or key that this program does not know: exit 2 */
	HM_E_USAGE = -3,       /* wrong usage: exit 3 */
	HM_E_SYSTEM = -4,      /* it could not run: a missing file, no privilege, a full disk: exit 4 */
	HM_E_INTERRUPTED = -5, /* a signal asked it to stop: exit 130 */
};

struct hm_fail {
	int code;
	char text[1024];
};

/* Sets `code` and the text; returns `code`, so that `return hm_fail_set(...)` is one statement. `fail` may be NULL. */
int hm_fail_set(struct hm_fail *fail, int code, const char *format, ...) HM_PRINTF(3, 4);

/* Same with HM_E_SYSTEM and ": " and the message of errno behind the text. errno is read first and kept. */
int hm_fail_errno(struct hm_fail *fail, const char *format, ...) HM_PRINTF(2, 3);

/* Puts "context: " before the text that is there already; returns the code that is there. */
int hm_fail_in(struct hm_fail *fail, const char *format, ...) HM_PRINTF(2, 3);

/* Puts " (advice)" behind the text that is there already; returns the code that is there. */
int hm_fail_advise(struct hm_fail *fail, const char *format, ...) HM_PRINTF(2, 3);

/* The exit code that CONTRACTS.md section 1 gives to `code`; 0 for 0. */
int hm_fail_exit(int code) HM_MUST_CHECK;
