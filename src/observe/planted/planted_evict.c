/* Planted documents leave the page cache before a run. */
#include "planted.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRIES 50

/* Whether a page of the file is in the page cache. */
static bool is_resident(int fd, size_t size)
{
	size_t pages = (size + 4095) / 4096;
	HM_FREE unsigned char *in = hm_alloc(pages, 1);
	void *at = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	bool found = false;

	if (at == MAP_FAILED)
		return false;
	if (mincore(at, size, in) == 0)
		for (size_t i = 0; i < pages && !found; i++)
			found = in[i] & 1;
	munmap(at, size);
	return found;
}

/* A page that another CPU is just putting on its lists stays where it is: so again, for a while. */
static int evict_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	HM_CLOSE int fd = -1;

	(void)at;
	if (type != FTW_F || !S_ISREG(st->st_mode))
		return 0;
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -1;
	for (int i = 0; i < TRIES; i++) {
		errno = posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
		if (errno)
			return -1;
		if (!st->st_size || !is_resident(fd, (size_t)st->st_size))
			break;
		fdatasync(fd);
		usleep(2000);
	}
	return 0;
}

int hm_planted_evict(const char *folder, struct hm_fail *fail)
{
	HM_CLOSE int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	/* Pages that wait to be written cannot be dropped. */
	if (fd < 0 || syncfs(fd) < 0 || nftw(folder, evict_one, 16, FTW_PHYS) < 0)
		return hm_fail_errno(fail, "taking %s out of the page cache", folder);
	return 0;
}
