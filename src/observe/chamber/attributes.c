/* What a file of an upper layer says beside its content: extended attributes, and a time that it was given. A time of the run itself is when it
 * was written, and no two runs have the same; another one is the product's choice, like a name. */
#include "chamber_internal.h"

#include <errno.h>
#include <linux/limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "digest.h"

#define VALUE_SHOWN 4096

/* Overlayfs's own, and what security modules of the host put on every file. */
static bool is_hosts(const char *name)
{
	static const char *const own[] = { "trusted.overlay.", "user.overlay.", "security.selinux", "security.ima", "security.evm", "security.SMACK64" };

	for (size_t i = 0; i < HM_COUNT(own); i++)
		if (strncmp(name, own[i], strlen(own[i])) == 0)
			return true;
	return false;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void add_name(struct hm_bytes *out, const char *name)
{
	for (; *name; name++)
		if (*name > ' ' && *name < 127 && *name != '=' && *name != '%')
			hm_bytes_u8(out, (uint8_t)*name);
		else
			hm_bytes_printf(out, "%%%02X", (uint8_t)*name);
}

static int add_value(struct hm_bytes *out, const char *path, const char *name, struct hm_fail *fail)
{
	HM_FREE uint8_t *value = hm_alloc(XATTR_SIZE_MAX, 1);
	ssize_t n = lgetxattr(path, name, value, XATTR_SIZE_MAX);
	struct hm_sha256 digest;

	if (n < 0)
		return errno == ENODATA ? 0 : hm_fail_errno(fail, "reading the attribute %s of what a run left", name);
	add_name(out, name);
	hm_bytes_u8(out, '=');
	if (n > VALUE_SHOWN) {
		hm_sha256_slice(&digest, (struct hm_slice){ value, (size_t)n });
		hm_bytes_printf(out, "sha256:");
		memcpy(value, digest.b, sizeof(digest.b));
		n = sizeof(digest.b);
	}
	for (ssize_t i = 0; i < n; i++)
		hm_bytes_printf(out, "%02x", value[i]);
	hm_bytes_u8(out, '\n');
	return 0;
}

static int add_attributes(struct hm_bytes *out, const char *path, struct hm_fail *fail)
{
	HM_FREE char *names = hm_alloc(XATTR_LIST_MAX + 1, 1);
	HM_FREE const char **list = NULL;
	ssize_t n = llistxattr(path, names, XATTR_LIST_MAX);
	size_t count = 0;
	int r = 0;

	if (n <= 0)
		return n == 0 || errno == ENOTSUP ? 0 : hm_fail_errno(fail, "listing the attributes of what a run left");
	list = hm_alloc((size_t)n, sizeof(*list));
	for (const char *at = names; at < names + n; at += strlen(at) + 1)
		if (!is_hosts(at))
			list[count++] = at;
	if (count)
		qsort(list, count, sizeof(*list), by_text);
	for (size_t i = 0; r == 0 && i < count; i++)
		r = add_value(out, path, list[i], fail);
	return r;
}

static bool before(struct timespec a, struct timespec b)
{
	return a.tv_sec < b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec < b.tv_nsec);
}

int hm_chamber_attributes(struct hm_bytes *out, int folder, const char *name, const struct stat *st, struct timespec began, struct hm_fail *fail)
{
	HM_FREE char *path = name ? hm_sprintf("/proc/self/fd/%d/%s", folder, name) : hm_sprintf("/proc/self/fd/%d/.", folder);
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	/* Links are given the time of their target's change by few, and folders change with what is made in them. */
	if (S_ISREG(st->st_mode) && (before(st->st_mtim, began) || before(now, st->st_mtim)))
		hm_bytes_printf(out, "@modified=%lld.%09ld\n", (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
	return add_attributes(out, path, fail);
}
