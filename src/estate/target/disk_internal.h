#pragma once
#include "target_internal.h"
#include "volume.h"

#include <tsk/libtsk.h>

/* A piece of an image: a partition, a volume, all of it. */
struct disk_part {
	TSK_IMG_INFO *image;
	TSK_OFF_T at;
	uint64_t size;
	const char *name; /* as it is told: "/", "/partition 2", "/partition 2/vg/root" */
	unsigned level;	  /* volumes in volumes */
	struct disk_lvm *lvm;
};

/* Pieces that belong to LVM: they are put together when all were seen. */
#define DISK_LVM_MAX 64
struct disk_lvm {
	struct disk_part part[DISK_LVM_MAX];
	char *name[DISK_LVM_MAX];
	size_t count;
};

/* What a piece is by its magic, and how it is read. */
struct disk_magic {
	const char *name;
	off_t at; /* negative: from the end */
	size_t len;
	const char *bytes;
	TSK_IMG_TYPE_ENUM container; /* it holds a disk. 0: a file system, a volume, a table of partitions */
	enum disk_how { DISK_TSK, DISK_VOLUME, DISK_LVM, DISK_SQUASH, DISK_ISO, DISK_NO_FILES, DISK_TOLD } how;
	const char *why; /* of TOLD, behind the name */
};
const struct disk_magic *disk_magic_of_file(int fd) HM_MUST_CHECK;
/* Why a container cannot be read by itself; NULL: it can. */
const char *disk_other_half(const struct disk_magic *magic, int fd) HM_MUST_CHECK;
/* Of what has no table of partitions before it. NULL: perhaps The Sleuth Kit knows it. */
const struct disk_magic *disk_magic_of_part(const struct disk_part *part) HM_MUST_CHECK;

/* What is being walked, of which another file may be asked: t->state. */
struct squash;
struct disk_now {
	TSK_FS_INFO *fs;
	struct hm_volume *volume;
	struct squash *squash;
};

struct hm_volume_from disk_from(const struct disk_part *part) HM_MUST_CHECK; /* `part` must outlive it */
/* One piece: whatever is in it is told or walked. */
int disk_part(struct hm_target *t, const struct disk_part *part, struct hm_fail *fail) HM_MUST_CHECK;
int disk_tsk(struct hm_target *t, const struct disk_part *part, struct hm_fail *fail) HM_MUST_CHECK;
int disk_tsk_other(TSK_FS_INFO *fs, const char *path, size_t max, struct hm_bytes *out, struct hm_fail *fail) HM_MUST_CHECK;
int disk_lvm(struct hm_target *t, struct disk_lvm *lvm, struct hm_fail *fail) HM_MUST_CHECK;
/* Keeps the piece for it. */
int disk_lvm_add(struct hm_target *t, const struct disk_part *part, struct hm_fail *fail) HM_MUST_CHECK;
int disk_iso(struct hm_target *t, const struct disk_part *part, struct hm_fail *fail) HM_MUST_CHECK;
int disk_squash(struct hm_target *t, const char *name, const struct hm_volume_from *from, struct hm_fail *fail) HM_MUST_CHECK;
int disk_squash_other(struct squash *squash, const char *path, size_t max, struct hm_bytes *out, struct hm_fail *fail) HM_MUST_CHECK;
int disk_volume(struct hm_target *t, const struct disk_part *part, const char *kind, struct hm_fail *fail) HM_MUST_CHECK;
