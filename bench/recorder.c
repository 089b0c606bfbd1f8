/* What the recorder costs: runs a command bare, recorded and bare again, in turn, and prints the ratios.
 *
 *     bench-recorder RUNS -- COMMAND [ARG...]
 *
 * Each round is one bare run, one recorded run and one more bare run, all in a cgroup of their own; the order within a round
 * turns with the rounds, so that drift of the machine falls on all alike. "Recorded" is the whole way: BPF programs attached, the
 * ring polled, events encoded, compressed, hashed, synced to disk. CPU seconds are those of the command (wait4), wall clock is
 * from fork to exit. The last bare run over the first gives the A/A ratio: a difference smaller than its spread is noise. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "capture.h"
#include "fs.h"
#include "record.h"

struct sample {
	double cpu, wall;
};

struct recording {
	struct hm_record_writer *writer;
	struct hm_bytes item;
	uint64_t events;
};

static char cgroup_path[512], record_path[512];
static uint64_t events, recorded_bytes;
static double recorded_wall, recorder_cpu;

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu_of(const struct rusage *usage)
{
	return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) +
	       (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1e6;
}

static void die(const char *what, const struct hm_fail *fail)
{
	fprintf(stderr, "bench-recorder: %s: %s\n", what, fail ? fail->text : strerror(errno));
	rmdir(cgroup_path);
	exit(4);
}

static void make_cgroup(void)
{
	FILE *mounts = fopen("/proc/self/mounts", "re");
	char line[4096], where[256], type[64];

	while (mounts && fgets(line, sizeof(line), mounts))
		if (sscanf(line, "%*s %255s %63s", where, type) == 2 && strcmp(type, "cgroup2") == 0) {
			snprintf(cgroup_path, sizeof(cgroup_path), "%s/hallmark-bench-%d", where, (int)getpid());
			break;
		}
	if (mounts)
		fclose(mounts);
	if (mkdir(cgroup_path, 0755) < 0)
		die("making a cgroup", NULL);
}

static int keep(void *cookie, const struct hm_event *event, struct hm_fail *fail)
{
	struct recording *recording = cookie;

	recording->item.len = 0;
	recording->events++;
	hm_event_encode(&recording->item, event);
	return hm_record_append(recording->writer, hm_slice_of(&recording->item), event->time, fail);
}

static pid_t start(char **argv)
{
	char path[600];
	int gate[2];
	pid_t pid;
	FILE *procs;

	if (pipe2(gate, O_CLOEXEC) < 0 || (pid = fork()) < 0)
		die("starting the command", NULL);
	if (pid == 0) {
		char byte;
		int null = open("/dev/null", O_RDWR);

		close(gate[1]);
		if (read(gate[0], &byte, 1) < 0)
			_exit(126);
		dup2(null, 1);
		dup2(null, 2);
		execvp(argv[0], argv);
		_exit(127);
	}
	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup_path);
	procs = fopen(path, "we");
	if (!procs || fprintf(procs, "%d", (int)pid) < 0 || fclose(procs) != 0)
		die("entering the cgroup", NULL);
	close(gate[1]);
	close(gate[0]);
	return pid;
}

static struct sample finish(pid_t pid, double begun, const struct rusage *usage, int status)
{
	if (!WIFEXITED(status) || WEXITSTATUS(status) > 1)
		die("the command failed", NULL);
	(void)pid;
	return (struct sample){ cpu_of(usage), seconds() - begun };
}

static struct sample run_bare(char **argv)
{
	double begun = seconds();
	pid_t pid = start(argv);
	struct rusage usage;
	int status;

	if (wait4(pid, &status, 0, &usage) < 0)
		die("waiting", NULL);
	return finish(pid, begun, &usage, status);
}

static struct sample run_recorded(char **argv)
{
	struct recording recording = { 0 };
	struct hm_capture_spec spec = { .sink = keep, .cookie = &recording };
	struct hm_capture_stats stats;
	struct hm_capture *capture;
	struct rusage usage, before, after;
	struct hm_fail fail;
	struct sample sample;
	struct stat st;
	double begun;
	int status;
	pid_t pid;

	spec.cgroup = open(cgroup_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fstat(spec.cgroup, &st);
	spec.cgroup_id = st.st_ino;
	unlink(record_path);
	if (hm_record_create(&recording.writer, record_path, HM_RECORD_EVENTS, &fail) < 0 || hm_capture_open(&capture, &spec, &fail) < 0)
		die("recording", &fail);
	getrusage(RUSAGE_SELF, &before);
	begun = seconds();
	pid = start(argv);
	while (wait4(pid, &status, WNOHANG, &usage) == 0)
		if (hm_capture_poll(capture, 4, &fail) < 0)
			die("recording", &fail);
	sample = finish(pid, begun, &usage, status);
	if (hm_capture_stop(capture, &stats, &fail) < 0 || hm_record_finish(recording.writer, NULL, &fail) < 0)
		die("recording", &fail);
	hm_capture_close(capture);
	getrusage(RUSAGE_SELF, &after);
	close(spec.cgroup);
	hm_bytes_release(&recording.item);
	if (stats.lost)
		fprintf(stderr, "bench-recorder: %llu events lost\n", (unsigned long long)stats.lost);
	stat(record_path, &st);
	events += recording.events;
	recorded_bytes += (uint64_t)st.st_size;
	recorded_wall += sample.wall;
	recorder_cpu += cpu_of(&after) - cpu_of(&before);
	return sample;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void print_ratio(const char *name, double *ratio, int count)
{
	qsort(ratio, (size_t)count, sizeof(*ratio), by_value);
	printf("%-34s %6.3f   (%.3f to %.3f; middle half %.3f to %.3f)\n", name, ratio[count / 2], ratio[0], ratio[count - 1],
	       ratio[count / 4], ratio[3 * count / 4]);
}

int main(int argc, char **argv)
{
	int runs = argc > 1 ? atoi(argv[1]) : 0;
	double *ratio[4];

	if (argc < 4 || runs < 1 || strcmp(argv[2], "--") != 0) {
		fprintf(stderr, "usage: bench-recorder RUNS -- COMMAND [ARG...]\n");
		return 3;
	}
	snprintf(record_path, sizeof(record_path), "/var/tmp/hallmark-bench-%d.record", (int)getpid());
	make_cgroup();
	for (int i = 0; i < 4; i++)
		ratio[i] = hm_alloc((size_t)runs, sizeof(double));
	run_bare(argv + 3); /* warms the page cache; not counted */
	for (int i = 0; i < runs; i++) {
		struct sample bare = { 0 }, recorded = { 0 }, again = { 0 };

		for (int k = 0; k < 3; k++) {
			int which = (k + i) % 3;

			if (which == 0)
				bare = run_bare(argv + 3);
			else if (which == 1)
				recorded = run_recorded(argv + 3);
			else
				again = run_bare(argv + 3);
		}
		ratio[0][i] = recorded.cpu / bare.cpu;
		ratio[1][i] = again.cpu / bare.cpu;
		ratio[2][i] = recorded.wall / bare.wall;
		ratio[3][i] = again.wall / bare.wall;
	}
	printf("%d rounds; medians, in brackets the range\n", runs);
	print_ratio("CPU seconds, recorded / bare", ratio[0], runs);
	print_ratio("CPU seconds, bare / bare (A/A)", ratio[1], runs);
	print_ratio("wall clock, recorded / bare", ratio[2], runs);
	print_ratio("wall clock, bare / bare (A/A)", ratio[3], runs);
	printf("%-34s %6llu\n", "events a run", (unsigned long long)(events / (uint64_t)runs));
	printf("%-34s %6.0f\n", "events a second of wall clock", (double)events / recorded_wall);
	printf("%-34s %6.1f\n", "bytes an event, stored", (double)recorded_bytes / (double)events);
	printf("%-34s %6.2f\n", "recorder's own CPU seconds a run", recorder_cpu / runs);
	unlink(record_path);
	rmdir(cgroup_path);
	return 0;
}
