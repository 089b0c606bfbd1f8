#pragma once
/* DNS messages (RFC 1035), queries with one question, and the answers the chamber gives. */
#include "cursor.h"
#include "fail.h"

#define HM_DNS_NAME_MAX 255

enum hm_dns_type { HM_DNS_A = 1, HM_DNS_NS = 2, HM_DNS_PTR = 12, HM_DNS_MX = 15, HM_DNS_TXT = 16, HM_DNS_AAAA = 28 };

struct hm_dns_query {
	uint16_t id, flags, type, class;
	/* Lower-case, without the last dot, "." for the root; bytes other than letters, digits, '-' and '_' stand as \DDD
	 * (RFC 4343), a dot inside a label too, so the text is plain ASCII and unambiguous. */
	char name[4 * HM_DNS_NAME_MAX + 1];
	struct hm_slice question; /* the question section's bytes as they came */
	uint16_t room;		  /* bytes of a UDP answer that the asker takes: 512, or what EDNS (RFC 6891) says beyond */
};

/* Reads a query (QR = 0, opcode QUERY, one question). HM_E_BAD for anything else, and for compression in the question.
 * What stands behind the question is not looked at, but for an OPT record that comes first there. */
int hm_dns_read_query(struct hm_dns_query *out, struct hm_slice message) HM_MUST_CHECK;
/* Appends a whole answer message with `rcode` (0 no error, 3 no such name) and the given resource-record data:
 * `count` records of query->type with `ttl`, each rdata as it stands. With count 0 an empty answer. Authoritative. */
void hm_dns_write_answer(struct hm_bytes *out, const struct hm_dns_query *query, int rcode, uint32_t ttl,
			 const struct hm_slice *rdata, size_t count);
/* An answer that is the whole of `answer` and longer than `max` bytes becomes one without records that says so (TC). */
void hm_dns_truncate(struct hm_bytes *answer, const struct hm_dns_query *query, size_t max);
/* Appends a name's wire form: labels of 1 to 63 bytes between dots. HM_E_BAD, with nothing appended, for anything else. */
int hm_dns_put_name(struct hm_bytes *out, const char *name) HM_MUST_CHECK;
/* The address of a name in the chamber: a function of the name alone, in 198.18.0.0/15, never x.x.x.0 or x.x.x.255, never
 * 198.18.0.x (those are the chamber's own): from SHA-256 of the lower-case name. */
void hm_dns_address_of(uint8_t address[4], const char *name);
