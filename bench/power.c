/* What the experiment's statistics find, and what they cry wolf at: simulated, and the same in every run.
 *
 *     bench-power [SEEDS [RELABELLINGS]]     prints Markdown; 1000 and 10000 by default
 *     bench-power --time                     seconds of a test of 10,000 features
 *     bench-power --check                    what must not get worse, from fewer seeds: TAP, a test of the suite
 *
 * A simulated product has features of its own noise, and may have a leak. Every phase is made as doc/format/statistics.md
 * says, and judged by the module that judges real runs; nothing is computed here but what a product would have sent. */
#include <inttypes.h>
#include <time.h>

#include "experiment.h"

enum { NOISY_MAX = 128, FEATURES_MAX = NOISY_MAX + 2, BLOCKS_MAX = 128, ROWS_MAX = HM_EXPERIMENT_SUSPECTS * BLOCKS_MAX + FEATURES_MAX, RECORDED = 120, RECORDINGS = 10 };

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
	NONCE,	/* text that is new in every run */
	DIGIT,	/* text, one of ten */
	LENGTH, /* a number that is one more in 6 of 10 runs */
	TIMING, /* milliseconds around a mean */
	EVENT,	/* text that is there in a run with this many in a thousand */
	COUNT,	/* a number that is one more with this many in a thousand */
	PLACE,	/* one more in place A, in this many blocks of a thousand */
};

struct noisy {
	enum noise noise;
	unsigned permille;
};

static bool is_text(enum noise n)
{
	return n == NONCE || n == DIGIT || n == EVENT;
}

static struct hm_experiment_value noise_of(const struct noisy *n, struct chance *c, bool place_a, bool block_happens)
{
	int64_t sum = 0;

	switch (n->noise) {
	case NONCE:
		return (struct hm_experiment_value){ true, (int64_t)(draw(c) >> 1) };
	case DIGIT:
		return (struct hm_experiment_value){ true, (int64_t)(draw(c) % 10) };
	case LENGTH:
		return (struct hm_experiment_value){ true, 4 + happens(c, 600) };
	case EVENT:
		return (struct hm_experiment_value){ happens(c, n->permille), 0 };
	case COUNT:
		return (struct hm_experiment_value){ true, 40 + happens(c, n->permille) };
	case PLACE:
		return (struct hm_experiment_value){ true, 40 + (place_a && block_happens) };
	case TIMING:
		for (unsigned i = 0; i < 12; i++)
			sum += (int64_t)(draw(c) % 100);
		return (struct hm_experiment_value){ true, 1000 * sum };
	}
	return (struct hm_experiment_value){ 0 };
}

enum leak {
	NO_LEAK,
	BIT,	  /* a bit of a digest of the content, always sent */
	DIGEST,	  /* the digest, always sent */
	BY_RUN,	  /* the digest in one run of ten, each by itself */
	BY_PAIR,  /* the same, but both runs of a pair do it or none: what they draw is made equal */
	DELAY,	  /* a second later, by a bit of the digest */
};

struct product {
	struct noisy noisy[NOISY_MAX];
	size_t count;
	bool equal; /* noise is the same in the two runs of a block: what they draw is */
	enum leak leak;
};

/* One phase. Features: the noisy ones, then how often the leak's message is sent, then its field. */
struct phase {
	size_t features, blocks;
	struct hm_experiment_value value[FEATURES_MAX][2 * BLOCKS_MAX]; /* [feature][2 block + level] */
	uint64_t secret[BLOCKS_MAX][2], fires[BLOCKS_MAX];
	uint8_t kind[FEATURES_MAX], text[FEATURES_MAX];
};

/* The leak's field in both runs of a block, by level. */
static void leak_of(struct hm_experiment_value value[2], const struct product *p, struct chance *c, const uint64_t secret[2], uint64_t fires)
{
	for (unsigned level = 0; level < 2; level++) {
		struct chance digest = { secret[level] };
		uint64_t hash = draw(&digest) >> 1;
		bool by_itself = happens(c, 100);

		value[level] = (struct hm_experiment_value){ true, 0 };
		if (p->leak == BIT)
			value[level].value = (int64_t)(hash >> 40 & 1);
		else if (p->leak == DELAY)
			value[level].value = noise_of(&(struct noisy){ TIMING, 0 }, c, false, false).value + (int64_t)(hash >> 40 & 1) * 1000000;
		else if (p->leak == DIGEST)
			value[level].value = (int64_t)hash;
		else
			value[level] = (struct hm_experiment_value){ p->leak == BY_RUN ? by_itself : p->leak == BY_PAIR && fires % 10 == 0, (int64_t)hash };
	}
}

