/* Key files. Both are claimed with O_EXCL before there is a key, so that none is made in vain and none overwritten. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "fs.h"
#include "pem.h"
#include "signer_internal.h"

static int claim(const char *path, mode_t mode, struct hm_fail *fail)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);

	if (fd < 0 && errno == EEXIST)
		return hm_fail_set(fail, HM_E_SYSTEM, "making a key: %s is there already (name another file, or move it away)",
				   path);
	return fd < 0 ? hm_fail_errno(fail, "making a key: creating %s", path) : fd;
}

static int fill(int fd, const char *path, struct hm_slice text, struct hm_fail *fail)
{
	if (hm_fs_write_all(fd, text, fail) < 0)
		return hm_fail_in(fail, "making a key: %s", path);
	return fsync(fd) < 0 ? hm_fail_errno(fail, "making a key: writing %s", path) : 0;
}

static int make_into(int private_fd, const char *path, int public_fd, const char *public_path, struct hm_fail *fail)
{
	HM_CLEANUP(hm_signer_cleanup) struct hm_signer *s = NULL;
	HM_CLEANUP(hm_pem_wipe) struct hm_bytes secret = { 0 };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes open = { 0 };
	int r;

	hm_bytes_reserve(&secret, HM_PEM_MAX);
	r = hm_signer_make(&s, fail);
	if (r == 0)
		r = hm_signer_private(s, &secret, fail);
	if (r == 0)
		r = hm_signer_public(s, &open, fail);
	if (r == 0)
		r = fill(private_fd, path, hm_slice_of(&secret), fail);
	if (r == 0)
		r = fill(public_fd, public_path, hm_slice_of(&open), fail);
	return r;
}

int hm_signer_generate(const char *path, struct hm_fail *fail)
{
	HM_FREE char *public_path = hm_sprintf("%s.pub", path);
	HM_CLOSE int private_fd = claim(path, 0600, fail);
	HM_CLOSE int public_fd = -1;
	int r;

	if (private_fd < 0)
		return private_fd;
	public_fd = claim(public_path, 0644, fail);
	r = public_fd < 0 ? public_fd : make_into(private_fd, path, public_fd, public_path, fail);
	if (r < 0) {
		unlink(path);
		if (public_fd >= 0)
			unlink(public_path);
	}
	return r;
}

/* Reads at most the buffer, into memory of fixed place that the caller wipes. */
static int read_key(const char *path, uint8_t *out, size_t max, size_t *len, struct hm_fail *fail)
{
	HM_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return hm_fail_errno(fail, "private key %s", path);
	if (!S_ISREG(st.st_mode))
		return hm_fail_set(fail, HM_E_SYSTEM, "private key %s: not a regular file", path);
	if (st.st_mode & 077)
		return hm_fail_set(fail, HM_E_SYSTEM, "private key %s: others can read or write it (chmod 600, or make a new key)",
				   path);
	for (*len = 0; *len < max;) {
		ssize_t n = read(fd, out + *len, max - *len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return hm_fail_errno(fail, "private key %s", path);
		if (n == 0)
			return 0;
		*len += (size_t)n;
	}
	return hm_fail_set(fail, HM_E_BAD, "private key %s: larger than any key", path);
}

int hm_signer_load(struct hm_signer **ret, const char *path, struct hm_fail *fail)
{
	uint8_t pem[1024];
	size_t len = 0;
	int r = read_key(path, pem, sizeof(pem), &len, fail);

	if (r == 0) {
		r = hm_signer_parse(ret, (struct hm_slice){ pem, len }, fail);
		if (r < 0)
			r = hm_fail_in(fail, "%s", path);
	}
	explicit_bzero(pem, sizeof(pem));
	return r;
}
