#pragma once
/* What the recorder's BPF programs and their loader share besides the raw events: how to treat a system call, and the
 * counters. Included by both; plain C types only. */
#include "event_abi.h"

#ifdef __BPF__
typedef __u8 hm_u8;
typedef __u16 hm_u16;
typedef __u32 hm_u32;
typedef __u64 hm_u64;
#else
typedef uint8_t hm_u8;
typedef uint16_t hm_u16;
typedef uint32_t hm_u32;
typedef uint64_t hm_u64;
#endif

/* What a call does that is worth an event. */
enum hm_call_op {
	HM_OP_NONE = 0,
	HM_OP_OPEN,	  /* returns a descriptor of a file */
	HM_OP_READ,	  /* arg 0 is a descriptor, the result the number of bytes; `how` = enum hm_call_at */
	HM_OP_WRITE,	  /* same */
	HM_OP_COPY,	  /* from one descriptor to another; `how` = enum hm_call_copy */
	HM_OP_VMSPLICE,	  /* memory into a pipe, or out of it */
	HM_OP_MMAP,	  /* `how` = enum hm_call_mmap */
	HM_OP_MPROTECT,	  /* address, length, protection */
	HM_OP_MREMAP,	  /* old address, old size, new size; returns the new address */
	HM_OP_SHMAT,	  /* id, address, flags */
	HM_OP_CHANGE,	  /* of a file by its path: what an overlay has below is copied up first */
	HM_OP_SOCKET,	  /* returns a socket */
	HM_OP_SOCKETPAIR, /* arg 3 points to where two are put */
	HM_OP_CONNECT,
	HM_OP_BIND,
	HM_OP_LISTEN,
	HM_OP_ACCEPT,
	HM_OP_SENDTO,
	HM_OP_SENDMSG,
	HM_OP_SENDMMSG,
	HM_OP_RECVFROM,
	HM_OP_RECVMSG,
	HM_OP_RECVMMSG,
	HM_OP_SOCKETCALL, /* i386: number and a pointer to the arguments of the socket calls above */
	HM_OP_CRED,	  /* changes credentials or namespaces when it succeeds */
	HM_OP_PRCTL,	  /* same, for some of its options */
};

/* Where a read or write took place. */
enum hm_call_at {
	HM_AT_FILE = 0,	      /* at the file's own position */
	HM_AT_ARG3,	      /* at arg 3 (with arg 4 as its upper half in a 32-bit call) */
	HM_AT_ARG3_OR_FILE,   /* same; -1 stands for the file's position */
};

enum hm_call_copy {
	HM_COPY_SENDFILE = 0, /* out, in, *in_offset, count */
	HM_COPY_RANGE,	      /* in, *in_offset, out, *out_offset, count, flags */
	HM_COPY_TEE,	      /* in, out, count, flags */
};

enum hm_call_mmap {
	HM_MMAP_BYTES = 0, /* arg 5 is the offset in bytes */
	HM_MMAP_PAGES,	   /* in pages of 4,096 */
	HM_MMAP_OLD,	   /* arg 0 points to six 32-bit arguments */
};

/* What makes a failed call a denial. */
enum hm_call_deny {
	HM_DENY_PERM = 1,  /* EPERM, EACCES */
	HM_DENY_NOSYS = 2, /* ENOSYS */
	HM_DENY_EPERM = 4, /* EPERM alone: where EACCES says no more than a file's mode */
};

/* When a call that succeeded is worth a CALL event. */
enum hm_call_tell {
	HM_TELL_NEVER = 0,
	HM_TELL_DONE,	   /* always */
	HM_TELL_ARG1,	   /* arg 1 is not 0 */
	HM_TELL_ARG2,	   /* arg 2 is not 0 */
	HM_TELL_KILL,	   /* arg 0 is not the own process, arg 1 a signal */
	HM_TELL_TKILL,	   /* arg 0 is not the own task, arg 1 a signal */
	HM_TELL_TGKILL,	   /* arg 0 is not the own process, arg 2 a signal */
	HM_TELL_CLOCK,	   /* the task may set the clock; without that right it has asked */
	HM_TELL_DEVICE_1,  /* the mode in arg 1 is a device's */
	HM_TELL_DEVICE_2,  /* the mode in arg 2 is */
	HM_TELL_PRCTL,	   /* some options */
	HM_TELL_IOCTL,	   /* some commands */
	HM_TELL_REAL_TIME, /* the policy in arg 1 goes before the recorder's */
	HM_TELL_SHIFT,	   /* fallocate moves the bytes behind a hole or a gap */
	HM_TELL_OPTION,	   /* some options of sockets */
};

/* One row of a call table; all zero: the call is of no interest. `nr` is the number to report: x32's calls have other
 * numbers than x86-64's for a few calls that are the same. */
struct hm_call_rule {
	hm_u8 op, how, deny, tell;
	hm_u16 nr;
};

enum hm_call_table { HM_CALLS_64, HM_CALLS_32, HM_CALLS_X32, HM_CALL_TABLES };

#define HM_CALLS_MAX 576 /* numbers in a table */

/* One for each CPU. Only programs that run on it write it, and none of them is preempted by another; but for the last
 * six, which programs in interrupts, or that are preempted, count atomically. */
struct hm_cpu_counters {
	hm_u64 seq;	/* events made = the next sequence number */
	hm_u64 lost;	/* of these, how many the ring had no room for */
	hm_u64 unasked; /* bytes sent since the last look at how full the ring is; racy in interrupts, which does no harm */
	hm_u64 packets, lost_packets; /* of the lane HM_CPU_PACKETS */
	hm_u64 given, lost_given;     /* of the lane HM_CPU_TLS */
	hm_u64 egress_packets, egress_bytes;
};

/* What a raw event of a look says in its head besides its time: `number` in tid, `table` in seq, `at` in tseq. */
struct hm_look_head {
	hm_u64 number; /* ALIVE: of the process, in the reader's pid namespace; else of the task that was asked */
	hm_u64 table;  /* HELD, MAPPED: stands for the table of descriptors or the memory, which tasks may share */
	hm_u64 at;     /* the place in it: descriptor or address; they come in rising order */
};

/* What the ring of the packet capture is told to hold (the chamber's internet has it so, too). */
enum hm_wire_word { HM_WIRE_SENT = 0, HM_WIRE_TAKEN = 1, HM_WIRE_WORDS = 2 };

#define HM_WIRE_FRAME 112 /* bytes of that ring that a packet needs beside its own */

/* What a recording sets before its programs are attached. */
struct hm_order {
	hm_u64 scope_id;	      /* of the watched cgroup */
	hm_u64 wire_alarm, wire_stop; /* bytes in the ring of the packet capture, as ring_alarm and ring_stop; 0: nobody reads it */
	hm_u32 taken, pad;	      /* a recording uses these programs, or one left them as they were */
};

/* Whether the ring is half full. BPF raises it, the reader of the ring lowers it. */
struct hm_alarm {
	hm_u64 fill;  /* bytes in the ring */
	hm_u64 stops; /* how many processes BPF has stopped */
	hm_u32 raised, pad;
};

/* A task that mapped code which has to be looked at first: its process stays stopped until that is done. */
struct hm_hold {
	hm_u32 tgid, tid;
};

/* A process that BPF stopped. */
struct hm_stop {
	hm_u64 time, fill; /* CLOCK_MONOTONIC, ns; bytes in the ring */
	hm_u32 sent;
	hm_u16 theirs; /* the product stopped it as well: it stays stopped */
	hm_u16 held;   /* for a hold, and nothing else */
};
