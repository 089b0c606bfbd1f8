#pragma once
/* A process that reads hostile bytes may do nothing else: after this call it can read below the given paths, compute, and write to the
 * descriptors that it has. It can open nothing for writing, execute nothing, make no process, no socket, and it has no more
 * memory than its bound.
 *
 * seccomp (an allow list; anything else is refused with EPERM), Landlock where the kernel has it, rlimits; and root becomes nobody, who may read everything. What a user may
 * cut off (O_TRUNC) Landlock keeps from it since Linux 6.2. What is missing of these is told, since
 * then less is enforced. Sources: seccomp(2), landlock(7). */
#include "bytes.h"
#include "fail.h"

enum hm_confine_missing { HM_CONFINE_LANDLOCK = 1 }; /* bits */

struct hm_confine {
	const char *const *readable; /* paths that stay readable, with all below; NULL-terminated */
	size_t memory;		     /* bytes of its own (RLIMIT_DATA) */
};

/* For ever, and for this process alone: call it in a child with one thread. Returns 0 or bits of what is missing; HM_E_SYSTEM: it is not confined, and must not go on. */
int hm_confine(const struct hm_confine *confine, struct hm_fail *fail) HM_MUST_CHECK;