/* Who gives a phase its secrets. */
enum secrets { SAME, FRESH, HELD };

static const char *const phase_names[] = { "aa", "screen", "confirm" };

/* Confirming blocks take what they draw from the block `repeats` where hm_experiment_repeats says so. */
static void make_phase(struct phase *ph, const struct product *p, size_t blocks, enum secrets secrets, const struct phase *from, size_t held,
		       uint64_t seed, struct chance *c)
{
	uint8_t key[32] = { 0 };

	memcpy(key, &seed, sizeof(seed));
	ph->features = p->count + 2;
	ph->blocks = blocks;
	for (size_t f = 0; f < ph->features; f++) {
		bool timing = f < p->count ? p->noisy[f].noise == TIMING : f > p->count && p->leak == DELAY;

		ph->kind[f] = timing ? HM_EXPERIMENT_TIMING : HM_EXPERIMENT_SIZED;
		ph->text[f] = f < p->count ? is_text(p->noisy[f].noise) : f > p->count && p->leak != BIT && p->leak != DELAY;
	}
	for (size_t b = 0; b < blocks; b++) {
		uint64_t *secret = ph->secret[b];
		int coin = hm_experiment_coin(key, phase_names[secrets], (uint32_t)b, NULL);

		secret[0] = secrets == HELD ? from->secret[held][0] : draw(c);
		secret[1] = secrets == HELD ? from->secret[held][1] : secrets == SAME ? secret[0] : draw(c);
		ph->fires[b] = draw(c);
		if (secrets == HELD && hm_experiment_repeats((unsigned)blocks, (unsigned)b, true))
			ph->fires[b] = from->fires[held];
		for (size_t f = 0; f < p->count; f++) {
			bool block_happens = happens(c, p->noisy[f].permille);

			for (int level = 0; level < 2; level++)
				ph->value[f][2 * b + (size_t)level] = noise_of(&p->noisy[f], c, coin == level, block_happens);
			if (p->equal && p->noisy[f].noise != TIMING)
				ph->value[f][2 * b + 1] = ph->value[f][2 * b];
		}
		leak_of(&ph->value[p->count + 1][2 * b], p, c, secret, ph->fires[b]);
		for (size_t level = 0; level < 2; level++)
			ph->value[p->count][2 * b + level] = (struct hm_experiment_value){ true, ph->value[p->count + 1][2 * b + level].there };
	}
}

static bool same(const struct hm_experiment_value *a, const struct hm_experiment_value *b)
{
	return a->there == b->there && (!a->there || a->value == b->value);
}

/* As the module takes it. */
struct table {
	int64_t d[ROWS_MAX * BLOCKS_MAX];
	uint8_t differs[FEATURES_MAX * BLOCKS_MAX], kind[ROWS_MAX];
	struct hm_experiment_matrix m;
};

/* The feature in all runs of A/A and screening blocks. */
static size_t early_values(struct hm_experiment_value *out, const struct phase *phases, size_t feature)
{
	size_t count = 0;

	for (size_t ph = SAME; ph <= FRESH; ph++)
		for (size_t i = 0; i < 2 * phases[ph].blocks; i++)
			out[count++] = phases[ph].value[feature][i];
	return count;
}

static void tabulate(struct table *t, const struct phase *phases, enum secrets secrets)
{
	struct hm_experiment_value early[4 * BLOCKS_MAX];
	const struct phase *ph = &phases[secrets];

	for (size_t f = 0; f < ph->features; f++) {
		size_t early_count = early_values(early, phases, f);

		for (size_t b = 0; b < ph->blocks; b++) {
			const struct hm_experiment_value *v = &ph->value[f][2 * b];

			t->d[f * ph->blocks + b] = ph->text[f] ? 0 : v[1].value - v[0].value;
			t->differs[f * ph->blocks + b] = (uint8_t)hm_experiment_differ(early, early_count / 2, b + (secrets == FRESH ? phases[SAME].blocks : 0));
		}
	}
	t->m = (struct hm_experiment_matrix){ ph->features, ph->blocks, t->d, t->differs, ph->kind };
}

struct design {
	size_t aa, screen, confirm;
};

struct outcome {
	size_t suspects;
	bool named;	/* the leak is among the suspects */
	bool confirmed; /* any was */
	bool found;	/* the leak was */
};

