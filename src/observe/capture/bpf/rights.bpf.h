#pragma once
/* What a task may do, and its number. */
#include "core_fixes.bpf.h"

#define PFA_NO_NEW_PRIVS 1 /* bit 0 of task_struct.atomic_flags */

/* EXEC, CRED and ALIVE have these fields by the same names. `creds` is cred of the current task; of another one real_cred,
 * since the kernel may be acting in its name with somebody else's at this moment. */
#define COPY_RIGHTS(event, task, creds)                                                                \
	do {                                                                                    \
		struct cred *cred_ = READ(task, creds);                                \
		(event)->UID = READ(cred_, uid.val);                                   \
		(event)->EUID = READ(cred_, euid.val);                                 \
		(event)->GID = READ(cred_, gid.val);                                   \
		(event)->EGID = READ(cred_, egid.val);                                 \
		bpf_core_read(&(event)->CAP_EFF, sizeof(__u64), &cred_->cap_effective);         \
		bpf_core_read(&(event)->CAP_PRM, sizeof(__u64), &cred_->cap_permitted);         \
		bpf_core_read(&(event)->CAP_BND, sizeof(__u64), &cred_->cap_bset);              \
		(event)->NNP = READ(task, atomic_flags) & PFA_NO_NEW_PRIVS;            \
		(event)->SECCOMP = READ(task, seccomp.mode);                           \
	} while (0)

/* A task's number in the pid namespace of that level, 0 where it is not in it. */
static __always_inline int number_at(struct pid *pid, __u32 level)
{
	struct upid *numbers = (void *)pid + bpf_core_field_offset(struct pid, numbers);
	struct upid *upid = (void *)numbers + (__u64)level * bpf_core_type_size(struct upid);

	return level <= READ(pid, level) ? READ(upid, nr) : 0;
}
