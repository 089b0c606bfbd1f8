/* Compressed files of erofs. Logical clusters of a fixed size each say where in them a piece begins, or how far before them; pieces end where the next begins, and
 * lie one behind the other. The index is plain (8 bytes a cluster) or compact (4 and 2 bytes), as fs/erofs/zmap.c reads it. */
#include "erofs.h"

#include <lz4.h>
#include <lzma.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#define CLUSTERS_MAX ((uint64_t)8 << 20)
#define COUNT_OF_BLOCKS 0x800u /* of a cluster in which nothing begins: what follows is how many blocks the piece has */
#define DICTIONARY ((uint32_t)8 << 20)

enum { CLUSTER_PLAIN, CLUSTER_HEAD, CLUSTER_INSIDE, CLUSTER_HEAD_2 };
enum { ADVISE_2B = 0x1, ADVISE_BIG_1 = 0x2, ADVISE_BIG_2 = 0x4, ADVISE_TAIL = 0x8 }; /* others, as tails in a common file, are not known */

struct cluster {
	unsigned type;
	uint64_t offset, block, blocks; /* where in the cluster a piece begins; its block; INSIDE: of how many blocks the piece is, 0: not told */
};

struct index {
	const struct erofs *x;
	struct hm_slice raw; /* from the header on */
	uint64_t at;	     /* its byte in the image: packs are aligned by that */
	unsigned advise, algorithms, cluster_log;
	bool compact;
	uint64_t count, first, twos; /* clusters: all, in 4 bytes at the beginning, in 2 bytes */
	uint64_t end;		     /* byte of `raw` behind the last pack that was looked at */
};

/* One of a pack's numbers: the low bits, and above them the type. */
static uint32_t bits_of(const struct index *x, const uint8_t *pack, uint64_t bit, unsigned *type)
{
	unsigned low = x->cluster_log > 12 ? x->cluster_log : 12;
	uint64_t all = 0;

	for (unsigned i = 0; i < 5; i++) /* as many as a number can touch; a pack is followed by its block's 4 bytes */
		all |= (uint64_t)pack[bit / 8 + i] << (8 * i);
	all >>= bit & 7;
	*type = (unsigned)(all >> low) & 3;
	return (uint32_t)(all & (((uint64_t)1 << low) - 1));
}

/* How many blocks of the pack come before the piece that begins in its i-th cluster; negative: damaged. */
static int64_t blocks_before(const struct index *x, const uint8_t *pack, unsigned bits, int64_t i)
{
	bool big = x->advise & (ADVISE_BIG_1 | ADVISE_BIG_2);
	int64_t n = big ? 0 : 1;

	while (i > 0) {
		unsigned type;
		uint32_t low;

		i--;
		low = bits_of(x, pack, (uint64_t)i * bits, &type);
		if (type == CLUSTER_INSIDE && !big) {
			i -= low;
			n += i >= 0;
		} else if (type == CLUSTER_INSIDE && (low & COUNT_OF_BLOCKS)) {
			i--;
			n += low & ~COUNT_OF_BLOCKS;
		} else if (type == CLUSTER_INSIDE) {
			if (low <= 1)
				return -1;
			i -= (int64_t)low - 2;
		} else {
			n++;
		}
	}
	return n;
}

static bool compact(struct index *x, uint64_t number, struct cluster *c)
{
	uint64_t at = x->at + 8, left = number, pack, size, i;
	unsigned width = 4, many, bits;
	const uint8_t *raw;
	uint32_t low;
	int64_t before;

	if (left >= x->first) {
		at += x->first * 4;
		left -= x->first;
		width = left < x->twos ? 2 : 4;
		if (width == 4) {
			at += x->twos * 2;
			left -= x->twos;
		}
	}
	at += left * width;
	many = width == 4 ? 2 : 16;
	if (x->cluster_log > (width == 4 ? 14u : 12u))
		return false;
	size = (uint64_t)many * width;
	bits = (unsigned)(size - 4) * 8 / many;
	pack = at & ~(size - 1);
	i = (at - pack) / width;
	if (pack < x->at || pack + size > x->at + x->raw.len - 8) /* 8 more are there, so that none reads too far */
		return false;
	raw = x->raw.data + (pack - x->at);
	x->end = pack + size - x->at;
	low = bits_of(x, raw, i * bits, &c->type);
	*c = (struct cluster){ .type = c->type, .offset = low };
	if (c->type == CLUSTER_INSIDE) {
		c->blocks = low & COUNT_OF_BLOCKS ? low & ~COUNT_OF_BLOCKS : 0;
		return true;
	}
	before = blocks_before(x, raw, bits, (int64_t)i);
	c->block = volume_le(raw + size - 4, 4) + (uint64_t)before;
	return before >= 0;
}

