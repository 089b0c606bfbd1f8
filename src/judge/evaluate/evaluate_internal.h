#pragma once
/* What is summed up over the runs beside the claims. */
#include "claim.h"
#include "compare.h"
#include "locate.h"
#include "text.h"

/* Every outgoing byte per endpoint, and what was proven to be in it. */
struct hm_ledger;
struct hm_ledger *hm_ledger_new(const struct hm_core *core);
void hm_ledger_run(struct hm_ledger *ledger, const struct hm_run *run);
json_t *hm_ledger_json(const struct hm_ledger *ledger);
json_t *hm_ledger_influence(const struct hm_ledger *ledger);
void hm_ledger_free(struct hm_ledger *ledger); /* NULL is fine */

/* ---- phases.c ---- */
/* The blocks of a phase (and factor, or -1) of which both runs were done, by level. `list` and `numbers` (the blocks'; or NULL) have room
 * for all blocks of the core. */
struct hm_compare_phase hm_phase_blocks(const struct hm_core *core, enum hm_phase phase, int factor, struct hm_compare_block *list,
					uint32_t *numbers) HM_MUST_CHECK;
/* Blocks of the factor that count for a bound: see hm_experiment_drawn. */
uint32_t hm_phase_drawn(const struct hm_core *core, int factor, size_t done, size_t screened, bool suspects) HM_MUST_CHECK;
/* Confirming blocks of the factor before the first that was skipped, since there was nothing to confirm; SIZE_MAX: none was. */
size_t hm_phase_before_skip(const struct hm_core *core, int factor) HM_MUST_CHECK;
/* A block of the phase and factor was interrupted: they confirm nothing. */
bool hm_phase_unfinished(const struct hm_core *core, enum hm_phase phase, int factor) HM_MUST_CHECK;

/* What was left on disk, in an experiment with the factor content. NULL where there is none: then the functions do nothing. */
struct hm_kept_trial;
struct hm_kept_trial *hm_kept_new(const struct hm_core *core);
void hm_kept_free(struct hm_kept_trial *k);
void hm_kept_run(struct hm_kept_trial *k, const struct hm_run *run);
int hm_kept_conclude(struct hm_kept_trial *k, struct hm_fail *fail) HM_MUST_CHECK;
/* After that: the number of the screening block whose secrets are to be held for the factor, as far as it goes by what was left; 0 where
 * nothing of that is suspect. */
uint32_t hm_kept_held(const struct hm_kept_trial *k, size_t factor) HM_MUST_CHECK;
/* `sent`: features of what later runs sent that depend on what was left. */
void hm_kept_judge(const struct hm_kept_trial *k, size_t sent, bool suspects, struct hm_judgement *j, const char *claim);
/* What confirming confirmed, and the comparison with the runs' numbers in it, by index of the run; NULL and zeros where there is none. */
const struct hm_compare *hm_kept_compare(const struct hm_kept_trial *k) HM_MUST_CHECK;
const struct hm_compare_result *hm_kept_found(const struct hm_kept_trial *k) HM_MUST_CHECK;
size_t hm_kept_number(const struct hm_kept_trial *k, size_t run) HM_MUST_CHECK;
/* Appends a row for what was found of planted documents, then for each feature that was confirmed. */
void hm_kept_influence(const struct hm_kept_trial *k, json_t *out);

/* ---- admission.c: which of that the declaration admits to (semantics 4). NULL where it does not say: then the functions do nothing. ---- */
struct hm_admission;
struct hm_admission *hm_admission_new(const struct hm_core *core);
void hm_admission_free(struct hm_admission *a);
/* Takes the next run that is compared, behind hm_compare_run; the last two were those of a block. */
void hm_admission_run(struct hm_admission *a, const struct hm_compare *compare, const struct hm_run *run, const struct hm_features *features);
void hm_admission_pair(struct hm_admission *a);
/* Nothing of the feature but declared values differs within a block. */
bool hm_admission_holds(const struct hm_admission *a, size_t key) HM_MUST_CHECK;

/* ---- held.c ---- */
/* Calls `take` for each feature that has a place in which a token or a digest of a document was found; for one perhaps more than once. */
void hm_held_features(const struct hm_run *run, const struct hm_features *features, void (*take)(void *cookie, const struct hm_feature *feature),
		      void *cookie);

/* What an experiment shows (semantics 3). NULL where there is none: then the functions that take it do nothing. */
struct hm_trial;
struct hm_trial *hm_trial_new(const struct hm_core *core);
void hm_trial_free(struct hm_trial *t);
void hm_trial_run(struct hm_trial *t, const struct hm_run *run, const struct hm_features *features);
/* Screens and confirms every factor. HM_E_BAD where other secrets were held than screening tells. `kept` is concluded. */
int hm_trial_conclude(struct hm_trial *t, const struct hm_kept_trial *kept, struct hm_fail *fail) HM_MUST_CHECK;
/* Tells declared.collection what the rows of `influence` and all factors together come to. */
void hm_trial_judge_collection(const struct hm_trial *t, struct hm_judgement *j, const json_t *influence);
/* Tells the claim what became of its factors, where they were tested. */
void hm_trial_judge(const struct hm_trial *t, struct hm_judgement *j, const char *claim);
json_t *hm_trial_ledger(const struct hm_trial *t);
/* How many features depend on what earlier runs had kept. */
size_t hm_trial_sent(const struct hm_trial *t) HM_MUST_CHECK;
/* Whether something that was sent was suspect; false where there is no trial. */
bool hm_trial_suspects(const struct hm_trial *t) HM_MUST_CHECK;
/* Appends a row for each feature that was confirmed. */
void hm_trial_influence(const struct hm_trial *t, json_t *out);
/* Where the dependent ones of these rows come from; NULL where that was not to be found out. */
json_t *hm_trial_located(const struct hm_trial *t, const json_t *influence);

/* ---- located.c ---- */
/* What locating goes by: what confirming confirmed, by factor; numbers of runs in the comparison. */
struct hm_located {
	const struct hm_core *core;
	const struct hm_compare *compare;
	const struct hm_compare_result *found;
	const size_t *number_of;
	const bool *suspected;
	const struct hm_kept_trial *kept; /* semantics 5: of what was left on disk, too; else NULL */
};
/* Goes through the locate blocks again. HM_E_BAD where one varied something else than had to be asked. *ret stays NULL where none was planned. */
int hm_located_replay(struct hm_locate **ret, const struct hm_located *located, struct hm_fail *fail) HM_MUST_CHECK;
/* A row for each dependent one of `influence`. */
json_t *hm_located_json(const struct hm_locate *l, const struct hm_located *located, const json_t *influence);
/* The files that make the product. */
struct hm_artifacts;
struct hm_artifacts *hm_artifacts_new(const struct hm_core *core);
void hm_artifacts_run(struct hm_artifacts *artifacts, const struct hm_run *run);
json_t *hm_artifacts_json(struct hm_artifacts *artifacts);
void hm_artifacts_free(struct hm_artifacts *artifacts); /* NULL is fine */

/* A run's witnesses, held against each other: a row of `reconciled`. */
json_t *hm_reconciled_json(const struct hm_run *run);
