/* Which calls were made, or refused, that reach behind the recorder: reaches.def says what each makes doubtful. What is not in
 * that table and succeeded can be anything, so it makes everything doubtful: the recorder tells of no call without a reason. */
#include <stdlib.h>

#include "reconcile_internal.h"

enum { RECORD = HM_REACH_RECORD, READS = HM_REACH_READS, PATHS = HM_REACH_PATHS, PORTS = HM_REACH_PORTS };
/* Requests of which no call tells. */
enum { RING = READS | PATHS | PORTS };

static const struct row {
	const char *name;
	int nr, nr32;
	unsigned touches;
} table[] = {
#define HM_REACH(name, nr, nr32, touches) { #name, nr, nr32, touches },
#include "reaches.def"
#undef HM_REACH
};

static const struct row unknown = { "other", 0, 0, RECORD };

enum { IOCTL = 16, PTRACE = 101, PTRACE_ATTACH = 16, PTRACE_SEIZE = 0x4206 };

/* ioctl by its command: type and number, or type alone. */
static const struct {
	uint64_t mask, command;
	unsigned touches;
} commands[] = {
	{ 0xffff, 0x2101, RECORD }, /* SECCOMP_IOCTL_NOTIF_SEND: a call's result, of one that was not done */
	{ 0xffff, 0x2103, READS | PATHS }, /* SECCOMP_IOCTL_NOTIF_ADDFD */
	{ 0xffff, 0x587d, RECORD }, /* FS_IOC_SHUTDOWN */
	{ 0xffff, 0x5877, 0 }, /* FIFREEZE */
	{ 0xffff, 0x5412, 0 }, /* TIOCSTI */
	{ 0xffff, 0x54ca, 0 }, /* TUNSETIFF: packets all the same */
	{ 0xff00, 0xae00, 0 }, /* KVM: it has no calls but those of its process */
	{ 0xff00, 0xaf00, 0 }, /* vhost: packets all the same */
};

static const struct row *row_of(uint64_t nr)
{
	bool compat = nr & HM_NR_COMPAT;
	uint64_t bare = nr & ~(uint64_t)HM_NR_COMPAT;

	for (size_t i = 0; i < HM_COUNT(table); i++) {
		int own = compat ? table[i].nr32 : table[i].nr;

		if (own >= 0 && bare == (uint64_t)own)
			return &table[i];
	}
	return &unknown;
}

/* Whoever traces another's task can make it do things. A child that lets itself be traced is a task of the product's, and what it
 * does is recorded. */
static unsigned touches_of(const struct row *row, const struct hm_event *call)
{
	uint64_t arg0 = call->field[HM_CALL_ARG0].u, arg1 = call->field[HM_CALL_ARG1].u;

	if (row->nr == PTRACE)
		return arg0 == PTRACE_ATTACH || arg0 == PTRACE_SEIZE ? RECORD : 0;
	if (row->nr != IOCTL)
		return row->touches;
	for (size_t i = 0; i < HM_COUNT(commands); i++)
		if ((arg1 & commands[i].mask) == commands[i].command)
			return commands[i].touches;
	return row->touches;
}

/* They are few: each name stands once with each thing that it touches. */
static struct hm_reach *reach_of(struct hm_reconciled *out, const char *name, unsigned touches)
{
	for (size_t i = 0; i < out->reach_count; i++)
		if (strcmp(out->reaches[i].name, name) == 0 && out->reaches[i].touches == touches)
			return &out->reaches[i];
	out->reaches = hm_realloc(out->reaches, out->reach_count + 1, sizeof(*out->reaches));
	out->reaches[out->reach_count] = (struct hm_reach){ .name = name, .touches = touches };
	return &out->reaches[out->reach_count++];
}

void hm_reaches_event(struct hm_reconciled *out, const struct hm_event *event, uint64_t position)
{
	const struct row *row = row_of(event->field[HM_CALL_NR].u);
	struct hm_reach *reach;

	if (event->kind == HM_EV_DENY) {
		reach_of(out, row->name, 0)->denied++;
		return;
	}
	reach = reach_of(out, row->name, touches_of(row, event));
	if (!reach->done++)
		reach->first = position;
}

static int by_name(const void *a, const void *b)
{
	const struct hm_reach *x = a, *y = b;
	int r = strcmp(x->name, y->name);

	return r ? r : (x->touches > y->touches) - (x->touches < y->touches);
}

void hm_reaches_end(struct hm_reconciled *out)
{
	if (out->reach_count)
		qsort(out->reaches, out->reach_count, sizeof(*out->reaches), by_name);
}

_Static_assert(HM_CALL_NR == 0 && HM_DENY_NR == 0, "the number comes first");
