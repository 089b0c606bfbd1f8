/* Ways of reading. What is read is thrown away: only that it was read counts, and where. */
#include "selftest_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

static int open_own(const struct hm_actor *actor, int flags)
{
	return open(actor->path, O_RDONLY | O_CLOEXEC | flags);
}

/* 0 when a call gave as many bytes as it was asked for, else an errno. */
static int whole(ssize_t got, size_t wanted)
{
	return got < 0 ? errno : (size_t)got == wanted ? 0 : EIO;
}

int hm_read_read(const struct hm_actor *actor)
{
	HM_CLOSE int fd = open_own(actor, 0);
	char buffer[READ_BYTES];

	if (fd < 0 || lseek(fd, READ_AT, SEEK_SET) < 0)
		return errno;
	return whole(read(fd, buffer, sizeof(buffer)), sizeof(buffer));
}

int hm_read_pread(const struct hm_actor *actor)
{
	HM_CLOSE int fd = open_own(actor, 0);
	char buffer[READ_BYTES];

	return fd < 0 ? errno : whole(pread(fd, buffer, sizeof(buffer), READ_AT), sizeof(buffer));
}

/* The buffer in two pieces. */
#define PIECES(buffer) { { buffer, 40 }, { (buffer) + 40, READ_BYTES - 40 } }

int hm_read_readv(const struct hm_actor *actor)
{
	HM_CLOSE int fd = open_own(actor, 0);
	char buffer[READ_BYTES];
	struct iovec pieces[] = PIECES(buffer);

	if (fd < 0 || lseek(fd, READ_AT, SEEK_SET) < 0)
		return errno;
	return whole(readv(fd, pieces, 2), sizeof(buffer));
}

int hm_read_preadv(const struct hm_actor *actor)
{
	HM_CLOSE int fd = open_own(actor, 0);
	char buffer[READ_BYTES];
	struct iovec pieces[] = PIECES(buffer);

	return fd < 0 ? errno : whole(preadv(fd, pieces, 2, READ_AT), sizeof(buffer));
}

int hm_read_preadv2(const struct hm_actor *actor)
{
	HM_CLOSE int fd = open_own(actor, 0);
	char buffer[READ_BYTES];
	struct iovec pieces[] = PIECES(buffer);

	/* By number: the library takes preadv where the flags are 0. */
	return fd < 0 ? errno : whole(syscall(SYS_preadv2, fd, pieces, 2, READ_AT, 0, 0), sizeof(buffer));
}

static int map(const struct hm_actor *actor, int flags, bool touch)
{
	HM_CLOSE int fd = open_own(actor, 0);
	volatile const char *at;

	if (fd < 0)
		return errno;
	at = mmap(NULL, PAGE_BYTES, PROT_READ, MAP_PRIVATE | flags, fd, PAGE_AT);
	if (at == MAP_FAILED)
		return errno;
	if (touch)
		(void)at[READ_AT - PAGE_AT];
	return munmap((void *)at, PAGE_BYTES) < 0 ? errno : 0;
}

int hm_read_mmap(const struct hm_actor *actor)
{
	return map(actor, 0, true);
}

int hm_read_populate(const struct hm_actor *actor)
{
	return map(actor, MAP_POPULATE, false);
}

int hm_read_sendfile(const struct hm_actor *actor)
{
	HM_CLOSE int fd = open_own(actor, 0);
	off_t at = READ_AT;
	int ends[2];

	if (fd < 0 || pipe2(ends, O_CLOEXEC) < 0)
		return errno;
	return whole(sendfile(ends[1], fd, &at, READ_BYTES), READ_BYTES);
}

int hm_read_splice(const struct hm_actor *actor)
{
	HM_CLOSE int fd = open_own(actor, 0);
	off_t at = READ_AT;
	int ends[2];

	if (fd < 0 || pipe2(ends, O_CLOEXEC) < 0)
		return errno;
	return whole(splice(fd, &at, ends[1], NULL, READ_BYTES, 0), READ_BYTES);
}

/* Whether the first page is in the page cache: on kernels that tell only what comes into it, a read would go unseen. */
static bool is_resident(int fd)
{
	unsigned char in = 0;
	void *page = mmap(NULL, 1, PROT_READ, MAP_SHARED, fd, 0);

	if (page == MAP_FAILED)
		return false;
	if (mincore(page, 1, &in) < 0)
		in = 0;
	munmap(page, 1);
	return in & 1;
}

/* Within one file system: kernels since 5.19 copy between two only where both are of one kind. So the nonce lies in the layer
 * that can be written. */
