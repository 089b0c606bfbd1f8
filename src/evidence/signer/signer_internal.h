#pragma once
/* Shared by the files of this module: a key in memory, its DER, its files. */
#include "signer.h"

#define HM_SCALAR_LEN 32
#define HM_POINT_LEN 65 /* uncompressed: 04, X, Y */

/* The one form of PKCS #8 (RFC 5208, 5915) that a P-256 key with its public half has in DER, and the one of its
 * SubjectPublicKeyInfo (RFC 5480). */
void hm_pkcs8_join(struct hm_bytes *der, const uint8_t *scalar, const uint8_t *point);
void hm_spki_join(struct hm_bytes *der, const uint8_t *point);
/* Borrows scalar and point out of `der`; false when it has another form or the scalar is not in 1 .. n-1. */
bool hm_pkcs8_split(struct hm_slice der, struct hm_slice *scalar, struct hm_slice *point);
/* Whether it is in 1 .. n-1. */
bool hm_scalar_in_range(const uint8_t *scalar);

/* A fresh key. */
int hm_signer_make(struct hm_signer **ret, struct hm_fail *fail) HM_MUST_CHECK;
/* From and to PEM. What is passed in or appended is secret: the caller wipes it, and reserves HM_PEM_MAX first. */
int hm_signer_parse(struct hm_signer **ret, struct hm_slice pem, struct hm_fail *fail) HM_MUST_CHECK;
int hm_signer_private(const struct hm_signer *s, struct hm_bytes *pem, struct hm_fail *fail) HM_MUST_CHECK;
