/* A TLS stream as features: each byte of its packets belongs to one, and what it carried has names as if it were sent in the clear. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "feature.h"
#include "../../support/talk.h"

struct told {
	struct talked talked;
	struct hm_flows flows;
	struct hm_plains plains;
	struct hm_features features;
};

static void tell(struct told *t, const char *name, const char *leave)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes file = { 0 };
	uint64_t sum = 0;
	struct hm_bytes lines;

	*t = (struct told){ 0 };
	for (size_t i = 0; i < HM_COUNT(talks); i++)
		if (strcmp(talks[i].name, name) == 0)
			talk_do(&talks[i], &t->talked);
	assert_false(t->talked.failed);
	talk_file(&file, &t->talked, leave);
	assert_int_equal(hm_flows_read(&t->flows, hm_slice_of(&file), frames_chamber, NULL), 0);
	assert_int_equal(hm_plains_read(&t->plains, &t->flows, true, NULL), 0);
	hm_features_read(&t->features, &t->flows, &t->plains, NULL, false);
	assert_int_equal(t->flows.count, 1);
	for (size_t i = 0; i < t->features.count; i++) {
		const struct hm_feature *f = &t->features.list[i];

		sum += f->wire + (f->placed ? f->bytes.len : 0);
		if (i)
			assert_true(strcmp(f[-1].endpoint, f->endpoint) < 0 || strcmp(f[-1].name, f->name) < 0);
	}
	assert_int_equal(sum, t->flows.list[0].wire);
	/* Frames are borrowed from the file. */
	lines = t->flows.keylog;
	assert_true(!leave == (lines.len == t->talked.keylog.len));
}

static void release(struct told *t)
{
	hm_features_release(&t->features);
	hm_plains_release(&t->plains);
	hm_flows_release(&t->flows);
	talk_release(&t->talked);
}

static const struct hm_feature *find(const struct told *t, const char *name)
{
	return hm_features_find(&t->features, "[198.18.9.9]:443/tcp", name);
}

static void assert_text(const struct told *t, const char *name, const char *text, bool tls)
{
	const struct hm_feature *f = find(t, name);

	if (!f)
		fail_msg("no feature %s", name);
	assert_true(f->text && f->tls == tls);
	assert_int_equal(f->bytes.len, strlen(text));
	assert_memory_equal(f->bytes.data, text, f->bytes.len);
}

static void every_byte_has_a_feature(void **state HM_UNUSED)
{
	for (size_t i = 0; i < HM_COUNT(talks); i++) {
		struct told t;

		tell(&t, talks[i].name, NULL);
		release(&t);
		/* Who breaks off has made no key. */
		if (talks[i].distrusts)
			continue;
		tell(&t, talks[i].name, "CLIENT");
		assert_null(find(&t, "0.0.http.path"));
		release(&t);
	}
}

static void fields_have_their_names(void **state HM_UNUSED)
{
	static const char *const names[] = { "gcm-128", "12-c030", "12-2f", "12-2f-mac-first", "update", "early", "certificate" };

	for (size_t i = 0; i < HM_COUNT(names); i++) {
		bool early = strcmp(names[i], "early") == 0;
		struct told t;

		tell(&t, names[i], NULL);
		assert_text(&t, "0.0.http.path", "/report", true);
		assert_text(&t, "0.0.http.header.content-length", "40000", true);
		assert_text(&t, "0.1.http.method", "GET", true);
		assert_int_equal(find(&t, "0.0.http.body")->bytes.len, 40000);
		assert_int_equal(find(&t, "0.messages")->number, early ? 5 : 2);
		assert_non_null(find(&t, "0.1.gap"));
		if (early)
			assert_text(&t, "0.2.http.path", "/early", true);
		release(&t);
	}
}

static void a_hello_has_parts(void **state HM_UNUSED)
{
	struct told t;

	tell(&t, "try-again", NULL);
	assert_text(&t, "0.tls.hello.version", "\3\3", false);
	assert_int_equal(find(&t, "0.tls.hello.random")->bytes.len, 32);
	assert_memory_equal(find(&t, "0.tls.hello.extension.0")->bytes.data + 4 + 5, "server.example", 14);
	/* The second hello of the connection, with the same random and another key share. */
	assert_true(hm_slice_eq(find(&t, "0.tls.hello.random")->bytes, find(&t, "0.tls.hello.random.1")->bytes));
	assert_int_equal(find(&t, "0.tls.hello.extension.51.1")->bytes.len, 4 + 2 + 4 + 56);
	assert_int_equal(find(&t, "0.tls.hello.order")->wire, 0);
	assert_true(find(&t, "0.tls.hello.order")->bytes.len > 10);
	assert_null(find(&t, "0.tls.hello.rest"));
	assert_text(&t, "0.tls.spec", "\1", false);
	assert_memory_equal(find(&t, "0.tls.notice")->bytes.data, "\1\0", 2);
	release(&t);
}

