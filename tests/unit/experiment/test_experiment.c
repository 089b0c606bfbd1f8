#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "experiment.h"
#include "text.h"

/* Values of Python's hmac over the labels; the seed is 00 01 02 .. 1f. */
static void coins_and_secrets(void **state HM_UNUSED)
{
	static const char coins[] = "111110101000";
	uint8_t seed[32];
	struct hm_sha256 secret;
	struct hm_fail fail;
	char hex[65];

	for (size_t i = 0; i < sizeof(seed); i++)
		seed[i] = (uint8_t)i;
	for (uint32_t block = 0; block < sizeof(coins) - 1; block++)
		assert_int_equal(hm_experiment_coin(seed, "confirm", block, &fail), coins[block] - '0');
	assert_int_equal(hm_experiment_secret(&secret, seed, "screen", "content", 1, 4294967295u, &fail), 0);
	hm_text_hex_into(hex, (struct hm_slice){ secret.b, sizeof(secret.b) });
	assert_string_equal(hex, "77d00a627b2863f056902fe1340b0c083a974140f0efd648bb8f9e6dcac7cefe");
}

static void labels_cannot_be_confused(void **state HM_UNUSED)
{
	static const char *const bad[] = { "", "a/b", "A", "a b", "\xc3\xa4",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };
	uint8_t seed[32] = { 0 };
	struct hm_sha256 secret = { .b = { 9 } };
	struct hm_fail fail;

	for (size_t i = 0; i < HM_COUNT(bad); i++) {
		assert_int_equal(hm_experiment_coin(seed, bad[i], 0, &fail), HM_E_USAGE);
		assert_int_equal(hm_experiment_secret(&secret, seed, bad[i], "content", 0, 0, &fail), HM_E_USAGE);
		assert_int_equal(hm_experiment_secret(&secret, seed, "screen", bad[i], 0, 0, &fail), HM_E_USAGE);
	}
	assert_int_equal(hm_experiment_secret(&secret, seed, "screen", "content", 2, 0, &fail), HM_E_USAGE);
	assert_int_equal(secret.b[0], 9);
	assert_in_range(hm_experiment_coin(seed, bad[5] + 1, 0, &fail), 0, 1);
}

/* Six features over three A/A blocks and four others. */
static void suspects_by_hand(void **state HM_UNUSED)
{
	static const int64_t aa[] = {
		0, 0, 0, /* 0: constant */
		0, 5, 0, /* 1: differs by itself */
		0, 0, 0, /* 2 */
		0, 0, 0, /* 3 */
		0, 0, 0, /* 4 */
		0, 0, 0, /* 5 */
	};
	static const int64_t screen[] = {
		0, 0,  0, 0,  /* 0 */
		9, 9,  9, 9,  /* 1: not believed */
		0, 0,  1, 0,  /* 2: in one */
		0, 2,  2, 2,  /* 3: in three */
		3, -3, 0, 0,  /* 4: in two */
		0, -7, -7, -7 /* 5: as 3 */
	};
	struct hm_experiment_matrix a = { .features = 6, .blocks = 3, .d = aa }, s = { .features = 6, .blocks = 4, .d = screen };
	static const size_t wanted[] = { 3, 5, 4, 2 }, counts[] = { 3, 3, 2, 1 };
	struct hm_experiment_suspects out;
	struct hm_fail fail;

	assert_int_equal(hm_experiment_screen(&out, &a, &s, &fail), 0);
	assert_int_equal(out.candidates, 4);
	assert_int_equal(out.count, HM_COUNT(wanted));
	for (size_t i = 0; i < HM_COUNT(wanted); i++) {
		assert_int_equal(out.feature[i], wanted[i]);
		assert_int_equal(out.differs[i], counts[i]);
	}
	assert_int_equal(out.held, 1); /* 3 and 5 leave blocks 1 to 3, 4 then only 1 */
}