static void must(int r, const struct hm_fail *fail)
{
	if (r == 0)
		return;
	fprintf(stderr, "bench-power: %s\n", fail->text);
	exit(4);
}

/* The rows of a suspect: a number's one, or one for each value that comes twice. Their order does not matter. */
static void add_sized(struct table *t, size_t *of_row, const struct phase *ph, size_t feature)
{
	const struct hm_experiment_value *v = ph->value[feature];

	for (size_t i = 0; i < 2 * ph->blocks; i++) {
		int64_t *d = t->d + t->m.features * ph->blocks;
		size_t before = 0, count = 0;

		for (size_t k = 0; k < 2 * ph->blocks; k++) {
			before += k < i && same(&v[k], &v[i]);
			count += same(&v[k], &v[i]);
		}
		if (ph->text[feature] ? !v[i].there || before || count < 2 : i != 0)
			continue;
		for (size_t b = 0; b < ph->blocks; b++)
			d[b] = ph->text[feature] ? same(&v[2 * b + 1], &v[i]) - same(&v[2 * b], &v[i]) : v[2 * b + 1].value - v[2 * b].value;
		t->kind[t->m.features] = HM_EXPERIMENT_SIZED;
		of_row[t->m.features++] = feature;
	}
}

static void add_directed(struct table *t, size_t *of_row, const struct phase *phases, size_t held, size_t feature, bool suspect)
{
	struct hm_experiment_value early[4 * BLOCKS_MAX];
	const struct phase *ph = &phases[HELD];
	size_t count = early_values(early, phases, feature), at = phases[SAME].blocks + held;
	struct hm_experiment_told told = { .held = { early[2 * at], early[2 * at + 1] }, .confirm = ph->value[feature], .blocks = ph->blocks };

	told.suspect = suspect;
	told.own = hm_experiment_differ(early, count / 2, at) == HM_EXPERIMENT_OWN;
	if (ph->kind[feature] == HM_EXPERIMENT_TIMING || !hm_experiment_direct(t->d + t->m.features * ph->blocks, &told))
		return;
	t->kind[t->m.features] = HM_EXPERIMENT_DIRECTED;
	of_row[t->m.features++] = feature;
}

/* Tests over the confirming blocks, when the screening is done. `leak` is the first of the leak's two features. */
static void confirm(struct outcome *out, const struct hm_experiment_suspects *s, const struct phase *phases, size_t leak,
		    const struct hm_experiment_draws *draws)
{
	static struct table t;
	size_t of_row[ROWS_MAX];
	struct hm_experiment_p p[ROWS_MAX];
	const struct phase *ph = &phases[HELD];
	struct hm_fail fail;

	t.m = (struct hm_experiment_matrix){ .blocks = ph->blocks, .d = t.d, .kind = t.kind };
	for (size_t i = 0; i < s->count; i++)
		add_sized(&t, of_row, ph, s->feature[i]);
	for (size_t f = 0; f < ph->features; f++) {
		bool suspect = false;

		for (size_t i = 0; i < s->count; i++)
			suspect |= s->feature[i] == f;
		add_directed(&t, of_row, phases, s->held, f, suspect);
	}
	must(hm_experiment_test(p, &t.m, draws, &fail), &fail);
	for (size_t i = 0; i < t.m.features; i++) {
		bool confirmed = hm_experiment_confirmed(&p[i]);

		for (size_t k = 0; k < s->count && ph->kind[of_row[i]] == HM_EXPERIMENT_TIMING; k++)
			confirmed &= s->feature[k] != of_row[i] || hm_experiment_off(t.d + i * ph->blocks, ph->blocks, s->tolerance[k]);
		out->confirmed |= confirmed;
		out->found |= confirmed && of_row[i] >= leak;
	}
}

static void screen(struct hm_experiment_suspects *s, struct outcome *out, const struct phase *phases, size_t leak)
{
	static struct table aa, screening;
	struct hm_fail fail;

	tabulate(&aa, phases, SAME);
	tabulate(&screening, phases, FRESH);
	must(hm_experiment_screen(s, &aa.m, &screening.m, &fail), &fail);
	out->suspects = s->count;
	for (size_t i = 0; i < s->count; i++)
		out->named |= s->feature[i] >= leak;
}

