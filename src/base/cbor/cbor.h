#pragma once
/* The strict CBOR subset of records: deterministic (RFC 8949 section 4.2.1), definite lengths, and nothing but unsigned
 * and negative integers of 64 bits, byte strings and arrays. No maps, text, tags, floats or simple values: what has one
 * form needs no canonical form. */
#include "cursor.h"
#include "fail.h"

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
