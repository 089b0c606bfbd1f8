#pragma once
/* Mappings: of files by mmap, executable ones also by mprotect, shmat and execve itself. */
#include "hold.bpf.h"

#define PROT_READ 1
#define PROT_EXEC 4
#define MAP_PRIVATE 2
#define MAP_ANONYMOUS 0x20
#define SHM_EXEC 0100000
#define READ_IMPLIES_EXEC 0x0400000
#define VM_READ 1
#define VM_WRITE 2
#define VM_EXEC 4
#define PROTECT_RANGES 64 /* mappings that one mprotect is followed through */

#define AT_BASE 7
#define AUXV_WORDS 40
#define NR_EXECVE 59
#define EBUSY 16

struct found {
	__u64 start, end, flags, offset;
	struct file *file;
};

struct seek {
	struct found found;
	__u64 address;
	long failed;
};

static long on_vma(struct task_struct *task, struct vm_area_struct *vma, struct found *found)
{
	found->start = vma->vm_start;
	found->end = vma->vm_end;
	found->flags = vma->vm_flags;
	found->offset = vma->vm_pgoff * PAGE;
	found->file = vma->vm_file;
	return 0;
}

/* The mapping that `address` lies in. False also where somebody else changes mappings at this moment. */
static __always_inline bool find(struct found *found, __u64 address)
{
	__builtin_memset(found, 0, sizeof(*found));
	return bpf_find_vma(bpf_get_current_task_btf(), address, on_vma, found, 0) == 0;
}

#define FIND_TRIES 1000

static long find_step(__u32 i, void *ctx)
{
	struct seek *seek = ctx;

	seek->failed = bpf_find_vma(bpf_get_current_task_btf(), seek->address, on_vma, &seek->found, 0);
	return seek->failed != -EBUSY;
}

/* The same, and somebody else's change is waited for: a thread can make some, not for ever. */
static __always_inline bool find_for_sure(struct seek *seek, __u64 address)
{
	__builtin_memset(seek, 0, sizeof(*seek));
	seek->address = address;
	seek->failed = -EBUSY;
	bpf_loop(FIND_TRIES, find_step, seek, 0);
	return seek->failed == 0;
}

/* MAP, with what is in s->map; `file` may be NULL. */
static __noinline int emit_map(struct scratch *s, struct file *file)
{
	struct raw_MAP *e;
	__u32 len = 0;
	bool held = false;

	if (!s)
		return 0;
	if (file) {
		look_at(s, file);
		name_first(s, file, s->fd);
		held = (s->map.prot & PROT_EXEC) && begin_hold(s, file);
	}
	e = BEGIN(s, MAP);
	e->NR = s->call.nr;
	e->OFFSET = s->map.offset;
	e->LENGTH = s->map.length;
	e->PROT = s->map.prot;
	e->FLAGS = s->map.flags;
	if (file) {
		COPY_IDENTITY(e, s);
		len = put_path(s, RAW_SIZE(MAP));
	}
	LENGTHS(s, MAP)->PATH = len;
	END(s, MAP, len);
	end_hold(held);
	return 0;
}

static __always_inline __u64 real_prot(__u64 prot)
{
	struct task_struct *task = bpf_get_current_task_btf();

	if ((prot & PROT_READ) && (task->personality & READ_IMPLIES_EXEC))
		prot |= PROT_EXEC;
	return prot;
}

__noinline int on_mmap(struct scratch *s)
{
	NEEDS(s);
	__u32 old[6] = { 0 };
	struct seek seek;

	if (s->call.how == HM_MMAP_OLD) {
		bpf_probe_read_user(old, sizeof(old), (void *)s->call.arg[0]);
		s->call.arg[1] = old[1];
		s->call.arg[2] = old[2];
		s->call.arg[3] = old[3];
		s->call.arg[4] = old[4];
		s->call.arg[5] = old[5];
	}
	s->map.length = s->call.arg[1];
	s->map.prot = real_prot(s->call.arg[2]);
	s->map.flags = (__u32)s->call.arg[3];
	s->map.offset = s->call.how == HM_MMAP_PAGES ? s->call.arg[5] * PAGE : s->call.arg[5];
	if (s->map.flags & MAP_ANONYMOUS) {
		s->map.offset = 0;
		s->fd = NO_FD;
		return s->map.prot & PROT_EXEC ? emit_map(s, NULL) : 0;
	}
	/* The mapping that came of it tells the file, not the descriptor, which another thread may have changed. Where
	 * it is gone already, or a thread holds the address space's lock for too long, the descriptor is what is left. */
	s->fd = s->call.arg[4];
	if (!find_for_sure(&seek, s->call.ret) || !seek.found.file) {
		if (shares_files())
			s->map.flags |= HM_MAP_UNSURE;
		return emit_map(s, file_of(s->fd));
	}
	s->map.offset = seek.found.offset + (s->call.ret - seek.found.start);
	return emit_map(s, seek.found.file);
}

