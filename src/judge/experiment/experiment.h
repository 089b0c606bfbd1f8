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
	HM_EXPERIMENT_SUSPECTS = 16,       /* that a factor may have */
	HM_EXPERIMENT_PAIRS_MIN = 7,       /* for a verdict */
	HM_EXPERIMENT_PAIRS_SIZED = 8,     /* for a sized row to be confirmed */
	HM_EXPERIMENT_PAIRS_MAX = 4096,    /* that a bound is computed for */
	HM_EXPERIMENT_ALPHA_NUM = 1, HM_EXPERIMENT_ALPHA_DEN = 100,
	HM_EXPERIMENT_AA_MIN = 8, HM_EXPERIMENT_AA_MAX = 16,         /* blocks: one for four pairs of a factor, within these */
	HM_EXPERIMENT_SCREEN_MIN = 10, HM_EXPERIMENT_SCREEN_MAX = 40, /* blocks: two for three pairs */
	HM_EXPERIMENT_REPEAT_FROM = 24,    /* pairs from which every fourth one repeats what the held block drew */
	HM_EXPERIMENT_LOCATE = 128,         /* locate blocks of a plan that has some */
	HM_EXPERIMENT_PROBE = 8,           /* blocks of a factor after which the rest need not be done when no suspect differed in them */
	HM_EXPERIMENT_TOLERANCE_US = 20000, /* that a timing may be off, beside 2 1/8 times what it was off A/A */
	HM_EXPERIMENT_TIMING_BLOCKS = 3,    /* in which a timing differs before it is suspected */
};

/* What a row's differences mean. */
enum hm_experiment_kind {
	HM_EXPERIMENT_SIZED,    /* a number, or whether a text was there: how much d is counts, and its direction is not known */
	HM_EXPERIMENT_TIMING,   /* the same in microseconds, which always differ a little: only screening treats it otherwise */
	HM_EXPERIMENT_DIRECTED, /* a value that was foretold, from hm_experiment_direct: only the signs count. Not for screening */
};

/* Whether the two runs of a block had the same value. */
enum hm_experiment_differs {
	HM_EXPERIMENT_SAME,
	HM_EXPERIMENT_DIFFERS,
	HM_EXPERIMENT_OWN, /* they differ, and no other run of A/A and screening blocks had a value of these (to lack it is none) */
};

/* What the blocks of one phase showed. Borrowed: the caller's arrays live as long as it does. */
struct hm_experiment_matrix {
	size_t features, blocks;
	const int64_t *d;       /* d[feature * blocks + block] = value at level 1 - value at level 0 */
	const uint8_t *differs; /* in the same places, an enum hm_experiment_differs. NULL: HM_EXPERIMENT_DIFFERS where d is not 0. A
				 * value that is text can differ without any number that says how. Not read by tests. */
	const uint8_t *kind;    /* by feature, an enum hm_experiment_kind. NULL: all are sized. Screening reads that of its own
				 * blocks for the A/A ones too. */
	bool narrow; /* screening blocks of semantics 3: a timing may be off by twice what it was A/A */
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
	size_t candidates;                          /* features that differ here and never A/A */
	size_t count;                               /* of these, the first by the blocks in which they differ, then by feature */
	size_t feature[HM_EXPERIMENT_SUSPECTS];
	uint32_t differs[HM_EXPERIMENT_SUSPECTS];   /* in so many blocks */
	uint64_t tolerance[HM_EXPERIMENT_SUSPECTS]; /* of a timing: more than this is a difference; UINT64_MAX where that is less */
	size_t held; /* the block whose two secrets are held for the confirmation */
};

/* A feature's value in one run: a number, or the number that the caller gave to a text. */
struct hm_experiment_value {
	bool there; /* else the run lacks the feature */
	int64_t value;
};

/* What foretells a feature's values in the confirmation. Borrowed. */
struct hm_experiment_told {
	struct hm_experiment_value held[2];        /* in the held block, by level */
	bool suspect, own;                         /* it is a suspect; it had values of its own there */
	const struct hm_experiment_value *confirm; /* in block b at level l: [2 b + l] */
	size_t blocks;
};

