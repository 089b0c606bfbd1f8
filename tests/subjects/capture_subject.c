/* The subject of the recorder's tests: `capture_subject STEP FOLDER...`. */
#include "subject.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>

#define KERNEL_LARGEFILE 0100000 /* O_LARGEFILE as x86-64 has it; the C library's is 0 */

static char *folder;
static int disk; /* the layer of files in it */

static const char *in_folder(const char *name)
{
	static char path[8][4096];
	static unsigned at;
	char *out = path[at++ % 8];

	snprintf(out, sizeof(path[0]), "%s/%s", folder, name);
	return out;
}

static void step_exec(char **argv)
{
	state("exec %s layer=%d path=\"%s\" argv=\"%s\\x00exec\\x00%s\\x00two words\\x00\\x00\" argv_len=%zu uid=%u "
	      "euid=%u gid=%u egid=%u nnp=0 seccomp=0",
	      identity(argv[0]), layer_of(argv[0]), argv[0], argv[0], argv[2], strlen(argv[0]) + strlen(argv[2]) + 18,
	      getuid(), geteuid(), getgid(), getegid());
	state("map nr=%d %s prot=5 layer=%d", SYS_execve, identity("/lib64/ld-linux-x86-64.so.2"),
	      layer_of("/lib64/ld-linux-x86-64.so.2"));
	state("exit code=1792 last=1");
	write_statements();
	_exit(7);
}

static void step_files(char **argv UNUSED)
{
	const char *path = in_folder("file");
	char buffer[100];
	struct iovec two[2] = { { buffer, 10 }, { buffer + 10, 20 } };
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0640);
	const char *id;

	must(fd >= 0, path);
	id = identity(path);
	memset(buffer, 'x', sizeof(buffer));
	state("open nr=%d fd=%d mode=33184 flags=%d %s layer=%d path=\"%s\" cut=0", SYS_openat, fd,
	      O_RDWR | KERNEL_LARGEFILE, id, disk, path);
	must(write(fd, buffer, 100) == 100, "write");
	state("write nr=%d fd=%d %s layer=%d offset=0 bytes=100", SYS_write, fd, id, disk);
	must(writev(fd, two, 2) == 30, "writev");
	state("write nr=%d fd=%d %s offset=100 bytes=30", SYS_writev, fd, id);
	must(pwrite(fd, buffer, 7, 1000) == 7, "pwrite");
	state("write nr=%d fd=%d %s offset=1000 bytes=7", SYS_pwrite64, fd, id);
	must(lseek(fd, 1, SEEK_SET) == 1 && read(fd, buffer, 50) == 50, "read");
	state("read nr=%d fd=%d %s layer=%d offset=1 bytes=50", SYS_read, fd, id, disk);
	must(read(fd, buffer, 9) == 9, "read");
	state("read nr=%d fd=%d offset=51 bytes=9", SYS_read, fd);
	must(pread(fd, buffer, 100, 990) == 17, "pread");
	state("read nr=%d fd=%d %s offset=990 bytes=17", SYS_pread64, fd, id);
	must(preadv(fd, two, 2, 5) == 30, "preadv");
	state("read nr=%d fd=%d %s offset=5 bytes=30", SYS_preadv, fd, id);
	must(preadv2(fd, two, 2, -1, 0) == 30, "preadv2");
	state("read nr=%d fd=%d %s offset=60 bytes=30", SYS_preadv2, fd, id);
	must(pread(fd, buffer, 100, 5000) == 0, "pread behind the end");
	state("!read offset=5000");
	must(open(in_folder("nothing"), O_RDONLY) < 0, "open what is not there");
	state("!open path=\"%s\"", in_folder("nothing"));
	fd = open(folder, O_RDONLY | O_DIRECTORY);
	must(fd >= 0, folder);
	state("open fd=%d %s layer=%d path=\"%s\"", fd, identity(folder), disk, folder);
}

