#pragma once
/* Reads one target in confined processes, and gets their observations back through pipes.
 *
 * Everything that parses foreign bytes runs in those. One that dies of a file (or of what it takes for it: memory, time) is replaced
 * by another, which passes over that file; the file is told as unread. What comes through the pipes is foreign too, and is read by
 * the cursor. */
#include "inspect.h"

struct hm_reader_spec {
	const char *place;
	unsigned jobs;	   /* processes for a folder; other targets take one */
	size_t memory;	   /* bytes a process may have; 0: 3 GiB */
	unsigned patience; /* seconds for one entry; 0: 300 */
};

struct hm_reader_sink {
	void *cookie;
	/* Once, first: what kind of target it is. */
	int (*opened)(void *cookie, const char *kind, struct hm_fail *fail);
	hm_observe_fn observe;
	int (*unread)(void *cookie, const char *path, const char *why, struct hm_fail *fail);
	/* From time to time: what was read since the last call, and where one of the readers is. Other than 0 ends it all. */
	int (*count)(void *cookie, const struct hm_inspect_counts *counts, const char *at, struct hm_fail *fail);
};

/* Returns 0 when the target was read, as far as it can be; HM_E_SYSTEM when it is not there or nothing can be confined; else the sink's value. `missing`:
 * bits of confine.h. No process outlives the call. */
int hm_reader_run(const struct hm_inspect_rules *rules, const struct hm_reader_spec *spec, const struct hm_reader_sink *sink, int *missing,
		  struct hm_fail *fail) HM_MUST_CHECK;
