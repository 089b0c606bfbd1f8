/* Everything about a key or a signature that libcrypto would take in more than one form is fixed here first, byte by
 * byte; libcrypto sees only what has passed and does the arithmetic. */
#include "signature.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "cursor.h"
#include "fs.h"
#include "pem.h"
#include "text.h"

#define SCALAR 32 /* bytes of a P-256 coordinate or scalar */

struct hm_pubkey {
	EVP_PKEY *key;
	char id[45];
	bool edwards; /* Ed25519; else P-256 */
	uint8_t spki[HM_SPKI_LEN];
	size_t spki_len;
};

/* SubjectPublicKeyInfo of a P-256 key up to its point: RFC 5480 with named curve and an uncompressed point leaves one
 * form, and the point's 64 bytes follow. */
static const uint8_t spki_head[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
				     0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04 };
/* The same of Ed25519 (RFC 8410): the key's 32 bytes follow. */
static const uint8_t edwards_head[] = { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00 };

void hm_pubkey_free(struct hm_pubkey *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->key);
	free(key);
}

void hm_pubkey_cleanup(struct hm_pubkey **key)
{
	hm_pubkey_free(*key);
}

const char *hm_pubkey_id(const struct hm_pubkey *key)
{
	return key->id;
}

static void free_context(EVP_PKEY_CTX **context)
{
	EVP_PKEY_CTX_free(*context);
}

/* Whether the point is one of the curve's, other than infinity. */
static bool is_sound(EVP_PKEY *key)
{
	HM_CLEANUP(free_context) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);

	return context && EVP_PKEY_public_check(context) == 1;
}

static void key_id(char id[45], struct hm_slice spki)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	if (EVP_Digest(spki.data, spki.len, digest, &len, EVP_sha256(), NULL) != 1 || len != 32)
		abort(); /* a libcrypto without SHA-256 */
	hm_text_base64(&text, (struct hm_slice){ digest, len });
	memcpy(id, text.data, 44);
	id[44] = 0;
}

static bool begins(struct hm_slice spki, const uint8_t *head, size_t len, size_t whole)
{
	return spki.len == whole && memcmp(spki.data, head, len) == 0;
}

int hm_pubkey_of_spki(struct hm_pubkey **ret, struct hm_slice spki, struct hm_fail *fail)
{
	HM_CLEANUP(hm_pubkey_cleanup) struct hm_pubkey *key = NULL;
	const unsigned char *at = spki.data;
	bool edwards = begins(spki, edwards_head, sizeof(edwards_head), HM_SPKI_ED25519_LEN);

	if (!edwards && !begins(spki, spki_head, sizeof(spki_head), HM_SPKI_LEN))
		return hm_fail_set(fail, HM_E_BAD, "public key: neither an uncompressed point of P-256 nor a key of Ed25519");
	key = hm_alloc(1, sizeof(*key));
	key->edwards = edwards;
	key->key = d2i_PUBKEY(NULL, &at, (long)spki.len);
	if (!key->key || (!edwards && !is_sound(key->key))) {
		ERR_clear_error();
		return hm_fail_set(fail, HM_E_BAD, "public key: the point is not on its curve");
	}
	key_id(key->id, spki);
	memcpy(key->spki, spki.data, spki.len);
	key->spki_len = spki.len;
	*ret = hm_take_ptr(&key);
	return 0;
}

bool hm_pubkey_is_p256(const struct hm_pubkey *key)
{
	return !key->edwards;
}

struct hm_slice hm_pubkey_spki(const struct hm_pubkey *key)
{
	return (struct hm_slice){ key->spki, key->spki_len };
}

int hm_pubkey_parse(struct hm_pubkey **ret, struct hm_slice pem, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes der = { 0 };

	if (hm_pem_read(&der, pem, "PUBLIC KEY") < 0)
		return hm_fail_set(fail, HM_E_BAD, "public key: not exactly one PEM block \"PUBLIC KEY\" (lines of 64, nothing else)");
	return hm_pubkey_of_spki(ret, hm_slice_of(&der), fail);
}

