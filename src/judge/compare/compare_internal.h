#pragma once
#include "compare.h"

struct hm_compare_seen {
	size_t run;
	int64_t value; /* the number, or which of the feature's texts, from 1 */
};

struct hm_compare_key {
	char *endpoint, *name;
	size_t number;
	bool text, placed;
	bool moves;		   /* its length changes from run to run, or it was not kept */
	struct hm_sha256 *values;  /* of texts, in the order of first sight */
	size_t value_count;
	struct hm_compare_seen *seen; /* in the order of runs */
	size_t seen_count;
	uint64_t sent;		   /* bytes, over all runs */
	uint8_t *first, *varies;   /* bytes of the first run that had it; where another run had others */
	size_t length;
};

struct hm_compare {
	void *tree, *endpoints; /* of struct hm_compare_key by endpoint and name; of struct hm_compare_bytes */
	struct hm_compare_key **keys;
	size_t count, endpoint_count, runs, kept;
	bool beyond;
};
