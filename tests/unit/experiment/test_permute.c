#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "experiment.h"

static uint64_t state_of_random;

static uint64_t some(void)
{
	state_of_random ^= state_of_random << 13;
	state_of_random ^= state_of_random >> 7;
	state_of_random ^= state_of_random << 17;
	return state_of_random;
}

/* Bit f of `directed`: row f was foretold. */
static void test_as(struct hm_experiment_p *p, const int64_t *d, size_t features, size_t blocks, unsigned directed,
		    const struct hm_experiment_draws *draws)
{
	uint8_t kind[32] = { 0 };
	struct hm_experiment_matrix m = { .features = features, .blocks = blocks, .d = d, .kind = kind };
	struct hm_fail fail;

	for (size_t f = 0; f < features; f++)
		kind[f] = directed >> f & 1 ? HM_EXPERIMENT_DIRECTED : HM_EXPERIMENT_SIZED;
	assert_int_equal(hm_experiment_test(p, &m, draws, &fail), 0);
}

static void test_of(struct hm_experiment_p *p, const int64_t *d, size_t features, size_t blocks, const struct hm_experiment_draws *draws)
{
	test_as(p, d, features, blocks, 0, draws);
}

static void same_p(const struct hm_experiment_p *p, uint32_t b, uint32_t m, uint32_t family)
{
	assert_int_equal(p->b, b);
	assert_int_equal(p->m, m);
	assert_int_equal(p->family, family);
}

/* Twelve blocks that agree: only the vector with every sign turned is as extreme. */
static void one_leak_of_twelve(void **state HM_UNUSED)
{
	static const int64_t d[12] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 };
	struct hm_experiment_p p;

	test_of(&p, d, 1, 12, NULL);
	same_p(&p, 1, 4095, 1);
	assert_true(hm_experiment_confirmed(&p));
	test_of(&p, d, 1, 7, NULL);
	same_p(&p, 1, 127, 1);
	assert_false(hm_experiment_confirmed(&p)); /* 2 in 128 */
	test_of(&p, d, 1, 8, NULL);
	same_p(&p, 1, 255, 1);
	assert_true(hm_experiment_confirmed(&p)); /* 2 in 256 */
	test_of(&p, d, 1, 1, NULL);
	same_p(&p, 1, 1, 1);
}

/* By hand. Signs of the three blocks, and T of 1 2 3 and of 3 1 -1, each also with all signs turned:
 *     +++  6  3      ranks   2  6    least 2
 *     -++  4  3              4  6          4
 *     +-+  2  1              6  8          6
 *     ++-  0  5              8  2          2
 * Four vectors have a least rank up to 2, all eight one up to 6. */
static void two_features_by_hand(void **state HM_UNUSED)
{
	static const int64_t d[] = { 1, 2, 3, 3, 1, -1 };
	struct hm_experiment_p p[2];

	test_of(p, d, 2, 3, NULL);
	same_p(&p[0], 1, 7, 3);
	same_p(&p[1], 5, 7, 7);
	test_of(p, d, 1, 3, NULL);
	same_p(&p[0], 1, 7, 1);
	test_of(p, d + 3, 1, 3, NULL);
	same_p(&p[0], 5, 7, 5);
}

/* Nothing differs: every vector is as extreme. A second feature that shows nothing costs the first nothing. */
static void nothing_differs(void **state HM_UNUSED)
{
	static const int64_t d[] = { 0, 0, 0, 0, 0, 0, 0, 0, 5, 5, 5, 5, 5, 5, 5, 5 };
	struct hm_experiment_p p[2];

	test_of(p, d, 2, 8, NULL);
	same_p(&p[0], 255, 255, 255);
	same_p(&p[1], 1, 255, 1);
}

/* Eight of 33 blocks that agree would do; that they are fewer than a quarter forbids it, and beside others they count for nothing. */
static void what_rarely_differs(void **state HM_UNUSED)
{
	int64_t d[2][33] = { { 0 } };
	uint8_t seed[32] = { 0 };
	struct hm_sha256 plan = { 0 };
	struct hm_experiment_draws draws = { .plan = &plan, .seed = seed };
	struct hm_experiment_p p[2];

	for (size_t i = 0; i < 8; i++)
		d[0][4 * i] = d[1][4 * i] = 5;
	d[1][1] = 5;
	test_of(p, d[0], 2, 33, &draws);
	same_p(&p[0], 9999, 9999, 9999);
	assert_true(hm_experiment_confirmed(&p[1]));
	assert_int_equal(p[1].family, p[1].b);
	test_of(p, d[0], 1, 33, &draws);
	same_p(&p[0], 9999, 9999, 9999);
	test_of(p, d[0], 1, 32, &draws);
	assert_true(hm_experiment_confirmed(&p[0]));
}

