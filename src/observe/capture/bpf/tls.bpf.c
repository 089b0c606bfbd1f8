/* Plaintext that is given to TLS: a sleepable uprobe at the beginning of each function that takes some (tls_functions.def), and one at its
 * return. Sleepable, so that memory which is not there at that moment is fetched and read like any other.
 *
 * These programs are preempted by others of the recorder, and wait: what they put together stands in storage of the task's own, and their
 * events in a lane of their own (HM_CPU_TLS), which the reader of the ring numbers. The ring, its marks and the counters are the
 * recorder's, by the loader.
 *
 * A call inside another one gives the same bytes again where a library builds one function upon another: those of the same memory are told
 * once, what else is given there is marked. What is inside is told by the stack, which grows downwards, or stays where one function ends
 * by jumping into the other. */
#include "group.bpf.h"
#include "recorder.bpf.h"

#include "../tls_abi.h"

/* NSPR: a descriptor begins with its methods, those with what they are of; layers, as NSS is one, are LAYERED. */
#define PR_DESC_LAYERED 4

struct pt_regs___user {
	unsigned long r8, ax, bx, cx, dx, si, di, sp;
} __attribute__((preserve_access_index));

/* The call that a task is in. */
struct giving {
	__u64 stack; /* its stack pointer; 0: none */
	__u64 cookie, connection, memory, length, written;
	__u8 out[RAW_SIZE(GIVEN) + HM_TLS_PART];
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct giving);
} givings SEC(".maps");

enum { IS_NESTED = 1, MORE = 2 };

struct registers {
	__u64 ax, bx, cx, dx, si, di, r8, sp;
};

/* One after the other, at places that do not vary: the verifier allows no other reading of them. */
static __always_inline void take_registers(struct registers *out, struct pt_regs___user *regs)
{
	out->ax = regs->ax;
	FORGET(out->ax);
	out->bx = regs->bx;
	FORGET(out->bx);
	out->cx = regs->cx;
	FORGET(out->cx);
	out->dx = regs->dx;
	FORGET(out->dx);
	out->si = regs->si;
	FORGET(out->si);
	out->di = regs->di;
	FORGET(out->di);
	out->r8 = regs->r8;
	FORGET(out->r8);
	out->sp = regs->sp;
	FORGET(out->sp);
}

static __always_inline __u64 argument(const struct registers *regs, __u32 number, bool go)
{
	switch (number) {
	case 0:
		return go ? regs->ax : regs->di;
	case 1:
		return go ? regs->bx : regs->si;
	case 2:
		return go ? regs->cx : regs->dx;
	case 3:
		return regs->cx;
	case 4:
		return regs->r8;
	}
	return 0;
}

static __always_inline void count_lost(struct hm_cpu_counters *cpu)
{
	__sync_fetch_and_add(&cpu->given, 1);
	__sync_fetch_and_add(&cpu->lost_given, 1);
}

static __always_inline void send(struct hm_raw *head, __u32 kind, __u64 len)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct hm_cpu_counters *cpu = ONLY(counters);

	if (!cpu)
		return;
	head->kind = kind;
	head->pad = 0;
	head->cpu = HM_CPU_TLS;
	head->seq = 0;
	head->time = bpf_ktime_get_ns();
	head->tgid = task->tgid;
	head->tid = task->pid;
	head->tseq = 0;
	__sync_fetch_and_add(&cpu->given, 1);
	if (!output(head, len, press(cpu, len, true)))
		__sync_fetch_and_add(&cpu->lost_given, 1);
}

/* The next part of what the call gives, of the `len` bytes at `from`. MORE: what is behind it is told by no event. Returns how
 * many were told; 0 where they cannot be read. */
__noinline __u32 give_part(struct giving *g, __u64 from, __u64 len, __u64 offset, __u32 flags)
{
	NEEDS(g);
	struct raw_GIVEN *e = (void *)g->out;
	struct len_GIVEN *lengths = (void *)(g->out + sizeof(*e));
	__u64 part = len < HM_TLS_PART ? len : HM_TLS_PART;

	FORGET(part);
	if (part > HM_TLS_PART)
		return 0;
	if (part && bpf_copy_from_user(g->out + RAW_SIZE(GIVEN), part, (void *)from))
		part = 0;
	e->FUNCTION = HM_TLS_FUNCTION_OF(g->cookie);
	e->CONNECTION = g->connection;
	e->LENGTH = g->length;
	e->OFFSET = offset;
	e->NESTED = (flags & IS_NESTED) != 0;
	e->CUT = (flags & MORE) || (len && !part);
	lengths->DATA = part;
	FORGET(part);
	if (part > HM_TLS_PART)
		return 0;
	send(&e->head, HM_EV_GIVEN, RAW_SIZE(GIVEN) + part);
	return part;
}

static __always_inline void give(struct giving *g, __u64 from, __u32 nested)
{
	__u64 at = 0;

	for (int i = 0; i < HM_TLS_PARTS; i++) {
		__u64 rest = g->length - at;
		__u32 more = i == HM_TLS_PARTS - 1 && rest > HM_TLS_PART ? MORE : 0;
		__u32 part = give_part(g, from + at, rest, at, nested | more);

		at += part;
		if (!part || at >= g->length)
			return;
	}
}

struct vector {
	__u64 base;
	__s32 len, pad;
};

