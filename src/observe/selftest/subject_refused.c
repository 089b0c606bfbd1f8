/* Ways that the chamber must refuse: they read or send behind the recorder. Each returns the errno of the refusal, 0 where it was
 * let through. */
#include "selftest_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include <linux/vm_sockets.h>
#include <net/ethernet.h>
#include <sys/fanotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>

static int refused(long result)
{
	return result < 0 ? errno : 0;
}

int hm_refused_io_uring(const struct hm_actor *actor HM_UNUSED)
{
	struct io_uring_params parameters = { 0 };

	return refused(syscall(SYS_io_uring_setup, 2, &parameters));
}

int hm_refused_aio(const struct hm_actor *actor HM_UNUSED)
{
	aio_context_t context = 0;

	return refused(syscall(SYS_io_setup, 1, &context));
}

int hm_refused_vm_readv(const struct hm_actor *actor HM_UNUSED)
{
	char from[16] = { 0 }, to[sizeof(from)];
	struct iovec here = { to, sizeof(to) }, there = { from, sizeof(from) };

	return refused(process_vm_readv(getpid(), &here, 1, &there, 1, 0));
}

int hm_refused_handle(const struct hm_actor *actor)
{
	union {
		struct file_handle head;
		unsigned char bytes[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} handle = { .head = { .handle_bytes = MAX_HANDLE_SZ } };
	HM_CLOSE int folder = open(actor->target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int mount;

	/* A file system without handles has no way by them; the refusal is asked for all the same. */
	if (name_to_handle_at(AT_FDCWD, actor->path, &handle.head, &mount, 0) < 0) {
		handle.head.handle_bytes = 8;
		handle.head.handle_type = 1;
	}
	return refused(open_by_handle_at(folder, &handle.head, O_RDONLY));
}

int hm_refused_getfd(const struct hm_actor *actor HM_UNUSED)
{
	HM_CLOSE int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);

	return refused(syscall(SYS_pidfd_getfd, pidfd, STDIN_FILENO, 0));
}

int hm_refused_fanotify(const struct hm_actor *actor HM_UNUSED)
{
	return refused(fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY));
}

int hm_refused_block(const struct hm_actor *actor HM_UNUSED)
{
	static const char path[] = "/tmp/hallmark-self-test-block";
	int r = refused(syscall(SYS_mknodat, AT_FDCWD, path, S_IFBLK | 0600, makedev(8, 0)));

	if (r == 0)
		unlink(path);
	return r;
}

int hm_refused_packet(const struct hm_actor *actor HM_UNUSED)
{
	return refused(socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)));
}

int hm_refused_vsock(const struct hm_actor *actor HM_UNUSED)
{
	return refused(socket(AF_VSOCK, SOCK_STREAM, 0));
}

/* With the internet closed: somewhere else than here. */
int hm_refused_outside(const struct hm_actor *actor)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(hm_way_port(actor->way)) };
	HM_CLOSE int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint8_t bytes[4];

	hm_way_address(bytes, actor->way, false);
	memcpy(&address.sin_addr, bytes, sizeof(bytes));
	return refused(connect(fd, (const struct sockaddr *)&address, sizeof(address)));
}
