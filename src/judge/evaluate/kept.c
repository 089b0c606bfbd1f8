/* What the two runs of a block left on disk, held against each other: by the same blocks and the same statistics as what left. */
#include "evaluate_internal.h"

#include <search.h>

enum { SPOTS_MAX = 64 };

struct path {
	char *name; /* as in names of features */
	struct spot {
		size_t run; /* index */
		uint64_t entry;
	} *spots;
	size_t count;
};

struct hm_kept_trial {
	const struct hm_core *core;
	int factor; /* content's */
	struct hm_compare *compare;
	void *paths, *proven; /* struct path by name; names of what was found of documents */
	unsigned *numbers;    /* of runs, by index */
	size_t *number_of;    /* by index of the run: its number here; of one with wrong certificates the next's */
	size_t runs, passed;  /* that were taken; that were seen */
	struct hm_compare_result found;
	uint32_t held;
	uint64_t unread; /* files, in runs before locate blocks: by these it is decided whether anything is sent */
	bool beyond; /* `all` alone stands for some run */
	struct hm_residue_spot spots[SPOTS_MAX];
	struct hm_residue_outcome outcome;
	uint32_t pairs[2]; /* that count for a bound, where screening had no suspect, and where it had one */
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct path *)a)->name, ((const struct path *)b)->name);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

struct hm_kept_trial *hm_kept_new(const struct hm_core *core)
{
	struct hm_kept_trial *k;
	int factor = -1;

	for (size_t i = 0; i < core->factor_count; i++)
		if (strcmp(core->factors[i], "content") == 0)
			factor = (int)i;
	if (!core->experiment || factor < 0)
		return NULL;
	k = hm_alloc(1, sizeof(*k));
	k->core = core;
	k->factor = factor;
	k->compare = hm_compare_new();
	if (core->semantics < 4)
		hm_compare_narrow(k->compare);
	k->numbers = hm_alloc(core->runs + 1, sizeof(*k->numbers));
	k->number_of = hm_alloc(core->runs + 1, sizeof(*k->number_of));
	return k;
}

static void free_path(void *node)
{
	struct path *path = node;

	free(path->name);
	free(path->spots);
	free(path);
}

void hm_kept_free(struct hm_kept_trial *k)
{
	if (!k)
		return;
	tdestroy(k->paths, free_path);
	tdestroy(k->proven, free);
	hm_compare_result_release(&k->found);
	hm_compare_free(k->compare);
	free(k->numbers);
	free(k->number_of);
	free(k);
}

static void take_path(struct hm_kept_trial *k, const struct hm_tree_entry *entry)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes name = { 0 };
	struct path *path = hm_alloc(1, sizeof(*path)), **found;

	hm_residue_escape(&name, entry->path);
	path->name = hm_slice_dup(hm_slice_of(&name));
	found = tsearch(path, &k->paths, by_name);
	if (!found)
		abort();
	if (*found != path)
		free_path(path);
	path = *found;
	if ((path->count & (path->count - 1)) == 0)
		path->spots = hm_realloc(path->spots, path->count ? 2 * path->count : 1, sizeof(*path->spots));
	path->spots[path->count++] = (struct spot){ k->runs, entry->position };
}

static void take_proven(struct hm_kept_trial *k, const char *feature)
{
	char *name = hm_strdup(feature), **found = tsearch(name, &k->proven, by_text);

	if (!found)
		abort();
	if (*found != name)
		free(name);
}

/* Whether the run is one of a locate block. */
static bool is_located(const struct hm_core *core, size_t run)
{
	for (size_t i = core->block_count; i > 0 && core->blocks[i - 1].phase == HM_PHASE_LOCATE; i--)
		if (core->blocks[i - 1].run[0] == run || core->blocks[i - 1].run[1] == run)
			return true;
	return false;
}

