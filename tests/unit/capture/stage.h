#pragma once
/* Where the recorder's tests take place: a fresh cgroup, a fresh folder, a subject in both, the recorded events
 * kept, and the comparison of what the subject stated with what was recorded. Everything goes away with the stage. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#include "capture.h"
#include "fs.h"

struct kept {
	struct hm_event event;
	struct hm_bytes bytes; /* what the event's slices borrow from */
};

struct stage {
	char cgroup[512], folder[128];
	int cgroup_fd;
	struct hm_capture_spec spec;
	struct hm_capture *capture;
	struct hm_capture_stats stats;
	struct kept *events;
	size_t count, room;
	bool overlay; /* the subject gets a mount namespace with an overlay on FOLDER/merged */
	bool idle;    /* nobody polls while the subject runs */
	int net;      /* network namespace of the subject, 0: as here */
	struct hm_bytes stated;
	int status;
};

/* One for each test, set up before it and taken down behind it, also when it fails. */
static struct stage stage_of_test;

/* The directory where cgroup v2 is mounted. */
static inline bool find_cgroup2(char *out, size_t size)
{
	HM_FCLOSE FILE *f = fopen("/proc/self/mountinfo", "re");
	char line[4096], where[400], type[64];

	while (f && fgets(line, sizeof(line), f)) {
		char *tail = strstr(line, " - ");

		if (!tail || sscanf(tail, " - %63s", type) != 1 || strcmp(type, "cgroup2") != 0)
			continue;
		if (sscanf(line, "%*s %*s %*s %*s %399s", where) != 1)
			continue;
		snprintf(out, size, "%s", where);
		return true;
	}
	return false;
}

/* NULL, or why these tests cannot be done here. */
static inline const char *stage_missing(void)
{
	char mount[512];
	struct statfs fs;

	if (geteuid() != 0)
		return "needs root";
	if (!find_cgroup2(mount, sizeof(mount)))
		return "no cgroup v2 is mounted";
	if (access("/sys/kernel/btf/vmlinux", R_OK) < 0)
		return "the kernel has no BTF";
	if (statfs("/var/tmp", &fs) == 0 && fs.f_type == 0x794c7630)
		return "/var/tmp is on an overlay";
	return NULL;
}

static inline int keep_event(void *cookie, const struct hm_event *event, struct hm_fail *fail)
{
	struct stage *stage = cookie;
	const struct hm_kind_info *info = hm_kind_info(event->kind);
	struct kept *kept;
	size_t at = 0;

	(void)fail;
	if (stage->count == stage->room) {
		stage->room = stage->room ? stage->room * 2 : 256;
		stage->events = hm_realloc(stage->events, stage->room, sizeof(*stage->events));
	}
	kept = &stage->events[stage->count++];
	*kept = (struct kept){ .event = *event };
	for (size_t i = 0; i < info->count; i++)
		if (info->fields[i].type == HM_BYTES)
			hm_bytes_slice(&kept->bytes, event->field[i].b);
	for (size_t i = 0; i < info->count; i++) {
		if (info->fields[i].type != HM_BYTES)
			continue;
		kept->event.field[i].b.data = kept->bytes.data + at;
		at += event->field[i].b.len;
	}
	return 0;
}

static inline uint64_t stage_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline void stage_enter(struct stage *stage)
{
	static unsigned number;
	char mount[512];
	struct stat st;

	*stage = (struct stage){ .cgroup_fd = -1 };
	assert_true(find_cgroup2(mount, sizeof(mount)));
	snprintf(stage->cgroup, sizeof(stage->cgroup), "%.400s/hallmark-capture-%d-%u", mount, getpid(), number++);
	snprintf(stage->folder, sizeof(stage->folder), "/var/tmp/hallmark-capture-XXXXXX");
	assert_non_null(mkdtemp(stage->folder));
	assert_int_equal(mkdir(stage->cgroup, 0755), 0);
	stage->cgroup_fd = open(stage->cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(fstat(stage->cgroup_fd, &st), 0);
	stage->spec = (struct hm_capture_spec){ .cgroup = stage->cgroup_fd,
						.cgroup_id = st.st_ino,
						.base = stage_now(),
						.sink = keep_event,
						.cookie = stage };
}

static int enter_stage(void **state)
{
	stage_enter(&stage_of_test);
	*state = &stage_of_test;
	return 0;
}

static inline void stage_open(struct stage *stage)
{
	struct hm_fail fail = { 0 };

	if (hm_capture_open(&stage->capture, &stage->spec, &fail) < 0)
		fail_msg("%s", fail.text);
}

static inline void stage_stop(struct stage *stage)
{
	struct hm_fail fail = { 0 };

	if (hm_capture_stop(stage->capture, &stage->stats, &fail) < 0)
		fail_msg("%s", fail.text);
}

static inline int remove_cgroup(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)at;
	for (int i = 0; type == FTW_DP && i < 500 && rmdir(path) < 0 && errno == EBUSY; i++)
		usleep(10000);
	return 0;
}

