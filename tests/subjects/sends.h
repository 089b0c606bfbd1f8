#pragma once
/* What the steps of sends_subject share: sockets, how events name them, and a small io_uring. */
#include "subject.h"

#include <arpa/inet.h>
#include <linux/errqueue.h>
#include <linux/if_packet.h>
#include <linux/io_uring.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/vm_sockets.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>

enum { TCP_PORT = 7000, UDP_PORT = 7001, CLOSED_PORT = 7002 };

static const char *folder, *peer;
static char payload[65536];

static const char *in_folder(const char *name)
{
	static char path[4096];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static unsigned long long ino_of(int fd)
{
	struct stat st;

	must(fstat(fd, &st) == 0, "socket");
	return st.st_ino;
}

static int local_port(int fd)
{
	struct sockaddr_in a = { 0 };
	socklen_t len = sizeof(a);

	must(getsockname(fd, (struct sockaddr *)&a, &len) == 0, "getsockname");
	return ntohs(a.sin_port);
}

static struct sockaddr_in to(const char *address, int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };

	must(inet_pton(AF_INET, address, &a.sin_addr) == 1, address);
	return a;
}

/* The peer's address as an event has it. */
static const char *quoted(const char *address)
{
	static char text[4][40];
	static unsigned at;
	char *out = text[at++ % 4];
	struct sockaddr_in a = to(address, 0);
	const uint8_t *b = (const uint8_t *)&a.sin_addr;

	snprintf(out, sizeof(text[0]), "\"\\x%02x\\x%02x\\x%02x\\x%02x\"", b[0], b[1], b[2], b[3]);
	return out;
}

static int connected(int type, int port)
{
	struct sockaddr_in a = to(peer, port);
	int fd = socket(AF_INET, type, 0);

	must(fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0, "connect");
	return fd;
}

/* One datagram or segment that this process sent, with its headers. */
static void state_packet(int fd, int proto, int port, size_t bytes)
{
	state("~packet owner=%d ino=%llu family=2 proto=%d addr=%s port=%d local_port=%d bytes=%zu packets=1", getpid(),
	      ino_of(fd), proto, quoted(peer), port, local_port(fd), bytes);
}

static void state_send(long nr, int fd, int type, int port, size_t bytes)
{
	state("send nr=%ld fd=%d ino=%llu family=2 type=%d addr=%s port=%d local_port=%d bytes=%zu", nr, fd, ino_of(fd), type,
	      quoted(peer), port, local_port(fd), bytes);
}

static void state_sent(long nr, int fd, int type, int port, size_t bytes, int times)
{
	state("~sent nr=%ld ino=%llu family=2 type=%d addr=%s port=%d local_port=%d bytes=%zu times=%d", nr, ino_of(fd), type,
	      quoted(peer), port, local_port(fd), bytes, times);
}

enum { UDP_HEADERS = 20 + 8, TCP_HEADERS = 20 + 32 /* with timestamps */ };

/* One io_uring with one request at a time. */
struct ring {
	int fd;
	unsigned *sq_tail, *sq_array, *sq_flags, *cq_head, *cq_tail;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
	unsigned mask;
};

static void ring_open(struct ring *r, unsigned flags)
{
	struct io_uring_params p = { .flags = flags, .sq_thread_idle = 1000 };
	char *sq, *cq;

	r->fd = (int)syscall(SYS_io_uring_setup, 4, &p);
	must(r->fd >= 0, "io_uring_setup");
	sq = mmap(NULL, p.sq_off.array + p.sq_entries * 4, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, IORING_OFF_SQ_RING);
	cq = mmap(NULL, p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe), PROT_READ | PROT_WRITE, MAP_SHARED,
		  r->fd, IORING_OFF_CQ_RING);
	r->sqes = mmap(NULL, p.sq_entries * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE, MAP_SHARED, r->fd,
		       IORING_OFF_SQES);
	must(sq != MAP_FAILED && cq != MAP_FAILED && r->sqes != MAP_FAILED, "mapping an io_uring");
	r->sq_tail = (unsigned *)(sq + p.sq_off.tail);
	r->sq_array = (unsigned *)(sq + p.sq_off.array);
	r->sq_flags = (unsigned *)(sq + p.sq_off.flags);
	r->cq_head = (unsigned *)(cq + p.cq_off.head);
	r->cq_tail = (unsigned *)(cq + p.cq_off.tail);
	r->cqes = (struct io_uring_cqe *)(cq + p.cq_off.cqes);
	r->mask = p.cq_entries - 1;
}

static int ring_send(struct ring *r, int fd, size_t bytes, unsigned flags)
{
	unsigned tail = *r->sq_tail, wake = IORING_ENTER_GETEVENTS;

	memset(&r->sqes[0], 0, sizeof(r->sqes[0]));
	r->sqes[0] = (struct io_uring_sqe){ .opcode = IORING_OP_SEND, .fd = fd, .addr = (uintptr_t)payload, .len = (unsigned)bytes,
					   .flags = (uint8_t)flags };
	r->sq_array[tail & 3] = 0;
	__atomic_store_n(r->sq_tail, tail + 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(r->sq_flags, __ATOMIC_SEQ_CST) & IORING_SQ_NEED_WAKEUP)
		wake |= IORING_ENTER_SQ_WAKEUP;
	while (__atomic_load_n(r->cq_tail, __ATOMIC_ACQUIRE) == *r->cq_head)
		must(syscall(SYS_io_uring_enter, r->fd, 1, 1, wake, NULL, 0) >= 0, "io_uring_enter");
	++*r->cq_head;
	return r->cqes[(*r->cq_head - 1) & r->mask].res;
}
