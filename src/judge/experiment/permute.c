/* The permutation test. Under the null hypothesis a block's two runs could have stood the other way round, so every sign of every
 * difference was as likely. T = |sum s_i d_i| of the signs that were, held against T of other signs.
 *
 * A feature's rank of a vector is the number of vectors whose T is as large or larger, itself among them: 1 + b for the vector that
 * was. Ranks make features comparable whatever their units, so the family's statistic is, vector by vector, the least rank of
 * its features; the adjusted p counts the vectors whose least rank is as small as the feature's own rank.
 *
 * Where values were foretold, T is 1 when no sign contradicts, and 0 otherwise: many that differ at random can then agree by
 * chance once in 2^(blocks that tell), and a family pays next to nothing for them.
 *
 * |sum| does not change when all signs do. So of all 2^n vectors only the half with a plus at the last block is computed, and each
 * counts twice. Sums are made by doubling: those of k + 1 blocks are those of k, and the same less 2 d. They need 75 bits (1,024
 * blocks of 64 bits), hence 128; the vector's number stands below them in the keys that are sorted. */
#include "experiment.h"
#include "experiment_internal.h"

/* T << VECTOR_BITS | vector: at most 2^15 vectors are computed. */
typedef unsigned __int128 sort_key;

enum { VECTOR_BITS = 16, TOP_BITS = 24 };

struct vectors {
	size_t blocks;
	size_t total;    /* vector 0 is the one that was */
	size_t count;    /* of these the first, of which sums are computed */
	unsigned weight; /* how many each of them stands for: 2 when vector total - 1 - v is v with all signs turned */
	size_t stride;   /* bytes of a drawn vector, bit i % 8 of byte i / 8 for block i; 0: vector v is the bits of v */
	uint8_t *drawn;
};

/* A directed row's signs, and where it has any, as drawn vectors are kept; and its rank. */
struct foretold {
	uint8_t turned[HM_EXPERIMENT_BLOCKS_MAX / 8], telling[HM_EXPERIMENT_BLOCKS_MAX / 8];
	uint32_t rank; /* 0: none yet */
};

/* One feature's work, and what is kept of all features. */
struct work {
	__int128 *sum;
	sort_key *key, *spare;
	uint32_t *least; /* by vector: the least rank of all features so far */
	struct foretold last;
	__int128 *table; /* of drawn vectors: by each eight blocks and their signs, the sum */
};

