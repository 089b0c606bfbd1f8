#pragma once
/* What bytes look like when they are decoded, and where in the stream each decoded byte came from. */
#include "bytes.h"

enum { HM_VIEW_WINDOW = 16 << 20, HM_VIEW_OVERLAP = 4096 };

/* Bytes that were made from a stretch of the parent's bytes. `last` tells for each byte where, counted from `base`, its
 * last source byte stands, and by HM_VIEW_SHARED that the same source byte also begins the next one; NULL: every byte comes
 * from the whole stretch. */
#define HM_VIEW_SHARED 0x80000000u
struct hm_view {
	const struct hm_view *parent; /* NULL: the stream itself */
	const char *name;	      /* of the decoding; NULL for the stream */
	struct hm_bytes bytes;
	struct hm_slice all; /* `bytes`, or the stream */
	uint32_t *last;
	size_t base, end; /* the stretch, in the parent's bytes */
	unsigned depth;
};

/* Called for each view; it is released when the call returns. */
typedef void hm_view_visit(void *cookie, const struct hm_view *view);

/* Visits the stream and everything that can be decoded in it, down to `depth` decodings one inside the other, and at most
 * `budget` bytes in all. True when nothing was left out for want of budget. */
bool hm_views_walk(struct hm_slice stream, unsigned depth, size_t budget, hm_view_visit *visit, void *cookie) HM_MUST_CHECK;
/* The stretch of the stream that bytes *at to *at + *len of the view come from. */
void hm_view_locate(const struct hm_view *view, size_t *at, size_t *len);
