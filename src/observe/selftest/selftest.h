#pragma once
/* The self-test of a recorder in its chamber: a subject does each way of reading a file and of sending bytes with a nonce of
 * that way's own, and the record and the packet file of the run must show each, by every witness that this kernel has.
 *
 *   plant    nonces into a folder, and into a file that the chamber plants
 *   subject  in the chamber, as the product: does each way, and says only whether it could
 *   check    a pure function of nonces, record and packet file
 *
 * The subject's word is believed only against it: that it did a thing is never taken from it, that it could not do one makes
 * the way `unavailable` where the table of ways allows that, and else `missed`. ways.c is the table. */
#include "bytes.h"
#include "fail.h"

/* What the way proves. */
enum hm_selftest_kind {
	HM_SELFTEST_READ,   /* read by this way, a file is seen to be */
	HM_SELFTEST_SEND,   /* sent by this way, bytes are seen to leave */
	HM_SELFTEST_REFUSE, /* the chamber refuses the way, and the refusal is seen */
	HM_SELFTEST_STATE,  /* the record as a whole */
	HM_SELFTEST_KINDS,
};

enum hm_selftest_result {
	HM_SELFTEST_SEEN,
	HM_SELFTEST_DENIED,	 /* by the chamber, and recorded */
	HM_SELFTEST_MISSED,	 /* not green */
	HM_SELFTEST_UNAVAILABLE, /* this kernel does not have the way */
	HM_SELFTEST_RESULTS,
};

/* Witnesses, as bits; by the names that they have in a record's START. */
enum hm_selftest_by {
	HM_BY_SYSCALL = 1,     /* the system call, when it ended */
	HM_BY_PAGES = 2,       /* the page cache was asked, or a mapping touched */
	HM_BY_ADDED = 4,       /* a page came into the page cache: where the kernel tells of nothing else */
	HM_BY_DIRECT = 8,      /* the disk was read around the page cache */
	HM_BY_SOCKET = 16,     /* the socket took the bytes */
	HM_BY_CGROUP_SKB = 32, /* the packet left the product's cgroup */
	HM_BY_PACKET = 64,     /* it is in the packet file of the chamber's internet, with the nonce */
	HM_BY_LOOK = 128,      /* the recorder's look at what lives */
};
#define HM_SELFTEST_BITS 8

struct hm_selftest_row {
	const char *way;	   /* static; [a-z0-9._-] */
	enum hm_selftest_kind kind;
	enum hm_selftest_result result;
	unsigned witnesses;	   /* those that saw it, enum hm_selftest_by */
	char why[200];		   /* what is missing, or cannot be had here; empty where there is nothing to say */
};

#define HM_SELFTEST_ROWS 64

struct hm_selftest;

/* Draws nonces and writes them to files below `folder` (which is there, and empty) for a chamber that shows it as `target`, with
 * `closed` internet or a simulated one. */
int hm_selftest_plant(struct hm_selftest **ret, const char *folder, const char *target, bool closed, struct hm_fail *fail) HM_MUST_CHECK;
void hm_selftest_free(struct hm_selftest *t); /* NULL is fine */
/* The file that the chamber has to plant over its root besides: a nonce in a writable layer. Borrowed. */
const char *hm_selftest_file(const struct hm_selftest *t, struct hm_slice *content) HM_MUST_CHECK;
/* The subject's arguments behind the program's name, NULL-terminated; the first is HM_SELFTEST_ARGUMENT. Borrowed. */
#define HM_SELFTEST_ARGUMENT "--self-test-subject"
const char *const *hm_selftest_arguments(const struct hm_selftest *t) HM_MUST_CHECK;
/* The subject: does every way and says on standard output which it could do. Returns an exit code. */
int hm_selftest_subject(int argc, char **argv);
/* Sets rows[0..*count), one a way and in the table's order, from the run's files. Returns 1 when no row is `missed`, 0 when one
 * is, HM_E_BAD for files that cannot be read. */
int hm_selftest_check(const struct hm_selftest *t, struct hm_slice record, struct hm_slice packets,
		      struct hm_selftest_row rows[HM_SELFTEST_ROWS], size_t *count, struct hm_fail *fail) HM_MUST_CHECK;
/* "read", "missed", "pages": static text. */
const char *hm_selftest_kind_name(enum hm_selftest_kind kind) HM_MUST_CHECK;
const char *hm_selftest_result_name(enum hm_selftest_result result) HM_MUST_CHECK;
const char *hm_selftest_witness_name(unsigned bit) HM_MUST_CHECK; /* of the bit's number, from 0 */
