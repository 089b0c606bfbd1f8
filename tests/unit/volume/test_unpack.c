/* Compressed pieces as btrfs and erofs keep them: what the libraries pack comes out as it was; what is damaged or becomes more than was said does not. */
#include "btrfs.h"
#include "erofs.h"

#include <lz4.h>
#include <lzma.h>
#include <lzo/lzo1x.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

#define SECTOR 4096u
#define PLAIN 30000u
#define PACKED 65536u

static void fill(uint8_t *plain)
{
	uint32_t draw = 1;

	for (size_t i = 0; i < PLAIN; i++) {
		draw = draw * 1664525u + 1013904223u;
		plain[i] = i % 512 < 300 ? (uint8_t)('a' + i % 7) : (uint8_t)(draw >> 24);
	}
}

static size_t deflated(const uint8_t *plain, uint8_t *to, int window)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)plain, .avail_in = PLAIN, .next_out = to, .avail_out = PACKED };

	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, window, 9, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return z.total_out;
}

static size_t micro(const uint8_t *plain, uint8_t *to)
{
	lzma_stream s = LZMA_STREAM_INIT;
	lzma_options_lzma options;

	lzma_lzma_preset(&options, 6);
	options.dict_size = 65536;
	assert_int_equal(lzma_microlzma_encoder(&s, &options), LZMA_OK);
	s.next_in = plain;
	s.avail_in = PLAIN;
	s.next_out = to;
	s.avail_out = PACKED;
	assert_int_equal(lzma_code(&s, LZMA_FINISH), LZMA_STREAM_END);
	lzma_end(&s);
	return PACKED - s.avail_out;
}

static void put(uint8_t *to, size_t v)
{
	for (size_t i = 0; i < 4; i++)
		to[i] = (uint8_t)(v >> (8 * i));
}

/* As the kernel writes it: the length of all, then a piece for each sector, no length across the border of one. */
static size_t lzo(const uint8_t *plain, uint8_t *to)
{
	static uint8_t work[LZO1X_1_MEM_COMPRESS];
	size_t at = 4;

	for (size_t i = 0; i < PLAIN; i += SECTOR) {
		lzo_uint len = 0;

		if (SECTOR - at % SECTOR < 4)
			at += SECTOR - at % SECTOR;
		assert_int_equal(lzo1x_1_compress(plain + i, PLAIN - i < SECTOR ? PLAIN - i : SECTOR, to + at + 4, &len, work), LZO_E_OK);
		put(to + at, len);
		at += 4 + len;
	}
	put(to, at);
	return at;
}

static void check_btrfs(unsigned how, struct hm_slice packed, const uint8_t *plain)
{
	struct hm_bytes out = { 0 };

	assert_true(btrfs_unpack(how, packed, PLAIN, SECTOR, &out));
	assert_int_equal(out.len, PLAIN);
	assert_memory_equal(out.data, plain, PLAIN);
	out.len = 0;
	if (btrfs_unpack(how, packed, 5000, SECTOR, &out)) /* never more than was asked for */
		assert_true(out.len <= 5000);
	hm_bytes_release(&out);
}

static void ways_of_btrfs(void **state)
{
	uint8_t *plain = hm_alloc(1, PLAIN), *packed = hm_alloc(1, PACKED);
	struct hm_bytes out = { 0 };

	(void)state;
	fill(plain);
	check_btrfs(1, (struct hm_slice){ packed, deflated(plain, packed, 15) }, plain);
	check_btrfs(2, (struct hm_slice){ packed, lzo(plain, packed) }, plain);
	put(packed + 4, PACKED); /* a piece that is longer than all */
	assert_false(btrfs_unpack(2, (struct hm_slice){ packed, 9000 }, PLAIN, SECTOR, &out));
	check_btrfs(3, (struct hm_slice){ packed, ZSTD_compress(packed, PACKED, plain, PLAIN, 3) }, plain);
	packed[0] ^= 1;
	out.len = 0;
	assert_false(btrfs_unpack(3, (struct hm_slice){ packed, 9000 }, PLAIN, SECTOR, &out));
	hm_bytes_release(&out);
	free(plain);
	free(packed);
}

/* At the end of its blocks, zeros before it. */
static void check_erofs(unsigned how, uint8_t *packed, size_t len, const uint8_t *plain)
{
	const struct erofs x = { .block_log = 12, .incompatible = 1 };
	size_t all = (len + SECTOR - 1) / SECTOR * SECTOR;
	struct hm_bytes out = { 0 };

	memmove(packed + all - len, packed, len);
	memset(packed, 0, all - len);
	assert_true(erofs_unpack(&x, how, (struct hm_slice){ packed, all }, PLAIN, &out));
	assert_int_equal(out.len, PLAIN);
	assert_memory_equal(out.data, plain, PLAIN);
	hm_bytes_release(&out);
	memset(packed, 0, all);
	assert_false(erofs_unpack(&x, how, (struct hm_slice){ packed, all }, PLAIN, &out) && out.len == PLAIN);
	hm_bytes_release(&out);
}

static void ways_of_erofs(void **state)
{
	uint8_t *plain = hm_alloc(1, PLAIN), *packed = hm_alloc(1, PACKED);

	(void)state;
	fill(plain);
	check_erofs(EROFS_LZ4, packed, (size_t)LZ4_compress_default((const char *)plain, (char *)packed, PLAIN, PACKED), plain);
	check_erofs(EROFS_LZMA, packed, micro(plain, packed), plain);
	check_erofs(EROFS_DEFLATE, packed, deflated(plain, packed, -15), plain);
	check_erofs(EROFS_ZSTD, packed, ZSTD_compress(packed, PACKED, plain, PLAIN, 3), plain);
	free(plain);
	free(packed);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(ways_of_btrfs), cmocka_unit_test(ways_of_erofs) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
