#pragma once
/* Who controls a supplier on a day: the history of owners, followed to its end (doc/format/suppliers.md, "control"). Pure. */
#include "bytes.h"

/* Borrowed text. Days are YYYY, YYYY-MM or YYYY-MM-DD and compare as text. */
struct hm_owner {
	const char *supplier;
	const char *controller; /* a supplier, or NULL */
	const char *country;
	const char *from, *to; /* NULL: not known; still so */
	const char *source, *date, *confidence;
};

#define HM_OWNER_MAX 32

/* The steps that hold for `supplier` on `day` (YYYY-MM-DD): its own rows, then those of its controllers, and so on; each row once, cycles end. Returns
 * their number, at most HM_OWNER_MAX; what is beyond is left out. 0: nobody knows who controls it. */
size_t hm_owner_on(const struct hm_owner *step[HM_OWNER_MAX], const struct hm_owner *rows, size_t count, const char *supplier,
		     const char *day) HM_MUST_CHECK;
/* True for a date of the calendar: YYYY-MM-DD, or, with `coarse`, YYYY and YYYY-MM too. */
bool hm_owner_is_date(const char *text, bool coarse) HM_MUST_CHECK;
