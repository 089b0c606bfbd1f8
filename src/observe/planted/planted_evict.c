/* Planted documents leave the page cache before a run. */
#include "planted.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

static int evict_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	HM_CLOSE int fd = -1;

	(void)at;
	if (type != FTW_F || !S_ISREG(st->st_mode))
		return 0;
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -1;
	errno = posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	return errno ? -1 : 0;
}

int hm_planted_evict(const char *folder, struct hm_fail *fail)
{
	HM_CLOSE int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	/* Pages that wait to be written cannot be dropped. */
	if (fd < 0 || syncfs(fd) < 0 || nftw(folder, evict_one, 16, FTW_PHYS) < 0)
		return hm_fail_errno(fail, "taking %s out of the page cache", folder);
	return 0;
}
