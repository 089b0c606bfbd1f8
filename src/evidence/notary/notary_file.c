/* Key files, in the way of the signer's (evidence/signer): both are claimed with O_EXCL before there is a key. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/stat.h>

#include "fs.h"
#include "notary_internal.h"

#define TEXT_MAX 1024

static int claim(const char *path, mode_t mode, struct hm_fail *fail)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);

	if (fd < 0 && errno == EEXIST)
		return hm_fail_set(fail, HM_E_SYSTEM, "making a key: %s is there already (name another file, or move it away)", path);
	return fd < 0 ? hm_fail_errno(fail, "making a key: creating %s", path) : fd;
}

static int fill(int fd, const char *path, struct hm_slice text, struct hm_fail *fail)
{
	if (hm_fs_write_all(fd, text, fail) < 0)
		return hm_fail_in(fail, "making a key: %s", path);
	return fsync(fd) < 0 ? hm_fail_errno(fail, "making a key: writing %s", path) : 0;
}

int hm_notary_generate(const char *path, const char *name, uint8_t type, struct hm_fail *fail)
{
	HM_FREE char *public_path = hm_sprintf("%s.pub", path);
	HM_CLEANUP(hm_notary_cleanup) struct hm_notary *n = NULL;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes public = { 0 };
	HM_CLOSE int private_fd = claim(path, 0600, fail);
	HM_CLOSE int public_fd = private_fd < 0 ? -1 : claim(public_path, 0644, fail);
	struct hm_bytes text = { 0 };
	int r = 0;

	if (private_fd < 0)
		return private_fd;
	hm_bytes_reserve(&text, TEXT_MAX);
	if (public_fd < 0)
		r = public_fd;
	if (r == 0)
		r = hm_notary_make(&n, &text, name, type, fail);
	if (r == 0)
		r = fill(private_fd, path, hm_slice_of(&text), fail);
	if (r == 0) {
		hm_vkey_write(&public, hm_notary_key(n));
		hm_bytes_u8(&public, '\n');
		r = fill(public_fd, public_path, hm_slice_of(&public), fail);
	}
	OPENSSL_cleanse(text.data, text.cap);
	hm_bytes_release(&text);
	if (r < 0) {
		unlink(path);
		if (public_fd >= 0)
			unlink(public_path);
	}
	return r;
}

int hm_notary_load(struct hm_notary **ret, const char *path, uint8_t type, struct hm_fail *fail)
{
	HM_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	uint8_t text[TEXT_MAX];
	struct stat st;
	ssize_t n;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return hm_fail_errno(fail, "private key %s", path);
	if (!S_ISREG(st.st_mode))
		return hm_fail_set(fail, HM_E_SYSTEM, "private key %s: not a regular file", path);
	if (st.st_mode & 077)
		return hm_fail_set(fail, HM_E_SYSTEM, "private key %s: others can read or write it (chmod 600, or make a new key)", path);
	n = read(fd, text, sizeof(text));
	if (n < 0)
		return hm_fail_errno(fail, "private key %s", path);
	r = hm_notary_parse(ret, (struct hm_slice){ text, (size_t)n }, type, fail);
	OPENSSL_cleanse(text, sizeof(text));
	return r < 0 ? hm_fail_in(fail, "%s", path) : 0;
}
