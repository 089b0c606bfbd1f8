#pragma once
/* PKCS#7 signatures of Authenticode: what was signed, whether the signature holds, when, and who issued the signer's certificate. */
#include <openssl/pkcs7.h>
#include <openssl/x509.h>

#include "binary_internal.h"

struct hm_pkcs7 {
	PKCS7 *p7;
	struct hm_slice content; /* what is inside the outer SEQUENCE of the signed content */
	bool holds;		 /* the signer's key signed it; says nothing of the file */
};
/* False: it is none. Releases nothing then. */
bool hm_pkcs7_open(struct hm_pkcs7 *s, struct hm_slice der) HM_MUST_CHECK;
void hm_pkcs7_close(struct hm_pkcs7 *s);
/* Observes the signers at out->file->path, or at `path`. `same`: the file is what was signed. Notes in `out` who made the file, where all holds. */
int hm_pkcs7_tell(struct hm_binary_out *out, const struct hm_pkcs7 *s, const char *path, bool same, const char *how) HM_MUST_CHECK;
/* The signatures that are put into this one as an attribute (SPC_NESTED_SIGNATURE): borrowed. Returns how many. */
#define HM_PKCS7_NESTED 8
size_t hm_pkcs7_nested(const struct hm_pkcs7 *s, struct hm_slice nested[HM_PKCS7_NESTED]) HM_MUST_CHECK;
/* The DigestInfo of an SpcIndirectDataContent that begins at `content`: its algorithm and digest (borrowed). */
bool hm_pkcs7_digest(struct hm_slice content, const EVP_MD **md, struct hm_slice *digest) HM_MUST_CHECK;
/* One element of DER: its tag (of the universal or context class, as OpenSSL has it) and what is inside; false at the end or where it is damaged. */
bool hm_der_next(struct hm_slice *from, int *tag, struct hm_slice *inside) HM_MUST_CHECK;

/* What trust.c tells. */
#define HM_TRUST_ANY_TIME ((time_t)-1)
bool hm_trust_has_roots(const struct hm_binary_trust *trust) HM_MUST_CHECK;
bool hm_trust_issued(const struct hm_binary_trust *trust, X509 *certificate, STACK_OF(X509) *others, time_t when) HM_MUST_CHECK;
/* When a trusted authority saw the signature, or 0. */
time_t hm_trust_stamp(const struct hm_binary_trust *trust, PKCS7 *token, const ASN1_OCTET_STRING *signature) HM_MUST_CHECK;
/* Signs what others make. */
bool hm_trust_attests(const struct hm_binary_trust *trust, const char *name) HM_MUST_CHECK;