static void step_other_files(char **argv UNUSED)
{
	int fd = memfd_create("scratch", 0), pair[2];

	must(fd >= 0 && write(fd, "12345", 5) == 5, "memfd");
	state("open nr=%d fd=%d layer=%d", SYS_memfd_create, fd, NONE);
	state("write fd=%d layer=%d offset=0 bytes=5", fd, NONE);
	must(pipe(pair) == 0 && write(pair[1], "abc", 3) == 3, "pipe");
	state("write fd=%d layer=%d bytes=3", pair[1], NONE);
	fd = open("/proc/self/status", O_RDONLY);
	must(fd >= 0, "/proc/self/status");
	state("open fd=%d layer=%d path=\"/proc/%d/status\"", fd, NONE, getpid());
	fd = open("/dev/null", O_WRONLY);
	must(fd >= 0 && write(fd, "1234", 4) == 4, "/dev/null");
	state("open fd=%d layer=%d path=\"/dev/null\"", fd, NONE);
	state("write fd=%d layer=%d bytes=4", fd, NONE);
}

static void step_copies(char **argv UNUSED)
{
	int from = open(in_folder("from"), O_RDWR | O_CREAT, 0600), to = open(in_folder("to"), O_RDWR | O_CREAT, 0600),
	    sv[2];
	char id[2][128], buffer[4096] = { 0 };
	off_t at = 100;
	loff_t in = 7, out = 9;

	must(from >= 0 && to >= 0 && write(from, buffer, sizeof(buffer)) == sizeof(buffer), "files");
	snprintf(id[0], sizeof(id[0]), "%s", identity(in_folder("from")));
	snprintf(id[1], sizeof(id[1]), "%s", identity(in_folder("to")));
	must(sendfile(to, from, &at, 1000) == 1000, "sendfile");
	state("read nr=%d fd=%d %s offset=100 bytes=1000", SYS_sendfile, from, id[0]);
	state("write nr=%d fd=%d %s offset=0 bytes=1000", SYS_sendfile, to, id[1]);
	must(copy_file_range(from, &in, to, &out, 500, 0) == 500, "copy_file_range");
	state("read nr=%d fd=%d %s offset=7 bytes=500", SYS_copy_file_range, from, id[0]);
	state("write nr=%d fd=%d %s offset=9 bytes=500", SYS_copy_file_range, to, id[1]);
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == 0, "socketpair");
	at = 4000;
	must(sendfile(sv[0], from, &at, 96) == 96, "sendfile to a socket");
	state("read nr=%d fd=%d %s offset=4000 bytes=96", SYS_sendfile, from, id[0]);
	state("send nr=%d fd=%d family=1 type=1 bytes=96", SYS_sendfile, sv[0]);
	must(pipe(sv) == 0, "pipe");
	in = 50;
	must(splice(from, &in, sv[1], NULL, 60, 0) == 60, "splice");
	state("read nr=%d fd=%d %s offset=50 bytes=60", SYS_splice, from, id[0]);
	state("write nr=%d fd=%d layer=%d bytes=60", SYS_splice, sv[1], NONE);
	must(vmsplice(sv[1], &(struct iovec){ buffer, 10 }, 1, 0) == 10, "vmsplice");
	state("write nr=%d fd=%d bytes=10", SYS_vmsplice, sv[1]);
}

