/* Levels by coin, secrets fresh in every screening block and held while confirming: doc/format/core.md and statistics.md. */
#include "trials_internal.h"

#include "certificates.h"
#include "planted.h"
#include "program.h"

const char *const hm_trials_rules[FATES] = { [INTERRUPTED] = "interrupted", [NOT_SET_UP] = "not set up", [NOT_RECORDED] = "not recorded",
					       [NOTHING_KEPT] = "nothing kept", [SKIPPED] = "nothing to confirm", [NO_TLS] = HM_CERTIFICATES_RULE,
					       [UNASKED] = "nothing to locate" };

/* Each stands for something that can be set, and nothing is varied by two of them. */
static int check_factors(const char *const *factors, size_t *ret, struct hm_fail *fail)
{
	size_t count = 0;

	for (; factors[count]; count++) {
		const struct hm_factor *factor = hm_factor_find(factors[count]);

		if (factor && factor->cannot)
			return hm_fail_set(fail, HM_E_USAGE, "--factors: %s cannot be set: %s", factors[count], factor->cannot);
		if (!hm_factor_claim(factors[count]))
			return hm_fail_set(fail, HM_E_USAGE, "--factors: no factor %s", factors[count]);
		for (size_t i = 0; i < count; i++)
			for (size_t row = 0; row < hm_factor_count; row++)
				if (hm_factor_covers(factors[i], row) && hm_factor_covers(factors[count], row))
					return hm_fail_set(fail, HM_E_USAGE, "--factors: %s is there twice", hm_factors[row].name);
	}
	*ret = count;
	return 0;
}

int hm_trials_open(struct hm_trials **ret, struct hm_assessment *a, const char *const *factors, unsigned pairs, struct hm_fail *fail)
{
	struct hm_trials *e;
	size_t count = 0;

	if (hm_experiment_pairs(pairs, fail) < 0)
		return fail->code;
	if (check_factors(factors, &count, fail) < 0)
		return fail->code;
	e = hm_alloc(1, sizeof(*e));
	e->a = a;
	e->factors = factors;
	e->factor_count = count;
	e->pairs = pairs;
	for (e->content = 0; e->content < count && strcmp(factors[e->content], "content") != 0;)
		e->content++;
	/* Where nothing can leave, nothing can be sent later either. */
	if (e->content < count && a->mode != HM_INTERNET_CLOSED)
		e->stores = pairs < HM_EXPERIMENT_PAIRS_SIZED ? HM_EXPERIMENT_PAIRS_SIZED : pairs;
	e->aa = hm_experiment_aa(pairs);
	e->screen = hm_experiment_screening(pairs);
	e->fresh = e->aa + e->screen + (unsigned)count * pairs;
	e->locates = a->locate ? HM_LOCATE_BLOCKS : 0;
	e->wrong = hm_certificates_count(a->mode);
	e->blocks = e->fresh + 2 * e->stores + e->wrong + e->locates;
	if (2 * e->blocks > HM_EXPERIMENT_PAIRS_MAX) {
		hm_fail_set(fail, HM_E_USAGE, "--pairs %u: with %zu factors that is %u runs, more than the %d that an assessment can have", pairs, count,
			    2 * e->blocks, HM_EXPERIMENT_PAIRS_MAX);
		free(e);
		return fail->code;
	}
	e->held = hm_alloc(count + 1, sizeof(*e->held));
	e->began = hm_alloc((size_t)e->blocks + 1, sizeof(*e->began));
	e->sets = hm_alloc(2 * (size_t)e->blocks, sizeof(*e->sets));
	e->set_of = hm_alloc(2 * (size_t)e->blocks, sizeof(*e->set_of));
	e->fate = hm_alloc(2 * (size_t)e->blocks, sizeof(*e->fate));
	e->suspected = hm_alloc(count + 1, sizeof(*e->suspected));
	e->notes = hm_alloc(2 * (size_t)e->blocks, sizeof(*e->notes));
	e->first = 1;
	e->planted = json_array();
	e->repeated = json_array();
	e->resumed = json_array();
	*ret = e;
	return 0;
}

