#pragma once
/* The second witness of reads: what a task asked of the page cache, or of the disk around it, and what became of its
 * requests to an io_uring. No descriptor and no pointer of the caller's has a part in it: the kernel passes the inode.
 *
 * One look gives some pages, and a file takes many. Looks of one task at one file, in one way, that overlap or touch are
 * one event, which waits in the task's storage (recorder.bpf.h tells it). It is told
 *   - when the next look of that way is of another file, or leaves a gap;
 *   - before the task's EXEC and EXIT;
 *   - where no READ stands for it (a mapping was touched, an io_submit or exec read): also before the task forks, writes,
 *     sends or does anything else that can carry away what was read;
 *   - at once, by workers of an io_uring, whose requests end in another task, and by a task that has ended already. */
#include "bytes.bpf.h"

#define IO_OPENAT 18
#define IO_OPENAT2 28
#define TMPFS_MAGIC 0x01021994
#define IO_NO_REQUEST 255 /* as opcode: one more completion of a request that goes on */

static __always_inline bool joins(const struct look *look, const struct look *next)
{
	return look->times && look->ino == next->ino && look->dev == next->dev && look->gen == next->gen &&
	       next->from <= look->to && next->to >= look->from;
}

/* The kernel reads a lower file to copy it up, in a call that changes a file by its path: nothing else tells which. */
static __noinline int tell_lower(struct scratch *s, const struct look *lower)
{
	struct raw_COPYUP *e;

	if (!s || !lower)
		return 0;
	e = BEGIN(s, COPYUP);
	e->FROM_DEV = lower->dev;
	e->FROM_INO = lower->ino;
	e->FROM_GEN = lower->gen;
	return END(s, COPYUP, 0);
}

/* Whether a READ will stand for this look; what it is of is kept for that, the first look of a call only. `op` is what
 * the call does. */
static __always_inline bool is_read(struct task_struct *task, struct task_reads *of, const struct look *next, __u32 *op)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
	__u32 nr = regs->orig_ax, table = call_table(task, nr);
	__u64 key = call_key(nr & ~X32_BIT, table);

	*op = rule_of(nr & ~X32_BIT, table)->op;
	if ((*op != HM_OP_READ && *op != HM_OP_COPY) || uses_io_uring(task))
		return false;
	if (of->seen.call != key) {
		of->seen.dev = next->dev;
		of->seen.ino = next->ino;
		of->seen.gen = next->gen;
		of->seen.offset = next->from;
		of->seen.call = key;
	}
	return true;
}

static __noinline int add_look(struct look *next, __u32 by)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct task_state *state = state_of(task);
	struct task_reads *of = bpf_task_storage_get(&reads, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	struct hm_cpu_counters *cpu = ONLY(counters);
	struct scratch *s = ONLY(scratches);
	__u32 op = HM_OP_NONE;
	struct look *look;
	bool joined;

	if (!s || !next || !cpu)
		return 0;
	if (!state || !of || state->gone || (task->flags & PF_IO_WORKER)) {
		tell_look(s, cpu, task, next, by, press(cpu, sizeof(s->pages), !state || !state->gone));
		return 0;
	}
	look = look_of(of, by);
	joined = joins(look, next);
	if (joined) {
		if (next->from < look->from)
			look->from = next->from;
		if (next->to > look->to)
			look->to = next->to;
		look->times++;
	} else {
		if (look->times)
			tell_look(s, cpu, task, look, by, press(cpu, sizeof(s->pages), true));
		*look = *next;
	}
	state->waiting |= 1u << by;
	if ((by != HM_PAGES_GET && by != HM_PAGES_DIRECT) || !is_read(task, of, next, &op))
		state->bare |= 1u << by;
	if (by == HM_PAGES_GET && op == HM_OP_CHANGE && !joined)
		tell_lower(s, next);
	return 0;
}