static void step_maps(char **argv UNUSED)
{
	const char *path = in_folder("mapped");
	int fd = open(path, O_RDWR | O_CREAT, 0700);
	char *p;

	must(fd >= 0 && ftruncate(fd, 20000) == 0, path);
	p = mmap(NULL, 8000, PROT_READ, MAP_PRIVATE, fd, 4096);
	must(p != MAP_FAILED, "mmap");
	state("map nr=%d %s layer=%d offset=4096 length=8000 prot=1 flags=2 path=\"%s\"", SYS_mmap, identity(path),
	      disk, path);
	must(mprotect(p + 4096, 4096, PROT_READ | PROT_EXEC) == 0, "mprotect");
	state("map nr=%d %s layer=%d offset=8192 length=4096 prot=5 path=\"%s\"", SYS_mprotect, identity(path), disk,
	      path);
	p = mremap(p, 8000, 16000, MREMAP_MAYMOVE);
	must(p == MAP_FAILED, "mremap of two mappings");
	p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 4096);
	must(p != MAP_FAILED, "mmap");
	p = mremap(p, 4096, 12288, MREMAP_MAYMOVE);
	must(p != MAP_FAILED, "mremap");
	state("map nr=%d %s layer=%d offset=4096 length=12288 prot=1 path=\"%s\"", SYS_mremap, identity(path), disk, path);
	must(mremap(p, 12288, 4096, 0) == p, "mremap to less");
	state("!map nr=%d length=4096", SYS_mremap);
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(p != MAP_FAILED, "mmap of memory");
	state("!map nr=%d layer=%d prot=3 path=\"\"", SYS_mmap, NONE);
	must(mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0, "mprotect of memory");
	state("map nr=%d dev=0 ino=0 layer=%d length=4096 prot=5 path=\"\"", SYS_mprotect, NONE);
	p = mmap(NULL, 12288, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(p != MAP_FAILED, "mmap of executable memory");
	state("map nr=%d dev=0 ino=0 layer=%d length=12288 prot=7 flags=34", SYS_mmap, NONE);
}

/* FOLDER has an overlay on merged, of the layers lower, with files `old` and `changed`, and upper. */
static void step_overlay(char **argv UNUSED)
{
	const char *merged = in_folder("merged/old"), *below = identity(in_folder("lower/old")), *above;
	struct stat lower;
	char buffer[64];
	int fd = open(merged, O_RDONLY), writer;

	must(fd >= 0 && read(fd, buffer, 5) == 5, merged);
	state("open fd=%d %s layer=%d path=\"%s\"", fd, below, LOWER, merged);
	state("read fd=%d %s layer=%d offset=0 bytes=5", fd, below, LOWER);
	must(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0) != MAP_FAILED, "mmap");
	state("map %s layer=%d path=\"%s\"", below, LOWER, merged);
	must(mprotect(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0), 4096, PROT_READ | PROT_EXEC) == 0, "mprotect");
	state("map nr=%d %s layer=%d path=\"%s\"", SYS_mprotect, below, LOWER, merged);
	must(stat(in_folder("lower/old"), &lower) == 0, "lower/old");
	writer = open(merged, O_WRONLY | O_APPEND);
	must(writer >= 0 && write(writer, "more", 4) == 4, "copy-up");
	above = identity(in_folder("upper/old"));
	state("copyup from_dev=%llu from_ino=%llu %s", (unsigned long long)major(lower.st_dev) << 20 | minor(lower.st_dev),
	      (unsigned long long)lower.st_ino, above);
	state("open fd=%d %s layer=%d path=\"%s\"", writer, above, UPPER, merged);
	state("write fd=%d %s layer=%d bytes=4", writer, above, UPPER);
	must(pread(fd, buffer, 3, 0) == 3, "the older descriptor");
	state("read fd=%d %s layer=%d offset=0 bytes=3", fd, above, UPPER);
	must(stat(in_folder("lower/changed"), &lower) == 0 && chmod(in_folder("merged/changed"), 0600) == 0, "chmod");
	state("copyup from_ino=%llu dev=0 ino=0", (unsigned long long)lower.st_ino);
	merged = in_folder("merged/new");
	fd = open(merged, O_WRONLY | O_CREAT, 0600);
	must(fd >= 0, merged);
	state("open fd=%d %s layer=%d path=\"%s\"", fd, identity(in_folder("upper/new")), UPPER, merged);
}

static unsigned long long socket_ino(int fd)
{
	struct stat st;

	must(fstat(fd, &st) == 0, "socket");
	return st.st_ino;
}

