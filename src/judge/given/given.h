#pragma once
/* What a run gave to TLS libraries, as its record tells (record.md, "Plaintext given to TLS"): connections, the plaintext of each, and to which
 * flow each belongs.
 *
 * A connection is a library's object in one process, as long as what is given to it goes to one socket. Its socket is the one that its thread
 * sends to while a call is on; where none is sent to (the library hands its bytes back), the one that the thread sends to next, before it gives
 * anything else. The plaintext is what the library took, call by call. What it did not take, and what calls inside others gave, stands apart:
 * it was given, or may be the same again. Pure; memory is bounded by HM_GIVEN_MAX. */
#include "event.h"
#include "flow.h"

enum { HM_GIVEN_MAX = 64 << 20, HM_GIVEN_CALLS_MAX = 1 << 20 };

/* A stretch of plaintext: `length` bytes at `offset`, told by one event. */
struct hm_given_part {
	size_t offset, length;
	uint64_t event;
};

struct hm_given {
	uint32_t tgid;
	uint64_t object;
	unsigned function; /* of its first call: enum hm_tls_function, or a later version's */
	size_t flow;	   /* index; SIZE_MAX: not known */
	bool inside;	   /* the socket was sent to while a call was on */
	struct hm_bytes text, rest; /* what was taken; what stands apart */
	struct hm_given_part *part, *rest_part;
	size_t parts, rest_parts;
	uint64_t calls, bytes; /* calls, without those inside others, and what they gave in all */
	uint64_t untold;       /* of these, bytes that no event holds */
};

struct hm_givens {
	struct hm_given *list; /* in the order of their first calls */
	size_t count;
	uint64_t libraries;    /* files with functions, as code */
	uint64_t unwatched;    /* of these, those of which some function is not watched */
	uint64_t late;	       /* those that ran before they were watched */
	uint64_t brought;      /* those that are none of the system's: not of the lower layer, or in another folder than its libraries */
	bool beyond;	       /* there was more than is kept */
};

struct hm_given_reader;
struct hm_given_reader *hm_given_new(void) HM_MUST_CHECK;
void hm_given_free(struct hm_given_reader *r); /* NULL is fine */
/* Takes the next event, number `position` of its record. */
void hm_given_event(struct hm_given_reader *r, const struct hm_event *event, uint64_t position);
/* What they come to. Releases nothing of `r`. */
void hm_given_end(struct hm_given_reader *r, const struct hm_flows *flows, struct hm_givens *out);
void hm_givens_release(struct hm_givens *givens);
/* "OpenSSL", "GnuTLS", ...; NULL for a function that this version does not know. */
const char *hm_given_library(unsigned function) HM_MUST_CHECK;
