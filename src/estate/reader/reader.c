/* The side that nobody attacks: starts readers, reads their parcels, replaces those that die. */
#include "reader_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define JOBS_MAX 64
#define TICK_MS 250
#define HELD_MAX ((size_t)64 << 20)

struct reader {
	struct reader_shard shard;
	struct reader_passed passed;
	pid_t pid; /* 0: none */
	int pipe;
	struct hm_bytes in;
	struct hm_bytes held; /* bodies, each with its length before it: what it would tell at its end */
	uint64_t beat, beat_at;
	bool done, slow;
	bool again; /* it died before its first entry, and was started once more */
};

struct run {
	const struct hm_reader_sink *sink;
	struct hm_fail *fail;
	unsigned patience;
	int missing;
	bool opened;
	struct reader reader[JOBS_MAX];
	unsigned count;
};

static uint64_t now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec;
}

static void stop(struct reader *r)
{
	int status;

	if (r->pid > 0) {
		kill(r->pid, SIGKILL);
		while (waitpid(r->pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	r->pid = 0;
	if (r->pipe >= 0)
		close(r->pipe);
	r->pipe = -1;
}

static void release(struct run *run)
{
	for (unsigned i = 0; i < run->count; i++) {
		stop(&run->reader[i]);
		hm_bytes_release(&run->reader[i].in);
		hm_bytes_release(&run->reader[i].held);
		if (run->reader[i].shard.place)
			munmap(run->reader[i].shard.place, sizeof(struct reader_place));
	}
}

static int start(struct run *run, struct reader *r)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		return hm_fail_errno(run->fail, "cannot make a pipe");
	r->shard.place->path[0] = 0;
	r->shard.out = ends[1];
	r->in.len = 0;
	r->slow = false;
	r->beat = r->shard.place->beat;
	r->beat_at = now_s();
	fflush(NULL);
	r->pid = fork();
	if (r->pid == 0)
		reader_child(&r->shard);
	close(ends[1]);
	r->pipe = ends[0];
	if (r->pid > 0)
		return 0;
	r->pid = 0;
	return hm_fail_errno(run->fail, "cannot start a reader");
}

static int numbers(struct run *run, struct reader *r, struct hm_slice body)
{
	uint64_t n[3];
	struct hm_inspect_counts counts;
	char at[sizeof(r->shard.place->path)];

	if (parcel_read_numbers(body, n, 3) != 0)
		return HM_E_BAD;
	counts = (struct hm_inspect_counts){ n[0], n[1], n[2] };
	memcpy(at, r->shard.place->path, sizeof(at) - 1);
	at[sizeof(at) - 1] = 0;
	return run->sink->count(run->sink->cookie, &counts, at, run->fail);
}

static int texts(struct run *run, enum parcel kind, struct hm_slice body)
{
	char *text[2] = { NULL, NULL };
	int r = parcel_read_texts(body, text, kind == PARCEL_UNREAD ? 2 : 1);

	if (r == 0 && (!text[0] || (kind == PARCEL_UNREAD && !text[1])))
		r = HM_E_BAD;
	if (r == 0 && kind == PARCEL_UNREAD)
		r = run->sink->unread(run->sink->cookie, text[0], text[1], run->fail);
	else if (r == 0 && kind == PARCEL_FAILED)
		r = hm_fail_set(run->fail, HM_E_SYSTEM, "%.900s", text[0]);
	else if (r == 0 && !run->opened)
		r = (run->opened = true, run->sink->opened(run->sink->cookie, text[0], run->fail));
	free(text[0]);
	free(text[1]);
	return r;
}

static int observation(struct run *run, struct hm_slice body)
{
	char *text[PARCEL_TEXTS] = { NULL };
	struct hm_observation o;
	int r = parcel_read_observation(body, &o, text);

	if (r == 0)
		r = run->sink->observe(run->sink->cookie, &o, run->fail);
	for (size_t i = 0; i < PARCEL_TEXTS; i++)
		free(text[i]);
	return r;
}

static int keep(struct reader *r, struct hm_slice body)
{
	uint32_t len = (uint32_t)body.len;

	if (r->held.len > HELD_MAX)
		return HM_E_BAD;
	hm_bytes_append(&r->held, &len, sizeof(len));
	hm_bytes_slice(&r->held, body);
	return 0;
}

/* Of a reader that did not come to its end: without whose files these are. */
static int tell_held(struct run *run, struct reader *r)
{
	struct hm_cursor c = hm_cursor_of(hm_slice_of(&r->held));
	int result = 0;

	while (result == 0 && hm_cursor_left(&c) > sizeof(uint32_t)) {
		struct hm_slice head = hm_cursor_bytes(&c, sizeof(uint32_t));
		uint32_t len;

		memcpy(&len, head.data, sizeof(len));
		result = observation(run, hm_cursor_bytes(&c, len));
		result = result == HM_E_BAD ? 0 : result; /* it lied */
	}
	r->held.len = 0;
	return result;
}

static int parcel(struct run *run, struct reader *r, uint8_t kind, struct hm_slice body)
{
	uint64_t missing;

	if (!run->opened && kind != PARCEL_OPENED && kind != PARCEL_FAILED)
		return HM_E_BAD;
	switch (kind) {
	case PARCEL_OBSERVATION:
		return observation(run, body);
	case PARCEL_HELD:
		return keep(r, body);
	case PARCEL_UNREAD:
	case PARCEL_FAILED:
	case PARCEL_OPENED:
		return texts(run, kind, body);
	case PARCEL_COUNT:
		return numbers(run, r, body);
	case PARCEL_DONE:
		if (parcel_read_numbers(body, &missing, 1) != 0)
			return HM_E_BAD;
		run->missing |= (int)(missing & 0xff);
		r->done = true;
		r->held.len = 0;
		return 0;
	default:
		return HM_E_BAD;
	}
}

/* What has arrived. 1: the other end is closed. */
static int receive(struct run *run, struct reader *r)
{
	ssize_t got = read(r->pipe, hm_bytes_reserve(&r->in, 1 << 18), 1 << 18);
	struct hm_cursor c;
	int result = 0;

	if (got < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : hm_fail_errno(run->fail, "cannot hear a reader");
	if (got == 0)
		return 1;
	r->in.len += (size_t)got;
	c = hm_cursor_of(hm_slice_of(&r->in));
	while (result == 0 && hm_cursor_left(&c) >= 5) {
		struct hm_cursor before = c;
		uint64_t len = hm_cursor_le(&c, 4);
		struct hm_slice body;

		if (len < 1 || len > PARCEL_MAX)
			return HM_E_BAD;
		if (hm_cursor_left(&c) < len) {
			c = before;
			break;
		}
		body = hm_cursor_bytes(&c, (size_t)len);
		result = parcel(run, r, body.data[0], (struct hm_slice){ body.data + 1, body.len - 1 });
	}
	r->in.len = hm_cursor_left(&c);
	memmove(r->in.data, c.at, r->in.len);
	return result;
}

/* It is gone and was not done: told, and another one takes its place behind what it was at. */
static int replace(struct run *run, struct reader *r, int status, bool lied)
{
	struct reader_place *place = r->shard.place;
	char why[128], path[sizeof(place->path)];
	int result;

	place->path[sizeof(place->path) - 1] = 0;
	memcpy(path, place->path, sizeof(path));
	if (r->slow)
		snprintf(why, sizeof(why), "reading it did not end within %u s", run->patience);
	else if (lied)
		snprintf(why, sizeof(why), "its reader said what no reader says");
	else if (WIFSIGNALED(status))
		snprintf(why, sizeof(why), "its reader died of it (signal %d)", WTERMSIG(status));
	else
		snprintf(why, sizeof(why), "its reader ended early (%d)", WEXITSTATUS(status));
	if (!*path && !r->slow && !r->again) {
		r->again = true;
		return start(run, r);
	}
	if (!run->opened) { /* it died of finding out what it is */
		run->opened = true;
		result = run->sink->opened(run->sink->cookie, "file", run->fail);
		if (result != 0)
			return result;
	}
	result = tell_held(run, r);
	if (result == 0)
		result = run->sink->unread(run->sink->cookie, *path ? path : "/", why, run->fail);
	if (result != 0)
		return result;
	if (!*path || !reader_pass(&r->passed, place->at)) {
		r->done = true;
		return run->sink->unread(run->sink->cookie, "/", "readers died again and again: the rest of this part is not read", run->fail);
	}
	return start(run, r);
}

static int gone(struct run *run, struct reader *r, bool lied)
{
	int status = 0;

	if (lied || r->slow)
		kill(r->pid, SIGKILL);
	while (waitpid(r->pid, &status, 0) < 0 && errno == EINTR)
		;
	r->pid = 0;
	close(r->pipe);
	r->pipe = -1;
	return r->done ? 0 : replace(run, r, status, lied);
}

static void watch(struct run *run, struct reader *r)
{
	if (r->shard.place->beat != r->beat) {
		r->beat = r->shard.place->beat;
		r->beat_at = now_s();
	} else if (now_s() - r->beat_at > run->patience) {
		r->slow = true;
		kill(r->pid, SIGKILL); /* its pipe closes */
	}
}

static int tick(struct run *run)
{
	struct hm_inspect_counts nothing = { 0 };

	for (unsigned i = 0; i < run->count; i++)
		if (run->reader[i].pid)
			watch(run, &run->reader[i]);
	return run->sink->count(run->sink->cookie, &nothing, NULL, run->fail);
}

static int attend(struct run *run, struct reader *r)
{
	int result = receive(run, r);

	if (result == 1)
		return gone(run, r, false);
	if (result == HM_E_BAD && !r->done)
		return gone(run, r, true);
	return result;
}

static int loop(struct run *run)
{
	for (;;) {
		struct pollfd fd[JOBS_MAX];
		unsigned at[JOBS_MAX], n = 0;
		int r;

		for (unsigned i = 0; i < run->count; i++)
			if (run->reader[i].pid) {
				fd[n] = (struct pollfd){ .fd = run->reader[i].pipe, .events = POLLIN };
				at[n++] = i;
			}
		if (n == 0)
			return 0;
		if (poll(fd, n, TICK_MS) < 0 && errno != EINTR)
			return hm_fail_errno(run->fail, "cannot wait for readers");
		for (unsigned i = 0; i < n; i++)
			if ((fd[i].revents & (POLLIN | POLLHUP)) && (r = attend(run, &run->reader[at[i]])) != 0)
				return r;
		if ((r = tick(run)) != 0)
			return r;
	}
}

static int set_up(struct run *run, const struct hm_inspect_rules *rules, const struct hm_reader_spec *spec)
{
	for (unsigned i = 0; i < run->count; i++) {
		struct reader *r = &run->reader[i];
		void *place = mmap(NULL, sizeof(struct reader_place), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		int result;

		r->pipe = -1;
		if (place == MAP_FAILED)
			return hm_fail_errno(run->fail, "cannot share memory with a reader");
		r->shard = (struct reader_shard){ .rules = rules, .spec = spec, .shard = i, .shards = run->count, .passed = &r->passed, .place = place };
		if ((result = start(run, r)) != 0)
			return result;
	}
	return 0;
}

int hm_reader_run(const struct hm_inspect_rules *rules, const struct hm_reader_spec *spec, const struct hm_reader_sink *sink, int *missing, struct hm_fail *fail)
{
	struct run *run = NULL;
	struct stat st;
	int r;

	if (stat(spec->place, &st) != 0)
		return hm_fail_errno(fail, "cannot read %s", spec->place);
	run = hm_alloc(1, sizeof(*run));
	run->sink = sink;
	run->fail = fail;
	run->patience = spec->patience ? spec->patience : 300;
	run->count = S_ISDIR(st.st_mode) && spec->jobs > 1 ? (spec->jobs < JOBS_MAX ? spec->jobs : JOBS_MAX) : 1;
	for (unsigned i = 0; i < run->count; i++)
		run->reader[i].pipe = -1;
	r = set_up(run, rules, spec);
	if (r == 0)
		r = loop(run);
	if (r == 0)
		*missing = run->missing;
	release(run);
	free(run);
	return r;
}
