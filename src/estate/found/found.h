#pragma once
/* What was found, from observation to supplier to who controls it: doc/format/found.md. Gathers what rows show while targets are walked, with memory that depends on rows
 * and packages and not on files; then adds the evidence up. One thread at a time: several take turns. */
#include "json.h"
#include "observation.h"
#include "suppliers.h"

struct hm_found;
/* `made` is YYYY-MM-DD; the tables must outlive it. */
struct hm_found *hm_found_new(const struct hm_suppliers *suppliers, const char *made) HM_MUST_CHECK;
void hm_found_free(struct hm_found *found);
static inline void hm_found_cleanup(struct hm_found **found)
{
	hm_found_free(*found);
}

/* Begins a target: what comes then is of it. `kind` as found.md has it. */
void hm_found_target(struct hm_found *found, const char *name, const char *kind, bool endpoint);
/* An hm_observe_fn whose cookie is the struct hm_found; always 0. */
int hm_found_observe(void *found, const struct hm_observation *observation, struct hm_fail *fail);
/* What could not be read; `path` is foreign bytes, `reason` ours. */
void hm_found_not_read(struct hm_found *found, const char *path, const char *reason);
/* How much of the target was read: adds to what was said before. */
void hm_found_count(struct hm_found *found, uint64_t entries, uint64_t files, uint64_t bytes);

/* Which items are told; NULL or empty lists: all suppliers', and of candidates those that score 40 or more. */
struct hm_found_filter {
	const char *const *supplier; /* ids or names, case aside */
	size_t suppliers;
	const char *const *country; /* alpha-2, of control on the day that it was made */
	size_t countries;
	bool everything; /* candidates however weak: for who asks whether anything is left, and whether a row is too general */
};
/* The document. May be asked for at any time. */
json_t *hm_found_document(struct hm_found *found, const struct hm_found_filter *filter) HM_MUST_CHECK;
/* Makes of a document that tells of everybody what it would be with this filter. HM_E_USAGE where it has another already. */
int hm_found_narrow(json_t *document, const struct hm_found_filter *filter, struct hm_fail *fail) HM_MUST_CHECK;
/* Reads a found.json: HM_E_BAD for another shape, HM_E_UNKNOWN for another schema. */
int hm_found_read(json_t **ret, struct hm_slice text, const char *what, struct hm_fail *fail) HM_MUST_CHECK;
/* 0 nothing, 1 items, 2 a part could not be read. */
int hm_found_exit(const json_t *document) HM_MUST_CHECK;
/* The member `suppliers` for one supplier: he, and whoever controls him or did, as the tables have it. */
json_t *hm_found_suppliers(const struct hm_suppliers *tables, const char *id) HM_MUST_CHECK;
