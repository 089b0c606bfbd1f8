/* Runs that differ in what they send of a secret are told from runs that differ by themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "compare.h"

enum { AA = 8, SCREEN = 10, CONFIRM = 12, RUNS = 2 * (AA + SCREEN + CONFIRM) };

/* What a run sends, as one datagram of lines: a constant, a secret, a number that is different in every run. */
struct world {
	struct hm_compare *c;
	struct hm_compare_block block[RUNS / 2];
	struct hm_compare_phase aa, screen, confirm;
};

static void send_run(struct hm_compare *c, const char *payload)
{
	struct hm_flow flow = { .endpoint = (char *)(uintptr_t)"a.example:9/udp", .proto = 17, .port = 9, .messages = 1 };
	struct hm_flows flows = { .list = &flow, .count = 1 };
	struct hm_features features;
	size_t start = 0;

	hm_bytes_text(&flow.sent, payload);
	flow.message = &start;
	flow.wire = flow.sent.len + 28;
	hm_features_read(&features, &flows, NULL, NULL, false);
	hm_compare_run(c, &features, &flows, NULL);
	hm_features_release(&features);
	hm_bytes_release(&flow.sent);
}

static void set_phases(struct world *w)
{
	w->aa = (struct hm_compare_phase){ w->block, AA };
	w->screen = (struct hm_compare_phase){ w->block + AA, SCREEN };
	w->confirm = (struct hm_compare_phase){ w->block + AA + SCREEN, CONFIRM };
}

/* The block whose secrets are held. */
static unsigned held_block(struct world *w)
{
	HM_CLEANUP(hm_compare_result_release) struct hm_compare_result suspects = { 0 };
	struct hm_fail fail;

	if (hm_compare_screen(w->c, &w->aa, &w->screen, &suspects, &fail) < 0)
		fail_msg("%s", fail.text);
	return AA + (unsigned)suspects.held;
}

typedef char *make(unsigned block, unsigned level, unsigned run, bool held);

static void build(struct world *w, make *payload)
{
	unsigned run = 0, secrets = 0;

	*w = (struct world){ .c = hm_compare_new() };
	set_phases(w);
	for (unsigned b = 0; b < RUNS / 2; b++) {
		bool aa = b < AA, held = b >= AA + SCREEN;
		unsigned coin = b * 7 / 3 % 2;

		if (!held)
			secrets = b;
		else if (b == AA + SCREEN)
			secrets = held_block(w);
		for (unsigned place = 0; place < 2; place++, run++) {
			unsigned level = aa ? 0 : place ^ coin;
			HM_FREE char *text = payload(secrets, level, run, held);

			send_run(w->c, text);
			if (place)
				hm_compare_pair(w->c, aa ? 0 : held ? 2 : 1);
			w->block[b].run[aa ? place : level] = run;
		}
	}
}

static void finish(struct world *w, struct hm_compare_result *suspects, struct hm_compare_result *found)
{
	struct hm_fail fail;

	if (hm_compare_screen(w->c, &w->aa, &w->screen, suspects, &fail) < 0 ||
	    hm_compare_confirm(w->c, suspects, &w->aa, &w->screen, &w->confirm, NULL, found, &fail) < 0)
		fail_msg("%s", fail.text);
}

static void release(struct world *w, struct hm_compare_result *suspects, struct hm_compare_result *found)
{
	hm_compare_result_release(suspects);
	hm_compare_result_release(found);
	hm_compare_free(w->c);
}

static char *leak(unsigned block, unsigned level, unsigned run, bool held)
{
	(void)held;
	return hm_sprintf("Op: check\nDigest: %08x\nNonce: %u\n", (block * 2 + level) * 2654435761u, run * 977);
}

static char *no_leak(unsigned block, unsigned level, unsigned run, bool held)
{
	(void)block;
	(void)level;
	(void)held;
	return hm_sprintf("Op: check\nDigest: %08x\nNonce: %u\n", 77, run * 977);
}

static char *by_length(unsigned block, unsigned level, unsigned run, bool held)
{
	(void)block;
	(void)run;
	(void)held;
	return level ? hm_strdup("data of a length") : hm_strdup("data");
}

