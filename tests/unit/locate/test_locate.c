/* Simulated products: what each sends is a function of which secret characters have level 1, and of chance. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "locate.h"

enum { CSV = 2, LETTER = 4, MEMO = 5, NOTE = 6, PLAN = 8 };

typedef bool product(const struct hm_locate_part *parts, size_t count, unsigned *chance);

static unsigned draw(unsigned *state)
{
	*state = *state * 1103515245u + 12345u;
	return *state >> 16 & 0x7fff;
}

static bool touches(const struct hm_locate_part *parts, size_t count, uint32_t document, uint32_t from, uint32_t to)
{
	for (size_t i = 0; i < count; i++)
		if (parts[i].document == document && parts[i].from < to && from < parts[i].to)
			return true;
	return false;
}

enum { DOCUMENTS = 11, MORE = DOCUMENTS, THINGS };

static uint32_t places_of(const char *factor, uint32_t document)
{
	static const uint32_t content[THINGS] = { 56, 63, 213, 56, 151, 60, 67, 0, 60, 54, 46, 0 };

	if (strcmp(factor, "content") == 0)
		return content[document];
	if (strcmp(factor, "marking") == 0)
		return document == LETTER || document == MEMO || document == 1 || document == 9;
	return 1;
}

static struct hm_locate *start(uint8_t fill)
{
	static const char *const factors[] = { "content", "names", "marking" };
	struct hm_locate *l;
	uint8_t seed[32];

	memset(seed, fill, sizeof(seed));
	l = hm_locate_new(seed);
	for (size_t f = 0; f < HM_COUNT(factors); f++) {
		uint32_t places[THINGS];

		for (uint32_t i = 0; i < THINGS; i++)
			places[i] = places_of(factors[f], i);
		assert_true(hm_locate_factor(l, factors[f], places, THINGS));
		assert_false(hm_locate_factor(l, factors[f], places, THINGS));
	}
	return l;
}

/* The products' answers until nothing is asked any more; returns how many blocks it took. `send` tells whether a run sends another value than the
 * reference. */
static unsigned go_on(struct hm_locate *l, product *const *send, size_t count, unsigned chance)
{
	struct hm_locate_question q;
	unsigned blocks = 0;
	int d[HM_LOCATE_TARGETS];

	for (; hm_locate_next(l, &q); blocks++) {
		for (size_t i = 0; i < count; i++) {
			bool zero = send[i](q.level[0], q.count[0], &chance), one = send[i](q.level[1], q.count[1], &chance);

			d[i] = one - zero;
		}
		hm_locate_tell(l, d);
	}
	return blocks;
}

static struct hm_locate_result look(product *send, const char *factor, unsigned *blocks)
{
	struct hm_locate *l = start(1);
	struct hm_locate_result result;

	hm_locate_target(l, factor, 8, 8);
	*blocks = go_on(l, &send, 1, 1);
	assert_int_equal(hm_locate_result(l, 0, &result), 10);
	hm_locate_free(l);
	return result;
}

static void expect_place(const struct hm_locate_result *r, size_t at, uint32_t document, uint32_t from, uint32_t to)
{
	assert_true(r->count > at);
	assert_int_equal(r->place[at].part.document, document);
	assert_int_equal(r->place[at].part.from, from);
	assert_int_equal(r->place[at].part.to, to);
	assert_int_equal(r->place[at].confirmed, 10);
}

/* ---- products ---- */

static bool one_word(const struct hm_locate_part *parts, size_t count, unsigned *chance HM_UNUSED)
{
	return touches(parts, count, LETTER, 20, 25);
}

static void one_word_is_found(void **state HM_UNUSED)
{
	unsigned blocks;
	struct hm_locate_result r = look(one_word, "content", &blocks);

	assert_int_equal(r.reason, HM_LOCATED);
	assert_int_equal(r.count, 1);
	expect_place(&r, 0, LETTER, 20, 25);
	assert_int_equal(r.place[0].ground, 0);
	assert_int_equal(r.rest, 0);
	assert_in_range(blocks, 15, 45);
}

