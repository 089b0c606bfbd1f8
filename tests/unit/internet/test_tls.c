/* TLS in the chamber's internet: handshakes that end well, that are refused, and that are none. Needs root. */
#include "stage.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

struct client {
	const char *name; /* SNI and the name that is checked; NULL: the address is */
	struct sockaddr_in to;
	int version;	/* 0: whatever both have */
	bool untrusting; /* knows no authority */
	const char *request;
};

struct answer {
	char text[4096];
	size_t len;
	bool shaken, ended; /* handshake done; close_notify came */
	uint8_t leaf[32];   /* digest of the certificate */
};

static SSL_CTX *context_of(const struct client *c)
{
	HM_CLEANUP(hm_internet_authority_release) struct hm_internet_authority authority;
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	const uint8_t *at;
	X509 *root;

	hm_internet_authority(&authority, secret, time(NULL));
	at = authority.der.data;
	root = d2i_X509(NULL, &at, (long)authority.der.len);
	if (!c->untrusting)
		X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), root);
	X509_free(root);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	if (c->version) {
		SSL_CTX_set_min_proto_version(ctx, c->version);
		SSL_CTX_set_max_proto_version(ctx, c->version);
	}
	return ctx;
}

static void exchange(SSL *ssl, const struct client *c, struct answer *a)
{
	X509 *leaf;
	unsigned len = sizeof(a->leaf);
	int n;

	a->shaken = SSL_connect(ssl) == 1;
	if (!a->shaken)
		return;
	leaf = SSL_get1_peer_certificate(ssl);
	X509_digest(leaf, EVP_sha256(), a->leaf, &len);
	X509_free(leaf);
	if (c->request)
		SSL_write(ssl, c->request, (int)strlen(c->request));
	while (a->len < sizeof(a->text) - 1 && (n = SSL_read(ssl, a->text + a->len, (int)(sizeof(a->text) - 1 - a->len))) > 0)
		a->len += (size_t)n;
	a->ended = SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN;
}

static struct answer fetch(struct client c)
{
	HM_CLOSE int fd = connected(SOCK_STREAM, c.to);
	SSL_CTX *ctx = context_of(&c);
	SSL *ssl = SSL_new(ctx);
	struct answer a = { 0 };
	char address[16];

	SSL_set_fd(ssl, fd);
	if (c.name) {
		SSL_set_tlsext_host_name(ssl, c.name);
		SSL_set1_host(ssl, c.name);
	} else {
		inet_ntop(AF_INET, &c.to.sin_addr, address, sizeof(address));
		X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), address);
	}
	if (fd >= 0)
		exchange(ssl, &c, &a);
	ERR_clear_error();
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	return a;
}

/* A question for an address, inside TLS. */
static int names_are_told(void)
{
	static const char question[] = "\0\x1b\x12\x34\1\0\0\1\0\0\0\0\0\0\1a\7example\0\0\1\0\1";
	struct client c = { .name = "dns.example", .to = at("1.1.1.1", 853) };
	HM_CLOSE int fd = connected(SOCK_STREAM, c.to);
	SSL_CTX *ctx = context_of(&c);
	SSL *ssl = SSL_new(ctx);
	uint8_t answer[200], address[4];
	int n = 0;

	hm_dns_address_of(address, "a.example");
	SSL_set_fd(ssl, fd);
	CHECK(SSL_connect(ssl) == 1 && SSL_write(ssl, question, sizeof(question) - 1) == sizeof(question) - 1);
	n = SSL_read(ssl, answer, sizeof(answer));
	CHECK(n > 6 && answer[0] == 0 && answer[1] == n - 2 && memcmp(answer + 2, "\x12\x34", 2) == 0 && memcmp(answer + n - 4, address, 4) == 0);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	return 0;
}

#define REQUEST "GET /text HTTP/1.1\r\nHost: a.example\r\n\r\n"

