#pragma once
/* What every program of the recorder stands on: the scope, the ring, and how an event is made.
 *
 * An event is put together in `out` of a per-CPU scratch area and copied into the ring with its exact length
 * (bpf_ringbuf_reserve takes constants only on 6.1). That is sound because no two programs of the recorder run on
 * one CPU at a time: the kernel calls them with preemption off, from task context only. For the same reason counters
 * need no atomics, and the events of one CPU lie in the ring in the order of their sequence numbers.
 *
 * Nothing leaves this file that was not written here: the fixed part of every event is zeroed first, the rest is
 * copied with its length. */
#include "core_fixes.bpf.h"
#include "pressure.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Programs and callbacks have the arguments that the kernel gives them. */
#pragma clang diagnostic ignored "-Wunused-parameter"

#define PATH_MAX_BYTES 4096
#define NAME_MAX_BYTES 255
#define ARGV_MAX_BYTES 4096
#define ADDR_MAX_BYTES 108
#define PAGE 4096
#define OUTPUT_TRIES 4

/* The kinds as structures: raw_KIND is the head and the integers, len_KIND the lengths of the byte strings behind
 * it. */
#define HM_FIELD_UINT(name) __u64 name;
#define HM_FIELD_INT(name) __u64 name;
#define HM_FIELD_BYTES(name)
#define HM_KIND(name, number, text, meaning) struct raw_##name { struct hm_raw head;
#define HM_FIELD(kind, name, type, text) HM_FIELD_##type(name)
#define HM_KIND_END(kind) };
#include "kinds.def"
#undef HM_KIND
#undef HM_FIELD_UINT
#undef HM_FIELD_INT
#undef HM_FIELD_BYTES

#define HM_FIELD_UINT(name)
#define HM_FIELD_INT(name)
#define HM_FIELD_BYTES(name) __u32 name;
#define HM_KIND(name, number, text, meaning) struct len_##name {
#include "kinds.def"
#undef HM_KIND
#undef HM_FIELD
#undef HM_KIND_END

/* Kinds that are made by one function, as the first of them. */
#define SAME_FIELDS(a, b)                                                                                \
	_Static_assert(sizeof(struct raw_##a) == sizeof(struct raw_##b) &&                                \
			       sizeof(struct len_##a) == sizeof(struct len_##b), "fields differ")

#define FIXED_MAX 512
#define OUT_BYTES (FIXED_MAX + PATH_MAX_BYTES + ARGV_MAX_BYTES) /* less than HM_RING_RECORD_MAX */
_Static_assert(sizeof(struct raw_EXEC) + sizeof(struct len_EXEC) <= FIXED_MAX, "raise FIXED_MAX");

/* A system call that has ended. */
struct call {
	__u64 arg[6];
	long ret;
	__u32 nr; /* to report, with HM_NR_COMPAT */
	__u8 how;
	bool compat; /* the i386 or x32 layout of structures in the caller's memory */
};

struct walk {
	struct vfsmount *mnt;
	struct dentry *dentry, *mnt_root;
	__u32 at; /* where the path begins in `text`; it ends at PATH_MAX_BYTES */
	bool done, cut;
	__u8 text[PATH_MAX_BYTES + NAME_MAX_BYTES + 1];
};

struct address {
	__u64 family, port;
	__u32 len;
	__u8 bytes[ADDR_MAX_BYTES + 20];
};

/* The compiler must not remember what it knows about `v`: the verifier may not, and wants to see the check itself. */
#define FORGET(v) asm volatile("" : "+r"(v))

/* The real inode of a file. */
struct identity {
	__u64 dev, ino, gen, layer, mode;
};

/* What a task asked of one file, not told yet (pages.bpf.h). */
struct look {
	__u64 dev, ino, gen;
	__u64 from, to; /* bytes */
	__u64 times;	/* 0: nothing waits here */
};
#define LOOKS 8 /* a power of two, with room for each of enum hm_pages_by */

/* The file that a call was seen to read, whatever its descriptor says when it ends. */
struct seen {
	__u64 dev, ino, gen, offset;
	__u64 call; /* key of the call, 0: nothing seen */
};

struct scratch {
	struct call call;
	struct walk walk;
	struct address address;
	struct identity file;
	struct seen seen_file; /* by the call that is being told */
	struct {
		__u64 offset, length, prot, flags;
	} map; /* of the MAP that is being made */
	__u64 next, end; /* of a range of memory that is gone through */
	struct {
		__u64 at, data_end, next, end, message;
		__u32 messages; /* that are left */
	} pass;		 /* of control messages or events that are gone through */
	__u32 fd;	 /* the descriptor that the event is about */
	__u32 many;	 /* kind of the events of a call that carries many messages */
	bool seen;	 /* the second witness saw this call give bytes to a socket ... */
	bool unseen;	 /* ... or would have seen it, and did not */
	bool wake;	 /* the next event is waited for (hold.bpf.h) */
	__u8 sockaddr[128];
	struct raw_PAGES pages;
	__u8 out[OUT_BYTES + 64];
};

struct task_state {
	__u64 seq;
	__u32 tid;    /* that it counts for */
	bool watched; /* it is in scope, as far as is known */
	bool gone;    /* its EXIT is told */
	__u8 waiting; /* bits of the looks that are not told yet */
	__u8 bare;    /* of these, those that no READ stands for */
};

/* Apart from the former: the kernel keeps four of a small size at hand where it cannot wait for memory, and one of these. */
struct task_reads {
	struct look looks[LOOKS];
	struct seen seen;
};

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
	__uint(max_entries, 1);
} scope SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct hm_cpu_counters);
	__uint(max_entries, 1);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct scratch);
	__uint(max_entries, 1);
} scratches SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct task_state);
} tasks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct task_reads);
} reads SEC(".maps");

