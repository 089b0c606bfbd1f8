/* The experiment as it was planned and done: blocks of two runs, which level each place had, what each run found. Everything that
 * follows from plan and seed is derived again and must be as it says (doc/format/core.md). */
#include "claim_internal.h"

#include "experiment.h"
#include "factor.h"

enum { BLOCKS_MAX = 4096, FACTORS_MAX = 64, DROPPED_SHARE = 8 };

static int false_plan(struct hm_fail *fail, const char *what)
{
	return hm_fail_set(fail, HM_E_BAD, "the experiment contradicts itself: %s", what);
}

static int factor_of(const struct hm_core *core, const char *name)
{
	for (size_t i = 0; i < core->factor_count; i++)
		if (name && strcmp(core->factors[i], name) == 0)
			return (int)i;
	return -1;
}

bool hm_core_tests(const struct hm_core *core, const char *factor)
{
	return factor_of(core, factor) >= 0;
}

bool hm_core_varies(const struct hm_core *core, size_t row)
{
	for (size_t i = 0; i < core->factor_count; i++)
		if (hm_factor_covers(core->factors[i], row))
			return true;
	return false;
}

static int read_factors(struct hm_core *core, struct hm_fail *fail)
{
	const json_t *list = json_object_get(core->plan, "factors");

	if (json_array_size(list) > FACTORS_MAX)
		return false_plan(fail, "more factors than there are");
	core->factors = hm_alloc(json_array_size(list) + 1, sizeof(*core->factors));
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *name = json_string_value(json_array_get(list, i));

		if (factor_of(core, name) >= 0)
			return false_plan(fail, "a factor is named twice");
		core->factors[core->factor_count++] = name;
	}
	return 0;
}

static size_t index_of_run(const struct hm_core *core, int64_t run)
{
	const json_t *list = json_object_get(core->assessment, "runs");

	for (size_t i = 0; i < json_array_size(list); i++)
		if (hm_number_of(json_array_get(list, i), "run") == run)
			return i;
	return SIZE_MAX;
}

/* The rule that dropped a run, or NULL. */
static const char *rule_of(const struct hm_core *core, int64_t run)
{
	const json_t *row;
	size_t i;

	json_array_foreach (json_object_get(core->assessment, "dropped"), i, row)
		if (hm_number_of(row, "run") == run)
			return hm_text_of(row, "rule");
	return NULL;
}

/* What became of a run, HM_FATES for a rule that does not exist. */
static enum hm_fate fate_of(const struct hm_core *core, const struct hm_block *block, unsigned place)
{
	static const char *const rules[HM_FATES] = { [HM_FATE_NOT_SET_UP] = "not set up", [HM_FATE_NOT_RECORDED] = "not recorded",
						     [HM_FATE_SKIPPED] = "nothing to confirm", [HM_FATE_NOT_NEEDED] = "nothing kept",
						     [HM_FATE_NO_TLS] = "no tls", [HM_FATE_UNASKED] = "nothing to locate", [HM_FATE_INTERRUPTED] = "interrupted" };
	const char *rule = rule_of(core, 2 * (int64_t)block->number - 1 + place);
	enum hm_fate fate = HM_FATE_NOT_SET_UP;

	if (block->run[place] != SIZE_MAX)
		return HM_FATE_DONE;
	if (!rule)
		return HM_FATE_INTERRUPTED;
	while (fate < HM_FATES && strcmp(rule, rules[fate]) != 0)
		fate++;
	return fate;
}

/* Behind a block that was skipped no other of the factor is done; those of the first factor, and of content, all are. */
static bool may_skip(const struct hm_core *core, const struct hm_block *block)
{
	return block->phase == HM_PHASE_CONFIRM && block->factor > 0 && strcmp(core->factors[block->factor], "content") != 0;
}

static bool is_stored(const struct hm_block *block)
{
	return block->phase == HM_PHASE_STORE || block->phase == HM_PHASE_SEND;
}

