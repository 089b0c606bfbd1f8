/* TLS that is opened: every suite of the table against libssl, and what must stay closed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "plain_internal.h"
#include "../../support/talk.h"

struct opened {
	struct talked talked;
	struct hm_bytes file;
	struct hm_flows flows;
	struct hm_plains plains;
};

static void read_file(struct opened *o)
{
	struct hm_fail fail = { 0 };

	assert_int_equal(hm_flows_read(&o->flows, hm_slice_of(&o->file), frames_chamber, &fail), 0);
	assert_int_equal(hm_plains_read(&o->plains, &o->flows, true, &fail), 0);
	assert_int_equal(o->plains.count, o->flows.count);
}

static void open_talk(struct opened *o, const char *name, const char *leave)
{
	const struct talk *talk = NULL;

	*o = (struct opened){ 0 };
	for (size_t i = 0; i < HM_COUNT(talks); i++)
		if (strcmp(talks[i].name, name) == 0)
			talk = &talks[i];
	assert_non_null(talk);
	talk_do(talk, &o->talked);
	assert_false(o->talked.failed);
	talk_file(&o->file, &o->talked, leave);
	read_file(o);
}

static void release(struct opened *o)
{
	hm_plains_release(&o->plains);
	hm_flows_release(&o->flows);
	hm_bytes_release(&o->file);
	talk_release(&o->talked);
}

/* Spans follow each other without a hole, and those with plaintext name all of it once. */
static void assert_partition(const struct hm_plain *plain, const struct hm_flow *flow)
{
	HM_FREE uint8_t *times = hm_alloc(plain->text.len + 1, 1);
	size_t at = 0;

	for (size_t i = 0; i < plain->spans; i++) {
		const struct hm_plain_span *span = &plain->span[i];

		assert_int_equal(span->offset, at);
		at += span->length;
		if (span->kind != HM_PLAIN_DATA && span->kind != HM_PLAIN_SHAKE && span->kind != HM_PLAIN_NOTICE)
			continue;
		assert_true(span->text + span->length <= plain->text.len);
		assert_int_equal(span->kind == HM_PLAIN_DATA, span->text < plain->data);
		for (size_t k = 0; k < span->length; k++)
			times[span->text + k]++;
	}
	assert_int_equal(at, flow->sent.len);
	for (size_t i = 0; i < plain->text.len; i++)
		assert_int_equal(times[i], 1);
}

static uint64_t closed(const struct hm_plain *plain)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < HM_PLAIN_WHYS; i++)
		sum += plain->closed[i];
	return sum;
}

static size_t bytes_of(const struct hm_plain *plain, enum hm_plain_kind kind)
{
	size_t sum = 0;

	for (size_t i = 0; i < plain->spans; i++)
		sum += plain->span[i].kind == kind ? plain->span[i].length : 0;
	return sum;
}

static void assert_said(const struct opened *o)
{
	const struct hm_plain *plain = o->plains.list;

	assert_int_equal(o->plains.count, 1);
	assert_true(plain->tls);
	assert_partition(plain, o->flows.list);
	assert_int_equal(plain->data, o->talked.said.len);
	if (plain->data)
		assert_memory_equal(plain->text.data, o->talked.said.data, plain->data);
	assert_int_equal(closed(plain), 0);
}

static void every_talk_opens(void **state HM_UNUSED)
{
	for (size_t i = 0; i < HM_COUNT(talks); i++) {
		struct opened o;

		if (talks[i].refused || talks[i].distrusts)
			continue;
		print_message("# %s\n", talks[i].name);
		open_talk(&o, talks[i].name, NULL);
		assert_said(&o);
		/* Finished is there, and the alert that ends the connection. */
		assert_true(bytes_of(o.plains.list, HM_PLAIN_SHAKE) >= 16);
		assert_int_equal(bytes_of(o.plains.list, HM_PLAIN_NOTICE), 2 * o.flows.list->connections);
		release(&o);
	}
}

