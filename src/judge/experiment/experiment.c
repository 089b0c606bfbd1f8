/* Coins, secrets and the rules of verdicts; the test itself stands in permute.c, what leads to it in screen.c. */
#include "experiment.h"

#include <inttypes.h>

#include "experiment_internal.h"

enum { WORD_MAX = 64 };

/* A component of a label: it holds no '/', so that two different derivations never share one. */
static int check_word(const char *what, const char *word, struct hm_fail *fail)
{
	size_t len = strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789._-");

	if (len == 0 || len > WORD_MAX || word[len])
		return hm_fail_set(fail, HM_E_USAGE, "derivation from the seed: name of a %s: not 1 to %d of a-z 0-9 . _ -", what, WORD_MAX);
	return 0;
}

int hm_experiment_coin(const uint8_t *seed, const char *phase, uint32_t block, struct hm_fail *fail)
{
	HM_FREE char *label = NULL;
	struct hm_sha256 bits;
	int r = check_word("phase", phase, fail);

	if (r < 0)
		return r;
	label = hm_sprintf("assign/%s/%" PRIu32, phase, block);
	hm_derive(&bits, seed, label);
	return bits.b[0] & 1;
}

int hm_experiment_secret(struct hm_sha256 *out, const uint8_t *seed, const char *phase, const char *factor, unsigned level,
			 uint32_t n, struct hm_fail *fail)
{
	HM_FREE char *label = NULL;
	int r = check_word("phase", phase, fail);

	if (r == 0)
		r = check_word("factor", factor, fail);
	if (r == 0 && level > 1)
		r = hm_fail_set(fail, HM_E_USAGE, "derivation from the seed: level %u: a factor has levels 0 and 1", level);
	if (r < 0)
		return r;
	label = hm_sprintf("secret/%s/%s/%u/%" PRIu32, phase, factor, level, n);
	hm_derive(out, seed, label);
	return 0;
}

int hm_experiment_check(const struct hm_experiment_matrix *m, const char *what, struct hm_fail *fail)
{
	if (m->blocks == 0)
		return hm_fail_set(fail, HM_E_USAGE, "%s: no blocks: nothing was compared", what);
	if (m->blocks > HM_EXPERIMENT_BLOCKS_MAX)
		return hm_fail_set(fail, HM_E_USAGE, "%s: %zu blocks: more than %d", what, m->blocks, HM_EXPERIMENT_BLOCKS_MAX);
	if (m->features > HM_EXPERIMENT_FEATURES_MAX)
		return hm_fail_set(fail, HM_E_USAGE, "%s: %zu features: more than %d", what, m->features, HM_EXPERIMENT_FEATURES_MAX);
	return 0;
}

enum hm_experiment_kind hm_experiment_kind_of(const struct hm_experiment_matrix *m, size_t feature)
{
	return m->kind ? (enum hm_experiment_kind)m->kind[feature] : HM_EXPERIMENT_SIZED;
}

int hm_experiment_test(struct hm_experiment_p *p, const struct hm_experiment_matrix *matrix, const struct hm_experiment_draws *draws,
		       struct hm_fail *fail)
{
	int r = hm_experiment_check(matrix, "permutation test", fail);

	if (r == 0 && matrix->blocks > HM_EXPERIMENT_EXACT && !(draws && draws->plan && draws->seed))
		r = hm_fail_set(fail, HM_E_USAGE, "permutation test: %zu blocks: above %d it needs plan and seed", matrix->blocks,
				HM_EXPERIMENT_EXACT);
	if (r == 0)
		hm_experiment_permute(p, matrix, draws);
	return r;
}

static unsigned within(unsigned value, unsigned least, unsigned most)
{
	return value < least ? least : value > most ? most : value;
}

unsigned hm_experiment_aa(unsigned pairs)
{
	return within(pairs / 4, HM_EXPERIMENT_AA_MIN, HM_EXPERIMENT_AA_MAX);
}

unsigned hm_experiment_screening(unsigned pairs)
{
	return within(pairs / 3 * 2 + pairs % 3 * 2 / 3, HM_EXPERIMENT_SCREEN_MIN, HM_EXPERIMENT_SCREEN_MAX);
}

bool hm_experiment_confirmed(const struct hm_experiment_p *p)
{
	return HM_EXPERIMENT_ALPHA_DEN * (1 + (uint64_t)p->family) <= HM_EXPERIMENT_ALPHA_NUM * (1 + (uint64_t)p->m);
}

bool hm_experiment_repeats(unsigned pairs, unsigned block, bool suspects)
{
	return pairs < HM_EXPERIMENT_REPEAT_FROM ? suspects : block % 4 == 3;
}

unsigned hm_experiment_drawn(unsigned pairs, unsigned done, unsigned screened, bool suspects, bool skipped)
{
	unsigned repeating = pairs >= HM_EXPERIMENT_REPEAT_FROM ? pairs / 4 : suspects ? done : 0;
	unsigned own = done > repeating ? done - repeating : 0;

	return (own == 0 || skipped) && own < screened ? screened : own;
}

int hm_experiment_pairs(uint64_t pairs, struct hm_fail *fail)
{
	if (pairs < HM_EXPERIMENT_PAIRS_MIN) {
		hm_fail_set(fail, HM_E_USAGE, "verdict from %" PRIu64 " pairs: they give every outcome a probability of 1 in %u or more by "
			    "chance alone, and a verdict allows %d in %d", pairs, 1u << pairs, HM_EXPERIMENT_ALPHA_NUM, HM_EXPERIMENT_ALPHA_DEN);
		return hm_fail_advise(fail, "%d pairs are the least", HM_EXPERIMENT_PAIRS_MIN);
	}
	if (pairs > HM_EXPERIMENT_BLOCKS_MAX)
		return hm_fail_set(fail, HM_E_USAGE, "verdict from %" PRIu64 " pairs: more than %d", pairs, HM_EXPERIMENT_BLOCKS_MAX);
	return 0;
}
