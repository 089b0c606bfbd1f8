#pragma once
/* Worlds between the two levels of a factor: single documents, single characters of one, or single facts about the machine have level 1, all else level 0. What is mixed is what
 * a document is made from, before it is made: each is a valid file of its format. */
#include "factor.h"

/* Places of one document, or more of them: what has level 1 in a world that is mixed. */
struct hm_factor_part {
	uint32_t document, from, to; /* number of the thing; places [from, to) */
	uint32_t draw;		     /* of level 1 of content: the same for all parts of a document */
};

/* How many things of factor `name` can be changed alone: the documents by their number in the table, and behind them that there are more; of a
 * factor that is about the machine, and covers two rows of the table or more, these rows in their order. At most 16. 0: none. */
uint32_t hm_factor_things(const char *name) HM_MUST_CHECK;
/* Places of a thing that the factor varies one by one: secret characters of its text for content; else 1 where it has a part in the factor,
 * 0 where it has not, and for whatever is no thing. */
uint32_t hm_factor_places(const char *name, uint32_t thing) HM_MUST_CHECK;
/* The plain path of the document, or the name of the row. Of a thing that there is. */
const char *hm_factor_thing(const char *name, uint32_t thing) HM_MUST_CHECK;
/* The characters of its text from the first to the last of these places, and how many it has. False where the text is the file, or
 * is in it as it is: there the bytes of files tell. */
bool hm_factor_span(uint32_t document, uint32_t from, uint32_t to, size_t *offset, size_t *length, size_t *of);
/* The world of hm_factor_world, where `parts` have level 1 of factor `name` (all rows that it covers, which have level 0 in `choice`): they stand in the order of documents
 * and places. Sets their draws: of level 1 its own, or the first of 0, 1, 2, ... with which the file is as long as at level 0. */
int hm_factor_mixed(struct hm_world **ret, const uint8_t *seed, const char *phase, const struct hm_factor_choice *choice, const char *name,
		    struct hm_factor_part *parts, size_t count, struct hm_fail *fail) HM_MUST_CHECK;