/* A proxy is asked first, and what is said then is TLS; before it was looked for, all of it was in the clear. */
static void tls_behind_a_prelude(void **state HM_UNUSED)
{
	static const char *const names[] = { "prelude", "12-prelude" };

	for (size_t i = 0; i < HM_COUNT(names); i++) {
		struct hm_plains early = { 0 };
		struct opened o;

		open_talk(&o, names[i], NULL);
		assert_int_equal(o.plains.list->span[0].kind, HM_PLAIN_CLEAR);
		assert_int_equal(o.plains.list->span[0].length, strlen(TALK_PRELUDE));
		assert_true(o.plains.list->connection[0].tls && o.plains.list->connection[0].answered && o.plains.list->connection[0].finished);
		assert_int_equal(hm_plains_read(&early, &o.flows, false, NULL), 0);
		assert_false(early.list->tls);
		assert_int_equal(bytes_of(early.list, HM_PLAIN_CLEAR), o.flows.list->sent.len);
		hm_plains_release(&early);
		/* Nobody answers the hello: a text that looks like one is a text. */
		o.flows.list->connection[0].heard_len = 60;
		assert_int_equal(hm_plains_read(&early, &o.flows, true, NULL), 0);
		assert_false(early.list->tls);
		hm_plains_release(&early);
		release(&o);
	}
}

static void a_certificate_is_not_taken(void **state HM_UNUSED)
{
	static const char *const names[] = { "distrusts", "12-distrusts" };

	for (size_t i = 0; i < HM_COUNT(names); i++) {
		struct opened o;

		open_talk(&o, names[i], NULL);
		assert_partition(o.plains.list, o.flows.list);
		assert_true(o.plains.list->connection[0].tls && o.plains.list->connection[0].answered);
		assert_false(o.plains.list->connection[0].finished);
		assert_int_equal(o.plains.list->data, 0);
		assert_int_equal(closed(o.plains.list), 0);
		release(&o);
	}
}

static void every_suite_is_talked(void **state HM_UNUSED)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl;

	SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_cipher_list(ctx, "ALL");
	SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_CCM_SHA256:"
				      "TLS_AES_128_CCM_8_SHA256");
	ssl = SSL_new(ctx);
	for (size_t i = 0; i < hm_tls_suite_count; i++) {
		const uint8_t id[2] = { (uint8_t)(hm_tls_suites[i].id >> 8), (uint8_t)hm_tls_suites[i].id };
		const SSL_CIPHER *cipher = SSL_CIPHER_find(ssl, id);
		bool talked = false;

		assert_non_null(cipher);
		for (size_t k = 0; k < HM_COUNT(talks); k++)
			talked |= strcmp(talks[k].suite, SSL_CIPHER_get_name(cipher)) == 0;
		if (!talked)
			print_message("# %s\n", SSL_CIPHER_get_name(cipher));
		assert_true(talked);
	}
	SSL_free(ssl);
	SSL_CTX_free(ctx);
}

static void a_client_certificate_is_in_the_plaintext(void **state HM_UNUSED)
{
	struct opened o;

	open_talk(&o, "certificate", NULL);
	assert_non_null(memmem(o.plains.list->text.data + o.plains.list->data, o.plains.list->text.len - o.plains.list->data,
			       "client-7f3a91c2e4d0b865.example", 31));
	assert_null(memmem(o.flows.list->sent.data, o.flows.list->sent.len, "client-7f3a91c2e4d0b865", 23));
	release(&o);
}

static void padding_is_no_data(void **state HM_UNUSED)
{
	struct opened o;

	open_talk(&o, "padded", NULL);
	assert_true(bytes_of(o.plains.list, HM_PLAIN_INNER) > 512);
	assert_said(&o);
	release(&o);
}

/* Early data that the server did not take: nobody has its key, but what comes behind it opens. */
static void refused_early_data_stays_closed(void **state HM_UNUSED)
{
	const struct hm_plain *plain;
	struct opened o;

	open_talk(&o, "early-refused", NULL);
	plain = o.plains.list;
	assert_partition(plain, o.flows.list);
	assert_int_equal(closed(plain), 23 + 1 + 16);
	assert_int_equal(plain->closed[HM_PLAIN_NO_KEY], 23 + 1 + 16);
	assert_int_equal(plain->data, o.talked.said.len - 23);
	release(&o);
}

