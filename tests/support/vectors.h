#pragma once
/* Where vectors that others wrote lie: the folder HALLMARK_VECTORS, else ../shared/vectors beside the source. They are no
 * part of the project, so a test that does not find one skips. */
#include <stdio.h>

#include "fs.h"

/* The path of `name` below that folder, whether it is there or not; the caller frees it. */
static inline char *hm_vector_path(const char *name)
{
	const char *folder = getenv("HALLMARK_VECTORS");

	return folder ? hm_sprintf("%s/%s", folder, name) : hm_sprintf("%s/../../shared/vectors/%s", HM_TEST_DATA, name);
}

/* Says that so many of them were tried and agree: scripts/test adds them up. */
static inline void hm_vectors_agree(const char *of, size_t count)
{
	printf("# vectors: %s: %zu agree\n", of, count);
}

/* Reads `name` below that folder. False, with a line that says why, when it is not there. */
static inline bool hm_vector(struct hm_bytes *out, const char *name)
{
	HM_FREE char *path = hm_vector_path(name);
	struct hm_fail fail;

	if (hm_fs_read(out, path, 64 << 20, &fail) == 0)
		return true;
	printf("# skipped: %s\n", fail.text);
	return false;
}
