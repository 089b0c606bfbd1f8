/* The subject of what is watched where it runs: `daemon_subject daemon FOLDER PORT`, `daemon_subject flood FOLDER TASKS`.
 *
 * daemon: opens FOLDER/held, makes FOLDER/ready and waits for FOLDER/go. Then it forks twice; the grandchild, whose parent is gone,
 * opens and reads FOLDER/late, sends 123 bytes to 127.0.0.1:PORT by UDP, writes its statements to FOLDER/stated and stays.
 * flood: TASKS processes that open one file by a path of 3,900 bytes for ever, and count in FOLDER/beat that they go on. */
#include "subject.h"

#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

static const char *folder;

static const char *in_folder(const char *name)
{
	static char path[4][4096];
	static unsigned at;
	char *out = path[at++ % 4];

	snprintf(out, sizeof(path[0]), "%s/%s", folder, name);
	return out;
}

static int make(const char *name, const char *text)
{
	int fd = open(in_folder(name), O_RDWR | O_CREAT | O_TRUNC, 0644);

	must(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), in_folder(name));
	return fd;
}

static void nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
}

static void work(const char *port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	char buffer[123];
	int fd = open(in_folder("late"), O_RDONLY), s, stated_fd;

	must(fd >= 0 && read(fd, buffer, sizeof(buffer)) == 4, "late");
	state("fork child_tgid=%d", getpid());
	state("open fd=%d path=\"%s\" %s", fd, in_folder("late"), identity(in_folder("late")));
	state("read fd=%d bytes=4 %s", fd, identity(in_folder("late")));
	s = socket(AF_INET, SOCK_DGRAM, 0);
	must(s >= 0, "socket");
	state("socket fd=%d family=%d type=%d", s, AF_INET, SOCK_DGRAM);
	must(sendto(s, buffer, sizeof(buffer), 0, (struct sockaddr *)&to, sizeof(to)) == sizeof(buffer), "sendto");
	state("send fd=%d family=%d port=%s bytes=123", s, AF_INET, port);
	stated_fd = open(in_folder("stated.new"), O_WRONLY | O_CREAT | O_EXCL, 0644);
	must(stated_fd >= 0 && dup2(stated_fd, 1) == 1, "stated");
	write_statements();
	must(rename(in_folder("stated.new"), in_folder("stated")) == 0, "stated");
	for (;;)
		pause();
}

static void run_daemon(const char *port)
{
	make("held", "held");
	close(make("late", "late"));
	close(make("ready", ""));
	while (access(in_folder("go"), F_OK) < 0)
		nap();
	if (fork() == 0) {
		setsid();
		if (fork() == 0)
			work(port);
		_exit(0);
	}
	must(wait(NULL) > 0, "wait");
	for (;;)
		pause();
}

static void run_flood(const char *tasks)
{
	char path[4000];
	uint64_t *beat;
	int fd = make("beat", "");

	must(ftruncate(fd, 4096) == 0, "beat");
	beat = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(beat != MAP_FAILED, "beat");
	/* Folders in folders, so that the recorded path is as long as what was asked for. */
	must(chdir(folder) == 0, folder);
	memset(path, 0, sizeof(path));
	for (size_t at = 0; at + 203 < 3900; at += 201) {
		memset(path + at, 'd', 200);
		must(mkdir(path, 0755) == 0 || errno == EEXIST, "folders");
		path[at + 200] = '/';
	}
	strcat(path, "f");
	fd = open(path, O_WRONLY | O_CREAT, 0644);
	must(fd >= 0, "flood");
	for (int i = atoi(tasks); i > 1 && fork() > 0; i--)
		;
	for (;;) {
		int again = open(path, O_RDONLY);

		must(again >= 0, "flood");
		close(again);
		__atomic_fetch_add(beat, 1, __ATOMIC_RELAXED);
	}
}

int main(int argc, char **argv)
{
	must(argc == 4, "usage: daemon_subject daemon FOLDER PORT, or flood FOLDER TASKS");
	folder = argv[2];
	if (strcmp(argv[1], "daemon") == 0)
		run_daemon(argv[3]);
	else
		run_flood(argv[3]);
}
