#pragma once
/* TLS connections between two ends of libssl, in memory, as a packet file with the key log: what the chamber's internet would have captured. */
#include <stdio.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "../unit/flow/frames.h"

struct talk {
	const char *name;
	int version;
	const char *suite;	/* as OpenSSL names it */
	bool mac_first;		/* no encrypt-then-MAC */
	const char *groups;	/* of the server, where the client has to try again */
	bool certificate;	/* the client has one, and sends it */
	bool update;		/* keys are changed in the middle */
	bool early, refused;	/* a second connection sends early data; the server does not take it */
	bool padded;		/* records are filled up to 512 bytes */
	bool quiet;		/* nothing is said */
	bool prelude;		/* a proxy is asked in the clear before */
	bool distrusts;		/* the client does not take the certificate */
};

static const struct talk talks[] = {
	{ .name = "gcm-128", .version = TLS1_3_VERSION, .suite = "TLS_AES_128_GCM_SHA256" },
	{ .name = "gcm-256", .version = TLS1_3_VERSION, .suite = "TLS_AES_256_GCM_SHA384" },
	{ .name = "chacha", .version = TLS1_3_VERSION, .suite = "TLS_CHACHA20_POLY1305_SHA256" },
	{ .name = "ccm", .version = TLS1_3_VERSION, .suite = "TLS_AES_128_CCM_SHA256" },
	{ .name = "ccm-8", .version = TLS1_3_VERSION, .suite = "TLS_AES_128_CCM_8_SHA256" },
	{ .name = "try-again", .version = TLS1_3_VERSION, .suite = "TLS_AES_128_GCM_SHA256", .groups = "X448" },
	{ .name = "certificate", .version = TLS1_3_VERSION, .suite = "TLS_AES_256_GCM_SHA384", .certificate = true },
	{ .name = "update", .version = TLS1_3_VERSION, .suite = "TLS_AES_256_GCM_SHA384", .update = true },
	{ .name = "padded", .version = TLS1_3_VERSION, .suite = "TLS_CHACHA20_POLY1305_SHA256", .padded = true },
	{ .name = "early", .version = TLS1_3_VERSION, .suite = "TLS_AES_128_GCM_SHA256", .early = true },
	{ .name = "early-chacha", .version = TLS1_3_VERSION, .suite = "TLS_CHACHA20_POLY1305_SHA256", .early = true },
	{ .name = "early-refused", .version = TLS1_3_VERSION, .suite = "TLS_AES_128_GCM_SHA256", .early = true, .refused = true },
	{ .name = "prelude", .version = TLS1_3_VERSION, .suite = "TLS_AES_128_GCM_SHA256", .prelude = true },
	{ .name = "12-prelude", .version = TLS1_2_VERSION, .suite = "ECDHE-RSA-AES128-GCM-SHA256", .prelude = true },
	{ .name = "distrusts", .version = TLS1_3_VERSION, .suite = "TLS_AES_128_GCM_SHA256", .distrusts = true },
	{ .name = "12-distrusts", .version = TLS1_2_VERSION, .suite = "ECDHE-RSA-AES128-GCM-SHA256", .distrusts = true },
	{ .name = "quiet", .version = TLS1_3_VERSION, .suite = "TLS_AES_128_GCM_SHA256", .quiet = true },
	{ .name = "12-quiet", .version = TLS1_2_VERSION, .suite = "AES128-GCM-SHA256", .quiet = true },
	{ .name = "12-certificate", .version = TLS1_2_VERSION, .suite = "ECDHE-ECDSA-AES128-GCM-SHA256", .certificate = true },
	{ .name = "12-9c", .version = TLS1_2_VERSION, .suite = "AES128-GCM-SHA256" },
	{ .name = "12-9d", .version = TLS1_2_VERSION, .suite = "AES256-GCM-SHA384" },
	{ .name = "12-9e", .version = TLS1_2_VERSION, .suite = "DHE-RSA-AES128-GCM-SHA256" },
	{ .name = "12-9f", .version = TLS1_2_VERSION, .suite = "DHE-RSA-AES256-GCM-SHA384" },
	{ .name = "12-c02b", .version = TLS1_2_VERSION, .suite = "ECDHE-ECDSA-AES128-GCM-SHA256" },
	{ .name = "12-c02c", .version = TLS1_2_VERSION, .suite = "ECDHE-ECDSA-AES256-GCM-SHA384" },
	{ .name = "12-c02f", .version = TLS1_2_VERSION, .suite = "ECDHE-RSA-AES128-GCM-SHA256" },
	{ .name = "12-c030", .version = TLS1_2_VERSION, .suite = "ECDHE-RSA-AES256-GCM-SHA384" },
	{ .name = "12-cca8", .version = TLS1_2_VERSION, .suite = "ECDHE-RSA-CHACHA20-POLY1305" },
	{ .name = "12-cca9", .version = TLS1_2_VERSION, .suite = "ECDHE-ECDSA-CHACHA20-POLY1305" },
	{ .name = "12-ccaa", .version = TLS1_2_VERSION, .suite = "DHE-RSA-CHACHA20-POLY1305" },
	{ .name = "12-c09c", .version = TLS1_2_VERSION, .suite = "AES128-CCM" },
	{ .name = "12-c09d", .version = TLS1_2_VERSION, .suite = "AES256-CCM" },
	{ .name = "12-c09e", .version = TLS1_2_VERSION, .suite = "DHE-RSA-AES128-CCM" },
	{ .name = "12-c09f", .version = TLS1_2_VERSION, .suite = "DHE-RSA-AES256-CCM" },
	{ .name = "12-c0a0", .version = TLS1_2_VERSION, .suite = "AES128-CCM8" },
	{ .name = "12-c0a1", .version = TLS1_2_VERSION, .suite = "AES256-CCM8" },
	{ .name = "12-c0a2", .version = TLS1_2_VERSION, .suite = "DHE-RSA-AES128-CCM8" },
	{ .name = "12-c0a3", .version = TLS1_2_VERSION, .suite = "DHE-RSA-AES256-CCM8" },
	{ .name = "12-c0ac", .version = TLS1_2_VERSION, .suite = "ECDHE-ECDSA-AES128-CCM" },
	{ .name = "12-c0ad", .version = TLS1_2_VERSION, .suite = "ECDHE-ECDSA-AES256-CCM" },
	{ .name = "12-c0ae", .version = TLS1_2_VERSION, .suite = "ECDHE-ECDSA-AES128-CCM8" },
	{ .name = "12-c0af", .version = TLS1_2_VERSION, .suite = "ECDHE-ECDSA-AES256-CCM8" },
	{ .name = "12-2f", .version = TLS1_2_VERSION, .suite = "AES128-SHA" },
	{ .name = "12-2f-mac-first", .version = TLS1_2_VERSION, .suite = "AES128-SHA", .mac_first = true },
	{ .name = "12-33", .version = TLS1_2_VERSION, .suite = "DHE-RSA-AES128-SHA" },
	{ .name = "12-35", .version = TLS1_2_VERSION, .suite = "AES256-SHA" },
	{ .name = "12-39", .version = TLS1_2_VERSION, .suite = "DHE-RSA-AES256-SHA", .mac_first = true },
	{ .name = "12-3c", .version = TLS1_2_VERSION, .suite = "AES128-SHA256" },
	{ .name = "12-3c-mac-first", .version = TLS1_2_VERSION, .suite = "AES128-SHA256", .mac_first = true },
	{ .name = "12-3d", .version = TLS1_2_VERSION, .suite = "AES256-SHA256" },
	{ .name = "12-67", .version = TLS1_2_VERSION, .suite = "DHE-RSA-AES128-SHA256" },
	{ .name = "12-6b", .version = TLS1_2_VERSION, .suite = "DHE-RSA-AES256-SHA256" },
	{ .name = "12-c009", .version = TLS1_2_VERSION, .suite = "ECDHE-ECDSA-AES128-SHA" },
	{ .name = "12-c00a", .version = TLS1_2_VERSION, .suite = "ECDHE-ECDSA-AES256-SHA" },
	{ .name = "12-c013", .version = TLS1_2_VERSION, .suite = "ECDHE-RSA-AES128-SHA" },
	{ .name = "12-c014", .version = TLS1_2_VERSION, .suite = "ECDHE-RSA-AES256-SHA" },
	{ .name = "12-c023", .version = TLS1_2_VERSION, .suite = "ECDHE-ECDSA-AES128-SHA256" },
	{ .name = "12-c024", .version = TLS1_2_VERSION, .suite = "ECDHE-ECDSA-AES256-SHA384", .mac_first = true },
	{ .name = "12-c027", .version = TLS1_2_VERSION, .suite = "ECDHE-RSA-AES128-SHA256", .mac_first = true },
	{ .name = "12-c028", .version = TLS1_2_VERSION, .suite = "ECDHE-RSA-AES256-SHA384" },
};