/* What was foretold has one vector for it, not two, so seven blocks suffice; what contradicts once shows nothing; blocks that tell
 * nothing halve what there is. A row of random signs beside it takes one vector of 2^12 only. */
static void what_was_foretold(void **state HM_UNUSED)
{
	static const int64_t d[3][12] = { { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 },
					  { 1, -1, -1, 1, 1, 1, 1, 1, -1, 1, 1, 1 },
					  { 1, 1, 1, 0, 1, 1, 1, 1, 0, 1, 1, 1 } };
	struct hm_experiment_p p[3];

	test_as(p, d[0], 1, 7, 1, NULL);
	same_p(&p[0], 0, 127, 0);
	assert_true(hm_experiment_confirmed(&p[0]));
	test_as(p, d[0], 3, 12, 7, NULL);
	same_p(&p[0], 0, 4095, 1);
	same_p(&p[1], 4095, 4095, 4095);
	same_p(&p[2], 3, 4095, 4);
	test_as(p, d[0], 3, 12, 6, NULL); /* the first one sized: both directions count */
	same_p(&p[0], 1, 4095, 2);
}

static int sign_of(const struct hm_experiment_draws *draws, size_t blocks, uint32_t t, size_t block)
{
	uint8_t message[17 + 32 + 32 + 12] = "hallmark/perm/v1";
	size_t len = block < 256 ? sizeof(message) - 4 : sizeof(message);
	struct hm_sha256 bits;

	if (blocks <= 16)
		return t >> block & 1 ? -1 : 1;
	if (t == 0)
		return 1;
	memcpy(message + 17, draws->plan->b, 32);
	memcpy(message + 49, draws->seed, 32);
	for (size_t i = 0; i < 4; i++) {
		message[81 + i] = (uint8_t)(draws->test >> 8 * i);
		message[85 + i] = (uint8_t)(t >> 8 * i);
		message[89 + i] = (uint8_t)(block / 256 >> 8 * i);
	}
	hm_sha256_slice(&bits, (struct hm_slice){ message, len });
	return bits.b[block % 256 / 8] >> block % 8 & 1 ? -1 : 1;
}

/* The definition, word for word: every vector with every sign, every rank by counting. */
static void naive(struct hm_experiment_p *p, const int64_t *d, size_t features, size_t blocks, unsigned directed,
		  const struct hm_experiment_draws *draws)
{
	size_t count = blocks <= 16 ? (size_t)1 << blocks : 10000;
	HM_FREE signed char *sign = hm_alloc(count, blocks);
	HM_FREE unsigned __int128 *t = hm_alloc(count, sizeof(*t));
	HM_FREE uint32_t *least = hm_alloc(count, sizeof(*least));

	for (size_t v = 0; v < count; v++)
		for (size_t i = 0; i < blocks; i++)
			sign[v * blocks + i] = (signed char)sign_of(draws, blocks, (uint32_t)v, i);
	memset(least, 0xff, count * sizeof(*least));
	for (size_t f = 0; f < features; f++) {
		for (size_t v = 0; v < count; v++) {
			__int128 sum = 0;
			bool contradicted = false;

			for (size_t i = 0; i < blocks; i++) {
				__int128 x = (__int128)sign[v * blocks + i] * d[f * blocks + i];

				sum += x;
				contradicted |= x < 0;
			}
			t[v] = (unsigned __int128)(sum < 0 ? -sum : sum);
			if (directed >> f & 1)
				t[v] = !contradicted;
		}
		for (size_t v = 0; v < count; v++) {
			uint32_t rank = 0;
			size_t differing = 0;

			for (size_t i = 0; i < blocks; i++)
				differing += d[f * blocks + i] != 0;
			for (size_t u = 0; u < count; u++)
				rank += t[u] >= t[v] || (4 * differing < blocks && !(directed >> f & 1));
			if (v == 0)
				p[f] = (struct hm_experiment_p){ .b = rank - 1, .m = (uint32_t)count - 1 };
			if (rank < least[v])
				least[v] = rank;
		}
	}
	for (size_t f = 0; f < features; f++)
		for (size_t v = 1; v < count; v++)
			p[f].family += least[v] <= p[f].b + 1;
}

static int64_t some_difference(unsigned kind)
{
	static const int64_t extremes[] = { INT64_MIN, INT64_MAX, INT64_MIN + 1, 0, 1, -1 };

	switch (kind) {
	case 0:
		return (int64_t)(some() % 3) - 1;
	case 1:
		return (int64_t)(some() % 1000) - 500;
	case 2:
		return (int64_t)some();
	default:
		return extremes[some() % HM_COUNT(extremes)];
	}
}

