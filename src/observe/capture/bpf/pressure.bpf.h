#pragma once
/* The ring, and back-pressure: the product stands still before the ring is full.
 *
 * Asking how full the ring is costs as much as a third of sending an event, so a CPU asks again when it has sent
 * `ask_every` bytes. From half full on it asks at each event, and the first to find it so raises the alarm: one item on
 * a ring of its own, which wakes the thread that freezes the cgroup. User space lowers the alarm when the ring is
 * empty. Waking that thread takes up to 20 ms on a loaded machine, so from three quarters on each task that makes an
 * event is stopped here, by SIGSTOP: it ends its call and goes no further.
 *
 * The signal goes to the thread, not to its process: each thread then stops at the end of its own call, where otherwise
 * all would run on until the one that got the signal has its turn on a CPU, and that can be long under a flood.
 *
 * A stop is marked in `stops` before it is sent, since user space lets go on what is marked there and nothing else; and
 * it is marked again behind that, for user space may have taken the mark meanwhile. `alarm.stops` counts, so that it need
 * not look for marks where none is. What the product wants is kept: a thread that is stopped already, or about to be,
 * gets no mark, and a SIGSTOP of the product's own that meets a marked process is noted, because the kernel forgets it at
 * our SIGCONT.
 *
 * The same holds for the ring of the packet capture. It is another process's, but what the product puts into it passes
 * here. */
#include "kernel.bpf.h"

#include "../capture_abi.h"

#define SIGCONT 18
#define SIGSTOP 19
#define STOP_BIT (1ull << (SIGSTOP - 1))
#define SIGNAL_STOP_STOPPED 1u
#define JOBCTL_STOP_PENDING (1ul << 17)
#define SEND_SIG_PRIV 1ul /* in the place of siginfo: the kernel itself sends, as for bpf_send_signal */
#define STOPS_MAX 8192

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
typedef struct {
	unsigned long sig[1];
} sigset_t;

struct sigpending {
	sigset_t signal;
};

struct signal_struct___stop {
	unsigned int flags;
	struct sigpending shared_pending;
};

struct task_struct___stop {
	unsigned long jobctl;
	struct sigpending pending;
	struct signal_struct___stop *signal;
};
#pragma clang attribute pop

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096); /* set by the loader */
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096); /* set by the loader: a page */
} alarms SEC(".maps");

/* Processes that were stopped here, by tgid. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32);
	__type(value, struct hm_stop);
	__uint(max_entries, STOPS_MAX);
} stops SEC(".maps");

/* Tasks that are held, and the inode for which. What is not taken from here stays stopped. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct hm_hold);
	__type(value, __u64);
	__uint(max_entries, STOPS_MAX);
} holds SEC(".maps");

const volatile __u64 ring_alarm; /* bytes in the ring from which on the alarm is raised */
const volatile __u64 ring_stop;	 /* and tasks are stopped; ~0: never */
const volatile __u64 ask_every;	 /* bytes that a CPU sends between two looks */
const volatile bool pressure;	 /* false: the alarm wakes the reader of the ring, and nothing is stopped */

/* A section of its own, so that other objects can share it. */
struct hm_alarm alarm SEC(".data.alarm");
struct hm_order order;

/* The ring of the packet capture, which others fill and empty: what was sent its way, and how much of that its reader
 * has taken, in bytes of that ring (enum hm_wire_word). */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, HM_WIRE_WORDS);
} wire SEC(".maps");

static __always_inline bool is_stopping(struct task_struct *current)
{
	struct task_struct___stop *task = (void *)current;

	return (BPF_CORE_READ(task, signal, flags) & SIGNAL_STOP_STOPPED) ||
	       (BPF_CORE_READ(task, jobctl) & JOBCTL_STOP_PENDING) ||
	       (BPF_CORE_READ(task, pending.signal.sig[0]) & STOP_BIT);
}