static unsigned short port_of(int fd)
{
	struct sockaddr_in6 any;
	socklen_t len = sizeof(any);

	must(getsockname(fd, (struct sockaddr *)&any, &len) == 0, "getsockname");
	return ntohs(any.sin6_port); /* in the same place for both families */
}

static struct sockaddr_in loopback(unsigned short port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons(port),
				     .sin_addr = { htonl(INADDR_LOOPBACK) } };
}

#define LOOPBACK "\\x7f\\x00\\x00\\x01"

static void step_tcp(char **argv UNUSED)
{
	int server = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), peer;
	struct sockaddr_in at = loopback(0);
	char buffer[64] = { 0 };
	unsigned short port;

	must(server >= 0 && client >= 0, "socket");
	state("socket fd=%d family=2 type=1 proto=6 ino=%llu", server, socket_ino(server));
	state("socket fd=%d family=2 type=1 proto=6 ino=%llu", client, socket_ino(client));
	must(bind(server, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(server, 5) == 0, "listen");
	port = port_of(server);
	state("bind fd=%d ino=%llu family=2 type=1 addr=\"" LOOPBACK "\" port=%u result=0", server, socket_ino(server),
	      port);
	state("listen fd=%d ino=%llu family=2 addr=\"" LOOPBACK "\" port=%u result=0", server, socket_ino(server),
	      port);
	at = loopback(port);
	must(connect(client, (struct sockaddr *)&at, sizeof(at)) == 0, "connect");
	state("connect fd=%d ino=%llu family=2 type=1 addr=\"" LOOPBACK "\" port=%u result=0", client,
	      socket_ino(client), port);
	peer = accept4(server, NULL, NULL, SOCK_CLOEXEC);
	must(peer >= 0, "accept");
	state("accept fd=%d ino=%llu family=2 addr=\"" LOOPBACK "\" port=%u", peer, socket_ino(peer), port_of(client));
	must(send(client, buffer, 11, 0) == 11 && write(client, buffer, 12) == 12, "send");
	state("send nr=%d fd=%d ino=%llu family=2 type=1 proto=6 addr=\"" LOOPBACK "\" port=%u local_port=%u bytes=11",
	      SYS_sendto, client, socket_ino(client), port, port_of(client));
	state("send nr=%d fd=%d port=%u local_port=%u bytes=12", SYS_write, client, port, port_of(client));
	must(recv(peer, buffer, 23, MSG_WAITALL) == 23, "recv");
	state("recv nr=%d fd=%d ino=%llu addr=\"" LOOPBACK "\" port=%u local_port=%u bytes=23", SYS_recvfrom, peer,
	      socket_ino(peer), port_of(client), port);
	close(server);
	at = loopback(port);
	client = socket(AF_INET, SOCK_STREAM, 0);
	must(connect(client, (struct sockaddr *)&at, sizeof(at)) < 0 && errno == ECONNREFUSED, "connect to nobody");
	state("connect fd=%d family=2 addr=\"" LOOPBACK "\" port=%u result=%d", client, port, -ECONNREFUSED);
}