void hm_trials_close(struct hm_trials *e)
{
	if (!e)
		return;
	json_decref(e->planted);
	json_decref(e->repeated);
	json_decref(e->resumed);
	hm_locate_free(e->locate);
	hm_compare_free(e->compare);
	hm_compare_free(e->residue);
	free(e->held);
	free(e->began);
	free(e->sets);
	free(e->set_of);
	free(e->fate);
	free(e->suspected);
	for (size_t i = 0; i < e->suspect_count; i++) {
		free(e->suspects[i].endpoint);
		free(e->suspects[i].name);
	}
	free(e->suspects);
	free(e->notes);
	free(e);
}

unsigned hm_trials_runs(const struct hm_trials *e)
{
	return 2 * e->blocks;
}

const char *hm_trials_phase(const struct hm_trials *e, unsigned block)
{
	if (block > e->fresh + 2 * e->stores + e->wrong)
		return "locate";
	if (block > e->fresh + 2 * e->stores)
		return "certificate";
	if (block > e->fresh)
		return (block - e->fresh) % 2 ? "store" : "send";
	return block <= e->aa ? "aa" : block <= e->aa + e->screen ? "screen" : "confirm";
}

bool hm_trials_is(const struct hm_trials *e, unsigned block, const char *phase)
{
	return strcmp(hm_trials_phase(e, block), phase) == 0;
}

size_t hm_trials_factor(const struct hm_trials *e, unsigned block)
{
	size_t asked = 0;

	if (block <= e->fresh)
		return (block - e->aa - e->screen - 1) / e->pairs;
	if (!hm_trials_is(e, block, "locate"))
		return e->content;
	while (strcmp(e->factors[asked], e->question.factor) != 0)
		asked++;
	return asked;
}

void hm_trials_plan(const struct hm_trials *e, json_t **factors, json_t **runs, json_t **blocks)
{
	*factors = json_array();
	*runs = json_array();
	*blocks = json_array();
	for (size_t i = 0; i < e->factor_count; i++)
		json_array_append_new(*factors, json_string(e->factors[i]));
	for (unsigned b = 1; b <= e->blocks; b++) {
		bool confirms = b > e->aa + e->screen && b <= e->fresh + 2 * e->stores;

		for (unsigned run = 2 * b - 1; run <= 2 * b; run++)
			json_array_append_new(*runs, hm_trials_is(e, b, "certificate") ? hm_certificates_plan(run, b - e->fresh - 2 * e->stores - 1)
										   : json_pack("{s:i,s:s}", "run", (int)run, "kind", hm_trials_phase(e, b)));
		json_array_append_new(*blocks, json_pack("{s:i,s:s,s:o,s:[i,i]}", "block", (int)b, "phase", hm_trials_phase(e, b), "factor",
							 confirms ? json_string(e->factors[hm_trials_factor(e, b)]) : json_null(), "runs",
							 (int)(2 * b - 1), (int)(2 * b)));
	}
}

/* ---- one run ---- */

int hm_trials_level(const struct hm_trials *e, unsigned block, unsigned place, struct hm_fail *fail)
{
	int coin;

	/* What is sent is told apart by what was stored. */
	if (hm_trials_is(e, block, "send"))
		block--;
	if (block <= e->aa || hm_trials_is(e, block, "certificate"))
		return 0;
	coin = hm_experiment_coin(e->a->seed, hm_trials_phase(e, block), block, fail);
	return coin < 0 ? coin : (place == 0) == (coin == 1);
}

static int add_sample(void *cookie, const char *path, struct hm_bytes *content, struct hm_fail *fail HM_UNUSED)
{
	hm_factor_add(cookie, path, "sample", hm_slice_of(content));
	return 0;
}

