/* Every frame of ours begins {u32 magic, u32 length, 8 bytes of name, u16 version} and ends with the CRC-32C of all of it
 * before, in every version: so a changed bit is never taken for a newer version, nor a newer version for damage. */
#include "record_internal.h"

#include <pthread.h>

#include "cursor.h"

#define SEEK_MAGIC 0x184d2a5eu	    /* the zstd seekable format, version 0.1.0 */
#define SEEK_FOOTER_MAGIC 0x8f92eab1u
#define FIXED_LEN 18 /* magic to version */
#define FOREIGN_MAX 4096

#define FLAG_WITHHELD 1

static const struct frame {
	uint32_t magic, len;
	char name[9];
	enum hm_record_part part;
} frames[] = {
	{ 0x184d2a53u, HM_RECORD_BLOCK_LEN, "HMRBLOCK", HM_PART_BLOCK },
	{ 0x184d2a54u, HM_RECORD_TOTALS_LEN, "HMRTOTAL", HM_PART_TOTALS },
};

/* crc_table[k][b]: the CRC of byte b and k zero bytes behind it, so that eight bytes take eight look-ups that do not wait for
 * each other. */
static uint32_t crc_table[8][256];

static void make_crc_table(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t v = i;

		for (int bit = 0; bit < 8; bit++)
			v = v & 1 ? v >> 1 ^ 0x82f63b78u : v >> 1;
		crc_table[0][i] = v;
	}
	for (uint32_t i = 0; i < 256; i++)
		for (int k = 1; k < 8; k++)
			crc_table[k][i] = crc_table[k - 1][i] >> 8 ^ crc_table[0][crc_table[k - 1][i] & 0xff];
}

uint32_t hm_record_crc(struct hm_slice s)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	uint32_t crc = UINT32_MAX;
	size_t i = 0;

	pthread_once(&once, make_crc_table);
	for (; i + 8 <= s.len; i += 8) {
		const uint8_t *p = s.data + i;

		crc ^= p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
		crc = crc_table[7][crc & 0xff] ^ crc_table[6][crc >> 8 & 0xff] ^ crc_table[5][crc >> 16 & 0xff] ^
		      crc_table[4][crc >> 24] ^ crc_table[3][p[4]] ^ crc_table[2][p[5]] ^ crc_table[1][p[6]] ^ crc_table[0][p[7]];
	}
	for (; i < s.len; i++)
		crc = crc >> 8 ^ crc_table[0][(crc ^ s.data[i]) & 0xff];
	return ~crc;
}

static void put_le(struct hm_bytes *out, uint64_t v, size_t size)
{
	for (size_t i = 0; i < size; i++, v >>= 8)
		hm_bytes_u8(out, (uint8_t)v);
}

static void put_fixed(struct hm_bytes *out, const struct frame *frame, uint8_t kind, uint8_t flags)
{
	put_le(out, frame->magic, 4);
	put_le(out, frame->len - 8, 4);
	hm_bytes_append(out, frame->name, 8);
	put_le(out, HM_RECORD_VERSION, 2);
	hm_bytes_u8(out, kind);
	hm_bytes_u8(out, flags);
}

/* The CRC of what was appended since `start` ends the frame. */
static void put_crc(struct hm_bytes *out, size_t start)
{
	put_le(out, hm_record_crc((struct hm_slice){ out->data + start, out->len - start }), 4);
}

void hm_record_put_block(struct hm_bytes *out, const struct hm_block *block)
{
	size_t start = out->len;

	put_fixed(out, &frames[0], block->kind, block->withheld ? FLAG_WITHHELD : 0);
	put_le(out, block->count, 4);
	put_le(out, block->number, 8);
	put_le(out, block->first, 8);
	put_le(out, block->t_first, 8);
	put_le(out, block->t_last, 8);
	put_le(out, block->raw_len, 4);
	put_le(out, block->frame_len, 4);
	put_le(out, block->frame_crc, 4);
	hm_bytes_append(out, block->salt, HM_RECORD_SALT_LEN);
	hm_bytes_append(out, block->leaf.b, HM_SHA256_LEN);
	hm_bytes_append(out, block->root.b, HM_SHA256_LEN);
	put_crc(out, start);
}

void hm_record_put_totals(struct hm_bytes *out, const struct hm_totals *totals)
{
	size_t start = out->len;

	put_fixed(out, &frames[1], totals->kind, 0);
	put_le(out, totals->blocks, 8);
	put_le(out, totals->items, 8);
	put_le(out, totals->raw_bytes, 8);
	hm_bytes_append(out, totals->root.b, HM_SHA256_LEN);
	put_crc(out, start);
}

void hm_record_put_seek(struct hm_bytes *entries, uint32_t stored, uint32_t raw)
{
	put_le(entries, stored, 4);
	put_le(entries, raw, 4);
}

void hm_record_put_seek_table(struct hm_bytes *out, struct hm_slice entries)
{
	put_le(out, SEEK_MAGIC, 4);
	put_le(out, entries.len + 9, 4);
	hm_bytes_slice(out, entries);
	put_le(out, entries.len / 8, 4);
	hm_bytes_u8(out, 0); /* no checksums in the entries */
	put_le(out, SEEK_FOOTER_MAGIC, 4);
}