/* Text that differs, of which no number says how; the last of a crowd; and votes where no suspect decides. */
static void suspects_without_direction(void **state HM_UNUSED)
{
	int64_t zero[24 * 9] = { 0 };
	uint8_t quiet[24 * 3] = { 0 }, loud[24 * 9] = { 0 };
	struct hm_experiment_matrix aa = { .features = 24, .blocks = 3, .d = zero, .differs = quiet };
	struct hm_experiment_matrix screen = { .features = 24, .blocks = 9, .d = zero, .differs = loud };
	struct hm_experiment_suspects out;
	struct hm_fail fail;

	for (size_t f = 3; f < 24; f++)
		loud[f * 9 + f % 2 + 7] = HM_EXPERIMENT_DIFFERS;
	quiet[4 * 3 + 1] = 1;
	assert_int_equal(hm_experiment_screen(&out, &aa, &screen, &fail), 0);
	assert_int_equal(out.candidates, 20);
	assert_int_equal(out.count, HM_EXPERIMENT_SUSPECTS);
	assert_int_equal(out.feature[0], 3);
	for (size_t i = 1; i < HM_EXPERIMENT_SUSPECTS; i++)
		assert_int_equal(out.feature[i], 4 + i);
	/* One block of nine is too few to decide. Of 16 suspects half differ in each of 7 and 8: 3 5 7 .. 19 there, 6 8 .. 18 here. */
	assert_int_equal(out.held, 8);
	loud[0 * 9 + 2] = loud[23 * 9 + 2] = HM_EXPERIMENT_OWN;
	assert_int_equal(hm_experiment_screen(&out, &aa, &screen, &fail), 0);
	assert_int_equal(out.held, 2); /* values of their own go before suspects */
	quiet[0] = quiet[3] = quiet[23 * 3] = quiet[23 * 3 + 2] = 1;
	loud[1 * 9 + 4] = HM_EXPERIMENT_OWN;
	assert_int_equal(hm_experiment_screen(&out, &aa, &screen, &fail), 0);
	assert_int_equal(out.held, 2); /* one A/A block of three is no matter, two are: one against one, of equals the first */
	quiet[1] = 1;
	assert_int_equal(hm_experiment_screen(&out, &aa, &screen, &fail), 0);
	assert_int_equal(out.held, 4);
	memset(loud, 0, sizeof(loud));
	assert_int_equal(hm_experiment_screen(&out, &aa, &screen, &fail), 0);
	assert_int_equal(out.candidates + out.count + out.held, 0);
}

/* Timings: 0 is off by 5 ms A/A and so has to be by more than 30, 1 by more than 20 to differ; 2 can never be off enough. */
static void timings_have_a_tolerance(void **state HM_UNUSED)
{
	static const int64_t aa[] = { -5000, 100, 0, 0, 0, INT64_MIN, 0, 0 };
	static const int64_t screen[] = {
		30000, 30001, -30001, 90000, /* 0 */
		20001, -20001, 0, 20001, /* 1 */
		INT64_MAX, INT64_MIN, INT64_MIN, INT64_MIN, /* 2 */
		0, 0, 1, 0, /* 3: no timing, and goes first */
	};
	static const uint8_t kind[] = { HM_EXPERIMENT_TIMING, HM_EXPERIMENT_TIMING, HM_EXPERIMENT_TIMING, HM_EXPERIMENT_SIZED };
	struct hm_experiment_matrix a = { .features = 4, .blocks = 2, .d = aa };
	struct hm_experiment_matrix s = { .features = 4, .blocks = 4, .d = screen, .kind = kind, .narrow = true };
	int64_t twice[16];
	struct hm_experiment_suspects out;
	struct hm_fail fail;

	assert_int_equal(hm_experiment_screen(&out, &a, &s, &fail), 0);
	assert_int_equal(out.count, 3);
	assert_int_equal(out.feature[0], 3);
	assert_int_equal(out.feature[1], 0);
	assert_int_equal(out.differs[1], 3);
	assert_int_equal(out.tolerance[1], 30000);
	assert_int_equal(out.feature[2], 1);
	assert_int_equal(out.tolerance[2], 20000);
	assert_int_equal(out.held, 2);
	memcpy(twice, screen, sizeof(twice));
	twice[1] = 0;
	s.d = twice;
	assert_int_equal(hm_experiment_screen(&out, &a, &s, &fail), 0);
	assert_int_equal(out.count, 2);
	assert_int_equal(out.feature[1], 1);
	/* an eighth more since semantics 4: 30001 is no difference then */
	s.d = screen;
	s.narrow = false;
	assert_int_equal(hm_experiment_screen(&out, &a, &s, &fail), 0);
	assert_int_equal(out.count, 2);
	assert_int_equal(out.feature[1], 1);
	assert_true(hm_experiment_off(screen, 4, 30000));
	assert_false(hm_experiment_off(screen, 4, 30001)); /* two of four are not more than half */
	assert_false(hm_experiment_off(screen + 8, 4, UINT64_MAX));
	assert_false(hm_experiment_off(screen, 0, 0));
}

