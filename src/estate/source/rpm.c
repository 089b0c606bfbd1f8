/* rpm: a header is "il dl" (big endian), il entries of 16 bytes {tag, type, offset, count} and dl bytes of data that the
 * entries point into (rpm, docs/manual/format_header.md). The database keeps it without the magic that packages have. */
#include "cursor.h"
#include "digest.h"
#include "rpm_internal.h"
#include "source_internal.h"
#include "text.h"

#include <stdlib.h>

enum {
	TAG_NAME = 1000,
	TAG_VERSION = 1001,
	TAG_RELEASE = 1002,
	TAG_VENDOR = 1011,
	TAG_LICENCE = 1014,
	TAG_PACKAGER = 1015,
	TAG_MODES = 1030,
	TAG_DIGESTS = 1035,
	TAG_FLAGS = 1037,
	TAG_DIR_INDEXES = 1116,
	TAG_BASE_NAMES = 1117,
	TAG_DIR_NAMES = 1118,
	TAG_DIGEST_ALGO = 5011,
};
enum { TYPE_INT16 = 3, TYPE_INT32 = 4, TYPE_STRING = 6, TYPE_STRINGS = 8, TYPE_I18N = 9 };
#define ENTRIES_MAX 0x10000u
#define FILES_MAX 2000000u
#define FLAG_CONFIG 1u
#define FLAG_GHOST 64u

struct header {
	struct hm_slice index, data;
};

static int header_open(struct header *h, struct hm_slice blob)
{
	struct hm_cursor c = hm_cursor_of(blob);
	uint64_t il = hm_cursor_be(&c, 4), dl = hm_cursor_be(&c, 4);

	if (c.bad || il == 0 || il > ENTRIES_MAX)
		return HM_E_BAD;
	h->index = hm_cursor_bytes(&c, (size_t)il * 16);
	h->data = hm_cursor_bytes(&c, (size_t)dl);
	return c.bad ? HM_E_BAD : 0;
}

/* The data of a tag from its offset to the end, and its count; an empty slice where there is none of that type. */
static struct hm_slice tag(const struct header *h, uint32_t wanted, uint32_t type, uint32_t *count)
{
	struct hm_cursor c = hm_cursor_of(h->index);

	*count = 0;
	while (hm_cursor_left(&c) >= 16) {
		uint64_t t = hm_cursor_be(&c, 4), kind = hm_cursor_be(&c, 4), offset = hm_cursor_be(&c, 4), n = hm_cursor_be(&c, 4);

		if (t != wanted)
			continue;
		if ((kind != type && !(type == TYPE_STRING && kind == TYPE_I18N)) || offset >= h->data.len || n > FILES_MAX)
			break;
		*count = (uint32_t)n;
		return (struct hm_slice){ h->data.data + offset, h->data.len - (size_t)offset };
	}
	return (struct hm_slice){ NULL, 0 };
}

/* The string that `s` begins with, and `s` moved behind it. */
static struct hm_slice string(struct hm_slice *s)
{
	const uint8_t *end = s->len ? memchr(s->data, 0, s->len) : NULL;
	struct hm_slice found = { NULL, 0 };

	if (!end) {
		*s = found;
		return found;
	}
	found = (struct hm_slice){ s->data, (size_t)(end - s->data) };
	*s = (struct hm_slice){ end + 1, s->len - found.len - 1 };
	return found;
}

static struct hm_slice text(const struct header *h, uint32_t wanted)
{
	uint32_t count;
	struct hm_slice s = tag(h, wanted, TYPE_STRING, &count);

	return string(&s);
}

static int tell_package(struct hm_source_out *out, const struct header *h, bool present)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes version = { 0 };
	struct hm_source_package package = { .name = text(h, TAG_NAME), .vendor = text(h, TAG_VENDOR), .licence = text(h, TAG_LICENCE),
					     .present = present };

	hm_bytes_slice(&version, text(h, TAG_VERSION));
	hm_bytes_u8(&version, '-');
	hm_bytes_slice(&version, text(h, TAG_RELEASE));
	package.version = hm_slice_of(&version);
	if (!package.vendor.len)
		package.vendor = text(h, TAG_PACKAGER);
	return hm_source_package(out, &package);
}

