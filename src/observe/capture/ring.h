#pragma once
/* Reads a BPF ring buffer (linux/bpf.h, BPF_MAP_TYPE_RINGBUF).
 *
 * libbpf's reader maps the data twice in full, so that a record which reaches over the end lies in one piece; both count as
 * this process's memory. Here only as much is mapped twice as a record can be long. */
#include "bytes.h"
#include "fail.h"

#define HM_RING_RECORD_MAX 16384u

struct hm_ring;

/* Maps the ring of `bytes` (a power of two, at least a page) behind the map's descriptor, which stays the caller's. */
int hm_ring_open(struct hm_ring **ret, int map, size_t bytes, struct hm_fail *fail) HM_MUST_CHECK;
/* Hands records to `take` until the ring is empty, one is still being written, or `take` returns other than 0, which is then
 * returned; that record is gone too. HM_E_BAD for a record that no program of ours makes. */
int hm_ring_read(struct hm_ring *ring, int (*take)(void *cookie, struct hm_slice record, struct hm_fail *fail), void *cookie,
		 struct hm_fail *fail) HM_MUST_CHECK;
void hm_ring_close(struct hm_ring *ring); /* NULL is fine */

/* Of a ring that nobody has open: whether nothing is in it (also false where that cannot be told); what is in it goes. */
bool hm_ring_is_empty(int map) HM_MUST_CHECK;
int hm_ring_forget(int map, struct hm_fail *fail) HM_MUST_CHECK;
