/* What a locate block asks. Targets and answers are read back from the runs' files by the code that judges them, so that whoever verifies comes to the
 * same questions. */
#include "trials_internal.h"

#include "experiment.h"

/* As the judge does: in the order of runs, blocks of which one is missing left out, and those whose network was closed or whose certificates were wrong. */
static int compare_all(struct hm_trials *e, size_t *index, size_t *kept, struct hm_fail *fail)
{
	int r = 0;

	for (unsigned run = 1; run <= 2 * (e->blocks - e->locates) && r == 0; run++) {
		if (e->fate[run - 1] != DONE || strcmp(hm_trials_phase(e, (run + 1) / 2), "certificate") == 0)
			continue;
		kept[run - 1] = e->residues++;
		r = hm_trials_compare_kept(e, e->residue, run, fail);
	}

	for (unsigned block = 1; block <= e->blocks - e->locates && r == 0; block++) {
		const char *phase = hm_trials_phase(e, block);

		if (!hm_trials_is_done(e, block) || strcmp(phase, "store") == 0 || strcmp(phase, "certificate") == 0)
			continue;
		for (unsigned run = 2 * block - 1; run <= 2 * block && r == 0; run++) {
			index[run - 1] = e->compared++;
			r = hm_trials_compare(e, e->compare, run, fail);
		}
	}
	return r;
}

struct phases {
	struct hm_compare_block *list; /* room for three times all blocks */
	unsigned *numbers;
	struct hm_compare_phase aa, screen, confirm;
};

static void release_phases(struct phases *p)
{
	free(p->list);
	free(p->numbers);
}

static int find_phases(const struct hm_trials *e, struct phases *p, size_t factor, const size_t *index, struct hm_fail *fail)
{
	unsigned before = e->aa + e->screen + (unsigned)factor * e->pairs;
	int aa = hm_trials_list(e, 1, e->aa, index, p->list, NULL, fail);
	int screen = hm_trials_list(e, e->aa + 1, e->aa + e->screen, index, p->list + e->blocks, p->numbers, fail);
	int confirm = hm_trials_list(e, before + 1, before + e->pairs, index, p->list + 2 * e->blocks, NULL, fail);

	if (aa < 0 || screen < 0 || confirm < 0)
		return fail->code;
	p->aa = (struct hm_compare_phase){ p->list, (size_t)aa };
	p->screen = (struct hm_compare_phase){ p->list + e->blocks, (size_t)screen };
	p->confirm = (struct hm_compare_phase){ p->list + 2 * e->blocks, (size_t)confirm };
	return 0;
}

/* The blocks that draw what the held block drew; all, where none does. */
static int find_references(const struct hm_trials *e, struct hm_compare_block *list, size_t factor, const size_t *index, struct hm_fail *fail)
{
	unsigned before = e->aa + e->screen + (unsigned)factor * e->pairs;
	int count = 0, r = 0;

	for (unsigned i = 0; i < e->pairs && r >= 0; i++) {
		if (!hm_experiment_repeats(e->pairs, i, e->suspected[factor]))
			continue;
		r = hm_trials_list(e, before + 1 + i, before + 1 + i, index, list + count, NULL, fail);
		count += r > 0;
	}
	if (r < 0 || count)
		return r < 0 ? r : count;
	return hm_trials_list(e, before + 1, before + e->pairs, index, list, NULL, fail);
}

/* What confirming blocks of the factor confirmed becomes targets. */
static int add_factor(struct hm_trials *e, size_t factor, enum hm_locate_kind kind, const size_t *index, const struct hm_experiment_draws *draws,
		      struct hm_fail *fail)
{
	const struct hm_compare *compare = kind == HM_LOCATE_KEPT ? e->residue : e->compare;
	HM_CLEANUP(hm_compare_result_release) struct hm_compare_result suspects = { 0 };
	HM_CLEANUP(hm_compare_result_release) struct hm_compare_result found = { 0 };
	HM_CLEANUP(release_phases) struct phases p = { .list = hm_alloc(3 * (size_t)e->blocks, sizeof(*p.list)),
						       .numbers = hm_alloc(e->blocks, sizeof(*p.numbers)) };
	int r = find_phases(e, &p, factor, index, fail), count;

