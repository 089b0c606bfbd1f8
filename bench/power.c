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

#include "power.h"

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

	power_product(&p, w->rare, w->equal, NO_LEAK);
	for (unsigned i = 0; i < relabellings; i++) {
		struct chance c = power_chance(i / each, 7);
		struct outcome o;

		if (i % each == 0)
			power_phase(&recorded, &p, RECORDED, SAME, NULL, 0, i, &c);
		o = power_relabel(&recorded, g, i);
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

	power_product(&p, w->rare, w->equal, leak);
	for (unsigned i = 0; i < seeds; i++) {
		struct outcome o = power_assess(&p, g, i + 1);

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
	struct chance c = power_chance(1, 1);

	printf("| blocks | values | seconds for %d features |\n|---|---|---|\n", FEATURES);
	for (size_t i = 0; i < HM_COUNT(rows); i++) {
		HM_FREE int64_t *d = hm_alloc(FEATURES * rows[i].blocks, sizeof(*d));
		HM_FREE uint8_t *kind = hm_alloc(FEATURES, 1);
		struct hm_experiment_matrix m = { .features = FEATURES, .blocks = rows[i].blocks, .d = d, .kind = kind };
		struct timespec from, to;
		struct hm_fail fail;
		long ms;

		for (size_t k = 0; k < FEATURES * rows[i].blocks; k++)
			d[k] = (int64_t)power_draw(&c) >> rows[i].shift;
		memset(kind, rows[i].directed ? HM_EXPERIMENT_DIRECTED : HM_EXPERIMENT_SIZED, FEATURES);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
		power_must(hm_experiment_test(p, &m, &draws, &fail), &fail);
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
