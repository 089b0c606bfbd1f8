/* Every way to read a file: `reads_subject DOCUMENT REAL LAYER FOLDER [WAY]`; `reads_subject DOCUMENT` makes the document.
 *
 * REAL is the file that stands behind DOCUMENT: itself, or the one in a layer of the overlay that DOCUMENT is on, LAYER.
 * Each way is taken by a process of its own, and states which events it must leave: of the call, and of the page cache or
 * the disk. What cannot be done here is skipped with a line that says why. */
#include "reads_ring.h"

#include <linux/loop.h>
#include <pthread.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

static char buffer[16 * PAGE] __attribute__((aligned(PAGE)));

static void way_read(void)
{
	int fd = open_document(O_RDONLY);
	long at = place(1);

	must(lseek(fd, at, SEEK_SET) == at && read(fd, buffer, 50) == 50, "read");
	check_bytes(buffer, at, 50, "read");
	state_read(SYS_read, fd, at, 50);
	/* Neighbouring pages are one event. */
	must(read(fd, buffer, PAGE) == PAGE && read(fd, buffer, 9) == 9, "read on");
	state_read(SYS_read, fd, at + 50, PAGE);
	state_read(SYS_read, fd, at + 50 + PAGE, 9);
	state("pages by=0 %s offset=%d length=%d times=3", real, PAGE, 2 * PAGE);
}

static void way_pread(void)
{
	int fd = open_document(O_RDONLY);
	long at = place(4);

	must(pread(fd, buffer, 5000, at) == 5000, "pread");
	check_bytes(buffer, at, 5000, "pread");
	state_read(SYS_pread64, fd, at, 5000);
	state_pages(BY_GET, at, 5000);
}

static void way_readv(void)
{
	struct iovec two[2] = { { buffer, 10 }, { buffer + 10, 20 } };
	int fd = open_document(O_RDONLY);
	long at = place(6);

	must(lseek(fd, at, SEEK_SET) == at && readv(fd, two, 2) == 30, "readv");
	check_bytes(buffer, at, 30, "readv");
	state_read(SYS_readv, fd, at, 30);
	at += PAGE;
	must(preadv2(fd, two, 2, at, 0) == 30, "preadv2");
	check_bytes(buffer, at, 30, "preadv2");
	state_read(SYS_preadv2, fd, at, 30);
	state("pages by=0 %s offset=%d length=%d times=2", real, 6 * PAGE, 2 * PAGE);
}

/* Pages that are in no cache come by a fault of their own, and those around them with them. */
static void way_mmap(void)
{
	int fd = open_document(O_RDONLY);
	char *p = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 8 * PAGE);

	must(p != MAP_FAILED, "mmap");
	state_map(SYS_mmap, 8 * PAGE, PAGE);
	check_bytes(p, 8 * PAGE, PAGE, "mmap");
	must(fsync(fd) == 0 && posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0, "dropping the cache");
	p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 50 * PAGE);
	must(p != MAP_FAILED, "mmap");
	state_map(SYS_mmap, 50 * PAGE, PAGE);
	check_bytes(p, 50 * PAGE, PAGE, "mmap of what is not cached");
	state_pages(BY_MAP, 8 * PAGE, PAGE);
	state_pages(BY_FAULT, 50 * PAGE, PAGE);
}

static void way_populate(void)
{
	int fd = open_document(O_RDONLY);
	char *p = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 10 * PAGE);

	must(p != MAP_FAILED, "MAP_POPULATE");
	state_map(SYS_mmap, 10 * PAGE, PAGE);
	p = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 12 * PAGE);
	must(p != MAP_FAILED, "mmap");
	state_map(SYS_mmap, 12 * PAGE, PAGE);
	must(madvise(p, PAGE, MADV_POPULATE_READ) == 0, "MADV_POPULATE_READ");
	state_pages(BY_MAP, 10 * PAGE, PAGE);
	state_pages(BY_MAP, 12 * PAGE, PAGE);
}

