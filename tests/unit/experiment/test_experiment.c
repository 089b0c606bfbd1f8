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
		0, 1,  0, 0,  /* 2: T is 1 for all 16 vectors: b 15 */
		0, 2,  2, 2,  /* 3: T is 6 where three signs agree: 4 vectors, b 3 */
		3, -3, 0, 3,  /* 4: T is 3, never less: b 15 */
		0, -7, -7, -7 /* 5: as 3 */
	};
	struct hm_experiment_matrix a = { .features = 6, .blocks = 3, .d = aa }, s = { .features = 6, .blocks = 4, .d = screen };
	struct hm_experiment_suspects out;
	struct hm_fail fail;

	assert_int_equal(hm_experiment_screen(&out, &a, &s, NULL, &fail), 0);
	assert_int_equal(out.candidates, 4);
	assert_int_equal(out.count, 4);
	assert_int_equal(out.feature[0], 3);
	assert_int_equal(out.feature[1], 5);
	assert_int_equal(out.feature[2], 2);
	assert_int_equal(out.feature[3], 4);
	assert_int_equal(out.p[0].b, 3);
	assert_int_equal(out.p[0].m, 15);
	assert_int_equal(out.p[2].b, 15);
	assert_int_equal(out.held, 1); /* where all four differ */
}

/* Text that differs in every block, and of which no number says how; and the ninth and later of a crowd. */
static void suspects_without_direction(void **state HM_UNUSED)
{
	int64_t zero[24 * 6] = { 0 };
	uint8_t quiet[24 * 6] = { 0 }, loud[24 * 6] = { 0 };
	struct hm_experiment_matrix aa = { .features = 24, .blocks = 2, .d = zero, .differs = quiet };
	struct hm_experiment_matrix screen = { .features = 24, .blocks = 6, .d = zero, .differs = loud };
	struct hm_experiment_suspects out;
	struct hm_fail fail;

	for (size_t f = 3; f < 24; f++)
		loud[f * 6 + f % 2 + 4] = 1;
	quiet[4 * 2 + 1] = 1;
	assert_int_equal(hm_experiment_screen(&out, &aa, &screen, NULL, &fail), 0);
	assert_int_equal(out.candidates, 20);
	assert_int_equal(out.count, HM_EXPERIMENT_SUSPECTS);
	assert_int_equal(out.feature[0], 3);
	for (size_t i = 1; i < HM_EXPERIMENT_SUSPECTS; i++)
		assert_int_equal(out.feature[i], 4 + i);
	assert_int_equal(out.p[0].b, 63);
	assert_int_equal(out.held, 5); /* 3 5 7 9 11 there, 6 8 10 in block 4 */
	memset(loud, 0, sizeof(loud));
	assert_int_equal(hm_experiment_screen(&out, &aa, &screen, NULL, &fail), 0);
	assert_int_equal(out.candidates + out.count + out.held, 0);
}

static void screening_refuses(void **state HM_UNUSED)
{
	static const int64_t d[12];
	struct hm_experiment_matrix aa = { .features = 2, .blocks = 2, .d = d }, screen = { .features = 2, .blocks = 6, .d = d };
	struct hm_experiment_suspects out = { .count = 77 };
	struct hm_fail fail;

	aa.blocks = 0;
	assert_int_equal(hm_experiment_screen(&out, &aa, &screen, NULL, &fail), HM_E_USAGE);
	aa.blocks = 1025;
	assert_int_equal(hm_experiment_screen(&out, &aa, &screen, NULL, &fail), HM_E_USAGE);
	aa.blocks = 2;
	aa.features = 1;
	assert_int_equal(hm_experiment_screen(&out, &aa, &screen, NULL, &fail), HM_E_USAGE);
	assert_non_null(strstr(fail.text, "not the same ones"));
	aa.features = 2;
	screen.blocks = 0;
	assert_int_equal(hm_experiment_screen(&out, &aa, &screen, NULL, &fail), HM_E_USAGE);
	screen.blocks = 17;
	assert_int_equal(hm_experiment_screen(&out, &aa, &screen, NULL, &fail), HM_E_USAGE);
	assert_int_equal(out.count, 77);
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
	assert_string_equal(fail.text, "verdict from 6 pairs: they give every outcome a probability of 2 in 64 or more by chance alone, "
				       "and a verdict allows 1 in 100 (7 pairs are the least, 8 can confirm an influence)");
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
		cmocka_unit_test(screening_refuses),
		cmocka_unit_test(alpha_is_one_in_a_hundred),
		cmocka_unit_test(pairs_of_a_verdict),
		cmocka_unit_test(bounds_are_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