/* By the rules that doc/format/core.md gives, and no other. */
static int read_fate(struct hm_core *core, struct hm_block *block, struct hm_fail *fail)
{
	enum hm_fate fate[2] = { fate_of(core, block, 0), fate_of(core, block, 1) };
	const struct hm_block *last = block->number > 1 ? block - 1 : NULL;

	block->fate = fate[0] > fate[1] ? fate[0] : fate[1];
	if (block->fate == HM_FATES)
		return false_plan(fail, "a run is dropped by a rule that does not exist");
	/* These are said of a whole block. */
	if (fate[0] != fate[1] && (block->fate != HM_FATE_NOT_RECORDED || fate[0] == HM_FATE_NOT_SET_UP || fate[1] == HM_FATE_NOT_SET_UP))
		return false_plan(fail, "of a block that did not begin, or was interrupted, one run is there");
	if (last && last->fate == HM_FATE_INTERRUPTED && block->fate != HM_FATE_INTERRUPTED)
		return false_plan(fail, "a block stands behind one that was interrupted");
	core->not_needed += block->fate == HM_FATE_NOT_NEEDED;
	if ((block->fate == HM_FATE_SKIPPED && !may_skip(core, block)) || (block->fate == HM_FATE_NOT_NEEDED && !is_stored(block)) ||
	    (block->fate == HM_FATE_UNASKED && block->phase != HM_PHASE_LOCATE) || (block->fate == HM_FATE_NO_TLS && block->phase != HM_PHASE_CERTIFICATE))
		return false_plan(fail, "a block was skipped that is always done");
	if (last && last->fate == HM_FATE_UNASKED && block->fate != HM_FATE_UNASKED)
		return false_plan(fail, "a block stands behind one that had nothing to locate");
	if (last && last->fate == HM_FATE_SKIPPED && last->factor == block->factor && block->fate == HM_FATE_DONE)
		return false_plan(fail, "a block stands behind one that was skipped");
	return 0;
}

/* Phases stand in their order, confirming blocks in that of factors; behind them each store block has its send block. */
static bool is_in_order(const struct hm_block *last, const struct hm_block *block)
{
	if (block->phase == HM_PHASE_SEND || (last && last->phase == HM_PHASE_STORE))
		return last && last->phase == HM_PHASE_STORE && block->phase == HM_PHASE_SEND && last->factor == block->factor;
	if (!last || (is_stored(last) && is_stored(block)))
		return true;
	return last->phase < block->phase || (last->phase == block->phase && last->factor <= block->factor);
}

/* By the coin; a send block has what its store block has. */
static int read_levels(const struct hm_core *core, struct hm_block *block, const char *phase, struct hm_fail *fail)
{
	int coin;

	if (block->phase == HM_PHASE_AA || block->phase == HM_PHASE_CERTIFICATE)
		return 0;
	if (block->phase == HM_PHASE_SEND) {
		memcpy(block->level, block[-1].level, sizeof(block->level));
		return 0;
	}
	coin = hm_experiment_coin(core->seed, phase, block->number, fail);
	for (unsigned place = 0; place < 2 && coin >= 0; place++)
		block->level[place] = (place == 0) == (coin == 1);
	return coin < 0 ? coin : 0;
}

