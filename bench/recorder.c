/* The recorder by itself, for measuring: what `hallmark` does to record a run, without a chamber around it.
 *
 *     bench-recorder calls                  the system calls that it looks at, one a line: name, number
 *     bench-recorder record CGROUP FILE     records the cgroup into FILE until its standard input ends
 *
 * The whole way to disk: programs attached, the ring emptied, events encoded, compressed, hashed, synced. Prints a line of JSON
 * when it is ready, one for each line that it reads, and one when it has closed the record. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#include "calls.h"
#include "capture.h"
#include "fs.h"
#include "record.h"

#define POLL_MS 4 /* as `hallmark` polls */

#ifdef SYS_open /* what storm.c calls, and the C library does not */
#define STORM_OPEN SYS_open
#else
#define STORM_OPEN SYS_openat
#endif

struct recording {
	const char *path;
	struct hm_record_writer *writer;
	struct hm_bytes item;
	uint64_t events, storm_reads, storm_opens, missing, freezes, frozen_ns;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void die(const struct hm_fail *fail)
{
	fprintf(stderr, "bench-recorder: %s\n", fail->text);
	exit(4);
}

static int keep(void *cookie, const struct hm_event *event, struct hm_fail *fail)
{
	struct recording *recording = cookie;

	recording->item.len = 0;
	recording->events++;
	if (event->kind == HM_EV_READ && event->field[HM_READ_BYTES].u == 1)
		recording->storm_reads++;
	if (event->kind == HM_EV_OPEN && event->field[HM_OPEN_NR].u == STORM_OPEN)
		recording->storm_opens++;
	if (event->kind == HM_EV_GAP)
		recording->missing += event->field[HM_GAP_COUNT].u;
	if (event->kind == HM_EV_FREEZE) {
		recording->freezes++;
		recording->frozen_ns += event->field[HM_FREEZE_DURATION].u;
	}
	hm_event_encode(&recording->item, event);
	return hm_record_append(recording->writer, hm_slice_of(&recording->item), event->time, fail);
}

/* A number from a file of /proc, behind `key`; 0 where there is none. */
static uint64_t proc_number(const char *path, const char *key)
{
	FILE *file = fopen(path, "re");
	unsigned long long number = 0;
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, key, strlen(key)) == 0)
			number = strtoull(line + strlen(key), NULL, 10);
	if (file)
		fclose(file);
	return number;
}

/* Resident bytes of maps that are mapped here: the kernel counts the ring twice over, as it is mapped, and map_bytes once. */
static uint64_t mapped_map_bytes(void)
{
	FILE *file = fopen("/proc/self/smaps", "re");
	unsigned long long sum = 0, kb;
	bool of_map = false;
	char line[4096];

	while (file && fgets(line, sizeof(line), file)) {
		if (*line < 'A' || *line > 'Z') /* addresses: the next mapping begins */
			of_map = strstr(line, "anon_inode:bpf") != NULL;
		else if (of_map && sscanf(line, "Rss: %llu kB", &kb) == 1)
			sum += kb * 1024;
	}
	if (file)
		fclose(file);
	return sum;
}

/* The guard that the recorder forks: what it does not share. */
static uint64_t guard_bytes(void)
{
	FILE *file = fopen("/proc/thread-self/children", "re");
	uint64_t sum = 0;
	int pid;

	while (file && fscanf(file, "%d", &pid) == 1) {
		char path[64];

		snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
		sum += (proc_number(path, "Private_Clean:") + proc_number(path, "Private_Dirty:")) * 1024;
	}
	if (file)
		fclose(file);
	return sum;
}

/* What the BPF maps of this process take, as the kernel accounts for it. */
static uint64_t map_bytes(void)
{
	struct rlimit limit;
	uint64_t sum = 0;

	getrlimit(RLIMIT_NOFILE, &limit);
	for (int fd = 0; fd < 1024 && (rlim_t)fd < limit.rlim_cur; fd++) {
		char path[64];

		snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
		if (proc_number(path, "map_type:"))
			sum += proc_number(path, "memlock:");
	}
	return sum;
}

