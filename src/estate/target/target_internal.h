#pragma once
#include "target.h"

#include <sys/types.h>

#define TARGET_HEAD 4096
#define TARGET_PATH_MAX 8192

/* Where the bytes of the entry that is told come from: the next up to `len` bytes; 0 at the end, negative on error. */
typedef ssize_t (*target_pull_fn)(void *cookie, void *to, size_t len);

struct target_at { /* the entry that is being told */
	const struct hm_entry *entry;
	target_pull_fn pull;
	void *cookie;
	struct hm_bytes have;
	bool ended;
	int fd; /* of a folder's file, or -1: large ones are mapped */
	void *map;
	size_t mapped;
};

struct target_form {
	const char *kind;
	int (*walk)(struct hm_target *t, struct hm_fail *fail);
	void (*close)(struct hm_target *t);
};

struct hm_target {
	const struct target_form *form;
	struct hm_target_bounds bounds;
	char *place;
	int fd;	     /* the folder or file */
	const void *state; /* of the form, while it walks */
	struct target_others *others; /* of a folder */
	hm_entry_fn each;
	void *cookie;
	struct target_at *at;
	unsigned depth;
	const char *inside; /* what all entries are in that name nothing: a disk image in a folder */
	uint64_t counted; /* entries of the outermost level */
	uint64_t unpacked; /* bytes out of all archives that lie in the present one of these */
};

/* Tells an entry, and walks it when it is an archive. Whatever `pull` has left unread afterwards is the caller's to skip. */
int target_tell(struct hm_target *t, const struct hm_entry *entry, target_pull_fn pull, void *cookie, int fd, struct hm_fail *fail) HM_MUST_CHECK;
int target_unread(struct hm_target *t, const char *path, const char *outer, struct hm_fail *fail, const char *format, ...) HM_PRINTF(5, 6) HM_MUST_CHECK;
/* Whether an entry of the outermost level with that path is of another share. */
bool target_is_others(const struct hm_target *t, const char *path) HM_MUST_CHECK;
/* A path as archives write it, as one inside the target: one slash in front, no "." or ".." components, no NUL. */
char *target_path(const char *raw) HM_MUST_CHECK;
/* Whether the file could be an archive that is looked into. */
bool target_is_archive(struct hm_slice head) HM_MUST_CHECK;
/* The archive that a program carries behind itself, in its bytes; empty: none. Tells as unread what it carries that cannot be looked into. */
#define TARGET_CARRIER_MAX ((size_t)2 << 30)
int target_carried(struct hm_target *t, const struct hm_entry *e, struct hm_slice head, struct hm_slice *found, struct hm_fail *fail) HM_MUST_CHECK;

extern const struct target_form target_folder, target_file, target_archive, target_container, target_disk, target_squash;

/* Archives: walks what `pull` gives (or, with a slice, those bytes) as entries with that `outer`. */
struct target_archive_source {
	struct hm_slice bytes; /* when `pull` is NULL */
	target_pull_fn pull;
	void *cookie;
	int fd; /* >= 0: neither, but this file from its start */
	const char *name, *within; /* the archive itself: its path, and what contains it */
	const char *outer;	   /* of its entries */
	/* Sees each entry first and may change it; 1: it is not told. NULL: none. */
	int (*through)(void *through_cookie, struct hm_entry *entry);
	void *through_cookie;
};
int target_archive_walk(struct hm_target *t, const struct target_archive_source *source, struct hm_fail *fail) HM_MUST_CHECK;
/* True for a tar that is a docker save or an OCI layout; for a folder too. */
bool target_is_container(const struct hm_target *t, int fd) HM_MUST_CHECK;
/* The images in a box (member.h), which lies at `within`; NULL: it is the target. */
struct target_box;
int target_container_walk_at(struct hm_target *t, int fd, const char *within, struct hm_fail *fail) HM_MUST_CHECK;
int target_container_walk(struct hm_target *t, const struct target_box *box, const char *within, struct hm_fail *fail) HM_MUST_CHECK;
/* What a file system or image is called by its first bytes ("xfs", "qcow2", ...), NULL when it is none. */
const char *target_disk_name(int fd) HM_MUST_CHECK;
/* hm_target_other of the file system that is being walked. */
int target_disk_other(struct hm_target *t, const char *path, size_t max, struct hm_bytes *out, struct hm_fail *fail) HM_MUST_CHECK;
/* Of a file that begins with nothing: what is known by what stands further behind. */
const char *target_disk_behind(int fd) HM_MUST_CHECK;
/* The same of a file that is only one of many: by what nothing else begins with, and of `size` bytes. */
const char *target_disk_inside(struct hm_slice head, uint64_t size) HM_MUST_CHECK;