static __always_inline int look_at_pages(struct inode *inode, __u32 by, __u64 from, __u64 to)
{
	struct look look = { .from = from, .to = to, .times = 1 };

	/* Memory files are read from no disk, and shared memory has no name that a call could have told. */
	if (inode->i_sb->s_magic == TMPFS_MAGIC)
		return 0;
	look.dev = inode->i_sb->s_dev;
	look.ino = inode->i_ino;
	look.gen = inode->i_generation;
	return add_look(&look, by);
}

SEC("tp_btf/mm_filemap_get_pages")
int BPF_PROG(on_get_pages, struct address_space *mapping, unsigned long first, unsigned long last)
{
	if (in_scope())
		look_at_pages(mapping->host, HM_PAGES_GET, first * PAGE, (last + 1) * PAGE);
	return 0;
}

SEC("tp_btf/mm_filemap_map_pages")
int BPF_PROG(on_map_pages, struct address_space *mapping, unsigned long first, unsigned long last)
{
	if (in_scope())
		look_at_pages(mapping->host, HM_PAGES_MAP, first * PAGE, (last + 1) * PAGE);
	return 0;
}

SEC("tp_btf/mm_filemap_fault")
int BPF_PROG(on_fault, struct address_space *mapping, unsigned long index)
{
	if (in_scope())
		look_at_pages(mapping->host, HM_PAGES_FAULT, index * PAGE, (index + 1) * PAGE);
	return 0;
}

/* For kernels without the first two. A folio is told as its first page: read ahead joins them. */
SEC("tp_btf/mm_filemap_add_to_page_cache")
int BPF_PROG(on_add_to_page_cache, struct folio *folio)
{
	if (in_scope())
		look_at_pages(folio->mapping->host, HM_PAGES_ADD, folio->index * PAGE, (folio->index + 1) * PAGE);
	return 0;
}

SEC("tp_btf/iomap_dio_rw_begin")
int BPF_PROG(on_direct, struct kiocb *kiocb, struct iov_iter *iter)
{
	if (in_scope() && !iter->data_source)
		look_at_pages(kiocb->ki_filp->f_mapping->host, HM_PAGES_DIRECT, kiocb->ki_pos,
			      kiocb->ki_pos + iter->count);
	return 0;
}

/* RING. */
static __noinline int emit_ring(struct scratch *s, struct file *file, __u32 opcode, __s64 result)
{
	struct raw_RING *e;
	__u32 len = 0;
	bool socket = false;

	if (!s)
		return 0;
	s->call.nr = NR_IO_URING_ENTER;
	if (file) {
		look_at(s, file);
		socket = is_mode(s, S_IFSOCK);
		if (opcode == IO_OPENAT || opcode == IO_OPENAT2)
			name(s, file, result);
		else
			name_first(s, file, NO_FD);
	}
	e = BEGIN(s, RING);
	e->OPCODE = opcode;
	e->RESULT = result;
	if (socket) {
		e->INO = s->file.ino;
	} else if (file) {
		COPY_IDENTITY(e, s);
		len = put_path(s, RAW_SIZE(RING));
	}
	LENGTHS(s, RING)->PATH = len;
	return END(s, RING, len);
}

/* The result stands in the request, which is the kernel's; what is in the ring any thread can write. Where there is no
 * request, a kernel before 6.12 passes it as an argument of its own (the loader looks it up). */
const volatile bool ring_tells_result;

SEC("tp_btf/io_uring_complete")
int on_io_uring_complete(unsigned long long *ctx)
{
	struct io_kiocb *request = (struct io_kiocb *)ctx[1];
	struct scratch *s;
	struct file *file;
	__u32 opcode;
	__s64 result;

	if (!in_scope())
		return 0;
	s = ONLY(scratches);
	if (!s)
		return 0;
	if (!request) {
		result = ring_tells_result ? (__s32)ctx[3] : ((struct io_uring_cqe *)ctx[2])->res;
		emit_ring(s, NULL, IO_NO_REQUEST, result);
		return 0;
	}
	opcode = READ(request, opcode);
	result = (__s32)READ(request, cqe.res);
	file = READ(request, file);
	if ((opcode == IO_OPENAT || opcode == IO_OPENAT2) && result >= 0)
		file = file_of(result);
	emit_ring(s, file, opcode, result);
	return 0;
}