static const uint8_t talk_server[4] = { 198, 18, 9, 9 };
#define TALK_PRELUDE "CONNECT server.example:443 HTTP/1.1\r\nHost: server.example\r\n\r\n"
enum { TALK_LONG = 40000, TALK_PORT = 443, TALK_SEGMENT = 1400 };

/* What came of it. */
struct talked {
	struct hm_bytes keylog, packets; /* lines; packet blocks */
	struct hm_bytes said;		 /* by the client, in all connections */
	uint32_t seq[2];
	uint16_t port; /* of the client; 0: 40000 */
	size_t left, wire; /* packets of the client, and their bytes from the IP header on */
	bool failed;
};

static inline void talk_release(struct talked *t)
{
	hm_bytes_release(&t->keylog);
	hm_bytes_release(&t->packets);
	hm_bytes_release(&t->said);
}

static inline void talk_key(const SSL *ssl, const char *line)
{
	struct talked *t = SSL_get_app_data(ssl);

	hm_bytes_text(&t->keylog, line);
	hm_bytes_u8(&t->keylog, '\n');
}

static inline EVP_PKEY *talk_make_key(bool rsa)
{
	static EVP_PKEY *keys[2];

	if (!keys[rsa])
		keys[rsa] = rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
	return keys[rsa];
}

