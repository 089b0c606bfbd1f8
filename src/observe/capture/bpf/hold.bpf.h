#pragma once
/* Code that is held: the task that maps it stops at the end of that call, until user space has looked at the file (tls.c). That is
 * code that was made in the chamber or has no file system, and what bears the name of a library that speaks TLS. */
#include "names.bpf.h"

const volatile bool hold_code; /* set by the loader; false where nothing may be stopped */

/* Six letters as a name begins with them in memory. */
#define SIX(a, b, c, d, e, f) ((__u64)(a) | (__u64)(b) << 8 | (__u64)(c) << 16 | (__u64)(d) << 24 | (__u64)(e) << 32 | (__u64)(f) << 40)
#define SIX_MASK ((1ull << 48) - 1)

static __always_inline bool has_name(struct file *file)
{
	struct dentry *dentry = READ(file, f_path.dentry);
	const unsigned char *text = BPF_CORE_READ(dentry, d_name.name);
	__u64 name = 0;

	bpf_probe_read_kernel(&name, 6, text);
	switch (name & SIX_MASK) {
	case SIX('l', 'i', 'b', 's', 's', 'l'):
	case SIX('l', 'i', 'b', 'g', 'n', 'u'):
	case SIX('l', 'i', 'b', 'n', 's', 'p'):
	case SIX('l', 'i', 'b', 'm', 'b', 'e'):
	case SIX('l', 'i', 'b', 'w', 'o', 'l'):
		return true;
	}
	return false;
}

/* What no product made in a chamber: the host's own, or everything where there is no chamber. */
static __always_inline bool is_installed(__u64 layer)
{
	return layer == HM_LAYER_LOWER || layer == HM_LAYER_PLAIN;
}

/* Before the event is made that shows s->file to be mapped as code. */
static __noinline bool begin_hold(struct scratch *s, struct file *file)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct hm_hold hold = { task->tgid, task->pid };
	__u64 ino = s->file.ino;

	if (!hold_code || !s->file.ino || (is_installed(s->file.layer) && !has_name(file)))
		return false;
	s->wake = bpf_map_update_elem(&holds, &hold, &ino, BPF_ANY) == 0;
	return s->wake;
}

/* Behind that event. */
static __always_inline void end_hold(bool held)
{
	if (held)
		stop_current(0);
}