static struct outcome assess(const struct product *p, const struct design *design, uint64_t seed)
{
	static struct phase phases[3];
	struct chance c = chance_of(seed, 1 + (uint64_t)p->leak);
	struct hm_sha256 plan = { 0 };
	uint8_t key[32] = { 0 };
	struct hm_experiment_draws draws = { .plan = &plan, .seed = key };
	struct hm_experiment_suspects s;
	struct outcome out = { 0 };

	memcpy(key, &seed, sizeof(seed));
	make_phase(&phases[SAME], p, design->aa, SAME, NULL, 0, seed, &c);
	make_phase(&phases[FRESH], p, design->screen, FRESH, NULL, 0, seed, &c);
	screen(&s, &out, phases, p->count);
	make_phase(&phases[HELD], p, design->confirm, HELD, &phases[FRESH], s.held, seed, &c);
	confirm(&out, &s, phases, p->count, &draws);
	return out;
}

/* A product as clear-text observation finds it: nonces, a few ports and counters, timing, rare events of many rates. */
static void make_noise(struct product *p, size_t rare, bool equal, enum leak leak)
{
	static const enum noise always[] = { NONCE, NONCE, NONCE, NONCE, NONCE, NONCE, DIGIT, LENGTH, TIMING, TIMING, TIMING, TIMING };
	static const unsigned rates[] = { 5, 10, 20, 50, 100, 200, 300, 500 };

	*p = (struct product){ .equal = equal, .leak = leak };
	for (size_t i = 0; i < HM_COUNT(always); i++)
		p->noisy[p->count++] = (struct noisy){ always[i], 0 };
	for (size_t i = 0; i < rare; i++)
		p->noisy[p->count++] = (struct noisy){ EVENT + (enum noise)(i / HM_COUNT(rates) % 3), rates[i % HM_COUNT(rates)] };
}

/* A recording of A/A pairs, its blocks dealt to the phases and the levels of each exchanged by coin. */
static void deal(struct phase *to, const struct phase *from, const size_t *order, size_t blocks, struct chance *c)
{
	to->features = from->features;
	to->blocks = blocks;
	memcpy(to->kind, from->kind, sizeof(to->kind));
	memcpy(to->text, from->text, sizeof(to->text));
	for (size_t b = 0; b < blocks; b++) {
		size_t turned = draw(c) & 1;

		for (size_t f = 0; f < from->features; f++)
			for (size_t level = 0; level < 2; level++)
				to->value[f][2 * b + level] = from->value[f][2 * order[b] + (level ^ turned)];
	}
}

static struct outcome relabel(const struct phase *recorded, const struct design *design, uint64_t seed)
{
	static struct phase phases[3];
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
	deal(&phases[SAME], recorded, order, design->aa, &c);
	deal(&phases[FRESH], recorded, order + design->aa, design->screen, &c);
	screen(&s, &out, phases, recorded->features);
	deal(&phases[HELD], recorded, order + design->aa + design->screen, design->confirm, &c);
	confirm(&out, &s, phases, recorded->features, &draws);
	return out;
}

static struct design design_of(unsigned pairs)
{
	return (struct design){ hm_experiment_aa(pairs), hm_experiment_screening(pairs), pairs };
}

/* How the product's noise is: made equal in twins, or not, and then with so many unsteady features. */
struct world {
	const char *name;
	size_t rare;
	bool equal;
};

static const struct world worlds[] = { { "equal", 24, true }, { "0", 0, false }, { "24", 24, false }, { "96", 96, false } };

struct alarms {
	unsigned long named, suspects, confirmed;
};

static struct alarms count_alarms(const struct world *w, const struct design *g, unsigned relabellings)
{
	static struct phase recorded;
	unsigned each = (relabellings + RECORDINGS - 1) / RECORDINGS;
	struct alarms a = { 0 };
	struct product p;

	make_noise(&p, w->rare, w->equal, NO_LEAK);
	for (unsigned i = 0; i < relabellings; i++) {
		struct chance c = chance_of(i / each, 7);
		struct outcome o;

		if (i % each == 0)
			make_phase(&recorded, &p, RECORDED, SAME, NULL, 0, i, &c);
		o = relabel(&recorded, g, i);
		a.named += o.suspects != 0;
		a.suspects += o.suspects;
		a.confirmed += o.confirmed;
	}
	return a;
}

