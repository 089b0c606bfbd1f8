#pragma once
#include "locate.h"

enum { THINGS_MAX = HM_LOCATE_THINGS };

struct space { /* what can be changed alone of a factor */
	const char *factor;
	size_t count; /* of things */
	uint32_t places[THINGS_MAX]; /* by document; 0: it has no part in the factor */
	uint32_t order[THINGS_MAX];  /* documents that have, as they are cut into halves */
};

struct target {
	size_t space;
	unsigned times; /* Z; 0: unsteady */
	enum hm_locate_kind kind;
	size_t key, reference; /* of a comparison: the feature, and a run that has its reference */
	int8_t d[HM_LOCATE_BLOCKS];
};

struct block {
	struct hm_locate_question question;
	bool told; /* not where it was dropped */
};

struct hm_locate {
	uint8_t seed[32];
	struct space *spaces;
	size_t space_count;
	struct target *targets;
	size_t target_count;
	struct block *blocks;
	size_t used;
	struct hm_locate_question next; /* what a walk lacked */
};
