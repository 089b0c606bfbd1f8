/* A package's files as they are now, beside what dpkg's database says they were. */
#include "packages.h"

#include "packages_internal.h"
#include "text.h"

#define FILE_MAX (2047u << 20)

/* What info/NAME.md5sums says, sorted by path. */
struct sum {
	size_t at;
	uint32_t len;
	uint8_t md5[16];
};

struct sums {
	struct hm_bytes paths;
	struct sum *row;
	size_t count;
};

static void release_sums(struct sums *sums)
{
	hm_bytes_release(&sums->paths);
	free(sums->row);
}

static int by_sum(const void *a, const void *b, void *cookie)
{
	const struct sums *sums = cookie;
	const struct sum *x = a, *y = b;

	return hm_slice_cmp((struct hm_slice){ sums->paths.data + x->at, x->len },
			    (struct hm_slice){ sums->paths.data + y->at, y->len });
}

/* Lines of 32 digits, two spaces, and the path without its slash; what is not one is passed over: its file then counts as
 * not listed. */
static int read_sums(struct sums *sums, const struct hm_packages *p, const struct entry *entry, struct hm_fail *fail)
{
	HM_FREE char *path = hm_sprintf("var/lib/dpkg/info/%s.md5sums", entry->stem);
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	size_t room = 0;
	struct hm_cursor c;
	struct hm_slice line;
	struct stat st;
	int r = hm_packages_read(p, path, LIST_MAX, &text, &st, fail);

	if (r <= 0)
		return r;
	c = hm_cursor_of(hm_slice_of(&text));
	while (hm_line_next(&c, &line)) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes full = { 0 };
		struct sum sum = { .at = sums->paths.len };

		if (line.len < 35 || line.len > 4096 || line.data[32] != ' ' || line.data[33] != ' ' ||
		    hm_text_unhex(sum.md5, sizeof(sum.md5), (struct hm_slice){ line.data, 32 }) < 0)
			continue;
		hm_bytes_u8(&full, '/');
		hm_bytes_append(&full, line.data + 34, line.len - 34);
		hm_packages_real(p, &sums->paths, hm_slice_of(&full), entry->package.name);
		sum.len = (uint32_t)(sums->paths.len - sum.at);
		if (sums->count == room) {
			room = room ? 2 * room : 256;
			sums->row = hm_realloc(sums->row, room, sizeof(*sums->row));
		}
		sums->row[sums->count++] = sum;
	}
	if (sums->count)
		qsort_r(sums->row, sums->count, sizeof(*sums->row), by_sum, sums);
	return 0;
}

static const uint8_t *listed_md5(const struct sums *sums, struct hm_slice path)
{
	size_t low = 0, high = sums->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct sum *row = &sums->row[middle];
		int order = hm_slice_cmp((struct hm_slice){ sums->paths.data + row->at, row->len }, path);

		if (order == 0)
			return row->md5;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static int origin_of(const char **ret, const uint8_t *listed, struct hm_slice content, struct hm_fail *fail)
{
	uint8_t found[64];

	if (!listed) {
		*ret = "unlisted";
		return 0;
	}
	if (hm_digest_of(found, HM_MD5, content) != 16)
		return hm_fail_set(fail, HM_E_SYSTEM,
				   "comparing files with their package: libcrypto refuses MD5, which dpkg's database is made of");
	*ret = memcmp(listed, found, 16) ? "differs" : "package";
	return 0;
}

static int describe_file(const struct hm_packages *p, struct hm_slice path, const struct sums *sums, json_t *files,
			 struct hm_fail *fail)
{
	HM_FREE char *text = hm_slice_dup(path);
	HM_CLEANUP(hm_bytes_release) struct hm_bytes content = { 0 };
	char hex[2 * HM_SHA256_LEN + 1];
	struct hm_sha256 hash;
	const char *origin = NULL;
	struct stat st;
	json_t *row;
	int r = hm_packages_read(p, text, FILE_MAX, &content, &st, fail);

	if (r <= 0)
		return r;
	r = origin_of(&origin, listed_md5(sums, path), hm_slice_of(&content), fail);
	if (r < 0)
		return r;
	hm_sha256_slice(&hash, hm_slice_of(&content));
	row = json_object();
	hm_json_set_bytes(row, "path", path);
	json_object_set_new(row, "sha256", json_string(hm_text_hex_into(hex, (struct hm_slice){ hash.b, sizeof(hash.b) })));
	json_object_set_new(row, "size", json_integer((json_int_t)content.len));
	json_object_set_new(row, "mode", json_integer(st.st_mode & 07777));
	json_object_set_new(row, "uid", json_integer(st.st_uid));
	json_object_set_new(row, "gid", json_integer(st.st_gid));
	json_object_set_new(row, "origin", json_string(origin));
	json_array_append_new(files, row);
	return 0;
}

int hm_packages_describe(const struct hm_packages *p, const struct hm_package *package, json_t *list, struct hm_fail *fail)
{
	const struct entry *entry = (const struct entry *)((const char *)package - offsetof(struct entry, package));
	uint32_t number = (uint32_t)(entry - p->entry);
	HM_CLEANUP(release_sums) struct sums sums = { 0 };
	HM_JSON json_t *row = json_object();
	struct hm_slice before = { 0 };
	json_t *files = json_array();
	int r;

	json_object_set_new(row, "name", json_string(package->name));
	json_object_set_new(row, "version", json_string(package->version));
	json_object_set_new(row, "arch", json_string(package->arch));
	json_object_set_new(row, "files", files);
	r = read_sums(&sums, p, entry, fail);
	for (size_t i = 0; r >= 0 && i < p->owned_count; i++) { /* in order of paths */
		struct hm_slice path = owned_path(p, &p->owned[i]);

		if (p->owned[i].package != number || hm_slice_eq(path, before))
			continue;
		r = describe_file(p, path, &sums, files, fail);
		before = path;
	}
	if (r < 0)
		return hm_fail_in(fail, "package %s", package->name);
	json_array_append(list, row);
	return 0;
}