static void release(struct work *w)
{
	free(w->sum);
	free(w->key);
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
	v->blocks = blocks;
	if (blocks <= HM_EXPERIMENT_EXACT) {
		v->total = (size_t)1 << blocks;
		v->count = v->total / 2;
		v->weight = 2;
		return;
	}
	v->total = v->count = HM_EXPERIMENT_SAMPLED + 1;
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

/* T of every vector as keys, not yet sorted; returns how many bits of T are in use. */
static unsigned make_keys(struct work *w, const struct vectors *v, const int64_t *d)
{
	size_t blocks = v->blocks;
	sort_key used = 0;
	unsigned bits = 0;

	if (!v->stride)
		sums_of(w->sum, d, blocks - 1, (unsigned)blocks - 1, d[blocks - 1]);
	for (size_t g = 0; g < v->stride; g++)
		sums_of(w->table + 256 * g, d + 8 * g, blocks - 8 * g < 8 ? blocks - 8 * g : 8, 8, 0);
	for (size_t i = 0; i < v->count; i++) {
		__int128 sum = v->stride ? 0 : w->sum[i];

		for (size_t g = 0; g < v->stride; g++)
			sum += w->table[256 * g + v->drawn[i * v->stride + g]];
		w->key[i] = (sort_key)(sum < 0 ? -sum : sum) << VECTOR_BITS | i;
		used |= w->key[i];
	}
	for (used >>= VECTOR_BITS; used; used >>= 1)
		bits++;
	return bits;
}

static int compare(const void *a, const void *b)
{
	const sort_key *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Sorts by T, least first. The highest bits in use are sorted byte by byte, the least significant first; that leaves little, which is
 * compared, and nothing where T is small. */
static void sort(struct work *w, size_t count, unsigned bits)
{
	unsigned top = bits < TOP_BITS ? bits : TOP_BITS, shift = VECTOR_BITS + bits - top;

	for (unsigned done = 0; done < top; done += 8) {
		uint32_t start[257] = { 0 };
		sort_key *swap = w->key;

		for (size_t i = 0; i < count; i++)
			start[(uint8_t)(w->key[i] >> (shift + done)) + 1]++;
		for (unsigned i = 1; i < 256; i++)
			start[i] += start[i - 1];
		for (size_t i = 0; i < count; i++)
			w->spare[start[(uint8_t)(w->key[i] >> (shift + done))]++] = w->key[i];
		w->key = w->spare;
		w->spare = swap;
	}
	for (size_t from = 0, to; shift > VECTOR_BITS && from < count; from = to) {
		for (to = from + 1; to < count && w->key[to] >> shift == w->key[from] >> shift;)
			to++;
		if (to - from > 1)
			qsort(w->key + from, to - from, sizeof(*w->key), compare);
	}
}

static void lower(struct work *w, size_t vector, uint32_t rank)
{
	if (rank < w->least[vector])
		w->least[vector] = rank;
}

/* Ranks of the sorted vectors go into `least` where they are less; returns that of vector 0. */
static uint32_t rank(struct work *w, const struct vectors *v)
{
	uint32_t own = 0;

	for (size_t from, to = v->count; to; to = from) {
		sort_key t = w->key[to - 1] >> VECTOR_BITS;
		uint32_t value;

		for (from = to - 1; from && w->key[from - 1] >> VECTOR_BITS == t;)
			from--;
		value = (uint32_t)(v->weight * (v->count - from));
		for (size_t i = from; i < to; i++) {
			uint16_t vector = (uint16_t)w->key[i];

			if (vector == 0)
				own = value;
			lower(w, vector, value);
			if (v->weight == 2)
				lower(w, v->total - 1 - vector, value);
		}
	}
	return own;
}

static bool agrees(const struct vectors *v, size_t vector, const struct foretold *f)
{
	uint8_t wrong = 0;

	for (size_t i = 0; i < (v->blocks + 7) / 8; i++) {
		uint8_t signs = v->stride ? v->drawn[vector * v->stride + i] : (uint8_t)(vector >> 8 * i);

		wrong |= (signs ^ f->turned[i]) & f->telling[i];
	}
	return !wrong;
}

/* The same of a directed row. Where a product leaks much, many such rows are alike, one behind the other. */
static uint32_t rank_directed(struct work *w, const struct vectors *v, const int64_t *d)
{
	struct foretold f = { 0 };
	uint32_t count = 0;

	for (size_t i = 0; i < v->blocks; i++) {
		f.telling[i / 8] |= (uint8_t)((d[i] != 0) << i % 8);
		f.turned[i / 8] |= (uint8_t)((d[i] < 0) << i % 8);
	}
	if (w->last.rank && memcmp(f.telling, w->last.telling, sizeof(f.telling)) == 0 && memcmp(f.turned, w->last.turned, sizeof(f.turned)) == 0)
		return w->last.rank;
	for (size_t i = 0; i < v->total; i++)
		count += agrees(v, i, &f);
	for (size_t i = 0; i < v->total; i++)
		lower(w, i, agrees(v, i, &f) ? count : (uint32_t)v->total);
	f.rank = agrees(v, 0, &f) ? count : (uint32_t)v->total;
	w->last = f;
	return f.rank;
}

static void make_work(struct work *w, const struct vectors *v)
{
	w->sum = hm_alloc(v->count, sizeof(*w->sum));
	w->key = hm_alloc(v->count, sizeof(*w->key));
	w->spare = hm_alloc(v->count, sizeof(*w->spare));
	w->least = hm_alloc(v->total, sizeof(*w->least));
	for (size_t i = 0; i < v->total; i++)
		w->least[i] = (uint32_t)v->total;
	if (v->stride)
		w->table = hm_alloc(v->stride, 256 * sizeof(*w->table));
}

/* A sized row that differs in fewer than a quarter of the blocks shows nothing: what depends on held secrets and is no foretold value
 * differs more often, and what rarely differs by itself is kept out of the family. */
static bool shows(const struct vectors *v, const int64_t *d)
{
	size_t count = 0;

	for (size_t i = 0; i < v->blocks; i++)
		count += d[i] != 0;
	return 4 * count >= v->blocks;
}

/* How many other vectors' least rank is as small as the feature's. */
static void adjust(struct hm_experiment_p *p, size_t features, const struct work *w, const struct vectors *v)
{
	HM_FREE uint32_t *upto = hm_alloc(v->total + 1, sizeof(*upto));

	for (size_t i = 0; features && i < v->total; i++)
		upto[w->least[i]]++;
	for (size_t i = 1; i <= v->total; i++)
		upto[i] += upto[i - 1];
	for (size_t f = 0; f < features; f++)
		p[f].family = upto[p[f].b + 1] - 1;
}

void hm_experiment_permute(struct hm_experiment_p *p, const struct hm_experiment_matrix *matrix, const struct hm_experiment_draws *draws)
{
	HM_CLEANUP(release_vectors) struct vectors v = { 0 };
	HM_CLEANUP(release) struct work w = { 0 };

	make_vectors(&v, matrix->blocks, draws);
	make_work(&w, &v);
	for (size_t f = 0; f < matrix->features; f++) {
		const int64_t *d = matrix->d + f * matrix->blocks;

		if (hm_experiment_kind_of(matrix, f) == HM_EXPERIMENT_DIRECTED) {
			p[f].b = rank_directed(&w, &v, d) - 1;
		} else if (!shows(&v, d)) {
			p[f].b = (uint32_t)v.total - 1;
		} else {
			sort(&w, v.count, make_keys(&w, &v, d));
			p[f].b = rank(&w, &v) - 1;
		}
		p[f].m = (uint32_t)v.total - 1;
	}
	adjust(p, matrix->features, &w, &v);
}
