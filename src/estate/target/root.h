#pragma once
/* Roots of other systems below a folder that is walked: a chroot, an unpacked image, what container engines keep. A package database in one tells what is
 * installed there, and paths and links in it begin there. */
#include "bytes.h"

#include <sys/types.h>

/* One root. Lookups go through `place` from the first on: a container's own layer, and those below it. */
struct target_root {
	char *name;   /* as people are told: its path in the target, or what an engine calls it */
	char **place; /* paths inside the target without a leading slash; place[0] is where it lies */
	size_t places;
};
void target_root_free(struct target_root *root); /* NULL is fine */
static inline void target_root_cleanup(struct target_root **root)
{
	target_root_free(*root);
}

/* What engines know of their layers, read once for each of their folders: zeroed is empty. */
struct target_stores {
	struct target_store *store;
	size_t count;
};
void target_stores_release(struct target_stores *stores);

/* Whether the folder `fd`, which lies at `path` inside the target (a leading slash), is such a root: NULL when it is not. `top` is the target's own folder;
 * nothing outside is opened.. */
struct target_root *target_root_at(int top, int fd, const char *path, struct target_stores *stores) HM_MUST_CHECK;
/* The same for a place that was one before. */
struct target_root *target_root_known(int top, const char *path, struct target_stores *stores) HM_MUST_CHECK;
/* A file in it, read-only, links resolved inside: a descriptor, or -1 with errno as open has it. */
int target_root_open(int top, const struct target_root *root, const char *path, int flags) HM_MUST_CHECK;
