#pragma once
/* What the chamber's files share; nobody else includes it. The parts, in the order in which a run meets them:
 *
 *   guardian.c  a process that outlives a killed hallmark and cleans up, and the same work for later commands
 *   cgroup.c    the run's control groups
 *   disk.c      the run's folder and where the upper layers stand
 *   disk_again.c  the same for a run that begins with what another left
 *   mounts.c    which of the host's file systems get a layer
 *   init.c      pid 1 of the chamber, and the product's last steps before exec
 *   root.c      root, pseudo file systems and masks, made by pid 1
 *   identity.c  the planted identity
 *   bystanders.c  processes that are there and do nothing
 *   trust.c     the trust stores
 *   profile.c   capabilities, system call filter, limits
 *   devices.c   the device filter
 *   ports.c     UDP ports given out in turn
 *   tree.c      what the run left in the upper layers
 */
#include <sys/mount.h>
#include <time.h>

#include "chamber.h"

#define HM_CHAMBER_FDS (1 + HM_CONTROL_DEVICES)
#define HM_CHAMBER_PIDS_MAX 4096u
#define HM_CHAMBER_GROUP "hallmark"
#define HM_CHAMBER_FOLDER "chamber-"

struct hm_chamber_layer {
	char *point;         /* where it stands in the chamber: "/", "/home" */
	char *lower;         /* the folder on the host that it covers; NULL: nothing, an empty one */
	uint64_t attributes; /* MOUNT_ATTR_* that the host's mount has and the chamber's gets */
	int upper;           /* hallmark's descriptor of the upper layer */
	bool placed;         /* false once pid 1 said that it could not be mounted */
};

struct hm_chamber_groups {
	char *name;
	char *v2, *pids; /* folder of the run; pids is a version 1 twin, NULL where version 2 counts processes */
	int run, init, product;
	uint64_t product_id;
};

struct hm_chamber_disk {
	char *work, *folder; /* absolute */
	int locked;          /* the folder, with a lock that lasts as long as hallmark */
	int image;           /* detached mount of a loop image, -1 where the folder itself can hold upper layers */
	int base;            /* folder of the layers: LAYER/u and LAYER/w */
	struct timespec began; /* when the first chamber with these layers did */
};

struct hm_chamber_mark; /* tree.c: an entry of an upper layer before the run */

struct hm_chamber {
	struct hm_chamber_groups groups;
	struct hm_chamber_disk disk;
	struct hm_chamber_layer *layers;
	size_t layer_count;
	char **hidden; /* folders of the host that are empty in the chamber, resolved; sorted, none below another */
	size_t hidden_count;
	struct hm_bytes absent;
	struct hm_chamber_mark *marks; /* baseline, sorted */
	size_t mark_count;
	char *command, *target;
	pid_t pid;
	int pidfd, control, out, err;
	int listener, fuse[HM_CONTROL_DEVICES]; /* of the control's filter and its devices, until the supervisor has them */
	struct hm_control *control_by; /* or NULL */
	pid_t guardian;
	int guardian_control;
	uint64_t start_ns;
	bool over; /* the product's first process has ended, `result` is set */
	struct hm_chamber *after; /* whose disk it goes on with, until it has it */
	struct hm_chamber_result result;
};

/* What pid 1 tells hallmark; one datagram each. */
enum hm_chamber_said { HM_SAID_ABSENT, HM_SAID_READY, HM_SAID_FAILED, HM_SAID_STARTED, HM_SAID_ENDED };
struct hm_chamber_message {
	int said;
	uint32_t layer;      /* ABSENT */
	struct hm_fail fail; /* ABSENT, FAILED */
	int outcome, status; /* ENDED */
	uint64_t end_ns;
};

/* cgroup.c */
int hm_chamber_groups_open(struct hm_chamber_groups *g, const char *name, struct hm_fail *fail) HM_MUST_CHECK;
int hm_chamber_groups_adopt(const struct hm_chamber_groups *g, pid_t pid, struct hm_fail *fail) HM_MUST_CHECK;
/* Kills everything in the group behind `fd` and waits until it is empty. */
int hm_chamber_group_kill(int fd, struct hm_fail *fail) HM_MUST_CHECK;
void hm_chamber_groups_release(struct hm_chamber_groups *g);
/* Removes the groups called `name`, and of all names when it is NULL, unless a living hallmark holds them. Waits up to
 * `wait_ms` for a lock. */
int hm_chamber_groups_sweep(const char *name, unsigned wait_ms, struct hm_bytes *said,
			    struct hm_fail *fail) HM_MUST_CHECK;
/* flock that gives up after `wait_ms`; false when it is somebody else's. */
bool hm_chamber_lock(int fd, unsigned wait_ms) HM_MUST_CHECK;

/* disk.c */
int hm_chamber_disk_open(struct hm_chamber_disk *d, const char *work, const char *name,
			 struct hm_fail *fail) HM_MUST_CHECK;
int hm_chamber_disk_layers(struct hm_chamber *c, struct hm_fail *fail) HM_MUST_CHECK;
/* The disk of another chamber, which then has none, under the name of this one. */
int hm_chamber_disk_take(struct hm_chamber_disk *d, struct hm_chamber_disk *from, const char *work, const char *name,
			 struct hm_fail *fail) HM_MUST_CHECK;