int hm_trials_world(struct hm_trials *e, unsigned block, unsigned place, struct set *set, struct hm_world **world, struct hm_fail *fail)
{
	HM_FREE struct hm_factor_choice *choice = hm_alloc(hm_factor_count, sizeof(*choice));
	int level = hm_trials_level(e, block, place, fail), r;
	bool wrong = hm_trials_is(e, block, "certificate"), plain = block <= e->aa || wrong;
	bool confirms = block > e->aa + e->screen && !wrong, locates = hm_trials_is(e, block, "locate");

	if (level < 0)
		return level;
	*set = (struct set){ .screen = !plain, .block = confirms ? e->held[hm_trials_factor(e, block)] : wrong ? 1 : block };
	for (size_t i = 0; i < hm_factor_count; i++)
		choice[i] = (struct hm_factor_choice){ hm_factors[i].base, set->block };
	for (size_t i = 0; i < e->factor_count; i++) {
		bool varies = !plain && (!confirms || (hm_trials_factor(e, block) == i && !hm_trials_is(e, block, "send")));
		unsigned own = !varies ? hm_factor_base(e->factors[i]) : locates ? 0 : (unsigned)level;

		for (size_t row = 0; row < hm_factor_count; row++)
			if (hm_factor_covers(e->factors[i], row))
				choice[row].level = own;
		set->levels |= (uint64_t)own << i;
	}
	if (locates && e->question.count[level]) {
		set->mixed = e->question.factor;
		set->part_count = e->question.count[level];
		for (size_t i = 0; i < set->part_count; i++) {
			const struct hm_locate_part *part = &e->question.level[level][i];

			set->parts[i] = (struct hm_factor_part){ part->document, part->from, part->to, 0 };
		}
		r = hm_factor_mixed(world, e->a->seed, "screen", choice, set->mixed, set->parts, set->part_count, fail);
	} else {
		r = hm_factor_world(world, e->a->seed, set->screen ? "screen" : "aa", choice, fail);
	}
	if (r == 0 && e->a->product.samples)
		r = hm_planted_samples(e->a->product.samples, add_sample, *world, fail);
	return r;
}

/* Where all runs that confirm content left the same there is nothing to send: a rule that does not look at what was sent. */
static int do_stored(struct hm_trials *e, unsigned block, struct hm_slice plan, struct hm_bytes *absent, struct hm_fail *fail)
{
	int r = e->kept_known ? 0 : hm_trials_kept(e, &e->kept, fail);

	e->kept_known = true;
	if (r == 0 && !e->kept)
		hm_trials_set_fate(e, block, NOTHING_KEPT);
	else if (r == 0)
		r = hm_trials_block(e, block, plan, absent, fail);
	return r;
}

/* A locate block asks what those before it call for; when nothing is to be asked any more it is left out, and so are those behind it. */
static int do_locate(struct hm_trials *e, unsigned block, struct hm_slice plan, struct hm_bytes *absent, struct hm_fail *fail)
{
	int r = hm_trials_ask(e, fail);

	if (r == 0)
		hm_trials_set_fate(e, block, UNASKED);
	if (r <= 0)
		return r;
	e->progress.of = e->blocks;
	e->progress.at_most = true;
	hm_progress_pair(&e->progress, block, "locate", e->question.factor);
	r = hm_trials_block(e, block, plan, absent, fail);
	hm_progress_ended(&e->progress);
	return r < 0 ? r : hm_trials_hear(e, block, fail);
}

/* Where no server was asked for a certificate, nobody can be shown a wrong one. */
static int do_certificates(struct hm_trials *e, unsigned block, struct hm_slice plan, struct hm_bytes *absent, struct hm_fail *fail)
{
	if (hm_certificates_met(e->notes, 2 * (size_t)(e->fresh + 2 * e->stores)))
		return hm_trials_block(e, block, plan, absent, fail);
	hm_trials_set_fate(e, block, NO_TLS);
	return 0;
}

