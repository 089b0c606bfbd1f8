/* A whole experiment with a simulated product, judged by the module that judges real runs. */
#include "power.h"

static bool same(const struct hm_experiment_value *a, const struct hm_experiment_value *b)
{
	return a->there == b->there && (!a->there || a->value == b->value);
}

/* As the module takes it. */
struct table {
	int64_t d[ROWS_MAX * BLOCKS_MAX];
	uint8_t differs[FEATURES_MAX * BLOCKS_MAX], kind[ROWS_MAX];
	struct hm_experiment_matrix m;
};

/* The feature in all runs of A/A and screening blocks. */
static size_t early_values(struct hm_experiment_value *out, const struct phase *phases, size_t feature)
{
	size_t count = 0;

	for (size_t ph = SAME; ph <= FRESH; ph++)
		for (size_t i = 0; i < 2 * phases[ph].blocks; i++)
			out[count++] = phases[ph].value[feature][i];
	return count;
}

static void tabulate(struct table *t, const struct phase *phases, enum secrets secrets)
{
	struct hm_experiment_value early[4 * BLOCKS_MAX];
	const struct phase *ph = &phases[secrets];

	for (size_t f = 0; f < ph->features; f++) {
		size_t early_count = early_values(early, phases, f);

		for (size_t b = 0; b < ph->blocks; b++) {
			const struct hm_experiment_value *v = &ph->value[f][2 * b];

			t->d[f * ph->blocks + b] = ph->text[f] ? 0 : v[1].value - v[0].value;
			t->differs[f * ph->blocks + b] = (uint8_t)hm_experiment_differ(early, early_count / 2, b + (secrets == FRESH ? phases[SAME].blocks : 0));
		}
	}
	t->m = (struct hm_experiment_matrix){ ph->features, ph->blocks, t->d, t->differs, ph->kind };
}

void power_must(int r, const struct hm_fail *fail)
{
	if (r == 0)
		return;
	fprintf(stderr, "bench-power: %s\n", fail->text);
	exit(4);
}

/* The rows of a suspect: a number's one, or one for each value that comes twice. Their order does not matter. */
static void add_sized(struct table *t, size_t *of_row, const struct phase *ph, size_t feature)
{
	const struct hm_experiment_value *v = ph->value[feature];

	for (size_t i = 0; i < 2 * ph->blocks; i++) {
		int64_t *d = t->d + t->m.features * ph->blocks;
		size_t before = 0, count = 0;

		for (size_t k = 0; k < 2 * ph->blocks; k++) {
			before += k < i && same(&v[k], &v[i]);
			count += same(&v[k], &v[i]);
		}
		if (ph->text[feature] ? !v[i].there || before || count < 2 : i != 0)
			continue;
		for (size_t b = 0; b < ph->blocks; b++)
			d[b] = ph->text[feature] ? same(&v[2 * b + 1], &v[i]) - same(&v[2 * b], &v[i]) : v[2 * b + 1].value - v[2 * b].value;
		t->kind[t->m.features] = HM_EXPERIMENT_SIZED;
		of_row[t->m.features++] = feature;
	}
}

static void add_directed(struct table *t, size_t *of_row, const struct phase *phases, size_t held, size_t feature, bool suspect)
{
	struct hm_experiment_value early[4 * BLOCKS_MAX];
	const struct phase *ph = &phases[HELD];
	size_t count = early_values(early, phases, feature), at = phases[SAME].blocks + held;
	struct hm_experiment_told told = { .held = { early[2 * at], early[2 * at + 1] }, .confirm = ph->value[feature], .blocks = ph->blocks };

	told.suspect = suspect;
	told.own = hm_experiment_differ(early, count / 2, at) == HM_EXPERIMENT_OWN;
	if (ph->kind[feature] == HM_EXPERIMENT_TIMING || !hm_experiment_direct(t->d + t->m.features * ph->blocks, &told))
		return;
	t->kind[t->m.features] = HM_EXPERIMENT_DIRECTED;
	of_row[t->m.features++] = feature;
}

