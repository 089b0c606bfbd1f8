/* What the experiment shows: which features depend on which factor, and to what class every byte that left belongs. */
#include "evaluate_internal.h"

#include "compare.h"
#include "factor.h"

enum { NEVER = 0 };

struct hm_trial {
	const struct hm_core *core;
	struct hm_compare *compare;
	uint64_t *influenced; /* by key: bit i stands for factor i; grown as keys appear */
	size_t influenced_count;
	struct hm_compare_result *found; /* by factor */
	uint32_t *pairs;		 /* by factor: confirming blocks that were done */
};

struct hm_trial *hm_trial_new(const struct hm_core *core)
{
	struct hm_trial *t;

	if (core->semantics < 3)
		return NULL;
	t = hm_alloc(1, sizeof(*t));
	t->core = core;
	t->compare = hm_compare_new();
	t->found = hm_alloc(core->factor_count + 1, sizeof(*t->found));
	t->pairs = hm_alloc(core->factor_count + 1, sizeof(*t->pairs));
	return t;
}

void hm_trial_free(struct hm_trial *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->core->factor_count; i++)
		hm_compare_result_release(&t->found[i]);
	hm_compare_free(t->compare);
	free(t->found);
	free(t->pairs);
	free(t->influenced);
	free(t);
}

static void mark(struct hm_trial *t, size_t key, uint64_t factors)
{
	if (key >= t->influenced_count) {
		t->influenced = hm_realloc(t->influenced, key + 1, sizeof(*t->influenced));
		memset(t->influenced + t->influenced_count, NEVER, (key + 1 - t->influenced_count) * sizeof(*t->influenced));
		t->influenced_count = key + 1;
	}
	t->influenced[key] |= factors;
}

static uint64_t bit_of(const struct hm_core *core, const char *factor)
{
	for (size_t i = 0; i < core->factor_count; i++)
		if (strcmp(core->factors[i], factor) == 0)
			return 1ull << i;
	return 0;
}

static int by_place(const void *a, const void *b)
{
	const struct hm_feature *x = *(const struct hm_feature *const *)a, *y = *(const struct hm_feature *const *)b;

	if (x->flow != y->flow)
		return x->flow < y->flow ? -1 : 1;
	return (x->offset > y->offset) - (x->offset < y->offset);
}

/* Fields in which a token or a digest of a document was found. Leaks and fields stand in the order of places. */
static void mark_leaks(struct hm_trial *t, const struct hm_run *run, const struct hm_features *features)
{
	HM_FREE const struct hm_feature **placed = hm_alloc(features->count + 1, sizeof(*placed));
	uint64_t content = bit_of(t->core, "content");
	size_t count = 0;

	for (size_t i = 0; i < features->count; i++)
		if (features->list[i].placed)
			placed[count++] = &features->list[i];
	qsort(placed, count, sizeof(*placed), by_place);
	for (size_t i = 0, first = 0; i < run->leak_count; i++) {
		const struct hm_leak *leak = &run->leaks[i];

		while (first < count && (placed[first]->flow < leak->flow || (placed[first]->flow == leak->flow &&
									       placed[first]->offset + placed[first]->bytes.len <= leak->offset)))
			first++;
		for (size_t k = first; k < count && placed[k]->flow == leak->flow && placed[k]->offset < leak->offset + leak->length; k++)
			mark(t, hm_compare_key(t->compare, placed[k]->endpoint, placed[k]->name), content);
	}
}

void hm_trial_run(struct hm_trial *t, const struct hm_run *run)
{
	struct hm_features features;

	if (!t)
		return;
	hm_features_read(&features, &run->flows);
	hm_compare_run(t->compare, &features, &run->flows);
	if (run->leak_count)
		mark_leaks(t, run, &features);
	hm_features_release(&features);
}

/* The blocks of a phase (and factor) of which both runs were done, by level. */
static struct hm_compare_phase blocks_of(const struct hm_core *core, enum hm_phase phase, int factor, struct hm_compare_block *list,
					 uint32_t *numbers)
{
	struct hm_compare_phase out = { list, 0 };

	for (size_t i = 0; i < core->block_count; i++) {
		const struct hm_block *b = &core->blocks[i];

		if (b->phase != phase || b->factor != factor || b->run[0] == SIZE_MAX || b->run[1] == SIZE_MAX)
			continue;
		if (numbers)
			numbers[out.count] = b->number;
		list[out.count++] = (struct hm_compare_block){ { b->run[b->level[0] == 1], b->run[b->level[0] != 1] } };
	}
	return out;
}

