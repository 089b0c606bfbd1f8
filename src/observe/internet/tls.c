/* TLS 1.2 and 1.3 on the internet's side: each handshake gets a certificate for the name that it asked for, or for the
 * address that it called, and its keys are kept so that the packets can be read afterwards. No tickets, no resumption:
 * every connection shows the whole handshake. */
#include "tls_internal.h"

#include <event2/bufferevent_ssl.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

enum { KEYS_MAX = 16 << 20, LINE_MAX_LEN = 1024, ALERTS = 1000 /* SSL_AD_REASON_OFFSET: what the peer sent */ };

struct tls {
	SSL_CTX *ctx;
	struct authority *authority;
	struct hm_bytes keys;
	struct hm_internet_tls_stats stats;
};

/* Of one connection, at its SSL. */
struct handshake {
	struct tls *tls;
	uint8_t address[4];
	bool offered; /* it has been given a certificate */
	bool told;    /* it is counted */
};

static struct handshake *handshake_of(const SSL *ssl)
{
	return SSL_get_app_data(ssl);
}

static void on_key(const SSL *ssl, const char *line)
{
	struct tls *tls = handshake_of(ssl)->tls;
	size_t len = strlen(line);

	if (len > LINE_MAX_LEN || tls->keys.len + len + 1 > KEYS_MAX) {
		tls->stats.keys_lost++;
		return;
	}
	hm_bytes_append(&tls->keys, line, len);
	hm_bytes_u8(&tls->keys, '\n');
}

/* A host name in lower case (RFC 6066 section 3), or NULL for what can be none and for address literals, which may not be
 * sent there. */
static char *name_of(const SSL *ssl)
{
	const char *asked = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	HM_FREE char *name = asked ? hm_strdup(asked) : NULL;
	bool letters = false;

	if (!name || !*name || strlen(name) > 253)
		return NULL;
	for (char *p = name; *p; p++) {
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p + 32);
		if (!((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '-' || *p == '_' || *p == '.'))
			return NULL;
		letters |= *p >= 'a' && *p <= 'z';
	}
	return letters ? hm_take_ptr(&name) : NULL;
}

static int on_certificate(SSL *ssl, void *user)
{
	struct handshake *h = handshake_of(ssl);
	struct tls *tls = user;
	HM_FREE char *name = name_of(ssl);
	X509 *leaf = hm_internet_authority_mint(tls->authority, name, h->address);
	int good = SSL_use_certificate(ssl, leaf) && SSL_use_PrivateKey(ssl, hm_internet_authority_leaf(tls->authority));

	X509_free(leaf);
	h->offered = true;
	return good;
}

/* HTTP/1.1 where it is among what the product offers; else the handshake goes on without ALPN. */
static int on_alpn(SSL *ssl HM_UNUSED, const uint8_t **out, uint8_t *out_len, const uint8_t *in, unsigned len, void *user HM_UNUSED)
{
	static const uint8_t ours[] = "\x08http/1.1";
	uint8_t *chosen;

	if (SSL_select_next_proto(&chosen, out_len, ours, sizeof(ours) - 1, in, len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_NOACK;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

int hm_internet_tls_open(struct tls **ret, const uint8_t *secret, struct hm_fail *fail)
{
	struct tls *tls = hm_alloc(1, sizeof(*tls));

	tls->ctx = SSL_CTX_new(TLS_server_method());
	if (!tls->ctx || !SSL_CTX_set_min_proto_version(tls->ctx, TLS1_2_VERSION) ||
	    !SSL_CTX_set_cipher_list(tls->ctx, "ALL:!aNULL:@SECLEVEL=0")) {
		hm_internet_tls_close(tls);
		return hm_fail_set(fail, HM_E_SYSTEM, "cannot set up TLS in the chamber's internet: OpenSSL refuses");
	}
	hm_internet_authority_new(&tls->authority, secret, time(NULL));
	SSL_CTX_set_options(tls->ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_num_tickets(tls->ctx, 0);
	SSL_CTX_set_session_cache_mode(tls->ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(tls->ctx, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_cert_cb(tls->ctx, on_certificate, tls);
	SSL_CTX_set_alpn_select_cb(tls->ctx, on_alpn, NULL);
	SSL_CTX_set_keylog_callback(tls->ctx, on_key);
	*ret = tls;
	return 0;
}

void hm_internet_tls_close(struct tls *tls)
{
	if (!tls)
		return;
	SSL_CTX_free(tls->ctx);
	hm_internet_authority_free(tls->authority);
	hm_bytes_release(&tls->keys);
	free(tls);
}

struct bufferevent *hm_internet_tls_accept(struct tls *tls, struct event_base *base, int fd, const uint8_t address[4])
{
	struct handshake *h = hm_alloc(1, sizeof(*h));
	SSL *ssl = SSL_new(tls->ctx);
	struct bufferevent *stream;

	if (!ssl)
		abort();
	h->tls = tls;
	memcpy(h->address, address, 4);
	SSL_set_app_data(ssl, h);
	stream = bufferevent_openssl_socket_new(base, fd, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
	if (!stream)
		abort();
	return stream;
}

static bool from_peer(struct bufferevent *stream)
{
	unsigned long error = bufferevent_get_openssl_error(stream);

	return !error || ERR_GET_REASON(error) >= ALERTS;
}

void hm_internet_tls_tell(struct bufferevent *stream, short what)
{
	struct handshake *h = handshake_of(bufferevent_openssl_get_ssl(stream));
	struct hm_internet_tls_stats *stats = &h->tls->stats;

	if (h->told)
		return;
	h->told = true;
	if (what & BEV_EVENT_CONNECTED)
		stats->accepted++;
	else if (h->offered && from_peer(stream))
		stats->refused++;
	else
		stats->failed++;
}

void hm_internet_tls_shutdown(struct bufferevent *stream)
{
	SSL *ssl = bufferevent_openssl_get_ssl(stream);

	if (SSL_is_init_finished(ssl) && !(SSL_get_shutdown(ssl) & SSL_SENT_SHUTDOWN))
		(void)!SSL_shutdown(ssl);
	ERR_clear_error();
}

void hm_internet_tls_free(struct bufferevent *stream)
{
	struct handshake *h = handshake_of(bufferevent_openssl_get_ssl(stream));

	hm_internet_tls_tell(stream, 0);
	hm_internet_tls_shutdown(stream);
	bufferevent_free(stream);
	free(h);
}

struct hm_slice hm_internet_tls_keys(const struct tls *tls)
{
	return hm_slice_of(&tls->keys);
}

struct hm_internet_tls_stats hm_internet_tls_stats(const struct tls *tls)
{
	return tls->stats;
}