static int read_package(void *cookie, struct hm_slice blob)
{
	struct header h;

	if (header_open(&h, blob) == 0)
		return tell_package(cookie, &h, false);
	hm_source_leave(cookie, "a header of %zu bytes is damaged", blob.len);
	return 0;
}

/* The header behind the eight bytes of its magic; false when there is none. What is read of it ends at the next 8 bytes. */
static bool take_header(struct hm_cursor *c, struct header *h)
{
	uint64_t magic = hm_cursor_be(c, 8);
	struct hm_slice rest = { c->at, hm_cursor_left(c) };
	size_t len;

	if (magic != 0x8eade80100000000u || header_open(h, rest) != 0)
		return false;
	len = 8 + h->index.len + h->data.len;
	hm_cursor_bytes(c, len);
	if (len % 8 && hm_cursor_left(c) >= 8 - len % 8)
		hm_cursor_bytes(c, 8 - len % 8);
	return !c->bad;
}

/* A package as a file: a lead of 96 bytes, a header with signatures, the header. */
int hm_source_rpm_file(struct hm_source_out *out, struct hm_slice bytes)
{
	struct hm_cursor c = hm_cursor_of(bytes);
	struct header signatures, header;

	if (hm_cursor_be(&c, 4) == 0xedabeedbu && hm_cursor_bytes(&c, 92).data && take_header(&c, &signatures) && take_header(&c, &header))
		return tell_package(out, &header, true);
	hm_source_leave(out, "not an rpm package");
	return 0;
}

int hm_source_rpm(struct hm_source_out *out, struct hm_slice bytes)
{
	struct hm_fail fail = { 0 };
	int r = hm_rpm_each(bytes, read_package, out, &fail);

	if (r == HM_E_BAD && fail.code == HM_E_BAD) {
		hm_source_leave(out, "%s", fail.text);
		return 0;
	}
	return r;
}

int hm_source_rpm_wal(struct hm_source_out *out, struct hm_slice bytes)
{
	if (bytes.len > 32) /* its header */
		hm_source_leave(out, "%zu bytes of changes that are not in the database yet are not read", bytes.len);
	return 0;
}

/* One package's files, by index: where each tag's array stands. */
struct files {
	const char *package;
	hm_source_digest_fn each;
	void *cookie;
};

/* rpm's numbers are RFC 4880's; MD5 where nothing is said. */
static int digest_kind(const struct header *h, size_t *len)
{
	static const struct {
		uint64_t algo;
		int kind;
		size_t len;
	} kinds[] = { { 1, HM_MD5, 16 }, { 2, HM_SHA1, 20 }, { 8, HM_SHA256, 32 }, { 9, HM_SHA384, 48 }, { 10, HM_SHA512, 64 }, { 11, HM_SHA224, 28 } };
	uint32_t count;
	struct hm_cursor c = hm_cursor_of(tag(h, TAG_DIGEST_ALGO, TYPE_INT32, &count));
	uint64_t algo = count ? hm_cursor_be(&c, 4) : 1;

	for (size_t i = 0; i < HM_COUNT(kinds); i++)
		if (kinds[i].algo == algo) {
			*len = kinds[i].len;
			return kinds[i].kind;
		}
	return -1;
}

static void folders_of(struct hm_slice dirs, uint32_t count, struct hm_slice *out)
{
	for (uint32_t i = 0; i < count; i++)
		out[i] = string(&dirs);
}

/* A package's files, one after the other: name and folder by index. */
struct walk_files {
	uint32_t left, folders;
	struct hm_slice names, *folder;
	struct hm_cursor index;
};

static void end_files(struct walk_files *w)
{
	free(w->folder);
}

