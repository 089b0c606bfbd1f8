#include "ring.h"

#include <linux/bpf.h>
#include <sys/mman.h>

/* Places that are given back at once: the producers read the position too, and each change takes it from their caches. */
#define GIVE_BACK 16384u

struct hm_ring {
	size_t bytes, page, mapped;
	uint64_t *consumer;	  /* written here, read by the kernel */
	const uint64_t *producer; /* the other way */
	const uint8_t *data;
};

static void close_of(struct hm_ring **ring)
{
	hm_ring_close(*ring);
}

int hm_ring_open(struct hm_ring **ret, int map, size_t bytes, struct hm_fail *fail)
{
	HM_CLEANUP(close_of) struct hm_ring *ring = hm_alloc(1, sizeof(*ring));
	size_t twice = bytes < HM_RING_RECORD_MAX ? bytes : HM_RING_RECORD_MAX;
	void *p;

	ring->bytes = bytes;
	ring->page = (size_t)sysconf(_SC_PAGESIZE);
	p = mmap(NULL, ring->page, PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);
	if (p == MAP_FAILED)
		return hm_fail_errno(fail, "mapping the recorder's ring");
	ring->consumer = p;
	p = mmap(NULL, ring->page + bytes + twice, PROT_READ, MAP_SHARED, map, (off_t)ring->page);
	if (p == MAP_FAILED)
		return hm_fail_errno(fail, "mapping the recorder's ring");
	ring->mapped = ring->page + bytes + twice;
	ring->producer = p;
	ring->data = (const uint8_t *)p + ring->page;
	*ret = hm_take_ptr(&ring);
	return 0;
}

int hm_ring_read(struct hm_ring *ring, int (*take)(void *cookie, struct hm_slice record, struct hm_fail *fail), void *cookie,
		 struct hm_fail *fail)
{
	uint64_t at = *ring->consumer, given = at, end;
	int r = 0;

	while (r == 0 && at < (end = __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE))) {
		while (r == 0 && at < end) {
			const uint8_t *record = ring->data + (at & (ring->bytes - 1));
			uint32_t head = __atomic_load_n((const uint32_t *)(const void *)record, __ATOMIC_ACQUIRE);
			uint32_t len = head & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);

			if (head & BPF_RINGBUF_BUSY_BIT) {
				__atomic_store_n(ring->consumer, at, __ATOMIC_RELEASE);
				return 0;
			}
			if (len > HM_RING_RECORD_MAX - BPF_RINGBUF_HDR_SZ)
				return hm_fail_set(fail, HM_E_BAD, "reading the recorder's ring: a record of %u bytes", len);
			if (!(head & BPF_RINGBUF_DISCARD_BIT))
				r = take(cookie, (struct hm_slice){ record + BPF_RINGBUF_HDR_SZ, len }, fail);
			at += (len + BPF_RINGBUF_HDR_SZ + 7) & ~7u;
			if (at - given >= GIVE_BACK) {
				given = at;
				__atomic_store_n(ring->consumer, at, __ATOMIC_RELEASE);
			}
		}
	}
	__atomic_store_n(ring->consumer, at, __ATOMIC_RELEASE);
	return r;
}

void hm_ring_close(struct hm_ring *ring)
{
	if (!ring)
		return;
	if (ring->consumer)
		munmap(ring->consumer, ring->page);
	if (ring->mapped)
		munmap((void *)(uintptr_t)ring->producer, ring->mapped);
	free(ring);
}

struct ends {
	size_t page;
	uint64_t *consumer, *producer;
};

static void unmap_ends(struct ends *ends)
{
	if (ends->consumer != MAP_FAILED)
		munmap(ends->consumer, ends->page);
	if (ends->producer != MAP_FAILED)
		munmap(ends->producer, ends->page);
}

static bool map_ends(struct ends *ends, int map)
{
	ends->page = (size_t)sysconf(_SC_PAGESIZE);
	ends->consumer = mmap(NULL, ends->page, PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);
	ends->producer = mmap(NULL, ends->page, PROT_READ, MAP_SHARED, map, (off_t)ends->page);
	return ends->consumer != MAP_FAILED && ends->producer != MAP_FAILED;
}

bool hm_ring_is_empty(int map)
{
	HM_CLEANUP(unmap_ends) struct ends ends;

	return map_ends(&ends, map) && *ends.consumer == __atomic_load_n(ends.producer, __ATOMIC_ACQUIRE);
}

int hm_ring_forget(int map, struct hm_fail *fail)
{
	HM_CLEANUP(unmap_ends) struct ends ends;

	if (!map_ends(&ends, map))
		return hm_fail_errno(fail, "mapping the recorder's ring");
	__atomic_store_n(ends.consumer, __atomic_load_n(ends.producer, __ATOMIC_ACQUIRE), __ATOMIC_RELEASE);
	return 0;
}