void hm_kept_run(struct hm_kept_trial *k, const struct hm_run *run)
{
	const struct hm_flows none = { 0 };
	struct hm_residue residue;

	if (!k)
		return;
	k->number_of[k->passed++] = k->runs;
	/* Those with wrong certificates come last: nothing is held against them. */
	if (run->wrong)
		return;
	hm_residue_read(&residue, &run->tree);
	hm_compare_run(k->compare, &residue.features, &none, NULL);
	k->outcome.unread += residue.unread;
	if (!is_located(k->core, k->runs))
		k->unread += residue.unread;
	k->beyond |= residue.beyond;
	for (size_t i = 0; i < run->tree.count && !residue.beyond; i++)
		take_path(k, &run->tree.list[i]);
	for (size_t i = 0; i < run->kept_count; i++)
		take_proven(k, run->kept[i].feature);
	k->numbers[k->runs++] = run->number;
	hm_residue_release(&residue);
}

/* ---- what it comes to ---- */

static bool has_field(const char *name, const char *field)
{
	return strncmp(name, field, strlen(field)) == 0;
}

static void add_spots(struct hm_kept_trial *k, const char *path, const struct hm_compare_block *block)
{
	struct path key = { .name = (char *)(uintptr_t)path };
	struct path *const *found = tfind(&key, &k->paths, by_name);

	for (size_t i = 0; found && i < (*found)->count; i++) {
		const struct spot *spot = &(*found)->spots[i];

		if ((spot->run == block->run[0] || spot->run == block->run[1]) && k->outcome.spot_count < SPOTS_MAX)
			k->spots[k->outcome.spot_count++] = (struct hm_residue_spot){ k->numbers[spot->run], spot->entry };
	}
}

static int by_spot(const void *a, const void *b)
{
	const struct hm_residue_spot *x = a, *y = b;

	if (x->run != y->run)
		return x->run < y->run ? -1 : 1;
	return (x->entry > y->entry) - (x->entry < y->entry);
}

struct differing {
	struct hm_kept_trial *k;
	const struct hm_compare_phase *confirm;
	const struct hm_compare_block *first; /* in which anything differs */
};

static void consider_path(const void *node, VISIT which, void *closure)
{
	static const char *const fields[] = { "content", "link", "mode", "owner", "size", "type" };
	const struct path *path = *(struct path *const *)node;
	struct differing *d = closure;
	bool differs = false, at_first = false;

	if (which != postorder && which != leaf)
		return;
	for (size_t i = 0; i < HM_COUNT(fields); i++) {
		HM_FREE char *name = hm_sprintf("file.%s:%s", fields[i], path->name);
		size_t key = hm_compare_key(d->k->compare, HM_RESIDUE_ENDPOINT, name);

		for (size_t b = 0; key != SIZE_MAX && b < d->confirm->count; b++) {
			const struct hm_compare_block *block = &d->confirm->list[b];

			if (!hm_compare_differs(d->k->compare, key, block->run[0], block->run[1]))
				continue;
			differs = true;
			at_first |= block == d->first;
		}
	}
	d->k->outcome.differing += differs;
	if (at_first)
		add_spots(d->k, path->name, d->first);
}

/* The blocks that left different things, and where that is to be seen first. */
static void compare_blocks(struct hm_kept_trial *k, const struct hm_compare_phase *confirm)
{
	size_t all = hm_compare_key(k->compare, HM_RESIDUE_ENDPOINT, "all");
	struct differing d = { k, confirm, NULL };

	for (size_t b = 0; all != SIZE_MAX && b < confirm->count; b++)
		if (hm_compare_differs(k->compare, all, confirm->list[b].run[0], confirm->list[b].run[1])) {
			k->outcome.blocks++;
			if (!d.first)
				d.first = &confirm->list[b];
		}
	if (!d.first)
		return;
	twalk_r(k->paths, consider_path, &d);
	qsort(k->spots, k->outcome.spot_count, sizeof(k->spots[0]), by_spot);
}

