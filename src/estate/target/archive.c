/* Archives, by libarchive: zip (and all that is one), tar, gzip and its like, cpio, ar (.deb), rpm, 7-zip, cab, lha, xar, iso, warc. Only the bytes that are
 * asked for are unpacked, what lies behind a bound is told as unread, and names are taken as bytes. */
#include "target_internal.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct feed {
	target_pull_fn pull;
	void *cookie;
	uint8_t block[65536];
};

static la_ssize_t feed_read(struct archive *a, void *cookie, const void **block)
{
	struct feed *f = cookie;
	ssize_t got = f->pull(f->cookie, f->block, sizeof(f->block));

	*block = f->block;
	if (got < 0)
		archive_set_error(a, EIO, "its bytes cannot be read");
	return got;
}

/* What was unpacked of this archive, and by it of all in the target's entry. The bounds hold for what is asked for and for what is passed over. */
struct unpacking {
	struct archive *a;
	struct hm_target *t;
	uint64_t bytes;
	bool over;
};

#define ENTRY_COSTS 512u /* a header is work too */
#define ALIVE_EVERY ((uint64_t)16 << 20)

static bool spend(struct unpacking *u, uint64_t bytes)
{
	struct hm_target *t = u->t;
	uint64_t before = u->bytes / ALIVE_EVERY;

	u->bytes += bytes;
	t->unpacked += t->depth ? bytes : 0;
	u->over = u->over || u->bytes > t->bounds.unpacked || t->unpacked > t->bounds.unpacked || (uint64_t)archive_filter_bytes(u->a, 0) > t->bounds.unpacked;
	if (u->bytes / ALIVE_EVERY != before && t->bounds.alive)
		t->bounds.alive(t->bounds.alive_cookie);
	return !u->over;
}

static void free_archive(struct archive **a)
{
	if (*a)
		archive_read_free(*a);
}

static ssize_t pull_entry(void *cookie, void *to, size_t len)
{
	struct unpacking *u = cookie;
	la_ssize_t got;

	do
		got = archive_read_data(u->a, to, len);
	while (got == ARCHIVE_RETRY);
	return got == ARCHIVE_WARN || (got > 0 && !spend(u, (uint64_t)got)) ? -1 : got;
}

/* What nobody asked for. Where passing over it means to unpack it, libarchive would do so to its end, however far that is. */
static int pass_over(struct unpacking *u, bool streamed)
{
	int format = archive_format(u->a) & ARCHIVE_FORMAT_BASE_MASK, got = ARCHIVE_OK;
	const void *block;
	size_t len;
	la_int64_t at;

	if (format == ARCHIVE_FORMAT_RAW) /* one compressed file: there is nothing behind it */
		return 0;
	if (!streamed && archive_filter_count(u->a) <= 1 && format != ARCHIVE_FORMAT_7ZIP && format != ARCHIVE_FORMAT_CAB && format != ARCHIVE_FORMAT_XAR)
		return 0;
	while (!u->over && (got = archive_read_data_block(u->a, &block, &len, &at)) == ARCHIVE_OK)
		(void)spend(u, len);
	return u->over ? -1 : 0; /* what is damaged the next header tells */
}

bool target_is_archive(struct hm_slice head)
{
	static const struct {
		size_t at, len;
		const char *magic;
	} magics[] = {
		{ 0, 4, "PK\3\4" }, { 0, 4, "PK\5\6" }, { 0, 3, "\x1f\x8b\x08" }, { 0, 6, "\xfd" "7zXZ" }, { 0, 3, "BZh" }, { 0, 4, "\x28\xb5\x2f\xfd" },
		{ 0, 4, "\x04\x22\x4d\x18" }, { 0, 6, "7z\xbc\xaf\x27\x1c" }, { 0, 4, "Rar!" }, { 0, 8, "!<arch>\n" }, { 0, 4, "\xed\xab\xee\xdb" },
		{ 0, 5, "07070" }, { 257, 5, "ustar" }, { 0, 4, "MSCF" }, { 0, 4, "xar!" }, { 0, 4, "LZIP" }, { 2, 4, "-lh5" },
	};

	for (size_t i = 0; i < HM_COUNT(magics); i++)
		if (head.len >= magics[i].at + magics[i].len && memcmp(head.data + magics[i].at, magics[i].magic, magics[i].len) == 0)
			return true;
	return false;
}

/* All but mtree, which is a list of names and takes a change log for one, and warc. */
static int (*const formats[])(struct archive *) = {
	archive_read_support_format_7zip, archive_read_support_format_ar,  archive_read_support_format_cab, archive_read_support_format_cpio,
	archive_read_support_format_empty, archive_read_support_format_iso9660, archive_read_support_format_lha, archive_read_support_format_rar,
	archive_read_support_format_rar5, archive_read_support_format_tar, archive_read_support_format_xar, archive_read_support_format_zip,
	archive_read_support_format_raw, /* one compressed file */
};

static int start(struct archive *a, const struct target_archive_source *s, struct feed *feed)
{
	archive_read_support_filter_all(a);
	for (size_t i = 0; i < HM_COUNT(formats); i++)
		formats[i](a);
	if (s->fd >= 0)
		return lseek(s->fd, 0, SEEK_SET) == 0 ? archive_read_open_fd(a, s->fd, 65536) : ARCHIVE_FATAL;
	if (!s->pull)
		return archive_read_open_memory(a, s->bytes.data, s->bytes.len);
	feed->pull = s->pull;
	feed->cookie = s->cookie;
	return archive_read_open2(a, feed, NULL, feed_read, NULL, NULL);
}