/* Every fourth of 24 or more, and what that leaves for a bound. */
static void some_blocks_repeat(void **state HM_UNUSED)
{
	unsigned repeating = 0;

	for (unsigned b = 0; b < 61; b++) {
		assert_false(hm_experiment_repeats(23, b, false));
		assert_true(hm_experiment_repeats(23, b, true));
		assert_int_equal(hm_experiment_repeats(61, b, b & 1), b % 4 == 3);
		repeating += hm_experiment_repeats(61, b, true);
	}
	assert_int_equal(hm_experiment_drawn(61, 61, 40, true, false), 61 - repeating);
	assert_int_equal(hm_experiment_drawn(60, 60, 40, false, false), 45);
	assert_int_equal(hm_experiment_drawn(60, 50, 40, false, false), 35);
	assert_int_equal(hm_experiment_drawn(60, 3, 40, false, false), 40);
	assert_int_equal(hm_experiment_drawn(24, 24, 16, false, false), 18);
	assert_int_equal(hm_experiment_drawn(23, 23, 15, false, false), 23);
	assert_int_equal(hm_experiment_drawn(12, 12, 10, false, false), 12);
	/* With suspects they all repeat; what is left is screening. So it is when they were skipped. */
	assert_int_equal(hm_experiment_drawn(12, 12, 10, true, false), 10);
	assert_int_equal(hm_experiment_drawn(12, 8, 10, false, true), 10);
	assert_int_equal(hm_experiment_drawn(12, 0, 10, false, true), 10);
}

static void screening_refuses(void **state HM_UNUSED)
{
	static const int64_t d[12];
	struct hm_experiment_matrix aa = { .features = 2, .blocks = 2, .d = d }, screen = { .features = 2, .blocks = 6, .d = d };
	struct hm_experiment_suspects out = { .count = 77 };
	struct hm_fail fail;

	aa.blocks = 0;
	assert_int_equal(hm_experiment_screen(&out, &aa, &screen, &fail), HM_E_USAGE);
	aa.blocks = 1025;
	assert_int_equal(hm_experiment_screen(&out, &aa, &screen, &fail), HM_E_USAGE);
	aa.blocks = 2;
	aa.features = 1;
	assert_int_equal(hm_experiment_screen(&out, &aa, &screen, &fail), HM_E_USAGE);
	assert_non_null(strstr(fail.text, "not the same ones"));
	aa.features = 2;
	screen.blocks = 0;
	assert_int_equal(hm_experiment_screen(&out, &aa, &screen, &fail), HM_E_USAGE);
	assert_int_equal(out.count, 77);
}

enum { NONE = INT32_MIN };

static void values_of(struct hm_experiment_value *out, const int *values, size_t count)
{
	for (size_t i = 0; i < count; i++)
		out[i] = (struct hm_experiment_value){ values[i] != NONE, values[i] };
}

