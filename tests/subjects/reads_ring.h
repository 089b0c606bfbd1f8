#pragma once
/* io_uring and AIO by their calls alone. */
#include "reads.h"

#include <linux/aio_abi.h>
#include <linux/io_uring.h>

struct ring {
	int fd;
	char *sq, *cq;
	struct io_uring_sqe *sqes;
	struct io_uring_params p;
};

static inline void open_ring(struct ring *r)
{
	memset(r, 0, sizeof(*r));
	r->fd = (int)syscall(SYS_io_uring_setup, 8, &r->p);
	if (r->fd < 0 && (errno == ENOSYS || errno == EPERM))
		skip("io_uring_setup: %s", strerror(errno));
	must(r->fd >= 0, "io_uring_setup");
	r->sq = mmap(NULL, r->p.sq_off.array + r->p.sq_entries * sizeof(unsigned), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_POPULATE, r->fd, IORING_OFF_SQ_RING);
	r->cq = mmap(NULL, r->p.cq_off.cqes + r->p.cq_entries * sizeof(struct io_uring_cqe), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_POPULATE, r->fd, IORING_OFF_CQ_RING);
	r->sqes = mmap(NULL, r->p.sq_entries * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_POPULATE, r->fd, IORING_OFF_SQES);
	must(r->sq != MAP_FAILED && r->cq != MAP_FAILED && r->sqes != MAP_FAILED, "mapping the ring");
}

/* Submits one request, waits for its completion and returns its result. */
static inline int ring_does(struct ring *r, const struct io_uring_sqe *sqe)
{
	unsigned *tail = (unsigned *)(r->sq + r->p.sq_off.tail), *array = (unsigned *)(r->sq + r->p.sq_off.array);
	unsigned mask = *(unsigned *)(r->sq + r->p.sq_off.ring_mask), at = *tail & mask;
	unsigned *head = (unsigned *)(r->cq + r->p.cq_off.head);
	unsigned cq_mask = *(unsigned *)(r->cq + r->p.cq_off.ring_mask);
	int result;

	r->sqes[at] = *sqe;
	array[at] = at;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	must(syscall(SYS_io_uring_enter, r->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) == 1, "io_uring_enter");
	must(__atomic_load_n((unsigned *)(r->cq + r->p.cq_off.tail), __ATOMIC_ACQUIRE) != *head, "a completion");
	result = ((struct io_uring_cqe *)(r->cq + r->p.cq_off.cqes))[*head & cq_mask].res;
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	return result;
}

static inline void state_ring(int opcode, int result)
{
	state("ring opcode=%d result=%d %s layer=%d path=\"%s\"", opcode, result, real, layer, document);
}

/* The same place read by a request of AIO. */
static inline void aio_read(int fd, char *buffer, long offset, long bytes)
{
	struct iocb cb = { .aio_lio_opcode = IOCB_CMD_PREAD,
			   .aio_fildes = (unsigned)fd,
			   .aio_buf = (uint64_t)(uintptr_t)buffer,
			   .aio_nbytes = (uint64_t)bytes,
			   .aio_offset = offset };
	struct iocb *one = &cb;
	struct io_event event;
	aio_context_t context = 0;

	if (syscall(SYS_io_setup, 4, &context) < 0) {
		must(errno == ENOSYS, "io_setup");
		skip("io_setup: %s", strerror(errno));
	}
	must(syscall(SYS_io_submit, context, 1, &one) == 1, "io_submit");
	must(syscall(SYS_io_getevents, context, 1, 1, &event, NULL) == 1, "io_getevents");
	errno = event.res < 0 ? (int)-event.res : EIO;
	must(event.res == bytes, "an AIO read");
}
