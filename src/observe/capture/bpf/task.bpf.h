#pragma once
/* Tasks: what they may do. */
#include "memory.bpf.h"
#include "rights.bpf.h"

#define PR_SET_KEEPCAPS 8
#define PR_SET_SECCOMP 22
#define PR_CAPBSET_DROP 24
#define PR_SET_SECUREBITS 28
#define PR_SET_NO_NEW_PRIVS 38
#define PR_CAP_AMBIENT 47

static __always_inline __u64 pid_namespace_of(struct task_struct *task)
{
	struct pid *pid = READ(task, thread_pid);
	unsigned int level = READ(pid, level);
	struct upid *numbers = (void *)pid + bpf_core_field_offset(struct pid, numbers);
	struct upid *upid = (void *)numbers + (__u64)level * bpf_core_type_size(struct upid);

	return BPF_CORE_READ(upid, ns, ns.inum);
}

/* argv as it lies on the new program's stack, behind the path; returns how much of it was taken. */
static __always_inline __u32 put_argv(struct scratch *s, __u32 at, __u64 start, __u64 len)
{
	__u32 part = len < ARGV_MAX_BYTES ? len : ARGV_MAX_BYTES;

	FORGET(part);
	FORGET(at);
	if (part > ARGV_MAX_BYTES || at > PATH_MAX_BYTES)
		return 0;
	if (bpf_probe_read_user(s->out + RAW_SIZE(EXEC) + at, part, (void *)start))
		return 0;
	return part;
}

static __noinline int emit_exec(struct scratch *s, struct file *file)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 start = BPF_CORE_READ(task, mm, arg_start), end = BPF_CORE_READ(task, mm, arg_end);
	struct raw_EXEC *e;
	__u32 path, argv;
	bool held;

	if (!s)
		return 0;
	look_at(s, file);
	held = begin_hold(s, file);
	e = BEGIN(s, EXEC);
	COPY_IDENTITY(e, s);
	COPY_RIGHTS(e, task, cred);
	e->ARGV_LEN = end > start ? end - start : 0;
	e->NS_MNT = BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum);
	e->NS_NET = BPF_CORE_READ(task, nsproxy, net_ns, ns.inum);
	e->NS_USER = BPF_CORE_READ(task, cred, user_ns, ns.inum);
	e->NS_PID = pid_namespace_of(task);
	path = put_path(s, RAW_SIZE(EXEC));
	argv = put_argv(s, path, start, e->ARGV_LEN);
	LENGTHS(s, EXEC)->PATH = path;
	LENGTHS(s, EXEC)->ARGV = argv;
	END(s, EXEC, path + argv);
	end_hold(held);
	return 0;
}

__noinline int on_cred(struct scratch *s)
{
	NEEDS(s);
	struct task_struct *task = bpf_get_current_task_btf();
	struct raw_CRED *e = BEGIN(s, CRED);

	e->NR = s->call.nr;
	COPY_RIGHTS(e, task, cred);
	return END(s, CRED, 0);
}

__noinline int on_prctl(struct scratch *s)
{
	NEEDS(s);
	switch (s->call.arg[0]) {
	case PR_SET_KEEPCAPS:
	case PR_SET_SECCOMP:
	case PR_CAPBSET_DROP:
	case PR_SET_SECUREBITS:
	case PR_SET_NO_NEW_PRIVS:
	case PR_CAP_AMBIENT:
		return on_cred(s);
	}
	return 0;
}