static void without_a_key_it_stays_closed(void **state HM_UNUSED)
{
	static const struct {
		const char *talk, *leave;
		bool finished; /* the handshake opens */
	} cases[] = {
		{ "gcm-128", "CLIENT_HANDSHAKE", false },
		{ "gcm-128", "CLIENT_TRAFFIC", true },
		{ "12-9c", "CLIENT_RANDOM", false },
		{ "12-2f", "CLIENT_RANDOM", false },
		{ "gcm-128", "", false },
	};

	for (size_t i = 0; i < HM_COUNT(cases); i++) {
		const struct hm_plain *plain;
		struct opened o;

		open_talk(&o, cases[i].talk, cases[i].leave);
		plain = o.plains.list;
		assert_partition(plain, o.flows.list);
		assert_true(plain->tls);
		assert_int_equal(plain->data, 0);
		assert_int_equal(plain->text.len > 0, cases[i].finished);
		assert_true(plain->closed[HM_PLAIN_NO_KEY] > TALK_LONG);
		assert_int_equal(plain->closed[HM_PLAIN_NO_KEY], closed(plain));
		release(&o);
	}
}

/* Any byte of a record changed: it does not authenticate, and nothing behind it does. */
static void what_was_changed_stays_closed(void **state HM_UNUSED)
{
	static const char *const names[] = { "gcm-256", "12-c030", "12-c02b", "12-cca9", "12-2f", "12-2f-mac-first", "ccm" };

	for (size_t i = 0; i < HM_COUNT(names); i++) {
		struct opened o;
		const struct hm_plain *before;

		open_talk(&o, names[i], NULL);
		before = o.plains.list;
		for (size_t k = 0, tried = 0; k < before->spans && tried < 6; k++) {
			const struct hm_plain_span *span = &before->span[k];
			struct hm_plains after = { 0 };
			uint8_t *at = o.flows.list->sent.data + span->offset + span->length / 2;

			if (span->kind != HM_PLAIN_TAG && span->kind != HM_PLAIN_DATA && span->kind != HM_PLAIN_NONCE)
				continue;
			tried++;
			*at ^= 1;
			assert_int_equal(hm_plains_read(&after, &o.flows, true, NULL), 0);
			assert_partition(after.list, o.flows.list);
			assert_true(after.list->closed[HM_PLAIN_FALSE] >= span->length);
			assert_int_equal(closed(after.list), after.list->closed[HM_PLAIN_FALSE]);
			assert_true(after.list->data < o.talked.said.len);
			if (after.list->data)
				assert_memory_equal(after.list->text.data, o.talked.said.data, after.list->data);
			hm_plains_release(&after);
			*at ^= 1;
		}
		release(&o);
	}
}

/* Cut off anywhere, what is whole opens. */
static void a_stream_that_ends_anywhere(void **state HM_UNUSED)
{
	struct opened o;
	size_t whole, step = 1;

	open_talk(&o, "certificate", NULL);
	whole = o.flows.list->sent.len;
	for (size_t len = 0; len < whole; len += step) {
		struct hm_plains cut = { 0 };

		step = len < 2500 || len > whole - 200 ? 1 : 997;
		o.flows.list->sent.len = o.flows.list->connection[0].sent_len = len;
		assert_int_equal(hm_plains_read(&cut, &o.flows, true, NULL), 0);
		assert_partition(cut.list, o.flows.list);
		assert_int_equal(closed(cut.list), cut.list->closed[HM_PLAIN_CUT]);
		if (cut.list->data)
			assert_memory_equal(cut.list->text.data, o.talked.said.data, cut.list->data);
		hm_plains_release(&cut);
	}
	o.flows.list->sent.len = o.flows.list->connection[0].sent_len = whole;
	release(&o);
}

static void without_an_answer_it_stays_closed(void **state HM_UNUSED)
{
	static const char *const names[] = { "gcm-128", "12-9c" };

	for (size_t i = 0; i < HM_COUNT(names); i++) {
		struct hm_plains after = { 0 };
		struct opened o;

		open_talk(&o, names[i], NULL);
		o.flows.list->connection[0].heard_len = 50;
		assert_int_equal(hm_plains_read(&after, &o.flows, true, NULL), 0);
		assert_partition(after.list, o.flows.list);
		assert_int_equal(after.list->text.len, 0);
		assert_true(after.list->closed[HM_PLAIN_NO_ANSWER] > TALK_LONG);
		hm_plains_release(&after);
		release(&o);
	}
}