	if (r == 0)
		r = hm_compare_screen(compare, &p.aa, &p.screen, &suspects, fail);
	if (r < 0 || !p.confirm.count)
		return r;
	for (suspects.held = 0; suspects.held < p.screen.count && p.numbers[suspects.held] != e->held[factor];)
		suspects.held++;
	if (suspects.held == p.screen.count)
		return hm_fail_set(fail, HM_E_SYSTEM, "the block whose secrets are held was not done");
	r = hm_compare_confirm(compare, &suspects, &p.aa, &p.screen, &p.confirm, draws, &found, fail);
	if (r < 0)
		return r;
	count = find_references(e, p.list, factor, index, fail);
	if (count < 0)
		return count;
	hm_locate_add(e->locate, e->factors[factor], kind, compare, &found, &(struct hm_compare_phase){ p.list, (size_t)count });
	return 0;
}

/* What of it can be changed alone, if anything can. */
static void tell_factor(struct hm_trials *e, const char *factor)
{
	uint32_t places[HM_LOCATE_THINGS];

	if (hm_factor_things(factor) > HM_LOCATE_THINGS)
		abort();
	for (uint32_t i = 0; i < hm_factor_things(factor); i++)
		places[i] = hm_factor_places(factor, i);
	(void)!hm_locate_factor(e->locate, factor, places, hm_factor_things(factor));
}

static int begin(struct hm_trials *e, struct hm_fail *fail)
{
	HM_FREE size_t *index = hm_alloc(2 * (size_t)e->blocks, sizeof(*index)), *kept = hm_alloc(2 * (size_t)e->blocks, sizeof(*kept));
	struct hm_experiment_draws draws = { .seed = e->a->seed };
	struct hm_sha256 digest;
	struct hm_slice plan;
	int r;

	if (!hm_parts_get(e->a->parts, "plan.json", &plan))
		abort();
	hm_sha256_slice(&digest, plan);
	draws.plan = &digest;
	e->compare = hm_compare_new();
	e->residue = hm_compare_new();
	e->locate = hm_locate_new(e->a->seed);
	for (size_t i = 0; i < e->factor_count; i++)
		tell_factor(e, e->factors[i]);
	r = compare_all(e, index, kept, fail);
	for (size_t i = 0; i < e->factor_count && r == 0; i++) {
		draws.test = (uint32_t)i;
		r = add_factor(e, i, HM_LOCATE_SENT, index, &draws, fail);
	}
	draws.test = (uint32_t)e->factor_count;
	for (size_t i = 0; i < e->factor_count && r == 0; i++)
		if (strcmp(e->factors[i], "content") == 0)
			r = add_factor(e, i, HM_LOCATE_KEPT, kept, &draws, fail);
	return r;
}

int hm_trials_ask(struct hm_trials *e, struct hm_fail *fail)
{
	int r = e->locate ? 0 : begin(e, fail);

	return r < 0 ? r : hm_locate_next(e->locate, &e->question);
}

int hm_trials_hear(struct hm_trials *e, unsigned block, struct hm_fail *fail)
{
	struct hm_locate_seen seen[HM_LOCATE_KINDS] = { { e->compare, { { 0 } } }, { e->residue, { { 0 } } } };
	int level = hm_trials_level(e, block, 0, fail), r = 0;

	if (level < 0)
		return level;
	for (unsigned run = 2 * block - 1; run <= 2 * block && r == 0; run++) {
		if (e->fate[run - 1] != DONE)
			continue;
		seen[HM_LOCATE_KEPT].block.run[(run & 1) ? level : 1 - level] = e->residues++;
		r = hm_trials_compare_kept(e, e->residue, run, fail);
	}
	if (r < 0)
		return r;
	if (!hm_trials_is_done(e, block)) {
		hm_locate_tell(e->locate, NULL);
		return 0;
	}
	for (unsigned run = 2 * block - 1; run <= 2 * block && r == 0; run++)
		r = hm_trials_compare(e, e->compare, run, fail);
	seen[HM_LOCATE_SENT].block.run[level] = e->compared;
	seen[HM_LOCATE_SENT].block.run[1 - level] = e->compared + 1;
	e->compared += 2;
	if (r == 0)
		hm_locate_answer(e->locate, seen);
	return r;
}
