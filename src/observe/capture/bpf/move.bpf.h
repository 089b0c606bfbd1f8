#pragma once
/* Tasks that come into the watched cgroup, and tasks that leave it: after a fork, and when somebody moves them.
 *
 * The tracepoint of a move tells the new cgroup and not the old one. So each task that was in scope is marked when it is made,
 * when it comes in, and when a look finds it (bpf/look.bpf.c); a move to elsewhere is told of marked tasks alone. */
#include "group.bpf.h"
#include "task.bpf.h"

#define CLONE_INTO_CGROUP 0x200000000ull

static __always_inline void mark(struct task_struct *task, bool watched)
{
	struct task_state *of = bpf_task_storage_get(&tasks, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (of)
		of->watched = watched;
}

static __always_inline bool is_marked(struct task_struct *task)
{
	struct task_state *of = bpf_task_storage_get(&tasks, task, 0, 0);

	return of && of->watched;
}

/* MOVE; `path` is the kernel's, may be NULL. */
static __noinline int emit_move(struct scratch *s, struct task_struct *task, bool inside, const char *path)
{
	struct raw_MOVE *e;
	long len = 0;

	if (!s)
		return 0;
	e = BEGIN(s, MOVE);
	e->MOVED_TGID = READ(task, tgid);
	e->MOVED_TID = READ(task, pid);
	e->INSIDE = inside;
	if (path)
		len = bpf_probe_read_kernel_str(s->out + RAW_SIZE(MOVE), PATH_MAX_BYTES, path);
	len = len > 0 && len <= PATH_MAX_BYTES ? len - 1 : 0;
	LENGTHS(s, MOVE)->PATH = len;
	return END(s, MOVE, len);
}

static __noinline int emit_fork(struct scratch *s, struct task_struct *child, __u64 flags)
{
	struct raw_FORK *e;

	if (!s)
		return 0;
	e = BEGIN(s, FORK);
	e->CHILD_TGID = READ(child, tgid);
	e->CHILD_TID = READ(child, pid);
	e->FLAGS = flags;
	return END(s, FORK, 0);
}
