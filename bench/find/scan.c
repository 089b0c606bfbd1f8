/* Reads a tree with the sources and the scanner alone: no walker, no confinement, no suppliers. It is what bench/find/run times
 * beside grep, yara and sha256sum.   bench-find [--print] [--all] PATTERNS TREE...    (PATTERNS: lines "string|domain|licence|symbol<TAB>text")
 * --all takes data for scripts: the same bytes that grep and yara read. */
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "fs.h"
#include "scan.h"
#include "source.h"

static struct {
	bool print, all;
	unsigned long files, read, observations, bad;
	unsigned long long bytes;
	const char *what;
} run;

static int observe(void *cookie HM_UNUSED, const struct hm_observation *o, struct hm_fail *fail HM_UNUSED)
{
	run.observations++;
	if (run.print)
		printf("%s\t%s\t%s\t%s\t%s\t%s\t%s\n", hm_observation_kind_name(o->kind), hm_observed_state_name(o->state), o->source ? o->source : "", o->value, o->detail ? o->detail : "", o->outer ? o->outer : "", o->path);
	return 0;
}

static int load(struct hm_scan **scan, const char *path)
{
	static const struct {
		const char *name;
		enum hm_scan_place place;
	} places[] = { { "string", HM_SCAN_STRING }, { "domain", HM_SCAN_DOMAIN }, { "licence", HM_SCAN_LICENCE }, { "symbol", HM_SCAN_SYMBOL } };
	HM_FCLOSE FILE *f = fopen(path, "r");
	struct hm_scan_pattern *patterns = NULL;
	struct hm_fail fail = { 0 };
	size_t count = 0, cap = 0;
	HM_FREE char *line = NULL;
	ssize_t len;

	while (f && (len = getline(&line, &cap, f)) > 0) {
		char *tab = strchr(line, '\t');

		line[strcspn(line, "\n")] = 0;
		for (size_t i = 0; tab && i < HM_COUNT(places); i++)
			if (strlen(places[i].name) == (size_t)(tab - line) && strncmp(line, places[i].name, (size_t)(tab - line)) == 0) {
				patterns = hm_realloc(patterns, count + 1, sizeof(*patterns));
				patterns[count++] = (struct hm_scan_pattern){ places[i].place, hm_strdup(tab + 1) };
			}
	}
	if (!f || hm_scan_open(scan, patterns, count, &fail) != 0) {
		fprintf(stderr, "bench-find: %s: %s\n", path, f ? fail.text : "cannot be read");
		return 4;
	}
	for (size_t i = 0; i < count; i++)
		free((char *)(uintptr_t)patterns[i].text);
	free(patterns);
	return 0;
}

static void one(const struct hm_scan *scan, struct hm_scan_room *room, int fd, const char *path, uint64_t size)
{
	uint8_t head[HM_SOURCE_HEAD];
	struct hm_slice name = hm_slice_text(path);
	ssize_t got = pread(fd, head, hm_source_needs_head(name) ? sizeof(head) : HM_SCAN_HEAD, 0);
	struct hm_slice first = { head, got > 0 ? (size_t)got : 0 };
	const struct hm_source *source = hm_source_for(name, first);
	bool worth = run.all || hm_scan_class(name, first) != HM_SCAN_DATA;
	struct hm_slice bytes;
	struct hm_fail fail = { 0 };
	void *map;
	int r = 0;

	if ((!source && !worth) || size == 0)
		return;
	map = mmap(NULL, size, PROT_READ, MAP_PRIVATE | (run.all ? 0 : MAP_POPULATE), fd, 0);
	if (map == MAP_FAILED)
		return;
	bytes = (struct hm_slice){ map, (size_t)size };
	run.read++;
	run.bytes += size;
	if (source && size <= hm_source_max(source)) {
		struct hm_source_file file = { name, bytes, NULL };

		r = hm_source_read(source, &file, observe, NULL, &fail);
	}
	if (worth) {
		struct hm_scan_file file = { bytes, path, NULL, HM_SCAN_DATA };
		int s;

		if (run.all && hm_scan_class(name, first) == HM_SCAN_DATA)
			file.as = HM_SCAN_SCRIPT;
		s = hm_scan_read(scan, room, &file, observe, NULL, &fail);

		r = r ? r : s;
	}
	run.bad += r != 0;
	if (r != 0 && run.print)
		printf("not read\t%s\t%s\n", fail.text, path);
	munmap(map, size);
}

static void walk(const struct hm_scan *scan, struct hm_scan_room *room, char **trees)
{
	FTS *fts = fts_open(trees, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
	FTSENT *e;

	while (fts && (e = fts_read(fts))) {
		HM_CLOSE int fd = -1;

		if (e->fts_info != FTS_F || !S_ISREG(e->fts_statp->st_mode))
			continue;
		run.files++;
		fd = open(e->fts_accpath, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		if (fd >= 0)
			one(scan, room, fd, e->fts_path, (uint64_t)e->fts_statp->st_size);
	}
	if (fts)
		fts_close(fts);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	HM_CLEANUP(hm_scan_cleanup) struct hm_scan *scan = NULL;
	struct hm_scan_room *room = NULL;
	struct rusage usage;
	double start, compiled, end;

	for (; argc > 1 && argv[1][0] == '-'; argc--, argv++) {
		run.print |= strcmp(argv[1], "--print") == 0;
		run.all |= strcmp(argv[1], "--all") == 0;
	}
	if (argc < 3)
		return fprintf(stderr, "usage: bench-find [--print] [--all] PATTERNS TREE...\n"), 3;
	start = now();
	if (load(&scan, argv[1]) != 0 || hm_scan_room(&room, scan, NULL) != 0)
		return 4;
	compiled = now();
	walk(scan, room, argv + 2);
	end = now();
	hm_scan_leave(room);
	getrusage(RUSAGE_SELF, &usage);
	fprintf(stderr, "files %lu read %lu bytes %llu observations %lu bad %lu compile %.3f s scan %.3f s cpu %.3f s rate %.0f MB/s peak %ld KiB\n", run.files, run.read,
		run.bytes, run.observations, run.bad, compiled - start, end - compiled,
		(double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6 + (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec / 1e6,
		(double)run.bytes / 1e6 / (end - compiled), usage.ru_maxrss);
	return 0;
}
