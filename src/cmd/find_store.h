#pragma once
/* A run's observations in SQLite: what was read of which target, so that a run that was cut short goes on (--resume) and so that others
 * can ask. Tables run, target, observation, unread: doc/format/estate.md. */
#include "fail.h"
#include "found.h"
#include "observation.h"

struct hm_find_store;
/* Opens or makes it. `tables` is the digest of the supplier tables: what was kept under others is not taken up again. */
int hm_find_store_open(struct hm_find_store **ret, const char *path, const char *tables, struct hm_fail *fail) HM_MUST_CHECK;
void hm_find_store_close(struct hm_find_store *store); /* NULL is fine */
static inline void hm_find_store_cleanup(struct hm_find_store **store)
{
	hm_find_store_close(*store);
}
/* Begins a run of its own; without it, what comes is of the last one that was not finished (none: it begins one). */
int hm_find_store_fresh(struct hm_find_store *store, const char *tables, struct hm_fail *fail) HM_MUST_CHECK;
/* A target begins; what comes then is of it, and is kept only if hm_find_store_end is reached. */
int hm_find_store_begin(struct hm_find_store *store, const char *name, const char *kind, bool endpoint, struct hm_fail *fail) HM_MUST_CHECK;
int hm_find_store_observe(struct hm_find_store *store, const struct hm_observation *o, struct hm_fail *fail) HM_MUST_CHECK;
int hm_find_store_unread(struct hm_find_store *store, const char *path, const char *why, struct hm_fail *fail) HM_MUST_CHECK;
int hm_find_store_end(struct hm_find_store *store, uint64_t entries, uint64_t files, uint64_t bytes, struct hm_fail *fail) HM_MUST_CHECK;
/* Forgets what began and did not end. */
void hm_find_store_abandon(struct hm_find_store *store);

/* Tells `found` a target of the last run that was not finished again: 1; 0 when it has none of that name. */
int hm_find_store_replay(struct hm_find_store *store, const char *name, struct hm_found *found, struct hm_fail *fail) HM_MUST_CHECK;
/* The run is finished: nothing of it is resumed. */
int hm_find_store_finish(struct hm_find_store *store, struct hm_fail *fail) HM_MUST_CHECK;

/* The last run of a database, to be told again; its targets that were read to their end, in their order. */
struct hm_find_past {
	struct hm_find_store *store; /* for hm_find_store_replay */
	char made[11];
	bool finished;
	char **name;
	size_t names;
};
/* Changes nothing. HM_E_USAGE where the run was made with other supplier tables than those of this digest. Release in any case. */
int hm_find_past_open(struct hm_find_past *past, const char *path, const char *tables, struct hm_fail *fail) HM_MUST_CHECK;
void hm_find_past_release(struct hm_find_past *past);
