/* Who is suspected, which block is held, and what that foretells of the confirmation. */
#include "experiment_internal.h"

static bool same(const struct hm_experiment_value *a, const struct hm_experiment_value *b)
{
	return a->there == b->there && (!a->there || a->value == b->value);
}

enum hm_experiment_differs hm_experiment_differ(const struct hm_experiment_value *value, size_t blocks, size_t block)
{
	const struct hm_experiment_value *own = value + 2 * block;

	if (same(&own[0], &own[1]))
		return HM_EXPERIMENT_SAME;
	for (size_t i = 0; i < 2 * blocks; i++)
		if (i / 2 != block && value[i].there && (same(&value[i], &own[0]) || same(&value[i], &own[1])))
			return HM_EXPERIMENT_DIFFERS;
	return HM_EXPERIMENT_OWN;
}

struct screening {
	const struct hm_experiment_matrix *aa, *screen;
	uint64_t *tolerance;	      /* by feature; of timings */
	uint32_t *count, *count_aa;   /* by feature: blocks in which it differs */
};

static void release(struct screening *s)
{
	free(s->tolerance);
	free(s->count);
	free(s->count_aa);
}

static uint64_t size_of(int64_t d)
{
	return d < 0 ? -(uint64_t)d : (uint64_t)d;
}

static bool is_timing(const struct screening *s, size_t feature)
{
	return hm_experiment_kind_of(s->screen, feature) == HM_EXPERIMENT_TIMING;
}

/* A timing differs by more than it was off A/A, so A/A it never does. */
static bool differs(const struct screening *s, const struct hm_experiment_matrix *m, size_t feature, size_t block)
{
	size_t at = feature * m->blocks + block;

	if (is_timing(s, feature))
		return m == s->screen && size_of(m->d[at]) > s->tolerance[feature];
	return m->differs ? m->differs[at] != 0 : m->d[at] != 0;
}

/* Of 10,000 relabellings of products with four timings 101 had one for a suspect that was off by more than twice as much; 67 with the eighth. */
static uint64_t tolerance_of(uint64_t most, bool narrow)
{
	unsigned __int128 sum = 2 * (unsigned __int128)most + (narrow ? 0 : most / 8) + HM_EXPERIMENT_TOLERANCE_US;

	return sum > UINT64_MAX ? UINT64_MAX : (uint64_t)sum;
}

static void count_blocks(struct screening *s)
{
	s->tolerance = hm_alloc(s->screen->features + 1, sizeof(*s->tolerance));
	s->count = hm_alloc(s->screen->features + 1, sizeof(*s->count));
	s->count_aa = hm_alloc(s->screen->features + 1, sizeof(*s->count_aa));
	for (size_t f = 0; f < s->screen->features; f++) {
		uint64_t most = 0;

		for (size_t b = 0; b < s->aa->blocks; b++) {
			uint64_t size = size_of(s->aa->d[f * s->aa->blocks + b]);

			most = size > most ? size : most;
		}
		s->tolerance[f] = tolerance_of(most, s->screen->narrow);
		for (size_t b = 0; b < s->aa->blocks; b++)
			s->count_aa[f] += differs(s, s->aa, f, b);
		for (size_t b = 0; b < s->screen->blocks; b++)
			s->count[f] += differs(s, s->screen, f, b);
	}
}

static bool ranks_before(const struct screening *s, size_t feature, size_t other)
{
	if (is_timing(s, feature) != is_timing(s, other))
		return is_timing(s, other);
	return s->count[feature] > s->count[other];
}

/* Puts the candidate where it belongs among the first ones. Candidates come in the order of features, so it goes behind its equals. */
static void consider(struct hm_experiment_suspects *out, const struct screening *s, size_t feature)
{
	size_t at = out->count;

	while (at && ranks_before(s, feature, out->feature[at - 1]))
		at--;
	if (at == HM_EXPERIMENT_SUSPECTS)
		return;
	if (out->count < HM_EXPERIMENT_SUSPECTS)
		out->count++;
	for (size_t i = out->count - 1; i > at; i--) {
		out->feature[i] = out->feature[i - 1];
		out->differs[i] = out->differs[i - 1];
		out->tolerance[i] = out->tolerance[i - 1];
	}
	out->feature[at] = feature;
	out->tolerance[at] = s->tolerance[feature];
	out->differs[at] = s->count[feature];
}

/* Leaves of the blocks those in which the feature differs, unless these are none. */
static void narrow(const struct screening *s, bool *out, size_t feature)
{
	size_t left = 0;

	for (size_t b = 0; b < s->screen->blocks; b++)
		left += !out[b] && differs(s, s->screen, feature, b);
	for (size_t b = 0; left && b < s->screen->blocks; b++)
		out[b] |= !differs(s, s->screen, feature, b);
}