/* A/A and screening blocks that go before so many confirming pairs a factor. */
unsigned hm_experiment_aa(unsigned pairs) HM_MUST_CHECK;
unsigned hm_experiment_screening(unsigned pairs) HM_MUST_CHECK;
/* Whether the confirming block, counted from 0 through those of its factor, draws again what the held block drew. `suspects`: screening had some. */
bool hm_experiment_repeats(unsigned pairs, unsigned block, bool suspects) HM_MUST_CHECK;
/* Blocks that count for a bound, at least: of `done` confirming blocks of the `pairs` that were planned those that drew for themselves;
 * where these are none, or the rest was skipped, the screening blocks, in which the factor was varied too. */
unsigned hm_experiment_drawn(unsigned pairs, unsigned done, unsigned screened, bool suspects, bool skipped) HM_MUST_CHECK;
/* The level that stands in place A of the block, 0 or 1, by the label `assign/PHASE/BLOCK`. Phases and factors are 1 to 64 bytes of
 * [a-z0-9._-]; others are HM_E_USAGE, so that no two labels can be the same. `seed` has 32 bytes. */
int hm_experiment_coin(const uint8_t *seed, const char *phase, uint32_t block, struct hm_fail *fail) HM_MUST_CHECK;
/* The bytes that secret `n` of a factor's level (0 or 1) is made from, by the label `secret/PHASE/FACTOR/LEVEL/N`. */
int hm_experiment_secret(struct hm_sha256 *out, const uint8_t *seed, const char *phase, const char *factor, unsigned level,
			 uint32_t n, struct hm_fail *fail) HM_MUST_CHECK;

/* How the two runs of a block differ: `value[2 b]` and `value[2 b + 1]` are those of block b, of all A/A and screening blocks. */
enum hm_experiment_differs hm_experiment_differ(const struct hm_experiment_value *value, size_t blocks, size_t block) HM_MUST_CHECK;
/* The suspects of a factor: from blocks in which the two runs had the same secrets (`aa`), and blocks in which they had not. Both
 * have the same features; no A/A block, or no block at all, is HM_E_USAGE. `held` is 0 where nothing differs. No test is made. */
int hm_experiment_screen(struct hm_experiment_suspects *out, const struct hm_experiment_matrix *aa,
			 const struct hm_experiment_matrix *screen, struct hm_fail *fail) HM_MUST_CHECK;
/* The directed row of a feature: d[0..blocks) is 1 where the values stand at the levels where the held block had them, -1 where they stand
 * the other way round, 0 where they tell nothing. False when the feature has none, or none that could confirm anything. */
bool hm_experiment_direct(int64_t *d, const struct hm_experiment_told *told) HM_MUST_CHECK;
/* Whether a timing was off by more than its tolerance in more than half of the blocks: without that nothing confirms it. */
bool hm_experiment_off(const int64_t *d, size_t blocks, uint64_t tolerance) HM_MUST_CHECK;
/* The permutation test: p[feature] for every feature of the family `matrix`. `draws` is read above HM_EXPERIMENT_EXACT blocks and
 * may be NULL otherwise. No blocks, or more of anything than the bounds above, is HM_E_USAGE. Memory: under 8 MiB. Time for
 * 10,000 features on a core of 2026: 12 blocks 0.5 s, 16 or more 5 s. */
int hm_experiment_test(struct hm_experiment_p *p, const struct hm_experiment_matrix *matrix, const struct hm_experiment_draws *draws,
		       struct hm_fail *fail) HM_MUST_CHECK;
/* True when the feature's adjusted p is at most alpha: with all rows of the confirmation as the family, this confirms the influence. */
bool hm_experiment_confirmed(const struct hm_experiment_p *p) HM_MUST_CHECK;

/* 0 when so many confirming pairs can carry a verdict; HM_E_USAGE, with the reason, when they are too few or too many. */
int hm_experiment_pairs(uint64_t pairs, struct hm_fail *fail) HM_MUST_CHECK;
/* The smallest q with 20 (10000 - q)^n <= 10000^n: what happens in more than q of 10,000 runs would have shown itself in n of
 * them with a confidence of 19 in 20. Exact; n from 1 to HM_EXPERIMENT_PAIRS_MAX (more count as that many), 10000 for 0. */
unsigned hm_experiment_rate(unsigned n) HM_MUST_CHECK;
