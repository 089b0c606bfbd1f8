/* What the recorder as a whole must stand: full speed on every CPU, a path as long as paths are. And what its looks must see. */
#include "selftest_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

static _Noreturn void flood_one(int fd, size_t cpu, unsigned calls)
{
	cpu_set_t one;
	char byte;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	if (sched_setaffinity(0, sizeof(one), &one) < 0)
		_exit(errno);
	for (unsigned i = 0; i < calls; i++)
		if (pread(fd, &byte, 1, i % NONCE_BYTES) != 1)
			_exit(EIO);
	_exit(0);
}

/* So many calls in sum, one process on each CPU that may be used. */
int hm_state_flood(const struct hm_actor *actor)
{
	HM_CLOSE int fd = open(actor->path, O_RDONLY | O_CLOEXEC);
	cpu_set_t may;
	unsigned cpus, left = actor->flood;
	int status, r = 0;

	if (fd < 0 || sched_getaffinity(0, sizeof(may), &may) < 0)
		return errno;
	cpus = (unsigned)CPU_COUNT(&may);
	for (size_t cpu = 0; cpu < CPU_SETSIZE && cpus; cpu++) {
		unsigned calls = left / cpus;
		pid_t pid;

		if (!CPU_ISSET(cpu, &may))
			continue;
		pid = fork();
		if (pid == 0)
			flood_one(fd, cpu, calls);
		if (pid < 0)
			return errno;
		left -= calls;
		cpus--;
	}
	while (wait(&status) > 0)
		if (status)
			r = WIFEXITED(status) ? WEXITSTATUS(status) : ECHILD;
	return r;
}

/* No call takes the whole path: folder by folder. */
int hm_state_deep(const struct hm_actor *actor HM_UNUSED)
{
	int at = open(DEEP_FOLDER, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char name[256], next[256];

	hm_deep_name(name, 0);
	for (size_t depth = 1; at >= 0; depth++) {
		int below;

		hm_deep_name(next, depth);
		if (next[0])
			below = mkdirat(at, name, 0700) < 0 ? -1 : openat(at, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
		else
			below = openat(at, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		close(at);
		at = below;
		if (!next[0])
			break;
		memcpy(name, next, sizeof(name));
	}
	return at < 0 ? errno : close(at);
}

/* Descriptor and mapping stay: a look has to find them. */
int hm_state_held(const struct hm_actor *actor)
{
	int fd = open(actor->path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return errno;
	return mmap(NULL, PAGE_BYTES, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED ? errno : 0;
}