/* The suspects of a factor, and the screening block whose secrets are to be held. */
static int held_of(const struct hm_core *core, const struct hm_compare *compare, size_t factor, struct hm_compare_result *suspects,
		   uint32_t *held, struct hm_fail *fail)
{
	HM_FREE struct hm_compare_block *same = hm_alloc(core->block_count + 1, sizeof(*same));
	HM_FREE struct hm_compare_block *screened = hm_alloc(core->block_count + 1, sizeof(*screened));
	HM_FREE uint32_t *numbers = hm_alloc(core->block_count + 1, sizeof(*numbers));
	const struct hm_experiment_draws draws = { &core->plan_digest, core->seed, (uint32_t)(2 * factor) };
	struct hm_compare_phase aa = blocks_of(core, HM_PHASE_AA, -1, same, NULL);
	struct hm_compare_phase screen = blocks_of(core, HM_PHASE_SCREEN, -1, screened, numbers);
	int r = hm_compare_screen(compare, &aa, &screen, &draws, suspects, fail);

	if (r == 0)
		*held = numbers[suspects->held];
	return r;
}

static int conclude_factor(struct hm_trial *t, size_t factor, struct hm_fail *fail)
{
	const struct hm_core *core = t->core;
	HM_CLEANUP(hm_compare_result_release) struct hm_compare_result suspects = { 0 };
	HM_FREE struct hm_compare_block *list = hm_alloc(core->block_count + 1, sizeof(*list));
	const struct hm_experiment_draws draws = { &core->plan_digest, core->seed, (uint32_t)(2 * factor + 1) };
	struct hm_compare_phase confirm;
	uint32_t held;
	int r = held_of(core, t->compare, factor, &suspects, &held, fail);

	if (r == 0 && held != core->held[factor])
		r = hm_fail_set(fail, HM_E_BAD, "the secrets of block %u were held for %s, and screening says %u", core->held[factor],
				core->factors[factor], held);
	if (r < 0)
		return r;
	confirm = blocks_of(core, HM_PHASE_CONFIRM, (int)factor, list, NULL);
	t->pairs[factor] = (uint32_t)confirm.count;
	if (!confirm.count)
		return 0;
	r = hm_compare_confirm(t->compare, &suspects, &confirm, &draws, &t->found[factor], fail);
	for (size_t i = 0; i < t->found[factor].count && r == 0; i++)
		mark(t, t->found[factor].list[i].key, 1ull << factor);
	return r;
}

int hm_trial_conclude(struct hm_trial *t, struct hm_fail *fail)
{
	int r = 0;

	for (size_t i = 0; t && i < t->core->factor_count && r == 0; i++)
		r = conclude_factor(t, i, fail);
	/* What is wrong with what it was asked is wrong with the core. */
	if (r == HM_E_USAGE && fail)
		fail->code = HM_E_BAD;
	return r < 0 ? hm_fail_in(fail, "the experiment") : 0;
}

/* ---- what is said of it ---- */

/* `endpoint` NULL: of all. */
static uint64_t varying_of(const struct hm_trial *t, uint64_t factors, const char *endpoint)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < t->influenced_count; i++)
		if ((t->influenced[i] & factors) && (!endpoint || strcmp(hm_compare_endpoint(t->compare, i), endpoint) == 0))
			sum += hm_compare_varying(t->compare, i);
	return sum;
}

static void sums(const struct hm_trial *t, uint64_t *wire, uint64_t *unaccounted)
{
	HM_FREE struct hm_compare_bytes *list = NULL;
	size_t count = hm_compare_endpoints(t->compare, &list);

	*wire = *unaccounted = 0;
	for (size_t i = 0; i < count; i++) {
		uint64_t classed = list[i].constant + varying_of(t, UINT64_MAX, list[i].endpoint);

		*wire += list[i].wire;
		*unaccounted += classed < list[i].wire ? list[i].wire - classed : 0;
	}
}