static void step_udp(char **argv UNUSED)
{
	int one = socket(AF_INET, SOCK_DGRAM, 0), two = socket(AF_INET, SOCK_DGRAM, 0),
	    from = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in a = loopback(0), b = loopback(0);
	char five[] = "12345", seven[] = "1234567";
	struct iovec iov[2] = { { five, 5 }, { seven, 7 } };
	struct mmsghdr m[2] = {
		{ { .msg_name = &a, .msg_namelen = sizeof(a), .msg_iov = &iov[0], .msg_iovlen = 1 }, 0 },
		{ { .msg_name = &b, .msg_namelen = sizeof(b), .msg_iov = &iov[1], .msg_iovlen = 1 }, 0 }
	};
	socklen_t len = sizeof(a);
	char buffer[64];

	must(bind(one, (struct sockaddr *)&a, len) == 0 && bind(two, (struct sockaddr *)&b, len) == 0, "bind");
	a = loopback(port_of(one));
	b = loopback(port_of(two));
	must(sendto(from, "123", 3, 0, (struct sockaddr *)&a, len) == 3, "sendto");
	state("send nr=%d fd=%d family=2 type=2 proto=17 addr=\"" LOOPBACK "\" port=%u local_port=%u bytes=3",
	      SYS_sendto, from, ntohs(a.sin_port), port_of(from));
	must(sendmsg(from, &m[1].msg_hdr, 0) == 7, "sendmsg");
	state("send nr=%d fd=%d addr=\"" LOOPBACK "\" port=%u bytes=7", SYS_sendmsg, from, ntohs(b.sin_port));
	must(sendmmsg(from, m, 2, 0) == 2, "sendmmsg");
	state("send nr=%d fd=%d addr=\"" LOOPBACK "\" port=%u bytes=5", SYS_sendmmsg, from, ntohs(a.sin_port));
	state("send nr=%d fd=%d addr=\"" LOOPBACK "\" port=%u bytes=7", SYS_sendmmsg, from, ntohs(b.sin_port));
	must(sendto(from, "", 0, 0, (struct sockaddr *)&b, len) == 0, "an empty datagram");
	state("send nr=%d fd=%d port=%u bytes=0", SYS_sendto, from, ntohs(b.sin_port));
	must(recvfrom(one, buffer, sizeof(buffer), 0, (struct sockaddr *)&a, &len) == 3, "recvfrom");
	state("recv nr=%d fd=%d type=2 addr=\"" LOOPBACK "\" port=%u local_port=%u bytes=3", SYS_recvfrom, one,
	      port_of(from), port_of(one));
	must(connect(from, (struct sockaddr *)&b, sizeof(b)) == 0 && write(from, "1234", 4) == 4, "connected datagram");
	state("connect fd=%d type=2 addr=\"" LOOPBACK "\" port=%u result=0", from, ntohs(b.sin_port));
	state("send nr=%d fd=%d addr=\"" LOOPBACK "\" port=%u bytes=4", SYS_write, from, ntohs(b.sin_port));
}

static void step_ipv6(char **argv UNUSED)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_port = htons(9), .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);

	if (fd < 0)
		return; /* a kernel without IPv6 */
	state("socket fd=%d family=10 type=2 proto=17", fd);
	if (sendto(fd, "12", 2, 0, (struct sockaddr *)&to, sizeof(to)) == 2)
		state(
		    "send fd=%d family=10 port=9 "
		    "addr=\"\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x01\" bytes=2",
		    fd);
}

static void step_unix(char **argv UNUSED)
{
	struct sockaddr_un named = { .sun_family = AF_UNIX },
			   hidden = { .sun_family = AF_UNIX, .sun_path = "\0hallmark-subject" };
	int server = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0),
	    d = socket(AF_UNIX, SOCK_DGRAM, 0);
	int pair[2];

	snprintf(named.sun_path, sizeof(named.sun_path), "%s", in_folder("sock"));
	must(bind(server, (struct sockaddr *)&named, sizeof(named)) == 0 && listen(server, 1) == 0, "listen");
	state("bind fd=%d family=1 type=1 addr=\"%s\" port=0 result=0", server, named.sun_path);
	must(connect(client, (struct sockaddr *)&named, sizeof(named)) == 0, "connect");
	state("connect fd=%d family=1 addr=\"%s\" result=0", client, named.sun_path);
	must(send(client, "123456", 6, 0) == 6, "send");
	state("send fd=%d family=1 type=1 addr=\"%s\" bytes=6", client, named.sun_path);
	must(bind(d, (struct sockaddr *)&hidden, sizeof(sa_family_t) + 17) == 0, "bind");
	state("bind fd=%d family=1 type=2 addr=\"\\x00hallmark-subject\" result=0", d);
	must(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0, "socketpair");
	state("socket fd=%d family=1 type=5 ino=%llu", pair[0], socket_ino(pair[0]));
	state("socket fd=%d family=1 type=5 ino=%llu", pair[1], socket_ino(pair[1]));
}

