#pragma once
/* Observations held against the rows of the supplier tables (doc/format/suppliers.md, "Kinds"). Keeps nothing between two observations. */
#include "observation.h"
#include "suppliers.h"

struct hm_match;
/* An index over the tables, which must outlive it. */
struct hm_match *hm_match_new(const struct hm_suppliers *suppliers) HM_MUST_CHECK;
void hm_match_free(struct hm_match *match);
static inline void hm_match_cleanup(struct hm_match **match)
{
	hm_match_free(*match);
}

/* Gets each row that the observation shows, with what that is worth and the channel it came by. */
typedef void (*hm_match_fn)(void *cookie, const struct hm_indicator *row, enum hm_strength strength, const char *channel);
void hm_match_each(const struct hm_match *match, const struct hm_observation *observation, hm_match_fn each, void *cookie);