/* Whether the layers are those that `after` had; hides what it did not hide. */
int hm_chamber_disk_continue(struct hm_chamber *c, const struct hm_chamber *after, struct hm_fail *fail) HM_MUST_CHECK;
/* Makes the layers ready to be mounted again, once no other mount of them is in use. */
int hm_chamber_disk_reopen(struct hm_chamber *c, struct hm_fail *fail) HM_MUST_CHECK;
/* Opens WORK with a lock that keeps two commands from making and sweeping at the same time. */
int hm_chamber_lock_work(const char *work, struct hm_fail *fail) HM_MUST_CHECK;
/* Makes the folder `path` of the host empty in the chamber: an opaque folder in the upper layer, with its parents. */
int hm_chamber_hide(struct hm_chamber *c, const char *path, struct hm_fail *fail) HM_MUST_CHECK;
void hm_chamber_disk_release(struct hm_chamber_disk *d);
int hm_chamber_disk_sweep(const char *work, const char *name, unsigned wait_ms, struct hm_bytes *said,
			  struct hm_fail *fail) HM_MUST_CHECK;

/* mounts.c */
int hm_chamber_mounts(struct hm_chamber *c, const struct hm_chamber_spec *spec, struct hm_fail *fail) HM_MUST_CHECK;
/* True when `path` is `folder` or below it. */
bool hm_chamber_below(const char *path, const char *folder) HM_MUST_CHECK;
/* The layer that holds the host's resolved `path`. */
struct hm_chamber_layer *hm_chamber_layer_of(struct hm_chamber *c, const char *path) HM_MUST_CHECK;
/* One line of /proc/self/mountinfo: the fields that are needed, escapes undone in place. */
struct hm_chamber_mount {
	unsigned long id;
	char *point, *options, *type, *super;
};
typedef int hm_chamber_mount_visit(void *cookie, const struct hm_chamber_mount *m, struct hm_fail *fail);
int hm_chamber_mounts_each(hm_chamber_mount_visit *visit, void *cookie, struct hm_fail *fail) HM_MUST_CHECK;

/* target.c: HM_E_USAGE where the folder of the documents, or one below it, holds a socket, a pipe or a device. */
int hm_chamber_target(const char *folder, struct hm_fail *fail) HM_MUST_CHECK;

/* init.c */
_Noreturn void hm_chamber_init(struct hm_chamber *c, const struct hm_chamber_spec *spec);
int hm_chamber_clone(pid_t *pid, int *pidfd, uint64_t flags, int cgroup, struct hm_fail *fail) HM_MUST_CHECK;

/* root.c, by pid 1 */
int hm_chamber_root(struct hm_chamber *c, const struct hm_chamber_spec *spec, struct hm_fail *fail) HM_MUST_CHECK;
/* `fds` go with it, up to HM_CHAMBER_FDS. */
void hm_chamber_say(int control, const struct hm_chamber_message *m, const int *fds, size_t count);

/* identity.c, by pid 1 with the new root in place */
/* A new file, and the folders above it; what stood there, a link too, is unlinked first. */
int hm_chamber_plant(const char *path, struct hm_slice content, mode_t mode, struct hm_fail *fail) HM_MUST_CHECK;
int hm_chamber_identity(const struct hm_chamber_spec *spec, struct hm_fail *fail) HM_MUST_CHECK;
int hm_chamber_boot_id(char text[38], const struct hm_chamber_spec *spec) HM_MUST_CHECK;

struct hm_chamber_profile;
/* bystanders.c, by pid 1 with the new root in place */
int hm_chamber_bystanders(const struct hm_chamber_spec *spec, const struct hm_chamber_profile *profile,
			  struct hm_fail *fail) HM_MUST_CHECK;
/* /proc/self/cmdline shows the memory that held hallmark's arguments: this is written over it, as far as it fits. */
void hm_chamber_overwrite_arguments(const char *with);

/* trust.c, likewise */
int hm_chamber_trust(const struct hm_chamber_authority *a, struct hm_fail *fail) HM_MUST_CHECK;

/* profile.c */
int hm_chamber_profile_open(struct hm_chamber_profile **ret, bool privileged, struct hm_fail *fail) HM_MUST_CHECK;
/* Limits that children inherit; then, for the calling process and for ever, the filter and the capabilities. */
int hm_chamber_profile_limits(struct hm_fail *fail) HM_MUST_CHECK;
int hm_chamber_profile_enter(const struct hm_chamber_profile *p, struct hm_fail *fail) HM_MUST_CHECK;

/* devices.c */
int hm_chamber_devices(int cgroup, struct hm_fail *fail) HM_MUST_CHECK;

/* ports.c */
int hm_chamber_ports(int cgroup, struct hm_fail *fail) HM_MUST_CHECK;

/* guardian.c */
int hm_chamber_guardian(struct hm_chamber *c, const char *work, const char *name, struct hm_fail *fail) HM_MUST_CHECK;
void hm_chamber_guardian_dismiss(struct hm_chamber *c);

/* attributes.c: appends lines for the file `name` of `folder`, NULL: the folder itself. `began`: of the run. */
int hm_chamber_attributes(struct hm_bytes *out, int folder, const char *name, const struct stat *st, struct timespec began, struct hm_fail *fail) HM_MUST_CHECK;

/* tree.c */
int hm_chamber_baseline(struct hm_chamber *c, struct hm_fail *fail) HM_MUST_CHECK;
void hm_chamber_baseline_release(struct hm_chamber *c);