static void way_sendfile(void)
{
	int fd = open_document(O_RDONLY), out[2];
	off_t at = place(14);

	must(pipe(out) == 0 && sendfile(out[1], fd, &at, 200) == 200, "sendfile");
	state_read(SYS_sendfile, fd, place(14), 200);
	state_pages(BY_GET, place(14), 200);
	must(read(out[0], buffer, 200) == 200, "the pipe");
	check_bytes(buffer, place(14), 200, "sendfile");
}

static void way_splice(void)
{
	int fd = open_document(O_RDONLY), out[2], copy[2];
	loff_t at = place(15);

	must(pipe(out) == 0 && pipe(copy) == 0, "pipe");
	must(splice(fd, &at, out[1], NULL, 60, 0) == 60, "splice");
	state_read(SYS_splice, fd, place(15), 60);
	state("write nr=%d fd=%d layer=%d bytes=60", SYS_splice, out[1], NONE);
	must(tee(out[0], copy[1], 60, 0) == 60, "tee");
	state("read nr=%d fd=%d layer=%d bytes=60", SYS_tee, out[0], NONE);
	must(vmsplice(copy[0], &(struct iovec){ buffer, 60 }, 1, 0) == 60, "vmsplice");
	state("read nr=%d fd=%d layer=%d bytes=60", SYS_vmsplice, copy[0], NONE);
	check_bytes(buffer, place(15), 60, "splice, tee and vmsplice");
	state_pages(BY_GET, place(15), 60);
}

static void way_copy(void)
{
	char path[4096];
	loff_t at = place(17);
	int fd = open_document(O_RDONLY), out;

	snprintf(path, sizeof(path), "%s/copy", scratch);
	out = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	must(out >= 0 && copy_file_range(fd, &at, out, NULL, 5000, 0) == 5000, "copy_file_range");
	state_read(SYS_copy_file_range, fd, place(17), 5000);
	state_pages(BY_GET, place(17), 5000);
	must(pread(out, buffer, 5000, 0) == 5000, path);
	check_bytes(buffer, place(17), 5000, "copy_file_range");
}

static void way_direct(void)
{
	int fd = open(document, O_RDONLY | O_DIRECT);

	if (fd < 0 && errno == EINVAL)
		skip("O_DIRECT: %s", strerror(errno));
	must(fd >= 0, "O_DIRECT");
	close(fd);
	fd = open_document(O_RDONLY | O_DIRECT);
	must(pread(fd, buffer, 2 * PAGE, 20 * PAGE) == 2 * PAGE, "a direct read");
	check_bytes(buffer, 20 * PAGE, 2 * PAGE, "a direct read");
	state_read(SYS_pread64, fd, 20 * PAGE, 2 * PAGE);
	state_pages(BY_DIRECT, 20 * PAGE, 2 * PAGE);
}

/* No call of this process says that the document is read. */
static void way_aio(void)
{
	int fd = open_document(O_RDONLY);

	aio_read(fd, buffer, place(23), 300);
	check_bytes(buffer, place(23), 300, "AIO");
	state("call nr=%d result=0", SYS_io_setup);
	state_pages(BY_GET, place(23), 300);
	state("call nr=%d result=1", SYS_io_submit);
}

static void way_aio_direct(void)
{
	int fd = open_document(O_RDONLY | O_DIRECT);

	aio_read(fd, buffer, 25 * PAGE, PAGE);
	check_bytes(buffer, 25 * PAGE, PAGE, "direct AIO");
	state_pages(BY_DIRECT, 25 * PAGE, PAGE);
	state("call nr=%d result=1", SYS_io_submit);
}

static void way_ring(void)
{
	struct io_uring_sqe sqe = { .opcode = IORING_OP_READ, .addr = (uint64_t)(uintptr_t)buffer, .len = 100 };
	struct ring ring;

	open_ring(&ring);
	sqe.fd = open_document(O_RDONLY);
	sqe.off = (uint64_t)place(27);
	must(ring_does(&ring, &sqe) == 100, "a read by io_uring");
	check_bytes(buffer, place(27), 100, "io_uring");
	state_pages(BY_GET, place(27), 100);
	state_ring(IORING_OP_READ, 100);
	/* By a worker, a task of its own. */
	sqe.flags = IOSQE_ASYNC;
	sqe.off = (uint64_t)place(29);
	must(ring_does(&ring, &sqe) == 100, "a read by a worker of io_uring");
	state_pages(BY_GET, place(29), 100);
	state_ring(IORING_OP_READ, 100);
}

