/* The bound of what was not seen. If a thing happened in more than q of 10,000 runs, n runs without it had a chance of less
 * than 1 in 20: the smallest q with 20 (10000 - q)^n <= 10000^n. Exact: numbers are lists of digits to the base 10000, least
 * significant first, in which the right-hand side is a 1 with n zeros behind it. */
#include "experiment.h"

enum { BASE = 10000, INVERSE = 20 };

struct number {
	uint16_t digit[HM_EXPERIMENT_PAIRS_MAX + 2];
	unsigned len;
};

static void multiply(struct number *x, unsigned by)
{
	unsigned carry = 0;

	for (unsigned i = 0; i < x->len; i++) {
		unsigned v = x->digit[i] * by + carry;

		x->digit[i] = (uint16_t)(v % BASE);
		carry = v / BASE;
	}
	if (carry)
		x->digit[x->len++] = (uint16_t)carry;
}

static bool small_enough(unsigned q, unsigned n)
{
	struct number x = { .digit = { INVERSE }, .len = 1 };

	for (unsigned i = 0; i < n; i++)
		multiply(&x, BASE - q);
	while (x.len && !x.digit[x.len - 1])
		x.len--;
	if (x.len <= n)
		return true;
	for (unsigned i = 0; i < n; i++)
		if (x.digit[i])
			return false;
	return x.len == n + 1 && x.digit[n] == 1;
}

unsigned hm_experiment_rate(unsigned n)
{
	unsigned low = 0, high = BASE;

	if (n > HM_EXPERIMENT_PAIRS_MAX)
		n = HM_EXPERIMENT_PAIRS_MAX;
	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (small_enough(middle, n))
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}