int hm_pubkey_load(struct hm_pubkey **ret, const char *path, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes pem = { 0 };
	int r = hm_fs_read(&pem, path, HM_PEM_MAX, fail);

	if (r < 0)
		return r;
	r = hm_pubkey_parse(ret, hm_slice_of(&pem), fail);
	return r < 0 ? hm_fail_in(fail, "%s", path) : 0;
}

/* One INTEGER of at most 256 bits, positive and shortest (X.690 section 8.3.2). */
static bool is_integer(struct hm_cursor *c)
{
	uint8_t tag = hm_cursor_u8(c), len = hm_cursor_u8(c);
	struct hm_slice s = hm_cursor_bytes(c, len);

	if (c->bad || tag != 2 || len == 0 || len > SCALAR + 1 || s.data[0] >= 0x80)
		return false;
	if (s.data[0] == 0 && (len == 1 || s.data[1] < 0x80))
		return false; /* zero is no part of a signature; a needless zero byte is another form */
	return len <= SCALAR || s.data[0] == 0;
}

/* ECDSA-Sig-Value in DER (RFC 3279 section 2.2.3), nothing behind it. */
static bool is_der(struct hm_slice s)
{
	struct hm_cursor c = hm_cursor_of(s);
	uint8_t tag = hm_cursor_u8(&c), len = hm_cursor_u8(&c);

	return tag == 0x30 && hm_cursor_left(&c) == len && is_integer(&c) && is_integer(&c) && hm_cursor_done(&c);
}

static void put_integer(struct hm_bytes *out, const uint8_t *scalar)
{
	size_t skip = 0;

	while (skip < SCALAR - 1 && scalar[skip] == 0)
		skip++;
	hm_bytes_u8(out, 2);
	hm_bytes_u8(out, (uint8_t)(SCALAR - skip + (scalar[skip] >= 0x80)));
	if (scalar[skip] >= 0x80)
		hm_bytes_u8(out, 0);
	hm_bytes_append(out, scalar + skip, SCALAR - skip);
}

void hm_signature_der(struct hm_bytes *out, const uint8_t raw[64])
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes body = { 0 };

	put_integer(&body, raw);
	put_integer(&body, raw + SCALAR);
	hm_bytes_u8(out, 0x30);
	hm_bytes_u8(out, (uint8_t)body.len);
	hm_bytes_slice(out, hm_slice_of(&body));
}

static void free_digest(EVP_MD_CTX **context)
{
	EVP_MD_CTX_free(*context);
}

bool hm_signature_has_form(struct hm_slice signature)
{
	return signature.len == HM_SIGNATURE_RAW || is_der(signature);
}

/* `kind`: NULL where the signature's own algorithm hashes. */
static bool check(const struct hm_pubkey *key, const EVP_MD *kind, struct hm_slice message, struct hm_slice signature)
{
	HM_CLEANUP(free_digest) EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool good = context && EVP_DigestVerifyInit(context, NULL, kind, NULL, key->key) == 1 &&
		    EVP_DigestVerify(context, signature.data, signature.len, message.data, message.len) == 1;

	ERR_clear_error();
	return good;
}

static bool check_der(const struct hm_pubkey *key, struct hm_slice message, struct hm_slice der)
{
	return is_der(der) && check(key, EVP_sha256(), message, der);
}

bool hm_signature_check(const struct hm_pubkey *key, struct hm_slice message, struct hm_slice signature, bool allow_raw)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes der = { 0 };

	if (key->edwards)
		return signature.len == HM_SIGNATURE_RAW && check(key, NULL, message, signature);
	if (check_der(key, message, signature))
		return true;
	if (!allow_raw || signature.len != HM_SIGNATURE_RAW)
		return false;
	hm_signature_der(&der, signature.data);
	return check_der(key, message, hm_slice_of(&der));
}
