/* TLS 1.2 and 1.3 on the internet's side: each handshake gets a certificate for the name that it asked for, or for the
 * address that it called, and its keys are kept so that the packets can be read afterwards. No tickets, no resumption:
 * every connection shows the whole handshake.
 *
 * OpenSSL never sees a socket: bytes go in and come out as buffers, so all that it does for a connection it does within one of
 * our calls, and draws from that connection's stream (draws.c). The stream begins anew with each ClientHello, by its bytes:
 * who says the same hears the same, in whichever order connections come. */
#include "tls_internal.h"

#include <event2/buffer.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

enum {
	KEYS_MAX = 16 << 20,
	LINE_MAX_LEN = 1024,
	ALERTS = 1000, /* SSL_AD_REASON_OFFSET: what the peer sent */
	AT_ONCE = SSL3_RT_MAX_PLAIN_LENGTH,
};

struct tls {
	SSL_CTX *ctx;
	struct authority *authority;
	enum hm_internet_wrong wrong;
	uint8_t noise[HM_INTERNET_SECRET];
	struct hm_bytes keys;
	struct hm_internet_tls_stats stats;
};

struct tls_stream {
	struct tls *tls;
	SSL *ssl;
	BIO *in, *out; /* memory; the SSL's */
	struct draws draws;
	uint8_t address[4];
	uint16_t port;
	bool offered; /* it has been given a certificate */
	bool broken, accepted;
	unsigned long error; /* what broke it */
};

static struct tls_stream *stream_of(const SSL *ssl)
{
	return SSL_get_app_data(ssl);
}