static bool whole_file(const struct hm_locate_part *parts, size_t count, unsigned *chance HM_UNUSED)
{
	return touches(parts, count, PLAN, 0, UINT32_MAX);
}

static void digest_of_a_file_is_all_of_it(void **state HM_UNUSED)
{
	unsigned blocks;
	struct hm_locate_result r = look(whole_file, "content", &blocks);

	assert_int_equal(r.reason, HM_LOCATED);
	expect_place(&r, 0, PLAN, 0, places_of("content", PLAN));
}

static bool either(const struct hm_locate_part *parts, size_t count, unsigned *chance HM_UNUSED)
{
	return touches(parts, count, CSV, 7, 8) || touches(parts, count, NOTE, 0, 20);
}

static void two_documents_are_found(void **state HM_UNUSED)
{
	unsigned blocks;
	struct hm_locate_result r = look(either, "content", &blocks);

	assert_int_equal(r.reason, HM_LOCATED);
	assert_int_equal(r.count, 2);
	expect_place(&r, 0, CSV, 7, 8);
	expect_place(&r, 1, NOTE, 0, 20);
	assert_int_equal(r.place[0].ground | r.place[1].ground, 0);
	assert_int_equal(r.rest, 0);
}

static bool both(const struct hm_locate_part *parts, size_t count, unsigned *chance HM_UNUSED)
{
	return touches(parts, count, CSV, 7, 8) && touches(parts, count, NOTE, 3, 9);
}

static void two_that_it_takes_are_found(void **state HM_UNUSED)
{
	unsigned blocks;
	struct hm_locate_result r = look(both, "content", &blocks);

	assert_int_equal(r.reason, HM_LOCATED);
	assert_int_equal(r.count, 2);
	expect_place(&r, 0, CSV, 7, 8);
	expect_place(&r, 1, NOTE, 3, 9);
	assert_int_equal(r.place[0].ground, 1 << NOTE);
	assert_int_equal(r.place[1].ground, 1 << CSV);
}

/* Two words of one document that it takes at once: both lie in the range. */
static bool both_words(const struct hm_locate_part *parts, size_t count, unsigned *chance HM_UNUSED)
{
	return touches(parts, count, MEMO, 4, 6) && touches(parts, count, MEMO, 30, 33);
}

static void words_that_it_takes_are_in_the_range(void **state HM_UNUSED)
{
	unsigned blocks;
	struct hm_locate_result r = look(both_words, "content", &blocks);

	assert_int_equal(r.reason, HM_LOCATED);
	expect_place(&r, 0, MEMO, 5, 31);
}

/* A bit of a digest: each mixture gives another, by its own chance. What is said must be so all the same. */
static bool one_bit(const struct hm_locate_part *parts, size_t count, unsigned *chance HM_UNUSED)
{
	unsigned hash = 5;

	for (size_t i = 0; i < count; i++)
		if (parts[i].document == NOTE)
			for (uint32_t p = parts[i].from; p < parts[i].to; p++)
				hash = hash * 31 + p * 7 + 3;
	if (count == 1 && parts[0].document == NOTE && parts[0].from == 0 && parts[0].to == places_of("content", NOTE))
		return true;
	return touches(parts, count, NOTE, 0, UINT32_MAX) && draw(&hash) % 2;
}

static void one_bit_is_in_its_document(void **state HM_UNUSED)
{
	unsigned blocks, chance = 0;
	struct hm_locate_result r = look(one_bit, "content", &blocks);

	for (size_t i = 0; i < r.count; i++) {
		assert_int_equal(r.place[i].part.document, NOTE);
		assert_true(one_bit(&r.place[i].part, 1, &chance));
	}
}

static bool everything(const struct hm_locate_part *parts HM_UNUSED, size_t count, unsigned *chance HM_UNUSED)
{
	return count > 0;
}

static void all_documents_are_many(void **state HM_UNUSED)
{
	unsigned blocks;
	struct hm_locate_result r = look(everything, "content", &blocks);

	assert_int_equal(r.reason, HM_LOCATE_MANY);
	assert_int_equal(r.count, 0);
	assert_in_range(blocks, 4, 20);
}