static int names_and_addresses_are_served(void)
{
	struct client c = { .name = "a.example", .to = at_name("a.example", 443), .request = REQUEST };
	struct answer a = fetch(c), b;

	CHECK(a.shaken && a.ended && strncmp(a.text, "HTTP/1.1 200 OK\r\n", 17) == 0 && strstr(a.text, "\r\n\r\nbody 1"));
	c.version = TLS1_2_VERSION;
	c.name = "A.Example";
	c.to = at("8.8.8.8", 8443);
	b = fetch(c);
	CHECK(b.shaken && b.ended && b.len == a.len && memcmp(a.leaf, b.leaf, sizeof(a.leaf)) == 0);
	c.name = NULL;
	c.version = TLS1_3_VERSION;
	b = fetch(c);
	CHECK(b.shaken && b.ended && b.len == a.len && memcmp(a.leaf, b.leaf, sizeof(a.leaf)) != 0);
	/* No rule: what is sent is read, and the end is told. */
	c.name = "a-name-of-more-than-64-characters.that-no-common-name-can-hold.nobody.example";
	c.request = "EHLO\r\n";
	b = fetch(c);
	CHECK(b.shaken && b.ended && b.len == 0);
	/* The server is to speak first. */
	c.request = NULL;
	b = fetch(c);
	CHECK(b.shaken && b.ended && b.len == 0);
	return 0;
}

/* A name that can be no host name gets the address's certificate. */
static int strange_names_are_served(void)
{
	static const char *const names[] = { "a b", "*.example", "4.3.2.1", "x\"y", "\xc3\xa4" };

	for (size_t i = 0; i < HM_COUNT(names); i++) {
		struct client c = { .name = names[i], .to = at("1.2.3.4", 443) };

		CHECK(!fetch(c).shaken);
	}
	return 0;
}

static int big_files_come_whole(void)
{
	struct client c = { .name = "a.example", .to = at_name("a.example", 443),
			    .request = "GET /big HTTP/1.1\r\nHost: a.example\r\n\r\n" };
	HM_CLOSE int fd = connected(SOCK_STREAM, c.to);
	SSL_CTX *ctx = context_of(&c);
	SSL *ssl = SSL_new(ctx);
	static char buffer[65536];
	size_t len = 0;
	int n;

	SSL_set_fd(ssl, fd);
	CHECK(SSL_connect(ssl) == 1 && SSL_write(ssl, c.request, (int)strlen(c.request)) > 0);
	while ((n = SSL_read(ssl, buffer, sizeof(buffer))) > 0)
		len += (size_t)n;
	CHECK(len > BIG && len < BIG + 300 && SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	return 0;
}

static int fetched(void)
{
	return names_and_addresses_are_served() || big_files_come_whole() || names_are_told();
}

static bool tshark_finds(const char *path, const char *what, const char *wanted)
{
	HM_FREE char *command = hm_sprintf("tshark -N n -r %s %s 2>/dev/null", path, what);
	char line[2000];
	FILE *f = popen(command, "r");
	bool found = false;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		found |= strstr(line, wanted) != NULL;
	return pclose(f) == 0 && found;
}

static void handshakes_are_answered(void **state)
{
	struct stage *s = *state;
	HM_CLEANUP(hm_internet_cleanup) struct hm_internet *net = NULL;
	struct hm_internet_stats stats;

	need_root();
	chamber_start(s, fetched);
	net = open_net(s, HM_INTERNET_SIMULATED);
	assert_int_equal(chamber_run(s), 0);
	assert_int_equal(hm_internet_stop(net, &stats, NULL), 0);
	assert_int_equal(stats.tls.accepted, 7);
	assert_int_equal(stats.tls.refused + stats.tls.failed + stats.tls.keys_lost, 0);
	if (!have_tshark())
		return;
	/* Of both versions: requests and answers in the clear, by the keys in the file alone. */
	assert_true(tshark_finds(s->packets, "-Y 'tls.record.version && http.request' -T fields -e http.host", "a.example"));
	assert_true(tshark_finds(s->packets, "-Y 'tls && http.response' -T fields -e http.file_data", "body 1"));
	assert_true(tshark_finds(s->packets, "-Y 'http.request && tcp.dstport == 8443' -T fields -e http.request.uri -e tls.handshake.version",
				 "/text"));
}

static int refused_everywhere(void)
{
	struct client c = { .name = "a.example", .to = at("8.8.8.8", 443), .untrusting = true, .request = REQUEST };

	CHECK(!fetch(c).shaken);
	c.version = TLS1_2_VERSION;
	CHECK(!fetch(c).shaken);
	return strange_names_are_served();
}

static void refusal_is_counted(void **state)
{
	struct stage *s = *state;
	HM_CLEANUP(hm_internet_cleanup) struct hm_internet *net = NULL;
	struct hm_internet_stats stats;

	need_root();
	chamber_start(s, refused_everywhere);
	net = open_net(s, HM_INTERNET_SIMULATED);
	assert_int_equal(chamber_run(s), 0);
	assert_int_equal(hm_internet_stop(net, &stats, NULL), 0);
	assert_int_equal(stats.tls.accepted, 0);
	assert_int_equal(stats.tls.refused, 2 + 5);
	assert_int_equal(stats.tls.failed, 0);
}

/* A ClientHello as OpenSSL writes it. */
static size_t hello(char *out, size_t size)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(ctx);
	BIO *in = BIO_new(BIO_s_mem()), *written = BIO_new(BIO_s_mem());
	int n;

	SSL_set_bio(ssl, in, written);
	SSL_connect(ssl);
	n = BIO_read(written, out, (int)size);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	return (size_t)n;
}