static int take_block(struct hm_core *core, size_t index, const json_t *row, struct hm_fail *fail)
{
	static const char *const phases[] = { [HM_PHASE_AA] = "aa", [HM_PHASE_SCREEN] = "screen", [HM_PHASE_CONFIRM] = "confirm",
					       [HM_PHASE_STORE] = "store", [HM_PHASE_SEND] = "send", [HM_PHASE_CERTIFICATE] = "certificate",
					       [HM_PHASE_LOCATE] = "locate" };
	struct hm_block *block = &core->blocks[index], *last = index ? block - 1 : NULL;
	const json_t *runs = json_object_get(row, "runs"), *planned = json_object_get(core->plan, "runs");
	const char *factor = hm_text_of(row, "factor"), *phase = hm_text_of(row, "phase");
	int r;

	block->number = (uint32_t)index + 1;
	while (strcmp(phases[block->phase], phase) != 0)
		block->phase++;
	block->factor = factor_of(core, factor);
	if (hm_number_of(row, "block") != (int64_t)index + 1 || json_array_size(runs) != 2)
		return false_plan(fail, "the blocks are not 1, 2, 3 ..., each of two runs");
	if (block->phase == HM_PHASE_LOCATE && core->semantics < 4)
		return false_plan(fail, "locate blocks in semantics that have none");
	if ((block->phase >= HM_PHASE_CONFIRM && block->phase < HM_PHASE_CERTIFICATE) != (factor != NULL) || (factor && block->factor < 0) ||
	    (is_stored(block) && strcmp(factor, "content") != 0))
		return false_plan(fail, "a block varies what it cannot");
	if (!is_in_order(last, block))
		return false_plan(fail, "the blocks are not in the order of phases and factors");
	r = read_levels(core, block, phase, fail);
	if (r < 0)
		return r;
	for (unsigned place = 0; place < 2; place++) {
		int64_t run = json_integer_value(json_array_get(runs, place));
		const json_t *plan = json_array_get(planned, 2 * index + place);

		if (run != (int64_t)(2 * index + place) + 1 || !plan || strcmp(hm_text_of(plan, "kind"), phase) != 0)
			return false_plan(fail, "the runs of a block are not the next two, or of another kind");
		block->run[place] = index_of_run(core, run);
		if (block->phase == HM_PHASE_SEND && block->run[place] != SIZE_MAX && last->run[place] == SIZE_MAX)
			return false_plan(fail, "a run began with what none had left");
	}
	return read_fate(core, block, fail);
}

static int read_blocks(struct hm_core *core, struct hm_fail *fail)
{
	const json_t *list = json_object_get(core->plan, "blocks"), *row;
	int r = 0;
	size_t i;

	if (json_array_size(list) > BLOCKS_MAX || 2 * json_array_size(list) != json_array_size(json_object_get(core->plan, "runs")))
		return false_plan(fail, "the blocks do not have all planned runs");
	core->blocks = hm_alloc(json_array_size(list) + 1, sizeof(*core->blocks));
	json_array_foreach (list, i, row) {
		r = take_block(core, i, row, fail);
		if (r < 0)
			return r;
		core->block_count++;
	}
	if (core->block_count && core->blocks[core->block_count - 1].phase == HM_PHASE_STORE)
		return false_plan(fail, "nothing is sent of what the last block kept");
	return 0;
}

/* Fewer would have no verdict, or none to compare with. */
static int check_counts(const struct hm_core *core, struct hm_fail *fail)
{
	HM_FREE size_t *confirms = hm_alloc(core->factor_count + 1, sizeof(*confirms));
	size_t other[HM_PHASES] = { 0 };
	unsigned pairs = 0;

	for (size_t i = 0; i < core->block_count; i++) {
		if (core->blocks[i].phase == HM_PHASE_CONFIRM)
			confirms[core->blocks[i].factor]++;
		else
			other[core->blocks[i].phase]++;
	}
	for (size_t i = 0; i < core->factor_count; i++) {
		if (confirms[i] < HM_EXPERIMENT_PAIRS_MIN)
			return false_plan(fail, "too few confirming blocks for a verdict");
		pairs = confirms[i] > pairs ? (unsigned)confirms[i] : pairs;
	}
	if (other[HM_PHASE_SEND] && other[HM_PHASE_SEND] < HM_EXPERIMENT_PAIRS_SIZED)
		return false_plan(fail, "too few send blocks to confirm anything");
	if (other[HM_PHASE_LOCATE] && other[HM_PHASE_LOCATE] != HM_EXPERIMENT_LOCATE)
		return false_plan(fail, "more or fewer locate blocks than there are");
	if (!core->factor_count || other[HM_PHASE_AA] < hm_experiment_aa(pairs) || other[HM_PHASE_SCREEN] < hm_experiment_screening(pairs))
		return false_plan(fail, "no factor, or too few A/A or screening blocks before so many pairs");
	return 0;
}