static size_t count_differing(const struct hm_kept_trial *k, size_t key, const struct hm_compare_phase *phase, size_t *seen)
{
	size_t differing = 0;

	*seen = 0;
	for (size_t b = 0; b < phase->count; b++) {
		differing += hm_compare_differs(k->compare, key, phase->list[b].run[0], phase->list[b].run[1]);
		*seen += hm_compare_has(k->compare, key, phase->list[b].run[0]) || hm_compare_has(k->compare, key, phase->list[b].run[1]);
	}
	return differing;
}

/* What told the screened levels apart, and cannot tell the held secrets apart: confirming did not try it. What stands in one block
 * alone has a name of that block's own, and is tried by the names of its folder. */
static void count_untried(struct hm_kept_trial *k, const struct hm_compare_phase *aa, const struct hm_compare_phase *screen, size_t held)
{
	for (size_t key = 0; key < hm_compare_keys(k->compare); key++) {
		const struct hm_compare_block *block = &screen->list[held];
		size_t seen, unused;

		if (hm_compare_differs(k->compare, key, block->run[0], block->run[1]) || !count_differing(k, key, screen, &seen) || seen < 2)
			continue;
		k->outcome.untried += count_differing(k, key, aa, &unused) == 0;
	}
}

/* Blocks of the phase in which both runs left the same. A screening block that differs may do so by another factor: no bound counts it. */
static size_t equal_blocks(const struct hm_kept_trial *k, const struct hm_compare_phase *phase)
{
	size_t seen, all = hm_compare_key(k->compare, HM_RESIDUE_ENDPOINT, "all");

	return all == SIZE_MAX ? 0 : phase->count - count_differing(k, all, phase, &seen);
}

static void count_confirmed(struct hm_kept_trial *k)
{
	const char *last = "";

	k->outcome.features = k->found.count;
	/* In the order of names: fields of one path do not stand together, so each counts where it is the first of its path. */
	for (size_t i = 0; i < k->found.count; i++) {
		const char *path = has_field(k->found.list[i].name, "file.") ? hm_residue_path(k->found.list[i].name) : NULL;
		bool again = false;

		for (size_t earlier = 0; path && earlier < i; earlier++) {
			last = has_field(k->found.list[earlier].name, "file.") ? hm_residue_path(k->found.list[earlier].name) : NULL;
			again |= last && strcmp(last, path) == 0;
		}
		k->outcome.confirmed += path && !again;
	}
}

static size_t index_of(const uint32_t *numbers, size_t count, uint32_t number)
{
	for (size_t i = 0; i < count; i++)
		if (numbers[i] == number)
			return i;
	return SIZE_MAX;
}

