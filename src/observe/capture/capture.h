#pragma once
/* The recorder: kernel activity of one cgroup and everything below it, as events.
 *
 * libbpf CO-RE; only tp_btf, cgroup programs, iterators and sleepable uprobes, so that it works under kernel lockdown, and on Debian
 * 12's kernel 6.1 as well. Identity comes from struct file, struct sock and struct
 * task_struct, never from user pointers. No wake-up per event: the consumer polls, every 2 to 5 ms. Capture knows no
 * claims.
 *
 * Calls are seen when they end. What the kernel's objects do not tell is read from the caller's memory then, as a
 * hint: the address of an unconnected send, the counts of sendmmsg, an offset behind a pointer, the descriptors of
 * socketpair, those in control messages and fanotify's events, all arguments of i386's socketcall.
 *
 * Another thread may replace or close a descriptor while a call on it runs. A read then has the file that the page cache
 * was asked for, a mapping the file that was mapped, a send the socket that took the bytes. What remains is told of what
 * stands behind the descriptor when the call ends, dev and ino 0 where nothing does: a read of a file that no page cache
 * has (tmpfs, a pipe, procfs), any read on a kernel that does not tell (no read:page-cache among the witnesses) or by a
 * task that uses io_uring, whose requests are worked on between its calls, and a write to a file. */
#include "event.h"

/* The recorder's programs and maps in the kernel. To load them takes 0.2 s of processor time, so recordings that come one after the
 * other may use the same: only one at a time, which begins with empty maps and numbers from 0. They go with the processes that have them; a
 * forked one has them too. */
struct hm_capture_loaded;

struct hm_capture_spec {
	int cgroup;	    /* descriptor of the cgroup v2 directory */
	uint64_t cgroup_id; /* its id (inode number) */
	size_t ring_bytes;  /* power of two; 0 = 16 MiB */
	uint64_t base;	    /* CLOCK_MONOTONIC of the run's START */
	/* Gets every event in the order of the ring, which is that of each CPU's sequence; slices live until it
	 * returns. Non-zero stops. A gap event comes before the event that shows it; it has `cpu` HM_CPU_USER, and
	 * `seq` 0, since numbers of that sequence are the sink's to give. Times of different CPUs may be slightly
	 * out of order. */
	int (*sink)(void *cookie, const struct hm_event *event, struct hm_fail *fail);
	void *cookie;
	const char *without; /* a program that is left out though START names its witness (for tests), or NULL */
	/* Back-pressure for the capture of the cgroup's packets as well: the bytes that its ring holds. 0: there is none. Else it reads and
	 * writes the words of hm_capture_wire, of `loaded`. */
	uint64_t wire_room;
	struct hm_capture_loaded *loaded; /* by hm_capture_load for the same ring_bytes, without and no_pressure; NULL: own ones are loaded */
	bool tls_ahead;	  /* of hm_capture_load: what watches TLS libraries is loaded too, and not by each recording that meets one */
	bool no_pressure; /* never stop the cgroup: what the ring cannot take is lost, and told by gap events (for tests) */
	bool no_freezer;  /* back-pressure by SIGSTOP alone (for tests) */
};

struct hm_capture_stats {
	uint64_t produced, lost; /* summed over the CPUs and the packets */
	uint64_t egress_packets, egress_bytes; /* cgroup_skb on the cgroup */
	uint64_t freezes, frozen_ns; /* back-pressure: how often and how long the cgroup stood still */
};

/* Back-pressure: when the ring is half full, a thread that does nothing else freezes the cgroup; hm_capture_poll thaws it when it
 * has emptied the ring, and hands a FREEZE event to the sink. At three quarters the program itself stops each process that makes
 * an event (SIGSTOP), and the same poll lets them go on; what the product stopped stays stopped. So a sink may take as long
 * as it likes, as long as it waits for nothing that the cgroup has to do. The ring wants 1 MiB at least.
 * A task that maps code which may give plaintext to TLS (record.md, `library`) stands still until a poll has looked at that.
 *
 * Nothing stays frozen: hm_capture_stop and hm_capture_close let go, and a guard process, which hm_capture_open forks, does when
 * this process is killed. The thread blocks all signals. Whoever forks between open and close must execute or exit in the
 * child, as with any process that has threads. */
struct hm_capture;

/* Sees to it that the next recording by this spec, of which ring_bytes, without and no_pressure count, finds *loaded ready: what is there
 * stays if it is for such recordings and nothing is left in it; else it is loaded. Fails as hm_capture_open; then *loaded is NULL. Where
 * overlayfs is a module it must be loaded by then, as it is once a chamber stands: its types are looked up here. */
int hm_capture_load(struct hm_capture_loaded **loaded, const struct hm_capture_spec *spec, struct hm_fail *fail) HM_MUST_CHECK;
/* Two words that recorder and packet capture share: bytes sent, by the recorder, and bytes taken, by the one who reads that ring. */
uint64_t *hm_capture_wire(struct hm_capture_loaded *l);
void hm_capture_unload(struct hm_capture_loaded *l); /* NULL is fine; no recording of this process uses it */

/* Loads, where that is not done, and attaches. From its return on nothing in the cgroup goes unseen. HM_E_USAGE for a ring of another
 * size, for programs that are loaded for other recordings or that another one uses, and where the caller is in the cgroup itself, which would
 * freeze it; HM_E_SYSTEM when the kernel refuses, or something of an earlier recording is left. `cgroup` may be closed afterwards. */
int hm_capture_open(struct hm_capture **ret, const struct hm_capture_spec *spec, struct hm_fail *fail) HM_MUST_CHECK;
/* Waits `timeout_ms`, or shorter when the ring becomes half full and not at all while something stands still, then hands what
 * is in the ring to the sink, at most 65,536 events, and for not much longer than a tenth of a second. Returns their number.
 * Unless that is 0 more may be there, and what stands still does so until the ring has been emptied: the caller looks after its
 * other things and polls again at once.
 * After a failure the record has a hole, and what stands still does so until hm_capture_close: stop and close. */
int hm_capture_poll(struct hm_capture *c, int timeout_ms, struct hm_fail *fail) HM_MUST_CHECK;
/* Looks at every task, descriptor and mapping in the cgroup (BPF iterators) and hands ALIVE, HELD, MAPPED and then LOOK to the
 * sink, with cpu HM_CPU_USER as of gaps. What the ring holds is handed over first. */
int hm_capture_look(struct hm_capture *c, enum hm_look_when when, struct hm_fail *fail) HM_MUST_CHECK;
/* Detaches, hands over the rest, closes holes that are left in the CPUs' sequences with gap events, and tells the sums.
 * Call it when the cgroup is empty. */
int hm_capture_stop(struct hm_capture *c, struct hm_capture_stats *stats, struct hm_fail *fail) HM_MUST_CHECK;
/* NULL is fine. Behind hm_capture_stop, and with nothing alive in the cgroup, spec.loaded is emptied for the next. */
void hm_capture_close(struct hm_capture *c);
void hm_capture_cleanup(struct hm_capture **c);

/* What this kernel lets the recorder do: each program and each optional witness tried by loading it. */
struct hm_capture_probe {
	const char *name;   /* "tp_btf sys_exit", "cgroup_skb egress", "page-cache tracepoints", ... */
	bool needed, works;
	char why[160];	    /* the kernel's reason, when it does not work */
};
/* Fills up to `max` rows and returns how many. */
size_t hm_capture_probe(struct hm_capture_probe *rows, size_t max);
/* The witnesses that hm_capture_open would use, as START.witnesses has them; static text. */
const char *hm_capture_witnesses(void);
