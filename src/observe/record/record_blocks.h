#pragma once
/* Blocks on their way to the file, by a thread of their own. One thread calls; all but hm_blocks_close want to be checked. */
#include "record_internal.h"

/* The items of one block. */
struct hm_items {
	struct hm_bytes raw;
	uint32_t count;
	uint64_t t_first, t_last;
};

struct hm_blocks;

/* Takes the descriptor. No thread runs until there is a first block. */
void hm_blocks_open(struct hm_blocks **ret, int fd, const char *path, uint8_t kind);
/* The block that is being filled: the caller's until the next push. */
struct hm_items *hm_blocks_slot(struct hm_blocks *b);
/* Hands over the slot, which holds something, and empties another; waits when all are full. Fails when this or an earlier
 * block could not be written. */
int hm_blocks_push(struct hm_blocks *b, struct hm_fail *fail) HM_MUST_CHECK;
/* Waits until every block is written, and has the file synced to the disk behind that. */
int hm_blocks_sync(struct hm_blocks *b, struct hm_fail *fail) HM_MUST_CHECK;
/* Writes what is left and the footer, syncs, closes the file. */
int hm_blocks_finish(struct hm_blocks *b, struct hm_totals *totals, struct hm_fail *fail) HM_MUST_CHECK;
/* Writes what was pushed, and frees. NULL is fine. */
void hm_blocks_close(struct hm_blocks *b);