static long protect_step(__u32 i, void *ctx)
{
	struct scratch *s = ONLY(scratches);
	struct found found;
	__u64 from, to;

	if (!s || s->next >= s->end)
		return 1;
	from = s->next;
	if (!find(&found, from)) {
		s->map.offset = 0;
		s->map.length = s->end - from;
		emit_map(s, NULL);
		return 1;
	}
	to = found.end < s->end ? found.end : s->end;
	s->next = to;
	if (!(found.flags & VM_EXEC))
		return 0;
	s->map.offset = found.file ? found.offset + (from - found.start) : 0;
	s->map.length = to - from;
	emit_map(s, found.file);
	return 0;
}

/* Memory that becomes executable, mapping by mapping. */
__noinline int on_mprotect(struct scratch *s)
{
	NEEDS(s);
	s->fd = NO_FD;
	s->map.prot = real_prot(s->call.arg[2]);
	s->map.flags = 0;
	if (!(s->map.prot & PROT_EXEC) || !s->call.arg[1])
		return 0;
	s->next = s->call.arg[0];
	s->end = (s->call.arg[0] + s->call.arg[1] + PAGE - 1) & ~(__u64)(PAGE - 1);
	bpf_loop(PROTECT_RANGES, protect_step, NULL, 0);
	return 0;
}

/* A mapping that has grown shows more of its file. */
__noinline int on_mremap(struct scratch *s)
{
	NEEDS(s);
	struct seek seek;

	if (s->call.arg[2] <= s->call.arg[1] || !find_for_sure(&seek, s->call.ret) || !seek.found.file)
		return 0;
	s->fd = NO_FD;
	s->map.prot = seek.found.flags & (VM_READ | VM_WRITE | VM_EXEC);
	s->map.flags = 0;
	s->map.offset = seek.found.offset + (s->call.ret - seek.found.start);
	s->map.length = s->call.arg[2];
	return emit_map(s, seek.found.file);
}

__noinline int on_shmat(struct scratch *s)
{
	NEEDS(s);
	struct found found;

	if (!(s->call.arg[2] & SHM_EXEC))
		return 0;
	s->fd = NO_FD;
	s->map.prot = PROT_READ | PROT_EXEC;
	s->map.flags = 0;
	s->map.offset = 0;
	s->map.length = find(&found, s->call.ret) ? found.end - found.start : 0;
	return emit_map(s, NULL);
}

/* Where the kernel mapped the program's interpreter (ld.so), 0 when it has none. Uses s->out. */
__noinline __u64 interpreter_base(struct scratch *s)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct mm_struct *mm = READ(task, mm);
	__u64 *auxv;
	bool compat;

	if (!s)
		return 0;
	auxv = (__u64 *)s->out;
	if (bpf_core_read(auxv, AUXV_WORDS * sizeof(*auxv), &mm->saved_auxv))
		return 0;
	compat = auxv[0] >> 32; /* pairs of 32-bit words */
	for (int i = 0; i < AUXV_WORDS / 2; i++) {
		if (compat && (__u32)auxv[i] == AT_BASE)
			return auxv[i] >> 32;
		if (!compat && auxv[2 * i] == AT_BASE)
			return auxv[2 * i + 1];
	}
	return 0;
}

/* An interpreter is mapped by execve and not by a call of its own: code that would stay unseen. */
__noinline int map_interpreter(struct scratch *s)
{
	__u64 base = interpreter_base(s);
	struct found found;

	if (!s || !base || !find(&found, base) || !found.file)
		return 0;
	s->call.nr = NR_EXECVE;
	s->fd = NO_FD;
	s->map.prot = PROT_READ | PROT_EXEC;
	s->map.flags = MAP_PRIVATE;
	s->map.offset = found.offset;
	s->map.length = found.end - found.start;
	return emit_map(s, found.file);
}