/* How much speaks for holding a block that is left: features with values that no other secrets gave, unless they differ A/A as often as
 * not; where these are equally many, suspects. */
static size_t votes(const struct screening *s, const struct hm_experiment_suspects *suspects, size_t block)
{
	size_t own = 0, count = 0;

	for (size_t f = 0; f < s->screen->features && s->screen->differs; f++)
		own += s->screen->differs[f * s->screen->blocks + block] == HM_EXPERIMENT_OWN && !is_timing(s, f) &&
		       2 * (size_t)s->count_aa[f] < s->aa->blocks;
	for (size_t i = 0; i < suspects->count; i++)
		count += differs(s, s->screen, suspects->feature[i], block);
	return own * (HM_EXPERIMENT_SUSPECTS + 1) + count;
}

static size_t block_to_hold(const struct screening *s, const struct hm_experiment_suspects *suspects)
{
	bool out[HM_EXPERIMENT_BLOCKS_MAX] = { false };
	size_t best = 0, most = 0;

	for (size_t i = 0; i < suspects->count; i++)
		if (4 * ((size_t)suspects->differs[i] + 1) >= s->screen->blocks)
			narrow(s, out, suspects->feature[i]);
	for (size_t b = s->screen->blocks; b-- > 0;) {
		size_t here = out[b] ? 0 : 1 + votes(s, suspects, b);

		if (here && here >= most) {
			most = here;
			best = b;
		}
	}
	return best;
}

int hm_experiment_screen(struct hm_experiment_suspects *out, const struct hm_experiment_matrix *aa,
			 const struct hm_experiment_matrix *screen, struct hm_fail *fail)
{
	HM_CLEANUP(release) struct screening s = { .aa = aa, .screen = screen };
	int r = hm_experiment_check(screen, "screening", fail);

	if (r == 0)
		r = hm_experiment_check(aa, "screening, A/A", fail);
	if (r < 0)
		return r;
	if (aa->features != screen->features)
		return hm_fail_set(fail, HM_E_USAGE, "screening: %zu features A/A, %zu otherwise: not the same ones", aa->features, screen->features);
	*out = (struct hm_experiment_suspects){ 0 };
	count_blocks(&s);
	for (size_t f = 0; f < screen->features; f++) {
		if (s.count[f] < (is_timing(&s, f) ? HM_EXPERIMENT_TIMING_BLOCKS : 1) || s.count_aa[f])
			continue;
		out->candidates++;
		consider(out, &s, f);
	}
	out->held = block_to_hold(&s, out);
	return 0;
}

bool hm_experiment_off(const int64_t *d, size_t blocks, uint64_t tolerance)
{
	size_t count = 0;

	for (size_t b = 0; b < blocks; b++)
		count += size_of(d[b]) > tolerance;
	return 2 * count > blocks;
}

/* ---- what the held block foretells ---- */

static bool comes_again(const struct hm_experiment_told *told, const struct hm_experiment_value *value)
{
	unsigned count = 0;

	for (size_t i = 0; i < 2 * told->blocks && count < 2; i++)
		count += same(&told->confirm[i], value);
	return count > 1;
}

/* At which level the held block had the value: 1, or -1 for level 0; 0 where that is not told. */
static int side_of(const struct hm_experiment_told *told, const struct hm_experiment_value *value)
{
	if (!value->there)
		return 0;
	if (same(value, &told->held[1]))
		return 1;
	if (same(value, &told->held[0]))
		return -1;
	/* Where one level had none, what comes again and is not the other's is taken to be its own. */
	if ((told->held[0].there && told->held[1].there) || !comes_again(told, value))
		return 0;
	return told->held[1].there ? -1 : 1;
}

bool hm_experiment_direct(int64_t *d, const struct hm_experiment_told *told)
{
	unsigned telling = 0;

	if (same(&told->held[0], &told->held[1]) || !(told->suspect || told->own))
		return false;
	for (size_t b = 0; b < told->blocks; b++) {
		int difference = side_of(told, &told->confirm[2 * b + 1]) - side_of(told, &told->confirm[2 * b]);

		d[b] = (difference > 0) - (difference < 0);
		telling += d[b] != 0;
	}
	/* As for sized rows: what differs rarely has to be known by its values. */
	if (!told->own && 4 * (size_t)telling < told->blocks)
		return false;
	/* All signs right has a probability of 1 in 2^telling. */
	return telling >= 31 || (1u << telling) * HM_EXPERIMENT_ALPHA_NUM >= HM_EXPERIMENT_ALPHA_DEN;
}
