#include "member.h"

#include <archive.h>
#include <archive_entry.h>
#include <ctype.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define JSON_MAX ((size_t)8 << 20)
#define MEMBERS_MAX 100000

void target_member_close(struct target_member *m)
{
	if (m->a)
		archive_read_free(m->a);
	if (m->fd >= 0)
		close(m->fd);
	*m = (struct target_member)TARGET_NO_MEMBER;
}

ssize_t target_member_pull(void *member, void *to, size_t len)
{
	struct target_member *m = member;

	return m->a ? archive_read_data(m->a, to, len) : read(m->fd, to, len);
}

static struct archive *tar_open(const struct target_box *box)
{
	struct archive *a = archive_read_new();
	int r;

	archive_read_support_filter_all(a);
	archive_read_support_format_tar(a);
	if (box->fd >= 0)
		r = lseek(box->fd, 0, SEEK_SET) == 0 ? archive_read_open_fd(a, box->fd, 1 << 18) : ARCHIVE_FATAL;
	else
		r = archive_read_open_memory(a, box->bytes.data, box->bytes.len);
	if (r == ARCHIVE_OK)
		return a;
	archive_read_free(a);
	return NULL;
}

/* The next member. What lies before it is passed over within the bound of what is unpacked: libarchive alone would go on to its end. */
static bool tar_next(struct archive *a, const struct target_box *box, struct archive_entry **e)
{
	const struct hm_target_bounds *bounds = &box->t->bounds;
	const void *block;
	la_int64_t at, told = archive_filter_bytes(a, 0);
	size_t len;

	while (archive_filter_count(a) > 1 && archive_file_count(a) > 0 && archive_read_data_block(a, &block, &len, &at) == ARCHIVE_OK) {
		if ((uint64_t)archive_filter_bytes(a, 0) > bounds->unpacked)
			return false;
		if (bounds->alive && archive_filter_bytes(a, 0) - told > 1 << 24) {
			bounds->alive(bounds->alive_cookie);
			told = archive_filter_bytes(a, 0);
		}
	}
	return archive_read_next_header(a, e) == ARCHIVE_OK;
}

static int tar_member(struct target_member *m, const struct target_box *box, const char *wanted, char **link)
{
	struct archive_entry *e;
	size_t members = 0;

	m->a = tar_open(box);
	while (m->a && members++ < MEMBERS_MAX && tar_next(m->a, box, &e)) {
		HM_FREE char *path = target_path(archive_entry_pathname(e) ? archive_entry_pathname(e) : "");

		if (strcmp(path, wanted) != 0)
			continue;
		if (archive_entry_filetype(e) == AE_IFLNK && archive_entry_symlink(e))
			*link = hm_strdup(archive_entry_symlink(e));
		return 0;
	}
	return 1;
}

/* Old docker save names equal layers by links: ../ID/layer.tar. */
static char *linked(const char *from, const char *link)
{
	HM_FREE char *folder = hm_strdup(from), *joined = NULL;
	char *slash = strrchr(folder, '/');

	if (slash)
		*slash = 0;
	while (strncmp(link, "../", 3) == 0) {
		link += 3;
		if ((slash = strrchr(folder, '/')))
			*slash = 0;
	}
	joined = hm_sprintf("%s/%s", folder, link);
	return target_path(joined);
}

