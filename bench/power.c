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

struct design {
	size_t aa, screen, confirm;
	bool quiet; /* suspects are never different A/A, as the contract says; otherwise nobody is left out for that */
	enum coding coding;
};

struct outcome {
	size_t candidates, suspects;
	bool named;     /* the leak is among the suspects */
	bool screened;  /* a suspect's adjusted p of the screening is at most alpha */
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
static void confirm(struct outcome *out, const struct hm_experiment_suspects *s, const struct phase *ph, size_t leak, enum coding coding,
		    const struct hm_experiment_draws *draws)
{
	static int64_t d[(HM_EXPERIMENT_SUSPECTS + VALUES_MAX) * HM_EXPERIMENT_BLOCKS_MAX];
	struct hm_experiment_p p[HM_EXPERIMENT_SUSPECTS + VALUES_MAX];
	bool of_leak[HM_EXPERIMENT_SUSPECTS + VALUES_MAX] = { false };
	struct hm_experiment_matrix m = { .blocks = ph->blocks, .d = d };
	struct hm_fail fail;

	for (size_t i = 0; i < s->count; i++) {
		int64_t *row = d + m.features * ph->blocks;
		size_t columns = 1;

		if (s->feature[i] == leak + 1)
			columns = code_field(row, ph, coding);
		else
			memcpy(row, ph->d + s->feature[i] * ph->blocks, ph->blocks * sizeof(*row));
		for (size_t column = 0; column < columns; column++)
			of_leak[m.features++] = s->feature[i] >= leak;
	}
	must(hm_experiment_test(p, &m, draws, &fail), &fail);
	for (size_t i = 0; i < m.features; i++) {
		out->confirmed |= hm_experiment_confirmed(&p[i]);
		out->found |= of_leak[i] && hm_experiment_confirmed(&p[i]);
	}
}

static void screen(struct hm_experiment_suspects *s, struct outcome *out, struct phase *aa, struct phase *ph, bool quiet, size_t leak,
		   const struct hm_experiment_draws *draws)
{
	struct hm_experiment_matrix none, of_screen = matrix_of(ph);
	struct hm_fail fail;

	if (!quiet) {
		memset(aa->differs, 0, aa->features * aa->blocks);
		memset(aa->d, 0, aa->features * aa->blocks * sizeof(*aa->d));
	}
	none = matrix_of(aa);
	must(hm_experiment_screen(s, &none, &of_screen, draws, &fail), &fail);
	out->candidates = s->candidates;
	out->suspects = s->count;
	for (size_t i = 0; i < s->count; i++) {
		out->screened |= hm_experiment_confirmed(&s->p[i]);
		out->named |= s->feature[i] >= leak;
	}
}

static struct outcome assess(const struct product *p, const struct design *design, uint64_t seed)
{
	static struct phase aa, screening, confirming;
	struct chance c = chance_of(seed, 1 + (uint64_t)p->leak);
	struct hm_sha256 plan = { 0 };
	uint8_t key[32] = { 0 };
	struct hm_experiment_draws draws = { .plan = &plan, .seed = key };
	struct hm_experiment_suspects s;
	struct outcome out = { 0 };