void hm_record_leaf(struct hm_sha256 *leaf, const uint8_t *salt, struct hm_slice raw)
{
	struct hm_slice parts[] = { { salt, HM_RECORD_SALT_LEN }, raw };

	hm_merkle_leaf(leaf, parts, HM_COUNT(parts));
}

static bool crc_holds(struct hm_slice frame)
{
	struct hm_cursor c = hm_cursor_of((struct hm_slice){ frame.data + frame.len - 4, 4 });

	return hm_cursor_le(&c, 4) == hm_record_crc((struct hm_slice){ frame.data, frame.len - 4 });
}

/* The frame that `rest` begins with, as far as `rest` goes; NULL for anything else. */
static const struct frame *frame_at(struct hm_slice rest)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes start = { 0 };

	for (size_t i = 0; i < HM_COUNT(frames); i++) {
		start.len = 0;
		put_fixed(&start, &frames[i], 0, 0);
		/* The length (bytes 4 to 7) may be another in another version. */
		if (memcmp(start.data, rest.data, rest.len < 4 ? rest.len : 4) == 0 &&
		    (rest.len <= 8 || memcmp(start.data + 8, rest.data + 8, (rest.len < 16 ? rest.len : 16) - 8) == 0))
			return &frames[i];
	}
	return NULL;
}

int hm_record_part(struct hm_slice rest, struct hm_fail *fail)
{
	const struct frame *frame = frame_at(rest);
	struct hm_cursor c = hm_cursor_of(rest);
	uint64_t len, version;

	if (!frame)
		return hm_fail_set(fail, HM_E_BAD, "not a record, or bytes that belong to no block");
	(void)hm_cursor_le(&c, 4);
	len = hm_cursor_le(&c, 4) + 8;
	(void)hm_cursor_bytes(&c, 8);
	version = hm_cursor_le(&c, 2);
	if (c.bad)
		return HM_PART_TORN;
	if (version == HM_RECORD_VERSION) {
		if (len != frame->len)
			return hm_fail_set(fail, HM_E_BAD, "a header has a wrong length");
		if (rest.len < len)
			return HM_PART_TORN;
	} else if (len < FIXED_LEN + 4 || len > FOREIGN_MAX || len > rest.len) {
		return hm_fail_set(fail, HM_E_BAD, "a header has a wrong version or length");
	}
	if (!crc_holds((struct hm_slice){ rest.data, (size_t)len }))
		return hm_fail_set(fail, HM_E_BAD, "a header's CRC is wrong");
	if (version != HM_RECORD_VERSION)
		return hm_fail_set(fail, HM_E_UNKNOWN,
				   "format version %u, and this program knows %u (use a newer Hallmark)",
				   (unsigned)version, HM_RECORD_VERSION);
	return frame->part;
}

static bool all_zero(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i])
			return false;
	return true;
}

/* A withheld block has no frame and no salt. */
static bool plausible(const struct hm_block *block, uint8_t flags)
{
	bool kind_known = block->kind == HM_RECORD_EVENTS || block->kind == HM_RECORD_TREE;
	bool no_content = block->frame_len == 0 && block->frame_crc == 0 && all_zero(block->salt, HM_RECORD_SALT_LEN);

	return kind_known && (flags & ~FLAG_WITHHELD) == 0 && block->count > 0 && block->count <= block->raw_len &&
	       block->raw_len <= HM_RECORD_RAW_MAX && block->t_first <= block->t_last &&
	       (block->withheld ? no_content : block->frame_len > 0);
}

int hm_record_get_block(struct hm_block *out, struct hm_slice rest, struct hm_fail *fail)
{
	struct hm_cursor c = hm_cursor_of(rest);
	struct hm_block block = { 0 };
	uint8_t flags;

	(void)hm_cursor_bytes(&c, FIXED_LEN);
	block.kind = hm_cursor_u8(&c);
	flags = hm_cursor_u8(&c);
	block.withheld = flags & FLAG_WITHHELD;
	block.count = (uint32_t)hm_cursor_le(&c, 4);
	block.number = hm_cursor_le(&c, 8);
	block.first = hm_cursor_le(&c, 8);
	block.t_first = hm_cursor_le(&c, 8);
	block.t_last = hm_cursor_le(&c, 8);
	block.raw_len = (uint32_t)hm_cursor_le(&c, 4);
	block.frame_len = (uint32_t)hm_cursor_le(&c, 4);
	block.frame_crc = (uint32_t)hm_cursor_le(&c, 4);
	if (hm_cursor_left(&c) < HM_RECORD_SALT_LEN + 2 * HM_SHA256_LEN)
		return hm_fail_set(fail, HM_E_BAD, "a header is cut short");
	memcpy(block.salt, hm_cursor_bytes(&c, HM_RECORD_SALT_LEN).data, HM_RECORD_SALT_LEN);
	memcpy(block.leaf.b, hm_cursor_bytes(&c, HM_SHA256_LEN).data, HM_SHA256_LEN);
	memcpy(block.root.b, hm_cursor_bytes(&c, HM_SHA256_LEN).data, HM_SHA256_LEN);
	if (!plausible(&block, flags))
		return hm_fail_set(fail, HM_E_BAD, "a header holds values that no writer writes");
	*out = block;
	return 0;
}
