/* The log of xfs, as far as it tells whether all is in its place: the last record says that the file system was unmounted, and nothing else. */
#include "xfs.h"

#include <stdlib.h>

#define SECTOR 512u
#define STEP ((size_t)1 << 20)
#define LAP (64 * (size_t)SECTOR) /* a record may go on at the log's start */
#define UNMOUNTED 0x20

struct last {
	uint64_t lsn;
	bool any, clean;
};

/* A record's header, and the first operation behind it. */
static void look(struct last *l, const uint8_t *head, const uint8_t *end)
{
	uint64_t lsn = volume_be(head + 16, 8), size = volume_be(head + 320, 4), heads = volume_be(head + 8, 4) & 2 && size > 32768 ? (size + 32767) / 32768 : 1;

	if (l->any && lsn < l->lsn)
		return;
	l->any = true;
	l->lsn = lsn;
	l->clean = heads < 64 && head + heads * SECTOR + 12 <= end && volume_be(head + 40, 4) == 1 && (head[heads * SECTOR + 9] & UNMOUNTED);
}

const char *xfs_log(struct hm_volume *v, const struct xfs *x)
{
	uint64_t at = ((x->log_start >> x->ag_log) * x->ag_blocks + (x->log_start & (((uint64_t)1 << x->ag_log) - 1))) * x->block;
	uint64_t size = (uint64_t)x->log_blocks * x->block;
	HM_FREE uint8_t *raw = hm_alloc(1, STEP + LAP);
	struct last last = { 0 };

	if (x->log_start == 0)
		return "its log is on another device: what changed last may be there alone";
	if (x->log_start >> x->ag_log >= x->ags || size > (uint64_t)4 << 30 || size < LAP)
		return "its log is nowhere: what changed last is not seen";
	for (uint64_t done = 0; done < size; done += STEP) {
		size_t want = size - done < STEP ? (size_t)(size - done) : STEP, more = size - done - want < LAP ? (size_t)(size - done - want) : LAP;

		if (volume_at(v, at + done, raw, want + more, NULL) != 0 || (done + want == size && volume_at(v, at, raw + want, more = LAP, NULL) != 0))
			return "its log cannot be read: what changed last is not seen";
		for (size_t i = 0; i + SECTOR <= want; i += SECTOR)
			if (memcmp(raw + i, "\xfe\xed\xba\xbe", 4) == 0)
				look(&last, raw + i, raw + want + more);
	}
	return !last.any || last.clean ? NULL : "it was not unmounted: what its log holds back is not seen";
}
