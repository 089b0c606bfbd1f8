#pragma once
/* The statistics of an experiment: coins and secrets from the seed, the permutation test, the suspects of a screening, the bound of
 * what was not seen. doc/format/statistics.md says the same without C, and a second program (tests/interop) repeats it from there.
 *
 * Pure, and integers alone: the same input gives the same bytes on every machine. Nothing here knows what a feature is: its caller
 * orders the features (the order decides ties), and turns values into differences. Results never depend on the order of hashing,
 * on floating point or on a clock. */
#include "digest.h"

enum {
	HM_EXPERIMENT_EXACT = 16,          /* blocks up to which all sign vectors are looked at */
	HM_EXPERIMENT_SAMPLED = 9999,      /* vectors that are drawn above that */
	HM_EXPERIMENT_BLOCKS_MAX = 1024,   /* of a test */
	HM_EXPERIMENT_FEATURES_MAX = 262144,
	HM_EXPERIMENT_SUSPECTS = 8,        /* that a factor may have */
	HM_EXPERIMENT_PAIRS_MIN = 7,       /* for a verdict */
	HM_EXPERIMENT_PAIRS_MAX = 4096,    /* that a bound is computed for */
	HM_EXPERIMENT_ALPHA_NUM = 1, HM_EXPERIMENT_ALPHA_DEN = 100,
};

/* What the blocks of one phase showed. Borrowed: the caller's arrays live as long as it does. */
struct hm_experiment_matrix {
	size_t features, blocks;
	const int64_t *d;       /* d[feature * blocks + block] = value at level 1 - value at level 0 */
	const uint8_t *differs; /* in the same places: not 0 where the two runs' values are not the same. NULL: where d is not 0.
				 * Needed where a value is text, which can differ without any number that says how. */
};

/* Where sign vectors come from above HM_EXPERIMENT_EXACT blocks: the digest of plan.json, the seed, the test's number. */
struct hm_experiment_draws {
	const struct hm_sha256 *plan;
	const uint8_t *seed; /* 32 bytes */
	uint32_t test;
};

/* p = [1 + b, 1 + m]; adjusted for the family it was tested in (Westfall-Young) [1 + family, 1 + m]. */
struct hm_experiment_p {
	uint32_t b, m, family;
};

struct hm_experiment_suspects {
	size_t candidates;                                /* features that differ here and never A/A */
	size_t count;                                     /* of these, the first by p, then by feature */
	size_t feature[HM_EXPERIMENT_SUSPECTS];
	struct hm_experiment_p p[HM_EXPERIMENT_SUSPECTS]; /* family: all candidates */
	size_t held; /* the block whose two secrets are held for the confirmation: where most suspects differ, the first of such */
};

/* The level that stands in place A of the block, 0 or 1, by the label `assign/PHASE/BLOCK`. Phases and factors are 1 to 64 bytes of
 * [a-z0-9._-]; others are HM_E_USAGE, so that no two labels can be the same. `seed` has 32 bytes. */
int hm_experiment_coin(const uint8_t *seed, const char *phase, uint32_t block, struct hm_fail *fail) HM_MUST_CHECK;
/* The bytes that secret `n` of a factor's level (0 or 1) is made from, by the label `secret/PHASE/FACTOR/LEVEL/N`. */
int hm_experiment_secret(struct hm_sha256 *out, const uint8_t *seed, const char *phase, const char *factor, unsigned level,
			 uint32_t n, struct hm_fail *fail) HM_MUST_CHECK;

/* The permutation test: p[feature] for every feature of the family `matrix`. `draws` is read above HM_EXPERIMENT_EXACT blocks and
 * may be NULL otherwise. No blocks, or more of anything than the bounds above, is HM_E_USAGE. Memory: under 8 MiB. Time for
 * 10,000 features on a core of 2026: 12 blocks 0.5 s, 16 or more 5 s. */
int hm_experiment_test(struct hm_experiment_p *p, const struct hm_experiment_matrix *matrix, const struct hm_experiment_draws *draws,
		       struct hm_fail *fail) HM_MUST_CHECK;
/* The suspects of one factor: from blocks in which the two runs had the same secrets (`aa`), and blocks in which they had not. Both
 * have the same features; no A/A block, or no block at all, is HM_E_USAGE. `held` is 0 where there is no suspect. */
int hm_experiment_screen(struct hm_experiment_suspects *out, const struct hm_experiment_matrix *aa,
			 const struct hm_experiment_matrix *screen, const struct hm_experiment_draws *draws,
			 struct hm_fail *fail) HM_MUST_CHECK;
/* True when the feature's adjusted p is at most alpha: with the suspects as the family, this confirms the influence. */
bool hm_experiment_confirmed(const struct hm_experiment_p *p) HM_MUST_CHECK;

/* 0 when so many confirming pairs can carry a verdict; HM_E_USAGE, with the reason, when they are too few or too many. */
int hm_experiment_pairs(uint64_t pairs, struct hm_fail *fail) HM_MUST_CHECK;
/* The smallest q with 20 (10000 - q)^n <= 10000^n: what happens in more than q of 10,000 runs would have shown itself in n of
 * them with a confidence of 19 in 20. Exact; n from 1 to HM_EXPERIMENT_PAIRS_MAX (more count as that many), 10000 for 0. */
unsigned hm_experiment_rate(unsigned n) HM_MUST_CHECK;
