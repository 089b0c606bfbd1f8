/* Calls whose arguments mean something else by the time that they are done: `races_subject STEP FOLDER`. A thread changes them as
 * fast as it can. What was really opened, executed or connected is what the kernel tells afterwards, and that is stated. */
#include "subject.h"

#include <arpa/inet.h>
#include <linux/fs.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define TURNS 300
#define TURNS_MAX 20000 /* until both have been met */

static char *folder, *self;
static volatile int stop;

static const char *in_folder(const char *name)
{
	static char path[8][4096];
	static unsigned at;
	char *out = path[at++ % 8];

	snprintf(out, sizeof(path[0]), "%s/%s", folder, name);
	return out;
}

static ino_t make(const char *name)
{
	int fd = open(in_folder(name), O_RDWR | O_CREAT, 0600);
	struct stat st;

	must(fd >= 0 && fstat(fd, &st) == 0, name);
	close(fd);
	return st.st_ino;
}

static pthread_t start(void *(*run)(void *), void *cookie)
{
	pthread_t t;

	must(pthread_create(&t, NULL, run, cookie) == 0, "thread");
	return t;
}

static void end(pthread_t t)
{
	stop = 1;
	pthread_join(t, NULL);
}

/* Opens `path` from `dir` until each of the two files was met and there were enough turns; states the last of them. A turn that finds
 * nothing (it is renamed at that moment) has no event. */
static void open_both(int dir, const char *path, ino_t one, ino_t other)
{
	ino_t met[TURNS] = { 0 };
	int fds[TURNS], seen = 0, turns = 0;
	struct stat st;
	char mark[64];

	for (int i = 0; i < TURNS_MAX && (turns < TURNS || seen != 3); i++) {
		int fd;

		/* The other thread has had no turn: other work has its processor. */
		if (turns >= TURNS)
			usleep(500);
		fd = openat(dir, path, O_RDONLY);
		if (fd < 0)
			continue;
		must(fstat(fd, &st) == 0 && (st.st_ino == one || st.st_ino == other), path);
		seen |= st.st_ino == one ? 1 : 2;
		fds[turns % TURNS] = fd;
		met[turns++ % TURNS] = st.st_ino;
		close(fd);
	}
	stop = 1;
	must(seen == 3, "the other thread won no race");
	for (int i = 0; i < TURNS; i++)
		state("open fd=%d ino=%llu", fds[(turns + i) % TURNS], (unsigned long long)met[(turns + i) % TURNS]);
	/* The test counts the opens of these two. */
	snprintf(mark, sizeof(mark), "count-%d-%llu-%llu", turns, (unsigned long long)one, (unsigned long long)other);
	close(open(in_folder(mark), O_RDWR | O_CREAT, 0600));
	state("open path=\"%s\"", in_folder(mark));
}

static void exchange(const char *a, const char *b)
{
	must(syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE) == 0, "exchange");
}

static void *exchange_files(void *cookie)
{
	char a[4096], b[4096];

	(void)cookie;
	snprintf(a, sizeof(a), "%s", in_folder("a"));
	snprintf(b, sizeof(b), "%s", in_folder("b"));
	while (!stop)
		exchange(a, b);
	return NULL;
}

static void step_rename(void)
{
	ino_t a = make("a"), b = make("b");
	pthread_t t = start(exchange_files, NULL);

	open_both(AT_FDCWD, in_folder("a"), a, b);
	end(t);
}

/* Folders of the same names are exchanged, and a link leads through one of them. */
static void step_folders(void)
{
	ino_t a, b;
	pthread_t t;

	must(mkdir(in_folder("a"), 0700) == 0 && mkdir(in_folder("b"), 0700) == 0 &&
		 symlink("a/file", in_folder("link")) == 0,
	     "folders");
	a = make("a/file");
	b = make("b/file");
	t = start(exchange_files, NULL);
	open_both(AT_FDCWD, in_folder("link"), a, b);
	end(t);
}

static void *swap_link(void *cookie)
{
	char next[4096], link[4096];

	(void)cookie;
	snprintf(next, sizeof(next), "%s", in_folder("next"));
	snprintf(link, sizeof(link), "%s", in_folder("link"));
	for (int i = 0; !stop; i++)
		must(symlink(i % 2 ? "a" : "b", next) == 0 && rename(next, link) == 0, "swapping a link");
	return NULL;
}

static void step_symlink(void)
{
	ino_t a = make("a"), b = make("b");
	pthread_t t;

	must(symlink("a", in_folder("link")) == 0, "link");
	t = start(swap_link, NULL);
	open_both(AT_FDCWD, in_folder("link"), a, b);
	end(t);
}

static void *mount_over(void *cookie)
{
	char a[4096], b[4096];

	(void)cookie;
	snprintf(a, sizeof(a), "%s", in_folder("a"));
	snprintf(b, sizeof(b), "%s", in_folder("b"));
	while (!stop) {
		must(mount(b, a, NULL, MS_BIND, NULL) == 0, "bind mount");
		while (umount2(a, MNT_DETACH) < 0)
			must(errno == EBUSY, "umount");
	}
	return NULL;
}

static void step_mount(void)
{
	ino_t a = make("a"), b = make("b");
	pthread_t t;

	must(unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "namespace");
	t = start(mount_over, NULL);
	open_both(AT_FDCWD, in_folder("a"), a, b);
	end(t);
}