static void *thread(void *cookie)
{
	*(int *)cookie = (int)syscall(SYS_gettid);
	return NULL;
}

static void step_tasks(char **argv UNUSED)
{
	pid_t child = fork();
	char task[64];
	pthread_t t;
	int status, tid = 0;

	if (child == 0)
		_exit(3);
	must(child > 0 && waitpid(child, &status, 0) == child, "fork");
	state("fork child_tgid=%d child_tid=%d", child, child);
	state("exit code=768 last=1");
	child = fork();
	if (child == 0)
		pause();
	must(child > 0 && kill(child, 9) == 0 && waitpid(child, &status, 0) == child, "kill");
	state("fork child_tgid=%d", child);
	state("exit code=9 last=1");
	must(pthread_create(&t, NULL, thread, &tid) == 0 && pthread_join(t, NULL) == 0, "thread");
	snprintf(task, sizeof(task), "/proc/self/task/%d", tid);
	while (access(task, F_OK) == 0) /* it is joined a little before it has ended */
		usleep(1000);
	state("fork child_tgid=%d child_tid=%d flags=%d", getpid(), tid, 0x3d0f00);
	state("exit code=0 last=0");
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

/* i386 calls from a 64-bit program: other numbers, other registers. Pointers must lie below 4 GiB. */
static void step_int80(char **argv UNUSED)
{
	char *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	uint32_t *args = (uint32_t *)(low + 2048);
	const char *path = in_folder("compat");
	int made = open(path, O_RDWR | O_CREAT, 0600), compat = 1 << 30;
	long fd;

	must(low != MAP_FAILED && made >= 0 && ftruncate(made, 3000) == 0, "a page below 4 GiB");
	snprintf(low, 2048, "%s", path);
	fd = int80(5, (long)low, O_RDONLY, 0, 0);
	if (fd == -ENOSYS)
		return; /* a kernel without 32-bit calls */
	must(fd >= 0, "open by int 0x80");
	state("open nr=%d fd=%ld %s layer=%d path=\"%s\"", compat | 5, fd, identity(path), disk, path);
	must(int80(3, fd, (long)low, 30, 0) == 30, "read by int 0x80");
	state("read nr=%d fd=%ld %s offset=0 bytes=30", compat | 3, fd, identity(path));
	must(int80(180, fd, (long)low, 40, 77) == 40, "pread64 by int 0x80");
	state("read nr=%d fd=%ld %s offset=77 bytes=40", compat | 180, fd, identity(path));
	args[0] = AF_INET;
	args[1] = SOCK_DGRAM;
	args[2] = 0;
	fd = int80(102, 1, (long)args, 0, 0);
	must(fd >= 0, "socket by socketcall");
	state("socket fd=%ld family=2 type=2 proto=17", fd);
	state("!open nr=%d path=\"%s\"", SYS_open, path);
}

static void step_rights(char **argv UNUSED)
{
	struct sock_filter deny[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ptrace, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = { sizeof(deny) / sizeof(deny[0]), deny };

	must(prctl(PR_CAPBSET_DROP, 21, 0, 0, 0) == 0, "dropping CAP_SYS_ADMIN from the bounding set");
	state("cred nr=%d uid=0 nnp=0 seccomp=0", SYS_prctl);
	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no new privileges");
	state("cred nr=%d nnp=1 seccomp=0", SYS_prctl);
	must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) == 0, "seccomp");
	state("cred nr=%d nnp=1 seccomp=2", SYS_prctl);
	must(syscall(SYS_io_uring_setup, 8, 4096) < 0 && errno == ENOSYS, "io_uring");
	state("deny nr=%d result=%d arg0=8 arg1=4096", SYS_io_uring_setup, -ENOSYS);
	must(syscall(SYS_ptrace, 16, 77, 0, 0) < 0 && errno == EPERM, "ptrace");
	state("deny nr=%d result=%d arg0=16 arg1=77", SYS_ptrace, -EPERM);
	must(syscall(SYS_setresgid, 65534, 65533, -1) == 0, "setresgid");
	state("cred nr=%d uid=0 gid=65534 egid=65533", SYS_setresgid);
	must(syscall(SYS_setresuid, 65534, 65534, 65534) == 0, "setresuid");
	state("cred nr=%d uid=65534 euid=65534 cap_eff=0 cap_prm=0", SYS_setresuid);
	must(syscall(SYS_setresuid, 0, 0, 0) < 0, "becoming root again");
	state("!cred nr=%d uid=0", SYS_setresuid);
	must(socket(AF_PACKET, SOCK_RAW, 0) < 0 && errno == EPERM, "packet socket");
	state("deny nr=%d result=%d arg0=%d", SYS_socket, -EPERM, AF_PACKET);
	must(syscall(SYS_mount, "none", "/", "tmpfs", 0, 0) < 0, "mount");
	state("deny nr=%d result=%d", SYS_mount, -EPERM);
	must(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0, "a prctl that changes no rights");
}

