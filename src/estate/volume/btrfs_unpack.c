/* The three ways in which btrfs compresses. */
#include "btrfs.h"

#include <lzo/lzo1x.h>
#include <zlib.h>
#include <zstd.h>

static bool unzip(struct hm_slice packed, size_t most, struct hm_bytes *plain)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)packed.data, .avail_in = (uInt)packed.len, .next_out = hm_bytes_reserve(plain, most), .avail_out = (uInt)most };
	int r;

	if (inflateInit(&z) != Z_OK)
		return false;
	r = inflate(&z, Z_FINISH);
	plain->len += most - z.avail_out;
	inflateEnd(&z);
	return r == Z_STREAM_END || (r == Z_BUF_ERROR && z.avail_out == 0);
}

static bool unzstd(struct hm_slice packed, size_t most, struct hm_bytes *plain)
{
	ZSTD_DCtx *context = ZSTD_createDCtx();
	ZSTD_inBuffer in = { packed.data, packed.len, 0 };
	ZSTD_outBuffer out = { hm_bytes_reserve(plain, most), most, 0 };
	size_t r = 1, before;

	do { /* behind the frame there may be what fills a sector */
		before = in.pos + out.pos;
		r = context ? ZSTD_decompressStream(context, &out, &in) : (size_t)-1;
	} while (!ZSTD_isError(r) && r != 0 && out.pos < out.size && in.pos + out.pos > before);
	ZSTD_freeDCtx(context);
	plain->len += out.pos;
	return !ZSTD_isError(r) && (r == 0 || out.pos == out.size);
}

/* The length of all, then pieces with theirs, one for each sector; no length of a piece is split between sectors. */
static bool unlzo(struct hm_slice packed, size_t most, uint32_t sector, struct hm_bytes *plain)
{
	size_t at = 4, end = packed.len >= 4 ? (size_t)volume_le(packed.data, 4) : 0;

	if (end > packed.len || end < 4)
		return false;
	while (at < end && plain->len < most) {
		lzo_uint got = most - plain->len < sector ? most - plain->len : sector;
		size_t len;

		if (sector - at % sector < 4)
			at += sector - at % sector;
		if (at + 4 > end)
			break;
		len = (size_t)volume_le(packed.data + at, 4);
		at += 4;
		if (len > end - at || lzo1x_decompress_safe(packed.data + at, len, hm_bytes_reserve(plain, got), &got, NULL) != LZO_E_OK)
			return false;
		plain->len += got;
		at += len;
	}
	return true;
}

bool btrfs_unpack(unsigned how, struct hm_slice packed, size_t most, uint32_t sector, struct hm_bytes *plain)
{
	switch (how) {
	case 1:
		return unzip(packed, most, plain);
	case 2:
		return unlzo(packed, most, sector, plain);
	default:
		return unzstd(packed, most, plain);
	}
}