static void what_follows_is_derived(void **state HM_UNUSED)
{
	struct told t;

	tell(&t, "12-9c", NULL);
	/* Nonces count up: of six records one has something to say. */
	assert_int_equal(find(&t, "0.tls.nonce")->wire, 8);
	assert_int_equal(find(&t, "0.tls.derived")->origin, HM_ORIGIN_DERIVED);
	assert_true(find(&t, "0.tls.derived")->wire % 24 == 16);
	assert_int_equal(find(&t, "0.tls.finished")->bytes.len, 16);
	assert_true(find(&t, "0.tls.finished")->tls);
	assert_true(find(&t, "0.tls.key.exchange")->bytes.len > 256);
	release(&t);
	tell(&t, "12-9c", "CLIENT_RANDOM");
	assert_null(find(&t, "0.tls.derived"));
	assert_non_null(find(&t, "0.tls.closed"));
	assert_false(find(&t, "0.tls.closed")->tls);
	release(&t);
}

/* A closed talk and what is said to have gone into it: accounted for, or not. */
static void give(struct told *t, const char *name, bool fits)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes file = { 0 }, open = { 0 };
	struct hm_told_flow of = { .there = true };
	const struct hm_told told = { &of, 1 };
	struct hm_flows flows;
	struct hm_plains plains;
	uint64_t sum = 0;

	*t = (struct told){ 0 };
	for (size_t i = 0; i < HM_COUNT(talks); i++)
		if (strcmp(talks[i].name, name) == 0)
			talk_do(&talks[i], &t->talked);
	assert_false(t->talked.failed);
	talk_file(&open, &t->talked, NULL);
	talk_file(&file, &t->talked, "CLIENT");
	assert_int_equal(hm_flows_read(&flows, hm_slice_of(&open), frames_chamber, NULL), 0);
	assert_int_equal(hm_plains_read(&plains, &flows, true, NULL), 0);
	assert_int_equal(hm_flows_read(&t->flows, hm_slice_of(&file), frames_chamber, NULL), 0);
	assert_int_equal(hm_plains_read(&t->plains, &t->flows, true, NULL), 0);
	hm_bytes_append(&of.text, plains.list[0].text.data, plains.list[0].data);
	if (fits)
		of.fit.tls = hm_plain_fit(&of.fit, &t->flows.list[0], &t->plains.list[0], hm_slice_of(&of.text), true);
	assert_int_equal(of.fit.tls, fits);
	hm_features_read(&t->features, &t->flows, &t->plains, &told, false);
	for (size_t i = 0; i < t->features.count; i++)
		sum += t->features.list[i].wire + (t->features.list[i].placed ? t->features.list[i].bytes.len : 0);
	assert_int_equal(sum, t->flows.list[0].wire);
	assert_text(t, "0.given.0.http.path", "/report", true);
	assert_text(t, "0.given.1.http.method", "GET", true);
	assert_int_equal(find(t, "0.given.0.http.body")->bytes.len, 40000);
	assert_int_equal(find(t, "0.given.messages")->number, 2);
	assert_int_equal(find(t, "0.given.size")->number, (int64_t)of.text.len);
	assert_int_equal(find(t, "0.messages")->number, 0);
	assert_null(find(t, "0.0.http.path"));
	for (size_t i = 0; i < t->features.count; i++) {
		const struct hm_feature *f = &t->features.list[i];

		assert_int_equal(f->given, strncmp(f->name, "0.given.", 8) == 0);
		assert_true(!f->given || (f->tls && f->placed == (fits && f->text)));
	}
	assert_int_equal(find(t, "0.tls.closed") == NULL, fits);
	assert_int_equal(find(t, "0.tls.derived") != NULL, fits);
	assert_int_equal(find(t, "0.given.1.gap") != NULL, fits);
	hm_plain_fit_release(&of.fit);
	hm_bytes_release(&of.text);
	hm_plains_release(&plains);
	hm_flows_release(&flows);
	release(t);
}

static void what_was_given_has_names(void **state HM_UNUSED)
{
	static const char *const names[] = { "gcm-128", "12-c030", "12-cca8" };
	struct told t;

	for (size_t i = 0; i < HM_COUNT(names); i++)
		for (int fits = 0; fits < 2; fits++)
			give(&t, names[i], fits);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_byte_has_a_feature),
		cmocka_unit_test(fields_have_their_names),
		cmocka_unit_test(a_hello_has_parts),
		cmocka_unit_test(what_follows_is_derived),
		cmocka_unit_test(what_was_given_has_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
