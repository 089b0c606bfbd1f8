#pragma once
/* The chamber's authority and the TLS that it is for. */
#include "internet.h"

struct authority;
struct bufferevent;
struct event_base;
struct evp_pkey_st;
struct tls;
struct x509_st;

/* authority.c: `secret` has HM_INTERNET_SECRET bytes; `now` is seconds since 1970, of which only the day counts. */
void hm_internet_authority_new(struct authority **ret, const uint8_t *secret, int64_t now);
void hm_internet_authority_free(struct authority *a);
/* A certificate for a host name (letters, digits, '-', '_', dots), or for the address where `name` is NULL. Owned by the
 * caller; its key is that of every leaf. */
struct x509_st *hm_internet_authority_mint(const struct authority *a, const char *name, const uint8_t address[4]) HM_MUST_CHECK;
struct evp_pkey_st *hm_internet_authority_leaf(const struct authority *a) HM_MUST_CHECK; /* borrowed */

/* tls.c */
int hm_internet_tls_open(struct tls **ret, const uint8_t *secret, struct hm_fail *fail) HM_MUST_CHECK;
void hm_internet_tls_close(struct tls *tls);
/* A stream over `fd`, which it takes, that begins with a handshake. `address`: what the product called. */
struct bufferevent *hm_internet_tls_accept(struct tls *tls, struct event_base *base, int fd, const uint8_t address[4]) HM_MUST_CHECK;
/* Counts how the handshake ended; the first call for a stream counts. `what`: the stream's event, 0 for a time-out. */
void hm_internet_tls_tell(struct bufferevent *stream, short what);
/* Tells the product that no more comes. */
void hm_internet_tls_shutdown(struct bufferevent *stream);
/* Tells what was not told yet, and closes. */
void hm_internet_tls_free(struct bufferevent *stream);
/* The key log (one line a secret, as Wireshark reads it), and what was counted so far. */
struct hm_slice hm_internet_tls_keys(const struct tls *tls) HM_MUST_CHECK;
struct hm_internet_tls_stats hm_internet_tls_stats(const struct tls *tls) HM_MUST_CHECK;