/* Confirming blocks, level 0 before level 1 in each. */
static bool foretold_of(int64_t *d, const int held[2], const int *confirm, size_t blocks, bool suspect, bool own)
{
	struct hm_experiment_value values[64];
	struct hm_experiment_told told = { .suspect = suspect, .own = own, .confirm = values, .blocks = blocks };

	values_of(told.held, held, 2);
	values_of(values, confirm, 2 * blocks);
	return hm_experiment_direct(d, &told);
}

static bool foretold(int64_t d[8], const int held[2], const int confirm[16], bool own)
{
	return foretold_of(d, held, confirm, 8, false, own);
}

static void what_a_held_block_foretells(void **state HM_UNUSED)
{
	static const int both[2] = { 5, 6 }, equal[2] = { 5, 5 }, one[2] = { NONE, 6 }, other[2] = { 5, NONE }, neither[2] = { NONE, NONE };
	static const int always[16] = { 5, 6, 5, 6, 5, 6, 6, 5, 5, 6, 5, 6, 5, 6, 5, 6 };
	/* 6 is known; 7 comes twice, so it is the other's; 8 and 9 come once. */
	static const int rarely[64] = { 5, 6, 5, 6, 5, 6, 5, 6, 5, 6, 5, 6, 5, 6 }; /* 7 blocks, and then the same everywhere */
	static const int some[16] = { 7, 6, 7, NONE, NONE, 6, 8, 9, NONE, 6, 7, 6, NONE, 6, 6, 7 };
	int64_t d[32];

	assert_true(foretold(d, both, always, true));
	assert_memory_equal(d, ((int64_t[]){ 1, 1, 1, -1, 1, 1, 1, 1 }), 8 * sizeof(*d));
	assert_false(foretold(d, both, always, false));
	assert_false(foretold(d, equal, always, true));
	assert_false(foretold(d, neither, always, true));
	assert_true(foretold(d, one, some, true));
	assert_memory_equal(d, ((int64_t[]){ 1, 1, 1, 0, 1, 1, 1, -1 }), 8 * sizeof(*d));
	assert_true(foretold(d, other, always, true));
	assert_memory_equal(d, ((int64_t[]){ 1, 1, 1, -1, 1, 1, 1, 1 }), 8 * sizeof(*d));
	assert_true(foretold_of(d, both, always, 8, true, false));
	assert_true(foretold_of(d, both, rarely, 28, true, false));
	assert_true(foretold_of(d, both, rarely, 29, true, true));
	assert_false(foretold_of(d, both, rarely, 29, true, false)); /* 7 of 29 blocks tell, and it is a suspect only */
	/* With both known, other values tell nothing: 5 blocks are too few. */
	assert_false(foretold(d, both, some, true));
}

static void values_of_a_blocks_own(void **state HM_UNUSED)
{
	static const int runs[] = { 1, 1, 2, 3, 3, NONE, NONE, NONE, 4, 5, NONE, 6 };
	static const enum hm_experiment_differs wanted[] = { HM_EXPERIMENT_SAME, HM_EXPERIMENT_DIFFERS, HM_EXPERIMENT_DIFFERS,
							     HM_EXPERIMENT_SAME, HM_EXPERIMENT_OWN,	HM_EXPERIMENT_OWN };
	struct hm_experiment_value values[HM_COUNT(runs)];

	values_of(values, runs, HM_COUNT(runs));
	for (size_t b = 0; b < HM_COUNT(wanted); b++)
		assert_int_equal(hm_experiment_differ(values, HM_COUNT(wanted), b), wanted[b]);
}