int hm_read_copy(const struct hm_actor *actor)
{
	HM_CLOSE int fd = open_own(actor, 0), out = open(HM_PLANTED_FOLDER "/copy", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	off_t at = READ_AT;
	bool stayed;
	int r;

	/* Out of the page cache, as the nonces in the target are: the chamber has just written it. */
	if (fd < 0 || out < 0 || fsync(fd) < 0)
		return errno;
	errno = posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	if (errno)
		return errno;
	stayed = is_resident(fd);
	r = whole(copy_file_range(fd, &at, out, NULL, READ_BYTES, 0), READ_BYTES);
	return r || !stayed ? r : HM_READ_STAYED;
}

int hm_read_direct(const struct hm_actor *actor)
{
	HM_CLOSE int fd = open_own(actor, O_DIRECT);
	void *buffer;
	int r;

	if (fd < 0)
		return errno;
	r = posix_memalign(&buffer, PAGE_BYTES, PAGE_BYTES);
	if (r)
		return r;
	r = whole(pread(fd, buffer, PAGE_BYTES, PAGE_AT), PAGE_BYTES);
	free(buffer);
	return r;
}

union control {
	struct cmsghdr head;
	char bytes[CMSG_SPACE(sizeof(int))];
};

static int receive_and_read(int from)
{
	char byte, buffer[READ_BYTES];
	struct iovec piece = { &byte, 1 };
	union control control = { 0 };
	struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes) };
	int fd;

	if (recvmsg(from, &message, MSG_CMSG_CLOEXEC) != 1)
		return errno ? errno : EIO;
	if (!CMSG_FIRSTHDR(&message) || CMSG_FIRSTHDR(&message)->cmsg_type != SCM_RIGHTS)
		return EBADMSG;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return whole(pread(fd, buffer, sizeof(buffer), READ_AT), sizeof(buffer));
}

static int pass(int to, int fd)
{
	char byte = 'x';
	struct iovec piece = { &byte, 1 };
	union control control = { .head = { .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int)) } };
	struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes) };

	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	return sendmsg(to, &message, 0) == 1 ? 0 : errno;
}

static int await(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) < 0)
		return errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : ECHILD;
}

/* The process that reads has never opened the file. */
int hm_read_passed(const struct hm_actor *actor)
{
	HM_CLOSE int fd = -1;
	int pair[2], r;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) < 0)
		return errno;
	pid = fork();
	if (pid == 0)
		_exit(receive_and_read(pair[1]));
	fd = open_own(actor, 0);
	if (pid < 0 || fd < 0)
		return errno;
	r = pass(pair[0], fd);
	return r ? r : await(pid);
}

/* From the memory of a child that has read the document. */
int hm_read_memory(const struct hm_actor *actor)
{
	static char buffer[READ_BYTES];
	HM_CLOSE int fd = open_own(actor, 0), memory = -1;
	char path[64], byte, copy[READ_BYTES];
	int ends[2], r;
	pid_t pid;

	if (fd < 0 || pipe2(ends, O_CLOEXEC) < 0)
		return errno;
	pid = fork();
	if (pid == 0) {
		r = whole(pread(fd, buffer, sizeof(buffer), READ_AT), sizeof(buffer));
		if (r || write(ends[1], "x", 1) != 1)
			_exit(r ? r : errno);
		pause();
		_exit(0);
	}
	close(ends[1]);
	if (pid < 0 || read(ends[0], &byte, 1) != 1)
		return pid < 0 ? errno : EIO;
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	memory = open(path, O_RDONLY | O_CLOEXEC);
	r = memory < 0 ? errno : whole(pread(memory, copy, sizeof(copy), (off_t)(uintptr_t)buffer), sizeof(copy));
	kill(pid, SIGKILL);
	await(pid);
	return r;
}

#ifdef __x86_64__
int hm_read_32(const struct hm_actor *actor)
{
	HM_CLOSE int fd = open_own(actor, 0);
	void *buffer;
	long r;

	if (fd < 0 || lseek(fd, READ_AT, SEEK_SET) < 0)
		return errno;
	buffer = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	if (buffer == MAP_FAILED)
		return errno;
	__asm__ volatile("int $0x80"
			 : "=a"(r)
			 : "a"(HM_READ_32 & ~HM_NR_COMPAT), "b"(fd), "c"(buffer), "d"((long)READ_BYTES)
			 : "memory", "r8", "r9", "r10", "r11");
	return r < 0 ? (int)-r : r == READ_BYTES ? 0 : EIO;
}
#else
int hm_read_32(const struct hm_actor *actor HM_UNUSED)
{
	return ENOSYS;
}
#endif