/* The length of a name. */
static bool a_name(const struct hm_locate_part *parts, size_t count, unsigned *chance HM_UNUSED)
{
	return touches(parts, count, LETTER, 0, 1);
}

static void a_name_is_found(void **state HM_UNUSED)
{
	unsigned blocks;
	struct hm_locate_result r = look(a_name, "names", &blocks);

	assert_int_equal(r.reason, HM_LOCATED);
	expect_place(&r, 0, LETTER, 0, 1);
	assert_int_equal(r.rest, 0);
	r = look(a_name, "marking", &blocks);
	expect_place(&r, 0, LETTER, 0, 1);
}

static bool more_of_them(const struct hm_locate_part *parts, size_t count, unsigned *chance HM_UNUSED)
{
	return touches(parts, count, MORE, 0, 1);
}

static void how_many_there_are_is_found(void **state HM_UNUSED)
{
	unsigned blocks;
	struct hm_locate_result r = look(more_of_them, "names", &blocks);

	expect_place(&r, 0, MORE, 0, 1);
}

/* ---- chance ---- */

static bool by_chance(const struct hm_locate_part *parts HM_UNUSED, size_t count HM_UNUSED, unsigned *chance)
{
	return draw(chance) % 2;
}

/* Nothing is located of what depends on nothing, however often it is tried: 4,000 targets, of which one in 800 may be. */
static void chance_is_not_located(void **state HM_UNUSED)
{
	unsigned located = 0;

	for (unsigned i = 0; i < 4000; i++) {
		struct hm_locate *l = start((uint8_t)i);
		product *send = by_chance;
		struct hm_locate_result result;

		hm_locate_target(l, "content", 8, 8);
		go_on(l, &send, 1, i * 77 + 5);
		hm_locate_result(l, 0, &result);
		located += result.count > 0;
		assert_false(result.count == 0 && result.reason == HM_LOCATED);
		hm_locate_free(l);
	}
	assert_in_range(located, 0, 15);
}

/* Seven times of ten. */
static bool often(const struct hm_locate_part *parts, size_t count, unsigned *chance)
{
	return touches(parts, count, LETTER, 20, 25) && draw(chance) % 10 < 7;
}

static void what_leaks_often_is_found_where_it_is(void **state HM_UNUSED)
{
	unsigned right = 0;

	for (unsigned i = 0; i < 200; i++) {
		struct hm_locate *l = start((uint8_t)i);
		product *send = often;
		struct hm_locate_result r;

		hm_locate_target(l, "content", 7, 10);
		go_on(l, &send, 1, i * 991 + 1);
		hm_locate_result(l, 0, &r);
		for (size_t k = 0; k < r.count; k++)
			assert_true(touches(&r.place[k].part, 1, LETTER, 20, 25));
		right += r.count == 1;
		hm_locate_free(l);
	}
	assert_in_range(right, 140, 200);
}

static void what_comes_and_goes_is_not_looked_for(void **state HM_UNUSED)
{
	static const struct {
		unsigned steady, of;
		bool looked;
	} rows[] = { { 8, 8, true }, { 4, 8, false }, { 6, 8, true }, { 0, 8, false }, { 0, 0, false }, { 3, 60, false } };

	for (size_t i = 0; i < HM_COUNT(rows); i++) {
		struct hm_locate *l = start(3);
		struct hm_locate_question q;
		struct hm_locate_result r;

		hm_locate_target(l, "content", rows[i].steady, rows[i].of);
		assert_int_equal(hm_locate_next(l, &q), rows[i].looked);
		hm_locate_result(l, 0, &r);
		assert_int_equal(r.reason == HM_LOCATE_UNSTEADY, !rows[i].looked);
		hm_locate_free(l);
	}
}

/* ---- several, and blocks that are dropped ---- */