static void a_leak_is_found(void **state)
{
	struct hm_compare_result suspects, found;
	struct hm_compare_account account;
	struct hm_compare_bytes *list;
	struct world w;

	(void)state;
	build(&w, leak);
	finish(&w, &suspects, &found);
	assert_int_equal(suspects.count, 1);
	assert_int_equal(found.count, 1);
	assert_string_equal(found.list[0].endpoint, "a.example:9/udp");
	assert_string_equal(found.list[0].name, "0.0.line.digest");
	assert_int_equal(found.list[0].p.b, 0);
	assert_int_equal(found.list[0].p.m, 4095);
	assert_int_equal(hm_compare_endpoints(w.c, &list), 1);
	assert_true(list[0].wire > 28 * RUNS);
	/* Eight digits, as far as the two runs of a block have others; the number of a run, whose two digits and more change their length. */
	assert_int_equal(hm_compare_bits(w.c, found.list[0].key, 1), 0);
	assert_in_range(hm_compare_bits(w.c, found.list[0].key, 2), 8 * 7, 8 * 8);
	assert_in_range(hm_compare_bits(w.c, hm_compare_key(w.c, "a.example:9/udp", "0.0.line.nonce"), UINT64_MAX), 8 * 3, 8 * 5);
	assert_in_range(hm_compare_bits(w.c, hm_compare_key(w.c, "a.example:9/udp", "0.0.size"), UINT64_MAX), 1, 3);
	assert_int_equal(hm_compare_bits(w.c, hm_compare_key(w.c, "", "order"), UINT64_MAX), 0);
	/* The digest is the same in A/A blocks, and differs in the others but for a letter now and then. */
	hm_compare_account(w.c, found.list[0].key, &account);
	assert_int_equal(account.bytes, 8 * RUNS);
	assert_int_equal(account.constant, 0);
	assert_int_equal(account.differs, 1 << 1 | 1 << 2);
	assert_true(account.loose > 6 * (RUNS - 2 * AA) && account.loose <= 8 * (RUNS - 2 * AA));
	assert_int_equal(hm_compare_loose(w.c, found.list[0].key, 1), 0);
	hm_compare_account(w.c, hm_compare_key(w.c, "a.example:9/udp", "0.0.line.op"), &account);
	assert_int_equal(account.bytes, 5 * RUNS);
	assert_int_equal(account.constant, account.bytes);
	assert_int_equal(account.loose | account.differs, 0);
	free(list);
	release(&w, &suspects, &found);
}

/* In two runs of three, whatever they found: it differs between runs that found the same, too. */
static bool by_itself(unsigned run)
{
	return (run + 1) * 2654435761u >> 16 & 1 || run % 3 == 0;
}

static char *rare_leak(unsigned block, unsigned level, unsigned run, bool held)
{
	(void)held;
	return by_itself(run) ? hm_sprintf("Op: check\nDigest: %08x\nEnd: 1\n", (block * 2 + level) * 2654435761u) : hm_strdup("Op: check\nEnd: 1\n");
}

static char *rare_nonce(unsigned block, unsigned level, unsigned run, bool held)
{
	(void)block;
	(void)level;
	(void)held;
	return by_itself(run) ? hm_sprintf("Op: check\nDigest: %08x\nEnd: 1\n", run * 2654435761u) : hm_strdup("Op: check\nEnd: 1\n");
}

static void what_is_sent_now_and_then_is_found(void **state)
{
	struct hm_compare_result suspects, found;
	struct world w;

	(void)state;
	build(&w, rare_leak);
	finish(&w, &suspects, &found);
	for (size_t i = 0; i < suspects.count; i++)
		assert_string_not_equal(suspects.list[i].name, "0.0.line.digest");
	assert_int_equal(found.count, 1);
	assert_string_equal(found.list[0].name, "0.0.line.digest");
	release(&w, &suspects, &found);
	build(&w, rare_nonce);
	finish(&w, &suspects, &found);
	assert_int_equal(found.count, 0);
	release(&w, &suspects, &found);
}

static void a_nonce_is_none(void **state)
{
	struct hm_compare_result suspects, found;
	struct world w;

	(void)state;
	build(&w, no_leak);
	finish(&w, &suspects, &found);
	assert_int_equal(found.count, 0);
	release(&w, &suspects, &found);
}

static void a_length_tells(void **state)
{
	struct hm_compare_result suspects, found;
	struct world w;
	bool size = false;

	(void)state;
	build(&w, by_length);
	finish(&w, &suspects, &found);
	for (size_t i = 0; i < found.count; i++)
		size |= strcmp(found.list[i].name, "0.0.size") == 0;
	assert_true(size);
	release(&w, &suspects, &found);
}

/* Whether anything is sent at all. */
static void silence_tells(void **state)
{
	struct hm_compare_result suspects, found;
	struct world w = { .c = hm_compare_new() };
	struct hm_flows none = { .count = 0 };
	struct hm_features features;

	(void)state;
	for (unsigned run = 0; run < RUNS; run++) {
		w.block[run / 2].run[run % 2] = run;
		if (run % 2 && run >= 2 * AA) {
			send_run(w.c, "here");
			continue;
		}
		hm_features_read(&features, &none, NULL, NULL, false);
		hm_compare_run(w.c, &features, &none, NULL);
		hm_features_release(&features);
	}
	set_phases(&w);
	finish(&w, &suspects, &found);
	assert_true(found.count >= 2);
	assert_string_equal(found.list[0].endpoint, "");
	release(&w, &suspects, &found);
}

/* Blocks that no screening went before: what stands at its level in each is confirmed, what is different by itself is not. */
static void blocks_alone(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_compare_result_release) struct hm_compare_result found = { 0 };
	struct hm_fail fail;
	struct world w;

	build(&w, leak);
	assert_int_equal(hm_compare_alone(w.c, &w.aa, &w.confirm, NULL, &found, &fail), 0);
	assert_int_equal(found.count, 1);
	assert_string_equal(found.list[0].name, "0.0.line.digest");
	assert_int_equal(found.list[0].p.b, 1);
	hm_compare_result_release(&found);
	assert_int_equal(hm_compare_alone(w.c, &w.aa, &w.aa, NULL, &found, &fail), 0);
	assert_int_equal(found.count, 0);
	hm_compare_free(w.c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_leak_is_found),
		cmocka_unit_test(what_is_sent_now_and_then_is_found),
		cmocka_unit_test(a_nonce_is_none),
		cmocka_unit_test(a_length_tells),
		cmocka_unit_test(silence_tells),
		cmocka_unit_test(blocks_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