void hm_trial_judge(const struct hm_trial *t, struct hm_judgement *j, const char *claim)
{
	struct hm_trial_outcome o = { .pairs = UINT32_MAX };
	uint64_t factors = 0;

	if (!t)
		return;
	for (size_t i = 0; i < t->core->factor_count; i++) {
		const struct hm_factor *factor = hm_factor_find(t->core->factors[i]);

		if (!factor || strcmp(factor->claim, claim) != 0)
			continue;
		factors |= 1ull << i;
		o.features += t->found[i].count;
		if (t->pairs[i] < o.pairs)
			o.pairs = t->pairs[i];
	}
	if (!factors)
		return;
	o.bytes = varying_of(t, factors, NULL);
	sums(t, &o.of, &o.unaccounted);
	o.beyond = hm_compare_beyond(t->compare);
	hm_judge_outcome(j, &o);
}

static json_int_t number(uint64_t v)
{
	const uint64_t max = (1ull << 53) - 1;

	return (json_int_t)(v > max ? max : v);
}

/* Bytes of the endpoint by the set of factors that influence them; returns their sum. */
static uint64_t list_influenced(const struct hm_trial *t, const char *endpoint, json_t *list)
{
	uint64_t sum = 0, last = 0;

	/* Sets of factors in the order of their number, each once. */
	for (;;) {
		uint64_t next = UINT64_MAX, bytes = 0;
		json_t *names;

		for (size_t i = 0; i < t->influenced_count; i++)
			if (t->influenced[i] > last && t->influenced[i] < next && strcmp(hm_compare_endpoint(t->compare, i), endpoint) == 0)
				next = t->influenced[i];
		if (next == UINT64_MAX)
			return sum;
		for (size_t i = 0; i < t->influenced_count; i++)
			if (t->influenced[i] == next && strcmp(hm_compare_endpoint(t->compare, i), endpoint) == 0)
				bytes += hm_compare_varying(t->compare, i);
		last = next;
		if (!bytes)
			continue;
		names = json_array();
		for (size_t i = 0; i < t->core->factor_count; i++)
			if (next >> i & 1)
				json_array_append_new(names, json_string(t->core->factors[i]));
		json_array_append_new(list, json_pack("{s:o,s:b,s:I}", "factors", names, "declared", 0, "bytes", number(bytes)));
		sum += bytes;
	}
}

json_t *hm_trial_ledger(const struct hm_trial *t)
{
	HM_FREE struct hm_compare_bytes *list = NULL;
	size_t count = hm_compare_endpoints(t->compare, &list);
	json_t *out = json_array();

	for (size_t i = 0; i < count; i++) {
		json_t *influenced = json_array();
		uint64_t bytes = list_influenced(t, list[i].endpoint, influenced), constant = list[i].constant;

		/* A stream can hold a byte more often than the wire has it, where headers lie. */
		if (constant + bytes > list[i].wire)
			constant = bytes < list[i].wire ? list[i].wire - bytes : 0;
		json_array_append_new(out, json_pack("{s:s,s:I,s:I,s:i,s:o,s:I}", "endpoint", list[i].endpoint, "wire", number(list[i].wire),
						     "constant", number(constant), "explained", 0, "influenced", influenced,
						     "unaccounted", number(list[i].wire - constant - (bytes < list[i].wire ? bytes : list[i].wire))));
	}
	return out;
}

void hm_trial_influence(const struct hm_trial *t, json_t *out)
{
	for (size_t f = 0; t && f < t->core->factor_count; f++)
		for (size_t i = 0; i < t->found[f].count; i++) {
			const struct hm_compare_found *found = &t->found[f].list[i];
			const char *slash = strrchr(found->endpoint, '/');
			json_t *p = json_pack("{s:i,s:i,s:i,s:s}", "b", (int)found->p.b, "m", (int)found->p.m, "family", (int)found->p.family,
					      "phase", "confirm");

			json_array_append_new(out, json_pack("{s:s,s:s,s:s,s:s,s:s,s:b,s:o}", "factor", t->core->factors[f], "endpoint",
							     found->endpoint, "layer", slash ? slash + 1 : found->endpoint, "feature",
							     found->name, "grade", "dependent", "declared", 0, "p", p));
		}
}