static void way_ring_fixed(void)
{
	struct io_uring_sqe sqe = {
		.opcode = IORING_OP_READ_FIXED, .flags = IOSQE_FIXED_FILE, .addr = (uint64_t)(uintptr_t)buffer, .len = 100
	};
	struct iovec iov = { buffer, sizeof(buffer) };
	struct ring ring;
	int fd;

	open_ring(&ring);
	fd = open_document(O_RDONLY);
	must(syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_FILES, &fd, 1) == 0, "a fixed file");
	must(syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_BUFFERS, &iov, 1) == 0, "a fixed buffer");
	close(fd);
	sqe.off = (uint64_t)place(31);
	must(ring_does(&ring, &sqe) == 100, "a fixed read by io_uring");
	check_bytes(buffer, place(31), 100, "io_uring, fixed");
	state_pages(BY_GET, place(31), 100);
	state_ring(IORING_OP_READ_FIXED, 100);
}

/* Opened by the ring, into a slot of its own: no descriptor, and no call that opens. */
static void way_ring_open(void)
{
	struct io_uring_sqe opening = {
		.opcode = IORING_OP_OPENAT, .fd = AT_FDCWD, .addr = (uint64_t)(uintptr_t)document, .open_flags = O_RDONLY
	};
	struct io_uring_sqe reading = { .opcode = IORING_OP_READ, .addr = (uint64_t)(uintptr_t)buffer, .len = 100 };
	struct ring ring;
	int fd;

	open_ring(&ring);
	fd = ring_does(&ring, &opening);
	must(fd >= 0, "opening by io_uring");
	state("open nr=%d fd=%d %s layer=%d path=\"%s\"", SYS_io_uring_enter, fd, real, layer, document);
	state_ring(IORING_OP_OPENAT, fd);
	reading.fd = fd;
	reading.off = (uint64_t)place(33);
	must(ring_does(&ring, &reading) == 100, "a read by io_uring");
	state_pages(BY_GET, place(33), 100);
	state_ring(IORING_OP_READ, 100);
}

static char *held;

static void hold_content(int channel UNUSED)
{
}

/* The document is in a process's memory; another takes it from there. */
static void way_memory(void)
{
	int fd = open_document(O_RDONLY), memory;
	struct helper helper;
	char path[64];

	held = buffer + 8 * PAGE;
	must(pread(fd, held, 200, place(35)) == 200, "pread");
	state_read(SYS_pread64, fd, place(35), 200);
	helper = help(hold_content, -1);
	must(syscall(SYS_process_vm_readv, helper.pid, &(struct iovec){ buffer, 200 }, 1, &(struct iovec){ held, 200 }, 1, 0) == 200,
	     "process_vm_readv");
	check_bytes(buffer, place(35), 200, "process_vm_readv");
	state("call nr=%d result=200 arg0=%d", SYS_process_vm_readv, helper.pid);
	snprintf(path, sizeof(path), "/proc/%d/mem", helper.pid);
	memory = open(path, O_RDONLY);
	must(memory >= 0 && pread(memory, buffer, 200, (off_t)(uintptr_t)held) == 200, path);
	state("open fd=%d layer=%d path=\"%s\"", memory, NONE, path);
	state("read nr=%d fd=%d layer=%d offset=%llu bytes=200", SYS_pread64, memory, NONE, (unsigned long long)(uintptr_t)held);
	dismiss(helper);
}

