#include "planted_formats.h"

#include <zlib.h>

/* 2024-05-14 09:00 in MS-DOS form, the time of every member. */
#define DOS_TIME (9u << 11)
#define DOS_DATE ((44u << 9) | (5u << 5) | 14u)

static void le(struct hm_bytes *out, unsigned size, uint32_t v)
{
	for (unsigned i = 0; i < size; i++)
		hm_bytes_u8(out, (uint8_t)(v >> (8 * i)));
}

void hm_doc_deflate(struct hm_bytes *out, struct hm_slice plain, bool bare)
{
	z_stream z = { 0 };

	if (deflateInit2(&z, 9, Z_DEFLATED, bare ? -15 : 15, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		abort();
	z.next_in = (Bytef *)(uintptr_t)plain.data;
	z.avail_in = (uInt)plain.len;
	z.avail_out = (uInt)deflateBound(&z, plain.len);
	z.next_out = hm_bytes_reserve(out, z.avail_out);
	if (deflate(&z, Z_FINISH) != Z_STREAM_END)
		abort();
	out->len += z.total_out;
	deflateEnd(&z);
}

/* What the local header and the directory entry have in common. */
static void describe(struct hm_bytes *out, bool deflated, uint32_t crc, size_t packed, size_t plain, size_t name)
{
	le(out, 2, 20); /* version needed */
	le(out, 2, 0);
	le(out, 2, deflated ? 8 : 0);
	le(out, 2, DOS_TIME);
	le(out, 2, DOS_DATE);
	le(out, 4, crc);
	le(out, 4, (uint32_t)packed);
	le(out, 4, (uint32_t)plain);
	le(out, 2, (uint32_t)name);
	le(out, 2, 0); /* no extra field */
}

void hm_zip_add(struct hm_zip *zip, const char *name, struct hm_slice content, bool deflated)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes packed = { 0 };
	uint32_t crc = (uint32_t)crc32(crc32(0, NULL, 0), content.data, (uInt)content.len);
	size_t at = zip->file.len, length = strlen(name);

	if (deflated)
		hm_doc_deflate(&packed, content, true);
	else
		hm_bytes_slice(&packed, content);
	le(&zip->file, 4, 0x04034b50);
	describe(&zip->file, deflated, crc, packed.len, content.len, length);
	hm_bytes_append(&zip->file, name, length);
	hm_bytes_slice(&zip->file, hm_slice_of(&packed));

	le(&zip->directory, 4, 0x02014b50);
	le(&zip->directory, 2, (3 << 8) | 20); /* made by: Unix */
	describe(&zip->directory, deflated, crc, packed.len, content.len, length);
	le(&zip->directory, 2, 0); /* comment */
	le(&zip->directory, 2, 0); /* disk */
	le(&zip->directory, 2, 0);
	le(&zip->directory, 4, 0100644u << 16);
	le(&zip->directory, 4, (uint32_t)at);
	hm_bytes_append(&zip->directory, name, length);
	zip->members++;
}

void hm_zip_end(struct hm_zip *zip, struct hm_bytes *out)
{
	hm_bytes_slice(out, hm_slice_of(&zip->file));
	hm_bytes_slice(out, hm_slice_of(&zip->directory));
	le(out, 4, 0x06054b50);
	le(out, 4, 0); /* disks */
	le(out, 2, zip->members);
	le(out, 2, zip->members);
	le(out, 4, (uint32_t)zip->directory.len);
	le(out, 4, (uint32_t)zip->file.len);
	le(out, 2, 0); /* comment */
	hm_bytes_release(&zip->file);
	hm_bytes_release(&zip->directory);
}
