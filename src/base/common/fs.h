#pragma once
/* Files, safely: bounded reads, atomic writes, removal that follows no link. Paths are NUL-terminated. */
#include <sys/types.h>

#include "bytes.h"
#include "fail.h"

/* A file mapped read-only. Release with hm_fs_unmap (fits HM_CLEANUP). Zero-initialised is empty. */
struct hm_map {
	struct hm_slice bytes;
};

/* Appends the regular file's content; more than `max` bytes is HM_E_BAD, a file that cannot be read HM_E_SYSTEM. */
int hm_fs_read(struct hm_bytes *out, const char *path, size_t max, struct hm_fail *fail) HM_MUST_CHECK;
/* Maps the regular file privately. Meant for files that nobody changes meanwhile. */
int hm_fs_map(struct hm_map *out, const char *path, struct hm_fail *fail) HM_MUST_CHECK;
void hm_fs_unmap(struct hm_map *map);
/* These bytes were gone over: what of them lies in a file that hm_fs_map mapped needs no memory any more, and is read from the file again by
 * whoever looks at it. Of bytes elsewhere nothing happens. So a file of any size can be gone through in little memory. */
void hm_fs_passed(struct hm_slice s);
/* Writes PATH.tmp-PID beside it, fsyncs, renames over `path`, fsyncs the folder. On failure `path` is as it was and
 * the temporary file is gone. */
int hm_fs_write_atomic(const char *path, struct hm_slice s, mode_t mode, struct hm_fail *fail) HM_MUST_CHECK;
/* Writes all of `s`, across short writes and EINTR. */
int hm_fs_write_all(int fd, struct hm_slice s, struct hm_fail *fail) HM_MUST_CHECK;
/* mkdir -p. What exists stays as it is. */
int hm_fs_mkdirs(const char *path, mode_t mode, struct hm_fail *fail) HM_MUST_CHECK;
/* rm -rf of a folder, by name in the open folder `parent` or by path: crosses no mount, follows no link, and takes trees that
 * are deeper than any path is long. What is not there is success. */
int hm_fs_remove_at(int parent, const char *name, struct hm_fail *fail) HM_MUST_CHECK;
int hm_fs_remove_tree(const char *path, struct hm_fail *fail) HM_MUST_CHECK;
