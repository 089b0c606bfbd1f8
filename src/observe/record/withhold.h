#pragma once
/* What redaction does to a record: the content of blocks goes, their headers stay (doc/format/record.md, "Withheld blocks"). */
#include "record.h"

struct hm_record_block {
	uint64_t number, first; /* of the block; position of its first item */
	uint32_t count;		/* items */
	bool withheld;
	struct hm_slice items;	/* its content, where it was asked for and is not withheld */
};

/* Shows each block of a record, in order; below 0 from `visit` ends it. With `content` the record is checked as hm_record_open does; without, headers
 * alone are read, of a record that was checked. */
int hm_record_blocks(struct hm_slice file, bool content, int (*visit)(void *cookie, const struct hm_record_block *block, struct hm_fail *fail), void *cookie,
		     struct hm_fail *fail) HM_MUST_CHECK;
/* Appends the record without the content of block n where withhold[n]; what is withheld already stays so. Of a file that is cut the torn
 * bytes at its end go. `count` is how many `withhold` has; it must be that of the blocks. */
int hm_record_withhold(struct hm_bytes *out, struct hm_slice file, const bool *withhold, size_t count, struct hm_fail *fail) HM_MUST_CHECK;
