/* PE (Microsoft's PE Format): "MZ", at 0x3c the offset of "PE\0\0", the COFF header, the optional header with its data directories,
 * the section table. Directory 0 is the export table, 2 the resources, 4 the certificates (a file offset, the others are RVAs). */
#include "pe_internal.h"

#define SECTIONS_MAX 96

bool hm_pe_open(struct hm_pe *pe, struct hm_slice bytes)
{
	struct hm_cursor c = hm_cursor_of(bytes);
	uint64_t at, sections, optional, magic, directories;

	memset(pe, 0, sizeof(*pe));
	pe->bytes = bytes;
	if (hm_cursor_le(&c, 2) != 0x5a4d)
		return false;
	hm_cursor_bytes(&c, 0x3a);
	at = hm_cursor_le(&c, 4);
	if (c.bad || at > bytes.len)
		return false;
	c = hm_cursor_of((struct hm_slice){ bytes.data + at, bytes.len - (size_t)at });
	if (hm_cursor_le(&c, 4) != 0x4550)
		return false;
	hm_cursor_bytes(&c, 2);
	sections = hm_cursor_le(&c, 2);
	hm_cursor_bytes(&c, 12);
	optional = hm_cursor_le(&c, 2);
	hm_cursor_bytes(&c, 2);
	magic = hm_cursor_le(&c, 2);
	pe->checksum_at = at + 24 + 64;
	pe->directories_at = at + 24 + (magic == 0x20b ? 112 : 96);
	if (c.bad || (magic != 0x10b && magic != 0x20b) || optional < pe->directories_at - at - 24)
		return false;
	hm_cursor_bytes(&c, (size_t)(pe->directories_at - at - 24 - 2 - 4));
	directories = hm_cursor_le(&c, 4);
	for (uint64_t i = 0; i < directories && i < HM_PE_DIRECTORIES; i++) {
		pe->directory[i].at = hm_cursor_le(&c, 4);
		pe->directory[i].len = hm_cursor_le(&c, 4);
	}
	pe->sections_at = at + 24 + optional;
	pe->sections = sections < SECTIONS_MAX ? sections : SECTIONS_MAX;
	return !c.bad && pe->sections_at <= bytes.len;
}

struct hm_slice hm_pe_at(const struct hm_pe *pe, uint64_t rva)
{
	struct hm_cursor c = hm_cursor_of((struct hm_slice){ pe->bytes.data + pe->sections_at, pe->bytes.len - (size_t)pe->sections_at });

	for (uint64_t i = 0; i < pe->sections; i++) {
		uint64_t size, start, len, offset;

		hm_cursor_bytes(&c, 8);
		size = hm_cursor_le(&c, 4);
		start = hm_cursor_le(&c, 4);
		len = hm_cursor_le(&c, 4);
		offset = hm_cursor_le(&c, 4);
		hm_cursor_bytes(&c, 16);
		if (c.bad)
			break;
		if (rva < start || rva - start >= (size > len ? size : len) || rva - start >= len || offset > pe->bytes.len ||
		    rva - start >= pe->bytes.len - offset)
			continue;
		len -= rva - start;
		offset += rva - start;
		if (len > pe->bytes.len - offset)
			len = pe->bytes.len - offset;
		return (struct hm_slice){ pe->bytes.data + offset, (size_t)len };
	}
	return (struct hm_slice){ NULL, 0 };
}

uint64_t hm_binary_end(struct hm_slice head)
{
	struct hm_pe pe;
	struct hm_cursor c;
	uint64_t end = 0;

	if (!hm_pe_open(&pe, head))
		return 0;
	c = hm_cursor_of((struct hm_slice){ head.data + pe.sections_at, head.len - (size_t)pe.sections_at });
	for (uint64_t i = 0; i < pe.sections; i++) {
		uint64_t len, offset;

		hm_cursor_bytes(&c, 16);
		len = hm_cursor_le(&c, 4);
		offset = hm_cursor_le(&c, 4);
		hm_cursor_bytes(&c, 16);
		end = !c.bad && len && offset + len > end ? offset + len : end;
	}
	return c.bad ? 0 : end;
}

static struct hm_slice certificates(const struct hm_pe *pe)
{
	uint64_t at = pe->directory[HM_PE_CERTIFICATES].at, len = pe->directory[HM_PE_CERTIFICATES].len;

	if (at == 0 || at > pe->bytes.len || len > pe->bytes.len - at)
		return (struct hm_slice){ NULL, 0 };
	return (struct hm_slice){ pe->bytes.data + at, (size_t)len };
}

int hm_binary_pe(struct hm_binary_out *out)
{
	struct hm_pe pe;
	int r;

	if (!hm_pe_open(&pe, out->file->bytes))
		return 0; /* "MZ" and no PE: a DOS program, or a text that begins so */
	r = hm_pe_signed(out, &pe, certificates(&pe));
	hm_binary_made_by(out);
	if (r == 0)
		r = hm_pe_resources(out, &pe);
	return r == 0 ? hm_pe_name(out, &pe) : r;
}