static int file_member(struct target_member *m, int folder, const char *path)
{
	const struct open_how how = { .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
	struct stat st;

	m->fd = (int)syscall(SYS_openat2, folder, path + (*path == '/'), &how, sizeof(how));
	return m->fd >= 0 && fstat(m->fd, &st) == 0 && S_ISREG(st.st_mode) ? 0 : 1;
}

int target_member_open(struct target_member *m, const struct target_box *box, const char *path)
{
	if (box->kind != TARGET_BOX_TAR)
		return file_member(m, box->fd, path);
	for (int links = 0; links < 2; links++) {
		HM_FREE char *link = NULL, *next = NULL;
		int r = tar_member(m, box, path, &link);

		if (r != 0 || !link)
			return r;
		archive_read_free(hm_take_ptr(&m->a));
		next = linked(path, link);
		free(hm_take_ptr(&link));
		if ((r = tar_member(m, box, next, &link)) != 0 || !link)
			return r;
		target_member_close(m);
	}
	return 1;
}

bool target_member_bytes(const struct target_box *box, const char *name, size_t max, struct hm_bytes *out)
{
	HM_CLEANUP(target_member_close) struct target_member m = TARGET_NO_MEMBER;
	HM_FREE char *path = target_path(name);
	ssize_t got = -1;

	if (target_member_open(&m, box, path) != 0)
		return false;
	while (out->len <= max && (got = target_member_pull(&m, hm_bytes_reserve(out, 65536), 65536)) > 0)
		out->len += (size_t)got;
	return got == 0 && out->len <= max;
}

json_t *target_member_json(const struct target_box *box, const char *name)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };

	if (!target_member_bytes(box, name, JSON_MAX, &text) || text.len == 0)
		return NULL;
	return json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
}

char *target_blob_name(const struct target_box *box, const char *digest)
{
	const char *colon = digest ? strchr(digest, ':') : NULL, *hex = colon ? colon + 1 : "";
	int algorithm = colon ? (int)(colon - digest) : 0;

	if (!algorithm || strlen(digest) > 512 || strlen(hex) < 2 || strchr(digest, '/') || *hex == '.')
		return NULL;
	if (box->kind == TARGET_BOX_REGISTRY)
		return hm_sprintf("blobs/%.*s/%.2s/%s/data", algorithm, digest, hex, hex);
	return hm_sprintf("blobs/%.*s/%s", algorithm, digest, hex);
}

/* What the first entry of such a tar is called: a folder of blobs, an id, one of the lists. */
static bool looks_like_one(const char *path)
{
	static const char *const names[] = { "/blobs", "/manifest.json", "/index.json", "/oci-layout", "/repositories", "/sha256:" };
	size_t hex = 0;

	for (size_t i = 0; i < HM_COUNT(names); i++)
		if (strncmp(path, names[i], strlen(names[i])) == 0)
			return true;
	while (isxdigit((unsigned char)path[1 + hex]))
		hex++;
	return hex == 64 || strcmp(path, "/") == 0;
}

static bool is_mark(struct archive *a, struct archive_entry *e, const char *path)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	uint8_t *begins;
	ssize_t got;

	if ((strcmp(path, "/oci-layout") != 0 && strcmp(path, "/manifest.json") != 0) || archive_entry_filetype(e) != AE_IFREG)
		return false;
	begins = hm_bytes_reserve(&text, 65536);
	got = archive_read_data(a, begins, 65536);
	return begins && got > 0 && (memmem(begins, (size_t)got, "\"Layers\"", 8) || memmem(begins, (size_t)got, "imageLayoutVersion", 18));
}

bool target_box_is_image(const struct target_box *box, bool strict)
{
	HM_CLEANUP(target_member_close) struct target_member m = TARGET_NO_MEMBER;
	struct archive_entry *e;
	struct stat st;

	if (box->kind == TARGET_BOX_FOLDER)
		return fstatat(box->fd, "oci-layout", &st, AT_SYMLINK_NOFOLLOW) == 0 && fstatat(box->fd, "index.json", &st, AT_SYMLINK_NOFOLLOW) == 0;
	if (box->kind == TARGET_BOX_REGISTRY)
		return fstatat(box->fd, "repositories", &st, AT_SYMLINK_NOFOLLOW) == 0 && fstatat(box->fd, "blobs/sha256", &st, AT_SYMLINK_NOFOLLOW) == 0;
	m.a = tar_open(box);
	for (size_t members = 0; m.a && members < MEMBERS_MAX && tar_next(m.a, box, &e); members++) {
		HM_FREE char *path = target_path(archive_entry_pathname(e) ? archive_entry_pathname(e) : "");

		if (is_mark(m.a, e, path))
			return true;
		if (strict && members == 0 && archive_filter_count(m.a) > 1 && !looks_like_one(path))
			return false;
	}
	return false;
}
