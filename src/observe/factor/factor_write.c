/* A world's documents on the disk. */
#include "factor_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fs.h"

/* 2024-05-14 09:00 UTC: folders have it in every world. */
#define FOLDER_TIME 1715677200

static int write_attributes(int fd, const char *path, const struct hm_world_file *file, struct hm_fail *fail)
{
	for (size_t i = 0; i < HM_FACTOR_XATTRS; i++) {
		const char *name = file->xattr[i].name, *value = file->xattr[i].value;

		if (!name || fsetxattr(fd, name, value, strlen(value), XATTR_CREATE) == 0)
			continue;
		hm_fail_errno(fail, "setting attribute %s of %s", name, path);
		return hm_fail_advise(fail, "the work folder has to stand on a file system with user attributes");
	}
	return 0;
}

/* Owner before mode, since a change of owner clears bits of the mode; times last. */
static int write_file(const char *path, const struct hm_world_file *file, struct hm_fail *fail)
{
	const struct timespec times[2] = { file->atime, file->mtime };
	HM_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r;

	if (fd < 0)
		return hm_fail_errno(fail, "creating %s", path);
	r = hm_fs_write_all(fd, hm_slice_of(&file->content), fail);
	if (r < 0)
		return hm_fail_in(fail, "%s", path);
	r = write_attributes(fd, path, file, fail);
	if (r < 0)
		return r;
	if (fchown(fd, file->uid, file->gid) < 0 || fchmod(fd, file->mode) < 0)
		return hm_fail_errno(fail, "setting owner and mode of %s", path);
	if (futimens(fd, times) < 0)
		return hm_fail_errno(fail, "setting the times of %s", path);
	return close(hm_take_fd(&fd)) < 0 ? hm_fail_errno(fail, "writing %s", path) : 0;
}

static int dress_folder(const char *path, struct hm_fail *fail)
{
	const struct timespec times[2] = { { .tv_sec = FOLDER_TIME }, { .tv_sec = FOLDER_TIME } };

	if (chmod(path, 0755) < 0 || utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW) < 0)
		return hm_fail_errno(fail, "setting mode and time of %s", path);
	return 0;
}

int hm_factor_write(const struct hm_world *world, const char *folder, struct hm_fail *fail)
{
	int r = 0;

	for (size_t i = 0; i < world->file_count && r == 0; i++) {
		HM_FREE char *path = hm_sprintf("%s/%s", folder, world->file[i].path);
		char *slash = strrchr(path, '/');

		*slash = 0;
		r = hm_fs_mkdirs(path, 0755, fail);
		*slash = '/';
		if (r == 0)
			r = write_file(path, &world->file[i], fail);
	}
	/* Writing into a folder changes its time, so folders come when all files are there. */
	for (size_t i = 0; i < world->file_count && r == 0; i++) {
		HM_FREE char *path = hm_sprintf("%s/%s", folder, world->file[i].path);

		*strrchr(path, '/') = 0;
		r = dress_folder(path, fail);
	}
	return r;
}
