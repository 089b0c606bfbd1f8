#pragma once
/* What the steps of reads_subject.c share: the document that is read, and what is stated of it.
 *
 * Each step reads a place of its own, so that its events are not another's: `place(n)` is in page n. */
#include "subject.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#define PAGE 4096
#define KERNEL_LARGEFILE 0100000 /* O_LARGEFILE as x86-64 has it; the C library's is 0 */
#define DOCUMENT_PAGES 64

enum { BY_GET, BY_MAP, BY_FAULT, BY_DIRECT }; /* enum hm_pages_by */

static const char *document; /* as the subject sees it */
static const char *real;     /* "dev=.. ino=.." of the file behind it */
static const char *scratch;  /* a folder to write in */
static int layer;

/* Byte `at` of the document, so that what was read is known to have come from there. */
static inline char byte_at(long at)
{
	return (char)('a' + (at / PAGE * 7 + at % 251) % 26);
}

static inline void check_bytes(const char *bytes, long at, long count, const char *way)
{
	for (long i = 0; i < count; i++) {
		errno = EILSEQ;
		must(bytes[i] == byte_at(at + i), way);
	}
}

static inline long place(int page)
{
	return (long)page * PAGE + 100;
}

__attribute__((format(printf, 1, 2))) static inline void skip(const char *format, ...)
{
	char why[256];
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	state("# skipped: %s", why);
	write_statements();
	_exit(0);
}

static inline int open_document(int flags)
{
	int fd = open(document, flags);

	must(fd >= 0, document);
	state("open nr=%d fd=%d flags=%d %s layer=%d path=\"%s\"", SYS_openat, fd, flags | KERNEL_LARGEFILE, real, layer, document);
	return fd;
}

/* The first witness: the call. */
static inline void state_read(int nr, int fd, long offset, long bytes)
{
	state("read nr=%d fd=%d %s layer=%d offset=%ld bytes=%ld", nr, fd, real, layer, offset, bytes);
}

static inline void state_map(int nr, long offset, long length)
{
	state("map nr=%d %s layer=%d offset=%ld length=%ld path=\"%s\"", nr, real, layer, offset, length, document);
}

/* The second: whole pages, but for BY_DIRECT. */
static inline void state_pages(int by, long offset, long bytes)
{
	if (by != BY_DIRECT) {
		bytes = (offset + bytes + PAGE - 1) / PAGE * PAGE - offset / PAGE * PAGE;
		offset = offset / PAGE * PAGE;
	}
	/* Pages that somebody else holds for a moment are not mapped around a touched one: then it is a fault, and told with those. */
	if (by == BY_MAP)
		state("~pages by=%d|%d %s offset=%ld length=%ld", BY_MAP, BY_FAULT, real, offset, bytes);
	else
		state("pages by=%d %s offset=%ld length=%ld", by, real, offset, bytes);
}

static inline void wait_for(pid_t pid)
{
	int status;

	must(waitpid(pid, &status, 0) == pid, "waitpid");
	errno = ECHILD;
	must(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a child failed");
}

/* A child that runs `body` and stays until the pipe that it was given is closed. */
struct helper {
	pid_t pid;
	int ready, done;
};

static inline struct helper help(void (*body)(int channel), int channel)
{
	struct helper helper;
	int ready[2], done[2];
	char byte;

	must(pipe(ready) == 0 && pipe(done) == 0, "pipe");
	helper.pid = fork();
	must(helper.pid >= 0, "fork");
	if (helper.pid == 0) {
		close(ready[0]);
		close(done[1]);
		body(channel);
		must(write(ready[1], "x", 1) == 1, "ready");
		must(read(done[0], &byte, 1) == 0, "done");
		_exit(0);
	}
	close(ready[1]);
	close(done[0]);
	must(read(ready[0], &byte, 1) == 1, "the helper");
	helper.ready = ready[0];
	helper.done = done[1];
	return helper;
}

static inline void dismiss(struct helper helper)
{
	close(helper.done);
	wait_for(helper.pid);
	close(helper.ready);
}