/* A file `depth` folders of `width` bytes below FOLDER. Its path may be longer than any call takes. */
static void step_path(char **argv)
{
	int depth = atoi(argv[3]), width = atoi(argv[4]), whole;
	char name[256], path[70000];
	int dir = open(folder, O_RDONLY | O_DIRECTORY), next;
	size_t len = (size_t)snprintf(path, sizeof(path), "%s", folder);

	memset(name, 'n', sizeof(name));
	name[width] = '\0';
	for (int i = 0; i < depth; i++) {
		must(mkdirat(dir, name, 0700) == 0, "mkdir");
		next = openat(dir, name, O_RDONLY | O_DIRECTORY);
		must(next >= 0, "folder");
		close(dir);
		dir = next;
		len += (size_t)snprintf(path + len, sizeof(path) - len, "/%s", name);
	}
	next = openat(dir, "end", O_RDWR | O_CREAT, 0600);
	must(next >= 0, "file");
	len += (size_t)snprintf(path + len, sizeof(path) - len, "/end");
	whole = len <= 4096 && depth <= 300;
	if (whole)
		state("open fd=%d layer=%d path=\"%s\" cut=0", next, disk, path);
	else
		state("open fd=%d layer=%d cut=1", next, disk);
}

/* As many events as fast as can be. */
static void step_flood(char **argv)
{
	int fd = open("/dev/null", O_WRONLY);
	long count = atol(argv[3]);

	must(fd >= 0, "/dev/null");
	for (long i = 0; i < count; i++)
		must(write(fd, "x", 1) == 1, "write");
}

static const struct {
	const char *name;
	void (*run)(char **argv);
} steps[] = {
	{ "exec", step_exec },     { "files", step_files }, { "other", step_other_files },
	{ "copies", step_copies }, { "maps", step_maps },   { "overlay", step_overlay },
	{ "tcp", step_tcp },       { "udp", step_udp },     { "ipv6", step_ipv6 },
	{ "unix", step_unix },     { "tasks", step_tasks }, { "int80", step_int80 },
	{ "rights", step_rights }, { "path", step_path },   { "flood", step_flood },
};

int main(int argc, char **argv)
{
	must(argc >= 3, "usage: STEP FOLDER...");
	folder = argv[2];
	disk = layer_of(folder);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (strcmp(argv[1], steps[i].name) != 0)
			continue;
		steps[i].run(argv);
		write_statements();
		return 0;
	}
	errno = EINVAL;
	must(0, argv[1]);
}
