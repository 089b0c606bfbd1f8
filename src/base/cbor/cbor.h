#pragma once
/* The strict CBOR subset of records: deterministic (RFC 8949 section 4.2.1), definite lengths, and nothing but unsigned
 * and negative integers of 64 bits, byte strings and arrays. No maps, text, tags, floats or simple values: what has one
 * form needs no canonical form. */
#include <endian.h>

#include "cursor.h"
#include "fail.h"

/* Writes an item's head at `at`, which must have room for HM_CBOR_HEAD_MAX bytes; returns what is behind it. The head of an
 * unsigned integer is all of it; a negative one is ~v. For who writes many items; the functions below reserve by themselves. */
enum hm_cbor_major { HM_CBOR_UNSIGNED = 0, HM_CBOR_NEGATIVE = 1, HM_CBOR_BYTES = 2, HM_CBOR_ARRAY = 4 };
#define HM_CBOR_HEAD_MAX 9
static inline uint8_t *hm_cbor_head(uint8_t *at, enum hm_cbor_major major, uint64_t v)
{
	/* By the number of significant bytes: the exponent of how many are written. All eight are stored, the value in the
	 * first of them, since that is quicker than a loop. */
	static const uint8_t exponent[] = { 0, 0, 1, 2, 2, 3, 3, 3, 3 };
	unsigned e;

	if (v < 24) {
		at[0] = (uint8_t)((unsigned)major << 5 | (unsigned)v);
		return at + 1;
	}
	e = exponent[(71 - (unsigned)__builtin_clzll(v)) / 8];
	at[0] = (uint8_t)((unsigned)major << 5 | (24 + e));
	v = htobe64(v << (64 - (8u << e)));
	memcpy(at + 1, &v, sizeof(v));
	return at + 1 + (1u << e);
}

void hm_cbor_uint(struct hm_bytes *out, uint64_t v);
void hm_cbor_int(struct hm_bytes *out, int64_t v);
void hm_cbor_bytes(struct hm_bytes *out, struct hm_slice s);
/* The head of an array of `count` items; the items follow. */
void hm_cbor_array(struct hm_bytes *out, uint64_t count);

/* Readers take the next item from a cursor; anything that is not exactly such an item in its shortest form sets
 * cursor->bad and returns 0. A value outside the C type is bad too. */
uint64_t hm_cbor_get_uint(struct hm_cursor *c);
int64_t hm_cbor_get_int(struct hm_cursor *c);
struct hm_slice hm_cbor_get_bytes(struct hm_cursor *c);
uint64_t hm_cbor_get_array(struct hm_cursor *c);
/* Steps over one whole item, nested arrays included (depth at most 8), checking its form. */
void hm_cbor_skip(struct hm_cursor *c);
