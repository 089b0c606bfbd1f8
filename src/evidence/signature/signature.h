#pragma once
/* Public half: check an ECDSA P-256 signature with SHA-256. libcrypto does the arithmetic.
 *
 * A key file is PEM SubjectPublicKeyInfo (RFC 7468). A key id is base64(SHA-256(SPKI DER)), as Sigstore has it. */
#include "bytes.h"
#include "fail.h"

struct hm_pubkey;

/* Reads PEM that holds exactly one P-256 public key; anything else is HM_E_BAD. */
int hm_pubkey_parse(struct hm_pubkey **ret, struct hm_slice pem, struct hm_fail *fail) HM_MUST_CHECK;
int hm_pubkey_load(struct hm_pubkey **ret, const char *path, struct hm_fail *fail) HM_MUST_CHECK;
void hm_pubkey_free(struct hm_pubkey *key); /* NULL is fine */
void hm_pubkey_cleanup(struct hm_pubkey **key);
/* The same from its SubjectPublicKeyInfo in DER, and back: HM_SPKI_LEN bytes that live as long as the key. */
#define HM_SPKI_LEN 91
int hm_pubkey_of_spki(struct hm_pubkey **ret, struct hm_slice spki, struct hm_fail *fail) HM_MUST_CHECK;
struct hm_slice hm_pubkey_spki(const struct hm_pubkey *key) HM_MUST_CHECK;
/* 44 characters; lives as long as the key. */
const char *hm_pubkey_id(const struct hm_pubkey *key) HM_MUST_CHECK;
/* True when `signature` is exactly one valid strict-DER signature over `message`. `raw` (64 bytes r||s) is accepted only
 * when `allow_raw`: foreign envelopes have it, our own never. */
bool hm_signature_check(const struct hm_pubkey *key, struct hm_slice message, struct hm_slice signature, bool allow_raw)
	HM_MUST_CHECK;
/* Appends the DER form (ECDSA-Sig-Value, RFC 3279) of raw r||s. */
void hm_signature_der(struct hm_bytes *out, const uint8_t raw[64]);
