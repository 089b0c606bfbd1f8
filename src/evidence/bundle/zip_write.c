#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "bundle_internal.h"
#include "fs.h"

#define BUFFER ((size_t)1 << 18)

/* To a descriptor, small pieces gathered. */
struct file_sink {
	struct hm_sink sink; /* first */
	int fd;
	struct hm_bytes held;
};

static int flush(struct file_sink *f, struct hm_fail *fail)
{
	int r = hm_fs_write_all(f->fd, hm_slice_of(&f->held), fail);

	f->held.len = 0;
	return r;
}

static int put_file(struct hm_sink *sink, struct hm_slice s, struct hm_fail *fail)
{
	struct file_sink *f = (struct file_sink *)sink;
	int r = 0;

	if (f->held.len + s.len > BUFFER)
		r = flush(f, fail);
	if (r < 0)
		return r;
	if (s.len > BUFFER)
		return hm_fs_write_all(f->fd, s, fail);
	hm_bytes_slice(&f->held, s);
	return 0;
}

static int write_to(int fd, const struct hm_parts *parts, struct hm_fail *fail)
{
	struct file_sink f = { .sink = { .put = put_file }, .fd = fd };
	int r = hm_zip_emit(parts, &f.sink, fail);

	if (r == 0)
		r = flush(&f, fail);
	hm_bytes_release(&f.held);
	if (r == 0 && fsync(fd) < 0)
		r = hm_fail_errno(fail, "syncing");
	return r;
}

static int sync_folder_of(const char *path, struct hm_fail *fail)
{
	const char *slash = strrchr(path, '/');
	HM_FREE char *folder = slash ? hm_sprintf("%.*s/", (int)(slash - path), path) : hm_strdup(".");
	HM_CLOSE int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return hm_fail_errno(fail, "writing %s: syncing its folder", path);
	return 0;
}

int hm_bundle_write(const struct hm_parts *parts, const char *path, struct hm_fail *fail)
{
	HM_FREE char *temporary = hm_sprintf("%s.tmp-%d", path, (int)getpid());
	HM_CLOSE int fd = -1;
	int r = hm_bundle_check_parts(parts, true, fail);

	if (r < 0)
		return r;
	unlink(temporary);
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return hm_fail_errno(fail, "writing %s: creating %s", path, temporary);
	if (write_to(fd, parts, fail) < 0)
		r = hm_fail_in(fail, "writing %s", path);
	else if (close(hm_take_fd(&fd)) < 0 || rename(temporary, path) < 0)
		r = hm_fail_errno(fail, "writing %s", path);
	if (r < 0) {
		unlink(temporary);
		return r;
	}
	return sync_folder_of(path, fail);
}
