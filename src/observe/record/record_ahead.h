#pragma once
/* Blocks of a record that is read, uncompressed and hashed by all cores ahead of who takes them, in their order: what comes out, and which error comes
 * first, is the same with any number of threads. One thread calls. */
#include "record_internal.h"

struct hm_ahead;

/* A block as it was found. Borrowed until the next call. */
struct hm_ahead_block {
	struct hm_block block;
	struct hm_slice raw; /* its items, uncompressed; empty where it is withheld */
	size_t after;	     /* where it ends in the file */
	int result;	     /* what is wrong with its content, 0 for nothing */
	struct hm_fail why;
};

/* Blocks of `file`, which lies in memory and outlives it, up to `end`. `leaf`: each leaf hash is made again, too. No thread runs for files of a few
 * blocks, nor where there is one core; one that cannot be started is done without. */
void hm_ahead_open(struct hm_ahead **ret, struct hm_slice file, size_t end, bool leaf);
/* The next block: 1, 0 where there is no whole one any more, HM_E_BAD or HM_E_UNKNOWN for a header. */
int hm_ahead_next(struct hm_ahead *a, const struct hm_ahead_block **out, struct hm_fail *fail) HM_MUST_CHECK;
void hm_ahead_close(struct hm_ahead *a); /* waits for its threads; NULL is fine */