static void print_false_alarms(unsigned relabellings)
{
	static const unsigned pairs[] = { 8, 12, 60 };

	printf("## False alarms\n\n%u relabellings of %d recordings of %d A/A pairs.\n\n"
	       "| noise | A/A, screening, confirming blocks | with a suspect | suspects each | confirmed |\n"
	       "|---|---|---|---|---|\n", relabellings, RECORDINGS, RECORDED);
	for (size_t w = 0; w < HM_COUNT(worlds); w++)
		for (size_t k = 0; k < HM_COUNT(pairs); k++) {
			struct design g = design_of(pairs[k]);
			struct alarms a = count_alarms(&worlds[w], &g, relabellings);

			printf("| %s | %zu, %zu, %zu | %lu | %lu.%02lu | %lu of %u |\n", worlds[w].name, g.aa, g.screen, g.confirm, a.named,
			       a.suspects / relabellings, a.suspects * 100 / relabellings % 100, a.confirmed, relabellings);
			fflush(stdout);
		}
}

struct count {
	unsigned of_20, found, named;
};

static struct count count_leaks(enum leak leak, const struct world *w, const struct design *g, unsigned seeds)
{
	struct count count = { 0 };
	struct product p;

	make_noise(&p, w->rare, w->equal, leak);
	for (unsigned i = 0; i < seeds; i++) {
		struct outcome o = assess(&p, g, i + 1);

		count.named += o.named;
		count.found += o.found;
		count.of_20 += o.found && i < 20;
	}
	return count;
}

static void print_power(const char *title, enum leak leak, const struct world *w, const struct design *g, unsigned seeds)
{
	struct count c = count_leaks(leak, w, g, seeds);

	printf("| %s | %s | %zu, %zu, %zu | %u | %u of 20 | %u of %u |\n", title, w->name, g->aa, g->screen, g->confirm, c.named, c.of_20, c.found, seeds);
	fflush(stdout);
}

static void print_leaks(unsigned seeds)
{
	static const struct {
		const char *title;
		enum leak leak;
		unsigned pairs;
	} rows[] = { { "one bit, always", BIT, 8 },	     { "one bit, always", BIT, 12 },
		     { "a digest, always", DIGEST, 7 },	     { "a digest, always", DIGEST, 8 },
		     { "a second, by a bit", DELAY, 12 }, { "a digest, one run of ten, each by itself", BY_RUN, 60 },
		     { "a digest, one pair of ten, both runs", BY_PAIR, 60 } };

	for (size_t i = 0; i < HM_COUNT(rows); i++) {
		struct design g = design_of(rows[i].pairs);

		for (size_t w = 0; w < HM_COUNT(worlds); w++)
			print_power(rows[i].title, rows[i].leak, &worlds[w], &g, seeds);
	}
}

/* Why the numbers of blocks are as they are. */
static void print_choices(unsigned seeds)
{
	static const struct design bit[] = { { 2, 6, 12 }, { 4, 8, 12 }, { 8, 8, 12 }, { 8, 10, 12 }, { 12, 8, 12 }, { 8, 12, 12 } };
	static const struct design rare[] = { { 4, 8, 60 }, { 15, 20, 60 }, { 15, 30, 60 }, { 15, 40, 60 }, { 30, 40, 60 } };

	for (size_t i = 0; i < HM_COUNT(bit); i++)
		print_power("one bit, always", BIT, &worlds[2], &bit[i], seeds);
	for (size_t i = 0; i < HM_COUNT(rare); i++) {
		print_power("a digest, one run of ten, each by itself", BY_RUN, &worlds[1], &rare[i], seeds);
		print_power("a digest, one pair of ten, both runs", BY_PAIR, &worlds[0], &rare[i], seeds);
	}
}

