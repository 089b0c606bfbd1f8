/* Calls that reach behind the recorder or around a witness, as a table. What is not in it and succeeded counts as one that
 * can falsify the record: the recorder tells of no call without a reason, and a later one may tell of more. */
#include <stdlib.h>

#include "reconcile_internal.h"

enum {
	NONE = -1,
	PTRACE = 101,
	PTRACE_32 = 26,
	ATTACH = 16,
	SEIZE = 0x4206,
	ALL = HM_REACH_RECORD,
	FACT = 0,
	NAMES = HM_REACH_READS | HM_REACH_PATHS, /* what a path names can be chosen */
	RINGS = HM_REACH_READS | HM_REACH_PATHS | HM_REACH_PORTS, /* calls that no call is made for */
};

/* Numbers of x86-64 and of i386. Sorted by name. */
static const struct {
	const char *name;
	int nr, nr32;
	unsigned touches;
} table[] = {
	{ "adjtimex", 159, 124, ALL },
	{ "bpf", 321, 357, ALL },
	{ "chroot", 161, 61, FACT }, /* paths are told from the chamber's root */
	{ "clock_adjtime", 305, 343, ALL },
	{ "clock_adjtime64", NONE, 405, ALL },
	{ "clock_settime", 227, 264, ALL },
	{ "clock_settime64", NONE, 404, ALL },
	{ "delete_module", 176, 129, ALL },
	{ "fanotify_init", 300, 338, FACT }, /* its descriptors are opens */
	{ "finit_module", 313, 350, ALL },
	{ "fsmount", 432, 432, NAMES },
	{ "fsopen", 430, 430, NAMES },
	{ "futimesat", 261, 299, FACT },
	{ "init_module", 175, 128, ALL },
	{ "io_setup", 206, 245, HM_REACH_READS },
	{ "io_submit", 209, 248, HM_REACH_READS },
	{ "io_uring_enter", 426, 426, RINGS },
	{ "io_uring_register", 427, 427, RINGS },
	{ "io_uring_setup", 425, 425, RINGS },
	{ "ioperm", 173, 101, ALL },
	{ "iopl", 172, 110, ALL },
	{ "kexec_file_load", 320, NONE, ALL },
	{ "kexec_load", 246, 283, ALL },
	{ "memfd_create", 319, 356, FACT }, /* an open */
	{ "memfd_secret", 447, NONE, FACT },
	{ "mount", 165, 21, NAMES },
	{ "mount_setattr", 442, 442, NAMES },
	{ "move_mount", 429, 429, NAMES },
	{ "name_to_handle_at", 303, 341, FACT },
	{ "open_by_handle_at", 304, 342, FACT }, /* an open */
	{ "open_tree", 428, 428, NAMES },
	{ "perf_event_open", 298, 336, ALL },
	{ "pidfd_getfd", 438, 438, FACT }, /* an open */
	{ "pivot_root", 155, 217, NAMES },
	{ "process_vm_readv", 310, 347, HM_REACH_READS },
	{ "process_vm_writev", 311, 348, ALL },
	{ "ptrace", PTRACE, PTRACE_32, FACT },
	{ "ptrace attach", NONE, NONE, ALL },
	{ "reboot", 169, 88, ALL },
	{ "setns", 308, 346, FACT },
	{ "settimeofday", 164, 79, ALL },
	{ "stime", NONE, 25, ALL },
	{ "umount", NONE, 22, NAMES },
	{ "umount2", 166, 52, NAMES },
	{ "unshare", 272, 310, FACT },
	{ "userfaultfd", 323, 374, FACT },
	{ "utime", 132, 30, FACT },
	{ "utimensat", 280, 320, FACT },
	{ "utimensat_time64", NONE, 412, FACT },
	{ "utimes", 235, 271, FACT },
};

/* Whoever traces another's task can make it do things; a child that lets itself be traced is a task of the product's, and what it does
 * is recorded. */
static bool attaches(const struct hm_event *event)
{
	uint64_t nr = event->field[HM_CALL_NR].u, request = event->field[event->kind == HM_EV_CALL ? HM_CALL_ARG0 : HM_DENY_ARG0].u;

	return (nr == PTRACE || nr == (PTRACE_32 | HM_NR_COMPAT)) && (request == ATTACH || request == SEIZE);
}

static size_t row_of(const struct hm_event *event)
{
	uint64_t nr = event->field[HM_CALL_NR].u;
	bool compat = nr & HM_NR_COMPAT, attach = attaches(event);

	for (size_t i = 0; i < HM_COUNT(table); i++) {
		if (attach ? strcmp(table[i].name, "ptrace attach") == 0 :
			     (int64_t)(nr & ~(uint64_t)HM_NR_COMPAT) == (compat ? table[i].nr32 : table[i].nr))
			return i;
	}
	return HM_COUNT(table);
}

/* They are few: each name stands once. */
static struct hm_reach *reach_of(struct hm_reconciled *out, const char *name, unsigned touches)
{
	for (size_t i = 0; i < out->reach_count; i++)
		if (strcmp(out->reaches[i].name, name) == 0)
			return &out->reaches[i];
	out->reaches = hm_realloc(out->reaches, out->reach_count + 1, sizeof(*out->reaches));
	out->reaches[out->reach_count] = (struct hm_reach){ .name = name, .touches = touches };
	return &out->reaches[out->reach_count++];
}

void hm_reaches_event(struct hm_reconciled *out, const struct hm_event *event, uint64_t position)
{
	size_t row = row_of(event);
	bool known = row < HM_COUNT(table);
	struct hm_reach *reach;

	reach = reach_of(out, known ? table[row].name : "other", known ? table[row].touches : ALL);
	if (event->kind == HM_EV_DENY) {
		reach->denied++;
		return;
	}
	if (!reach->done++)
		reach->first = position;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct hm_reach *)a)->name, ((const struct hm_reach *)b)->name);
}

void hm_reaches_end(struct hm_reconciled *out)
{
	if (out->reach_count)
		qsort(out->reaches, out->reach_count, sizeof(*out->reaches), by_name);
}