/* A list: of each of its members one part. */
static __always_inline void give_vectors(struct giving *g, __u64 list, __u64 count)
{
	struct vector v;
	__u64 at = 0;

	g->length = 0;
	for (__u32 i = 0; i < HM_TLS_VECTORS; i++) {
		if (i >= count || bpf_copy_from_user(&v, sizeof(v), (void *)(list + i * sizeof(v))))
			break;
		g->length += v.len > 0 ? v.len : 0;
	}
	for (__u32 i = 0; i < HM_TLS_VECTORS; i++) {
		if (i >= count || bpf_copy_from_user(&v, sizeof(v), (void *)(list + i * sizeof(v))) || v.len < 0)
			return;
		give_part(g, v.base, v.len, at,
			  v.len > HM_TLS_PART || (i == HM_TLS_VECTORS - 1 && count > HM_TLS_VECTORS) ? MORE : 0);
		at += v.len;
	}
}

/* An NSPR descriptor that nothing stands on but the kernel's socket or file. */
static __always_inline bool is_bare(__u64 descriptor)
{
	__u64 methods = 0;
	__s32 of = 0;

	return bpf_copy_from_user(&methods, sizeof(methods), (void *)descriptor) ||
	       bpf_copy_from_user(&of, sizeof(of), (void *)methods) || of != PR_DESC_LAYERED;
}

static __always_inline bool is_nspr(__u32 function)
{
	return function >= HM_TLS_NSPR_WRITE && function <= HM_TLS_NSPR_WRITEV;
}

SEC("uprobe.s")
int on_give(struct pt_regs *ctx)
{
	__u64 cookie = bpf_get_attach_cookie(ctx);
	__u32 function = HM_TLS_FUNCTION_OF(cookie), tells = HM_TLS_TELLS_OF(cookie);
	bool go = tells == HM_TLS_NOTHING, nested, same;
	struct task_struct *task = bpf_get_current_task_btf();
	struct hm_cpu_counters *cpu = ONLY(counters);
	__u64 connection, memory, length, outer, stack;
	struct registers all, *regs = &all;
	struct giving *g;

	if (!cpu || !task_in_scope(task))
		return 0;
	take_registers(regs, (void *)ctx);
	stack = regs->sp;
	connection = argument(regs, 0, go);
	if (is_nspr(function) && is_bare(connection))
		return 0;
	memory = argument(regs, HM_TLS_MEMORY_OF(cookie), go);
	length = argument(regs, HM_TLS_LENGTH_OF(cookie), go);
	if (tells == HM_TLS_COUNT32)
		length = (__s32)length < 0 ? 0 : (__u32)length;
	g = bpf_task_storage_get(&givings, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!g) {
		count_lost(cpu);
		return 0;
	}
	outer = g->cookie;
	nested = g->stack && stack <= g->stack && HM_TLS_FUNCTION_OF(outer) != function;
	same = nested && g->connection == connection && g->memory == memory && g->length == length;
	if (same)
		return 0;
	if (!nested) {
		g->stack = go ? 0 : stack;
		g->memory = memory;
		g->written = argument(regs, HM_TLS_WRITTEN_OF(cookie), false);
		g->connection = connection;
		g->length = length;
		g->cookie = cookie;
		if (function == HM_TLS_NSPR_WRITEV)
			give_vectors(g, memory, length);
		else if (HM_TLS_LENGTH_OF(cookie) == HM_TLS_NONE)
			return 0;
		else if (HM_TLS_MEMORY_OF(cookie) == HM_TLS_NONE)
			give_part(g, 0, 0, 0, MORE);
		else
			give(g, memory, 0);
		return 0;
	}
	/* The outer call is put aside: its return is still to come. */
	{
		__u64 outer_length = g->length, outer_connection = g->connection;

		g->cookie = cookie;
		g->connection = connection;
		g->length = length;
		if (HM_TLS_MEMORY_OF(cookie) != HM_TLS_NONE && function != HM_TLS_NSPR_WRITEV)
			give(g, memory, IS_NESTED);
		g->cookie = outer;
		g->connection = outer_connection;
		g->length = outer_length;
	}
	return 0;
}

static __always_inline __u64 taken_of(struct giving *g, __s64 result)
{
	__u64 written = 0;

	switch (HM_TLS_TELLS_OF(g->cookie)) {
	case HM_TLS_ZERO:
		return result == 0 ? g->length : 0;
	case HM_TLS_ONE:
		if (result != 1)
			return 0;
		if (bpf_copy_from_user(&written, sizeof(written), (void *)g->written))
			return g->length;
		return written;
	}
	return result > 0 ? result : 0;
}

SEC("uretprobe.s")
int on_take(struct pt_regs *ctx)
{
	struct pt_regs___user *regs = (void *)ctx;
	__u64 cookie = bpf_get_attach_cookie(ctx);
	struct task_struct *task = bpf_get_current_task_btf();
	struct giving *g = bpf_task_storage_get(&givings, task, 0, 0);
	struct {
		struct raw_TAKEN e;
	} out = { 0 };
	__s64 result = regs->ax;

	if (!g || !g->stack || g->cookie != cookie)
		return 0;
	g->stack = 0;
	if (HM_TLS_LENGTH_OF(cookie) == HM_TLS_NONE || !task_in_scope(task))
		return 0;
	if (HM_TLS_TELLS_OF(cookie) != HM_TLS_COUNT64)
		result = (__s32)result;
	out.e.FUNCTION = HM_TLS_FUNCTION_OF(cookie);
	out.e.CONNECTION = g->connection;
	out.e.RESULT = result;
	out.e.BYTES = taken_of(g, result);
	send(&out.e.head, HM_EV_TAKEN, RAW_SIZE(TAKEN));
	return 0;
}
