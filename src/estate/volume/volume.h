#pragma once
/* File systems that no library reads rightly, read out of an image that somebody else serves: btrfs, erofs, ext2 to ext4, xfs; and the volumes of LVM. Nothing is
 * written, nothing is mounted, and a log is not replayed: what a file system holds back in it is told.
 *
 * A file system whose superblock names a feature that this does not know is not read at all (hm_volume_open says which), since what it
 * would show of it may be nothing. What it says of itself, how many inodes are in use, is held against what a walk met: hm_volume_walk tells a difference.
 *
 * All bytes are foreign. Formats: the kernel's headers (fs/xfs/libxfs/xfs_format.h, include/uapi/linux/btrfs_tree.h, fs/erofs/erofs_fs.h) and lvm2's. */
#include "bytes.h"
#include "fail.h"

#include <sys/types.h>

/* Where an image's bytes come from: as many of `len` as there are; negative on error. */
struct hm_volume_from {
	ssize_t (*read)(void *cookie, uint64_t at, void *to, size_t len);
	void *cookie;
	uint64_t size;
};

enum hm_volume_type { HM_VOLUME_FILE, HM_VOLUME_FOLDER, HM_VOLUME_LINK, HM_VOLUME_OTHER, HM_VOLUME_UNREAD };

struct hm_volume_entry {
	enum hm_volume_type type;
	const char *path;  /* begins with a slash; bytes without NUL */
	const char *outer; /* a snapshot that holds it, or NULL */
	uint64_t size;
	unsigned mode;	 /* permission bits */
	const char *why; /* of UNREAD */
};

struct hm_volume;
typedef int (*hm_volume_fn)(void *cookie, struct hm_volume *volume, const struct hm_volume_entry *entry, struct hm_fail *fail);

/* `kind`: "btrfs", "erofs", "ext", "xfs". HM_E_BAD: damaged, or with a feature that is not known. `from` is copied. */
int hm_volume_open(struct hm_volume **ret, const char *kind, const struct hm_volume_from *from, struct hm_fail *fail) HM_MUST_CHECK;
void hm_volume_close(struct hm_volume *volume); /* NULL is fine */
void hm_volume_cleanup(struct hm_volume **volume);
/* Tells each entry once; a value other than 0 ends the walk, which returns it. What cannot be read is told too, the walk goes on. */
int hm_volume_walk(struct hm_volume *volume, hm_volume_fn each, void *cookie, struct hm_fail *fail) HM_MUST_CHECK;
/* Bytes of the file that is being told. 0 at its end, negative when they cannot be read. */
ssize_t hm_volume_read(struct hm_volume *volume, uint64_t at, void *to, size_t len);
/* A file by its path, in the tree that is being walked; links are not followed. 1: there is none. HM_E_BAD: it cannot be read or has more bytes. */
int hm_volume_other(struct hm_volume *volume, const char *path, size_t max, struct hm_bytes *out, struct hm_fail *fail) HM_MUST_CHECK;
