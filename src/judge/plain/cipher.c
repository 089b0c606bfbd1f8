/* One direction under one key: records are opened in their order. */
#include "plain_internal.h"

enum { V13 = 0x0304, BLOCK = 16, NONCE = 12, EXPLICIT = 8, IMPLICIT = 4 };

static const char *evp_name(const struct hm_tls_suite *suite)
{
	static const char *const names[][2] = {
		[HM_TLS_GCM] = { "AES-128-GCM", "AES-256-GCM" },
		[HM_TLS_CCM] = { "AES-128-CCM", "AES-256-CCM" },
		[HM_TLS_CHACHA] = { "ChaCha20-Poly1305", "ChaCha20-Poly1305" },
		[HM_TLS_CBC] = { "AES-128-CBC", "AES-256-CBC" },
	};

	return names[suite->mode][suite->key == 32];
}

static int refused(const struct hm_tls_cipher *c, struct hm_fail *fail)
{
	return hm_fail_set(fail, HM_E_SYSTEM, "opening TLS with %s: libcrypto refuses it, and findings would differ", evp_name(c->suite));
}

static void keys_12(struct hm_tls_cipher *c, const struct hm_tls_hello *server)
{
	const struct hm_tls_suite *suite = c->suite;
	size_t mac = suite->mode == HM_TLS_CBC ? suite->tag : 0;
	size_t iv = suite->mode == HM_TLS_CHACHA ? NONCE : suite->mode == HM_TLS_CBC ? 0 : IMPLICIT;
	uint8_t block[2 * (48 + 32 + NONCE)];

	/* Of each the client's comes first, then the server's. */
	hm_tls_key_block(block, 2 * (mac + suite->key + iv), suite->hash, &c->secret, server->random, c->secret.random);
	memcpy(c->mac, block + c->server * mac, mac);
	memcpy(c->key, block + 2 * mac + c->server * suite->key, suite->key);
	memcpy(c->iv, block + 2 * (mac + suite->key) + c->server * iv, iv);
}

static void keys_13(struct hm_tls_cipher *c)
{
	const struct hm_slice secret = { c->secret.bytes, c->secret.len };

	hm_tls_expand(c->key, c->suite->key, c->suite->hash, secret, "key");
	hm_tls_expand(c->iv, NONCE, c->suite->hash, secret, "iv");
}

int hm_tls_cipher_begin(struct hm_tls_cipher *c, const struct hm_tls_suite *suite, const struct hm_tls_secret *secret,
			const struct hm_tls_hello *server, struct hm_fail *fail)
{
	struct hm_tls_secret kept = *secret; /* it may be the cipher's own */
	bool from_server = c->server;

	hm_tls_cipher_release(c);
	c->server = from_server;
	c->suite = suite;
	c->secret = kept;
	c->encrypt_first = server->encrypt_first;
	c->evp = EVP_CIPHER_fetch(NULL, evp_name(suite), NULL);
	if (!c->evp)
		return refused(c, fail);
	c->ctx = EVP_CIPHER_CTX_new();
	if (!c->ctx)
		abort();
	if (suite->version == V13)
		keys_13(c);
	else
		keys_12(c, server);
	return 0;
}

int hm_tls_cipher_update(struct hm_tls_cipher *c, struct hm_fail *fail)
{
	const struct hm_slice old = { c->secret.bytes, c->secret.len };
	struct hm_tls_secret next = c->secret;
	static const struct hm_tls_hello none;

	hm_tls_expand(next.bytes, next.len, c->suite->hash, old, "traffic upd");
	return hm_tls_cipher_begin(c, c->suite, &next, &none, fail);
}

void hm_tls_cipher_release(struct hm_tls_cipher *c)
{
	EVP_CIPHER_CTX_free(c->ctx);
	EVP_CIPHER_free(c->evp);
	*c = (struct hm_tls_cipher){ 0 };
}

static void put_be(uint8_t *out, uint64_t v, size_t size)
{
	while (size-- > 0)
		*out++ = (uint8_t)(v >> 8 * size);
}

/* What TLS 1.2 authenticates before the text: sequence, type, version, length (RFC 5246 sections 6.2.3.1 and 6.2.3.3). */
enum { PSEUDO = 13 };
static void pseudo_header(uint8_t out[PSEUDO], const struct hm_tls_cipher *c, const struct hm_tls_record *record, size_t len)
{
	put_be(out, c->sequence, 8);
	memcpy(out + 8, record->header.data, 3);
	put_be(out + 11, len, 2);
}

struct sealed {
	uint8_t nonce[NONCE];
	struct hm_slice aad, text, tag;
};

