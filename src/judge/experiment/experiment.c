/* Coins, secrets, suspects and the rules of verdicts; the test itself stands in permute.c. */
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

static int check_matrix(const struct hm_experiment_matrix *m, const struct hm_experiment_draws *draws, struct hm_fail *fail)
{
	if (m->blocks == 0)
		return hm_fail_set(fail, HM_E_USAGE, "permutation test: no blocks: nothing was compared");
	if (m->blocks > HM_EXPERIMENT_BLOCKS_MAX)
		return hm_fail_set(fail, HM_E_USAGE, "permutation test: %zu blocks: more than %d", m->blocks, HM_EXPERIMENT_BLOCKS_MAX);
	if (m->features > HM_EXPERIMENT_FEATURES_MAX)
		return hm_fail_set(fail, HM_E_USAGE, "permutation test: %zu features: more than %d", m->features, HM_EXPERIMENT_FEATURES_MAX);
	if (m->blocks > HM_EXPERIMENT_EXACT && !(draws && draws->plan && draws->seed))
		return hm_fail_set(fail, HM_E_USAGE, "permutation test: %zu blocks: above %d it needs plan and seed", m->blocks, HM_EXPERIMENT_EXACT);
	return 0;
}

int hm_experiment_test(struct hm_experiment_p *p, const struct hm_experiment_matrix *matrix, const struct hm_experiment_draws *draws,
		       struct hm_fail *fail)
{
	HM_FREE const int64_t **rows = NULL;
	int r = check_matrix(matrix, draws, fail);

	if (r < 0)
		return r;
	rows = hm_alloc(matrix->features, sizeof(*rows));
	for (size_t f = 0; f < matrix->features; f++)
		rows[f] = matrix->d + f * matrix->blocks;
	hm_experiment_permute(p, rows, matrix->features, matrix->blocks, draws);
	return 0;
}

static bool differs(const struct hm_experiment_matrix *m, size_t feature, size_t block)
{
	size_t at = feature * m->blocks + block;

	return m->differs ? m->differs[at] != 0 : m->d[at] != 0;
}

static bool differs_somewhere(const struct hm_experiment_matrix *m, size_t feature)
{
	for (size_t b = 0; b < m->blocks; b++)
		if (differs(m, feature, b))
			return true;
	return false;
}

/* Puts the candidate where it belongs among the first ones. Candidates come in the order of features, so it goes behind its equals. */
static void consider(struct hm_experiment_suspects *s, size_t feature, const struct hm_experiment_p *p)
{
	size_t at = s->count;

	while (at && s->p[at - 1].b > p->b)
		at--;
	if (at == HM_EXPERIMENT_SUSPECTS)
		return;
	if (s->count < HM_EXPERIMENT_SUSPECTS)
		s->count++;
	for (size_t i = s->count - 1; i > at; i--) {
		s->feature[i] = s->feature[i - 1];
		s->p[i] = s->p[i - 1];
	}
	s->feature[at] = feature;
	s->p[at] = *p;
}

static size_t block_to_hold(const struct hm_experiment_suspects *s, const struct hm_experiment_matrix *screen)
{
	size_t best = 0, most = 0;

	for (size_t b = 0; b < screen->blocks; b++) {
		size_t count = 0;

		for (size_t i = 0; i < s->count; i++)
			count += differs(screen, s->feature[i], b);
		if (count > most) {
			most = count;
			best = b;
		}
	}
	return best;
}

int hm_experiment_screen(struct hm_experiment_suspects *out, const struct hm_experiment_matrix *aa,
			 const struct hm_experiment_matrix *screen, const struct hm_experiment_draws *draws, struct hm_fail *fail)
{
	HM_FREE const int64_t **rows = NULL;
	HM_FREE struct hm_experiment_p *p = NULL;
	HM_FREE size_t *feature = NULL;
	struct hm_experiment_suspects s = { 0 };
	int r = check_matrix(screen, draws, fail);

	if (r < 0)
		return r;
	if (aa->blocks == 0 || aa->blocks > HM_EXPERIMENT_BLOCKS_MAX)
		return hm_fail_set(fail, HM_E_USAGE, "screening: %zu A/A blocks: not 1 to %d of them, which tell what differs by itself",
				   aa->blocks, HM_EXPERIMENT_BLOCKS_MAX);
	if (aa->features != screen->features)
		return hm_fail_set(fail, HM_E_USAGE, "screening: %zu features A/A, %zu otherwise: not the same ones", aa->features, screen->features);
	rows = hm_alloc(screen->features, sizeof(*rows));
	p = hm_alloc(screen->features, sizeof(*p));
	feature = hm_alloc(screen->features, sizeof(*feature));
	for (size_t f = 0; f < screen->features; f++) {
		if (!differs_somewhere(screen, f) || differs_somewhere(aa, f))
			continue;
		feature[s.candidates] = f;
		rows[s.candidates++] = screen->d + f * screen->blocks;
	}
	hm_experiment_permute(p, rows, s.candidates, screen->blocks, draws);
	for (size_t i = 0; i < s.candidates; i++)
		consider(&s, feature[i], &p[i]);
	s.held = block_to_hold(&s, screen);
	*out = s;
	return 0;
}

bool hm_experiment_confirmed(const struct hm_experiment_p *p)
{
	return HM_EXPERIMENT_ALPHA_DEN * (1 + (uint64_t)p->family) <= HM_EXPERIMENT_ALPHA_NUM * (1 + (uint64_t)p->m);
}

int hm_experiment_pairs(uint64_t pairs, struct hm_fail *fail)
{
	if (pairs < HM_EXPERIMENT_PAIRS_MIN) {
		hm_fail_set(fail, HM_E_USAGE, "verdict from %" PRIu64 " pairs: they give every outcome a probability of 2 in %u or more by "
			    "chance alone, and a verdict allows %d in %d", pairs, 1u << pairs, HM_EXPERIMENT_ALPHA_NUM, HM_EXPERIMENT_ALPHA_DEN);
		return hm_fail_advise(fail, "%d pairs are the least, 8 can confirm an influence", HM_EXPERIMENT_PAIRS_MIN);
	}
	if (pairs > HM_EXPERIMENT_BLOCKS_MAX)
		return hm_fail_set(fail, HM_E_USAGE, "verdict from %" PRIu64 " pairs: more than %d", pairs, HM_EXPERIMENT_BLOCKS_MAX);
	return 0;
}
