#pragma once
/* What a subject is made of. It does things and states, one line each, the events that a recorder must have seen:
 *
 *   KIND NAME=VALUE ...       an event of this kind with these fields, behind the one of the line before
 *   !KIND NAME=VALUE ...      no such event in the whole record
 *   ~KIND NAME=VALUE ...      an event of this kind with these fields, anywhere in the record
 *   # TEXT                    words for who reads the test's output
 *
 * A value is a decimal number or "text", in which \xHH stands for a byte. The lines are written at the end, so that
 * stating does not mix with doing. */
#define UNUSED __attribute__((unused))

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static char stated[65536];
static size_t stated_len;

static inline void must(int good, const char *what)
{
	if (good)
		return;
	dprintf(2, "subject: %s: %s\n", what, strerror(errno));
	_exit(99);
}

__attribute__((format(printf, 1, 2))) static inline void state(const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(stated + stated_len, sizeof(stated) - stated_len - 1, format, args);
	va_end(args);
	must(n >= 0 && (size_t)n < sizeof(stated) - stated_len - 1, "too much to state");
	stated_len += (size_t)n;
	stated[stated_len++] = '\n';
}

static inline void write_statements(void)
{
	must(write(1, stated, stated_len) == (ssize_t)stated_len, "stating");
}

/* Until the thread waits in system call `nr`: how long it takes to get there is the machine's affair. */
static inline void await_call(int tid, long nr)
{
	char path[64], text[32] = "";
	ssize_t n = 0;

	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", tid);
	do {
		int fd = open(path, O_RDONLY | O_CLOEXEC);

		usleep(1000);
		must(fd >= 0 && (n = read(fd, text, sizeof(text) - 1)) > 0 && close(fd) == 0, path);
		text[n] = 0;
	} while ((text[0] < '0' || text[0] > '9') || strtol(text, NULL, 10) != nr); /* else "running", or -1 */
}

enum { NONE, LOWER, UPPER, PLAIN }; /* enum hm_layer */

/* The layer of a file on no overlay: a disk file system, or memory. */
static inline int layer_of(const char *path)
{
	struct statfs fs;

	must(statfs(path, &fs) == 0, path);
	return fs.f_type == 0x01021994 || fs.f_type == 0x858458f6 ? NONE : PLAIN; /* tmpfs, ramfs */
}

/* "dev=.. ino=.." of a file as an event has it: the kernel's device number. */
static inline const char *identity(const char *path)
{
	static char text[4][128];
	static unsigned at;
	struct stat st;
	char *out = text[at++ % 4];

	must(stat(path, &st) == 0, path);
	snprintf(out, sizeof(text[0]), "dev=%llu ino=%llu",
		 (unsigned long long)major(st.st_dev) << 20 | minor(st.st_dev), (unsigned long long)st.st_ino);
	return out;
}
