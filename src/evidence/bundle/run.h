#pragma once
/* What core.json says about one part of a run: its Merkle root, how much it holds and how much it lost. */
#include "bundle_internal.h"

struct hm_run_part {
	bool is_record; /* events or tree: `items` and `cut` mean something */
	bool cut;
	bool withheld;	/* of what tells its losses, something: `lost` is what is left of them */
	uint64_t items, leaves, lost;
	struct hm_sha256 root;
};

/* What one run's record says, kept from one part of the run to the next: reading it is most of the work. */
struct hm_run_cache {
	char name[256]; /* of the part that it was read from, or empty */
	struct hm_run_part events;
	uint64_t packets_lost;
};

/* The part at `index`: 1 with `out` set, 0 when it stands in core.json in another way, or an error. */
int hm_run_part(struct hm_run_part *out, struct hm_run_cache *cache, const struct hm_parts *parts, size_t index,
		struct hm_fail *fail) HM_MUST_CHECK;
