#pragma once
/* The call tables, and the call that a task is in as its registers tell. */
#include "recorder.bpf.h"

#define TS_COMPAT 2 /* thread_info.status: an i386 call */
#define X32_BIT 0x40000000
#define LAST_ROW (HM_CALLS_MAX - 1) /* of a number that nobody has judged; stands for all beyond it */

#define NR_IO_URING_ENTER 426 /* in every table */
#define PF_IO_WORKER 0x10

/* Filled by the loader from calls.def. */
const volatile struct hm_call_rule calls[HM_CALL_TABLES][HM_CALLS_MAX];

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct task_struct___uring {
	void *io_uring;
};

#pragma clang attribute pop

static __always_inline __u32 call_table(struct task_struct *task, __u32 nr)
{
	if (task->thread_info.status & TS_COMPAT)
		return HM_CALLS_32;
	return nr & X32_BIT ? HM_CALLS_X32 : HM_CALLS_64;
}

/* x32's bit is off already, here and below. */
static __always_inline const volatile struct hm_call_rule *rule_of(__u64 nr, __u32 table)
{
	if (nr > LAST_ROW)
		nr = LAST_ROW;
	FORGET(nr); /* the row is computed from what was checked */
	return &calls[table][nr];
}

/* A call's number as events have it. */
static __always_inline __u32 reported_call(__u32 nr, __u32 table)
{
	__u32 row = nr < LAST_ROW ? calls[table][nr].nr : 0; /* 0 also for calls of no interest */

	return (row ? row : nr) | (table == HM_CALLS_32 ? HM_NR_COMPAT : 0);
}

/* A request of an io_uring may be worked on behind the end of one call and before the end of the next. */
static __always_inline bool uses_io_uring(struct task_struct *task)
{
	return ((struct task_struct___uring *)task)->io_uring;
}
