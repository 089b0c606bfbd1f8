#pragma once
/* A thing to look through, as entries: a folder, an archive, a container image, a disk image. Nothing of it is mounted or
 * executed, links are not followed, and what lies outside is never opened.
 *
 * The walk pushes: each entry is told once, and while it is told its bytes can be read. Archives inside (in any of these) are
 * walked behind the file that holds them, within bounds. What cannot be read is an entry too (HM_ENTRY_UNREAD): the walk goes on.
 *
 * Formats are foreign bytes, read by libarchive, The Sleuth Kit, libqcow, libvmdk, libvhdi, libsquashfs and src/estate/volume: whoever walks does so in
 * a process of its own that may do nothing else (src/estate/confine). */
#include "bytes.h"
#include "fail.h"

enum hm_entry_type { HM_ENTRY_FILE, HM_ENTRY_FOLDER, HM_ENTRY_LINK, HM_ENTRY_OTHER, HM_ENTRY_UNREAD };

struct hm_entry {
	enum hm_entry_type type;
	const char *path;  /* inside the target, or inside `outer`; begins with a slash; foreign bytes without NUL */
	const char *outer; /* archive, layer or other system's root that holds it, NULL: the target itself */
	const char *root;  /* where `outer` is the root of another system: its path inside the target; path begins there. NULL: it is none */
	bool streamed;	   /* other files of that root are only to be had by walking */
	const char *link;  /* where a link leads, if that is known; of a FILE: another file of the same archive that it is */
	bool hidden;	   /* of a lower layer: an upper one deletes or replaces it */
	uint64_t size;
	unsigned mode;	 /* permission bits, where they are known */
	uint64_t top;	 /* which entry of the target itself it is, or lies in: they are counted from 0, also those of other shares */
	const char *why; /* of UNREAD: the reason */
};

struct hm_target;

/* In the order of a walk. `shard` of `shards`: the files that this walk reads are one share of all (each entry is of one share, by its path, so that
 * a target that changes meanwhile has none that nobody reads); entries of other shares are not told. */
struct hm_target_bounds {
	uint64_t unpacked;   /* bytes out of one archive, and out of all that lie in one entry of the target; 0: 8 GiB */
	uint64_t entries;    /* out of one archive or image; 0: 4 million */
	unsigned depth;	     /* archives in archives; 0: 6 */
	unsigned shard, shards; /* 0 of 0: all */
	void (*alive)(void *cookie); /* now and then while much is unpacked, which has its bound; NULL: none */
	void *alive_cookie;
};

/* Opens without reading more than what tells the kind. HM_E_SYSTEM when it is not there. `kind` of found.md: hm_target_kind. */
int hm_target_open(struct hm_target **ret, const char *place, const struct hm_target_bounds *bounds, struct hm_fail *fail) HM_MUST_CHECK;
void hm_target_close(struct hm_target *target); /* NULL is fine */
void hm_target_cleanup(struct hm_target **target);
/* "folder", "archive", "container image", "disk image", "file". */
const char *hm_target_kind(const struct hm_target *target) HM_MUST_CHECK;

/* Gets an entry; a value other than 0 ends the walk, which returns it; but for HM_ENTRY_CLOSED: if it is an archive, it is not looked into. */
#define HM_ENTRY_CLOSED 1
typedef int (*hm_entry_fn)(void *cookie, struct hm_target *target, const struct hm_entry *entry, struct hm_fail *fail);
int hm_target_walk(struct hm_target *target, hm_entry_fn each, void *cookie, struct hm_fail *fail) HM_MUST_CHECK;

/* Of the file that is being told. How it begins: at least `want` bytes, or all there are. Valid until the entry is over. HM_E_BAD when reading fails. */
int hm_target_head(struct hm_target *target, size_t want, struct hm_slice *head, struct hm_fail *fail) HM_MUST_CHECK;
/* All of it; more than `max` bytes are HM_E_BAD. */
int hm_target_bytes(struct hm_target *target, size_t max, struct hm_slice *bytes, struct hm_fail *fail) HM_MUST_CHECK;
/* Whether what hm_target_bytes gave is a map of a file. */
bool hm_target_is_mapped(const struct hm_target *target) HM_MUST_CHECK;
/* Another file, by its path inside the target (inside the root that an entry's `root` tells): of folders, where links are resolved inside, and of the file system of a disk image that is
 * being walked (1 elsewhere, as for what is not there). */
bool hm_target_has_names(const struct hm_target *target) HM_MUST_CHECK;
bool hm_target_has_others(const struct hm_target *target) HM_MUST_CHECK;
int hm_target_other(void *target, const char *path, size_t max, struct hm_bytes *out, struct hm_fail *fail) HM_MUST_CHECK;
int hm_target_other_in(struct hm_target *target, const char *root, const char *path, size_t max, struct hm_bytes *out, struct hm_fail *fail) HM_MUST_CHECK;
/* The names in a folder of it: of folders alone (1 elsewhere; a folder that is not there has none). */
int hm_target_names(struct hm_target *target, const char *root, const char *path, int (*each)(void *cookie, const char *name), void *cookie) HM_MUST_CHECK;