/* The name without the ending of what compresses it: libarchive calls a lone compressed file "data". */
static char *unpacked_name(const char *path)
{
	static const char *const endings[] = { ".gz", ".xz", ".bz2", ".zst", ".lz4", ".lzma", ".Z", ".lz" };
	const char *slash = strrchr(path, '/');
	char *name = hm_strdup(slash ? slash : path);

	for (size_t i = 0; i < HM_COUNT(endings); i++) {
		size_t n = strlen(name), m = strlen(endings[i]);

		if (n > m + 1 && strcmp(name + n - m, endings[i]) == 0)
			name[n - m] = 0;
	}
	return name;
}

static int tell(struct unpacking *u, const struct target_archive_source *s, struct archive_entry *e, struct hm_fail *fail)
{
	struct hm_target *t = u->t;
	struct archive *a = u->a;
	static const struct {
		unsigned type;
		enum hm_entry_type as;
	} types[] = { { AE_IFREG, HM_ENTRY_FILE }, { AE_IFDIR, HM_ENTRY_FOLDER }, { AE_IFLNK, HM_ENTRY_LINK } };
	const char *raw = archive_entry_pathname(e) ? archive_entry_pathname(e) : archive_entry_pathname_utf8(e);
	struct hm_entry entry = { .type = HM_ENTRY_OTHER, .outer = s->outer, .mode = archive_entry_perm(e) };
	HM_FREE char *path = NULL;

	if (!raw || strlen(raw) > TARGET_PATH_MAX)
		return target_unread(t, s->name, s->within, fail, "it has a name that %s", raw ? "is too long" : "cannot be read");
	path = archive_format(a) == ARCHIVE_FORMAT_RAW ? unpacked_name(s->name) : target_path(raw);
	entry.path = path;
	entry.link = archive_entry_hardlink(e) ? archive_entry_hardlink(e) : archive_entry_symlink(e);
	for (size_t i = 0; i < HM_COUNT(types); i++)
		if (types[i].type == archive_entry_filetype(e))
			entry.type = types[i].as;
	if (archive_entry_hardlink(e))
		entry.type = HM_ENTRY_FILE; /* its bytes are the other's */
	/* A lone compressed file has no length before its end: the bounds are those of who reads. */
	entry.size = archive_entry_size_is_set(e) && archive_entry_size(e) > 0 ? (uint64_t)archive_entry_size(e) :
		     archive_format(a) == ARCHIVE_FORMAT_RAW		       ? TARGET_HEAD :
										 0;
	if (s->through && s->through(s->through_cookie, &entry) != 0)
		return 0;
	if (archive_entry_is_encrypted(e) && entry.type == HM_ENTRY_FILE) {
		int r = target_tell(t, &entry, NULL, NULL, -1, fail);

		return r ? r : target_unread(t, path, s->outer, fail, "it is encrypted");
	}
	return target_tell(t, &entry, pull_entry, u, -1, fail);
}

static int over(const struct unpacking *u, const struct target_archive_source *s, struct hm_fail *fail)
{
	bool together = u->bytes <= u->t->bounds.unpacked && u->t->unpacked > u->t->bounds.unpacked;

	return target_unread(u->t, s->name, s->within, fail, "it unpacks to more than %llu bytes%s: the rest is not read", (unsigned long long)u->t->bounds.unpacked,
			     together ? ", with what lies beside it" : "");
}

int target_archive_walk(struct hm_target *t, const struct target_archive_source *s, struct hm_fail *fail)
{
	HM_CLEANUP(free_archive) struct archive *a = archive_read_new();
	HM_FREE struct feed *feed = s->pull ? hm_alloc(1, sizeof(*feed)) : NULL;
	struct unpacking u = { .a = a, .t = t };
	struct archive_entry *e;
	uint64_t entries = 0;
	int r = 0, got;

	if (!a)
		return hm_fail_set(fail, HM_E_SYSTEM, "libarchive has no memory");
	if (start(a, s, feed) != ARCHIVE_OK)
		return target_unread(t, s->name, s->within, fail, "no archive that is known: %s", archive_error_string(a) ? archive_error_string(a) : "damaged");
	while (r == 0) {
		got = archive_read_next_header(a, &e);
		if (got == ARCHIVE_EOF)
			break;
		if (got == ARCHIVE_RETRY && ++entries < t->bounds.entries)
			continue;
		if (got != ARCHIVE_OK && got != ARCHIVE_WARN)
			return target_unread(t, s->name, s->within, fail, "damaged from entry %llu on: %s", (unsigned long long)entries + 1,
					     archive_error_string(a) ? archive_error_string(a) : "no reason");
		if (++entries > t->bounds.entries)
			return target_unread(t, s->name, s->within, fail, "it has more than %llu entries", (unsigned long long)t->bounds.entries);
		if (spend(&u, ENTRY_COSTS))
			r = tell(&u, s, e, fail);
		if (r == 0 && (u.over || pass_over(&u, s->pull != NULL) != 0))
			return over(&u, s, fail);
	}
	return r;
}

static int walk(struct hm_target *t, struct hm_fail *fail)
{
	const char *slash = strrchr(t->place, '/');
	HM_FREE char *name = hm_sprintf("/%s", slash ? slash + 1 : t->place);
	struct target_archive_source source = { .fd = t->fd, .name = name };

	return target_archive_walk(t, &source, fail);
}

const struct target_form target_archive = { "archive", walk, NULL };