/* One block in eight may be missing that never began: no product can have had a part in that. */
static void weigh_dropped(struct hm_core *core)
{
	HM_FREE size_t *confirms = hm_alloc(core->factor_count + 1, sizeof(*confirms));
	size_t count = 0;

	for (size_t i = 0; i < core->block_count; i++) {
		const struct hm_block *block = &core->blocks[i];

		if (block->phase == HM_PHASE_LOCATE) {
			core->unasked += block->fate == HM_FATE_NOT_SET_UP || block->fate >= HM_FATE_UNASKED;
			continue;
		}
		count++;
		core->not_set_up += block->fate == HM_FATE_NOT_SET_UP;
		core->skipped += block->fate == HM_FATE_SKIPPED;
		if (block->phase == HM_PHASE_CONFIRM && block->fate != HM_FATE_NOT_SET_UP)
			confirms[block->factor]++;
	}
	core->tolerable = core->not_set_up * DROPPED_SHARE <= count;
	for (size_t i = 0; i < core->factor_count; i++)
		core->tolerable &= confirms[i] >= HM_EXPERIMENT_PAIRS_MIN;
}

/* Whether there is all that screening needs. */
static bool is_screened(const struct hm_core *core)
{
	bool some[] = { [HM_PHASE_AA] = false, [HM_PHASE_SCREEN] = false };

	for (size_t i = 0; i < core->block_count && core->blocks[i].phase != HM_PHASE_CONFIRM; i++) {
		if (core->blocks[i].fate == HM_FATE_INTERRUPTED)
			return false;
		some[core->blocks[i].phase] |= core->blocks[i].fate == HM_FATE_DONE;
	}
	return some[HM_PHASE_AA] && some[HM_PHASE_SCREEN];
}

static int read_held(struct hm_core *core, struct hm_fail *fail)
{
	const json_t *list = json_object_get(core->assessment, "held");

	if (!is_screened(core))
		return json_array_size(list) ? false_plan(fail, "something was held, and screening was not done") : 0;
	if (json_array_size(list) != core->factor_count)
		return false_plan(fail, "held blocks are not told for each factor");
	core->held = hm_alloc(core->factor_count + 1, sizeof(*core->held));
	for (size_t i = 0; i < core->factor_count; i++) {
		const json_t *row = json_array_get(list, i);
		int64_t number = hm_number_of(row, "block");

		if (strcmp(hm_text_of(row, "factor"), core->factors[i]) != 0 || number < 1 || number > (int64_t)core->block_count ||
		    core->blocks[number - 1].phase != HM_PHASE_SCREEN)
			return false_plan(fail, "what was held is no screening block, or of another factor");
		core->held[i] = (uint32_t)number;
	}
	return 0;
}

/* The set that the run in this place must have found. */
static bool set_fits(const struct hm_core *core, const json_t *set, const struct hm_block *block, unsigned place)
{
	const json_t *levels = json_object_get(set, "levels");
	bool base = block->phase == HM_PHASE_AA || block->phase == HM_PHASE_CERTIFICATE;
	uint32_t secrets = block->phase == HM_PHASE_CERTIFICATE ? 1 : block->number;

	if (block->factor >= 0 && !core->held)
		return false;
	/* What these have is told by what was asked: hm_locate_next, and who replays that. */
	if (block->phase == HM_PHASE_LOCATE)
		return strcmp(hm_text_of(set, "phase"), "screen") == 0 && json_array_size(levels) == core->factor_count;
	if (json_object_get(set, "mix"))
		return false;
	if (block->factor >= 0)
		secrets = core->held[block->factor];
	if (strcmp(hm_text_of(set, "phase"), base ? "aa" : "screen") != 0 ||
	    hm_number_of(set, "block") != secrets || json_array_size(levels) != core->factor_count)
		return false;
	for (size_t i = 0; i < core->factor_count; i++) {
		const json_t *row = json_array_get(levels, i);
		bool varies = block->phase == HM_PHASE_SCREEN || (block->factor == (int)i && block->phase != HM_PHASE_SEND);
		unsigned level = varies ? block->level[place] : hm_factor_base(core->factors[i]);

		if (strcmp(hm_text_of(row, "factor"), core->factors[i]) != 0 || hm_number_of(row, "level") != level)
			return false;
	}
	return true;
}

