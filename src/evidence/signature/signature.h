#pragma once
/* Public half: check a signature, ECDSA of P-256 with SHA-256 or Ed25519 (RFC 8032; not its prehashed form). libcrypto does the
 * arithmetic. We sign with the first alone; the second is what others sign with.
 *
 * A key file is PEM SubjectPublicKeyInfo (RFC 7468). A key id is base64(SHA-256(SPKI DER)), as Sigstore has it. */
#include "bytes.h"
#include "fail.h"

struct hm_pubkey;

/* Reads PEM that holds exactly one public key of these kinds; anything else is HM_E_BAD. */
int hm_pubkey_parse(struct hm_pubkey **ret, struct hm_slice pem, struct hm_fail *fail) HM_MUST_CHECK;
int hm_pubkey_load(struct hm_pubkey **ret, const char *path, struct hm_fail *fail) HM_MUST_CHECK;
void hm_pubkey_free(struct hm_pubkey *key); /* NULL is fine */
void hm_pubkey_cleanup(struct hm_pubkey **key);
/* The same from its SubjectPublicKeyInfo in DER, and back: HM_SPKI_LEN bytes of P-256, HM_SPKI_ED25519_LEN of Ed25519, that live as
 * long as the key. */
#define HM_SPKI_LEN 91
#define HM_SPKI_ED25519_LEN 44
int hm_pubkey_of_spki(struct hm_pubkey **ret, struct hm_slice spki, struct hm_fail *fail) HM_MUST_CHECK;
struct hm_slice hm_pubkey_spki(const struct hm_pubkey *key) HM_MUST_CHECK;
/* 44 characters; lives as long as the key. */
const char *hm_pubkey_id(const struct hm_pubkey *key) HM_MUST_CHECK;
/* Of P-256; else of Ed25519. */
bool hm_pubkey_is_p256(const struct hm_pubkey *key) HM_MUST_CHECK;
/* True when `signature` is a valid signature over `message`: 64 bytes of Ed25519, or of P-256 strict DER and nothing behind it, or
 * r||s (64 bytes), which others write, where `allow_raw`. */
bool hm_signature_check(const struct hm_pubkey *key, struct hm_slice message, struct hm_slice signature, bool allow_raw)
	HM_MUST_CHECK;
/* Whether it has one of these forms, whatever the key: 64 bytes, or strict DER. */
#define HM_SIGNATURE_RAW 64
bool hm_signature_has_form(struct hm_slice signature) HM_MUST_CHECK;
/* Appends the DER form (ECDSA-Sig-Value, RFC 3279) of raw r||s. */
void hm_signature_der(struct hm_bytes *out, const uint8_t raw[64]);