static void phases_follow_from_pairs(void **state HM_UNUSED)
{
	static const struct {
		unsigned pairs, aa, screening;
	} rows[] = { { 7, 8, 10 }, { 8, 8, 10 }, { 12, 8, 10 }, { 16, 8, 10 }, { 17, 8, 11 }, { 40, 10, 26 }, { 60, 15, 40 }, { 1000, 16, 40 },
		     { UINT32_MAX, 16, 40 } };

	for (size_t i = 0; i < HM_COUNT(rows); i++) {
		assert_int_equal(hm_experiment_aa(rows[i].pairs), rows[i].aa);
		assert_int_equal(hm_experiment_screening(rows[i].pairs), rows[i].screening);
	}
}

static void alpha_is_one_in_a_hundred(void **state HM_UNUSED)
{
	static const struct {
		struct hm_experiment_p p;
		bool confirmed;
	} rows[] = {
		{ { 1, 4095, 1 }, true },    { { 1, 4095, 39 }, true },    { { 1, 4095, 40 }, false },
		{ { 99, 9999, 99 }, true },  { { 99, 9999, 100 }, false }, { { 1, 127, 1 }, false },
		{ { 0, UINT32_MAX, UINT32_MAX }, false },
	};

	for (size_t i = 0; i < HM_COUNT(rows); i++)
		assert_int_equal(hm_experiment_confirmed(&rows[i].p), rows[i].confirmed);
}

static void pairs_of_a_verdict(void **state HM_UNUSED)
{
	struct hm_fail fail;

	assert_int_equal(hm_experiment_pairs(6, &fail), HM_E_USAGE);
	assert_string_equal(fail.text, "verdict from 6 pairs: they give every outcome a probability of 1 in 64 or more by chance alone, "
				       "and a verdict allows 1 in 100 (7 pairs are the least)");
	assert_int_equal(hm_experiment_pairs(0, &fail), HM_E_USAGE);
	assert_int_equal(hm_experiment_pairs(7, &fail), 0);
	assert_int_equal(hm_experiment_pairs(1024, &fail), 0);
	assert_int_equal(hm_experiment_pairs(1025, &fail), HM_E_USAGE);
	assert_int_equal(hm_experiment_pairs(UINT64_MAX, &fail), HM_E_USAGE);
}

static void bounds_are_exact(void **state HM_UNUSED)
{
	/* By hand: 20 (1 - q)^n <= 1. */
	static const struct {
		unsigned n, rate;
	} rows[] = { { 1, 9500 }, { 2, 7764 }, { 3, 6316 }, { 12, 2210 }, { 59, 496 }, { 299, 100 }, { 1000, 30 }, { 4096, 8 } };

	for (size_t i = 0; i < HM_COUNT(rows); i++)
		assert_int_equal(hm_experiment_rate(rows[i].n), rows[i].rate);
	/* With 128 bits one can still see that the rate is the smallest. */
	for (unsigned n = 1; n <= 8; n++) {
		unsigned __int128 least = 20, less = 20, one = 1;

		for (unsigned i = 0; i < n; i++) {
			least *= 10000 - hm_experiment_rate(n);
			less *= 10000 - (hm_experiment_rate(n) - 1);
			one *= 10000;
		}
		assert_true(least <= one);
		assert_true(less > one);
	}
	assert_int_equal(hm_experiment_rate(0), 10000);
	assert_int_equal(hm_experiment_rate(UINT32_MAX), hm_experiment_rate(HM_EXPERIMENT_PAIRS_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(coins_and_secrets),
		cmocka_unit_test(labels_cannot_be_confused),
		cmocka_unit_test(suspects_by_hand),
		cmocka_unit_test(suspects_without_direction),
		cmocka_unit_test(timings_have_a_tolerance),
		cmocka_unit_test(some_blocks_repeat),
		cmocka_unit_test(screening_refuses),
		cmocka_unit_test(what_a_held_block_foretells),
		cmocka_unit_test(values_of_a_blocks_own),
		cmocka_unit_test(phases_follow_from_pairs),
		cmocka_unit_test(alpha_is_one_in_a_hundred),
		cmocka_unit_test(pairs_of_a_verdict),
		cmocka_unit_test(bounds_are_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