/* sched_process_exit tells whether the task is its process's last (since 6.15 or so; the loader looks it up). */
const volatile bool exit_tells_last;

/* Functions that take the scratch area and numbers alone are not static: the verifier then looks at each of them once, for any
 * arguments, instead of once for each way that leads to it. That is most of the time that loading takes. Any argument includes NULL. */
#define NEEDS(s)          \
	if (!(s))         \
	return 0

/* The one member of a map that has one. */
#define ONLY(map)                                     \
	({                                            \
		__u32 zero_ = 0;                      \
		bpf_map_lookup_elem(&(map), &zero_);  \
	})

static __always_inline bool in_scope(void)
{
	return bpf_current_task_under_cgroup(&scope, 0) == 1;
}

static __always_inline struct task_state *state_of(struct task_struct *task)
{
	return bpf_task_storage_get(&tasks, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
}

/* The number of the task's next event. When a thread executes a program the others end, and it goes on under the number of the
 * first, whose events have ended with its EXIT: then it counts anew. */
static __always_inline __u64 next_of_task(struct task_struct *task, struct task_state *state)
{
	__u32 tid = task->pid;

	if (!state)
		return HM_TSEQ_UNKNOWN;
	if (state->tid != tid) {
		state->tid = tid;
		state->seq = 0;
	}
	return state->seq++;
}

/* The compiler must not remember what it knows about `v`: the verifier may not, and wants to see the check itself. */
#define FORGET(v) asm volatile("" : "+r"(v))

/* False when the ring has no room. It can also refuse because its lock could not be had in time (since 6.15, when the
 * virtual CPU that holds it stands still): that is no loss as long as trying again helps. */
static __always_inline bool output(void *data, __u64 len, __u64 wake)
{
	for (int i = 0; i < OUTPUT_TRIES; i++) {
		if (bpf_ringbuf_output(&ring, data, len, wake) == 0)
			return true;
		if (bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) + len + 16 > bpf_ringbuf_query(&ring, BPF_RB_RING_SIZE))
			return false;
	}
	return false;
}

static __always_inline void fill_head(struct hm_raw *head, __u32 kind, struct task_struct *task,
				      struct task_state *state, struct hm_cpu_counters *cpu)
{
	head->kind = kind;
	head->pad = 0;
	head->cpu = bpf_get_smp_processor_id();
	head->seq = cpu->seq++;
	head->time = bpf_ktime_get_ns();
	head->tgid = task->tgid;
	head->tid = task->pid;
	head->tseq = next_of_task(task, state);
}