static void say(const struct recording *recording, const char *state, uint64_t lost)
{
	struct rusage usage;
	struct stat st = { 0 };
	double cpu;

	getrusage(RUSAGE_SELF, &usage);
	cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
	stat(recording->path, &st);
	printf("{\"state\":\"%s\",\"events\":%llu,\"pread64\":%llu,\"open\":%llu,\"lost\":%llu,\"missing\":%llu,\"freezes\":%llu,"
	       "\"frozen\":%.6f,\"bytes\":%llu,\"cpu\":%.6f,\"rss\":%llu,\"maps\":%llu}\n",
	       state, (unsigned long long)recording->events, (unsigned long long)recording->storm_reads,
	       (unsigned long long)recording->storm_opens, (unsigned long long)lost, (unsigned long long)recording->missing,
	       (unsigned long long)recording->freezes, (double)recording->frozen_ns / 1e9, (unsigned long long)st.st_size, cpu,
	       (unsigned long long)proc_number("/proc/self/status", "VmHWM:") * 1024 - mapped_map_bytes() + guard_bytes(),
	       (unsigned long long)map_bytes());
	fflush(stdout);
}

/* False when standard input has ended. */
static bool answer(const struct recording *recording)
{
	struct pollfd in = { .fd = 0, .events = POLLIN };
	char text[64];
	ssize_t n;

	if (poll(&in, 1, 0) <= 0)
		return true;
	n = read(0, text, sizeof(text));
	if (n > 0)
		say(recording, "running", 0);
	return n > 0;
}

static int record(const char *cgroup, const char *path)
{
	struct recording recording = { .path = path };
	struct hm_capture_spec spec = { .sink = keep, .cookie = &recording, .base = now_ns() };
	struct hm_capture_stats stats;
	struct hm_capture *capture;
	struct hm_fail fail = { 0 };
	uint64_t synced = now_ns();
	struct stat st;

	spec.cgroup = open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (spec.cgroup < 0 || fstat(spec.cgroup, &st) < 0) {
		fprintf(stderr, "bench-recorder: %s: %s\n", cgroup, strerror(errno));
		return 4;
	}
	spec.cgroup_id = st.st_ino;
	if (hm_record_create(&recording.writer, path, HM_RECORD_EVENTS, &fail) < 0 || hm_capture_open(&capture, &spec, &fail) < 0)
		die(&fail);
	say(&recording, "ready", 0);
	while (answer(&recording)) {
		if (hm_capture_poll(capture, POLL_MS, &fail) < 0)
			die(&fail);
		if (now_ns() - synced > 1000000000u) {
			synced = now_ns();
			if (hm_record_sync(recording.writer, &fail) < 0)
				die(&fail);
		}
	}
	if (hm_capture_stop(capture, &stats, &fail) < 0 || hm_record_finish(recording.writer, NULL, &fail) < 0)
		die(&fail);
	say(&recording, "closed", stats.lost);
	hm_capture_close(capture);
	hm_bytes_release(&recording.item);
	close(spec.cgroup);
	return 0;
}

static int calls(void)
{
	static const char *const names[] = {
#define HM_CALL(name, ...) [HM_ROW_##name] = #name,
#include "calls.def"
#undef HM_CALL
	};

	for (size_t i = 0; i < HM_COUNT(names); i++)
		if (hm_calls_64[i] >= 0)
			printf("%s %d\n", names[i], (int)hm_calls_64[i]);
	return 0;
}

int main(int argc, char **argv)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (argc == 2 && strcmp(argv[1], "calls") == 0)
		return calls();
	if (argc == 4 && strcmp(argv[1], "record") == 0)
		return record(argv[2], argv[3]);
	fprintf(stderr, "usage: bench-recorder calls | bench-recorder record CGROUP FILE\n");
	return 3;
}