static void targets_share_what_was_asked(void **state HM_UNUSED)
{
	product *const send[] = { one_word, one_word, whole_file, one_word };
	struct hm_locate *one = start(9), *all = start(9);
	unsigned alone, shared;
	struct hm_locate_result r;

	hm_locate_target(one, "content", 8, 8);
	alone = go_on(one, send, 1, 1);
	for (unsigned i = 0; i < 4; i++)
		hm_locate_target(all, "content", 8, 8);
	shared = go_on(all, send, 4, 1);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(hm_locate_result(all, i, &r), 12); /* 2^12 is 3200 and more */
		assert_int_equal(r.reason, HM_LOCATED);
		assert_int_equal(r.place[0].part.document, i == 2 ? PLAN : LETTER);
	}
	assert_in_range(shared, alone, 3 * alone);
	hm_locate_free(one);
	hm_locate_free(all);
}

static void what_is_no_thing_is_refused(void **state HM_UNUSED)
{
	const uint32_t none[3] = { 0 }, many[HM_LOCATE_THINGS + 1] = { 1 };
	struct hm_locate *l = start(1);
	struct hm_locate_question q;

	assert_false(hm_locate_factor(l, "host", none, 3));
	assert_false(hm_locate_factor(l, "host", many, HM_COUNT(many)));
	assert_false(hm_locate_can(l, "host"));
	assert_true(hm_locate_can(l, "names"));
	hm_locate_target(l, "host", 8, 8);
	assert_false(hm_locate_next(l, &q));
	hm_locate_free(l);
}

static void a_dropped_block_is_asked_again(void **state HM_UNUSED)
{
	struct hm_locate *l = start(4);
	struct hm_locate_question first, again;

	hm_locate_target(l, "content", 8, 8);
	assert_true(hm_locate_next(l, &first));
	hm_locate_tell(l, NULL);
	assert_true(hm_locate_next(l, &again));
	assert_memory_equal(&first, &again, sizeof(first));
	hm_locate_free(l);
}

static bool four_words(const struct hm_locate_part *parts, size_t count, unsigned *chance HM_UNUSED)
{
	return touches(parts, count, CSV, 7, 8) || touches(parts, count, NOTE, 3, 9) || touches(parts, count, LETTER, 50, 70) ||
	       touches(parts, count, PLAN, 2, 4);
}

static bool in_csv(const struct hm_locate_part *parts, size_t count, unsigned *chance HM_UNUSED)
{
	return touches(parts, count, CSV, 90, 91);
}

static void out_of_blocks_is_said(void **state HM_UNUSED)
{
	product *const send[] = { four_words, one_word, whole_file, in_csv, both_words };
	struct hm_locate *l = start(5);
	struct hm_locate_result r;

	for (size_t i = 0; i < HM_COUNT(send); i++)
		hm_locate_target(l, "content", 8, 8);
	assert_int_equal(go_on(l, send, HM_COUNT(send), 1), HM_LOCATE_BLOCKS);
	hm_locate_result(l, 0, &r);
	assert_int_equal(r.count, 4);
	hm_locate_result(l, HM_COUNT(send) - 1, &r);
	assert_int_equal(r.reason, HM_LOCATE_BLOCKS_OUT);
	hm_locate_free(l);
}

/* Whoever replays the answers asks the same. */
static void a_replay_asks_the_same(void **state HM_UNUSED)
{
	struct hm_locate *a = start(6), *b = start(6);
	struct hm_locate_question p, q;
	unsigned chance = 1;

	hm_locate_target(a, "content", 7, 8);
	hm_locate_target(b, "content", 7, 8);
	while (hm_locate_next(a, &p)) {
		int d = often(p.level[1], p.count[1], &chance);

		assert_true(hm_locate_next(b, &q));
		assert_memory_equal(&p, &q, sizeof(p));
		hm_locate_tell(a, &d);
		hm_locate_tell(b, &d);
	}
	assert_false(hm_locate_next(b, &q));
	hm_locate_free(a);
	hm_locate_free(b);
}

/* ---- two comparisons ---- */

/* A run that has the feature with one value or another; returns its number. */
static size_t take(struct hm_compare *c, const char *endpoint, const char *name, bool other)
{
	struct hm_feature feature = { .endpoint = endpoint, .name = (char *)(uintptr_t)name, .text = true, .flow = SIZE_MAX,
				      .bytes = hm_slice_text(other ? "other" : "same") };
	const struct hm_features features = { .list = &feature, .count = 1 };
	const struct hm_flows none = { 0 };
	static size_t numbers[2];
	size_t *number = &numbers[strcmp(endpoint, "disk") == 0];

	hm_compare_run(c, &features, &none, NULL);
	return (*number)++;
}

