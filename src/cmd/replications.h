#pragma once
/* Replications of a bundle that is verified: each is verified too, and held against the one that it replicates. */
#include "verify.h"

struct hm_replications {
	const char *const *path; /* of the bundles that were given */
	size_t count;
	unsigned demanded; /* so many keys must have signed one that counts; 0: nothing is demanded */
	struct hm_pubkey *const *keys;
	size_t key_count;
};

/* Verifies each and adds a row for it to `first`, in the order of the chain, and one for what was demanded. Returns 0 when it ran. */
int hm_replications_check(struct hm_verify *first, const struct hm_replications *r, struct hm_fail *fail) HM_MUST_CHECK;
