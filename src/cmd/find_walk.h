#pragma once
/* Targets read into what was found; what a run observed kept in its store, and told again from there. */
#include "find_store.h"
#include "found.h"
#include "reader.h"

struct hm_find {
	const struct hm_suppliers *suppliers;
	struct hm_inspect_rules *rules;
	struct hm_found *found;
	struct hm_find_store *store; /* or NULL */
	bool may_drop;		     /* the store is only the default: a run goes on without it */
	unsigned jobs;
	bool resume;
	/* of the target at work */
	const char *place;
	bool host;
	uint64_t entries, began_s;
	int missing;
};

/* Reads one target; with `host`, "/" and what runs. HM_E_SYSTEM: it is not there. HM_E_INTERRUPTED: a signal. */
int hm_find_target(struct hm_find *find, const char *place, bool host, struct hm_fail *fail) HM_MUST_CHECK;
