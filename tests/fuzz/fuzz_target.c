/* A file as a target: whatever it is, the walk ends, and every entry has a sound path. */
#include "target.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static int each(void *cookie, struct hm_target *target, const struct hm_entry *e, struct hm_fail *fail HM_UNUSED)
{
	struct hm_slice head;
	struct hm_fail why;

	if (!e->path || *e->path != '/' || (e->type == HM_ENTRY_UNREAD) != (e->why != NULL))
		abort();
	if (e->type == HM_ENTRY_FILE && hm_target_head(target, 64, &head, &why) == 0 && head.len > 0 && !head.data)
		abort();
	return ++*(unsigned *)cookie > 10000 ? 1 : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HM_CLEANUP(hm_target_cleanup) struct hm_target *target = NULL;
	const struct hm_target_bounds bounds = { .unpacked = 16 << 20, .entries = 5000, .depth = 3 };
	HM_CLOSE int fd = memfd_create("target", MFD_CLOEXEC);
	HM_FREE char *path = hm_sprintf("/proc/self/fd/%d", fd);
	unsigned entries = 0;
	struct hm_fail fail;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		return 0;
	if (hm_target_open(&target, path, &bounds, &fail) == 0 && hm_target_walk(target, each, &entries, &fail) < 0 && !fail.text[0])
		abort();
	return 0;
}
