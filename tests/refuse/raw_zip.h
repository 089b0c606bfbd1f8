#pragma once
/* A ZIP writer that does what it is told, right or wrong. It shares nothing with the project's own: with no wrong set it must
 * make the same bytes. */
#include <zlib.h>

#include "parts.h"

#define RAW_MAX 64

struct raw_member {
	const char *name;
	struct hm_slice content; /* as stored */
	uint32_t crc, size;	 /* size: of the content before compression */
	uint16_t flags, method, extra, comment, date;
	bool descriptor;   /* sizes and CRC behind the content */
	bool at_previous;  /* the directory points to the member before */
	bool only_listed;  /* in the directory, not in the file */
	bool only_there;   /* in the file, not in the directory */
};

struct raw_zip {
	struct raw_member list[RAW_MAX];
	size_t count;
	const char *prefix, *gap, *suffix, *comment;
	uint32_t offset[RAW_MAX];
};

static inline void raw_le(struct hm_bytes *out, uint64_t v, size_t size)
{
	for (size_t i = 0; i < size; i++)
		hm_bytes_u8(out, (uint8_t)(v >> 8 * i));
}

static inline struct raw_member *raw_add(struct raw_zip *z, const char *name, struct hm_slice content)
{
	struct raw_member *m = &z->list[z->count++];

	*m = (struct raw_member){ .name = name, .content = content, .size = (uint32_t)content.len, .date = 0x21,
				  .crc = (uint32_t)crc32(0, content.data, (unsigned)content.len) };
	return m;
}

/* The parts in canonical order. */
static inline struct raw_zip raw_of(const struct hm_parts *parts)
{
	static const char *const first[] = { "core.json", "manifest.json" };
	struct raw_zip z = { 0 };
	struct hm_slice content;

	for (size_t i = 0; i < HM_COUNT(first); i++)
		if (hm_parts_get(parts, first[i], &content))
			raw_add(&z, first[i], content);
	for (size_t i = 0; i < hm_parts_count(parts); i++) {
		const char *name = hm_parts_at(parts, i, &content);

		if (strcmp(name, first[0]) != 0 && strcmp(name, first[1]) != 0)
			raw_add(&z, name, content);
	}
	return z;
}

static inline void raw_fields(struct hm_bytes *out, const struct raw_member *m, bool local)
{
	bool later = local && m->descriptor;

	raw_le(out, 10, 2);
	raw_le(out, m->flags | (m->descriptor ? 8u : 0u), 2);
	raw_le(out, m->method, 2);
	raw_le(out, 0, 2);
	raw_le(out, m->date, 2);
	raw_le(out, later ? 0 : m->crc, 4);
	raw_le(out, later ? 0 : m->content.len, 4);
	raw_le(out, later ? 0 : m->size, 4);
	raw_le(out, strlen(m->name), 2);
	raw_le(out, m->extra, 2);
}

static inline void raw_extra(struct hm_bytes *out, uint16_t len)
{
	if (len >= 4) {
		raw_le(out, 0x7875, 2); /* Unix owner */
		raw_le(out, len - 4u, 2);
	}
	for (uint16_t i = 4; i < len; i++)
		hm_bytes_u8(out, 0);
}

static inline void raw_local(struct hm_bytes *out, struct raw_zip *z, size_t i)
{
	const struct raw_member *m = &z->list[i];

	z->offset[i] = (uint32_t)out->len;
	if (m->only_listed)
		return;
	raw_le(out, 0x04034b50, 4);
	raw_fields(out, m, true);
	hm_bytes_text(out, m->name);
	raw_extra(out, m->extra);
	hm_bytes_slice(out, m->content);
	if (m->descriptor) {
		raw_le(out, 0x08074b50, 4);
		raw_le(out, m->crc, 4);
		raw_le(out, m->content.len, 4);
		raw_le(out, m->size, 4);
	}
}

static inline void raw_listed(struct hm_bytes *out, const struct raw_zip *z, size_t i)
{
	const struct raw_member *m = &z->list[i];

	raw_le(out, 0x02014b50, 4);
	raw_le(out, 10, 2);
	raw_fields(out, m, false);
	raw_le(out, m->comment, 2);
	raw_le(out, 0, 8);
	raw_le(out, z->offset[m->at_previous && i ? i - 1 : i], 4);
	hm_bytes_text(out, m->name);
	raw_extra(out, m->extra);
	for (uint16_t k = 0; k < m->comment; k++)
		hm_bytes_u8(out, '!');
}

static inline struct hm_bytes raw_write(struct raw_zip *z)
{
	struct hm_bytes out = { 0 };
	size_t directory, end, listed = 0;

	hm_bytes_text(&out, z->prefix ? z->prefix : "");
	for (size_t i = 0; i < z->count; i++)
		raw_local(&out, z, i);
	hm_bytes_text(&out, z->gap ? z->gap : "");
	directory = out.len;
	for (size_t i = 0; i < z->count; i++) {
		if (z->list[i].only_there)
			continue;
		raw_listed(&out, z, i);
		listed++;
	}
	end = out.len;
	raw_le(&out, 0x06054b50, 4);
	raw_le(&out, 0, 4);
	raw_le(&out, listed, 2);
	raw_le(&out, listed, 2);
	raw_le(&out, end - directory, 4);
	raw_le(&out, directory, 4);
	raw_le(&out, z->comment ? strlen(z->comment) : 0, 2);
	hm_bytes_text(&out, z->comment ? z->comment : "");
	hm_bytes_text(&out, z->suffix ? z->suffix : "");
	return out;
}
