#pragma once
/* The files that an image is made of: of a folder, of a tar, which is read anew for each, or of a registry's storage. */
#include "target_internal.h"

#include <jansson.h>

enum target_box_kind { TARGET_BOX_TAR, TARGET_BOX_FOLDER, TARGET_BOX_REGISTRY };
struct target_box {
	enum target_box_kind kind;
	int fd;		       /* -1: a tar that lies in memory */
	struct hm_slice bytes; /* then */
	const struct hm_target *t; /* whose bounds hold */
};

struct target_member {
	struct archive *a;
	int fd;
};
#define TARGET_NO_MEMBER { NULL, -1 }
void target_member_close(struct target_member *m);
/* 0, or 1 where there is none. `path` as target_path makes it. */
int target_member_open(struct target_member *m, const struct target_box *box, const char *path) HM_MUST_CHECK;
ssize_t target_member_pull(void *member, void *to, size_t len);
/* All of a small one: false where there is none, or it has more than `max` bytes. */
bool target_member_bytes(const struct target_box *box, const char *name, size_t max, struct hm_bytes *out) HM_MUST_CHECK;
/* A JSON member, or NULL. */
json_t *target_member_json(const struct target_box *box, const char *name) HM_MUST_CHECK;
/* Where a digest "sha256:HEX" lies, malloc'ed; NULL for what is no digest. */
char *target_blob_name(const struct target_box *box, const char *digest) HM_MUST_CHECK;
/* Whether it has what an image has. `strict`: of a compressed tar whose first entry looks like nothing of the kind nothing more is read. */
bool target_box_is_image(const struct target_box *box, bool strict) HM_MUST_CHECK;
