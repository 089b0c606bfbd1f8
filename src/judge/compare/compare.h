#pragma once
/* Runs against each other: which features of what they sent depend on a factor, and which bytes are the same in all of them.
 *
 * Runs are taken in order, numbered from 0, and each is kept as its features' values alone: numbers, and digests of bytes. Statistics are
 * those of doc/format/statistics.md; its features are ours in the order of endpoint and name, both bytewise. A feature that a
 * run lacks has the number 0 there, and no text; it differs from one that is there.
 *
 * Bytes that left are accounted for: *constant* are those that stand at the same place of the same field with the same value in every
 * run; *explained* those that are the same in the two runs of every block, which had everything but the factors' levels alike, and those that the
 * kernel made or that follow from others; what differs within a block is *loose*: it may depend on a factor. Pure, like everything
 * below judge. */
#include "experiment.h"
#include "feature.h"

enum { HM_COMPARE_KEYS_MAX = HM_EXPERIMENT_FEATURES_MAX, HM_COMPARE_BYTES_MAX = 64 << 20 };

struct hm_compare_block {
	size_t run[2]; /* at level 0 and level 1; of an A/A block in any order */
};

struct hm_compare_phase {
	const struct hm_compare_block *list;
	size_t count;
};

/* A feature that was held to depend on a factor. */
struct hm_compare_found {
	const char *endpoint, *name; /* borrowed from the comparison */
	bool tls;		     /* bytes inside TLS */
	size_t key;
	struct hm_experiment_p p; /* of the confirmation; zeros for a suspect */
	uint64_t tolerance;	  /* of a suspect: see hm_experiment_suspects */
};

struct hm_compare_result {
	struct hm_compare_found *list; /* in the order of features; of the rows of one feature the one with the least p stands for it */
	size_t count;
	size_t held; /* of a screening: see hm_experiment_screen */
};

/* Of packets to an endpoint, over all runs. */
struct hm_compare_bytes {
	const char *endpoint;
	uint64_t wire; /* headers included */
};

/* Of the bytes that a feature stands for, over all runs of blocks. */
struct hm_compare_account {
	const char *endpoint;
	uint64_t bytes, constant, loose; /* all; of these; what is neither is explained */
	bool timing, given; /* given: of what TLS libraries took */
	uint64_t differs; /* bit g: in a block of group g the two runs had it differently, and nothing explains that; of times never */
};

struct hm_compare *hm_compare_new(void) HM_MUST_CHECK;
/* Times are judged as in semantics 3 (`narrow` of hm_experiment_matrix). */
void hm_compare_narrow(struct hm_compare *c);
void hm_compare_free(struct hm_compare *c); /* NULL is fine */
/* Takes the next run. `choices` has a row for each flow; NULL: nothing is known, so the product may have chosen all. */
void hm_compare_run(struct hm_compare *c, const struct hm_features *features, const struct hm_flows *flows,
		    const struct hm_flow_choice *choices);
/* The two runs that were taken last are those of a block; blocks belong to groups, 0 to 63. */
void hm_compare_pair(struct hm_compare *c, unsigned group);
/* The suspects: what differs within screening blocks and never within A/A blocks. */
int hm_compare_screen(const struct hm_compare *c, const struct hm_compare_phase *aa, const struct hm_compare_phase *screen,
		      struct hm_compare_result *out, struct hm_fail *fail) HM_MUST_CHECK;
/* What confirming blocks confirm: of the suspects, and of what the held block foretold. `aa` and `screen` as they were screened. */
int hm_compare_confirm(const struct hm_compare *c, const struct hm_compare_result *suspects, const struct hm_compare_phase *aa,
		       const struct hm_compare_phase *screen, const struct hm_compare_phase *confirm,
		       const struct hm_experiment_draws *draws, struct hm_compare_result *out, struct hm_fail *fail) HM_MUST_CHECK;
/* What blocks confirm that no screening went before: the family is all that differs in one of them and in no A/A block. Times have no part. */
int hm_compare_alone(const struct hm_compare *c, const struct hm_compare_phase *aa, const struct hm_compare_phase *phase,
		     const struct hm_experiment_draws *draws, struct hm_compare_result *out, struct hm_fail *fail) HM_MUST_CHECK;
void hm_compare_result_release(struct hm_compare_result *result);
/* The endpoints, sorted bytewise; *list is the caller's to free. Returns their number. */
size_t hm_compare_endpoints(const struct hm_compare *c, struct hm_compare_bytes **list) HM_MUST_CHECK;
/* How many features any run had; the number of one of them, SIZE_MAX when there is none; what becomes of its bytes. */
size_t hm_compare_keys(const struct hm_compare *c) HM_MUST_CHECK;
size_t hm_compare_key(const struct hm_compare *c, const char *endpoint, const char *name) HM_MUST_CHECK;
const char *hm_compare_name(const struct hm_compare *c, size_t key) HM_MUST_CHECK;
/* Whether the run had it, and whether two runs differ in it. */
bool hm_compare_has(const struct hm_compare *c, size_t key, size_t run) HM_MUST_CHECK;
bool hm_compare_differs(const struct hm_compare *c, size_t key, size_t run, size_t other) HM_MUST_CHECK;
void hm_compare_account(const struct hm_compare *c, size_t key, struct hm_compare_account *out);
/* Of its loose bytes those in blocks of these groups. */
uint64_t hm_compare_loose(const struct hm_compare *c, size_t key, uint64_t groups) HM_MUST_CHECK;
/* Bits of it, one run at most, that could tell something, as far as blocks of these groups differ: eight for each byte that differs; of what is
 * no bytes, as many as its numbers take from the least to the greatest (its longest text has bytes; of an order of n, those of n!). Of times those
 * too, whatever differs. */
uint64_t hm_compare_bits(const struct hm_compare *c, size_t key, uint64_t groups) HM_MUST_CHECK;
/* True when there were more features or bytes than are kept: what is beyond counts as different in every run. */
bool hm_compare_beyond(const struct hm_compare *c) HM_MUST_CHECK;
