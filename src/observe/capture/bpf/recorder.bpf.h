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
#define OUT_BYTES (FIXED_MAX + PATH_MAX_BYTES + ARGV_MAX_BYTES)
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

/* The real inode of a file. */
struct identity {
	__u64 dev, ino, gen, layer, mode;
};

struct scratch {
	struct call call;
	struct walk walk;
	struct address address;
	struct identity file;
	struct {
		__u64 offset, length, prot, flags;
	} map; /* of the MAP that is being made */
	__u64 next, end; /* of a range of memory that is gone through */
	__u32 fd;	 /* the descriptor that the event is about */
	__u32 many;	 /* kind of the events of a call that carries many messages */
	bool seen;	 /* the second witness saw this call give bytes to a socket ... */
	bool unseen;	 /* ... or would have seen it, and did not */
	__u8 sockaddr[128];
	__u8 out[OUT_BYTES + 64];
};

struct task_counter {
	__u64 seq;
	__u64 watched; /* it is in scope, as far as is known */
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
	__type(value, struct task_counter);
} tasks SEC(".maps");

/* sched_process_exit tells whether the task is its process's last (since 6.15 or so; the loader looks it up). */
const volatile bool exit_tells_last;

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

static __always_inline __u64 next_of_task(struct task_struct *task)
{
	struct task_counter *counter = bpf_task_storage_get(&tasks, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);

	return counter ? counter->seq++ : HM_TSEQ_UNKNOWN;
}

static __always_inline void number_anew(struct task_struct *task)
{
	struct task_counter *counter = bpf_task_storage_get(&tasks, task, 0, 0);

	if (counter)
		counter->seq = 0;
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

/* Sends `len` bytes of `out`, whose head is filled here. */
static __noinline int emit(struct scratch *s, __u32 kind, __u32 len)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct hm_cpu_counters *cpu = ONLY(counters);
	struct hm_raw *head;

	if (!s || !cpu)
		return 0;
	head = (struct hm_raw *)s->out;
	head->kind = kind;
	head->cpu = bpf_get_smp_processor_id();
	head->seq = cpu->seq++;
	head->time = bpf_ktime_get_ns();
	head->tgid = task->tgid;
	head->tid = task->pid;
	head->tseq = next_of_task(task);
	FORGET(len);
	if (len > OUT_BYTES || !output(s->out, len, press(cpu, len, true)))
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