/* Another suite than the one that was used, or one that nobody knows. */
static void another_suite_stays_closed(void **state HM_UNUSED)
{
	static const struct {
		uint16_t suite;
		enum hm_plain_why why;
	} cases[] = { { 0x1302, HM_PLAIN_NO_KEY }, { 0x1303, HM_PLAIN_FALSE }, { 0x1399, HM_PLAIN_SUITE }, { 0x009c, HM_PLAIN_SUITE } };
	struct opened o;
	uint8_t *suite;

	open_talk(&o, "gcm-128", NULL);
	suite = o.flows.list->heard.data + 5 + 4 + 2 + 32; /* headers, version, random; then the session's id */
	suite += 1 + *suite;
	assert_memory_equal(suite, "\x13\x01", 2);
	for (size_t i = 0; i < HM_COUNT(cases); i++) {
		struct hm_plains after = { 0 };

		suite[0] = (uint8_t)(cases[i].suite >> 8);
		suite[1] = (uint8_t)cases[i].suite;
		assert_int_equal(hm_plains_read(&after, &o.flows, true, NULL), 0);
		assert_int_equal(after.list->text.len, 0);
		/* A secret of another length is no key for it. */
		assert_true(after.list->closed[cases[i].why] > 0);
		hm_plains_release(&after);
	}
	release(&o);
}

static void what_is_no_tls_is_clear(void **state HM_UNUSED)
{
	struct opened o = { 0 };

	hm_pcapng_start(&o.file, 0);
	frames_tcp(&o.file, talk_server, 443, 0, HM_TCP_SYN, HM_SLICE(""));
	frames_tcp(&o.file, talk_server, 443, 1, HM_TCP_ACK, HM_SLICE("\x16\x03\x01\x00\x04\x02\x00\x00\x00GET / HTTP/1.1"));
	frames_udp(&o.file, talk_server, 443, HM_SLICE("\x16\x03\x01\x00\x04\x01\x00\x00\x00"));
	read_file(&o);
	for (size_t i = 0; i < 2; i++) {
		assert_false(o.plains.list[i].tls);
		assert_int_equal(o.plains.list[i].text.len, 0);
		assert_int_equal(o.plains.list[i].spans, 1);
		assert_int_equal(o.plains.list[i].span->kind, HM_PLAIN_CLEAR);
		assert_int_equal(o.plains.list[i].span->length, o.flows.list[i].sent.len);
	}
	release(&o);
}

/* The same random with another secret beside the right one, and lines that are none. */
static void the_key_log_may_hold_more(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes lines = { 0 };
	struct opened o;
	const char *line;

	open_talk(&o, "gcm-128", NULL);
	line = memmem(o.talked.keylog.data, o.talked.keylog.len, "CLIENT_HANDSHAKE", 16);
	hm_bytes_text(&lines, "CLIENT_RANDOM\nCLIENT_RANDOM 00 00\nNONSENSE 00 11\n# words\n\nCLIENT_RANDOM  \n");
	for (int i = 0; i < 3; i++) {
		size_t at = lines.len + 32 + 64;

		hm_bytes_append(&lines, line, 32 + 64 + 1 + 64 + 1);
		lines.data[at + 1] = (uint8_t)('0' + i);
		lines.data[at + 2] = lines.data[at + 2] == 'a' ? 'b' : 'a';
	}
	hm_bytes_slice(&lines, hm_slice_of(&o.talked.keylog));
	hm_bytes_release(&o.talked.keylog);
	o.talked.keylog = lines;
	lines = (struct hm_bytes){ 0 };
	hm_plains_release(&o.plains);
	hm_bytes_release(&o.flows.keylog);
	hm_bytes_slice(&o.flows.keylog, hm_slice_of(&o.talked.keylog));
	assert_int_equal(hm_plains_read(&o.plains, &o.flows, true, NULL), 0);
	assert_said(&o);
	release(&o);
}

/* ---- both sides ---- */

/* Carries what one end wrote, and keeps it. */
static bool carry(SSL *from, SSL *to, struct hm_bytes *wire)
{
	uint8_t buffer[4096];
	bool any = false;
	int n;

	while ((n = BIO_read(SSL_get_wbio(from), buffer, sizeof(buffer))) > 0) {
		hm_bytes_append(wire, buffer, (size_t)n);
		BIO_write(SSL_get_rbio(to), buffer, n);
		any = true;
	}
	return any;
}

struct both {
	struct talked talked; /* its key log */
	struct hm_bytes wire[2], said[2];
};

