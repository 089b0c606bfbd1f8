#pragma once
/* Where an influence comes from: which document, and which bytes of it. doc/format/statistics.md, "Locating", says what is asked next, when an
 * answer counts and how sure it is; this does it. The next question is a function of the seed and of what the blocks before it showed, so that whoever
 * has these asks the same. Nothing is kept of how far a search has come: it is walked again from its beginning each time, over the answers
 * that there are, until one is missing.
 *
 * Pure, like everything below judge. */
#include "compare.h"

enum {
	HM_LOCATE_BLOCKS = HM_EXPERIMENT_LOCATE, /* that are planned */
	HM_LOCATE_TARGETS = 64,
	HM_LOCATE_THINGS = 16, /* of a factor, at most */
	HM_LOCATE_PLACES = 4, /* documents of one target, at most */
	HM_LOCATE_PARTS = 24, /* of a question; more cannot be */
};

/* Places [from, to) of a document. */
struct hm_locate_part {
	uint32_t document, from, to;
};

/* What a block varies. Parts stand in the order of documents and places. */
struct hm_locate_question {
	const char *factor;			       /* as it was added */
	struct hm_locate_part level[2][HM_LOCATE_PARTS]; /* what has level 1 in the run at level 0 (the ground), and in that at level 1 */
	size_t count[2];
};

enum hm_locate_reason {
	HM_LOCATED,
	HM_LOCATE_UNSTEADY,    /* it comes and goes by itself */
	HM_LOCATE_MANY,	       /* more documents than HM_LOCATE_PLACES */
	HM_LOCATE_UNCONFIRMED, /* what the search found, repeats did not confirm */
	HM_LOCATE_BLOCKS_OUT,  /* none was left */
};

struct hm_locate_place {
	struct hm_locate_part part;
	uint32_t ground;    /* bit i: document i has level 1 in both runs */
	unsigned confirmed; /* blocks that say so */
	unsigned block;	    /* one of these, from 0 */
};

struct hm_locate_result {
	enum hm_locate_reason reason;
	struct hm_locate_place place[HM_LOCATE_PLACES]; /* confirmed ones, also where others are not, in the order of documents */
	size_t count;
	int rest; /* everything else together had influence (1), had none (0), was not asked (-1) */
	unsigned blocks; /* that asked about its factor */
};

/* What is compared: what runs sent, what they left on disk. Each has runs of its own numbers. */
enum hm_locate_kind { HM_LOCATE_SENT, HM_LOCATE_KEPT, HM_LOCATE_KINDS };
struct hm_locate_seen {
	const struct hm_compare *compare; /* NULL: no target is of it */
	struct hm_compare_block block;
};

struct hm_locate *hm_locate_new(const uint8_t *seed) HM_MUST_CHECK;
void hm_locate_free(struct hm_locate *l); /* NULL is fine */
/* Tells what of a factor can be changed alone: places[i] of document i, 0 where it has no part in it; at most HM_LOCATE_THINGS, and one with a place at least.
 * `factor` is borrowed. False where that is not so, or the factor is there already. */
bool hm_locate_factor(struct hm_locate *l, const char *factor, const uint32_t *places, size_t count) HM_MUST_CHECK;
/* Whether it was told. */
bool hm_locate_can(const struct hm_locate *l, const char *factor) HM_MUST_CHECK;
/* Adds a target of a factor that was told: in `steady` of `of` blocks its value was the reference at level 0 and another at level 1. Ignored of other
 * factors, and beyond HM_LOCATE_TARGETS. */
void hm_locate_target(struct hm_locate *l, const char *factor, unsigned steady, unsigned of);
/* Adds what was confirmed of a factor, times apart, `confirm` being the blocks that tell its reference. Nothing where the factor was not told. */
void hm_locate_add(struct hm_locate *l, const char *factor, enum hm_locate_kind kind, const struct hm_compare *c, const struct hm_compare_result *found,
		   const struct hm_compare_phase *confirm);
/* What the next block asks; false when no target is left to be asked about, or no block. The same until it is answered. */
bool hm_locate_next(struct hm_locate *l, struct hm_locate_question *out) HM_MUST_CHECK;
/* What the block that asked it showed: d[target], of targets of other factors ignored. NULL: it was dropped. */
void hm_locate_tell(struct hm_locate *l, const int *d);
/* The same from the block's runs; for targets that came by hm_locate_add. */
void hm_locate_answer(struct hm_locate *l, const struct hm_locate_seen seen[HM_LOCATE_KINDS]);
/* Target `target`, in the order of adding, and K. */
unsigned hm_locate_result(const struct hm_locate *l, size_t target, struct hm_locate_result *out);
