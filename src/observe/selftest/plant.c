/* Nonces, one a way and all different: a file in the target, or in a writable layer of the chamber. */
#include "selftest.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "fs.h"
#include "selftest_internal.h"

static int write_file(int folder, const char *name, struct hm_slice bytes, uint64_t *ino, struct hm_fail *fail)
{
	HM_CLOSE int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0444);
	struct stat st;

	if (fd < 0 || hm_fs_write_all(fd, bytes, NULL) < 0 || fstat(fd, &st) < 0)
		return hm_fail_errno(fail, "planting the self-test's nonce %s", name);
	*ino = st.st_ino;
	return 0;
}

/* In the target. */
static bool has_file(size_t way)
{
	return hm_ways[way].act && !hm_ways[way].planted;
}

static int plant_one(struct hm_selftest *t, size_t way, int folder, struct hm_fail *fail)
{
	struct hm_nonce *nonce = &t->nonce[way];

	nonce->bytes = hm_alloc(1, NONCE_BYTES);
	for (size_t at = 0; at < NONCE_BYTES; at += 256)
		if (getrandom(nonce->bytes + at, 256, 0) != 256)
			return hm_fail_errno(fail, "drawing the self-test's nonces");
	if (!has_file(way))
		return 0;
	return write_file(folder, hm_ways[way].name, (struct hm_slice){ nonce->bytes, NONCE_BYTES }, &nonce->ino, fail);
}

/* What is read must come from the disk: kernels that have but mm_filemap_add_to_page_cache show no other read. What waits to be
 * written cannot leave the page cache. */
static int evict(int folder, struct hm_fail *fail)
{
	if (syncfs(folder) < 0)
		return hm_fail_errno(fail, "planting the self-test's nonces");
	for (size_t way = 0; way < hm_way_count; way++) {
		HM_CLOSE int fd = has_file(way) ? openat(folder, hm_ways[way].name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;

		if (!has_file(way))
			continue;
		if (fd < 0 || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED))
			return hm_fail_errno(fail, "taking the self-test's nonce %s out of the page cache", hm_ways[way].name);
	}
	return 0;
}

static char *deep_path(void)
{
	struct hm_bytes path = { 0 };
	char name[256];

	hm_bytes_text(&path, DEEP_FOLDER);
	for (size_t depth = 0; hm_deep_name(name, depth), name[0]; depth++)
		hm_bytes_printf(&path, "/%s", name);
	hm_bytes_u8(&path, 0);
	return (char *)path.data;
}

int hm_selftest_plant(struct hm_selftest **ret, const char *folder, const char *target, bool closed, struct hm_fail *fail)
{
	HM_CLOSE int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct hm_selftest *t;
	int r = 0;

	if (fd < 0)
		return hm_fail_errno(fail, "opening %s", folder);
	t = hm_alloc(1, sizeof(*t));
	t->target = hm_strdup(target);
	t->closed = closed;
	t->deep = deep_path();
	t->flood = FLOOD_CALLS;
	snprintf(t->calls, sizeof(t->calls), "%u", t->flood);
	t->nonce = hm_alloc(hm_way_count, sizeof(*t->nonce));
	t->arguments[0] = HM_SELFTEST_ARGUMENT;
	t->arguments[1] = t->target;
	t->arguments[2] = closed ? "closed" : "simulated";
	t->arguments[3] = t->calls;
	for (size_t way = 0; way < hm_way_count && r == 0; way++)
		r = plant_one(t, way, fd, fail);
	if (r == 0)
		r = evict(fd, fail);
	if (r < 0) {
		hm_selftest_free(t);
		return r;
	}
	*ret = t;
	return 0;
}

void hm_selftest_free(struct hm_selftest *t)
{
	if (!t)
		return;
	for (size_t way = 0; way < hm_way_count; way++)
		free(t->nonce[way].bytes);
	free(t->nonce);
	free(t->target);
	free(t->deep);
	free(t);
}

const char *hm_selftest_file(const struct hm_selftest *t, struct hm_slice *content)
{
	for (size_t way = 0; way < hm_way_count; way++) {
		if (!hm_ways[way].planted)
			continue;
		*content = (struct hm_slice){ t->nonce[way].bytes, NONCE_BYTES };
		break;
	}
	return HM_PLANTED_FOLDER "/copy_file_range";
}

const char *const *hm_selftest_arguments(const struct hm_selftest *t)
{
	return t->arguments;
}
