#pragma once
/* What the running system tells of itself beside its files: processes, sockets, loaded modules, active units. Read from /proc and
 * /sys, as far as the caller's rights go; nothing is executed and nobody is asked. */
#include "fail.h"
#include "observation.h"

struct hm_host_sink {
	void *cookie;
	hm_observe_fn observe;
	/* What could not be read, in one line for all of a kind (other users' processes, without their rights). */
	int (*unread)(void *cookie, const char *path, const char *why, struct hm_fail *fail);
};

/* `root` is "/" but in tests: below it proc/ and sys/ are read. Any value but 0 is the sink's. */
int hm_host_observe(const char *root, const struct hm_host_sink *sink, struct hm_fail *fail) HM_MUST_CHECK;
