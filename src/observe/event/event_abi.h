#pragma once
/* What BPF programs and user space share: the raw event. Plain C types only; this header is included by both.
 *
 * A raw event is the head, then one u64 for each UINT or INT field of its kind in order, then one u32 length for each
 * BYTES field in order, then those bytes one behind the other. Unused bytes are zero. */
#ifdef __BPF__
#define UINT64_MAX (~0ull)
#else
#include <stdint.h>
#endif

#define HM_NR_COMPAT (1u << 30)
#define HM_CPU_USER 65535u /* stands for `cpu` in events that user space makes; they have a sequence of their own */
/* The same for packets. The program that sees them can be interrupted by itself, so the reader of the ring numbers them; that none
 * is missing is shown by END.egress_packets. They belong to no task: tgid, tid and tseq are 0. */
#define HM_CPU_PACKETS 65534u
/* And for plaintext given to TLS: its programs may sleep, and be preempted by others of the recorder. tgid and tid are the caller's, tseq
 * is 0. The events of one task stand in its order, among those of other lanes too. */
#define HM_CPU_TLS 65533u

/* In the place of `tseq`: the kernel had no memory for the task's counter. The event itself and its number on its CPU
 * are whole; the task's next event that has a number goes on counting, or begins at 0. */
#define HM_TSEQ_UNKNOWN UINT64_MAX

#define HM_KIND(name, number, text, meaning) HM_EV_##name = number,
#define HM_FIELD(kind, name, type, text)
#define HM_KIND_END(kind)
enum hm_kind {
#include "kinds.def"
	HM_EV_COUNT
};
#undef HM_KIND
#undef HM_FIELD
#undef HM_KIND_END

enum hm_layer {
	HM_LAYER_NONE = 0,  /* no file, or one of no file system with a layer: pipe, memfd, proc, tmpfs, device */
	HM_LAYER_LOWER = 1, /* an overlay's lower layer: installed on the host before the run */
	HM_LAYER_UPPER = 2, /* an overlay's upper layer: made or changed in the chamber (planted files of /etc are here too) */
	HM_LAYER_PLAIN = 3, /* a disk file system without an overlay: {target} */
};

enum hm_tls_function {
#define HM_TLS_FUNCTION(name, number, library, symbol, memory, length, tells, written) HM_TLS_##name = number,
#include "tls_functions.def"
#undef HM_TLS_FUNCTION
	HM_TLS_FUNCTIONS = 64
};

enum hm_library_why {
	HM_LIB_WATCHED = 0,
	HM_LIB_REFUSED = 1, /* the kernel refused to watch some of its functions */
	HM_LIB_MACHINE = 2, /* code of another kind than the kernel's own: 32 bits */
	HM_LIB_GONE = 3,	/* the process ended, or unmapped it, before it could be looked at: what it has is not known */
};

/* In MAP.FLAGS, above those of mmap: the mapping itself could not be asked, and what the event names is what the descriptor led to
 * when the call ended, which another thread may have replaced. */
#define HM_MAP_UNSURE (1ull << 32)

enum hm_gap_source {
	HM_GAP_RING = 0,    /* BPF had no room */
	HM_GAP_SEQUENCE = 1, /* a hole in a CPU's sequence that no counter explains */
	HM_GAP_ATTACH = 2,  /* the product ran before the recorder did */
	HM_GAP_PACKETS = 3, /* the packet capture dropped */
	HM_GAP_OUTPUT = 4,  /* the product printed more than is kept */
};

enum hm_freeze_means {
	HM_FREEZE_CGROUP = 0, /* cgroup.freeze */
	HM_FREEZE_SIGSTOP = 1, /* SIGSTOP to each task that made an event while the ring was three quarters full */
	HM_FREEZE_HOLD = 2,    /* SIGSTOP to a task that mapped code, until it was known whether calls of it are to be watched */
	HM_FREEZES
};

enum hm_pages_by {
	HM_PAGES_GET = 0,    /* read, pread, sendfile, splice, ...: mm_filemap_get_pages */
	HM_PAGES_MAP = 1,    /* a mapping was touched: mm_filemap_map_pages, up to 16 pages around the touched one */
	HM_PAGES_FAULT = 2,  /* a mapping was touched: mm_filemap_fault */
	HM_PAGES_DIRECT = 3, /* O_DIRECT: iomap_dio_rw_begin */
	HM_PAGES_ADD = 4,    /* mm_filemap_add_to_page_cache: read ahead too; used where the first two are missing */
};

enum hm_look_when {
	HM_LOOK_START = 0,
	HM_LOOK_CHECKPOINT = 1,
	HM_LOOK_END = 2,
};

enum hm_outcome {
	HM_OUTCOME_EXITED = 0,
	HM_OUTCOME_SIGNALLED = 1,
	HM_OUTCOME_TIMEOUT = 2,
	HM_OUTCOME_INTERRUPTED = 3,
};

struct hm_raw {
#ifdef __BPF__
	__u16 kind, pad;
	__u32 cpu;
	__u64 seq, time;
	__u32 tgid, tid;
	__u64 tseq;
#else
	uint16_t kind, pad;
	uint32_t cpu;	    /* CPU that made it */
	uint64_t seq;	    /* per CPU, from 0, counts lost events too */
	uint64_t time;	    /* CLOCK_MONOTONIC, ns */
	uint32_t tgid, tid; /* as the host numbers them */
	uint64_t tseq;	    /* per task, from 0 */
#endif
};
