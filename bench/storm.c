/* A storm of one cheap call on every core, or on one, that knows how many it made.
 *
 *     bench-storm getpid|pread|open SECONDS RESULT [CPU]
 *
 * RESULT gets a line of JSON: which call, how many, seconds. `pread` reads one byte; `open` opens and closes. The calls are chosen
 * so that no other call of the program looks like them: only the storm's preads return 1, and the C library opens by openat. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define BATCH 32 /* calls between two looks at the clock */
#define THREADS_MAX 256

#ifdef SYS_open
#define OPEN_NAME "open"
#else
#define OPEN_NAME "openat"
#endif

static double duration;
static pthread_barrier_t begin;

struct worker {
	_Alignas(128) pthread_t thread;
	void (*call)(int fd);
	int cpu, fd;
	unsigned long long calls;
	double seconds;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void call_getpid(int fd)
{
	(void)fd;
	syscall(SYS_getpid);
}

static void call_pread(int fd)
{
	char byte;

	if (syscall(SYS_pread64, fd, &byte, 1, 0) != 1)
		abort();
}

static void call_open(int fd)
{
	int made;

	(void)fd;
#ifdef SYS_open
	made = (int)syscall(SYS_open, "/etc/passwd", O_RDONLY);
#else
	made = openat(AT_FDCWD, "/etc/passwd", O_RDONLY);
#endif
	if (made < 0)
		abort();
	close(made);
}

static const struct {
	const char *kind, *name;
	void (*call)(int fd);
} kinds[] = { { "getpid", "getpid", call_getpid }, { "pread", "pread64", call_pread }, { "open", OPEN_NAME, call_open } };

static void *work(void *cookie)
{
	struct worker *w = cookie;
	cpu_set_t set;
	double from;

	CPU_ZERO(&set);
	CPU_SET(w->cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
	w->fd = openat(AT_FDCWD, "/etc/passwd", O_RDONLY | O_CLOEXEC);
	pthread_barrier_wait(&begin);
	for (from = now(); now() - from < duration; w->calls += BATCH)
		for (int i = 0; i < BATCH; i++)
			w->call(w->fd);
	w->seconds = now() - from;
	return NULL;
}

static int storm(size_t kind, const char *result, int only)
{
	static struct worker workers[THREADS_MAX];
	unsigned long long calls = 0;
	double longest = 0;
	cpu_set_t mine;
	int count = 0;
	FILE *out;

	sched_getaffinity(0, sizeof(mine), &mine);
	for (int cpu = 0; cpu < CPU_SETSIZE && count < THREADS_MAX; cpu++)
		if (CPU_ISSET(cpu, &mine) && (only < 0 || cpu == only))
			workers[count++].cpu = cpu;
	pthread_barrier_init(&begin, NULL, (unsigned)count);
	for (int i = 0; i < count; i++) {
		workers[i].call = kinds[kind].call;
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
			return 4;
	}
	for (int i = 0; i < count; i++) {
		pthread_join(workers[i].thread, NULL);
		calls += workers[i].calls;
		longest = workers[i].seconds > longest ? workers[i].seconds : longest;
	}
	out = fopen(result, "we");
	if (!out || fprintf(out, "{\"call\":\"%s\",\"threads\":%d,\"calls\":%llu,\"seconds\":%.6f}\n", kinds[kind].name, count, calls, longest) < 0 ||
	    fclose(out) != 0)
		return 4;
	return 0;
}

int main(int argc, char **argv)
{
	duration = argc > 2 ? atof(argv[2]) : 0;
	for (size_t i = 0; (argc == 4 || argc == 5) && duration > 0 && i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strcmp(argv[1], kinds[i].kind) == 0)
			return storm(i, argv[3], argc == 5 ? atoi(argv[4]) : -1);
	fprintf(stderr, "usage: bench-storm getpid|pread|open SECONDS RESULT [CPU]\n");
	return 3;
}
