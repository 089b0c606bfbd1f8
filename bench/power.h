#pragma once
/* Simulated products and what is made of them: the parts of bench-power. */
#include "experiment.h"

enum { NOISY_MAX = 128, FEATURES_MAX = NOISY_MAX + 2, BLOCKS_MAX = 128, ROWS_MAX = HM_EXPERIMENT_SUSPECTS * BLOCKS_MAX + FEATURES_MAX, RECORDED = 120, RECORDINGS = 10 };

/* SplitMix64: small, and the same everywhere. */
struct chance {
	uint64_t state;
};
uint64_t power_draw(struct chance *c);
struct chance power_chance(uint64_t seed, uint64_t stream);

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

/* Who gives a phase its secrets. */
enum secrets { SAME, FRESH, HELD };

/* ---- power_product.c: what a product sends ---- */
/* Confirming blocks take what they draw from the block `repeats` where hm_experiment_repeats says so. */
void power_phase(struct phase *ph, const struct product *p, size_t blocks, enum secrets secrets, const struct phase *from, size_t held,
		 uint64_t seed, struct chance *c);
/* A product as clear-text observation finds it: nonces, a few ports and counters, timing, rare events of many rates. */
void power_product(struct product *p, size_t rare, bool equal, enum leak leak);

/* ---- power_judge.c: a whole experiment with it ---- */
struct design {
	size_t aa, screen, confirm;
};

struct outcome {
	size_t suspects;
	bool named;	/* the leak is among the suspects */
	bool confirmed; /* any was */
	bool found;	/* the leak was */
};

struct outcome power_assess(const struct product *p, const struct design *design, uint64_t seed);
/* An experiment whose blocks are those of a recording of A/A pairs, dealt anew. */
struct outcome power_relabel(const struct phase *recorded, const struct design *design, uint64_t seed);
/* Ends the program where `r` is an error. */
void power_must(int r, const struct hm_fail *fail);