static void way_handle(void)
{
	struct {
		struct file_handle head;
		unsigned char bytes[128];
	} handle = { .head.handle_bytes = 128 };
	int mount_id, mount = open(scratch, O_RDONLY | O_DIRECTORY), fd;

	if (name_to_handle_at(AT_FDCWD, document, &handle.head, &mount_id, 0) < 0) {
		must(errno == EOPNOTSUPP, "name_to_handle_at");
		skip("no handles on this file system");
	}
	fd = open_by_handle_at(mount, &handle.head, O_RDONLY);
	must(fd >= 0, "open_by_handle_at");
	state("open nr=%d fd=%d %s layer=%d path=\"%s\"", SYS_open_by_handle_at, fd, real, layer, document);
	must(pread(fd, buffer, 100, place(37)) == 100, "pread");
	check_bytes(buffer, place(37), 100, "a handle");
	state_read(SYS_pread64, fd, place(37), 100);
	state_pages(BY_GET, place(37), 100);
}

static void send_document(int channel)
{
	union {
		char bytes[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr head;
	} control = { 0 };
	struct iovec iov = { buffer, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control) };
	int fd[2] = { open("/dev/null", O_RDONLY), open(document, O_RDONLY) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	must(fd[0] >= 0 && fd[1] >= 0, document);
	*c = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(fd)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
	memcpy(CMSG_DATA(c), fd, sizeof(fd));
	must(sendmsg(channel, &m, 0) == 1 && sendmsg(channel, &m, 0) == 1, "sendmsg");
}

static void receive_document(int channel, int many, int page)
{
	union {
		char bytes[512];
		struct cmsghdr head;
	} control = { 0 };
	struct iovec iov = { buffer, 1 };
	struct mmsghdr m = { .msg_hdr = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control) } };
	int fd[2], nr = many ? SYS_recvmmsg : SYS_recvmsg;

	must(many ? recvmmsg(channel, &m, 1, 0, NULL) == 1 : recvmsg(channel, &m.msg_hdr, 0) == 1, "recvmsg");
	errno = EBADMSG;
	must(CMSG_FIRSTHDR(&m.msg_hdr) && CMSG_FIRSTHDR(&m.msg_hdr)->cmsg_len == CMSG_LEN(sizeof(fd)), "two descriptors");
	memcpy(fd, CMSG_DATA(CMSG_FIRSTHDR(&m.msg_hdr)), sizeof(fd));
	state("open nr=%d fd=%d layer=%d path=\"/dev/null\"", nr, fd[0], NONE);
	state("open nr=%d fd=%d %s layer=%d path=\"%s\"", nr, fd[1], real, layer, document);
	must(pread(fd[1], buffer, 100, place(page)) == 100, "pread");
	check_bytes(buffer, place(page), 100, "a descriptor that was passed");
	state_read(SYS_pread64, fd[1], place(page), 100);
	state("~pages by=%d %s offset=%d length=%d", BY_GET, real, page * PAGE, PAGE); /* told with the next one */
}

static void way_passed(void)
{
	struct helper helper;
	int pair[2];

	must(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0, "socketpair");
	helper = help(send_document, pair[1]);
	receive_document(pair[0], 0, 39);
	receive_document(pair[0], 1, 41);
	dismiss(helper);
}

static int number_of_helper;

static void open_for_others(int channel)
{
	int fd = open(document, O_RDONLY);

	must(fd >= 0 && dup2(fd, channel) == channel, document);
}

static void way_getfd(void)
{
	struct helper helper;
	int pidfd, fd;

	number_of_helper = 77;
	helper = help(open_for_others, number_of_helper);
	pidfd = (int)syscall(SYS_pidfd_open, helper.pid, 0);
	must(pidfd >= 0, "pidfd_open");
	fd = (int)syscall(SYS_pidfd_getfd, pidfd, number_of_helper, 0);
	must(fd >= 0, "pidfd_getfd");
	state("open nr=%d fd=%d %s layer=%d path=\"%s\"", SYS_pidfd_getfd, fd, real, layer, document);
	state("call nr=%d result=%d arg0=%d", SYS_pidfd_getfd, fd, pidfd);
	must(pread(fd, buffer, 100, place(43)) == 100, "pread");
	check_bytes(buffer, place(43), 100, "a descriptor that was taken");
	state_read(SYS_pread64, fd, place(43), 100);
	state_pages(BY_GET, place(43), 100);
	dismiss(helper);
}

