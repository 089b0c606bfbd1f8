#include "fs.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>

static int open_regular(const char *path, struct stat *st, struct hm_fail *fail)
{
	HM_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return hm_fail_errno(fail, "reading %s", path);
	if (fstat(fd, st) < 0)
		return hm_fail_errno(fail, "reading %s", path);
	if (!S_ISREG(st->st_mode))
		return hm_fail_set(fail, HM_E_SYSTEM, "reading %s: not a regular file", path);
	return hm_take_fd(&fd);
}

int hm_fs_read(struct hm_bytes *out, const char *path, size_t max, struct hm_fail *fail)
{
	struct stat st;
	HM_CLOSE int fd = open_regular(path, &st, fail);
	size_t total = 0;

	if (fd < 0)
		return fd;
	for (;;) {
		uint8_t *at = hm_bytes_reserve(out, 65536);
		ssize_t n = read(fd, at, 65536);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return hm_fail_errno(fail, "reading %s", path);
		if (n == 0)
			return 0;
		total += (size_t)n;
		if (total > max)
			return hm_fail_set(fail, HM_E_BAD, "reading %s: larger than %zu bytes", path, max);
		out->len += (size_t)n;
	}
}

/* ---- mapped files ---- */

#define MAPS 64
#define AROUND ((uintptr_t)256 << 10) /* the kernel maps pages around the one that is missing, 64 KiB of them at most where nobody changed that */

/* Those that are mapped now, so that nothing else is ever given back. One that finds no place stays in memory. */
static struct hm_slice mapped[MAPS];
static pthread_mutex_t mapped_lock = PTHREAD_MUTEX_INITIALIZER;

static void note_map(struct hm_slice was, struct hm_slice is)
{
	pthread_mutex_lock(&mapped_lock);
	for (size_t i = 0; i < MAPS; i++)
		if (mapped[i].data == was.data) {
			mapped[i] = is;
			break;
		}
	pthread_mutex_unlock(&mapped_lock);
}

void hm_fs_passed(struct hm_slice s)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from = (uintptr_t)s.data / AROUND * AROUND, to = ((uintptr_t)s.data + s.len) / page * page;

	pthread_mutex_lock(&mapped_lock);
	for (size_t i = 0; i < MAPS && s.len; i++) {
		uintptr_t begin = (uintptr_t)mapped[i].data;

		if (!begin || (uintptr_t)s.data < begin || (uintptr_t)s.data - begin > mapped[i].len || s.len > mapped[i].len - ((uintptr_t)s.data - begin))
			continue;
		from = from < begin ? begin : from;
		if (from < to)
			madvise((void *)from, to - from, MADV_DONTNEED); /* read only and never written: the file has the same bytes */
		break;
	}
	pthread_mutex_unlock(&mapped_lock);
}

int hm_fs_map(struct hm_map *out, const char *path, struct hm_fail *fail)
{
	struct stat st;
	HM_CLOSE int fd = open_regular(path, &st, fail);
	void *p;

	if (fd < 0)
		return fd;
	if (st.st_size == 0) {
		*out = (struct hm_map){ { NULL, 0 } };
		return 0;
	}
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return hm_fail_errno(fail, "mapping %s", path);
	*out = (struct hm_map){ { p, (size_t)st.st_size } };
	note_map((struct hm_slice){ NULL, 0 }, out->bytes);
	return 0;
}

void hm_fs_unmap(struct hm_map *map)
{
	if (map->bytes.data)
		note_map(map->bytes, (struct hm_slice){ NULL, 0 });
	if (map->bytes.data)
		munmap((void *)(uintptr_t)map->bytes.data, map->bytes.len);
	*map = (struct hm_map){ { NULL, 0 } };
}

int hm_fs_write_all(int fd, struct hm_slice s, struct hm_fail *fail)
{
	while (s.len) {
		ssize_t n = write(fd, s.data, s.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return hm_fail_errno(fail, "writing");
		s.data += n;
		s.len -= (size_t)n;
	}
	return 0;
}

static int sync_folder_of(const char *path, struct hm_fail *fail)
{
	const char *slash = strrchr(path, '/');
	HM_FREE char *folder = slash == path ? hm_strdup("/")
			       : slash	    ? hm_slice_dup((struct hm_slice){ (const uint8_t *)path, (size_t)(slash - path) })
					    : hm_strdup(".");
	HM_CLOSE int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return hm_fail_errno(fail, "writing %s: syncing its folder", path);
	return 0;
}

static int write_new(const char *path, struct hm_slice s, mode_t mode, struct hm_fail *fail)
{
	HM_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);

	if (fd < 0)
		return hm_fail_errno(fail, "creating %s", path);
	if (hm_fs_write_all(fd, s, fail) < 0)
		return hm_fail_in(fail, "%s", path);
	if (fsync(fd) < 0 || close(hm_take_fd(&fd)) < 0)
		return hm_fail_errno(fail, "writing %s", path);
	return 0;
}

int hm_fs_write_atomic(const char *path, struct hm_slice s, mode_t mode, struct hm_fail *fail)
{
	HM_FREE char *temporary = hm_sprintf("%s.tmp-%d", path, (int)getpid());
	int r;

	unlink(temporary);
	r = write_new(temporary, s, mode, fail);
	if (r == 0 && rename(temporary, path) < 0)
		r = hm_fail_errno(fail, "writing %s", path);
	if (r < 0) {
		unlink(temporary);
		return r;
	}
	return sync_folder_of(path, fail);
}

int hm_fs_mkdirs(const char *path, mode_t mode, struct hm_fail *fail)
{
	HM_FREE char *copy = hm_strdup(path);

	for (char *p = copy + 1; *copy; p++) {
		char kept = *p;

		if (kept && kept != '/')
			continue;
		*p = 0;
		if (mkdir(copy, mode) < 0 && errno != EEXIST)
			return hm_fail_errno(fail, "making folder %s", copy);
		if (!kept)
			break;
		*p = kept;
	}
	return 0;
}
