/* What passes the internet's end of the link, both directions, into the pcapng file.
 *
 * The ring takes what arrives while the process does something else; what did not fit is counted by the kernel. When the file
 * cannot be written, frames are counted as lost and the file ends with its last whole block. */
#include <errno.h>
#include <fcntl.h>
#include <time.h>

#include "fs.h"
#include "internet_internal.h"
#include "pcapng.h"

enum {
	WRITE_AT = 256 << 10,
	AT_ONCE = 32, /* blocks; then it is the answers' turn */
	TELL_US = 50000, /* how often it is told how far the reader is, also when nothing comes */
	ROUNDS_MAX = 65536,
	MOVE_AT_ONCE = 1 << 20,
};

struct packets {
	struct packet_ring ring;
	struct event *event, *tell;
	uint64_t *wire;
	int fd;
	off_t start; /* where the first packet stands */
	off_t whole; /* length of the file at its last whole block */
	struct hm_bytes buffer;
	struct hm_internet_stats stats, buffered; /* of what the file holds, and of what the buffer holds */
	struct hm_fail fail; /* the first failure to write */
	uint64_t last_us;
};

uint64_t hm_internet_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void write_out(struct packets *p)
{
	if (!p->fail.code && hm_fs_write_all(p->fd, hm_slice_of(&p->buffer), &p->fail) < 0) {
		hm_fail_in(&p->fail, "cannot write the packet file");
		/* What was written of the buffer may end within a block. A file that cannot even be cut is told as it
		 * is: the failure above is reported in any case. */
		(void)!ftruncate(p->fd, p->whole);
	}
	if (p->fail.code) {
		p->stats.lost += p->buffered.packets;
	} else {
		p->whole += (off_t)p->buffer.len;
		p->stats.packets += p->buffered.packets;
		p->stats.bytes += p->buffered.bytes;
	}
	p->buffer.len = 0;
	p->buffered = (struct hm_internet_stats){ 0 };
}

static void on_frame(void *cookie, uint64_t time_ns, struct hm_slice frame, uint32_t wire_len)
{
	struct packets *p = cookie;

	hm_pcapng_packet(&p->buffer, time_ns, frame, wire_len);
	p->buffered.packets++;
	p->buffered.bytes += wire_len;
	if (p->buffer.len >= WRITE_AT)
		write_out(p);
}

/* How far the reader is. What others count as sent and what arrives here differ by what the chamber's kernel says itself, and by
 * what was lost before the ring. So an empty ring means that all is taken which was sent before it was looked at. */
static void tell_wire(struct packets *p, uint64_t sent, uint64_t came, bool empty)
{
	uint64_t taken;

	if (!p->wire)
		return;
	taken = __atomic_load_n(&p->wire[WIRE_TAKEN], __ATOMIC_RELAXED) + came;
	if (empty || (int64_t)(sent - taken) < 0)
		taken = sent;
	__atomic_store_n(&p->wire[WIRE_TAKEN], taken, __ATOMIC_RELEASE);
}

/* True when there may be more. */
static bool read_frames(struct packets *p)
{
	uint64_t before = p->stats.packets + p->stats.lost + p->buffered.packets, came = p->ring.incoming;
	uint64_t sent = p->wire ? __atomic_load_n(&p->wire[WIRE_SENT], __ATOMIC_ACQUIRE) : 0;
	bool more = hm_internet_ring_read(&p->ring, AT_ONCE, on_frame, p);

	tell_wire(p, sent, p->ring.incoming - came, !more);

	if (p->stats.packets + p->stats.lost + p->buffered.packets > before)
		p->last_us = hm_internet_now_us();
	return more;
}

static void on_readable(evutil_socket_t fd HM_UNUSED, short what HM_UNUSED, void *user)
{
	(void)read_frames(user);
}

static void packets_free(struct packets *p)
{
	if (p->event)
		event_free(p->event);
	if (p->tell)
		event_free(p->tell);
	hm_internet_ring_close(&p->ring);
	hm_bytes_release(&p->buffer);
	free(p);
}

