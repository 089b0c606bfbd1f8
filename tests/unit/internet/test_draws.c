/* What TLS says in the chamber's internet is a function of a secret and of what is said to it: a client whose randomness is
 * fixed gets the same bytes again, in whichever order and pieces its own come. No sockets, no privileges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <event2/buffer.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include "bytes.h"
#include "tls_internal.h"

enum { NOW = 1700000000, PORT = 443, ANSWER = 40000, PIECE = 100000 };

static const uint8_t authority[HM_INTERNET_SECRET] = "the authority's", secret[HM_INTERNET_SECRET] = "a block's",
		     other[HM_INTERNET_SECRET] = "another block's";

struct kind {
	int version;
	const char *ciphers; /* of TLS 1.2 */
};

static const struct kind kinds[] = {
	{ TLS1_3_VERSION, NULL },
	{ TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256" },
	{ TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305" },
	{ TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA@SECLEVEL=0" }, /* draws for every record */
};

/* A client and the server's side of its connection. */
struct talk {
	SSL_CTX *ctx;
	SSL *ssl;
	BIO *in, *out;
	struct draws draws;
	struct tls_stream *stream;
	struct evbuffer *to_server, *clear, *to_client, *answer;
	struct hm_bytes said, heard; /* by the client, as bytes on the wire */
	size_t read, piece;
	bool asked;
};

static struct tls *server(const uint8_t *noise)
{
	const struct tls_spec spec = { authority, noise, NOW };
	struct tls *tls;

	assert_int_equal(hm_internet_tls_open(&tls, &spec, NULL), 0);
	return tls;
}

static void begin(struct talk *t, struct tls *tls, struct kind kind, const char *name, size_t piece)
{
	static const uint8_t address[4] = { 198, 19, 1, 1 };

	*t = (struct talk){ .ctx = SSL_CTX_new(TLS_client_method()), .piece = piece };
	SSL_CTX_set_min_proto_version(t->ctx, kind.version);
	SSL_CTX_set_max_proto_version(t->ctx, kind.version);
	if (kind.ciphers)
		assert_int_equal(SSL_CTX_set_cipher_list(t->ctx, kind.ciphers), 1);
	t->ssl = SSL_new(t->ctx);
	t->in = BIO_new(BIO_s_mem());
	t->out = BIO_new(BIO_s_mem());
	SSL_set_bio(t->ssl, t->in, t->out);
	SSL_set_connect_state(t->ssl);
	SSL_set_tlsext_host_name(t->ssl, name);
	hm_internet_draws_begin(&t->draws, secret, address, 0, HM_SLICE("the client's"));
	t->stream = hm_internet_tls_accept(tls, address, PORT);
	t->to_server = evbuffer_new();
	t->clear = evbuffer_new();
	t->to_client = evbuffer_new();
	t->answer = evbuffer_new();
}

static void end(struct talk *t)
{
	hm_internet_tls_free(t->stream);
	SSL_free(t->ssl);
	SSL_CTX_free(t->ctx);
	evbuffer_free(t->to_server);
	evbuffer_free(t->clear);
	evbuffer_free(t->to_client);
	evbuffer_free(t->answer);
	hm_bytes_release(&t->said);
	hm_bytes_release(&t->heard);
}

/* The client reads what came and says what it has to say. */
static void client_step(struct talk *t)
{
	static uint8_t text[1 << 16];
	char *bytes;
	long len;
	int n;

	hm_internet_draws_from(&t->draws);
	if (SSL_do_handshake(t->ssl) == 1) {
		if (!t->asked)
			assert_int_equal(SSL_write(t->ssl, "a question", 10), 10);
		t->asked = true;
		while ((n = SSL_read(t->ssl, text, sizeof(text))) > 0)
			t->read += (size_t)n;
	}
	hm_internet_draws_from(NULL);
	len = BIO_get_mem_data(t->out, &bytes);
	hm_bytes_append(&t->said, bytes, (size_t)len);
	evbuffer_add(t->to_server, bytes, (size_t)len);
	assert_int_equal(BIO_reset(t->out), 1);
}

/* The server takes a piece of what was said, and answers the question in two parts. */
static bool server_step(struct talk *t)
{
	static const uint8_t body[ANSWER];
	struct evbuffer *piece = evbuffer_new();
	size_t len;

	evbuffer_remove_buffer(t->to_server, piece, t->piece);
	assert_int_not_equal(hm_internet_tls_take(t->stream, piece, t->clear, t->to_client), TLS_BROKEN);
	evbuffer_free(piece);
	if (evbuffer_get_length(t->clear)) {
		evbuffer_drain(t->clear, evbuffer_get_length(t->clear));
		evbuffer_add(t->answer, body, sizeof(body));
	}
	hm_internet_tls_give(t->stream, t->answer, t->to_client, ANSWER / 2);
	len = evbuffer_get_length(t->to_client);
	hm_bytes_append(&t->heard, evbuffer_pullup(t->to_client, -1), len);
	assert_int_equal(len ? BIO_write(t->in, evbuffer_pullup(t->to_client, -1), (int)len) : 0, len);
	evbuffer_drain(t->to_client, len);
	return t->read == ANSWER;
}

static void whole(struct talk *t, struct tls *tls, struct kind kind, const char *name, size_t piece)
{
	begin(t, tls, kind, name, piece);
	do
		client_step(t);
	while (!server_step(t));
}

static bool same(const struct hm_bytes *a, const struct hm_bytes *b)
{
	return hm_slice_eq(hm_slice_of(a), hm_slice_of(b));
}

static void the_same_is_heard_again(void **state HM_UNUSED)
{
	for (size_t i = 0; i < HM_COUNT(kinds); i++) {
		struct tls *one = server(secret), *two = server(secret), *third = server(other);
		struct talk a, b, c, d;

		whole(&a, one, kinds[i], "a.example", PIECE);
		whole(&d, two, kinds[i], "b.example", PIECE); /* what came before is no matter */
		whole(&b, two, kinds[i], "a.example", PIECE);
		whole(&c, third, kinds[i], "a.example", PIECE);
		assert_true(a.heard.len > ANSWER && same(&a.said, &b.said) && same(&a.heard, &b.heard));
		assert_false(same(&a.heard, &c.heard) || same(&a.said, &c.said) || same(&a.heard, &d.heard));
		end(&a);
		end(&b);
		end(&c);
		end(&d);
		hm_internet_tls_close(one);
		hm_internet_tls_close(two);
		hm_internet_tls_close(third);
	}
}

/* Two connections at once, one of which comes byte by byte. */
static void order_and_pieces_are_no_matter(void **state HM_UNUSED)
{
	for (size_t i = 0; i < HM_COUNT(kinds); i++) {
		struct tls *tls = server(secret);
		bool a_ends = false, b_ends = false;
		struct talk alone, a, b;

		whole(&alone, tls, kinds[i], "a.example", PIECE);
		begin(&a, tls, kinds[i], "a.example", 1);
		begin(&b, tls, kinds[HM_COUNT(kinds) - 1 - i], "b.example", 7);
		while (!a_ends || !b_ends) {
			client_step(&b);
			client_step(&a);
			a_ends = server_step(&a);
			b_ends = server_step(&b);
		}
		assert_true(same(&a.said, &alone.said) && same(&a.heard, &alone.heard));
		end(&alone);
		end(&a);
		end(&b);
		hm_internet_tls_close(tls);
	}
}

static void streams_do_not_repeat(void **state HM_UNUSED)
{
	static const uint8_t address[4] = { 1, 2, 3, 4 };
	struct draws d, e;
	uint8_t a[2][64], b[64];

	assert_int_equal(hm_internet_draws_open(NULL), 0);
	hm_internet_draws_begin(&d, secret, address, 443, HM_SLICE("x"));
	hm_internet_draws_from(&d);
	assert_int_equal(RAND_bytes(a[0], 1) + RAND_bytes(a[0] + 1, 63) + RAND_priv_bytes(a[1], 64), 3);
	hm_internet_draws_begin(&e, secret, address, 444, HM_SLICE("x"));
	hm_internet_draws_from(&e);
	assert_int_equal(RAND_bytes(b, sizeof(b)), 1);
	assert_memory_not_equal(a[0], a[1], 64);
	assert_memory_not_equal(a[0], b, 64);
	assert_memory_not_equal(a[0], a[0] + 32, 32);
	hm_internet_draws_begin(&e, secret, address, 443, HM_SLICE("x"));
	assert_int_equal(RAND_bytes(b, sizeof(b)), 1);
	assert_memory_equal(a[0], b, 64);
	hm_internet_draws_from(NULL);
	assert_int_equal(RAND_bytes(a[0], 64) + RAND_bytes(a[1], 64), 2);
	assert_memory_not_equal(a[0], a[1], 64);
	assert_memory_not_equal(a[0], b, 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_is_heard_again),
		cmocka_unit_test(order_and_pieces_are_no_matter),
		cmocka_unit_test(streams_do_not_repeat),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