static void way_fanotify(void)
{
	int group = fanotify_init(FAN_CLASS_NOTIF, O_RDONLY | O_LARGEFILE);
	struct fanotify_event_metadata event;
	struct helper helper;

	if (group < 0 && (errno == ENOSYS || errno == EPERM))
		skip("fanotify_init: %s", strerror(errno));
	must(group >= 0 && fanotify_mark(group, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, document) == 0, "fanotify");
	helper = help(open_for_others, 78);
	must(read(group, &event, sizeof(event)) == sizeof(event) && event.fd >= 0, "an event");
	state("read nr=%d fd=%d layer=%d bytes=24", SYS_read, group, NONE);
	state("open nr=%d fd=%d %s layer=%d path=\"%s\"", SYS_read, event.fd, real, layer, document);
	must(pread(event.fd, buffer, 100, place(45)) == 100, "pread");
	check_bytes(buffer, place(45), 100, "a descriptor of fanotify's");
	state_read(SYS_pread64, event.fd, place(45), 100);
	state_pages(BY_GET, place(45), 100);
	dismiss(helper);
}

/* The disk that the document lies on is a file here, the document itself: a block device is read, and no file. */
static void way_device(void)
{
	int control = open("/dev/loop-control", O_RDWR), number, backing, fd;
	char path[64];

	if (control < 0)
		skip("/dev/loop-control: %s", strerror(errno));
	number = ioctl(control, LOOP_CTL_GET_FREE);
	must(number >= 0, "a loop device");
	snprintf(path, sizeof(path), "/dev/loop%d", number);
	backing = open(document, O_RDONLY);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		skip("%s: %s", path, strerror(errno));
	if (ioctl(fd, LOOP_SET_FD, backing) < 0)
		skip("LOOP_SET_FD: %s", strerror(errno));
	state("open fd=%d layer=%d path=\"%s\"", fd, NONE, path);
	must(pread(fd, buffer, 512, 46 * PAGE) == 512, path);
	ioctl(fd, LOOP_CLR_FD, 0);
	check_bytes(buffer, 46 * PAGE, 512, path);
	state("call nr=%d arg0=%d arg1=%d", SYS_ioctl, fd, LOOP_SET_FD);
	state("read nr=%d fd=%d layer=%d offset=%d bytes=512", SYS_pread64, fd, NONE, 46 * PAGE);
	state("pages by=%d offset=%d length=%d", BY_GET, 46 * PAGE, PAGE);
}

static long int80(long nr, long a, long b, long c, long d)
{
	long ret;

	__asm__ volatile("int $0x80"
			 : "=a"(ret)
			 : "a"(nr), "b"(a), "c"(b), "d"(c), "S"(d), "D"(0L)
			 : "memory", "r8", "r9", "r10", "r11");
	return ret;
}

static void way_int80(void)
{
	char *low = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	int compat = 1 << 30;
	long fd;

	must(low != MAP_FAILED, "pages below 4 GiB");
	snprintf(low + PAGE, PAGE, "%s", document);
	fd = int80(5, (long)(low + PAGE), O_RDONLY, 0, 0);
	if (fd == -ENOSYS)
		skip("this kernel has no 32-bit calls");
	must(fd >= 0, "open by int 0x80");
	state("open nr=%d fd=%ld %s layer=%d path=\"%s\"", compat | 5, fd, real, layer, document);
	must(int80(180, fd, (long)low, 40, place(48)) == 40, "pread64 by int 0x80");
	check_bytes(low, place(48), 40, "int 0x80");
	state_read(compat | 180, (int)fd, place(48), 40);
	state_pages(BY_GET, place(48), 40);
}