static void on_key(const SSL *ssl, const char *line)
{
	struct tls *tls = stream_of(ssl)->tls;
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
	struct tls_stream *t = stream_of(ssl);
	struct tls *tls = user;
	HM_FREE char *name = name_of(ssl);
	X509 *leaf = hm_internet_authority_mint(tls->authority, name, t->address, tls->wrong);
	int good = SSL_use_certificate(ssl, leaf) && SSL_use_PrivateKey(ssl, hm_internet_authority_leaf(tls->authority));

	X509_free(leaf);
	t->offered = true;
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

/* A whole message, before it is looked at. */
static void on_message(int sent, int version HM_UNUSED, int type, const void *bytes, size_t len, SSL *ssl, void *user HM_UNUSED)
{
	struct tls_stream *t = stream_of(ssl);

	if (!sent && type == SSL3_RT_HANDSHAKE && len && *(const uint8_t *)bytes == SSL3_MT_CLIENT_HELLO)
		hm_internet_draws_begin(&t->draws, t->tls->noise, t->address, t->port, (struct hm_slice){ bytes, len });
}

int hm_internet_tls_open(struct tls **ret, const struct tls_spec *spec, struct hm_fail *fail)
{
	struct hm_sha256 stranger;
	struct tls *tls;

	if (hm_internet_draws_open(fail) < 0)
		return fail->code;
	tls = hm_alloc(1, sizeof(*tls));
	memcpy(tls->noise, spec->noise, sizeof(tls->noise));
	tls->ctx = SSL_CTX_new(TLS_server_method());
	if (!tls->ctx || !SSL_CTX_set_min_proto_version(tls->ctx, TLS1_2_VERSION) ||
	    !SSL_CTX_set_cipher_list(tls->ctx, "ALL:!aNULL:@SECLEVEL=0")) {
		hm_internet_tls_close(tls);
		return hm_fail_set(fail, HM_E_SYSTEM, "cannot set up TLS in the chamber's internet: OpenSSL refuses");
	}
	/* A stranger has the same name and another key. */
	hm_derive(&stranger, spec->secret, "internet/stranger");
	tls->wrong = spec->wrong;
	hm_internet_authority_new(&tls->authority, spec->wrong == HM_INTERNET_STRANGER ? stranger.b : spec->secret, spec->now);
	SSL_CTX_set_options(tls->ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_num_tickets(tls->ctx, 0);
	SSL_CTX_set_session_cache_mode(tls->ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(tls->ctx, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_cert_cb(tls->ctx, on_certificate, tls);
	SSL_CTX_set_alpn_select_cb(tls->ctx, on_alpn, NULL);
	SSL_CTX_set_keylog_callback(tls->ctx, on_key);
	SSL_CTX_set_msg_callback(tls->ctx, on_message);
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

struct tls_stream *hm_internet_tls_accept(struct tls *tls, const uint8_t address[4], uint16_t port)
{
	struct tls_stream *t = hm_alloc(1, sizeof(*t));

	t->tls = tls;
	t->port = port;
	memcpy(t->address, address, sizeof(t->address));
	t->ssl = SSL_new(tls->ctx);
	t->in = BIO_new(BIO_s_mem());
	t->out = BIO_new(BIO_s_mem());
	if (!t->ssl || !t->in || !t->out)
		abort();
	SSL_set_bio(t->ssl, t->in, t->out);
	SSL_set_app_data(t->ssl, t);
	SSL_set_accept_state(t->ssl);
	hm_internet_draws_begin(&t->draws, tls->noise, address, port, (struct hm_slice){ 0 });
	return t;
}

static void enter(struct tls_stream *t)
{
	ERR_clear_error();
	hm_internet_draws_from(&t->draws);
}

/* After a call that returned `r`: what OpenSSL wants to send goes on. */
static void leave(struct tls_stream *t, int r, struct evbuffer *out)
{
	int why = r > 0 ? SSL_ERROR_NONE : SSL_get_error(t->ssl, r);
	char *bytes;
	long len;

	hm_internet_draws_from(NULL);
	if (why == SSL_ERROR_SSL || why == SSL_ERROR_SYSCALL) {
		t->broken = true;
		t->error = ERR_peek_last_error();
	}
	ERR_clear_error();
	len = BIO_get_mem_data(t->out, &bytes);
	if (len > 0)
		evbuffer_add(out, bytes, (size_t)len);
	(void)!BIO_reset(t->out);
}

static void shake_hands(struct tls_stream *t, struct evbuffer *out)
{
	int r;

	enter(t);
	r = SSL_do_handshake(t->ssl);
	leave(t, r, out);
	if (r == 1) {
		t->accepted = true;
		t->tls->stats.accepted++;
	}
}

static void read_all(struct tls_stream *t, struct evbuffer *clear, struct evbuffer *out)
{
	static uint8_t buffer[AT_ONCE]; /* one process, one thread */
	int n;

	do {
		enter(t);
		n = SSL_read(t->ssl, buffer, sizeof(buffer));
		leave(t, n, out);
		if (n > 0)
			evbuffer_add(clear, buffer, (size_t)n);
	} while (n > 0);
}

enum tls_state hm_internet_tls_take(struct tls_stream *t, struct evbuffer *in, struct evbuffer *clear, struct evbuffer *out)
{
	int len = (int)evbuffer_get_length(in);

	if (len > 0 && BIO_write(t->in, evbuffer_pullup(in, len), len) != len)
		abort();
	evbuffer_drain(in, (size_t)len);
	if (!t->accepted && !t->broken)
		shake_hands(t, out);
	if (t->accepted && !t->broken)
		read_all(t, clear, out);
	if (t->broken)
		return TLS_BROKEN;
	if (!t->accepted)
		return TLS_SHAKING;
	return SSL_get_shutdown(t->ssl) & SSL_RECEIVED_SHUTDOWN ? TLS_ENDED : TLS_OPEN;
}

void hm_internet_tls_give(struct tls_stream *t, struct evbuffer *clear, struct evbuffer *out, size_t max)
{
	size_t len;

	while (max > 0 && !t->broken && (len = evbuffer_get_length(clear)) > 0) {
		int n = (int)(len < AT_ONCE ? len : AT_ONCE), r;

		n = (size_t)n < max ? n : (int)max;
		enter(t);
		r = SSL_write(t->ssl, evbuffer_pullup(clear, n), n);
		leave(t, r, out);
		if (r <= 0)
			return;
		evbuffer_drain(clear, (size_t)r);
		max -= (size_t)r;
	}
}

void hm_internet_tls_end(struct tls_stream *t, struct evbuffer *out)
{
	if (!t->accepted || t->broken || SSL_get_shutdown(t->ssl) & SSL_SENT_SHUTDOWN)
		return;
	enter(t);
	leave(t, SSL_shutdown(t->ssl) < 0 ? -1 : 1, out);
}

void hm_internet_tls_free(struct tls_stream *t)
{
	if (!t)
		return;
	if (!t->accepted && t->offered && (!t->error || ERR_GET_REASON(t->error) >= ALERTS))
		t->tls->stats.refused++;
	else if (!t->accepted)
		t->tls->stats.failed++;
	SSL_free(t->ssl);
	free(t);
}

struct hm_slice hm_internet_tls_keys(const struct tls *tls)
{
	return hm_slice_of(&tls->keys);
}

struct hm_internet_tls_stats hm_internet_tls_stats(const struct tls *tls)
{
	return tls->stats;
}
