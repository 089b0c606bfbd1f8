/* Secrets become keys: HKDF-Expand-Label of TLS 1.3, the pseudo-random function of TLS 1.2. */
#include "plain_internal.h"

#include <openssl/hmac.h>

size_t hm_tls_hmac(uint8_t out[64], unsigned bits, struct hm_slice key, struct hm_slice message)
{
	const EVP_MD *md = bits == 160 ? EVP_sha1() : bits == 384 ? EVP_sha384() : EVP_sha256();
	unsigned len = 0;

	/* libcrypto fails here only when memory is short, which ends the process as everywhere. */
	if (!HMAC(md, key.len ? key.data : (const uint8_t *)"", (int)key.len, message.data, message.len, out, &len))
		abort();
	return len;
}

void hm_tls_expand(uint8_t *out, size_t len, unsigned hash, struct hm_slice secret, const char *label)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes info = { 0 };
	uint8_t block[64];

	hm_bytes_u8(&info, 0);
	hm_bytes_u8(&info, (uint8_t)len);
	hm_bytes_u8(&info, (uint8_t)(strlen("tls13 ") + strlen(label)));
	hm_bytes_text(&info, "tls13 ");
	hm_bytes_text(&info, label);
	hm_bytes_u8(&info, 0);
	hm_bytes_u8(&info, 1); /* the one block of HKDF-Expand (RFC 5869) */
	hm_tls_hmac(block, hash, secret, hm_slice_of(&info));
	memcpy(out, block, len);
}

/* P_hash (RFC 5246 section 5): A(i) = HMAC(secret, A(i-1)); the output is HMAC(secret, A(i) || seed), block by block. */
void hm_tls_key_block(uint8_t *out, size_t len, unsigned hash, const struct hm_tls_secret *master, const uint8_t *server_random,
		      const uint8_t *client_random)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes seed = { 0 };
	const struct hm_slice secret = { master->bytes, master->len };
	uint8_t a[64];
	size_t size;

	hm_bytes_text(&seed, "key expansion");
	hm_bytes_append(&seed, server_random, HM_TLS_RANDOM);
	hm_bytes_append(&seed, client_random, HM_TLS_RANDOM);
	size = hm_tls_hmac(a, hash, secret, hm_slice_of(&seed));
	for (size_t at = 0; at < len; at += size) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes message = { 0 };
		uint8_t block[64], next[64];

		hm_bytes_append(&message, a, size);
		hm_bytes_slice(&message, hm_slice_of(&seed));
		hm_tls_hmac(block, hash, secret, hm_slice_of(&message));
		memcpy(out + at, block, len - at < size ? len - at : size);
		hm_tls_hmac(next, hash, secret, (struct hm_slice){ a, size });
		memcpy(a, next, size);
	}
}
