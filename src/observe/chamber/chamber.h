#pragma once
/* The controlled surroundings that a product runs in.
 *
 * Process tree: hallmark > pid 1 of the chamber (cgroup hallmark/RUN/init) > product (cgroup hallmark/RUN/product).
 * States: opened (cgroups, folders) > started (namespaces and root stand, pid 1 waits, no product yet: now the internet
 * and the recorder are put in place) > going (product executes) > ended (nothing of it lives) > closed.
 * SIGKILL of hallmark at any instant leaves no process, mount, namespace or frozen task; an empty cgroup and the work
 * folder are removed by the guardian, or by the next hm_chamber_sweep. The host's files are never written.
 *
 * What a product sees: the host's disk file systems, copy-on-write; /tmp, /var/tmp and /run empty but on the disk, as
 * is /dev/shm, so that every place that can be written is an upper layer; `work` and `target_from` empty; new /proc,
 * /sys and /dev with nothing of the host's to write. The two profiles are tables in profile.c. */
#include <sys/types.h>

#include "bytes.h"
#include "control.h"
#include "fail.h"

struct hm_chamber_file { /* planted over the root before the run: identity files, a product's configuration */
	const char *path;
	struct hm_slice content;
	mode_t mode;
	bool append; /* behind what the host's file says, which keeps its owner and mode; where there is none it is made */
};

struct hm_chamber_disk_spec { /* a disk that seems to be mounted: empty, read-only; its file system is tmpfs, and says so */
	const char *source, *point;
};

/* A certificate that the chamber's trust stores get too, where they are there: Debian's bundle /etc/ssl/certs/ca-certificates.crt,
 * the folder of hashes beside it, and what the caller has put it into himself (NSS databases, Java's stores). Not what a program
 * carries itself. */
struct hm_chamber_authority {
	struct hm_slice pem, der;
	const char *hash; /* of its subject, as in the names of the files in that folder */
	const struct hm_chamber_file *stores; /* that have it already: planted as they are */
	size_t store_count;
};

struct hm_chamber_spec {
	const char *work; /* existing folder on a disk file system; the chamber makes a folder of its own in it */
	const char *name; /* cgroup's name below hallmark/: letters, digits, '-' */
	const char *hostname, *machine_id; /* planted identity; machine_id 32 hex digits */
	const char *boot_id;               /* a UUID in lower case; NULL: one that follows from the machine id */
	const char *const *bystanders;     /* command lines (one word, an absolute path) of processes that do nothing; NULL-terminated, or NULL */
	const struct hm_chamber_disk_spec *disks;
	size_t disk_count;
	const char *target_from;           /* folder with the planted documents on the host's disk; no socket, pipe or device in it */
	const char *target;                /* where it appears in the chamber: read-only, no programs, no devices */
	const char *const *argv;           /* the product, NULL-terminated; looked up in the chamber's PATH */
	const char *const *env;            /* whole environment, NULL-terminated */
	const char *stdin_path;            /* path in the chamber, or NULL for /dev/null */
	const struct hm_chamber_authority *authority; /* or NULL */
	const struct hm_chamber_file *files;
	size_t file_count;
	bool privileged; /* profile: false = confined */
	struct hm_chamber *after; /* an earlier chamber whose product is dead: this one begins with what that one left on its disk. Or NULL */
	const struct hm_control_spec *control; /* equal noise, and no address space randomised; NULL: as it is */
};

struct hm_chamber_result {
	int outcome;               /* enum hm_outcome */
	int status;                /* exit code or signal */
	uint64_t start_ns, end_ns; /* CLOCK_REALTIME */
};

struct hm_chamber;

/* Removes what earlier runs that were killed left below `work` and in the cgroup tree; what it removed is told in
 * `said` (one line each, appended). Never touches a run whose hallmark still lives (a lock file held by it tells). */
int hm_chamber_sweep(const char *work, struct hm_bytes *said, struct hm_fail *fail) HM_MUST_CHECK;
/* Makes cgroups and folders, starts the guardian, clones pid 1 and builds root and identity. When it returns, pid 1
 * waits. A command that is not there is found only by hm_chamber_go. The caller stays single-threaded until then.
 * `spec->after` is closed by the call, whatever becomes of it: its upper layers go on as those of the new chamber, where nothing is planted
 * again. It must have had the same work folder, and the host the same file systems. hm_chamber_tree then tells what has changed since. */
int hm_chamber_open(struct hm_chamber **ret, const struct hm_chamber_spec *spec, struct hm_fail *fail) HM_MUST_CHECK;
/* /proc/PID of pid 1 (host numbering) for the internet to enter (it is undumpable: that takes CAP_SYS_PTRACE); the
 * product cgroup's descriptor and id for the recorder. */
pid_t hm_chamber_pid(const struct hm_chamber *c) HM_MUST_CHECK;
int hm_chamber_cgroup(const struct hm_chamber *c, uint64_t *id) HM_MUST_CHECK; /* borrowed descriptor */
/* What was made equal; all zero without a control. */
void hm_chamber_controlled(const struct hm_chamber *c, struct hm_control_counts *counts);
/* Lets the product execute. HM_E_SYSTEM "running COMMAND: ..." when it cannot be. `out_fd` and `err_fd` get
 * non-blocking read ends of its standard output and error, owned by the chamber. */
int hm_chamber_go(struct hm_chamber *c, int *out_fd, int *err_fd, struct hm_fail *fail) HM_MUST_CHECK;
/* True when the product's first process has ended; `result` is then set (its children may still live). */
bool hm_chamber_ended(struct hm_chamber *c, struct hm_chamber_result *result) HM_MUST_CHECK;
/* Kills everything in the product's cgroup and waits until it is empty. Idempotent. `outcome` overrides the result's
 * unless it is HM_OUTCOME_EXITED. HM_E_SYSTEM where the control ended before the product. */
int hm_chamber_kill(struct hm_chamber *c, int outcome, struct hm_chamber_result *result,
		    struct hm_fail *fail) HM_MUST_CHECK;
/* Calls `visit` for every path in the upper layers (bytewise order), as the chamber saw it, after hm_chamber_kill: what
 * the run left behind, deletions included. Paths that the chamber itself planted and nobody changed are left out, and
 * folders that are only there because something below them was changed. A folder that was removed and made again is
 * told as itself and the deletion of everything that it had. Sparse files beyond 16 GiB in sum are not hashed. More
 * than four million entries, or a path of over 64 KiB, are HM_E_SYSTEM: what was left cannot be told in full. */
struct hm_chamber_entry {
	struct hm_slice path, link; /* link: target of a symbolic link */
	struct hm_slice more;	    /* lines NAME=VALUE: attributes, and a time that it was given (core.md) */
	char type;                  /* f regular, d folder, l link, c b p s as in find(1), w whiteout: deleted */
	uint32_t mode, uid, gid;
	uint64_t size;
	bool hashed;
	uint8_t sha256[32]; /* of regular files */
};
int hm_chamber_tree(struct hm_chamber *c,
		    int (*visit)(void *cookie, const struct hm_chamber_entry *entry, struct hm_fail *fail),
		    void *cookie, struct hm_fail *fail) HM_MUST_CHECK;
/* Appends the host's mounts that are not in the chamber (network, FUSE), one a line. */
void hm_chamber_absent(const struct hm_chamber *c, struct hm_bytes *out);
/* Kills what lives, removes cgroups, mounts and the work folder. NULL is fine. Fits HM_CLEANUP by hm_chamber_cleanup.
 */
void hm_chamber_close(struct hm_chamber *c);
void hm_chamber_cleanup(struct hm_chamber **c);
