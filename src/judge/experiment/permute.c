/* The permutation test. Under the null hypothesis a block's two runs could have stood the other way round, so every sign of every
 * difference was as likely. T = |sum s_i d_i| of the signs that were, held against T of other signs.
 *
 * A feature's rank of a vector is the number of vectors whose T is as large or larger, itself among them: 1 + b for the vector that
 * was. Ranks make features comparable whatever their units, so the family's statistic is, vector by vector, the least rank of
 * its features; the adjusted p counts the vectors whose least rank is as small as the feature's own rank.
 *
 * T does not change when all signs do. So of all 2^n vectors only the half with a plus at the last block is computed, and each
 * counts twice. Sums are made by doubling: those of k + 1 blocks are those of k, and the same less 2 d. They need 75 bits (1,024
 * blocks of 64 bits), hence 128. */
#include "experiment.h"
#include "experiment_internal.h"

typedef unsigned __int128 magnitude;

struct vectors {
	size_t count;    /* that are computed; vector 0 is the one that was */
	unsigned weight; /* how many each stands for */
	size_t stride;   /* bytes of a drawn vector, bit i % 8 of byte i / 8 for block i; 0: vector v is the bits of v */
	uint8_t *drawn;
};

/* One feature's work, and what is kept of all features. */
struct work {
	magnitude *t;
	uint32_t *order, *spare; /* vectors by T, least first */
	uint32_t *least;         /* by vector: the least rank of all features so far */
	__int128 *table;         /* of drawn vectors: by each eight blocks and their signs, the sum */
};

static void release(struct work *w)
{
	free(w->t);
	free(w->order);
	free(w->spare);
	free(w->least);
	free(w->table);
}

static void release_vectors(struct vectors *v)
{
	free(v->drawn);
}

static void put_le32(uint8_t out[4], uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		out[i] = (uint8_t)(v >> 8 * i);
}

/* Vector t of `test`. What the contract says of 256 blocks goes on with a further number behind. */
static void draw(uint8_t *out, size_t stride, const struct hm_experiment_draws *draws, uint32_t t)
{
	uint8_t test[4], number[4], part[4];
	struct hm_slice slices[] = { HM_SLICE("hallmark/perm/v1\0"), { draws->plan->b, HM_SHA256_LEN }, { draws->seed, HM_SHA256_LEN },
				     { test, 4 }, { number, 4 }, { part, 4 } };

	put_le32(test, draws->test);
	put_le32(number, t);
	for (size_t at = 0; at < stride; at += HM_SHA256_LEN) {
		size_t len = stride - at < HM_SHA256_LEN ? stride - at : HM_SHA256_LEN;
		struct hm_sha256 bits;

		put_le32(part, (uint32_t)(at / HM_SHA256_LEN));
		hm_sha256_of(&bits, slices, at ? HM_COUNT(slices) : HM_COUNT(slices) - 1);
		memcpy(out + at, bits.b, len);
	}
}

static void make_vectors(struct vectors *v, size_t blocks, const struct hm_experiment_draws *draws)
{
	if (blocks <= HM_EXPERIMENT_EXACT) {
		v->count = (size_t)1 << (blocks - 1);
		v->weight = 2;
		return;
	}
	v->count = HM_EXPERIMENT_SAMPLED + 1;
	v->weight = 1;
	v->stride = (blocks + 7) / 8;
	v->drawn = hm_alloc(v->count, v->stride);
	for (size_t i = 1; i < v->count; i++)
		draw(v->drawn + i * v->stride, v->stride, draws, (uint32_t)i);
}

/* The sums of d[0..len) and `rest` under all signs of the first `bits` blocks, those behind `len` being 0. */
static void sums_of(__int128 *out, const int64_t *d, size_t len, unsigned bits, __int128 rest)
{
	out[0] = rest;
	for (size_t i = 0; i < len; i++)
		out[0] += d[i];
	for (unsigned bit = 0; bit < bits; bit++) {
		__int128 twice = bit < len ? 2 * (__int128)d[bit] : 0;
		size_t half = (size_t)1 << bit;

		for (size_t i = 0; i < half; i++)
			out[half + i] = out[i] - twice;
	}
}

