/* Where the next reader goes on when one died. */
#include "reader_internal.h"

static bool is_before(const struct hm_inspect_at *a, const struct hm_inspect_at *b)
{
	return a->top != b->top ? a->top < b->top : a->inner < b->inner;
}

static bool has(const struct reader_passed *p, uint64_t top, uint64_t inner)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->entry[i].top == top && p->entry[i].inner == inner)
			return true;
	return false;
}

/* Dying of what was read or passed over before is dying of going through the archive again: then all of it is passed over. */
bool reader_pass(struct reader_passed *p, struct hm_inspect_at at)
{
	size_t here = 0;
	bool whole;

	for (size_t i = 0; i < p->count; i++)
		here += p->entry[i].top == at.top;
	if (p->count == READER_PASSED || has(p, at.top, 0))
		return false;
	whole = is_before(&at, &p->from) || here >= READER_PASSED_IN_ONE;
	at.inner = whole ? 0 : at.inner;
	p->entry[p->count++] = at;
	if (at.top >= p->from.top)
		p->from = whole ? (struct hm_inspect_at){ at.top + 1, 0 } : (struct hm_inspect_at){ at.top, at.inner + 1 };
	return true;
}

int reader_begins(const struct reader_passed *p, const struct hm_inspect_at *at)
{
	if (at->top < p->from.top || has(p, at->top, at->inner))
		return HM_BEGIN_CLOSED;
	return is_before(at, &p->from) ? HM_BEGIN_READ : HM_BEGIN;
}