/* 1 opened, 0 not. `out` has room for the text. */
static int open_aead(struct hm_tls_cipher *c, const struct sealed *s, uint8_t *out, struct hm_fail *fail)
{
	bool ccm = c->suite->mode == HM_TLS_CCM;
	void *tag = (void *)(uintptr_t)s->tag.data;
	int n;

	if (EVP_DecryptInit_ex2(c->ctx, c->evp, NULL, NULL, NULL) != 1 ||
	    EVP_CIPHER_CTX_ctrl(c->ctx, EVP_CTRL_AEAD_SET_IVLEN, NONCE, NULL) != 1 ||
	    (ccm && EVP_CIPHER_CTX_ctrl(c->ctx, EVP_CTRL_AEAD_SET_TAG, (int)s->tag.len, tag) != 1) ||
	    EVP_DecryptInit_ex2(c->ctx, NULL, c->key, s->nonce, NULL) != 1 ||
	    (ccm && EVP_DecryptUpdate(c->ctx, NULL, &n, NULL, (int)s->text.len) != 1) ||
	    EVP_DecryptUpdate(c->ctx, NULL, &n, s->aad.data, (int)s->aad.len) != 1)
		return refused(c, fail);
	if (ccm) /* it authenticates before it gives anything */
		return EVP_DecryptUpdate(c->ctx, out, &n, s->text.data, (int)s->text.len) == 1;
	if ((s->text.len && EVP_DecryptUpdate(c->ctx, out, &n, s->text.data, (int)s->text.len) != 1) ||
	    EVP_CIPHER_CTX_ctrl(c->ctx, EVP_CTRL_AEAD_SET_TAG, (int)s->tag.len, tag) != 1)
		return refused(c, fail);
	return EVP_DecryptFinal_ex(c->ctx, out + s->text.len, &n) == 1;
}

static int open_stream(struct hm_tls_cipher *c, const struct hm_tls_record *record, struct hm_tls_opened *out, struct hm_fail *fail)
{
	const struct hm_slice body = record->body;
	uint8_t aad[PSEUDO];
	struct sealed s = { .aad = record->header };
	int r;

	out->front = c->suite->version == V13 || c->suite->mode == HM_TLS_CHACHA ? 0 : EXPLICIT;
	out->back = c->suite->tag;
	/* libcrypto's CCM has no empty text, and nobody sends one. */
	if (body.len < out->front + out->back + (c->suite->mode == HM_TLS_CCM))
		return 0;
	s.text = (struct hm_slice){ body.data + out->front, body.len - out->front - out->back };
	s.tag = (struct hm_slice){ body.data + body.len - out->back, out->back };
	memcpy(s.nonce, c->iv, NONCE);
	if (out->front)
		memcpy(s.nonce + IMPLICIT, body.data, EXPLICIT);
	else
		for (size_t i = 0; i < 8; i++)
			s.nonce[NONCE - 1 - i] ^= (uint8_t)(c->sequence >> 8 * i);
	if (c->suite->version != V13) {
		pseudo_header(aad, c, record, s.text.len);
		s.aad = (struct hm_slice){ aad, sizeof(aad) };
	}
	r = open_aead(c, &s, hm_bytes_reserve(&out->text, s.text.len + BLOCK), fail);
	if (r == 1)
		out->text.len = s.text.len;
	return r;
}

static bool mac_fits(const struct hm_tls_cipher *c, const struct hm_tls_record *record, struct hm_slice text, const uint8_t *mac)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes message = { 0 };
	uint8_t made[64];

	pseudo_header(hm_bytes_reserve(&message, PSEUDO), c, record, text.len);
	message.len = PSEUDO;
	hm_bytes_slice(&message, text);
	hm_tls_hmac(made, 8u * c->suite->tag, (struct hm_slice){ c->mac, c->suite->tag }, hm_slice_of(&message));
	return memcmp(made, mac, c->suite->tag) == 0;
}

/* The bytes of padding at the end of what blocks held, its own length byte included; 0 when it is none. */
static size_t padding_of(struct hm_slice blocks)
{
	size_t padding = blocks.len ? blocks.data[blocks.len - 1] + (size_t)1 : 0;

	if (padding > blocks.len)
		return 0;
	for (size_t i = 0; i < padding; i++)
		if (blocks.data[blocks.len - 1 - i] != padding - 1)
			return 0;
	return padding;
}

/* CBC: an IV, then blocks of the text, MAC (unless that stands behind them, RFC 7366) and padding. */
static int open_blocks(struct hm_tls_cipher *c, const struct hm_tls_record *record, struct hm_tls_opened *out, struct hm_fail *fail)
{
	size_t outside = c->encrypt_first ? c->suite->tag : 0, inside = c->suite->tag - outside, len, padding;
	const struct hm_slice body = record->body;
	struct hm_slice text;
	int n;

	if (body.len < 2 * BLOCK + outside || (body.len - outside) % BLOCK)
		return 0;
	len = body.len - outside;
	if (outside && !mac_fits(c, record, (struct hm_slice){ body.data, len }, body.data + len))
		return 0;
	text = (struct hm_slice){ hm_bytes_reserve(&out->text, body.len), len - BLOCK };
	if (EVP_DecryptInit_ex2(c->ctx, c->evp, c->key, body.data, NULL) != 1 || EVP_CIPHER_CTX_set_padding(c->ctx, 0) != 1 ||
	    EVP_DecryptUpdate(c->ctx, out->text.data, &n, body.data + BLOCK, (int)text.len) != 1)
		return refused(c, fail);
	padding = padding_of(text);
	if (!padding || padding + inside > text.len)
		return 0;
	text.len -= padding + inside;
	if (inside && !mac_fits(c, record, text, text.data + text.len))
		return 0;
	out->text.len = text.len;
	out->front = BLOCK;
	out->back = body.len - BLOCK - text.len;
	return 1;
}

int hm_tls_cipher_open(struct hm_tls_cipher *c, const struct hm_tls_record *record, struct hm_tls_opened *out, struct hm_fail *fail)
{
	int r;

	out->text.len = 0;
	if (c->suite->mode == HM_TLS_CBC)
		r = open_blocks(c, record, out, fail);
	else
		r = open_stream(c, record, out, fail);
	c->sequence += r == 1;
	return r;
}