/* T of every vector, and the largest. */
static magnitude statistics_of(struct work *w, const struct vectors *v, const int64_t *d, size_t blocks)
{
	__int128 *sum = (__int128 *)w->t;
	magnitude largest = 0;

	if (!v->stride)
		sums_of(sum, d, blocks - 1, (unsigned)blocks - 1, d[blocks - 1]);
	for (size_t g = 0; g < v->stride; g++)
		sums_of(w->table + 256 * g, d + 8 * g, blocks - 8 * g < 8 ? blocks - 8 * g : 8, 8, 0);
	for (size_t i = 0; i < v->count; i++) {
		if (v->stride)
			sum[i] = 0;
		for (size_t g = 0; g < v->stride; g++)
			sum[i] += w->table[256 * g + v->drawn[i * v->stride + g]];
		w->t[i] = (magnitude)(sum[i] < 0 ? -sum[i] : sum[i]);
		if (w->t[i] > largest)
			largest = w->t[i];
	}
	return largest;
}

/* Orders the vectors by T: by its least significant byte, then stably by the next, as far as `largest` reaches. */
static void order_by(struct work *w, size_t count, magnitude largest)
{
	for (size_t i = 0; i < count; i++)
		w->order[i] = (uint32_t)i;
	for (unsigned shift = 0; shift < 128 && largest >> shift; shift += 8) {
		uint32_t start[257] = { 0 }, *swap = w->order;

		for (size_t i = 0; i < count; i++)
			start[(uint8_t)(w->t[i] >> shift) + 1]++;
		for (unsigned i = 1; i < 257; i++)
			start[i] += start[i - 1];
		for (size_t i = 0; i < count; i++)
			w->spare[start[(uint8_t)(w->t[w->order[i]] >> shift)]++] = w->order[i];
		w->order = w->spare;
		w->spare = swap;
	}
}

/* Ranks of the ordered vectors go into `least` where they are less; returns that of vector 0. */
static uint32_t rank(struct work *w, size_t count, unsigned weight)
{
	uint32_t own = 0;

	for (size_t from, to = count; to; to = from) {
		uint32_t value;

		for (from = to - 1; from && w->t[w->order[from - 1]] == w->t[w->order[to - 1]];)
			from--;
		value = (uint32_t)(weight * (count - from));
		for (size_t i = from; i < to; i++) {
			uint32_t vector = w->order[i];

			if (vector == 0)
				own = value;
			if (value < w->least[vector])
				w->least[vector] = value;
		}
	}
	return own;
}

static void make_work(struct work *w, const struct vectors *v)
{
	w->t = hm_alloc(v->count, sizeof(*w->t));
	w->order = hm_alloc(v->count, sizeof(*w->order));
	w->spare = hm_alloc(v->count, sizeof(*w->spare));
	w->least = hm_alloc(v->count, sizeof(*w->least));
	memset(w->least, 0xff, v->count * sizeof(*w->least));
	if (v->stride)
		w->table = hm_alloc(v->stride, 256 * sizeof(*w->table));
}

/* How many other vectors' least rank is as small as the feature's. */
static void adjust(struct hm_experiment_p *p, size_t features, const struct work *w, const struct vectors *v)
{
	size_t total = v->count * v->weight;
	HM_FREE uint32_t *upto = hm_alloc(total + 1, sizeof(*upto));

	for (size_t i = 0; features && i < v->count; i++)
		upto[w->least[i]] += v->weight;
	for (size_t i = 1; i <= total; i++)
		upto[i] += upto[i - 1];
	for (size_t f = 0; f < features; f++)
		p[f].family = upto[p[f].b + 1] - 1;
}

void hm_experiment_permute(struct hm_experiment_p *p, const int64_t *const *rows, size_t features, size_t blocks,
			   const struct hm_experiment_draws *draws)
{
	HM_CLEANUP(release_vectors) struct vectors v = { 0 };
	HM_CLEANUP(release) struct work w = { 0 };

	make_vectors(&v, blocks, draws);
	make_work(&w, &v);
	for (size_t f = 0; f < features; f++) {
		order_by(&w, v.count, statistics_of(&w, &v, rows[f], blocks));
		p[f].b = rank(&w, v.count, v.weight) - 1;
		p[f].m = (uint32_t)(v.count * v.weight) - 1;
	}
	adjust(p, features, &w, &v);
}