static bool plain(struct index *x, uint64_t number, struct cluster *c)
{
	const uint8_t *e = x->raw.data + 16 + number * 8;

	if (16 + (number + 1) * 8 > x->raw.len)
		return false;
	x->end = 16 + (number + 1) * 8;
	*c = (struct cluster){ .type = (unsigned)volume_le(e, 2) & 3, .offset = volume_le(e + 2, 2), .block = volume_le(e + 4, 4) };
	if (c->type == CLUSTER_INSIDE)
		c->blocks = volume_le(e + 4, 2) & COUNT_OF_BLOCKS ? volume_le(e + 4, 2) & ~COUNT_OF_BLOCKS : 0;
	return true;
}

static bool cluster(struct index *x, uint64_t number, struct cluster *c)
{
	return number < x->count && (x->compact ? compact(x, number, c) : plain(x, number, c)) && (c->type == CLUSTER_INSIDE || c->offset < (uint64_t)1 << x->cluster_log);
}

static bool add(const struct index *x, struct volume_node *n, const struct volume_extent *e, unsigned type)
{
	struct volume_extent *to = volume_extent(n);

	if (!to || (type == CLUSTER_PLAIN && e->length > e->packed))
		return false;
	*to = *e;
	if (type == CLUSTER_PLAIN)
		return true;
	to->unpacked = e->length;
	to->how = (type == CLUSTER_HEAD ? x->algorithms & 15 : x->algorithms >> 4) + 1;
	return to->how <= EROFS_ZSTD;
}

/* Pieces from the first cluster on; each is complete when the next one begins. */
static bool pieces(struct index *x, struct volume_node *n)
{
	struct volume_extent last = { 0 };
	unsigned last_type = CLUSTER_INSIDE;

	for (uint64_t i = 0; i < x->count; i++) {
		struct cluster c, next;
		uint64_t begins, blocks;

		if (!cluster(x, i, &c))
			return false;
		if (c.type == CLUSTER_INSIDE)
			continue;
		begins = (i << x->cluster_log) + c.offset;
		if (begins >= n->size && i + 1 == x->count)
			break;
		last.length = begins - last.logical;
		if (begins < last.logical || (i == 0 && begins != 0) || (last_type != CLUSTER_INSIDE && last.length && !add(x, n, &last, last_type)))
			return false;
		blocks = i + 1 < x->count && cluster(x, i + 1, &next) && next.type == CLUSTER_INSIDE && next.blocks ? next.blocks : ((uint64_t)1 << x->cluster_log) >> x->x->block_log;
		last = (struct volume_extent){ .logical = begins, .physical = c.block << x->x->block_log, .packed = blocks << x->x->block_log };
		last_type = c.type;
	}
	last.length = n->size - last.logical;
	return last_type != CLUSTER_INSIDE && last.logical < n->size && add(x, n, &last, last_type);
}

/* The last piece is behind the index. */
static bool tail(struct index *x, struct volume_node *n, uint64_t size)
{
	struct cluster c;
	struct volume_extent *e = n->extents ? &n->extent[n->extents - 1] : NULL;

	if (!e || size == 0 || !cluster(x, x->count - 1, &c))
		return false;
	e->physical = x->at + x->end;
	e->packed = size;
	return e->how || e->length <= size;
}

