#pragma once
/* A control group of version 2 that is there already and whose daemons are to be watched where they are: finding it, and
 * refusing what must not be stopped. The recorder may stop a group for moments (capture.h); that it goes on even when
 * hallmark is killed meanwhile is the recorder's own care. */
#include "bytes.h"
#include "fail.h"

struct hm_group { /* HM_GROUP_NONE is none */
	char *path; /* absolute, on the cgroup2 file system */
	int fd;
	uint64_t id; /* inode number, which is the kernel's id of the group */
};

#define HM_GROUP_NONE { .fd = -1 }

/* By path: absolute below a cgroup2 mount, or relative to the first such mount, as /proc/PID/cgroup names it. HM_E_USAGE for
 * a group of version 1, the root group (all of the machine), and a group in which hallmark itself or one of its parents runs:
 * who stopped it could not let it go on. HM_E_SYSTEM where there is none. Release the group in any case. */
int hm_group_open(struct hm_group *g, const char *path, struct hm_fail *fail) HM_MUST_CHECK;
/* By the name of a systemd unit, NAME or NAME.service, .scope or .slice: the one control group that is called so, wherever it
 * stands in the tree. Then as hm_group_open. HM_E_SYSTEM for none, and for more than one. */
int hm_group_find(struct hm_group *g, const char *unit, struct hm_fail *fail) HM_MUST_CHECK;
/* False when no process is in the group behind `fd` or below it, and when it has been removed. */
bool hm_group_populated(int fd) HM_MUST_CHECK;
/* True when its own cgroup.freeze tells it to stand still. */
bool hm_group_frozen(int fd) HM_MUST_CHECK;
void hm_group_release(struct hm_group *g);
