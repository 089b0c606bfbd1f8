#pragma once
/* What the files of trials share. */
#include "locate.h"
#include "mix.h"
#include "progress.h"
#include "trials.h"
#include "world.h"

/* What became of a planned run; the rules stand in doc/format/core.md. */
enum fate { INTERRUPTED, DONE, NOT_SET_UP, NOT_RECORDED, NOTHING_KEPT, SKIPPED, NO_TLS, UNASKED, FATES };

/* A suspect of the screening that is no time. */
struct suspect {
	char *endpoint, *name;
};
extern const char *const hm_trials_rules[FATES]; /* NULL for DONE */

/* The documents of a run, as planted.json tells them. */
struct set {
	bool screen; /* phase */
	uint32_t block;
	uint64_t levels; /* bit i: factor i has level 1 */
	const char *mixed; /* the factor of which the parts have level 1; NULL: of none */
	struct hm_factor_part parts[HM_LOCATE_PARTS];
	size_t part_count;
};

struct hm_trials {
	struct hm_assessment *a;
	const char *const *factors;
	size_t factor_count;
	unsigned pairs, aa, screen, stores, wrong, locates, blocks; /* blocks: of each kind (pairs: for each factor; stores: with their send blocks twice), and all */
	unsigned fresh; /* blocks before store blocks */
	size_t content; /* its place among the factors */
	uint32_t *held; /* by factor */
	int64_t *began; /* by block, from 1: whole seconds */
	struct set *sets;
	size_t set_count;
	size_t *set_of; /* by run, from 0 */
	enum fate *fate; /* by run, from 0 */
	struct hm_run_note *notes; /* the same; of runs that were done */
	unsigned first;	 /* the block to begin with: those before it are there from an earlier time */
	bool screened;	 /* `held` is known */
	bool kept, kept_known; /* what hm_trials_kept told */
	struct suspect *suspects;
	size_t suspect_count;
	bool *suspected; /* by factor: screening had a suspect, of what was sent or, for content, of what was left on disk */
	struct hm_locate *locate;   /* since the first locate block */
	struct hm_compare *compare; /* of all runs so far whose block was done, but those that kept things: as the judge compares them */
	size_t compared;
	struct hm_compare *residue; /* of all runs so far, but those with wrong certificates: what they left on disk */
	size_t residues;
	struct hm_locate_question question; /* of the locate block at work */
	json_t *planted; /* the sets' rows */
	json_t *repeated, *resumed;
	struct hm_progress progress;
	struct attempt *ahead; /* of a block that is set up before its turn, or NULL */
};

/* Does a block by the rules, a store block with its send block; whether it was dropped before it began is in its runs' fate. Another may be set
 * up when it returns. */
int hm_trials_block(struct hm_trials *e, unsigned block, struct hm_slice plan, struct hm_bytes *absent, struct hm_fail *fail) HM_MUST_CHECK;
/* Takes down what was set up before its turn. */
void hm_trials_drop_ahead(struct hm_trials *e);
bool hm_trials_is(const struct hm_trials *e, unsigned block, const char *phase) HM_MUST_CHECK;
/* Of a confirming block, and of those behind; of a locate block while it is at work. */
size_t hm_trials_factor(const struct hm_trials *e, unsigned block) HM_MUST_CHECK;
/* Of a store block's send block, too. */
void hm_trials_set_fate(struct hm_trials *e, unsigned block, enum fate fate);

/* Takes what the run left on disk into a comparison. */
int hm_trials_compare_kept(const struct hm_trials *e, struct hm_compare *compare, unsigned run, struct hm_fail *fail) HM_MUST_CHECK;
/* Behind the last confirming block: whether runs that differed in content left different things on disk, or such as cannot be compared. */
int hm_trials_kept(const struct hm_trials *e, bool *differs, struct hm_fail *fail) HM_MUST_CHECK;
const char *hm_trials_phase(const struct hm_trials *e, unsigned block) HM_MUST_CHECK;
bool hm_trials_is_done(const struct hm_trials *e, unsigned block) HM_MUST_CHECK; /* both of its runs */
/* Adds what the run sent to the comparison. */
int hm_trials_compare(const struct hm_trials *e, struct hm_compare *compare, unsigned run, struct hm_fail *fail) HM_MUST_CHECK;
/* The blocks of [first, last] of which both runs were done, by level; `index` has the numbers of runs, from 0, in a comparison. Returns how many, and
 * their numbers where `numbers` is not NULL. */
int hm_trials_list(const struct hm_trials *e, unsigned first, unsigned last, const size_t *index, struct hm_compare_block *list,
		   unsigned *numbers, struct hm_fail *fail) HM_MUST_CHECK;
/* The member `things` of planted.json; a new reference. */
json_t *hm_trials_things(const struct hm_trials *e) HM_MUST_CHECK;
/* Before a locate block: 1 with e->question set, or 0 when nothing is to be asked any more. */
int hm_trials_ask(struct hm_trials *e, struct hm_fail *fail) HM_MUST_CHECK;
/* Behind it. */
int hm_trials_hear(struct hm_trials *e, unsigned block, struct hm_fail *fail) HM_MUST_CHECK;
/* The level that the run in this place of the block has. */
int hm_trials_level(const struct hm_trials *e, unsigned block, unsigned place, struct hm_fail *fail) HM_MUST_CHECK;
/* Behind the last screening block: finds `held`, and what is suspect. */
int hm_trials_screen(struct hm_trials *e, struct hm_fail *fail) HM_MUST_CHECK;
/* Whether the confirming block need not be done, by rule 4 of doc/format/core.md: 1 or 0. */
int hm_trials_idle(const struct hm_trials *e, unsigned block, struct hm_fail *fail) HM_MUST_CHECK;
/* What the run in this place of the block finds. */
int hm_trials_world(struct hm_trials *e, unsigned block, unsigned place, struct set *set, struct hm_world **world, struct hm_fail *fail)
	HM_MUST_CHECK;
/* The number of the set, from 0; described where it is new. */
int hm_trials_find_set(struct hm_trials *e, size_t *ret, struct set wanted, const struct hm_world *world, struct hm_fail *fail) HM_MUST_CHECK;
