#pragma once
/* The chamber's authority and the TLS that it is for. */
#include "digest.h"
#include "internet.h"

struct authority;
struct evbuffer;
struct evp_pkey_st;
struct tls;
struct tls_stream;
struct x509_st;

/* authority.c: `secret` has HM_INTERNET_SECRET bytes; `now` is seconds since 1970, of which only the day counts. */
void hm_internet_authority_new(struct authority **ret, const uint8_t *secret, int64_t now);
void hm_internet_authority_free(struct authority *a);
/* A certificate for a host name (letters, digits, '-', '_', dots), or for the address where `name` is NULL; `wrong`: MISNAMED is
 * for another name, EXPIRED is over, what else is wrong is the authority. Owned by the caller; its key is that of every leaf. */
struct x509_st *hm_internet_authority_mint(const struct authority *a, const char *name, const uint8_t address[4],
					   enum hm_internet_wrong wrong) HM_MUST_CHECK;
struct evp_pkey_st *hm_internet_authority_leaf(const struct authority *a) HM_MUST_CHECK; /* borrowed */

/* draws.c: a stream of bytes that look random. */
struct draws {
	struct hm_sha256 key, block;
	uint64_t blocks;
	size_t used; /* of the block */
};

/* Lets libcrypto draw from streams, in this whole process. */
int hm_internet_draws_open(struct hm_fail *fail) HM_MUST_CHECK;
/* The stream of those who said `said` to a port of an address. `secret` has HM_INTERNET_SECRET bytes. */
void hm_internet_draws_begin(struct draws *d, const uint8_t *secret, const uint8_t address[4], uint16_t port, struct hm_slice said);
/* What is drawn from now on comes from `d`, or from the kernel where that is NULL. */
void hm_internet_draws_from(struct draws *d);

/* tls.c */
struct tls_spec {
	const uint8_t *secret, *noise; /* of struct hm_internet_spec */
	int64_t now;		       /* of which only the day counts */
	enum hm_internet_wrong wrong;
};

int hm_internet_tls_open(struct tls **ret, const struct tls_spec *spec, struct hm_fail *fail) HM_MUST_CHECK;
void hm_internet_tls_close(struct tls *tls);

/* One connection's TLS, apart from its socket. `address` and `port` are what the product called. */
struct tls_stream *hm_internet_tls_accept(struct tls *tls, const uint8_t address[4], uint16_t port) HM_MUST_CHECK;

enum tls_state {
	TLS_SHAKING, /* the handshake goes on */
	TLS_OPEN,
	TLS_ENDED, /* the product said that no more comes */
	TLS_BROKEN,
};

/* Takes all of `in`, which came from the product; what it says goes behind `clear`, what is to be sent behind `out`. */
enum tls_state hm_internet_tls_take(struct tls_stream *t, struct evbuffer *in, struct evbuffer *clear, struct evbuffer *out) HM_MUST_CHECK;
/* Moves at most `max` bytes from `clear` to `out`, as records. */
void hm_internet_tls_give(struct tls_stream *t, struct evbuffer *clear, struct evbuffer *out, size_t max);
/* Tells the product that no more comes. The second call does nothing. */
void hm_internet_tls_end(struct tls_stream *t, struct evbuffer *out);
/* A handshake that did not come to its end is counted here. NULL is fine. */
void hm_internet_tls_free(struct tls_stream *t);
/* The key log (one line a secret, as Wireshark reads it), and what was counted so far. */
struct hm_slice hm_internet_tls_keys(const struct tls *tls) HM_MUST_CHECK;
struct hm_internet_tls_stats hm_internet_tls_stats(const struct tls *tls) HM_MUST_CHECK;