enum { HANGING = 300 };

/* Handshakes that stop at every byte, damaged ones, and floods; in between, a plain one is served. */
static int hostile_handshakes(void)
{
	static int fd[HANGING];
	static char much[1 << 20] = "\x16\x03\x01\x3f\xff";
	char whole[2000], byte;
	size_t len = hello(whole, sizeof(whole));
	struct client good = { .name = "a.example", .to = at_name("a.example", 443), .request = REQUEST };

	signal(SIGPIPE, SIG_IGN);
	CHECK(len > 100);
	for (size_t i = 0; i < HANGING; i++) {
		CHECK((fd[i] = connected(SOCK_STREAM, at("9.9.9.9", 443))) >= 0);
		CHECK(write(fd[i], whole, 2 + i % (len - 2)) > 0);
	}
	CHECK(fetch(good).ended);
	for (size_t i = 5; i < len; i += 3) {
		HM_CLOSE int damaged = connected(SOCK_STREAM, at("9.9.9.9", 443));

		whole[i] ^= (char)(1 << i % 8);
		CHECK(damaged >= 0 && write(damaged, whole, len) == (ssize_t)len);
		whole[i] ^= (char)(1 << i % 8);
	}
	for (int i = 0; i < 4; i++) {
		HM_CLOSE int flood = connected(SOCK_STREAM, at("9.9.9.9", 443));

		while (write(flood, much, sizeof(much)) > 0)
			;
	}
	CHECK(fetch(good).ended);
	for (size_t i = 0; i < HANGING; i++)
		while (read(fd[i], &byte, 1) > 0)
			;
	CHECK(fetch(good).ended);
	return 0;
}

static void hostile_handshakes_are_survived(void **state)
{
	struct stage *s = *state;
	HM_CLEANUP(hm_internet_cleanup) struct hm_internet *net = NULL;
	struct hm_internet_stats stats;
	double begun = now();

	need_root();
	chamber_start(s, hostile_handshakes);
	net = open_net(s, HM_INTERNET_SIMULATED);
	assert_int_equal(chamber_run(s), 0);
	assert_int_equal(hm_internet_stop(net, &stats, NULL), 0);
	assert_int_equal(stats.tls.accepted, 3);
	assert_true(stats.tls.failed >= HANGING);
	assert_true(now() - begun < 60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(handshakes_are_answered, set_up, tear_down),
		cmocka_unit_test_setup_teardown(refusal_is_counted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(hostile_handshakes_are_survived, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