/* PAGES, of a look in the way `by` of `task`. */
static __always_inline void tell_look(struct scratch *s, struct hm_cpu_counters *cpu, struct task_struct *task,
				      const struct look *look, __u32 by, __u64 wake)
{
	fill_head(&s->pages.head, HM_EV_PAGES, task, state_of(task), cpu);
	s->pages.BY = by;
	s->pages.DEV = look->dev;
	s->pages.INO = look->ino;
	s->pages.GEN = look->gen;
	s->pages.OFFSET = look->from;
	s->pages.LENGTH = look->to - look->from;
	s->pages.TIMES = look->times;
	if (!output(&s->pages, sizeof(s->pages), wake))
		cpu->lost++;
}

static __always_inline struct look *look_of(struct task_reads *of, __u64 by)
{
	FORGET(by);
	return &of->looks[by & (LOOKS - 1)];
}

/* Those of the looks in `which`, bits, that wait. `task` may be another than the current one. They are few: pressing is
 * left to the event that they stand before. */
static __noinline int tell_looks(struct scratch *s, struct task_struct *task, struct task_state *state, __u32 which)
{
	struct hm_cpu_counters *cpu = ONLY(counters);
	struct task_reads *of;

	if (!s || !state || !task || !cpu)
		return 0;
	of = bpf_task_storage_get(&reads, task, 0, 0);
	if (!of)
		return 0;
	which &= state->waiting;
	state->waiting &= ~which;
	state->bare &= ~which;
	for (__u32 by = 0; by < LOOKS; by++) {
		if (!(which & (1u << by)))
			continue;
		cpu->unasked += sizeof(s->pages);
		tell_look(s, cpu, task, look_of(of, by), by, BPF_RB_NO_WAKEUP);
		look_of(of, by)->times = 0;
	}
	return 0;
}

/* Events by which what a task has read can get elsewhere, or that end what is known of it: every look that no READ
 * stands for is told before them. */
#define CARRIES                                                                                           \
	((1u << HM_EV_FORK) | (1u << HM_EV_EXEC) | (1u << HM_EV_WRITE) | (1u << HM_EV_SEND) |             \
	 (1u << HM_EV_RING) | (1u << HM_EV_SENT) | (1u << HM_EV_CALL))
/* And those before which all are told. */
#define ENDS ((1u << HM_EV_EXEC) | (1u << HM_EV_EXIT))

/* Sends `len` bytes of `out`, whose head is filled here. */
__noinline int emit(struct scratch *s, __u32 kind, __u32 len)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct hm_cpu_counters *cpu = ONLY(counters);
	struct task_state *state;
	__u64 wake;

	if (!s || !cpu)
		return 0;
	state = state_of(task);
	if (state && state->waiting && (ENDS >> kind & 1))
		tell_looks(s, task, state, ~0u);
	if (state && state->bare && (CARRIES >> kind & 1))
		tell_looks(s, task, state, state->bare);
	fill_head((struct hm_raw *)s->out, kind, task, state, cpu);
	FORGET(len);
	wake = press(cpu, len, true);
	if (s->wake)
		wake = BPF_RB_FORCE_WAKEUP;
	s->wake = false;
	if (len > OUT_BYTES || !output(s->out, len, wake))
		cpu->lost++;
	return 0;
}

/* Sends an event of the packets' lane, made on the stack: its program can be interrupted by itself, so nothing of the
 * scratch area is touched and the counters are atomic. The reader of the ring numbers these events. The head is filled
 * here; `len` is a constant. */
static __always_inline void emit_packet(struct hm_raw *head, __u32 kind, __u32 len)
{
	struct hm_cpu_counters *cpu = ONLY(counters);

	if (!cpu)
		return;
	head->kind = kind;
	head->cpu = HM_CPU_PACKETS;
	head->time = bpf_ktime_get_ns();
	__sync_fetch_and_add(&cpu->packets, 1);
	if (!output(head, len, press(cpu, len, false)))
		__sync_fetch_and_add(&cpu->lost_packets, 1);
}

#define RAW_SIZE(kind) (sizeof(struct raw_##kind) + sizeof(struct len_##kind))

/* The event of `kind` in s->out, zeroed; its lengths follow it. */
#define BEGIN(s, kind)                                             \
	({                                                         \
		__builtin_memset((s)->out, 0, RAW_SIZE(kind));     \
		(struct raw_##kind *)(s)->out;                     \
	})
#define LENGTHS(s, kind) ((struct len_##kind *)((s)->out + sizeof(struct raw_##kind)))
#define END(s, kind, bytes) emit(s, HM_EV_##kind, RAW_SIZE(kind) + (bytes))