static const struct {
	const char *name;
	void (*run)(void);
} ways[] = {
	{ "read", way_read },
	{ "pread", way_pread },
	{ "readv, preadv2", way_readv },
	{ "mmap", way_mmap },
	{ "populate", way_populate },
	{ "sendfile", way_sendfile },
	{ "splice, tee, vmsplice", way_splice },
	{ "copy_file_range", way_copy },
	{ "O_DIRECT", way_direct },
	{ "AIO", way_aio },
	{ "AIO, O_DIRECT", way_aio_direct },
	{ "io_uring", way_ring },
	{ "io_uring, fixed", way_ring_fixed },
	{ "io_uring, opened by it", way_ring_open },
	{ "another's memory", way_memory },
	{ "open_by_handle_at", way_handle },
	{ "SCM_RIGHTS", way_passed },
	{ "pidfd_getfd", way_getfd },
	{ "fanotify", way_fanotify },
	{ "int 0x80", way_int80 },
	{ "block device", way_device },
};

/* A mapping is touched, and nothing follows until somebody ends this process. */
static void touch_and_wait(void)
{
	int fd = open_document(O_RDONLY);
	char *p = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 52 * PAGE);

	must(p != MAP_FAILED, "mmap");
	state_map(SYS_mmap, 52 * PAGE, PAGE);
	state_pages(BY_MAP, 52 * PAGE, PAGE);
	write_statements();
	check_bytes(p, 52 * PAGE, PAGE, "mmap");
	for (;;)
		pause();
}

/* Descriptor 9 was open before the recorder began. */
static void read_inherited(void)
{
	state("open nr=%d fd=9 %s layer=%d path=\"%s\"", SYS_pread64, real, layer, document);
	must(pread(9, buffer, 100, place(54)) == 100, "an inherited descriptor");
	check_bytes(buffer, place(54), 100, "an inherited descriptor");
	state_read(SYS_pread64, 9, place(54), 100);
	must(pread(9, buffer, 100, place(54)) == 100, "once more");
	state_read(SYS_pread64, 9, place(54), 100);
	state("pages by=%d %s offset=%d length=%d times=2", BY_GET, real, 54 * PAGE, PAGE);
}

static void *close_and_feed(void *cookie)
{
	int *pair = cookie;

	await_call(getpid(), SYS_read);
	close(pair[0]);
	must(write(pair[1], "12345", 5) == 5, "the pipe");
	return NULL;
}

/* The descriptor is closed by another thread while its read waits: bytes came, and from where is not known any more. */
static void read_closed(void)
{
	pthread_t thread = 0;
	int pair[2];

	must(pipe(pair) == 0 && pthread_create(&thread, NULL, close_and_feed, pair) == 0, "thread");
	must(read(pair[0], buffer, 10) == 5, "read of a pipe that is closed meanwhile");
	state("read nr=%d fd=%d dev=0 ino=0 gen=0 layer=%d bytes=5", SYS_read, pair[0], NONE);
	pthread_join(thread, NULL);
}

/* By name only. */
static const struct {
	const char *name;
	void (*run)(void);
} others[] = {
	{ "touch and wait", touch_and_wait },
	{ "inherited", read_inherited },
	{ "closed", read_closed },
};

static void make_document(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0644);

	must(fd >= 0, path);
	for (long page = 0; page < DOCUMENT_PAGES; page++) {
		for (long i = 0; i < PAGE; i++)
			buffer[i] = byte_at(page * PAGE + i);
		must(write(fd, buffer, PAGE) == PAGE, path);
	}
	must(fsync(fd) == 0, path);
}

int main(int argc, char **argv)
{
	if (argc == 2) {
		make_document(argv[1]);
		return 0;
	}
	must(argc >= 5, "usage: DOCUMENT REAL LAYER FOLDER [WAY]");
	document = argv[1];
	real = identity(argv[2]);
	layer = atoi(argv[3]);
	scratch = argv[4];
	for (size_t i = 0; argc > 5 && i < sizeof(others) / sizeof(others[0]); i++)
		if (strcmp(argv[5], others[i].name) == 0) {
			others[i].run();
			write_statements();
			return 0;
		}
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		pid_t pid;

		if (argc > 5 && strcmp(argv[5], ways[i].name) != 0)
			continue;
		pid = fork();
		must(pid >= 0, "fork");
		if (pid == 0) {
			state("# %s", ways[i].name);
			ways[i].run();
			write_statements();
			_exit(0);
		}
		wait_for(pid);
	}
	return 0;
}