/* Figures are the same in every run, so that bounds are as near as they are meant to be. */
static int check(void)
{
	static const struct {
		const char *title;
		enum leak leak;
		unsigned pairs, world, seeds, least;
	} leaks[] = { { "a bit, 12 pairs, noise made equal", BIT, 12, 0, 400, 392 },
		      { "a bit, 12 pairs, 24 unsteady features", BIT, 12, 2, 400, 376 },
		      { "a digest, 7 pairs, 96 unsteady features", DIGEST, 7, 3, 100, 99 },
		      { "a second, 12 pairs, noise made equal", DELAY, 12, 0, 200, 170 },
		      { "one run of ten, 60 pairs", BY_RUN, 60, 1, 60, 56 },
		      { "one pair of ten, 60 pairs, noise made equal", BY_PAIR, 60, 0, 60, 57 } };
	static const struct {
		unsigned pairs, world, suspected;
	} alarms[] = { { 8, 0, 10 }, { 12, 0, 10 }, { 12, 2, 1000 } };
	enum { RELABELLINGS = 1000 };
	unsigned n = 0;
	bool failed = false;

	for (size_t i = 0; i < HM_COUNT(alarms); i++) {
		struct design g = design_of(alarms[i].pairs);
		struct alarms a = count_alarms(&worlds[alarms[i].world], &g, RELABELLINGS);
		bool good = a.named <= alarms[i].suspected && !a.confirmed;

		printf("%s %u - false alarms, %u pairs, noise %s: of %d relabellings %lu with a suspect, %lu confirmed\n", good ? "ok" : "not ok", ++n,
		       alarms[i].pairs, worlds[alarms[i].world].name, RELABELLINGS, a.named, a.confirmed);
		failed |= !good;
	}
	for (size_t i = 0; i < HM_COUNT(leaks); i++) {
		struct design g = design_of(leaks[i].pairs);
		struct count c = count_leaks(leaks[i].leak, &worlds[leaks[i].world], &g, leaks[i].seeds);
		bool good = c.found >= leaks[i].least;

		printf("%s %u - %s: %u of %u found, %u at least\n", good ? "ok" : "not ok", ++n, leaks[i].title, c.found, leaks[i].seeds, leaks[i].least);
		failed |= !good;
	}
	printf("1..%u\n", n);
	return failed;
}

/* The one use of a clock: what a test costs. */
static int print_time(void)
{
	static const struct {
		size_t blocks;
		unsigned shift;
		bool directed;
	} rows[] = { { 12, 62, false }, { 12, 0, false }, { 16, 62, false }, { 60, 62, false }, { 60, 0, false }, { 16, 62, true }, { 60, 62, true } };
	enum { FEATURES = 10000 };
	struct hm_experiment_p *p = hm_alloc(FEATURES, sizeof(*p));
	struct hm_sha256 plan = { 0 };
	struct hm_experiment_draws draws = { .plan = &plan, .seed = plan.b };
	struct chance c = chance_of(1, 1);

	printf("| blocks | values | seconds for %d features |\n|---|---|---|\n", FEATURES);
	for (size_t i = 0; i < HM_COUNT(rows); i++) {
		HM_FREE int64_t *d = hm_alloc(FEATURES * rows[i].blocks, sizeof(*d));
		HM_FREE uint8_t *kind = hm_alloc(FEATURES, 1);
		struct hm_experiment_matrix m = { .features = FEATURES, .blocks = rows[i].blocks, .d = d, .kind = kind };
		struct timespec from, to;
		struct hm_fail fail;
		long ms;

		for (size_t k = 0; k < FEATURES * rows[i].blocks; k++)
			d[k] = (int64_t)draw(&c) >> rows[i].shift;
		memset(kind, rows[i].directed ? HM_EXPERIMENT_DIRECTED : HM_EXPERIMENT_SIZED, FEATURES);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
		must(hm_experiment_test(p, &m, &draws, &fail), &fail);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
		ms = (to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000;
		printf("| %zu | %s%u bits | %ld.%03ld |\n", rows[i].blocks, rows[i].directed ? "directed, " : "", 64 - rows[i].shift, ms / 1000, ms % 1000);
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
		fprintf(stderr, "usage: bench-power [SEEDS [RELABELLINGS]] | --time | --check   (20 to 1000000)\n");
		exit(3);
	}
	return (unsigned)v;
}

int main(int argc, char **argv)
{
	static const char heading[] = "| leak | noise | A/A, screening, confirming blocks | suspected | found | found |\n|---|---|---|---|---|---|\n";
	unsigned seeds, relabellings;

	if (argc == 2 && strcmp(argv[1], "--time") == 0)
		return print_time();
	if (argc == 2 && strcmp(argv[1], "--check") == 0)
		return check();
	seeds = number_of(argc > 1 ? argv[1] : NULL, 1000);
	relabellings = number_of(argc > 2 ? argv[2] : NULL, 10000);
	printf("Every product has 6 nonces, a random digit, a random length and 4 timings. *Noise*: how many features more are unlike in 0.5 to 50 of\n"
	       "100 runs (or blocks), whatever the content; *equal*: what the two runs of a block draw is made equal, and only timings differ.\n\n");
	print_false_alarms(relabellings);
	printf("\n## Leaks\n\nIn how many of %u seeds the leak was suspected and found; of the first 20 and of all.\n\n%s", seeds, heading);
	print_leaks(seeds);
	printf("\n## Other numbers of blocks\n\n%s", heading);
	print_choices(seeds);
	return 0;
}