int hm_kept_conclude(struct hm_kept_trial *k, struct hm_fail *fail)
{
	HM_CLEANUP(hm_compare_result_release) struct hm_compare_result suspects = { 0 };
	HM_FREE struct hm_compare_block *lists = NULL;
	HM_FREE uint32_t *numbers = NULL;
	struct hm_compare_phase aa, screen, confirm;
	struct hm_experiment_draws draws;
	size_t room, held;
	int r;

	if (!k || !k->core->held)
		return 0;
	room = k->core->block_count + 1;
	lists = hm_alloc(3 * room, sizeof(*lists));
	numbers = hm_alloc(room, sizeof(*numbers));
	aa = hm_phase_blocks(k->core, HM_PHASE_AA, -1, lists, NULL);
	screen = hm_phase_blocks(k->core, HM_PHASE_SCREEN, -1, lists + room, numbers);
	confirm = hm_phase_blocks(k->core, HM_PHASE_CONFIRM, k->factor, lists + 2 * room, NULL);
	/* The test behind those of the factors. */
	draws = (struct hm_experiment_draws){ &k->core->plan_digest, k->core->seed, (uint32_t)k->core->factor_count };
	r = hm_compare_screen(k->compare, &aa, &screen, &suspects, fail);
	if (r == 0 && suspects.count)
		k->held = numbers[suspects.held];
	held = index_of(numbers, screen.count, k->core->held[k->factor]);
	if (held != SIZE_MAX)
		suspects.held = held;
	/* Whoever stops when he has seen enough would confirm too much. */
	if (r == 0 && hm_phase_unfinished(k->core, HM_PHASE_CONFIRM, k->factor))
		return 0;
	if (r == 0 && confirm.count)
		r = hm_compare_confirm(k->compare, &suspects, &aa, &screen, &confirm, &draws, &k->found, fail);
	if (r == HM_E_USAGE && fail)
		fail->code = HM_E_BAD;
	if (r < 0)
		return hm_fail_in(fail, "what was left on disk");
	k->outcome.of = confirm.count;
	for (int some = 0; some < 2; some++)
		k->pairs[some] = hm_phase_drawn(k->core, k->factor, confirm.count, equal_blocks(k, &screen), some);
	if (!k->pairs[1])
		k->pairs[1] = 1; /* all that were done are one draw */
	count_confirmed(k);
	compare_blocks(k, &confirm);
	if (held != SIZE_MAX)
		count_untried(k, &aa, &screen, held);
	k->outcome.spots = k->spots;
	/* What was dropped for want of anything to send. */
	if (k->core->not_needed && (k->outcome.blocks || k->unread))
		return hm_fail_set(fail, HM_E_BAD, "runs were dropped as if nothing had been kept, and something was");
	if (k->beyond || hm_compare_beyond(k->compare))
		k->outcome.unread++;
	return 0;
}

uint32_t hm_kept_held(const struct hm_kept_trial *k, size_t factor)
{
	return k && (int)factor == k->factor ? k->held : 0;
}

const struct hm_compare *hm_kept_compare(const struct hm_kept_trial *k)
{
	return k ? k->compare : NULL;
}

const struct hm_compare_result *hm_kept_found(const struct hm_kept_trial *k)
{
	static const struct hm_compare_result none;

	return k ? &k->found : &none;
}

size_t hm_kept_number(const struct hm_kept_trial *k, size_t run)
{
	return k ? k->number_of[run] : 0;
}

void hm_kept_judge(const struct hm_kept_trial *k, size_t sent, bool suspects, struct hm_judgement *j, const char *claim)
{
	struct hm_residue_outcome outcome;

	if (!k || strcmp(claim, "collect.residue") != 0)
		return;
	outcome = k->outcome;
	outcome.sent = sent;
	outcome.pairs = k->pairs[suspects || k->held];
	hm_judge_residue(j, &outcome);
}

/* ---- rows of influence ---- */

static void list_proven(const void *node, VISIT which, void *closure)
{
	if (which != postorder && which != leaf)
		return;
	json_array_append_new(closure, json_pack("{s:s,s:s,s:s,s:s,s:s,s:b}", "factor", "content", "endpoint", HM_RESIDUE_ENDPOINT, "layer",
						 HM_RESIDUE_ENDPOINT, "feature", *(char *const *)node, "grade", "proven", "declared", 0));
}

void hm_kept_influence(const struct hm_kept_trial *k, json_t *out)
{
	if (!k)
		return;
	twalk_r(k->proven, list_proven, out);
	for (size_t i = 0; i < k->found.count; i++) {
		const struct hm_compare_found *found = &k->found.list[i];
		json_t *p = json_pack("{s:i,s:i,s:i,s:s}", "b", (int)found->p.b, "m", (int)found->p.m, "family", (int)found->p.family, "phase",
				      "confirm");

		json_array_append_new(out, json_pack("{s:s,s:s,s:s,s:s,s:s,s:b,s:o}", "factor", "content", "endpoint", HM_RESIDUE_ENDPOINT, "layer",
						     HM_RESIDUE_ENDPOINT, "feature", found->name, "grade", "dependent", "declared", 0, "p", p));
	}
}
