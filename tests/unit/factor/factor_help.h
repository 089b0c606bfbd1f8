#pragma once
/* What the factors' tests share. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <zlib.h>

#include "factor.h"

static const uint8_t seed[32] = { 4, 8, 15, 16, 23, 42 };

static inline size_t help_row(const char *factor)
{
	const struct hm_factor *row = hm_factor_find(factor);

	assert_non_null(row);
	return (size_t)(row - hm_factors);
}

/* The world in which everything is at level 0 of secret `n`, but `factor` (which may be NULL) at `level`. */
static inline struct hm_world *help_world(const char *factor, unsigned level, unsigned n)
{
	struct hm_factor_choice choice[64] = { 0 };
	struct hm_world *world = NULL;
	struct hm_fail fail = { 0 };

	assert_true(hm_factor_count <= HM_COUNT(choice));
	for (size_t i = 0; i < hm_factor_count; i++)
		choice[i].n = n;
	if (factor)
		choice[help_row(factor)].level = level;
	if (hm_factor_world(&world, seed, "screen", choice, &fail) < 0)
		fail_msg("%s", fail.text);
	return world;
}

static inline size_t help_deflated(struct hm_slice s, int level)
{
	uLongf length = compressBound((uLong)s.len);
	HM_FREE uint8_t *out = hm_alloc(length, 1);

	assert_int_equal(compress2(out, &length, s.data, (uLong)s.len, level), Z_OK);
	return length;
}

static inline void help_histogram(size_t count[256], struct hm_slice s)
{
	memset(count, 0, 256 * sizeof(*count));
	for (size_t i = 0; i < s.len; i++)
		count[s.data[i]]++;
}

static inline bool help_same_bytes(struct hm_slice a, struct hm_slice b)
{
	size_t of_a[256], of_b[256];

	help_histogram(of_a, a);
	help_histogram(of_b, b);
	return memcmp(of_a, of_b, sizeof(of_a)) == 0;
}

static inline char help_class(uint8_t c)
{
	return c >= '0' && c <= '9' ? '0' : c >= 'A' && c <= 'Z' ? 'A' : c >= 'a' && c <= 'z' ? 'a' : (char)c;
}

/* Digits where digits are, letters of the same case where letters are, everything else the same. */
static inline bool help_same_classes(struct hm_slice a, struct hm_slice b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (help_class(a.data[i]) != help_class(b.data[i]))
			return false;
	return true;
}
