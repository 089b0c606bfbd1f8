/* Rows of CBOR in one zstd frame. How hard it was compressed is free, so parts are never compared, only what they hold. */
#include "derived.h"

#include <zstd.h>

#include "cbor.h"

/* RFC 8878 section 3.1.1. */
static const uint8_t magic[4] = { 0x28, 0xb5, 0x2f, 0xfd };
/* In the byte behind it: a checksum, no dictionary, nothing that is unused. */
enum { FLAGS = 0x1f, CHECKSUM = 1 << 2 };

enum { LEVEL = 3, NUMBER = 0, TEXT = 1, TIME = 2 };

static void put_text(struct hm_bytes *out, const char *text)
{
	hm_cbor_bytes(out, hm_slice_text(text));
}

static void put_value(struct hm_bytes *out, const struct hm_feature *feature)
{
	struct hm_sha256 digest;

	if (!feature->text) {
		hm_cbor_int(out, feature->number);
		return;
	}
	if (feature->bytes.len <= HM_DERIVED_VALUE_MAX) {
		hm_cbor_bytes(out, feature->bytes);
		return;
	}
	hm_sha256_slice(&digest, feature->bytes);
	hm_cbor_array(out, 2);
	hm_cbor_uint(out, feature->bytes.len);
	hm_cbor_bytes(out, (struct hm_slice){ digest.b, sizeof(digest.b) });
}

void hm_derived_rows(struct hm_bytes *out, const struct hm_features *features)
{
	for (size_t i = 0; i < features->count; i++) {
		const struct hm_feature *feature = &features->list[i];

		hm_cbor_array(out, 8);
		put_text(out, feature->endpoint);
		put_text(out, feature->name);
		hm_cbor_uint(out, feature->timing ? TIME : feature->text ? TEXT : NUMBER);
		hm_cbor_uint(out, feature->origin);
		hm_cbor_uint(out, feature->wire);
		hm_cbor_uint(out, feature->flow == SIZE_MAX ? 0 : feature->flow + 1);
		put_value(out, feature);
		hm_cbor_array(out, feature->placed ? 2 : 0);
		if (!feature->placed)
			continue;
		hm_cbor_uint(out, (uint64_t)feature->tls + feature->given);
		hm_cbor_uint(out, feature->offset);
	}
}

static void free_maker(ZSTD_CCtx **maker)
{
	ZSTD_freeCCtx(*maker);
}

int hm_derived_pack(struct hm_bytes *out, struct hm_slice rows, struct hm_fail *fail)
{
	HM_CLEANUP(free_maker) ZSTD_CCtx *maker = ZSTD_createCCtx();
	size_t room = ZSTD_compressBound(rows.len), len;
	uint8_t *at;

	if (!maker)
		return hm_fail_set(fail, HM_E_SYSTEM, "compressing features: no memory");
	at = hm_bytes_reserve(out, room);
	len = ZSTD_CCtx_setParameter(maker, ZSTD_c_compressionLevel, LEVEL);
	if (!ZSTD_isError(len))
		len = ZSTD_CCtx_setParameter(maker, ZSTD_c_checksumFlag, 1);
	if (!ZSTD_isError(len))
		len = ZSTD_compress2(maker, at, room, rows.data, rows.len);
	if (ZSTD_isError(len))
		return hm_fail_set(fail, HM_E_SYSTEM, "compressing features: %s", ZSTD_getErrorName(len));
	out->len += len;
	return 0;
}

/* The row in which two sequences part: of `rows`, which is well-formed. */
static size_t row_of(struct hm_slice rows, size_t offset)
{
	struct hm_cursor c = hm_cursor_of(rows);
	size_t row = 0;

	while (hm_cursor_left(&c)) {
		hm_cbor_skip(&c);
		if ((size_t)(c.at - rows.data) > offset)
			break;
		row++;
	}
	return row;
}

static size_t difference(struct hm_slice a, const uint8_t *b)
{
	size_t i = 0;

	while (i < a.len && a.data[i] == b[i])
		i++;
	return i;
}

static void free_reader(ZSTD_DCtx **reader)
{
	ZSTD_freeDCtx(*reader);
}

int hm_derived_check(struct hm_slice part, struct hm_slice rows, struct hm_fail *fail)
{
	HM_CLEANUP(free_reader) ZSTD_DCtx *reader = ZSTD_createDCtx();
	HM_FREE uint8_t *there = NULL;
	size_t len = part.len ? ZSTD_findFrameCompressedSize(part.data, part.len) : 0;

	if (!reader)
		return hm_fail_set(fail, HM_E_SYSTEM, "opening features: no memory");
	if (part.len < 5 || memcmp(part.data, magic, sizeof(magic)) != 0 || (part.data[4] & FLAGS) != CHECKSUM || ZSTD_isError(len) || len != part.len)
		return hm_fail_set(fail, HM_E_BAD, "it is not one zstd frame with a checksum and no dictionary");
	if (ZSTD_getFrameContentSize(part.data, part.len) != rows.len)
		return hm_fail_set(fail, HM_E_BAD, "derived again it has another length");
	there = hm_alloc(rows.len + 1, 1);
	len = ZSTD_decompressDCtx(reader, there, rows.len, part.data, part.len);
	if (ZSTD_isError(len) || len != rows.len)
		return hm_fail_set(fail, HM_E_BAD, "it cannot be decompressed: %s", ZSTD_isError(len) ? ZSTD_getErrorName(len) : "too short");
	len = difference(rows, there);
	if (len < rows.len)
		return hm_fail_set(fail, HM_E_BAD, "derived again it differs in row %zu", row_of(rows, len));
	return 0;
}
