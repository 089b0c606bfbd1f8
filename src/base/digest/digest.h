#pragma once
/* Hashes of bytes. SHA-256 carries the evidence (FIPS 180-4); the others only serve to recognise a document's digest in
 * what a product sends. libcrypto does the work. */
#include "bytes.h"
#include "fail.h"

#define HM_SHA256_LEN 32

struct hm_sha256 {
	uint8_t b[HM_SHA256_LEN];
};

/* SHA-256 of several slices one behind the other. */
void hm_sha256_of(struct hm_sha256 *out, const struct hm_slice *slices, size_t count);
static inline void hm_sha256_slice(struct hm_sha256 *out, struct hm_slice s)
{
	hm_sha256_of(out, &s, 1);
}
/* SHA-256 of a regular file; its size goes to `size` unless NULL. */
int hm_sha256_file(struct hm_sha256 *out, uint64_t *size, const char *path, struct hm_fail *fail) HM_MUST_CHECK;
/* HMAC-SHA-256 (RFC 2104). */
void hm_hmac_sha256(struct hm_sha256 *out, struct hm_slice key, struct hm_slice message);
/* D(label) of CONTRACTS.md section 4: HMAC-SHA-256(seed, "hallmark/derive/v1" 00 label). `seed` has 32 bytes. */
void hm_derive(struct hm_sha256 *out, const uint8_t *seed, const char *label);
/* The commitment to a seed: SHA-256("hallmark/seed/v1" 00 seed). */
void hm_seed_commit(struct hm_sha256 *out, const uint8_t *seed);

enum hm_digest_kind { HM_MD5, HM_SHA1, HM_SHA224, HM_SHA256, HM_SHA384, HM_SHA512, HM_DIGEST_KINDS };
/* Any of the common digests; returns its length (16 to 64), or 0 where this libcrypto refuses the algorithm. */
size_t hm_digest_of(uint8_t out[64], enum hm_digest_kind kind, struct hm_slice s);
