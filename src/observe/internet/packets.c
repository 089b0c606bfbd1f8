/* What passes the internet's end of the link, both directions, into the pcapng file.
 *
 * libpcap's ring takes what arrives while the process does something else; what did not fit is counted by the kernel.
 * When the file cannot be written, frames are counted as lost and the file ends with its last whole block. */
#include <errno.h>
#include <pcap/pcap.h>
#include <time.h>

#include "fs.h"
#include "internet_internal.h"
#include "pcapng.h"

enum {
	RING = 32 << 20,
	SNAPLEN = 65535,
	BLOCK_TIMEOUT_MS = 5, /* a block of the ring that is not full is handed over after that */
	WRITE_AT = 256 << 10,
	AT_ONCE = 4096, /* frames; then it is the answers' turn */
	ROUNDS_MAX = 65536,
};

struct packets {
	pcap_t *pcap;
	struct event *event;
	int fd;
	off_t whole; /* length of the file at its last whole block */
	struct hm_bytes buffer;
	struct hm_internet_stats stats, buffered; /* of what the file holds, and of what the buffer holds */
	struct hm_fail fail; /* the first failure to write */
	bool ended;	     /* the interface is gone */
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

static void on_frame(u_char *user, const struct pcap_pkthdr *head, const u_char *bytes)
{
	struct packets *p = (struct packets *)user;

	/* tv_usec holds nanoseconds: that is what PCAP_TSTAMP_PRECISION_NANO does to it. */
	hm_pcapng_packet(&p->buffer, (uint64_t)head->ts.tv_sec * 1000000000 + (uint64_t)head->ts.tv_usec,
			 (struct hm_slice){ bytes, head->caplen }, head->len);
	p->buffered.packets++;
	p->buffered.bytes += head->len;
	if (p->buffer.len >= WRITE_AT)
		write_out(p);
}

/* True when there may be more. */
static bool read_frames(struct packets *p)
{
	int n;

	if (p->ended)
		return false;
	n = pcap_dispatch(p->pcap, AT_ONCE, on_frame, (u_char *)p);
	if (n > 0)
		p->last_us = hm_internet_now_us();
	if (n < 0) {
		if (!p->fail.code)
			hm_fail_set(&p->fail, HM_E_SYSTEM, "cannot read packets: %s", pcap_geterr(p->pcap));
		p->ended = true;
		event_del(p->event);
	}
	return n > 0;
}

static void on_readable(evutil_socket_t fd HM_UNUSED, short what HM_UNUSED, void *user)
{
	read_frames(user);
}

static void packets_free(struct packets *p)
{
	if (p->event)
		event_free(p->event);
	if (p->pcap)
		pcap_close(p->pcap);
	hm_bytes_release(&p->buffer);
	free(p);
}

static void packets_cleanup(struct packets **p)
{
	if (*p)
		packets_free(*p);
}

static int activate(pcap_t *pcap, struct hm_fail *fail)
{
	char error[PCAP_ERRBUF_SIZE] = "";
	int r;

	if (pcap_set_snaplen(pcap, SNAPLEN) || pcap_set_promisc(pcap, 0) || pcap_set_timeout(pcap, BLOCK_TIMEOUT_MS) ||
	    pcap_set_buffer_size(pcap, RING) || pcap_set_tstamp_precision(pcap, PCAP_TSTAMP_PRECISION_NANO))
		return hm_fail_set(fail, HM_E_SYSTEM, "cannot set the packet capture up: this libpcap lacks an option");
	r = pcap_activate(pcap);
	if (r < 0)
		return hm_fail_set(fail, HM_E_SYSTEM, "cannot capture packets: %s: %s", pcap_statustostr(r),
				   pcap_geterr(pcap));
	if (pcap_datalink(pcap) != DLT_EN10MB || pcap_setnonblock(pcap, 1, error) < 0)
		return hm_fail_set(fail, HM_E_SYSTEM, "cannot capture packets: %s", *error ? error : "no Ethernet");
	return 0;
}

int hm_internet_packets_open(struct packets **ret, struct event_base *base, int fd, struct hm_fail *fail)
{
	HM_CLEANUP(packets_cleanup) struct packets *p = hm_alloc(1, sizeof(*p));
	char error[PCAP_ERRBUF_SIZE] = "";

	p->fd = fd;
	p->whole = lseek(fd, 0, SEEK_END);
	p->last_us = hm_internet_now_us();
	p->pcap = pcap_create(INTERNET_INTERFACE, error);
	if (!p->pcap)
		return hm_fail_set(fail, HM_E_SYSTEM, "cannot capture packets: %s", error);
	if (activate(p->pcap, fail) < 0)
		return fail->code;
	p->event = event_new(base, pcap_get_selectable_fd(p->pcap), EV_READ | EV_PERSIST, on_readable, p);
	if (!p->event || event_add(p->event, NULL) < 0)
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
	struct pcap_stat ring;
	uint64_t queue;

	if (pcap_stats(p->pcap, &ring) < 0)
		return hm_fail_set(fail, HM_E_SYSTEM, "cannot tell how many packets were lost: %s",
				   pcap_geterr(p->pcap));
	if (hm_internet_net_dropped(&queue, fail) < 0)
		return fail->code;
	p->stats.lost += ring.ps_drop + queue;
	return 0;
}

int hm_internet_packets_finish(struct packets *p, struct hm_internet_stats *stats, struct hm_fail *fail)
{
	struct hm_fail count = { 0 };

	for (int i = 0; i < ROUNDS_MAX && read_frames(p); i++)
		;
	write_out(p);
	if (!p->fail.code && fsync(p->fd) < 0)
		hm_fail_errno(&p->fail, "cannot sync the packet file");
	if (count_lost(p, &count) < 0 && !p->fail.code)
		p->fail = count;
	*stats = p->stats;
	*fail = p->fail;
	return p->fail.code;
}