/* By rm: paths in there may be longer than any call takes. */
static inline void remove_folder(const char *folder)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		execl("/bin/rm", "rm", "-rf", folder, NULL);
		_exit(96);
	}
	if (waitpid(pid, &status, 0) != pid || status != 0)
		print_message("# %s stays\n", folder);
}

static inline void end_cgroup(const char *cgroup)
{
	char kill_file[640];
	int fd;

	snprintf(kill_file, sizeof(kill_file), "%s/cgroup.kill", cgroup);
	fd = open(kill_file, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (write(fd, "1", 1) < 0)
		print_message("# %s: %s\n", kill_file, strerror(errno));
	close(fd);
	nftw(cgroup, remove_cgroup, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void stage_leave(struct stage *stage)
{
	char beside[600]; /* some tests have one */

	hm_capture_close(stage->capture);
	snprintf(beside, sizeof(beside), "%s-beside", stage->cgroup);
	end_cgroup(beside);
	end_cgroup(stage->cgroup);
	close(stage->cgroup_fd);
	remove_folder(stage->folder);
	for (size_t i = 0; i < stage->count; i++)
		hm_bytes_release(&stage->events[i].bytes);
	hm_bytes_release(&stage->stated);
	free(stage->events);
}

static int leave_stage(void **state)
{
	stage_leave(*state);
	return 0;
}

#define STAGE_TEST(f) cmocka_unit_test_setup_teardown(f, enter_stage, leave_stage)

static inline void stage_join(const char *cgroup, pid_t pid)
{
	HM_FREE char *path = hm_sprintf("%s/cgroup.procs", cgroup);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	char text[32];
	int n = snprintf(text, sizeof(text), "%d", pid);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, (size_t)n), n);
	close(fd);
}

/* In the child: an overlay that nobody else sees, on FOLDER/merged. */
static inline int mount_overlay(const char *folder)
{
	HM_FREE char *options =
	    hm_sprintf("lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work", folder, folder, folder);
	HM_FREE char *merged = hm_sprintf("%s/merged", folder);

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -1;
	return mount("overlay", merged, "overlay", 0, options);
}

/* Starts the subject in `cgroup`; it begins when it is in there. Its statements come from `out`. */
static inline pid_t stage_start(struct stage *stage, const char *cgroup, const char *const *argv, int *out)
{
	int go[2], statements[2];
	pid_t pid;

	assert_int_equal(pipe2(go, O_CLOEXEC), 0);
	assert_int_equal(pipe2(statements, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		char byte;

		if (read(go[0], &byte, 1) != 1 || dup2(statements[1], 1) < 0)
			_exit(98);
		if (stage->net && setns(stage->net, CLONE_NEWNET) < 0)
			_exit(95);
		if (stage->overlay && mount_overlay(stage->folder) < 0)
			_exit(97);
		execv(argv[0], (char *const *)argv);
		_exit(96);
	}
	stage_join(cgroup, pid);
	assert_int_equal(write(go[1], "x", 1), 1);
	close(go[0]);
	close(go[1]);
	close(statements[1]);
	*out = statements[0];
	return pid;
}

/* Runs the subject to its end and polls meanwhile. */
static inline void stage_run(struct stage *stage, const char *const *argv)
{
	struct hm_fail fail = { 0 };
	int out;
	pid_t pid = stage_start(stage, stage->cgroup, argv, &out), gone;
	uint8_t buffer[65536];
	ssize_t n;

	/* A subject states at its end, and less than a pipe holds: it does not wait for a reader. */
	while ((gone = waitpid(pid, &stage->status, stage->idle ? 0 : WNOHANG)) == 0)
		if (hm_capture_poll(stage->capture, 2, &fail) < 0)
			fail_msg("%s", fail.text);
	assert_int_equal(gone, pid);
	while ((n = read(out, buffer, sizeof(buffer))) > 0)
		hm_bytes_append(&stage->stated, buffer, (size_t)n);
	close(out);
	hm_bytes_u8(&stage->stated, 0);
}

/* Reads "text" with \xHH into `out`; returns what follows it. */
static inline const char *read_text(struct hm_bytes *out, const char *p)
{
	for (p++; *p && *p != '"'; p++) {
		unsigned value;

		if (p[0] != '\\' || sscanf(p + 1, "x%2x", &value) != 1) {
			hm_bytes_u8(out, (uint8_t)*p);
			continue;
		}
		hm_bytes_u8(out, (uint8_t)value);
		p += 3;
	}
	return *p ? p + 1 : p;
}

/* Whether the event has the fields that `p` names. */
static inline bool has_fields(const struct hm_event *event, const char *p)
{
	const struct hm_kind_info *info = hm_kind_info(event->kind);

	while (*p == ' ') {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
		size_t len = strcspn(++p, "="), i = 0;
		char *end;

		while (i < info->count &&
		       (strlen(info->fields[i].name) != len || strncmp(info->fields[i].name, p, len) != 0))
			i++;
		if (i == info->count)
			fail_msg("%s has no field %.*s", info->name, (int)len, p);
		p += len + 1;
		if (*p == '"') {
			p = read_text(&text, p);
			if (!hm_slice_eq(event->field[i].b, hm_slice_of(&text)))
				return false;
		} else {
			bool equal = event->field[i].u == (uint64_t)strtoll(p, &end, 10);

			while (*end == '|') /* or */
				equal |= event->field[i].u == (uint64_t)strtoll(end + 1, &end, 10);
			if (!equal)
				return false;
			p = end;
		}
	}
	return true;
}

static inline bool is_kind(const struct hm_event *event, const char *line)
{
	const char *name = hm_kind_info(event->kind)->name;

	return strncmp(line, name, strlen(name)) == 0 && strchr(" ", line[strlen(name)]);
}

/* Position behind the first event from `from` on that the line describes, 0 when there is none. */
static inline size_t find_event(const struct stage *stage, size_t from, const char *line)
{
	for (size_t i = from; i < stage->count; i++)
		if (is_kind(&stage->events[i].event, line) &&
		    has_fields(&stage->events[i].event, line + strcspn(line, " ")))
			return i + 1;
	return 0;
}

/* Everything that the subject stated is in the record, in its order, and nothing that it denied. Returns the number
 * of lines. */
static inline size_t compare(struct stage *stage)
{
	char *rest = (char *)stage->stated.data, *line;
	size_t at = 0, lines = 0, found;

	while ((line = strsep(&rest, "\n")) && *line) {
		if (*line == '#') {
			print_message("%s\n", line);
			continue;
		}
		lines++;
		if (*line == '!') {
			if (find_event(stage, 0, line + 1))
				fail_msg("recorded and should not be: %s", line + 1);
			continue;
		}
		if (*line == '~') {
			if (!find_event(stage, 0, line + 1))
				fail_msg("not recorded: %s", line + 1);
			continue;
		}
		found = find_event(stage, at, line);
		if (!found)
			fail_msg("not recorded behind event %zu of %zu: %s", at, stage->count, line);
		at = found;
	}
	return lines;
}

/* Each CPU's numbers from 0 on, events and gaps together, without a hole or an overlap; returns how many are in
 * gaps. */
static inline uint64_t check_sequences(const struct stage *stage)
{
	uint64_t next[1024] = { 0 }, lost = 0, packets = 0;

	for (size_t i = 0; i < stage->count; i++) {
		const struct hm_event *e = &stage->events[i].event;

		if (e->cpu == HM_CPU_PACKETS) {
			assert_int_equal(e->seq, packets++);
			continue;
		}
		if (e->kind == HM_EV_GAP) {
			assert_int_equal(e->cpu, HM_CPU_USER);
			assert_in_range(e->field[HM_GAP_FROM_CPU].u, 0, HM_COUNT(next) - 1);
			assert_int_equal(e->field[HM_GAP_FIRST].u, next[e->field[HM_GAP_FROM_CPU].u]);
			assert_true(e->field[HM_GAP_COUNT].u > 0);
			next[e->field[HM_GAP_FROM_CPU].u] += e->field[HM_GAP_COUNT].u;
			lost += e->field[HM_GAP_COUNT].u;
			continue;
		}
		if (e->cpu == HM_CPU_USER)
			continue; /* the recorder's own: a stop, a look */
		assert_in_range(e->cpu, 0, HM_COUNT(next) - 1);
		assert_int_equal(e->seq, next[e->cpu]);
		next[e->cpu]++;
	}
	return lost;
}

/* Numbers of one task count up from 0, what was lost left out. */
static inline void check_task_sequence(const struct stage *stage, uint32_t tid)
{
	uint64_t next = 0;

	for (size_t i = 0; i < stage->count; i++) {
		const struct hm_event *e = &stage->events[i].event;

		if (e->kind == HM_EV_GAP || e->tid != tid)
			continue;
		assert_int_equal(e->tseq, next);
		next++;
	}
	assert_true(next > 0);
}
