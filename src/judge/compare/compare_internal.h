#pragma once
#include "compare.h"

struct hm_compare_seen {
	size_t run;
	int64_t value; /* the number, or which of the feature's texts, from 1 */
};

/* What one of the last two runs had of a feature. */
struct hm_compare_recent {
	size_t run; /* from 1; 0: none yet */
	int64_t value;
	uint64_t wire;
	bool settled;	/* the product did not choose it */
	uint64_t sends; /* of struct hm_flow_choice */
	struct hm_bytes bytes; /* of what has a place */
};

struct hm_compare_key {
	char *endpoint, *name;
	size_t number;
	bool text, placed, timing, tls, given;
	enum hm_origin origin;
	bool moves;		   /* its length changes from run to run, or it was not kept */
	struct hm_sha256 *values;  /* of texts, in the order of first sight */
	size_t value_count;
	struct hm_compare_seen *seen; /* in the order of runs */
	size_t seen_count;
	uint64_t sent;		   /* bytes, over all runs: payload, or of headers */
	uint64_t *loose;	   /* of these, what differed within a block, by group */
	uint64_t *most;		   /* the greatest part of that in one run; as many */
	int64_t least, greatest;   /* number seen; of a text the longest, in bits */
	size_t groups;
	uint64_t differs;	   /* bit g: within a block of that group, and nothing explains it */
	uint8_t *first, *varies;   /* bytes of the first run that had it; where another run had others */
	size_t length;
	struct hm_compare_recent recent[2]; /* by the run's number, odd or even */
};

struct hm_compare {
	void *tree, *endpoints; /* of struct hm_compare_key by endpoint and name; of struct hm_compare_bytes */
	struct hm_compare_key **keys;
	size_t count, endpoint_count, runs, kept;
	bool beyond, narrow;
};