/* Both say something in turn; the server has much to say. */
static void speak(struct both *b, const struct talk *talk)
{
	SSL_CTX *contexts[2] = { talk_context(talk, false), talk_context(talk, true) };
	SSL *end[2] = { SSL_new(contexts[0]), SSL_new(contexts[1]) };
	static char much[40000];
	char taken[4096];

	memset(much, 'm', sizeof(much));
	for (int i = 0; i < 2; i++)
		SSL_set_bio(end[i], BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	SSL_set_app_data(end[1], &b->talked);
	SSL_set_connect_state(end[0]);
	SSL_set_accept_state(end[1]);
	for (int i = 0; i < 20; i++) {
		SSL_do_handshake(end[i % 2]);
		carry(end[i % 2], end[1 - i % 2], &b->wire[i % 2]);
	}
	for (int i = 0; i < 4; i++) {
		size_t len = i % 2 ? sizeof(much) : 10;

		assert_int_equal(SSL_write(end[i % 2], much, (int)len), len);
		if (i == 1 && talk->update)
			assert_int_equal(SSL_key_update(end[1], SSL_KEY_UPDATE_NOT_REQUESTED), 1);
		hm_bytes_append(&b->said[i % 2], much, len);
		carry(end[i % 2], end[1 - i % 2], &b->wire[i % 2]);
		while (SSL_read(end[1 - i % 2], taken, sizeof(taken)) > 0)
			;
	}
	for (int i = 0; i < 2; i++) {
		SSL_free(end[i]);
		SSL_CTX_free(contexts[i]);
	}
}

static void release_both(struct both *b)
{
	talk_release(&b->talked);
	for (int i = 0; i < 2; i++) {
		hm_bytes_release(&b->wire[i]);
		hm_bytes_release(&b->said[i]);
	}
}

static void both_sides_open(void **state HM_UNUSED)
{
	for (size_t i = 0; i < HM_COUNT(talks); i++) {
		struct hm_plains plains = { 0 };
		struct both b = { 0 };

		if (talks[i].refused || talks[i].distrusts || talks[i].early || talks[i].prelude || talks[i].quiet)
			continue;
		print_message("# %s\n", talks[i].name);
		speak(&b, &talks[i]);
		assert_int_equal(hm_plain_both(&plains, hm_slice_of(&b.wire[0]), hm_slice_of(&b.wire[1]), hm_slice_of(&b.talked.keylog), NULL), 0);
		for (size_t side = 0; side < 2; side++) {
			assert_true(plains.list[side].tls);
			assert_int_equal(closed(&plains.list[side]), 0);
			assert_int_equal(plains.list[side].data, b.said[side].len);
			assert_memory_equal(plains.list[side].text.data, b.said[side].data, b.said[side].len);
		}
		hm_plains_release(&plains);
		/* Without keys nothing opens, and what is no TLS is in the clear. */
		assert_int_equal(hm_plain_both(&plains, hm_slice_of(&b.wire[0]), hm_slice_of(&b.wire[1]), HM_SLICE(""), NULL), 0);
		assert_true(closed(&plains.list[0]) && closed(&plains.list[1]) && plains.list[1].data == 0);
		hm_plains_release(&plains);
		assert_int_equal(hm_plain_both(&plains, hm_slice_of(&b.wire[0]), hm_slice_of(&b.said[1]), hm_slice_of(&b.talked.keylog), NULL), 0);
		assert_true(!plains.list[0].tls && !plains.list[1].tls && plains.list[1].spans == 1);
		hm_plains_release(&plains);
		release_both(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_talk_opens),
		cmocka_unit_test(tls_behind_a_prelude),
		cmocka_unit_test(both_sides_open),
		cmocka_unit_test(a_certificate_is_not_taken),
		cmocka_unit_test(every_suite_is_talked),
		cmocka_unit_test(a_client_certificate_is_in_the_plaintext),
		cmocka_unit_test(padding_is_no_data),
		cmocka_unit_test(refused_early_data_stays_closed),
		cmocka_unit_test(without_a_key_it_stays_closed),
		cmocka_unit_test(what_was_changed_stays_closed),
		cmocka_unit_test(a_stream_that_ends_anywhere),
		cmocka_unit_test(without_an_answer_it_stays_closed),
		cmocka_unit_test(another_suite_stays_closed),
		cmocka_unit_test(what_is_no_tls_is_clear),
		cmocka_unit_test(the_key_log_may_hold_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