int erofs_packed(struct hm_volume *v, struct volume_node *n, struct hm_fail *fail)
{
	struct index x = { .x = v->state, .at = (n->detail[1] + 7) & ~(uint64_t)7, .compact = erofs_layout(n) == EROFS_COMPACT };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes raw = { 0 };
	uint8_t head[8];
	uint64_t len;
	int r = volume_at(v, x.at, head, sizeof(head), fail);

	if (r != 0)
		return r;
	x.advise = (unsigned)volume_le(head + 4, 2);
	x.algorithms = head[6];
	x.cluster_log = x.x->block_log + (head[7] & 7);
	x.count = (n->size + ((uint64_t)1 << x.cluster_log) - 1) >> x.cluster_log;
	if (n->size == 0)
		return 0;
	if ((x.advise & ~0xfu) || head[7] & 0xf8)
		return hm_fail_set(fail, HM_E_BAD, "its bytes are kept in a form that is not known");
	if (x.count > CLUSTERS_MAX)
		return hm_fail_set(fail, HM_E_BAD, "it has more than %llu clusters", (unsigned long long)CLUSTERS_MAX);
	x.first = (32 - (x.at + 8) % 32) / 4 % 8;
	x.twos = x.advise & ADVISE_2B && x.count > x.first ? (x.count - x.first) & ~(uint64_t)15 : 0;
	len = 16 + x.count * 8 + 64;
	len = x.at + len < v->from.size ? len : v->from.size - x.at;
	if ((r = volume_at(v, x.at, hm_bytes_reserve(&raw, (size_t)len + 8), (size_t)len, fail)) != 0)
		return r;
	memset(raw.data + len, 0, 8);
	x.raw = (struct hm_slice){ raw.data, (size_t)len + 8 };
	if (!pieces(&x, n) || (x.advise & ADVISE_TAIL && !tail(&x, n, volume_le(head + 2, 2))))
		return hm_fail_set(fail, HM_E_BAD, "the index of its compressed pieces is damaged");
	return 0;
}

static bool lzma(struct hm_slice packed, size_t most, struct hm_bytes *out)
{
	lzma_stream s = LZMA_STREAM_INIT;
	lzma_ret r;

	if (lzma_microlzma_decoder(&s, packed.len, most, false, DICTIONARY) != LZMA_OK)
		return false;
	s.next_in = packed.data;
	s.avail_in = packed.len;
	s.next_out = hm_bytes_reserve(out, most);
	s.avail_out = most;
	r = lzma_code(&s, LZMA_FINISH);
	out->len += most - s.avail_out;
	lzma_end(&s);
	return r == LZMA_STREAM_END || r == LZMA_OK || r == LZMA_BUF_ERROR;
}

static bool deflated(struct hm_slice packed, size_t most, struct hm_bytes *out)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)packed.data, .avail_in = (uInt)packed.len, .next_out = hm_bytes_reserve(out, most), .avail_out = (uInt)most };
	int r;

	if (inflateInit2(&z, -15) != Z_OK)
		return false;
	r = inflate(&z, Z_FINISH);
	out->len += most - z.avail_out;
	inflateEnd(&z);
	return r == Z_STREAM_END || r == Z_OK || r == Z_BUF_ERROR;
}

static bool zstd(struct hm_slice packed, size_t most, struct hm_bytes *out)
{
	ZSTD_DCtx *context = ZSTD_createDCtx();
	ZSTD_inBuffer in = { packed.data, packed.len, 0 };
	ZSTD_outBuffer to = { hm_bytes_reserve(out, most), most, 0 };
	size_t r = 1, before;

	do {
		before = in.pos + to.pos;
		r = context ? ZSTD_decompressStream(context, &to, &in) : (size_t)-1;
	} while (!ZSTD_isError(r) && r != 0 && to.pos < to.size && in.pos + to.pos > before);
	ZSTD_freeDCtx(context);
	out->len += to.pos;
	return !ZSTD_isError(r);
}

static bool lz4(struct hm_slice packed, size_t most, struct hm_bytes *out)
{
	int got = LZ4_decompress_safe_partial((const char *)packed.data, (char *)hm_bytes_reserve(out, most), (int)packed.len, (int)most, (int)most);

	out->len += got > 0 ? (size_t)got : 0;
	return got >= 0;
}

bool erofs_unpack(const struct erofs *x, unsigned how, struct hm_slice packed, size_t most, struct hm_bytes *out)
{
	size_t zeros = 0;

	/* What does not fill its blocks stands at their end. */
	while ((x->incompatible & 1 || how != EROFS_LZ4) && zeros < packed.len && packed.data[zeros] == 0)
		zeros++;
	packed.data += zeros;
	packed.len -= zeros;
	if (packed.len == 0)
		return false;
	switch (how) {
	case EROFS_LZ4:
		return lz4(packed, most, out);
	case EROFS_LZMA:
		return lzma(packed, most, out);
	case EROFS_DEFLATE:
		return deflated(packed, most, out);
	default:
		return zstd(packed, most, out);
	}
}
