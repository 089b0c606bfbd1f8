#pragma once
/* Between the files of plain: the key log (keylog.c), the hellos (hello.c), keys and ciphers (schedule.c, cipher.c), and the walk over a
 * connection's records that uses them (records.c). */
#include <openssl/evp.h>

#include "plain.h"

enum {
	HM_TLS_RANDOM = 32,
	HM_TLS_SECRET_MAX = 64,
	HM_TLS_HEADER = 5,
	HM_TLS_RECORD_MAX = (1 << 14) + 2048, /* RFC 5246 section 6.2.3 */
};

enum hm_tls_type { HM_TLS_SPEC = 20, HM_TLS_ALERT = 21, HM_TLS_HANDSHAKE = 22, HM_TLS_DATA = 23 };
enum hm_tls_message { HM_TLS_CLIENT_HELLO = 1, HM_TLS_SERVER_HELLO = 2, HM_TLS_END_OF_EARLY = 5, HM_TLS_FINISHED = 20, HM_TLS_KEY_UPDATE = 24 };

/* ---- keylog.c ---- */
enum hm_tls_label { HM_TLS_MASTER, HM_TLS_EARLY, HM_TLS_SHAKING, HM_TLS_TRAFFIC, HM_TLS_SERVER_SHAKING, HM_TLS_SERVER_TRAFFIC };

struct hm_tls_secret {
	uint8_t random[HM_TLS_RANDOM];
	enum hm_tls_label label;
	uint8_t len, bytes[HM_TLS_SECRET_MAX];
};
struct hm_tls_keys {
	struct hm_tls_secret *list; /* sorted by all of it; no two the same */
	size_t count;
};
/* Lines of another form are passed over. */
void hm_tls_keys_read(struct hm_tls_keys *out, struct hm_slice keylog);
void hm_tls_keys_release(struct hm_tls_keys *keys);
/* The secrets of that label for connections of that random (which may be used twice): *count of them. */
const struct hm_tls_secret *hm_tls_keys_find(const struct hm_tls_keys *keys, const uint8_t random[HM_TLS_RANDOM], enum hm_tls_label label,
					     size_t *count) HM_MUST_CHECK;

/* ---- hello.c ---- */
struct hm_tls_hello {
	uint8_t random[HM_TLS_RANDOM];
	uint16_t version;   /* of a server: as negotiated, supported_versions included */
	uint16_t suite;	    /* of a server */
	bool early;	    /* of a client: it offers early data */
	bool encrypt_first; /* of a server: encrypt-then-MAC */
};
/* The record that begins `stream`: true with type and body (which may be cut: `whole` tells). */
struct hm_tls_record {
	uint8_t type;
	struct hm_slice header, body;
	bool whole;
};
bool hm_tls_record_read(struct hm_tls_record *out, struct hm_slice stream) HM_MUST_CHECK;
/* The ClientHello that begins the stream; the ServerHello that answers it, behind a request to try again. False when there is none. */
bool hm_tls_client_hello(struct hm_tls_hello *out, struct hm_slice stream) HM_MUST_CHECK;
bool hm_tls_server_hello(struct hm_tls_hello *out, struct hm_slice stream) HM_MUST_CHECK;

/* ---- prelude.c ---- */
/* Bytes of `sent` before a ClientHello that a ServerHello in `heard` answers, *answer bytes of that before it; 0 when there is none such. */
size_t hm_tls_prelude(struct hm_slice sent, struct hm_slice heard, size_t *answer) HM_MUST_CHECK;

/* ---- suites.c ---- */
enum hm_tls_mode { HM_TLS_GCM, HM_TLS_CCM, HM_TLS_CHACHA, HM_TLS_CBC };
struct hm_tls_suite {
	uint16_t id, version;
	enum hm_tls_mode mode;
	uint8_t key, tag; /* bytes; with CBC the tag is the MAC */
	uint16_t hash;	  /* bits, of the key schedule */
};
extern const struct hm_tls_suite hm_tls_suites[];
extern const size_t hm_tls_suite_count;
/* NULL when it is none of them. */
const struct hm_tls_suite *hm_tls_suite_find(uint16_t version, uint16_t id) HM_MUST_CHECK;

/* ---- schedule.c ---- */
/* HKDF-Expand-Label with an empty context (RFC 8446 section 7.1), `len` up to the hash's length. */
void hm_tls_expand(uint8_t *out, size_t len, unsigned hash, struct hm_slice secret, const char *label);
/* The key block of TLS 1.2 (RFC 5246 section 6.3). */
void hm_tls_key_block(uint8_t *out, size_t len, unsigned hash, const struct hm_tls_secret *master, const uint8_t *server_random,
		      const uint8_t *client_random);
/* HMAC; `bits` of a SHA: 160, 256, 384. Returns its length. */
size_t hm_tls_hmac(uint8_t out[64], unsigned bits, struct hm_slice key, struct hm_slice message);

/* ---- cipher.c: one direction under one key ---- */
struct hm_tls_cipher {
	const struct hm_tls_suite *suite;
	EVP_CIPHER *evp;
	EVP_CIPHER_CTX *ctx;
	bool encrypt_first, server; /* server: it is what the server sends */
	uint8_t key[32], iv[12], mac[48];
	struct hm_tls_secret secret; /* that they come from */
	uint64_t sequence;
};
/* What a record came to: `front` bytes of nonce, then as many as `text` has, then `back`. */
struct hm_tls_opened {
	size_t front, back;
	struct hm_bytes text; /* TLS 1.3: with the inner type and the padding */
};
/* Keys for what the client sends, or the server where `server` was set. A cipher that was begun before is let go first. HM_E_SYSTEM when libcrypto refuses. */
int hm_tls_cipher_begin(struct hm_tls_cipher *c, const struct hm_tls_suite *suite, const struct hm_tls_secret *secret,
			const struct hm_tls_hello *server, struct hm_fail *fail) HM_MUST_CHECK;
/* The keys that follow a KeyUpdate. */
int hm_tls_cipher_update(struct hm_tls_cipher *c, struct hm_fail *fail) HM_MUST_CHECK;
/* 1 when the record authenticates (then the next is awaited), 0 when not (then nothing changed but `out`). */
int hm_tls_cipher_open(struct hm_tls_cipher *c, const struct hm_tls_record *record, struct hm_tls_opened *out, struct hm_fail *fail) HM_MUST_CHECK;
void hm_tls_cipher_release(struct hm_tls_cipher *c);

/* ---- records.c ---- */
/* Splits connection `number` of the flow. Plaintext of handshakes and alerts goes to `other`, their spans count from its beginning. */
int hm_tls_walk(struct hm_plain *out, struct hm_bytes *other, const struct hm_flow *flow, size_t number, const struct hm_tls_keys *keys,
		bool late, struct hm_fail *fail) HM_MUST_CHECK;
/* What one side says of a connection whose bytes are all there, from its `from` on (0: the client's hello is at the beginning); the rest as above. */
int hm_tls_walk_side(struct hm_plain *out, struct hm_bytes *other, struct hm_slice stream, size_t from, bool server, const struct hm_tls_hello hellos[2],
		     const struct hm_tls_keys *keys, struct hm_fail *fail) HM_MUST_CHECK;
void hm_plain_add(struct hm_plain *out, enum hm_plain_kind kind, enum hm_plain_why why, size_t offset, size_t length, size_t text);