/* False where the header lists none that make sense. */
static bool begin_files(struct walk_files *w, const struct header *h)
{
	uint32_t indexes;
	struct hm_slice dirs = tag(h, TAG_DIR_NAMES, TYPE_STRINGS, &w->folders);

	w->names = tag(h, TAG_BASE_NAMES, TYPE_STRINGS, &w->left);
	w->index = hm_cursor_of(tag(h, TAG_DIR_INDEXES, TYPE_INT32, &indexes));
	if (indexes != w->left || w->folders > dirs.len || !w->names.data)
		return false;
	w->folder = hm_alloc(w->folders + 1, sizeof(*w->folder));
	folders_of(dirs, w->folders, w->folder);
	return true;
}

/* The next file's path into `path`: 1, 0 where it has none, -1 at the end. */
static int next_file(struct walk_files *w, struct hm_bytes *path)
{
	uint64_t d;
	struct hm_slice name;

	if (w->left == 0)
		return -1;
	w->left--;
	d = hm_cursor_be(&w->index, 4);
	name = string(&w->names);
	path->len = 0;
	if (w->index.bad || d >= w->folders || !name.data)
		return 0;
	hm_bytes_slice(path, w->folder[d]);
	hm_bytes_slice(path, name);
	return 1;
}

static int each_file(const struct header *h, const struct files *files)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes path = { 0 };
	HM_CLEANUP(end_files) struct walk_files w = { 0 };
	uint32_t n, flag_count;
	size_t len = 0;
	int kind = digest_kind(h, &len), r = 0, got;
	struct hm_slice digests = tag(h, TAG_DIGESTS, TYPE_STRINGS, &n);
	struct hm_cursor flags = hm_cursor_of(tag(h, TAG_FLAGS, TYPE_INT32, &flag_count));

	if (kind < 0 || !digests.data || !begin_files(&w, h) || w.left != n)
		return 0;
	while (r == 0 && (got = next_file(&w, &path)) >= 0) {
		struct hm_slice hex = string(&digests);
		uint64_t flag = flag_count == n ? hm_cursor_be(&flags, 4) : 0;
		struct hm_source_digest digest = { .kind = kind, .len = len, .path = hm_slice_of(&path) };

		if (got && !(flag & (FLAG_CONFIG | FLAG_GHOST)) && hex.len == 2 * len && hm_text_unhex(digest.bytes, len, hex) == 0)
			r = files->each(files->cookie, &digest);
	}
	return r;
}

struct list {
	hm_source_list_fn each;
	void *cookie;
};

static int list_package(void *cookie, struct hm_slice blob)
{
	const struct list *list = cookie;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes path = { 0 };
	HM_CLEANUP(end_files) struct walk_files w = { 0 };
	struct header h;
	int got;

	if (header_open(&h, blob) != 0 || !begin_files(&w, &h))
		return 0;
	while ((got = next_file(&w, &path)) >= 0)
		if (got && path.len > 1 && path.data[0] == '/')
			list->each(list->cookie, text(&h, TAG_NAME), (struct hm_slice){ path.data + 1, path.len - 1 });
	return 0;
}

void hm_source_rpm_list(struct hm_slice bytes, hm_source_list_fn each, void *cookie)
{
	struct list list = { each, cookie };
	struct hm_fail fail = { 0 };

	(void)!hm_rpm_each(bytes, list_package, &list, &fail);
}

static int find_package(void *cookie, struct hm_slice blob)
{
	const struct files *files = cookie;
	struct header h;

	if (header_open(&h, blob) != 0 || !hm_slice_eq(text(&h, TAG_NAME), hm_slice_text(files->package)))
		return 0;
	return each_file(&h, files);
}

int hm_source_rpm_digests(const struct hm_source_file *file, const char *package, const struct hm_source_others *other HM_UNUSED,
			  hm_source_digest_fn each, void *cookie, struct hm_fail *fail)
{
	struct files files = { package, each, cookie };

	return hm_rpm_each(file->bytes, find_package, &files, fail);
}
