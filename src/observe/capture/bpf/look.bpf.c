/* What lives in the watched cgroup: iterators over tasks, and over the descriptors and mappings of one process at a time.
 *
 * They write raw events, each behind its length, to the reader of the iterator. The identity of a file comes from the
 * recorder's own code (file.bpf.h), but with maps that only these programs use: they may be preempted by the recorder's.
 * One reader at a time.
 *
 * The head of a raw event tells the reader what is no field of it: see struct hm_look_head. */
/* The recorder's headers have more than is needed here. */
#pragma clang diagnostic ignored "-Wunused-function"

#include "file.bpf.h"
#include "move.bpf.h"

#define PF_EXITING 4
#define VM_READ 1
#define VM_EXEC 4
#define VM_WRITE 2
#define VM_MAYSHARE 0x80
#define LOOK_SHARED 0x100 /* in MAPPED.PROT */

struct bpf_iter_meta {
	struct seq_file *seq;
} __attribute__((preserve_access_index));

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
} __attribute__((preserve_access_index));

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
} __attribute__((preserve_access_index));

struct bpf_iter__task_vma {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	struct vm_area_struct *vma;
} __attribute__((preserve_access_index));

/* A task that is about to end does nothing any more, and its EXIT is on its way or already there. */
static __always_inline bool is_watched(struct task_struct *task)
{
	return !(READ(task, flags) & PF_EXITING) && task_in_scope(task);
}

/* The process's number as the reader's pid namespace has it: what the reader asks for its descriptors by. */
static __always_inline __u32 number_for_reader(struct task_struct *task)
{
	struct task_struct *reader = bpf_get_current_task_btf(), *leader = READ(task, group_leader);
	struct pid *of_reader = READ(reader, thread_pid);

	return number_at(READ(leader, thread_pid), READ(of_reader, level));
}

/* Hands `len` bytes of s->out to the reader. When its buffer is full the kernel runs the program for the same object once
 * more. */
static __always_inline void hand_over(struct seq_file *seq, struct scratch *s, __u32 kind, __u32 len,
				      const struct hm_look_head *look)
{
	struct hm_raw *head = (struct hm_raw *)s->out;
	__u32 prefix = len;

	head->kind = kind;
	head->cpu = HM_CPU_USER;
	head->time = bpf_ktime_get_ns();
	head->tid = look->number;
	head->seq = look->table;
	head->tseq = look->at;
	bpf_seq_write(seq, &prefix, sizeof(prefix));
	FORGET(len);
	if (len <= OUT_BYTES)
		bpf_seq_write(seq, s->out, len);
}

#define HAND_OVER(ctx, s, kind, bytes, look) \
	hand_over((ctx)->meta->seq, s, HM_EV_##kind, RAW_SIZE(kind) + (bytes), look)

SEC("iter/task")
int look_tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct hm_look_head head = { 0 };
	struct raw_ALIVE *e;
	struct file *program;
	struct scratch *s;
	struct mm_struct *mm;
	__u32 len = 0;

	if (!task || !is_watched(task))
		return 0;
	mark(task, true);
	s = ONLY(scratches);
	if (!s)
		return 0;
	mm = READ(task, mm);
	program = READ(mm, exe_file);
	if (program)
		look_at(s, program);
	e = BEGIN(s, ALIVE);
	e->TGID = READ(task, tgid);
	e->TID = READ(task, pid);
	COPY_RIGHTS(e, task, real_cred);
	if (program) {
		COPY_IDENTITY(e, s);
		len = put_path(s, RAW_SIZE(ALIVE));
	}
	LENGTHS(s, ALIVE)->PATH = len;
	head.number = number_for_reader(task);
	HAND_OVER(ctx, s, ALIVE, len, &head);
	return 0;
}

SEC("iter/task_file")
int look_files(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct hm_look_head head = { 0 };
	struct raw_HELD *e;
	struct scratch *s;
	__u32 len;

	if (!task || !file || !is_watched(task))
		return 0;
	s = ONLY(scratches);
	if (!s)
		return 0;
	look_at(s, file);
	e = BEGIN(s, HELD);
	e->TGID = READ(task, tgid);
	e->FD = ctx->fd;
	e->FLAGS = READ(file, f_flags);
	e->MODE = s->file.mode;
	COPY_IDENTITY(e, s);
	len = put_path(s, RAW_SIZE(HELD));
	LENGTHS(s, HELD)->PATH = len;
	head.number = READ(task, pid);
	head.table = (__u64)READ(task, files);
	head.at = ctx->fd;
	HAND_OVER(ctx, s, HELD, len, &head);
	return 0;
}

#ifdef __TARGET_ARCH_x86
static __always_inline bool is_vdso(struct mm_struct *mm, __u64 start)
{
	return (__u64)READ(mm, context.vdso) == start;
}
#else
static __always_inline bool is_vdso(struct mm_struct *mm, __u64 start)
{
	return false;
}
#endif

static const char vdso_name[6] = "[vdso]";

SEC("iter/task_vma")
int look_mappings(struct bpf_iter__task_vma *ctx)
{
	struct task_struct *task = ctx->task;
	struct vm_area_struct *vma = ctx->vma;
	struct hm_look_head head = { 0 };
	struct raw_MAPPED *e;
	struct scratch *s;
	struct file *file;
	struct mm_struct *mm;
	__u64 flags;
	__u32 len = 0;

	if (!task || !vma || !is_watched(task))
		return 0;
	file = READ(vma, vm_file);
	flags = READ(vma, vm_flags);
	s = ONLY(scratches);
	if (!s || (!file && !(flags & VM_EXEC)))
		return 0;
	if (file)
		look_at(s, file);
	e = BEGIN(s, MAPPED);
	e->TGID = READ(task, tgid);
	e->OFFSET = file ? READ(vma, vm_pgoff) * PAGE : 0;
	e->LENGTH = READ(vma, vm_end) - READ(vma, vm_start);
	e->PROT = (flags & (VM_READ | VM_WRITE | VM_EXEC)) | (flags & VM_MAYSHARE ? LOOK_SHARED : 0);
	mm = READ(vma, vm_mm);
	head.number = READ(task, pid);
	head.table = (__u64)mm;
	head.at = READ(vma, vm_start);
	if (file) {
		COPY_IDENTITY(e, s);
		len = put_path(s, RAW_SIZE(MAPPED));
	} else if (is_vdso(mm, head.at)) {
		len = sizeof(vdso_name);
		__builtin_memcpy(s->out + RAW_SIZE(MAPPED), vdso_name, sizeof(vdso_name));
	}
	LENGTHS(s, MAPPED)->PATH = len;
	HAND_OVER(ctx, s, MAPPED, len, &head);
	return 0;
}