static inline void talk_certificate(SSL_CTX *ctx, bool rsa, const char *name)
{
	EVP_PKEY *key = talk_make_key(rsa);
	X509 *x = X509_new();

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	X509_set_pubkey(x, key);
	X509_sign(x, key, EVP_sha256());
	SSL_CTX_use_certificate(ctx, x);
	SSL_CTX_use_PrivateKey(ctx, key);
	X509_free(x);
}

static inline int talk_none(int ok HM_UNUSED, X509_STORE_CTX *ctx HM_UNUSED)
{
	return 0;
}

static inline int talk_any(int ok HM_UNUSED, X509_STORE_CTX *ctx HM_UNUSED)
{
	return 1;
}

static inline SSL_CTX *talk_context(const struct talk *talk, bool server)
{
	SSL_CTX *ctx = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());

	SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_min_proto_version(ctx, talk->version);
	SSL_CTX_set_max_proto_version(ctx, talk->version);
	SSL_CTX_set_verify(ctx, server && !talk->certificate ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, !server && talk->distrusts ? talk_none : talk_any);
	if (talk->version == TLS1_3_VERSION)
		SSL_CTX_set_ciphersuites(ctx, talk->suite);
	else
		SSL_CTX_set_cipher_list(ctx, talk->suite);
	if (server || talk->certificate)
		talk_certificate(ctx, server && !strstr(talk->suite, "ECDSA"), server ? "server.example" : "client-7f3a91c2e4d0b865.example");
	if (server) {
		SSL_CTX_set_dh_auto(ctx, 1);
		SSL_CTX_set_keylog_callback(ctx, talk_key);
		SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"t", 1);
		SSL_CTX_set_options(ctx, SSL_OP_NO_ANTI_REPLAY);
		SSL_CTX_set_max_early_data(ctx, talk->early ? 16384 : 0);
		if (talk->groups)
			SSL_CTX_set1_groups_list(ctx, talk->groups);
	} else {
		SSL_CTX_set1_groups_list(ctx, "X25519:X448:P-256");
		if (talk->padded)
			SSL_CTX_set_block_padding(ctx, 512);
	}
	if (talk->mac_first)
		SSL_CTX_set_options(ctx, SSL_OP_NO_ENCRYPT_THEN_MAC);
	return ctx;
}