	memcpy(key, &seed, sizeof(seed));
	make_phase(&aa, p, design->aa, SAME, NULL, seed, &c);
	make_phase(&screening, p, design->screen, FRESH, NULL, seed, &c);
	screen(&s, &out, &aa, &screening, design->quiet, p->count, &draws);
	if (s.count == 0)
		return out;
	draws.test = 1;
	make_phase(&confirming, p, design->confirm, HELD, screening.secret[s.held], seed, &c);
	confirm(&out, &s, &confirming, p->count, design->coding, &draws);
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
	struct hm_experiment_suspects s;
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
	screen(&s, &out, &aa, &screening, design->quiet, recorded->features, &draws);
	if (s.count == 0)
		return out;
	draws.test = 1;
	deal(&confirming, recorded, order + design->aa + design->screen, design->confirm, &c);
	confirm(&out, &s, &confirming, recorded->features, design->coding, &draws);
	return out;
}

static void print_false_alarms(unsigned relabellings)
{
	static const size_t rare[] = { 0, 24, 96 };
	static const struct design designs[] = { { 2, 6, 12, true, INDICATORS },  { 6, 6, 12, true, INDICATORS },
						 { 12, 6, 12, true, INDICATORS }, { 30, 6, 12, true, INDICATORS },
						 { 2, 6, 12, false, INDICATORS } };
	static struct phase recorded;
	struct product p;

	printf("## False alarms\n\n%u relabellings of %d recordings of %d A/A pairs. Noisy features: 8 nonces, 4 timings, and as many as the first column\n"
	       "says that are unlike in 0.5 to 50 of 100 runs. Shares of relabellings, and after confirmation how many of them.\n\n"
	       "| unsteady features | A/A, screening, confirming blocks | with a suspect | suspects, mean | screening p at most 0.01 | confirmed |\n"
	       "|---|---|---|---|---|---|\n", relabellings, RECORDINGS, RECORDED);
	for (size_t r = 0; r < HM_COUNT(rare); r++) {
		for (size_t k = 0; k < HM_COUNT(designs); k++) {
			const struct design *g = &designs[k];
			unsigned long named = 0, suspects = 0, screened = 0, confirmed = 0;

			make_noise(&p, rare[r]);
			for (unsigned i = 0; i < relabellings; i++) {
				struct chance c = chance_of(i / (relabellings / RECORDINGS + 1), 7);
				struct outcome o;

				if (i % (relabellings / RECORDINGS + 1) == 0)
					make_phase(&recorded, &p, RECORDED, SAME, NULL, i, &c);
				o = relabel(&recorded, g, i);
				named += o.suspects != 0;
				suspects += o.suspects;
				screened += o.screened;
				confirmed += o.confirmed;
			}
			printf("| %zu | %zu, %zu, %zu%s | %lu.%02lu %% | %lu.%02lu | %lu | %lu of %u |\n", rare[r], g->aa, g->screen, g->confirm,
			       g->quiet ? "" : ", A/A not asked", named * 100 / relabellings, named * 10000 / relabellings % 100,
			       suspects / relabellings, suspects * 100 / relabellings % 100, screened, confirmed, relabellings);
			fflush(stdout);
		}
	}
}

static void print_power(const char *title, enum leak leak, size_t rare, const struct design *designs, size_t count, unsigned seeds)
{
	struct product p;

	for (size_t k = 0; k < count; k++) {
		const struct design *g = &designs[k];
		unsigned of_20 = 0, found = 0, named = 0, wrong = 0;

		make_noise(&p, rare);
		p.leak = leak;
		for (unsigned i = 0; i < seeds; i++) {
			struct outcome o = assess(&p, g, i + 1);

			named += o.named;
			found += o.found;
			of_20 += o.found && i < 20;
			wrong += o.confirmed && !o.found;
		}
		printf("| %s | %zu | %zu, %zu, %zu | %s | %s | %u | %u of 20 | %u of %u | %u |\n", title, rare, g->aa, g->screen, g->confirm,
		       g->quiet ? "yes" : "no", g->coding == INDICATORS ? "value by value" : "contrast", named, of_20, found, seeds, wrong);
		fflush(stdout);
	}
}

static void print_bit(unsigned seeds)
{
	static const struct design designs[] = { { 2, 6, 12, true, INDICATORS }, { 6, 6, 12, true, INDICATORS }, { 2, 10, 12, true, INDICATORS },
						 { 6, 10, 12, true, INDICATORS } };

	for (size_t rare = 0; rare <= 96; rare += 48)
		print_power("one bit, always", BIT, rare, designs, HM_COUNT(designs), seeds);
}

static void print_rare(unsigned seeds)
{
	static const struct design designs[] = {
		{ 2, 6, 60, true, INDICATORS },   { 2, 30, 60, true, INDICATORS },  { 2, 30, 60, false, INDICATORS },
		{ 2, 30, 60, false, CONTRAST },   { 2, 60, 60, false, CONTRAST },   { 2, 30, 80, false, CONTRAST },
		{ 2, 30, 120, false, INDICATORS },
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
	printf("\n## Leaks\n\nSuspected and found in so many of %u seeds; `quiet`: suspects must never differ A/A; `other`: something else was confirmed, and not the leak.\n\n"
	       "| leak | unsteady features | A/A, screening, confirming blocks | quiet | text as | suspected | found | found | other |\n"
	       "|---|---|---|---|---|---|---|---|---|\n", seeds);
	print_bit(seeds);
	print_rare(seeds);
	return 0;
}
