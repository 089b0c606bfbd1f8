#pragma once
/* A folder of its own for a test, gone at its end. */
#include <stdlib.h>

#include "fs.h"

struct test_folder {
	char path[64];
};

static inline void test_folder_make(struct test_folder *f)
{
	snprintf(f->path, sizeof(f->path), "/tmp/hallmark-test-XXXXXX");
	if (!mkdtemp(f->path))
		abort();
}

static inline void test_folder_remove(struct test_folder *f)
{
	struct hm_fail fail;

	if (hm_fs_remove_tree(f->path, &fail) < 0)
		abort();
}