static inline void talk_packet(struct talked *t, bool answer, uint8_t flags, struct hm_slice bytes)
{
	struct frames_packet p = { .dst = talk_server, .proto = IPPROTO_TCP, .src_port = t->port ? t->port : 40000,
				  .dst_port = TALK_PORT, .flags = flags };

	if (answer) {
		p.src = talk_server;
		p.dst = frames_chamber;
		p.dst_port = p.src_port;
		p.src_port = TALK_PORT;
	}
	p.seq = t->seq[answer];
	p.payload = bytes;
	t->left += !answer;
	t->wire += answer ? 0 : 40 + bytes.len;
	t->seq[answer] += (uint32_t)bytes.len + !!(flags & (HM_TCP_SYN | HM_TCP_FIN));
	frames_add(&t->packets, p);
}

/* Carries what one end has written to the other. True when there was something. */
static inline bool talk_carry(struct talked *t, SSL *from, SSL *to, bool answer)
{
	uint8_t buffer[TALK_SEGMENT];
	bool any = false;
	int n;

	while ((n = BIO_read(SSL_get_wbio(from), buffer, sizeof(buffer))) > 0) {
		talk_packet(t, answer, HM_TCP_ACK, (struct hm_slice){ buffer, (size_t)n });
		BIO_write(SSL_get_rbio(to), buffer, n);
		any = true;
	}
	return any;
}

static inline void talk_say(struct talked *t, SSL *client, const void *bytes, size_t len, bool early)
{
	size_t written;

	if (early ? SSL_write_early_data(client, bytes, len, &written) != 1 : SSL_write(client, bytes, (int)len) != (int)len)
		t->failed = true;
	hm_bytes_append(&t->said, bytes, len);
}

static inline void talk_shake(struct talked *t, SSL *client, SSL *server, bool early)
{
	for (int i = 0; i < 20 && !(SSL_is_init_finished(client) && SSL_is_init_finished(server)); i++) {
		char taken[4096];
		size_t n;

		if (i || !early) /* early data stands behind the first hello */
			SSL_do_handshake(client);
		talk_carry(t, client, server, false);
		if (!early || SSL_read_early_data(server, taken, sizeof(taken), &n) == SSL_READ_EARLY_DATA_FINISH)
			SSL_do_handshake(server);
		talk_carry(t, server, client, true);
	}
	t->failed |= !SSL_is_init_finished(server);
}

static inline void talk_listen(struct talked *t, SSL *client, SSL *server)
{
	char taken[4096];

	while (talk_carry(t, client, server, false) || talk_carry(t, server, client, true)) {
		while (SSL_read(server, taken, sizeof(taken)) > 0)
			;
		while (SSL_read(client, taken, sizeof(taken)) > 0)
			;
	}
}

static inline void talk_speak(const struct talk *talk, struct talked *t, SSL *client, SSL *server)
{
	static const char request[] = "POST /report HTTP/1.1\r\nHost: server.example\r\nContent-Length: 40000\r\n\r\n";
	static char body[TALK_LONG];

	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = (char)('a' + i % 23);
	talk_say(t, client, request, strlen(request), false);
	talk_say(t, client, body, sizeof(body) / 2, false);
	if (talk->update)
		t->failed |= SSL_key_update(client, SSL_KEY_UPDATE_REQUESTED) != 1;
	talk_say(t, client, body + sizeof(body) / 2, sizeof(body) / 2, false);
	if (talk->update)
		t->failed |= SSL_key_update(client, SSL_KEY_UPDATE_NOT_REQUESTED) != 1;
	talk_listen(t, client, server);
	talk_say(t, client, "GET / HTTP/1.1\r\n\r\n", 18, false);
}

