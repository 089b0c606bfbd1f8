#pragma once
/* The parts of a mail (RFC 5322, 2045, 2046), as far as a digest of its text needs them. Bounded: eight parts one inside the other, a
 * thousand in all. Pure. */
#include "bytes.h"

struct hm_mail_part {
	struct hm_slice type;	 /* "text/plain" as it stands there, without parameters; empty where nothing is said */
	struct hm_slice charset; /* or empty */
	struct hm_slice content; /* decoded */
};

/* Calls `take` for each part that has no parts itself, in their order; a text that is no mail is one part. */
void hm_mail_parts(struct hm_slice mail, void (*take)(void *cookie, const struct hm_mail_part *part), void *cookie);
/* The digest by which Pyzor (https://www.pyzor.org) asks for a mail: SHA-1 of chosen lines of its normalised text, in hex. */
void hm_mail_pyzor(char out[41], struct hm_slice mail);
/* `signature`, a stretch of `message`, is what Pyzor's anonymous account signs the rest of it with (pyzor/account.py, sign_msg): it follows from
 * that, and says nothing by itself. */
bool hm_mail_pyzor_signs(struct hm_slice message, struct hm_slice signature) HM_MUST_CHECK;
