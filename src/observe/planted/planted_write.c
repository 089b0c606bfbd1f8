/* From planted.json to files on the disk. The description may come from somebody else's bundle, so its paths are held to
 * what cannot leave the folder. */
#include "planted.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "digest.h"
#include "fs.h"
#include "text.h"

/* 2024-05-14 09:00 UTC, the time of every planted file and folder. */
#define PLANTED_TIME 1715677200

/* Relative, no empty, "." or ".." component, no NUL. */
static bool path_is_safe(struct hm_slice path)
{
	size_t start = 0;

	if (path.len == 0 || path.len > 4000 || memchr(path.data, 0, path.len))
		return false;
	for (size_t i = 0; i <= path.len; i++) {
		size_t n = i - start;

		if (i < path.len && path.data[i] != '/')
			continue;
		if (n == 0 || n > 255 || (n <= 2 && memcmp(path.data + start, "..", n) == 0))
			return false;
		start = i + 1;
	}
	return true;
}

static int set_times(int at, const char *path, struct hm_fail *fail)
{
	const struct timespec times[2] = { { .tv_sec = PLANTED_TIME }, { .tv_sec = PLANTED_TIME } };

	if (utimensat(at, path, times, AT_SYMLINK_NOFOLLOW) < 0)
		return hm_fail_errno(fail, "setting the time of %s", path);
	return 0;
}

/* Makes the folders that `path` (below `folder`) stands in, mode 0755 whatever the umask. */
static int make_folders(const char *folder, const char *path, struct hm_fail *fail)
{
	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		HM_FREE char *made = hm_sprintf("%s/%.*s", folder, (int)(slash - path), path);
		int r = hm_fs_mkdirs(made, 0755, fail);

		if (r < 0)
			return r;
		if (chmod(made, 0755) < 0)
			return hm_fail_errno(fail, "setting the mode of %s", made);
	}
	return 0;
}

/* Writing into a folder changes its time, so this comes after the last file. */
static int set_folder_times(const char *folder, const char *path, struct hm_fail *fail)
{
	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		HM_FREE char *made = hm_sprintf("%s/%.*s", folder, (int)(slash - path), path);
		int r = set_times(AT_FDCWD, made, fail);

		if (r < 0)
			return r;
	}
	return 0;
}

static int write_content(const char *to, struct hm_slice content, mode_t mode, struct hm_fail *fail)
{
	HM_CLOSE int fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	int r;

	if (fd < 0)
		return hm_fail_errno(fail, "creating %s", to);
	r = hm_fs_write_all(fd, content, fail);
	if (r < 0)
		return hm_fail_in(fail, "%s", to);
	if (fchmod(fd, mode) < 0)
		return hm_fail_errno(fail, "setting the mode of %s", to);
	if (close(hm_take_fd(&fd)) < 0)
		return hm_fail_errno(fail, "writing %s", to);
	return set_times(AT_FDCWD, to, fail);
}

static int content_of(struct hm_slice *out, const struct hm_parts *parts, const json_t *row, struct hm_fail *fail)
{
	const char *part = json_string_value(json_object_get(row, "part"));
	const char *expected = json_string_value(json_object_get(row, "sha256"));
	struct hm_sha256 hash;
	char hex[2 * HM_SHA256_LEN + 1];

	if (!hm_parts_get(parts, part, out))
		return hm_fail_set(fail, HM_E_BAD, "planted.json: part %s is missing", part);
	hm_sha256_slice(&hash, *out);
	hm_text_hex_into(hex, (struct hm_slice){ hash.b, sizeof(hash.b) });
	if (strcmp(hex, expected))
		return hm_fail_set(fail, HM_E_BAD, "planted.json: part %s has another SHA-256", part);
	return 0;
}

static int write_row(const struct hm_parts *parts, const char *folder, const json_t *row, struct hm_bytes *path,
		     struct hm_fail *fail)
{
	static const struct hm_json_member shape[] = {
		{ "path?", JSON_STRING }, { "path_b64?", JSON_STRING }, { "part", JSON_STRING }, { "sha256", JSON_STRING },
		{ "size", JSON_INTEGER }, { "mode", JSON_INTEGER }, { "role", JSON_STRING }, { "marking|", JSON_STRING },
		{ "tokens", JSON_ARRAY },
	};
	HM_FREE char *to = NULL;
	struct hm_slice content;
	json_int_t mode;
	int r = hm_json_shape(row, shape, HM_COUNT(shape), "planted.json: file", fail);

	if (r == 0)
		r = hm_json_get_bytes(row, "path", path, fail);
	if (r == 0)
		r = content_of(&content, parts, row, fail);
	if (r < 0)
		return r;
	mode = json_integer_value(json_object_get(row, "mode"));
	if (!path_is_safe(hm_slice_of(path)) || mode < 0 || mode > 0777)
		return hm_fail_set(fail, HM_E_BAD, "planted.json: a path leaves its folder, or a mode is not one");
	hm_bytes_u8(path, 0);
	to = hm_sprintf("%s/%s", folder, (const char *)path->data);
	r = make_folders(folder, (const char *)path->data, fail);
	return r < 0 ? r : write_content(to, content, (mode_t)mode, fail);
}

int hm_planted_write(const struct hm_parts *parts, const char *folder, struct hm_fail *fail)
{
	static const struct hm_json_member shape[] = {
		{ "schema", JSON_STRING }, { "target", JSON_STRING }, { "files", JSON_ARRAY },
	};
	HM_JSON json_t *top = NULL;
	struct hm_slice text;
	const json_t *row;
	size_t i;
	int r;

	if (!hm_parts_get(parts, "planted.json", &text))
		return hm_fail_set(fail, HM_E_BAD, "writing planted documents: no planted.json");
	r = hm_json_parse_canonical(&top, text, "planted.json", fail);
	if (r == 0)
		r = hm_json_shape(top, shape, HM_COUNT(shape), "planted.json", fail);
	if (r < 0)
		return r;
	for (int pass = 0; pass < 2; pass++) {
		json_array_foreach(json_object_get(top, "files"), i, row) {
			HM_CLEANUP(hm_bytes_release) struct hm_bytes path = { 0 };

			if (pass == 0) {
				r = write_row(parts, folder, row, &path, fail);
			} else {
				r = hm_json_get_bytes(row, "path", &path, fail);
				hm_bytes_u8(&path, 0);
				if (r == 0)
					r = set_folder_times(folder, (const char *)path.data, fail);
			}
			if (r < 0)
				return r;
		}
	}
	if (chmod(folder, 0755) < 0)
		return hm_fail_errno(fail, "setting the mode of %s", folder);
	return set_times(AT_FDCWD, folder, fail);
}
