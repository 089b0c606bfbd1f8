/* Makes as many recorded calls as it can: `flood_subject WHAT SECONDS PROCESSES THREADS`, WHAT being pread (of one byte),
 * open (and close), or both. Prints how many calls with an event it made. */
#include "subject.h"

#include <pthread.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

static const char *self;
static int file;
static bool preads, opens;
static struct timespec end;
static uint64_t *calls; /* shared by all processes */

static bool over(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec > end.tv_sec || (now.tv_sec == end.tv_sec && now.tv_nsec >= end.tv_nsec);
}

static void *flood(void *unused UNUSED)
{
	uint64_t made = 0;
	char byte;

	while (!over()) {
		for (int i = 0; i < 64 && preads; i++, made++)
			must(pread(file, &byte, 1, i) == 1, "pread");
		for (int i = 0; i < 16 && opens; i++, made++) {
			int fd = open(self, O_RDONLY);

			must(fd >= 0, self);
			close(fd);
		}
	}
	__atomic_fetch_add(calls, made, __ATOMIC_RELAXED);
	return NULL;
}

static int flood_threads(long threads)
{
	pthread_t *thread = calloc((size_t)threads, sizeof(*thread));

	for (long i = 0; i < threads; i++)
		must(pthread_create(&thread[i], NULL, flood, NULL) == 0, "a thread");
	for (long i = 0; i < threads; i++)
		pthread_join(thread[i], NULL);
	free(thread);
	return 0;
}

int main(int argc, char **argv)
{
	int status, worst = 0;

	must(argc == 5, "usage: WHAT SECONDS PROCESSES THREADS");
	self = argv[0];
	preads = strcmp(argv[1], "open") != 0;
	opens = strcmp(argv[1], "pread") != 0;
	file = open(self, O_RDONLY);
	must(file >= 0, self);
	calls = mmap(NULL, sizeof(*calls), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(calls != MAP_FAILED, "mmap");
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += atol(argv[2]);
	for (long i = 0; i < atol(argv[3]); i++) {
		pid_t pid = fork();

		must(pid >= 0, "fork");
		if (pid == 0)
			_exit(flood_threads(atol(argv[4])));
	}
	while (wait(&status) > 0)
		worst |= status;
	dprintf(1, "%llu\n", (unsigned long long)*calls);
	return worst ? 99 : 0;
}