/* Tests over the confirming blocks, when the screening is done. `leak` is the first of the leak's two features. */
static void confirm(struct outcome *out, const struct hm_experiment_suspects *s, const struct phase *phases, size_t leak,
		    const struct hm_experiment_draws *draws)
{
	static struct table t;
	size_t of_row[ROWS_MAX];
	struct hm_experiment_p p[ROWS_MAX];
	const struct phase *ph = &phases[HELD];
	struct hm_fail fail;

	t.m = (struct hm_experiment_matrix){ .blocks = ph->blocks, .d = t.d, .kind = t.kind };
	for (size_t i = 0; i < s->count; i++)
		add_sized(&t, of_row, ph, s->feature[i]);
	for (size_t f = 0; f < ph->features; f++) {
		bool suspect = false;

		for (size_t i = 0; i < s->count; i++)
			suspect |= s->feature[i] == f;
		add_directed(&t, of_row, phases, s->held, f, suspect);
	}
	power_must(hm_experiment_test(p, &t.m, draws, &fail), &fail);
	for (size_t i = 0; i < t.m.features; i++) {
		bool confirmed = hm_experiment_confirmed(&p[i]);

		for (size_t k = 0; k < s->count && ph->kind[of_row[i]] == HM_EXPERIMENT_TIMING; k++)
			confirmed &= s->feature[k] != of_row[i] || hm_experiment_off(t.d + i * ph->blocks, ph->blocks, s->tolerance[k]);
		out->confirmed |= confirmed;
		out->found |= confirmed && of_row[i] >= leak;
	}
}

static void screen(struct hm_experiment_suspects *s, struct outcome *out, const struct phase *phases, size_t leak)
{
	static struct table aa, screening;
	struct hm_fail fail;

	tabulate(&aa, phases, SAME);
	tabulate(&screening, phases, FRESH);
	power_must(hm_experiment_screen(s, &aa.m, &screening.m, &fail), &fail);
	out->suspects = s->count;
	for (size_t i = 0; i < s->count; i++)
		out->named |= s->feature[i] >= leak;
}

struct outcome power_assess(const struct product *p, const struct design *design, uint64_t seed)
{
	static struct phase phases[3];
	struct chance c = power_chance(seed, 1 + (uint64_t)p->leak);
	struct hm_sha256 plan = { 0 };
	uint8_t key[32] = { 0 };
	struct hm_experiment_draws draws = { .plan = &plan, .seed = key };
	struct hm_experiment_suspects s;
	struct outcome out = { 0 };

	memcpy(key, &seed, sizeof(seed));
	power_phase(&phases[SAME], p, design->aa, SAME, NULL, 0, seed, &c);
	power_phase(&phases[FRESH], p, design->screen, FRESH, NULL, 0, seed, &c);
	screen(&s, &out, phases, p->count);
	power_phase(&phases[HELD], p, design->confirm, HELD, &phases[FRESH], s.held, seed, &c);
	confirm(&out, &s, phases, p->count, &draws);
	return out;
}

/* A recording of A/A pairs, its blocks dealt to the phases and the levels of each exchanged by coin. */
static void deal(struct phase *to, const struct phase *from, const size_t *order, size_t blocks, struct chance *c)
{
	to->features = from->features;
	to->blocks = blocks;
	memcpy(to->kind, from->kind, sizeof(to->kind));
	memcpy(to->text, from->text, sizeof(to->text));
	for (size_t b = 0; b < blocks; b++) {
		size_t turned = power_draw(c) & 1;

		for (size_t f = 0; f < from->features; f++)
			for (size_t level = 0; level < 2; level++)
				to->value[f][2 * b + level] = from->value[f][2 * order[b] + (level ^ turned)];
	}
}

struct outcome power_relabel(const struct phase *recorded, const struct design *design, uint64_t seed)
{
	static struct phase phases[3];
	struct chance c = power_chance(seed, 99);
	struct hm_sha256 plan = { 0 };
	uint8_t key[32] = { 0 };
	struct hm_experiment_draws draws = { .plan = &plan, .seed = key };
	struct hm_experiment_suspects s;
	struct outcome out = { 0 };
	size_t order[RECORDED];

	memcpy(key, &seed, sizeof(seed));
	for (size_t i = 0; i < RECORDED; i++) {
		size_t j = power_draw(&c) % (i + 1);

		order[i] = order[j];
		order[j] = i;
	}
	deal(&phases[SAME], recorded, order, design->aa, &c);
	deal(&phases[FRESH], recorded, order + design->aa, design->screen, &c);
	screen(&s, &out, phases, recorded->features);
	deal(&phases[HELD], recorded, order + design->aa + design->screen, design->confirm, &c);
	confirm(&out, &s, phases, recorded->features, &draws);
	return out;
}
