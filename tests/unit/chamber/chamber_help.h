#pragma once
/* What the chamber's tests share: a work folder with a document, and one run of a command with all that comes of it.
 * The test program is planted in the chamber as /usr/local/bin/probe, so a test can be its own hostile product. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "chamber.h"
#include "event.h"
#include "fs.h"

#define PROBE "/usr/local/bin/probe"
#define TARGET "/home/user/Documents"
#define HOSTNAME "ws-0a1b2c"
#define MACHINE_ID "0123456789ab4def8123456789abcdef"

struct place {
	char base[64], work[96], documents[96];
	char name[48];
	struct hm_map self;
	struct hm_chamber_file probe;
	struct hm_chamber_spec spec;
	const char *argv[8];
};

struct run {
	struct hm_bytes out, err, tree; /* NUL behind; tree: "TYPE PATH\n" */
	struct hm_chamber_result result;
};

static inline double help_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static inline void help_nap(unsigned ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	nanosleep(&t, NULL);
}

static inline void help_write(const char *path, const char *text)
{
	HM_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

/* In the folder `in`, which is a disk for most tests. */
static inline void help_place(struct place *p, const char *in)
{
	static const char *const env[] = { "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
					   "HOME=/root", "LANG=C.UTF-8", "ASAN_OPTIONS=detect_leaks=0", NULL };
	static unsigned number;
	HM_FREE char *letter = NULL;
	struct hm_fail fail;

	if (geteuid() != 0) {
		print_message("skipped: a chamber needs root\n");
		skip();
	}
	memset(p, 0, sizeof(*p));
	snprintf(p->base, sizeof(p->base), "%s/hm-chamber-test-XXXXXX", in);
	assert_non_null(mkdtemp(p->base));
	snprintf(p->work, sizeof(p->work), "%s/work", p->base);
	snprintf(p->documents, sizeof(p->documents), "%s/documents", p->base);
	assert_int_equal(mkdir(p->work, 0700), 0);
	assert_int_equal(mkdir(p->documents, 0755), 0);
	letter = hm_sprintf("%s/letter.txt", p->documents);
	help_write(letter, "UK SECRET\n");
	assert_int_equal(hm_fs_map(&p->self, "/proc/self/exe", &fail), 0);
	p->probe = (struct hm_chamber_file){ PROBE, p->self.bytes, 0755 };
	snprintf(p->name, sizeof(p->name), "test-%d-%u", (int)getpid(), number++);
	p->spec = (struct hm_chamber_spec){ .work = p->work,
					    .name = p->name,
					    .hostname = HOSTNAME,
					    .machine_id = MACHINE_ID,
					    .target_from = p->documents,
					    .target = TARGET,
					    .argv = p->argv,
					    .env = env,
					    .files = &p->probe,
					    .file_count = 1 };
}

/* The work folder must be empty: every test ends with it. */
static inline void help_leave(struct place *p)
{
	struct hm_fail fail;

	hm_fs_unmap(&p->self);
	assert_int_equal(rmdir(p->work), 0);
	assert_int_equal(hm_fs_remove_tree(p->base, &fail), 0);
}

static inline void help_shell(struct place *p, const char *script)
{
	p->argv[0] = "/bin/sh";
	p->argv[1] = "-c";
	p->argv[2] = script;
	p->argv[3] = NULL;
}

static inline void help_probe(struct place *p, const char *what)
{
	p->argv[0] = PROBE;
	p->argv[1] = "probe";
	p->argv[2] = what;
	p->argv[3] = NULL;
}

static inline void help_drain(struct hm_bytes *to, int fd)
{
	ssize_t n;

	while ((n = read(fd, hm_bytes_reserve(to, 4096), 4096)) > 0)
		to->len += (size_t)n;
}

static bool help_more; /* trees with attributes and given times */

static inline int help_entry(void *cookie, const struct hm_chamber_entry *e, struct hm_fail *fail HM_UNUSED)
{
	hm_bytes_printf(cookie, "%c %.*s\n", e->type, (int)e->path.len, (const char *)e->path.data);
	if (help_more)
		hm_bytes_slice(cookie, e->more);
	return 0;
}

static inline void help_release(struct run *r)
{
	hm_bytes_release(&r->out);
	hm_bytes_release(&r->err);
	hm_bytes_release(&r->tree);
}

static inline const char *help_text(struct hm_bytes *b)
{
	*hm_bytes_reserve(b, 1) = 0;
	return (const char *)b->data;
}

static inline struct hm_chamber *help_open(struct place *p)
{
	struct hm_chamber *c = NULL;
	struct hm_fail fail = { 0 };

	if (hm_chamber_open(&c, &p->spec, &fail) < 0)
		fail_msg("%s", fail.text);
	return c;
}

/* Waits up to `limit_s` for the product's end; then everything is killed. */
static inline void help_follow(struct hm_chamber *c, int out, int err, double limit_s, struct run *r)
{
	double begun = help_now();
	struct hm_fail fail = { 0 };
	int outcome = HM_OUTCOME_EXITED;

	while (!hm_chamber_ended(c, &r->result)) {
		help_drain(&r->out, out);
		help_drain(&r->err, err);
		if (help_now() - begun > limit_s) {
			outcome = HM_OUTCOME_TIMEOUT;
			break;
		}
		help_nap(1);
	}
	if (hm_chamber_kill(c, outcome, &r->result, &fail) < 0)
		fail_msg("%s", fail.text);
	help_drain(&r->out, out);
	help_drain(&r->err, err);
	if (hm_chamber_tree(c, help_entry, &r->tree, &fail) < 0)
		fail_msg("%s", fail.text);
}

/* One run from beginning to end. */
static inline void help_run(struct place *p, double limit_s, struct run *r)
{
	struct hm_chamber *c = help_open(p);
	struct hm_fail fail = { 0 };
	int out, err;

	memset(r, 0, sizeof(*r));
	if (hm_chamber_go(c, &out, &err, &fail) < 0)
		fail_msg("%s", fail.text);
	help_follow(c, out, err, limit_s, r);
	hm_chamber_close(c);
}

/* The run's control group, wherever cgroup2 is mounted. Empty when there is none. */
static inline void help_group(char path[256], const char *name)
{
	static const char *const mounts[] = { "/sys/fs/cgroup/unified", "/sys/fs/cgroup" };

	for (size_t i = 0; i < HM_COUNT(mounts); i++) {
		snprintf(path, 256, "%s/hallmark/%s", mounts[i], name);
		if (access(path, F_OK) == 0)
			return;
	}
	path[0] = 0;
}