/* Attempts that do not count, and when an interrupted assessment went on: rows in the order of blocks. */
static int check_notes(const struct hm_core *core, const char *member, struct hm_fail *fail)
{
	const json_t *row;
	int64_t last = 1;
	size_t i;

	json_array_foreach (json_object_get(core->assessment, member), i, row) {
		if (hm_number_of(row, "block") < last || hm_number_of(row, "block") > (int64_t)core->block_count)
			return false_plan(fail, "what is repeated or resumed is no block, or out of order");
		last = hm_number_of(row, "block");
	}
	return 0;
}

/* The chamber's address is that of the set's world; before it varied, there was one for all. */
static bool address_fits(const struct hm_core *core, const json_t *set, const json_t *run)
{
	const char *said = hm_text_of(run, "address");
	size_t at = (size_t)(hm_factor_find("host.address") - hm_factors);
	unsigned level = hm_factors[at].base;
	char address[16];
	const json_t *row;
	size_t i;

	if (core->semantics < 4 || !said)
		return core->semantics < 4 && !said;
	json_array_foreach (json_object_get(set, "levels"), i, row)
		if (hm_factor_covers(hm_text_of(row, "factor"), at))
			level = (unsigned)hm_number_of(row, "level");
	hm_factor_address(address, core->seed, hm_text_of(set, "phase"), (unsigned)hm_number_of(set, "block"), level);
	return strcmp(address, said) == 0;
}

static int read_sets(struct hm_core *core, struct hm_fail *fail)
{
	const json_t *list = json_object_get(core->assessment, "sets"), *sets = json_object_get(core->planted, "sets"), *row;
	size_t i;

	if (json_array_size(list) != core->runs)
		return false_plan(fail, "it is not told what each run found");
	for (i = 0; i < json_array_size(sets); i++)
		if (hm_number_of(json_array_get(sets, i), "set") != (int64_t)i + 1)
			return hm_fail_set(fail, HM_E_BAD, "planted.json: the sets are not 1, 2, 3 ...");
	json_array_foreach (list, i, row) {
		int64_t run = hm_number_of(json_array_get(json_object_get(core->assessment, "runs"), i), "run");
		int64_t set = hm_number_of(row, "set");

		if (hm_number_of(row, "run") != run || set < 1 || set > (int64_t)json_array_size(sets) ||
		    !set_fits(core, json_array_get(sets, (size_t)set - 1), &core->blocks[(run - 1) / 2], (unsigned)((run - 1) % 2)))
			return false_plan(fail, "a run found other documents than it should");
		if (!address_fits(core, json_array_get(sets, (size_t)set - 1), json_array_get(json_object_get(core->assessment, "runs"), i)))
			return false_plan(fail, "a run had another address than follows from the seed");
		core->set_of[i] = (size_t)set - 1;
	}
	return 0;
}

int hm_blocks_read(struct hm_core *core, struct hm_fail *fail)
{
	bool there = json_object_get(core->plan, "blocks") && json_object_get(core->assessment, "held") &&
		     json_object_get(core->assessment, "sets");
	bool any = json_object_get(core->plan, "blocks") || json_object_get(core->assessment, "held") ||
		   json_object_get(core->assessment, "sets") || json_object_get(core->assessment, "repeated") ||
		   json_object_get(core->assessment, "resumed");
	int r;

	core->set_of = hm_alloc(core->runs + 1, sizeof(*core->set_of));
	for (size_t i = 0; i < core->runs; i++)
		any |= !core->experiment && json_object_get(json_array_get(json_object_get(core->assessment, "runs"), i), "address");
	if (!core->experiment)
		return any ? false_plan(fail, "blocks where there is no experiment") : 0;
	if (!there)
		return false_plan(fail, "blocks, held blocks or sets are missing");
	r = read_factors(core, fail);
	if (r == 0)
		r = read_blocks(core, fail);
	if (r == 0)
		r = check_counts(core, fail);
	if (r == 0)
		r = check_notes(core, "repeated", fail);
	if (r == 0)
		r = check_notes(core, "resumed", fail);
	if (r < 0)
		return r;
	weigh_dropped(core);
	r = read_held(core, fail);
	return r < 0 ? r : read_sets(core, fail);
}

void hm_blocks_release(struct hm_core *core)
{
	free(core->factors);
	free(core->blocks);
	free(core->held);
	free(core->set_of);
}