/* One connection; `session` is resumed where there is one, and left for the next. */
static inline void talk_connect(const struct talk *talk, struct talked *t, SSL_CTX *contexts[2], SSL_SESSION **session)
{
	SSL *client = SSL_new(contexts[0]), *server = SSL_new(contexts[1]);
	bool early = *session != NULL;

	t->seq[0] = t->seq[1] = (uint32_t)(1000 + 100000 * early);
	SSL_set_bio(client, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	SSL_set_bio(server, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	SSL_set_app_data(server, t);
	SSL_set_connect_state(client);
	SSL_set_accept_state(server);
	SSL_set_tlsext_host_name(client, "server.example");
	talk_packet(t, false, HM_TCP_SYN, (struct hm_slice){ NULL, 0 });
	talk_packet(t, true, HM_TCP_SYN | HM_TCP_ACK, (struct hm_slice){ NULL, 0 });
	if (talk->prelude) {
		talk_packet(t, false, HM_TCP_ACK, hm_slice_text(TALK_PRELUDE));
		talk_packet(t, true, HM_TCP_ACK, hm_slice_text("HTTP/1.1 200 Connection established\r\n\r\n"));
	}
	if (early) {
		SSL_set_session(client, *session);
		talk_say(t, client, "GET /early HTTP/1.1\r\n\r\n", 23, true);
	}
	talk_shake(t, client, server, early && !talk->refused);
	t->failed ^= talk->distrusts; /* it has to */
	if (!talk->quiet && !talk->distrusts)
		talk_speak(talk, t, client, server);
	talk_listen(t, client, server);
	SSL_SESSION_free(*session);
	*session = talk->early && !early ? SSL_get1_session(client) : NULL;
	SSL_shutdown(client);
	talk_carry(t, client, server, false);
	talk_packet(t, false, HM_TCP_FIN | HM_TCP_ACK, (struct hm_slice){ NULL, 0 });
	SSL_free(client);
	SSL_free(server);
}

static inline void talk_do(const struct talk *talk, struct talked *t)
{
	SSL_CTX *contexts[2] = { talk_context(talk, false), talk_context(talk, true) };
	SSL_SESSION *session = NULL;

	talk_connect(talk, t, contexts, &session);
	if (talk->early) {
		if (talk->refused) { /* a server that knows nothing of the first */
			SSL_CTX_free(contexts[1]);
			contexts[1] = talk_context(talk, true);
			SSL_CTX_set_max_early_data(contexts[1], 0);
			SSL_CTX_set_recv_max_early_data(contexts[1], 16384);
		}
		talk_connect(talk, t, contexts, &session);
	}
	SSL_SESSION_free(session);
	SSL_CTX_free(contexts[0]);
	SSL_CTX_free(contexts[1]);
	if (t->failed)
		fprintf(stderr, "%s: the connection failed\n", talk->name);
}

/* The packet file, without the lines of the key log that begin with `leave` (NULL: with all). */
static inline void talk_file(struct hm_bytes *file, const struct talked *t, const char *leave)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes lines = { 0 };
	const char *at = (const char *)t->keylog.data, *end = at + t->keylog.len;

	while (at < end) {
		const char *next = (const char *)memchr(at, '\n', (size_t)(end - at)) + 1;

		if (!leave || strncmp(at, leave, strlen(leave)) != 0)
			hm_bytes_append(&lines, at, (size_t)(next - at));
		at = next;
	}
	hm_pcapng_start(file, 0);
	if (lines.len)
		hm_pcapng_secrets(file, hm_slice_of(&lines));
	hm_bytes_slice(file, hm_slice_of(&t->packets));
}
