#include "find_walk.h"

#include "confine.h"
#include "host.h"
#include "program.h"

#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

/* What a folder needs to count as the root of a machine. */
static bool is_root(const char *place)
{
	static const char *const marks[] = { "etc/os-release", "usr/lib/os-release", "var/lib/dpkg/status", "lib/apk/db/installed", "etc/passwd", "Windows/System32" };

	for (size_t i = 0; i < HM_COUNT(marks); i++) {
		HM_FREE char *path = hm_sprintf("%s/%s", place, marks[i]);
		struct stat st;

		if (lstat(path, &st) == 0)
			return true;
	}
	return false;
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

static bool is_sbom(const char *place)
{
	static const char *const endings[] = { ".json", ".spdx", ".spdx.txt", ".tag", ".cdx.xml", "bom.xml" };

	for (size_t i = 0; i < HM_COUNT(endings); i++)
		if (ends_with(place, endings[i]))
			return true;
	return false;
}

struct counts {
	uint64_t entries, files, bytes;
};

struct work {
	struct hm_find *find;
	struct counts counts;
};

static int opened(void *cookie, const char *kind, struct hm_fail *fail)
{
	struct hm_find *f = ((struct work *)cookie)->find;
	/* Machines, which a container image is none of. */
	bool endpoint = f->host || strcmp(kind, "disk image") == 0 || (strcmp(kind, "folder") == 0 && is_root(f->place));
	const char *as = f->host ? "host" : strcmp(kind, "file") == 0 && is_sbom(f->place) ? "sbom" : kind;
	const char *name = f->host ? "host" : f->place;
	int r;

	hm_found_target(f->found, name, as, endpoint);
	if (!f->store)
		return 0;
	r = hm_find_store_begin(f->store, name, as, endpoint, fail);
	if (r != 0 && f->may_drop) {
		hm_program_note("this run is not kept: %s", fail->text);
		hm_find_store_abandon(f->store);
		f->store = NULL;
		r = 0;
	}
	return r;
}

static int observe(void *cookie, const struct hm_observation *o, struct hm_fail *fail)
{
	struct hm_find *f = ((struct work *)cookie)->find;
	int r = f->store ? hm_find_store_observe(f->store, o, fail) : 0;

	return r ? r : hm_found_observe(f->found, o, fail);
}

static int unread(void *cookie, const char *path, const char *why, struct hm_fail *fail)
{
	struct hm_find *f = ((struct work *)cookie)->find;

	hm_found_not_read(f->found, path, why);
	return f->store ? hm_find_store_unread(f->store, path, why, fail) : 0;
}

/* Names are foreign: what could move a terminal's cursor is not shown. */
static void shown(char *to, size_t size, const char *path)
{
	size_t len = strlen(path), from = len > size - 1 ? len - (size - 1) : 0, at = 0;

	for (; path[from] && at + 1 < size; from++)
		to[at++] = path[from] >= ' ' && path[from] <= '~' ? path[from] : '?';
	to[at] = 0;
}

static int count(void *cookie, const struct hm_inspect_counts *counts, const char *at, struct hm_fail *fail)
{
	struct work *w = cookie;
	char path[61];

	w->counts.entries += counts->entries;
	w->counts.files += counts->files;
	w->counts.bytes += counts->bytes;
	if (hm_program_stopped())
		return hm_fail_set(fail, HM_E_INTERRUPTED, "interrupted in %s", w->find->host ? "the host" : w->find->place);
	if (at) {
		shown(path, sizeof(path), at);
		hm_program_progress("%s: %llu files, %llu MB read, at %s", w->find->host ? "host" : w->find->place, (unsigned long long)w->counts.files,
				    (unsigned long long)(w->counts.bytes >> 20), path);
	}
	return 0;
}

static int read_all(struct work *w, struct hm_fail *fail)
{
	struct hm_find *f = w->find;
	const struct hm_reader_spec spec = { .place = f->host ? "/" : f->place, .jobs = f->jobs };
	const struct hm_reader_sink sink = { w, opened, observe, unread, count };
	const struct hm_host_sink host = { w, observe, unread };
	int missing = 0, r = hm_reader_run(f->rules, &spec, &sink, &missing, fail);

	f->missing |= missing;
	if (r == 0 && f->host)
		r = hm_host_observe("/", &host, fail);
	hm_found_count(f->found, w->counts.entries, w->counts.files, w->counts.bytes);
	return r;
}

int hm_find_target(struct hm_find *find, const char *place, bool host, struct hm_fail *fail)
{
	struct work w = { .find = find };
	int r = 0;

	find->place = place;
	find->host = host;
	if (find->store && find->resume && (r = hm_find_store_replay(find->store, host ? "host" : place, find->found, fail)) != 0)
		return r < 0 ? r : 0;
	r = read_all(&w, fail);
	if (r == 0 && find->store)
		r = hm_find_store_end(find->store, w.counts.entries, w.counts.files, w.counts.bytes, fail);
	if (r != 0 && find->store)
		hm_find_store_abandon(find->store);
	return r;
}