static void *flip(void *cookie)
{
	volatile char *letter = cookie;

	while (!stop) {
		*letter = 'a';
		*letter = 'b';
	}
	return NULL;
}

static void step_string(void)
{
	static char path[4096];
	ino_t a = make("a"), b = make("b");
	pthread_t t;

	snprintf(path, sizeof(path), "%s", in_folder("a"));
	t = start(flip, path + strlen(path) - 1);
	open_both(AT_FDCWD, path, a, b);
	end(t);
}

/* The top of a path of 300 names goes to and fro. */
static void step_deep(void)
{
	int dir = open(folder, O_RDONLY | O_DIRECTORY), next;
	struct stat st;
	ino_t other;
	pthread_t t;

	must(mkdir(in_folder("a"), 0700) == 0 && mkdir(in_folder("b"), 0700) == 0, "folders");
	other = make("b/end");
	for (int i = 0; i < 297; i++) {
		must(mkdirat(dir, i ? "n" : "a/n", 0700) == 0 || errno == EEXIST, "mkdir");
		next = openat(dir, i ? "n" : "a/n", O_RDONLY | O_DIRECTORY);
		must(next >= 0, "folder");
		close(dir);
		dir = next;
	}
	next = openat(dir, "end", O_RDWR | O_CREAT, 0600);
	must(next >= 0 && fstat(next, &st) == 0 && symlinkat(in_folder("b/end"), dir, "to-b") == 0, "files");
	t = start(exchange_files, NULL);
	for (int i = 0; i < TURNS; i++) {
		next = openat(dir, "end", O_RDONLY);
		must(next >= 0, "end");
		state("open fd=%d ino=%llu", next, (unsigned long long)st.st_ino);
		close(next);
		next = openat(dir, "to-b", O_RDONLY);
		if (next >= 0) {
			state("open fd=%d ino=%llu", next, (unsigned long long)other);
			close(next);
		}
	}
	end(t);
}

static char word[] = "a-word";
static char *told[] = { NULL, (char *)"tell", (char *)"/", word, NULL };

/* Shares the memory with the thread that changes the argument, until it executes. */
static int execute(void *cookie)
{
	dup2(*(int *)cookie, 1);
	execv(self, told);
	_exit(1);
}

static void step_argv(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	int seen = 0, ends[2];
	char letter;
	pthread_t t = start(flip, word);

	told[0] = self;
	must(pipe2(ends, O_CLOEXEC) == 0, "pipe");
	for (int i = 0; i < 100 || (seen != 3 && i < 500); i++) {
		pid_t pid;

		if (i >= 100)
			usleep(500);
		pid = clone(execute, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, &ends[1]);

		must(pid > 0 && read(ends[0], &letter, 1) == 1 && waitpid(pid, NULL, 0) == pid, "a program");
		seen |= letter == 'a' ? 1 : 2;
		if (i < 300)
			state("exec argv=\"%s\\x00tell\\x00/\\x00%c-word\\x00\"", self, letter);
	}
	end(t);
	must(seen == 3, "the other thread won no race");
}

static void *flip_port(void *cookie)
{
	volatile in_port_t *port = cookie;

	while (!stop) {
		*port = htons(1001);
		*port = htons(1002);
	}
	return NULL;
}

static void step_sockaddr(void)
{
	static struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = 0 };
	struct sockaddr_in peer;
	int fd = socket(AF_INET, SOCK_DGRAM, 0), seen = 0;
	unsigned ports[TURNS], port;
	int turns = 0;
	pthread_t t;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.sin_port = htons(1001);
	t = start(flip_port, &to.sin_port);
	for (; turns < TURNS_MAX && (turns < TURNS || seen != 3); turns++) {
		socklen_t len = sizeof(peer);

		if (turns >= TURNS)
			usleep(500);
		must(connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 &&
			 getpeername(fd, (struct sockaddr *)&peer, &len) == 0,
		     "connect");
		ports[turns % TURNS] = port = ntohs(peer.sin_port);
		must(port == 1001 || port == 1002, "port");
		seen |= port == 1001 ? 1 : 2;
	}
	end(t);
	must(seen == 3, "the other thread won no race");
	for (int i = 0; i < TURNS; i++)
		state("connect fd=%d port=%u result=0", fd, ports[(turns + i) % TURNS]);
}

static const struct {
	const char *name;
	void (*run)(void);
} steps[] = {
	{ "rename", step_rename }, { "folders", step_folders }, { "symlink", step_symlink }, { "mount", step_mount },
	{ "string", step_string }, { "deep", step_deep },	 { "argv", step_argv },	   { "sockaddr", step_sockaddr },
};

int main(int argc, char **argv)
{
	static char own[4096];

	if (argc == 4 && strcmp(argv[1], "tell") == 0)
		return write(1, argv[3], 1) == 1 ? 0 : 1;
	must(argc >= 3, "usage: STEP FOLDER");
	must(readlink("/proc/self/exe", own, sizeof(own) - 1) > 0, "/proc/self/exe");
	self = own;
	folder = argv[2];
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (strcmp(argv[1], steps[i].name) != 0)
			continue;
		steps[i].run();
		write_statements();
		return 0;
	}
	errno = EINVAL;
	must(0, argv[1]);
}
