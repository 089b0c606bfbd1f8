#pragma once
/* Private half: make a key, sign. Never linked into hallmark-verify. libgcrypt signs with the nonce of RFC 6979, so the
 * same key and message give the same signature. Key files are PEM: PKCS #8 "PRIVATE KEY" of mode 0600, and "PUBLIC KEY". */
#include "bytes.h"
#include "fail.h"

struct hm_signer;

/* Makes a P-256 key; writes `path` and `path`.pub, neither of which may exist. */
int hm_signer_generate(const char *path, struct hm_fail *fail) HM_MUST_CHECK;
/* Loads a private key; refuses a file that others can read. */
int hm_signer_load(struct hm_signer **ret, const char *path, struct hm_fail *fail) HM_MUST_CHECK;
void hm_signer_free(struct hm_signer *s); /* wipes; NULL is fine */
void hm_signer_cleanup(struct hm_signer **s);
/* Its public key as PEM SubjectPublicKeyInfo, appended. */
int hm_signer_public(const struct hm_signer *s, struct hm_bytes *pem, struct hm_fail *fail) HM_MUST_CHECK;
/* Appends a DER ECDSA signature over SHA-256 of `message`. */
int hm_signer_sign(const struct hm_signer *s, struct hm_slice message, struct hm_bytes *der, struct hm_fail *fail) HM_MUST_CHECK;