/* What is left on disk has runs of its own numbers, of which there are more, and comes from elsewhere than what is sent. */
static void each_kind_has_its_own_runs(void **state HM_UNUSED)
{
	static product *const products[HM_LOCATE_KINDS] = { one_word, whole_file };
	static const char *const endpoints[HM_LOCATE_KINDS] = { "far:1/udp", "disk" }, *const names[HM_LOCATE_KINDS] = { "0.0.data", "all" };
	struct hm_locate_seen seen[HM_LOCATE_KINDS] = { { hm_compare_new(), { { 0 } } }, { hm_compare_new(), { { 0 } } } };
	struct hm_compare_block confirm[8];
	struct hm_locate *l = start(1);
	struct hm_locate_question q;
	unsigned chance = 0;

	for (enum hm_locate_kind kind = HM_LOCATE_SENT; kind < HM_LOCATE_KINDS; kind++) {
		struct hm_compare *c = (struct hm_compare *)(uintptr_t)seen[kind].compare;
		struct hm_compare_found found = { .endpoint = endpoints[kind], .name = names[kind] };

		for (int i = 0; kind == HM_LOCATE_KEPT && i < 3; i++)
			take(c, endpoints[kind], names[kind], false);
		for (size_t i = 0; i < HM_COUNT(confirm); i++) {
			confirm[i].run[0] = take(c, endpoints[kind], names[kind], false);
			confirm[i].run[1] = take(c, endpoints[kind], names[kind], true);
		}
		found.key = hm_compare_key(c, endpoints[kind], names[kind]);
		hm_locate_add(l, "content", kind, c, &(struct hm_compare_result){ .list = &found, .count = 1 },
			      &(struct hm_compare_phase){ confirm, HM_COUNT(confirm) });
	}
	while (hm_locate_next(l, &q)) {
		for (enum hm_locate_kind kind = HM_LOCATE_SENT; kind < HM_LOCATE_KINDS; kind++)
			for (int level = 0; level < 2; level++)
				seen[kind].block.run[level] = take((struct hm_compare *)(uintptr_t)seen[kind].compare, endpoints[kind], names[kind],
								   products[kind](q.level[level], q.count[level], &chance));
		hm_locate_answer(l, seen);
	}
	for (enum hm_locate_kind kind = HM_LOCATE_SENT; kind < HM_LOCATE_KINDS; kind++) {
		struct hm_locate_result r;

		assert_int_equal(hm_locate_result(l, kind, &r), 11);
		assert_int_equal(r.reason, HM_LOCATED);
		assert_int_equal(r.count, 1);
		assert_int_equal(r.place[0].part.document, kind == HM_LOCATE_KEPT ? PLAN : LETTER);
		hm_compare_free((struct hm_compare *)(uintptr_t)seen[kind].compare);
	}
	hm_locate_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_word_is_found),
		cmocka_unit_test(digest_of_a_file_is_all_of_it),
		cmocka_unit_test(two_documents_are_found),
		cmocka_unit_test(two_that_it_takes_are_found),
		cmocka_unit_test(words_that_it_takes_are_in_the_range),
		cmocka_unit_test(one_bit_is_in_its_document),
		cmocka_unit_test(all_documents_are_many),
		cmocka_unit_test(a_name_is_found),
		cmocka_unit_test(how_many_there_are_is_found),
		cmocka_unit_test(chance_is_not_located),
		cmocka_unit_test(what_leaks_often_is_found_where_it_is),
		cmocka_unit_test(what_comes_and_goes_is_not_looked_for),
		cmocka_unit_test(targets_share_what_was_asked),
		cmocka_unit_test(what_is_no_thing_is_refused),
		cmocka_unit_test(a_dropped_block_is_asked_again),
		cmocka_unit_test(out_of_blocks_is_said),
		cmocka_unit_test(a_replay_asks_the_same),
		cmocka_unit_test(each_kind_has_its_own_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