static int do_due(struct hm_trials *e, unsigned block, struct hm_slice plan, struct hm_bytes *absent, struct hm_fail *fail)
{
	if (hm_trials_is(e, block, "certificate"))
		return do_certificates(e, block, plan, absent, fail);
	return hm_trials_is(e, block, "store") ? do_stored(e, block, plan, absent, fail) : hm_trials_block(e, block, plan, absent, fail);
}

static int do_planned(struct hm_trials *e, unsigned block, struct hm_slice plan, struct hm_bytes *absent, struct hm_fail *fail)
{
	int r = 0;

	if (hm_trials_is(e, block, "locate"))
		return do_locate(e, block, plan, absent, fail);
	hm_progress_pair(&e->progress, block, hm_trials_phase(e, block), block > e->aa + e->screen && block <= e->fresh + 2 * e->stores ? e->factors[hm_trials_factor(e, block)] : NULL);
	r = hm_trials_is(e, block, "confirm") ? hm_trials_idle(e, block, fail) : 0;
	if (r == 1)
		hm_trials_set_fate(e, block, SKIPPED);
	else if (r == 0)
		r = do_due(e, block, plan, absent, fail);
	hm_progress_ended(&e->progress);
	return r < 0 ? r : 0;
}

static int write_planted(struct hm_trials *e, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	HM_JSON json_t *document = json_pack("{s:s,s:s,s:O}", "schema", "hallmark/planted/v3", "target", HM_TARGET, "sets", e->planted);

	if (e->locates)
		json_object_set_new(document, "things", hm_trials_things(e));
	hm_json_write(&text, document);
	return hm_parts_take(e->a->parts, "planted.json", &text, fail);
}

int hm_trials_run(struct hm_trials *e, struct hm_slice plan, struct hm_bytes *absent, struct hm_fail *fail)
{
	bool some = e->first > 1;
	struct hm_fail lost = { 0 };
	int r = 0;

	hm_progress_begin(&e->progress, e->blocks - e->locates);
	for (unsigned block = e->first; block <= e->blocks && r == 0; block++) {
		r = do_planned(e, block, plan, absent, fail);
		if (r == 0 && block <= e->aa && e->a->refused && e->a->may_adapt) {
			e->a->adapt = true;
			r = hm_fail_set(fail, HM_E_INTERRUPTED, "the chamber's certificate was refused in pair %u of %u", block, e->blocks);
		}
		if (r == 0 && block == e->aa + e->screen)
			r = hm_trials_screen(e, fail);
		some |= e->fate[2 * block - 2] == DONE || e->fate[2 * block - 1] == DONE;
		block += hm_trials_is(e, block, "store");
	}
	hm_trials_drop_ahead(e);
	/* A signal, or a machine that will not: what was done is worth keeping. */
	if (r < 0 && (!some || (r != HM_E_INTERRUPTED && r != HM_E_SYSTEM)))
		return r;
	return write_planted(e, r < 0 ? &lost : fail) < 0 ? HM_E_SYSTEM : r < 0 ? 1 : 0;
}

void hm_trials_done(const struct hm_trials *e, struct hm_planned *planned)
{
	planned->held = json_array();
	planned->sets = json_array();
	planned->dropped = json_array();
	planned->repeated = json_incref(e->repeated);
	planned->resumed = json_incref(e->resumed);
	planned->notes = e->notes;
	for (size_t i = 0; i < e->factor_count && e->screened; i++)
		json_array_append_new(planned->held, json_pack("{s:s,s:i}", "factor", e->factors[i], "block", (int)e->held[i]));
	for (unsigned run = 0; run < 2 * e->blocks; run++)
		if (e->fate[run] == DONE)
			json_array_append_new(planned->sets, json_pack("{s:i,s:i}", "run", (int)run + 1, "set", (int)e->set_of[run] + 1));
		else
			json_array_append_new(planned->dropped, json_pack("{s:i,s:s}", "run", (int)run + 1, "rule", hm_trials_rules[e->fate[run]]));
}
