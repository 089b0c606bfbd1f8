/* Two threads read while a third changes what their descriptor means: `race_subject read|pread|mmap FOLDER COUNT`.
 *
 * FOLDER has two files, `a` and `b`, of 64 KiB filled with that letter, so that what came tells where it came from. Prints a line
 * for each reader: its tid, and how much of each file it got. */
#include "subject.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define SLOT 100 /* the descriptor that is fought over */
#define READERS 2

static const char *way;
static long count;
static int files[2];
static atomic_int readers_left = READERS;

struct reader {
	pthread_t thread;
	long tid;
	unsigned long long got[2]; /* bytes of a and of b */
};

static long get(long turn, char *buffer)
{
	char *p;

	if (strcmp(way, "read") == 0)
		return read(SLOT, buffer, 4096);
	if (strcmp(way, "pread") == 0)
		return pread(SLOT, buffer, 64, turn % 16 * 4096);
	p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, SLOT, 0);
	if (p == MAP_FAILED)
		return -1;
	buffer[0] = p[0];
	munmap(p, 4096);
	return 4096;
}

static void *reads(void *cookie)
{
	struct reader *r = cookie;
	char buffer[4096];

	r->tid = syscall(SYS_gettid);
	/* `count` that got something, or none that could be told apart is left: on a busy machine a reader can have its whole turn
	 * before anything changes, and then there was no race yet. */
	for (long i = 0, met = 0; met < count || ((!r->got[0] || !r->got[1]) && i < 1000 * count); i++) {
		long n = get(i, buffer);

		if (n > 0) {
			r->got[buffer[0] == 'b'] += (unsigned long long)n;
			met++;
		} else if (strcmp(way, "read") == 0) {
			lseek(SLOT, 0, SEEK_SET);
		}
	}
	atomic_fetch_sub(&readers_left, 1);
	return NULL;
}

int main(int argc, char **argv)
{
	struct reader readers[READERS] = { 0 };
	char path[2][4096];

	must(argc == 4, "usage: read|pread|mmap FOLDER COUNT");
	way = argv[1];
	count = atol(argv[3]);
	for (int i = 0; i < 2; i++) {
		snprintf(path[i], sizeof(path[i]), "%s/%c", argv[2], 'a' + i);
		files[i] = open(path[i], O_RDONLY);
		must(files[i] >= 0, path[i]);
	}
	for (int i = 0; i < READERS; i++)
		must(pthread_create(&readers[i].thread, NULL, reads, &readers[i]) == 0, "thread");
	for (unsigned turn = 0; atomic_load(&readers_left) > 0; turn++) {
		dup2(files[turn % 2], SLOT);
		if (turn % 5 == 4)
			close(SLOT);
	}
	for (int i = 0; i < READERS; i++) {
		pthread_join(readers[i].thread, NULL);
		state("%ld %llu %llu", readers[i].tid, readers[i].got[0], readers[i].got[1]);
	}
	write_statements();
	return 0;
}
