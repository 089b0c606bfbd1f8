/* The one container that a set of parts has (PKWARE APPNOTE 6.3.10, sections 4.3 and 4.5.3), as a stream. Writing a file
 * sends it to a descriptor, checking a file sends it against the file's bytes: reader and writer cannot disagree. */
#include <zlib.h>

#include "bundle_internal.h"
#include "fs.h"

struct member {
	const char *name;
	struct hm_slice content;
	uint32_t crc;
	uint64_t offset;
};

struct container {
	struct member *list;
	size_t count;
	uint64_t directory, directory_end;
};

static void release(struct container *c)
{
	free(c->list);
}

static int rank(const char *name)
{
	return strcmp(name, "core.json") == 0 ? 0 : strcmp(name, "manifest.json") == 0 ? 1 : 2;
}

bool hm_zip_before(const char *a, const char *b)
{
	int difference = rank(a) - rank(b);

	return difference ? difference < 0 : strcmp(a, b) < 0;
}

static int compare(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	return hm_zip_before(x->name, y->name) ? -1 : hm_zip_before(y->name, x->name);
}

static int put(struct hm_sink *sink, struct hm_slice s, struct hm_fail *fail)
{
	int r = sink->put(sink, s, fail);

	sink->at += s.len;
	return r;
}

static void le(struct hm_bytes *out, uint64_t v, size_t size)
{
	for (size_t i = 0; i < size; i++)
		hm_bytes_u8(out, (uint8_t)(v >> 8 * i));
}

/* A field of 32 bits, or the mark that its value stands in the ZIP64 extra field. */
static uint32_t low32(uint64_t v)
{
	return v >= HM_ZIP_MAX32 ? HM_ZIP_MAX32 : (uint32_t)v;
}

/* Version, flags, method, time, date, CRC, both sizes, length of name, length of extra: equal in both headers. */
static void common_fields(struct hm_bytes *out, const struct member *m, size_t extra, bool zip64)
{
	le(out, zip64 ? HM_ZIP_NEEDED64 : HM_ZIP_NEEDED, 2);
	le(out, 0, 2);
	le(out, 0, 2);
	le(out, 0, 2);
	le(out, HM_ZIP_DATE, 2);
	le(out, m->crc, 4);
	le(out, low32(m->content.len), 4);
	le(out, low32(m->content.len), 4);
	le(out, strlen(m->name), 2);
	le(out, extra, 2);
}

static void local_header(struct hm_bytes *out, const struct member *m)
{
	bool big = m->content.len >= HM_ZIP_MAX32;

	le(out, HM_ZIP_LOCAL, 4);
	common_fields(out, m, big ? 20 : 0, big);
	hm_bytes_text(out, m->name);
	if (big) {
		le(out, 1, 2);
		le(out, 16, 2);
		le(out, m->content.len, 8);
		le(out, m->content.len, 8);
	}
}

static void directory_entry(struct hm_bytes *out, const struct member *m)
{
	bool big = m->content.len >= HM_ZIP_MAX32, far = m->offset >= HM_ZIP_MAX32;
	size_t values = (big ? 16 : 0) + (far ? 8 : 0);

	le(out, 0x02014b50, 4);
	le(out, values ? HM_ZIP_NEEDED64 : HM_ZIP_NEEDED, 2);
	common_fields(out, m, values ? values + 4 : 0, values);
	le(out, 0, 2); /* comment */
	le(out, 0, 2); /* disk */
	le(out, 0, 2); /* internal attributes */
	le(out, 0, 4); /* external attributes */
	le(out, low32(m->offset), 4);
	hm_bytes_text(out, m->name);
	if (!values)
		return;
	le(out, 1, 2);
	le(out, values, 2);
	if (big) {
		le(out, m->content.len, 8);
		le(out, m->content.len, 8);
	}
	if (far)
		le(out, m->offset, 8);
}

static void end_records(struct hm_bytes *out, const struct container *c)
{
	uint64_t size = c->directory_end - c->directory;
	uint64_t count16 = c->count >= HM_ZIP_MAX16 ? HM_ZIP_MAX16 : c->count;

	if (c->count >= HM_ZIP_MAX16 || size >= HM_ZIP_MAX32 || c->directory >= HM_ZIP_MAX32) {
		le(out, 0x06064b50, 4);
		le(out, 44, 8);
		le(out, HM_ZIP_NEEDED64, 2);
		le(out, HM_ZIP_NEEDED64, 2);
		le(out, 0, 8); /* this disk, the directory's disk */
		le(out, c->count, 8);
		le(out, c->count, 8);
		le(out, size, 8);
		le(out, c->directory, 8);
		le(out, 0x07064b50, 4);
		le(out, 0, 4);
		le(out, c->directory_end, 8);
		le(out, 1, 4);
	}
	le(out, 0x06054b50, 4);
	le(out, 0, 4); /* this disk, the directory's disk */
	le(out, count16, 2);
	le(out, count16, 2);
	le(out, low32(size), 4);
	le(out, low32(c->directory), 4);
	le(out, 0, 2);
}

/* Piece by piece, so that of a file that is mapped little is in memory at once. */
static uint32_t crc_of(struct hm_slice s)
{
	const size_t most = (size_t)1 << 20;
	uLong crc = 0;

	while (s.len) {
		struct hm_slice piece = { s.data, s.len < most ? s.len : most };

		crc = crc32_z(crc, piece.data, piece.len);
		if (piece.len == most)
			hm_fs_passed(piece);
		s = (struct hm_slice){ s.data + piece.len, s.len - piece.len };
	}
	return (uint32_t)crc;
}

static int emit_member(struct member *m, struct hm_sink *sink, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes head = { 0 };
	int r;

	m->offset = sink->at;
	m->crc = crc_of(m->content);
	local_header(&head, m);
	r = put(sink, hm_slice_of(&head), fail);
	if (r == 0)
		r = put(sink, m->content, fail);
	return r < 0 ? hm_fail_in(fail, "%s", m->name) : 0;
}

static int emit_directory(struct container *c, struct hm_sink *sink, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };
	int r;

	c->directory = sink->at;
	for (size_t i = 0; i < c->count; i++) {
		out.len = 0;
		directory_entry(&out, &c->list[i]);
		r = put(sink, hm_slice_of(&out), fail);
		if (r < 0)
			return r;
	}
	c->directory_end = sink->at;
	out.len = 0;
	end_records(&out, c);
	return put(sink, hm_slice_of(&out), fail);
}

int hm_zip_emit(const struct hm_parts *parts, struct hm_sink *sink, struct hm_fail *fail)
{
	HM_CLEANUP(release) struct container c = { .count = hm_parts_count(parts) };

	c.list = hm_alloc(c.count + 1, sizeof(*c.list));
	for (size_t i = 0; i < c.count; i++)
		c.list[i].name = hm_parts_at(parts, i, &c.list[i].content);
	qsort(c.list, c.count, sizeof(*c.list), compare);
	for (size_t i = 0; i < c.count; i++) {
		int r = emit_member(&c.list[i], sink, fail);

		if (r < 0)
			return r;
	}
	return emit_directory(&c, sink, fail);
}
