#pragma once
/* What capture.c and probe.c share: the recorder's programs opened and set for this kernel, and libbpf kept quiet. */
#include "calls.h"
#include "capture.h"

struct btf;
struct bpf_object;
struct capture_bpf;

/* CLOCK_MONOTONIC, ns. */
uint64_t hm_capture_now(void);

/* libbpf prints nowhere from now on; this thread's next warning is kept. */
void hm_libbpf_quiet(void);
/* That warning without its "libbpf: " and line end, or the message of errno when there was none. Static text. */
const char *hm_libbpf_said(int error);

/* Opens the recorder's programs and sets what must be known before they are loaded. NULL with errno set. `pressure`:
 * they stop what fills the ring. */
struct capture_bpf *hm_capture_programs(size_t ring_bytes, bool pressure);

/* The iterators behind hm_capture_look. */
struct hm_look;
/* Loads them. `tasks` is the recorder's map of tasks: those that are found are marked there. `can_cast` as the recorder has it. */
int hm_look_open(struct hm_look **ret, int tasks, bool can_cast, struct hm_fail *fail) HM_MUST_CHECK;
/* The cgroup that the next looks are about. */
void hm_look_at(struct hm_look *look, uint64_t cgroup_id);
/* Hands ALIVE, HELD, MAPPED and then LOOK to the spec's sink; returns what it does when that is not 0. `number`: of the look. */
int hm_look_take(const struct hm_look *look, const struct hm_capture_spec *spec, uint64_t number, enum hm_look_when when,
		 struct hm_fail *fail) HM_MUST_CHECK;
/* Nothing of the cgroup stays in their maps. */
int hm_look_forget(struct hm_look *look, struct hm_fail *fail) HM_MUST_CHECK;
void hm_look_close(struct hm_look *look); /* NULL is fine */

/* The packet capture's ring: `words` are shared with BPF and with its reader (enum hm_wire_word). NULL: there is none. */
struct hm_wire {
	uint64_t *words;
	uint64_t room;	       /* bytes of the ring */
	uint64_t since, taken; /* when its reader moved last, and how far it had come */
};

/* Whether too much is in the ring to let the product go on. False after ten seconds in which nobody took anything. */
bool hm_wire_waits(struct hm_wire *wire) HM_MUST_CHECK;

/* Witnesses of reads besides the system calls, for which a kernel must have the tracepoints. */
enum hm_witness {
	HM_WITNESS_PAGE_CACHE, /* what is asked of it: mm_filemap_get_pages, _map_pages and _fault */
	HM_WITNESS_PAGE_ADD,   /* what is put into it, used where the former is missing */
	HM_WITNESS_DIRECT,     /* O_DIRECT: iomap_dio_rw_begin */
	HM_WITNESS_IO_URING,
	HM_WITNESS_SOCKET,     /* of sends: sock_send_length (6.3) */
};
bool hm_kernel_has(const struct btf *btf, enum hm_witness witness);