/* A SIGSTOP for the whole process waits: none of ours. */
static __always_inline bool theirs_waits(struct task_struct *current)
{
	struct task_struct___stop *task = (void *)current;

	return BPF_CORE_READ(task, signal, shared_pending.signal.sig[0]) & STOP_BIT;
}

/* Stops the current thread, and with it its process. `fill` 0: it is held. */
__noinline int stop_current(__u64 fill)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct hm_stop mark = { .time = bpf_ktime_get_ns(), .fill = fill, .held = fill == 0 }, *stop;
	__u32 tgid = task->tgid;

	if (is_stopping(task))
		return 0;
	bpf_map_update_elem(&stops, &tgid, &mark, BPF_NOEXIST);
	stop = bpf_map_lookup_elem(&stops, &tgid);
	if (!stop)
		return 0; /* no room for a mark: a stop would never end */
	if (theirs_waits(task)) {
		stop->theirs = 1;
		if (!theirs_waits(task)) /* continued just now */
			stop->theirs = 0;
	}
	stop->sent = 1;
	if (fill)
		stop->held = 0;
	bpf_send_signal_thread(SIGSTOP);
	mark.sent = 1;
	bpf_map_update_elem(&stops, &tgid, &mark, BPF_NOEXIST);
	__sync_fetch_and_add(&alarm.stops, 1);
	return 0;
}

/* For a look at the ring whose answer was `fill`: how to wake the reader. */
__noinline __u64 raise_alarm(__u64 fill)
{
	if (__sync_lock_test_and_set(&alarm.raised, 1))
		return BPF_RB_NO_WAKEUP;
	if (pressure) {
		alarm.fill = fill;
		bpf_ringbuf_output(&alarms, &fill, sizeof(fill), BPF_RB_FORCE_WAKEUP);
	}
	return BPF_RB_FORCE_WAKEUP;
}

/* What waits to be taken. Less than nothing when the reader counts what others sent. */
static __always_inline __s64 waits_on_wire(void)
{
	__u32 sent = HM_WIRE_SENT, taken = HM_WIRE_TAKEN;
	__u64 *all = bpf_map_lookup_elem(&wire, &sent), *read = bpf_map_lookup_elem(&wire, &taken);

	return all && read ? *all - *(volatile __u64 *)read : 0;
}

/* `cost` bytes go to the capture's ring. */
static __always_inline void press_wire(__u64 cost)
{
	__u32 sent = HM_WIRE_SENT;
	__u64 *all;
	__s64 waits;

	if (!order.wire_alarm)
		return;
	all = bpf_map_lookup_elem(&wire, &sent);
	if (all)
		__sync_fetch_and_add(all, cost);
	waits = waits_on_wire();
	if (waits >= (__s64)order.wire_alarm && !alarm.raised)
		raise_alarm(waits);
}

/* Behind a send of the current task's. */
static __always_inline void stop_for_wire(void)
{
	bool asked = order.wire_alarm && pressure;
	__s64 waits = asked ? waits_on_wire() : 0;

	if (asked && waits >= (__s64)order.wire_stop)
		stop_current(waits);
}

/* Before `len` bytes are sent: looks at the ring when it is time to. `may_stop`: the event is the current task's. */
static __always_inline __u64 press(struct hm_cpu_counters *cpu, __u64 len, bool may_stop)
{
	__u64 fill;

	cpu->unasked += len;
	if (cpu->unasked < ask_every)
		return BPF_RB_NO_WAKEUP;
	fill = bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA);
	if (fill < ring_alarm) {
		cpu->unasked = 0;
		return BPF_RB_NO_WAKEUP;
	}
	if (may_stop && fill >= ring_stop)
		stop_current(fill);
	return alarm.raised ? BPF_RB_NO_WAKEUP : raise_alarm(fill);
}

/* The process is gone: its number may be another's soon. */
static __always_inline void forget_stop(__u32 tgid)
{
	if (pressure)
		bpf_map_delete_elem(&stops, &tgid);
}