static void agrees(size_t features, size_t blocks, unsigned kind, const struct hm_experiment_draws *draws)
{
	HM_FREE int64_t *d = hm_alloc(features * blocks, sizeof(*d));
	HM_FREE struct hm_experiment_p *got = hm_alloc(features, sizeof(*got)), *want = NULL;
	unsigned directed;

	want = hm_alloc(features, sizeof(*want));
	for (size_t i = 0; i < features * blocks; i++)
		d[i] = some_difference(kind);
	directed = (unsigned)some();
	test_as(got, d, features, blocks, directed, draws);
	naive(want, d, features, blocks, directed, draws);
	for (size_t f = 0; f < features; f++)
		same_p(&got[f], want[f].b, want[f].m, want[f].family);
}

static void as_defined_when_exact(void **state HM_UNUSED)
{
	state_of_random = 1;
	for (unsigned round = 0; round < 400; round++)
		agrees(1 + some() % 6, 1 + some() % 8, round % 4, NULL);
	for (unsigned kind = 0; kind < 4; kind++)
		agrees(2, 12, kind, NULL);
}

static void as_defined_when_drawn(void **state HM_UNUSED)
{
	static const size_t blocks[] = { 17, 60, 1024 };
	uint8_t seed[32] = { 1, 2, 3 };
	struct hm_sha256 plan = { .b = { 4, 5, 6 } };
	struct hm_experiment_draws draws = { .plan = &plan, .seed = seed, .test = 0x01020304 };

	state_of_random = 2;
	for (size_t i = 0; i < HM_COUNT(blocks); i++)
		agrees(2, blocks[i], (unsigned)i + 1, &draws);
}

/* Sixteen blocks that agree: 2 in 65536. One more: no drawn vector of ten thousand is as extreme, so 1 in 10000. */
static void either_side_of_the_limit(void **state HM_UNUSED)
{
	int64_t d[17];
	uint8_t seed[32] = { 0 };
	struct hm_sha256 plan = { 0 };
	struct hm_experiment_draws draws = { .plan = &plan, .seed = seed };
	struct hm_experiment_p p;

	for (size_t i = 0; i < HM_COUNT(d); i++)
		d[i] = INT64_MIN;
	test_of(&p, d, 1, 16, NULL);
	same_p(&p, 1, 65535, 1);
	test_of(&p, d, 1, 17, &draws);
	same_p(&p, 0, 9999, 0);
}

/* Turning every sign of a feature, scaling it, and the order of features change nothing but places. */
static void what_must_not_matter(void **state HM_UNUSED)
{
	int64_t d[3][10], e[3][10];
	struct hm_experiment_p p[3], q[3];

	state_of_random = 3;
	for (size_t f = 0; f < 3; f++)
		for (size_t i = 0; i < 10; i++)
			d[f][i] = (int64_t)(some() % 100) - 40;
	for (size_t i = 0; i < 10; i++) {
		e[0][i] = -d[2][i];
		e[1][i] = 1000003 * d[0][i];
		e[2][i] = d[1][i];
	}
	test_of(p, d[0], 3, 10, NULL);
	test_of(q, e[0], 3, 10, NULL);
	assert_memory_equal(&p[2], &q[0], sizeof(*p));
	assert_memory_equal(&p[0], &q[1], sizeof(*p));
	assert_memory_equal(&p[1], &q[2], sizeof(*p));
}

static void refused(size_t features, size_t blocks, const struct hm_experiment_draws *draws, const char *why)
{
	static const int64_t d[1];
	struct hm_experiment_p p = { 7, 7, 7 };
	struct hm_experiment_matrix m = { .features = features, .blocks = blocks, .d = d };
	struct hm_fail fail = { 0 };

	assert_int_equal(hm_experiment_test(&p, &m, draws, &fail), HM_E_USAGE);
	assert_non_null(strstr(fail.text, why));
	assert_int_equal(p.b, 7);
}

static void sizes_are_refused(void **state HM_UNUSED)
{
	struct hm_sha256 plan = { 0 };
	struct hm_experiment_draws no_seed = { .plan = &plan };
	struct hm_experiment_p p;

	refused(1, 0, NULL, "no blocks");
	refused(1, 1025, NULL, "more than 1024");
	refused(1, SIZE_MAX, NULL, "more than 1024");
	refused(SIZE_MAX, 12, NULL, "more than 262144");
	refused(262145, 1, NULL, "more than 262144");
	refused(1, 17, NULL, "needs plan and seed");
	refused(1, 17, &no_seed, "needs plan and seed");
	test_of(&p, NULL, 0, 12, NULL); /* no feature: nothing is tested */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_leak_of_twelve),
		cmocka_unit_test(two_features_by_hand),
		cmocka_unit_test(nothing_differs),
		cmocka_unit_test(what_rarely_differs),
		cmocka_unit_test(what_was_foretold),
		cmocka_unit_test(as_defined_when_exact),
		cmocka_unit_test(as_defined_when_drawn),
		cmocka_unit_test(either_side_of_the_limit),
		cmocka_unit_test(what_must_not_matter),
		cmocka_unit_test(sizes_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