static void packets_cleanup(struct packets **p)
{
	if (*p)
		packets_free(*p);
}

int hm_internet_packets_open(struct packets **ret, struct event_base *base, int fd, uint64_t *wire, struct hm_fail *fail)
{
	HM_CLEANUP(packets_cleanup) struct packets *p = hm_alloc(1, sizeof(*p));
	struct timeval period = { .tv_usec = TELL_US };

	p->fd = fd;
	p->wire = wire;
	p->start = p->whole = lseek(fd, 0, SEEK_END);
	p->last_us = hm_internet_now_us();
	if (hm_internet_ring_open(&p->ring, INTERNET_INTERFACE, fail) < 0)
		return fail->code;
	p->event = event_new(base, p->ring.fd, EV_READ | EV_PERSIST, on_readable, p);
	p->tell = event_new(base, -1, EV_PERSIST, on_readable, p);
	if (!p->event || event_add(p->event, NULL) < 0 || !p->tell || event_add(p->tell, &period) < 0)
		return hm_fail_set(fail, HM_E_SYSTEM, "cannot capture packets: no event");
	*ret = hm_take_ptr(&p);
	return 0;
}

uint64_t hm_internet_packets_last(const struct packets *p)
{
	return p->last_us;
}

/* Frames that the product sent and that the file does not hold: those that found the ring full, and those that found
 * the receiving end's queue full, before the ring. */
static int count_lost(struct packets *p, struct hm_fail *fail)
{
	uint64_t ring, queue;

	if (hm_internet_ring_dropped(&p->ring, &ring, fail) < 0 || hm_internet_net_dropped(&queue, fail) < 0)
		return fail->code;
	p->stats.lost += ring + queue;
	return 0;
}

static bool copy_up(int fd, off_t from, off_t by, uint8_t *buffer, size_t len)
{
	return pread(fd, buffer, len, from) == (ssize_t)len && pwrite(fd, buffer, len, from + by) == (ssize_t)len;
}

/* What was captured moves up, from its end on, to make room for what is known only now and must be read before it. The room
 * is had first: a full disk leaves the packets as they were, without the head. */
static void insert(struct packets *p, struct hm_slice head)
{
	HM_FREE uint8_t *buffer = hm_alloc(1, MOVE_AT_ONCE);
	int r;

	if (!head.len || p->fail.code)
		return;
	do
		r = posix_fallocate(p->fd, p->whole, (off_t)head.len);
	while (r == EINTR);
	if (r) {
		errno = r;
		hm_fail_errno(&p->fail, "cannot put keys and names into the packet file");
		(void)!ftruncate(p->fd, p->whole);
		return;
	}
	for (off_t end = p->whole; end > p->start;) {
		size_t len = end - p->start < MOVE_AT_ONCE ? (size_t)(end - p->start) : MOVE_AT_ONCE;

		end -= (off_t)len;
		if (!copy_up(p->fd, end, (off_t)head.len, buffer, len)) {
			hm_fail_errno(&p->fail, "cannot put keys and names into the packet file");
			return;
		}
	}
	if (pwrite(p->fd, head.data, head.len, p->start) != (ssize_t)head.len)
		hm_fail_errno(&p->fail, "cannot put keys and names into the packet file");
}

int hm_internet_packets_finish(struct packets *p, struct hm_slice head, struct hm_internet_stats *stats, struct hm_fail *fail)
{
	struct hm_fail count = { 0 };

	for (int i = 0; i < ROUNDS_MAX && read_frames(p); i++)
		;
	write_out(p);
	insert(p, head);
	if (!p->fail.code && fsync(p->fd) < 0)
		hm_fail_errno(&p->fail, "cannot sync the packet file");
	if (count_lost(p, &count) < 0 && !p->fail.code)
		p->fail = count;
	*stats = p->stats;
	*fail = p->fail;
	return p->fail.code;
}
