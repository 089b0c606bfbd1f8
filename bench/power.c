/* What the experiment's statistics find, and what they cry wolf at: simulated, and the same in every run.
 *
 *     bench-power [SEEDS [RELABELLINGS]]     prints Markdown; 1000 and 10000 by default
 *     bench-power --time                     seconds of a test of 10,000 features
 *
 * A simulated product has features of its own noise, and may have a leak. Every phase is made as doc/format/statistics.md
 * says, and judged by the module that judges real runs; nothing is computed here but what a product would have sent. */
#include <inttypes.h>
#include <time.h>

#include "experiment.h"

enum { NOISY_MAX = 128, FEATURES_MAX = NOISY_MAX + 8, RECORDED = 100, RECORDINGS = 10, VALUES_MAX = 2 };

/* SplitMix64: small, and the same everywhere. */
struct chance {
	uint64_t state;
};

static uint64_t draw(struct chance *c)
{
	uint64_t z = c->state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static struct chance chance_of(uint64_t seed, uint64_t stream)
{
	struct chance c = { seed * 0x2545f4914f6cdd1du + stream };

	c.state = draw(&c);
	return c;
}

static bool happens(struct chance *c, unsigned permille)
{
	return draw(c) % 1000 < permille;
}

/* How a feature behaves by itself. */
enum noise {
	NONCE,  /* new in every run */
	EVENT,  /* there in a run with this many in a thousand */
	COUNT,  /* a number that is one more with this many in a thousand */
	PLACE,  /* one more in place A, in this many blocks of a thousand */
	TIMING, /* milliseconds around a mean */
};

struct noisy {
	enum noise noise;
	unsigned permille;
};

static int64_t noise_of(const struct noisy *n, struct chance *c, bool place_a, bool block_happens)
{
	int64_t sum = 0;

	switch (n->noise) {
	case NONCE:
		return (int64_t)(draw(c) >> 32);
	case EVENT:
		return happens(c, n->permille);
	case COUNT:
		return 40 + happens(c, n->permille);
	case PLACE:
		return 40 + (place_a && block_happens);
	case TIMING:
		for (unsigned i = 0; i < 12; i++)
			sum += (int64_t)(draw(c) % 100);
		return sum;
	}
	return 0;
}

enum leak {
	NO_LEAK,
	BIT,      /* a bit of a digest of the content, always sent */
	BY_RUN,   /* in one run of ten, each by itself: a message that carries a digest of the content */
	BY_PAIR,  /* the same, but both runs of a pair do it or none: chance comes from what twins have in common */
	ONE_SIDE, /* in one run of ten that have the one content, never with the other: a message that is always the same */
};

struct product {
	struct noisy noisy[NOISY_MAX];
	size_t count;
	enum leak leak;
};

/* The values of the leak's field in both runs of a block, by level: 0 is absent. */
static void leak_of(uint64_t value[2], const struct product *p, struct chance *c, const uint64_t secret[2])
{
	bool pair = happens(c, 100);

	for (unsigned level = 0; level < 2; level++) {
		struct chance digest = { secret[level] };
		uint64_t hash = draw(&digest) | 1;
		bool fires = happens(c, 100);

		value[level] = 0;
		if (p->leak == BIT)
			value[level] = 1 + (hash >> 40 & 1);
		else if (p->leak == BY_RUN && fires)
			value[level] = hash;
		else if (p->leak == BY_PAIR && pair)
			value[level] = hash;
		else if (p->leak == ONE_SIDE && fires && (hash >> 40 & 1))
			value[level] = 1;
	}
}

/* One phase as the module takes it. Rows: the noisy features, then how often the leak's message is sent, then its field. */
struct phase {
	size_t features, blocks;
	int64_t d[FEATURES_MAX * HM_EXPERIMENT_BLOCKS_MAX];
	uint8_t differs[FEATURES_MAX * HM_EXPERIMENT_BLOCKS_MAX];
	uint64_t secret[HM_EXPERIMENT_BLOCKS_MAX][2], value[HM_EXPERIMENT_BLOCKS_MAX][2];
};

static struct hm_experiment_matrix matrix_of(const struct phase *ph)
{
	return (struct hm_experiment_matrix){ ph->features, ph->blocks, ph->d, ph->differs };
}

static void put(struct phase *ph, size_t feature, size_t block, int64_t d, bool differs)
{
	ph->d[feature * ph->blocks + block] = d;
	ph->differs[feature * ph->blocks + block] = differs;
}

/* Who gives a phase its secrets. */
enum secrets { SAME, FRESH, HELD };

static void make_phase(struct phase *ph, const struct product *p, size_t blocks, enum secrets secrets, const uint64_t held[2],
		       uint64_t seed, struct chance *c)
{
	uint8_t key[32] = { 0 };
	int coin;

	memcpy(key, &seed, sizeof(seed));
	ph->features = p->count + 2;
	ph->blocks = blocks;
	for (size_t b = 0; b < blocks; b++) {
		uint64_t *secret = ph->secret[b], *value = ph->value[b];

		coin = hm_experiment_coin(key, secrets == SAME ? "aa" : secrets == FRESH ? "screen" : "confirm", (uint32_t)b, NULL);
		secret[0] = secrets == HELD ? held[0] : draw(c);
		secret[1] = secrets == HELD ? held[1] : secrets == SAME ? secret[0] : draw(c);
		for (size_t f = 0; f < p->count; f++) {
			bool block_happens = happens(c, p->noisy[f].permille);
			int64_t one = noise_of(&p->noisy[f], c, coin == 1, block_happens);
			int64_t zero = noise_of(&p->noisy[f], c, coin == 0, block_happens);

			put(ph, f, b, one - zero, one != zero);
		}
		leak_of(value, p, c, secret);
		put(ph, p->count, b, (value[1] != 0) - (value[0] != 0), (value[1] != 0) != (value[0] != 0));
		/* A bit is a number; a digest is text, of which no number says how it differs. */
		put(ph, p->count + 1, b, p->leak == BIT ? (int64_t)value[1] - (int64_t)value[0] : 0, value[1] != value[0]);
	}
}

/* How the leak's field is turned into numbers where it is confirmed. */
enum coding {
	INDICATORS, /* as the contract says: one feature a value */
	CONTRAST,   /* one feature: -1 the lesser value, 1 the greater, 0 where there is none */
};

/* Who is suspected, and the secrets of which block are held. The first is the contract; the others are what could be. */
enum rule {
	CONTRACT, /* never different A/A, by p; the block where most suspects differ */
	FIRST,    /* the same suspects; a block where the first of them differs, of these where the second does, and so on */
	COUNTED,  /* never different A/A, by the number of blocks in which they differ; the block as FIRST */
	ALL,      /* every feature; the first block */
};

static const char *const rule_names[] = { "contract", "contract, held by rank", "counted, held by rank", "all features" };

struct design {
	size_t aa, screen, confirm;
	enum rule rule;
	enum coding coding;
	unsigned alpha; /* one in so many */
};

struct suspects {
	size_t count, held, feature[FEATURES_MAX];
};

struct outcome {
	size_t suspects;
	bool named;     /* the leak is among the suspects */
	bool confirmed; /* any was */
	bool found;     /* the leak was */
};

/* The distinct values of the leak's field in the phase, lesser first: never more than the two held secrets give. */
static size_t values_of(uint64_t out[VALUES_MAX], const struct phase *ph)
{
	size_t count = 0;

	for (size_t i = 0; i < 2 * ph->blocks; i++) {
		uint64_t v = ph->value[i / 2][i % 2];

		if (!v || (count && v == out[0]) || (count == 2 && v == out[1]) || count == VALUES_MAX)
			continue;
		out[count++] = v;
	}
	if (count == 2 && out[0] > out[1]) {
		uint64_t swap = out[0];

		out[0] = out[1];
		out[1] = swap;
	}
	return count;
}

static int64_t coded(uint64_t v, const uint64_t *values, size_t count, enum coding coding, size_t column)
{
	if (coding == INDICATORS)
		return v == values[column];
	return v == 0 ? 0 : count == 2 && v == values[1] ? 1 : -1;
}

/* The leak's field as features of the confirmation; returns how many. */
static size_t code_field(int64_t *d, const struct phase *ph, enum coding coding)
{
	uint64_t values[VALUES_MAX];
	size_t count = values_of(values, ph), columns = coding == INDICATORS ? count : count != 0;

	for (size_t column = 0; column < columns; column++)
		for (size_t b = 0; b < ph->blocks; b++)
			d[column * ph->blocks + b] = coded(ph->value[b][1], values, count, coding, column) -
						     coded(ph->value[b][0], values, count, coding, column);
	return columns;
}

static void must(int r, const struct hm_fail *fail)
{
	if (r == 0)
		return;
	fprintf(stderr, "bench-power: %s\n", fail->text);
	exit(4);
}

/* Tests the suspects over the confirming blocks. `leak` is the first of the leak's two features. */
static void confirm(struct outcome *out, const struct suspects *s, const struct phase *ph, size_t leak, const struct design *design,
		    const struct hm_experiment_draws *draws)
{
	static int64_t d[(FEATURES_MAX + VALUES_MAX) * HM_EXPERIMENT_BLOCKS_MAX];
	struct hm_experiment_p p[FEATURES_MAX + VALUES_MAX];
	bool of_leak[FEATURES_MAX + VALUES_MAX] = { false };
	struct hm_experiment_matrix m = { .blocks = ph->blocks, .d = d };
	struct hm_fail fail;

	for (size_t i = 0; i < s->count; i++) {
		int64_t *row = d + m.features * ph->blocks;
		size_t columns = 1;

		if (s->feature[i] == leak + 1)
			columns = code_field(row, ph, design->coding);
		else
			memcpy(row, ph->d + s->feature[i] * ph->blocks, ph->blocks * sizeof(*row));
		for (size_t column = 0; column < columns; column++)
			of_leak[m.features++] = s->feature[i] >= leak;
	}
	must(hm_experiment_test(p, &m, draws, &fail), &fail);
	for (size_t i = 0; i < m.features; i++) {
		bool confirmed = design->alpha * (1 + (uint64_t)p[i].family) <= 1 + (uint64_t)p[i].m;

		out->confirmed |= confirmed;
		out->found |= confirmed && of_leak[i];
	}
}

static size_t blocks_unlike(const struct phase *ph, size_t feature)
{
	size_t count = 0;

	for (size_t b = 0; b < ph->blocks; b++)
		count += ph->differs[feature * ph->blocks + b];
	return count;
}

static void suspect_by_count(struct suspects *s, const struct phase *aa, const struct phase *ph)
{
	for (size_t wanted = ph->blocks; wanted; wanted--)
		for (size_t f = 0; f < ph->features && s->count < HM_EXPERIMENT_SUSPECTS; f++)
			if (blocks_unlike(ph, f) == wanted && !blocks_unlike(aa, f))
				s->feature[s->count++] = f;
}

/* Of the blocks that are left, those where the suspect differs, unless that is none; the first that is left in the end. */
static size_t hold_by_rank(const struct suspects *s, const struct phase *ph)
{
	bool out[HM_EXPERIMENT_BLOCKS_MAX] = { false };
	size_t held = 0;

	for (size_t i = 0; i < s->count; i++) {
		const uint8_t *differs = ph->differs + s->feature[i] * ph->blocks;
		size_t left = 0;

		for (size_t b = 0; b < ph->blocks; b++)
			left += !out[b] && differs[b];
		for (size_t b = 0; left && b < ph->blocks; b++)
			out[b] = out[b] || !differs[b];
	}
	while (held < ph->blocks && out[held])
		held++;
	return held;
}

static void screen(struct suspects *s, struct outcome *out, const struct phase *aa, const struct phase *ph, const struct design *design,
		   size_t leak, const struct hm_experiment_draws *draws)
{
	struct hm_experiment_matrix of_aa = matrix_of(aa), of_screen = matrix_of(ph);
	struct hm_experiment_suspects by_p;
	struct hm_fail fail;

	*s = (struct suspects){ 0 };
	must(hm_experiment_screen(&by_p, &of_aa, &of_screen, draws, &fail), &fail);
	if (design->rule == COUNTED) {
		suspect_by_count(s, aa, ph);
	} else if (design->rule == ALL) {
		while (s->count < ph->features) {
			s->feature[s->count] = s->count;
			s->count++;
		}
	} else {
		memcpy(s->feature, by_p.feature, by_p.count * sizeof(*s->feature));
		s->count = by_p.count;
	}
	s->held = design->rule == CONTRACT ? by_p.held : design->rule == ALL ? 0 : hold_by_rank(s, ph);
	out->suspects = s->count;
	for (size_t i = 0; i < s->count; i++)
		out->named |= s->feature[i] >= leak;
}

static struct outcome assess(const struct product *p, const struct design *design, uint64_t seed)
{
	static struct phase aa, screening, confirming;
	struct chance c = chance_of(seed, 1 + (uint64_t)p->leak);
	struct hm_sha256 plan = { 0 };
	uint8_t key[32] = { 0 };
	struct hm_experiment_draws draws = { .plan = &plan, .seed = key };
	struct suspects s;
	struct outcome out = { 0 };

	memcpy(key, &seed, sizeof(seed));
	make_phase(&aa, p, design->aa, SAME, NULL, seed, &c);
	make_phase(&screening, p, design->screen, FRESH, NULL, seed, &c);
	screen(&s, &out, &aa, &screening, design, p->count, &draws);
	if (s.count == 0)
		return out;
	draws.test = 1;
	make_phase(&confirming, p, design->confirm, HELD, screening.secret[s.held], seed, &c);
	confirm(&out, &s, &confirming, p->count, design, &draws);
	return out;
}

/* A product as clear-text observation finds it: nonces, a few ports and counters, rare events of many rates, timing. */
static void make_noise(struct product *p, size_t rare)
{
	static const unsigned rates[] = { 5, 10, 20, 50, 100, 200, 300, 500 };

	*p = (struct product){ 0 };
	for (size_t i = 0; i < 12; i++)
		p->noisy[p->count++] = (struct noisy){ i < 8 ? NONCE : TIMING, 0 };
	for (size_t i = 0; i < rare; i++)
		p->noisy[p->count++] = (struct noisy){ EVENT + (enum noise)(i / HM_COUNT(rates) % 3), rates[i % HM_COUNT(rates)] };
}

/* A recording of A/A pairs, its blocks dealt to the phases and the levels of each exchanged by coin. */
static void deal(struct phase *to, const struct phase *from, const size_t *order, size_t blocks, struct chance *c)
{
	to->features = from->features;
	to->blocks = blocks;
	for (size_t b = 0; b < blocks; b++) {
		bool turned = draw(c) & 1;

		for (size_t f = 0; f < from->features; f++) {
			int64_t d = from->d[f * from->blocks + order[b]];

			put(to, f, b, turned ? -d : d, d != 0);
		}
		to->value[b][0] = to->value[b][1] = 0;
	}
}

static struct outcome relabel(const struct phase *recorded, const struct design *design, uint64_t seed)
{
	static struct phase aa, screening, confirming;
	struct chance c = chance_of(seed, 99);
	struct hm_sha256 plan = { 0 };
	uint8_t key[32] = { 0 };
	struct hm_experiment_draws draws = { .plan = &plan, .seed = key };
	struct suspects s;
	struct outcome out = { 0 };
	size_t order[RECORDED];

	memcpy(key, &seed, sizeof(seed));
	for (size_t i = 0; i < RECORDED; i++) {
		size_t j = draw(&c) % (i + 1);

		order[i] = order[j];
		order[j] = i;
	}
	deal(&aa, recorded, order, design->aa, &c);
	deal(&screening, recorded, order + design->aa, design->screen, &c);
	screen(&s, &out, &aa, &screening, design, recorded->features, &draws);
	if (s.count == 0)
		return out;
	draws.test = 1;
	deal(&confirming, recorded, order + design->aa + design->screen, design->confirm, &c);
	confirm(&out, &s, &confirming, recorded->features, design, &draws);
	return out;
}

static void print_false_alarms(unsigned relabellings)
{
	static const size_t rare[] = { 0, 24, 96 };
	static const struct design designs[] = {
		{ 2, 6, 12, CONTRACT, INDICATORS, 100 }, { 6, 6, 12, CONTRACT, INDICATORS, 100 }, { 12, 6, 12, CONTRACT, INDICATORS, 100 },
		{ 6, 6, 12, COUNTED, INDICATORS, 100 },  { 6, 8, 16, COUNTED, INDICATORS, 1000 }, { 2, 6, 12, ALL, INDICATORS, 100 },
	};
	static struct phase recorded;
	unsigned each = (relabellings + RECORDINGS - 1) / RECORDINGS;
	struct product p;

	printf("## False alarms\n\n%u relabellings of %d recordings of %d A/A pairs. Noisy features: 8 nonces, 4 timings, and as many as the first column\n"
	       "says that are unlike in 0.5 to 50 of 100 runs.\n\n"
	       "| unsteady features | A/A, screening, confirming blocks | rule | alpha, one in | relabellings with a suspect | suspects each | confirmed |\n"
	       "|---|---|---|---|---|---|---|\n", relabellings, RECORDINGS, RECORDED);
	for (size_t r = 0; r < HM_COUNT(rare); r++) {
		for (size_t k = 0; k < HM_COUNT(designs); k++) {
			const struct design *g = &designs[k];
			unsigned long named = 0, suspects = 0, confirmed = 0;

			make_noise(&p, rare[r]);
			for (unsigned i = 0; i < relabellings; i++) {
				struct chance c = chance_of(i / each, 7);
				struct outcome o;

				if (i % each == 0)
					make_phase(&recorded, &p, RECORDED, SAME, NULL, i, &c);
				o = relabel(&recorded, g, i);
				named += o.suspects != 0;
				suspects += o.suspects;
				confirmed += o.confirmed;
			}
			printf("| %zu | %zu, %zu, %zu | %s | %u | %lu | %lu.%02lu | %lu of %u |\n", rare[r], g->aa, g->screen, g->confirm,
			       rule_names[g->rule], g->alpha, named, suspects / relabellings, suspects * 100 / relabellings % 100, confirmed,
			       relabellings);
			fflush(stdout);
		}
	}
}

static void print_power(const char *title, enum leak leak, size_t rare, const struct design *designs, size_t count, unsigned seeds)
{
	struct product p;

	for (size_t k = 0; k < count; k++) {
		const struct design *g = &designs[k];
		unsigned of_20 = 0, found = 0, named = 0;

		make_noise(&p, rare);
		p.leak = leak;
		for (unsigned i = 0; i < seeds; i++) {
			struct outcome o = assess(&p, g, i + 1);

			named += o.named;
			found += o.found;
			of_20 += o.found && i < 20;
		}
		printf("| %s | %zu | %zu, %zu, %zu | %s | %s | %u | %u | %u of 20 | %u of %u |\n", title, rare, g->aa, g->screen, g->confirm,
		       rule_names[g->rule], g->coding == INDICATORS ? "value by value" : "contrast", g->alpha, named, of_20, found, seeds);
		fflush(stdout);
	}
}

static void print_bit(unsigned seeds)
{
	static const struct design designs[] = {
		{ 2, 6, 12, CONTRACT, INDICATORS, 100 }, { 6, 6, 12, CONTRACT, INDICATORS, 100 },  { 6, 6, 12, FIRST, INDICATORS, 100 },
		{ 2, 6, 12, COUNTED, INDICATORS, 100 },  { 6, 6, 12, COUNTED, INDICATORS, 100 },   { 6, 8, 12, COUNTED, INDICATORS, 100 },
		{ 12, 8, 12, COUNTED, INDICATORS, 100 }, { 12, 12, 16, COUNTED, INDICATORS, 1000 },
	};

	for (size_t rare = 0; rare <= 96; rare += 24 << (rare != 0 && rare != 24))
		print_power("one bit, always", BIT, rare, designs, HM_COUNT(designs), seeds);
}

static void print_rare(unsigned seeds)
{
	static const struct design designs[] = {
		{ 2, 6, 60, CONTRACT, INDICATORS, 100 }, { 2, 30, 60, CONTRACT, INDICATORS, 100 }, { 2, 1, 60, ALL, INDICATORS, 100 },
		{ 2, 1, 60, ALL, CONTRAST, 100 },        { 2, 1, 80, ALL, CONTRAST, 100 },
	};
	static const struct {
		const char *title;
		enum leak leak;
	} rows[] = { { "one run of ten, each by itself", BY_RUN }, { "one pair of ten, both runs", BY_PAIR }, { "one run of ten, one content only", ONE_SIDE } };

	for (size_t i = 0; i < HM_COUNT(rows); i++)
		print_power(rows[i].title, rows[i].leak, 0, designs, HM_COUNT(designs), seeds);
}

/* The one use of a clock: what a test costs. */
static int print_time(void)
{
	static const struct {
		size_t blocks;
		unsigned shift;
	} rows[] = { { 12, 62 }, { 12, 0 }, { 16, 62 }, { 60, 62 }, { 60, 0 } };
	enum { FEATURES = 10000 };
	struct hm_experiment_p *p = hm_alloc(FEATURES, sizeof(*p));
	struct hm_sha256 plan = { 0 };
	struct hm_experiment_draws draws = { .plan = &plan, .seed = plan.b };
	struct chance c = chance_of(1, 1);

	printf("| blocks | values | seconds for %d features |\n|---|---|---|\n", FEATURES);
	for (size_t i = 0; i < HM_COUNT(rows); i++) {
		HM_FREE int64_t *d = hm_alloc(FEATURES * rows[i].blocks, sizeof(*d));
		struct hm_experiment_matrix m = { .features = FEATURES, .blocks = rows[i].blocks, .d = d };
		struct timespec from, to;
		struct hm_fail fail;
		long ms;

		for (size_t k = 0; k < FEATURES * rows[i].blocks; k++)
			d[k] = (int64_t)draw(&c) >> rows[i].shift;
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
		must(hm_experiment_test(p, &m, &draws, &fail), &fail);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
		ms = (to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000;
		printf("| %zu | %u bits | %ld.%03ld |\n", rows[i].blocks, 64 - rows[i].shift, ms / 1000, ms % 1000);
	}
	free(p);
	return 0;
}

static unsigned number_of(const char *text, unsigned otherwise)
{
	char *end;
	unsigned long v;

	if (!text)
		return otherwise;
	v = strtoul(text, &end, 10);
	if (*end || v < 20 || v > 1000000) {
		fprintf(stderr, "usage: bench-power [SEEDS [RELABELLINGS]] | --time   (20 to 1000000)\n");
		exit(3);
	}
	return (unsigned)v;
}

int main(int argc, char **argv)
{
	unsigned seeds, relabellings;

	if (argc == 2 && strcmp(argv[1], "--time") == 0)
		return print_time();
	seeds = number_of(argc > 1 ? argv[1] : NULL, 1000);
	relabellings = number_of(argc > 2 ? argv[2] : NULL, 10000);
	print_false_alarms(relabellings);
	printf("\n## Leaks\n\nIn how many of %u seeds the leak was suspected and found; of the first 20 and of all.\n\n"
	       "| leak | unsteady features | A/A, screening, confirming blocks | rule | text as | alpha, one in | suspected | found | found |\n"
	       "|---|---|---|---|---|---|---|---|---|\n", seeds);
	print_bit(seeds);
	print_rare(seeds);
	return 0;
}
