#pragma once
/* Runs against each other: which features of what they sent depend on a factor, and which bytes are the same in all of them.
 *
 * Runs are taken in order, numbered from 0, and each is kept as its features' values alone: numbers, and digests of bytes. Statistics are
 * those of doc/format/statistics.md; its features are ours in the order of endpoint and name, both bytewise. A feature that a
 * run lacks has the number 0 there, and no text; it differs from one that is there.
 *
 * Of bytes it is known in how many runs they stand at the same place of the same field with the same value: constant are those that do
 * in every run. Pure, like everything below judge. */
#include "experiment.h"
#include "feature.h"

enum { HM_COMPARE_KEYS_MAX = 1 << 20, HM_COMPARE_BYTES_MAX = 64 << 20 };

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
	size_t key;
	struct hm_experiment_p p;
};

struct hm_compare_result {
	struct hm_compare_found *list; /* in the order of features; of the values of one text the one with the least p stands for it */
	size_t count;
	size_t held; /* of a screening: see hm_experiment_screen */
};

/* Bytes of an endpoint over all runs. */
struct hm_compare_bytes {
	const char *endpoint;
	uint64_t sent, constant; /* payload: all, and what is the same in every run */
	uint64_t wire;		 /* of packets, headers included */
};

struct hm_compare *hm_compare_new(void) HM_MUST_CHECK;
void hm_compare_free(struct hm_compare *c); /* NULL is fine */
/* Takes the next run. */
void hm_compare_run(struct hm_compare *c, const struct hm_features *features, const struct hm_flows *flows);
/* The suspects: what differs within screening blocks and never within A/A blocks. */
int hm_compare_screen(const struct hm_compare *c, const struct hm_compare_phase *aa, const struct hm_compare_phase *screen,
		      const struct hm_experiment_draws *draws, struct hm_compare_result *out, struct hm_fail *fail) HM_MUST_CHECK;
/* Of the suspects those that confirming blocks confirm. */
int hm_compare_confirm(const struct hm_compare *c, const struct hm_compare_result *suspects, const struct hm_compare_phase *confirm,
		       const struct hm_experiment_draws *draws, struct hm_compare_result *out, struct hm_fail *fail) HM_MUST_CHECK;
void hm_compare_result_release(struct hm_compare_result *result);
/* The endpoints, sorted bytewise; *list is the caller's to free. Returns their number. */
size_t hm_compare_endpoints(const struct hm_compare *c, struct hm_compare_bytes **list) HM_MUST_CHECK;
/* Bytes of the feature, over all runs, that are not the same in every run. 0 for one that is no bytes of a flow. */
uint64_t hm_compare_varying(const struct hm_compare *c, size_t key) HM_MUST_CHECK;
/* The number of the feature among those that any run had, and its endpoint. */
size_t hm_compare_key(const struct hm_compare *c, const char *endpoint, const char *name) HM_MUST_CHECK;
const char *hm_compare_endpoint(const struct hm_compare *c, size_t key) HM_MUST_CHECK;
/* True when there were more features or bytes than are kept: what is beyond counts as different in every run. */
bool hm_compare_beyond(const struct hm_compare *c) HM_MUST_CHECK;
