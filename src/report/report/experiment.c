/* What pairs of runs show: the factors that were tested with their pairs, and what was found to depend on them. How often a value
 * differed is counted here for people to read; whether that is more than chance stands in the findings. */
#include "factor.h"
#include "report_internal.h"

#define FACTORS_MAX 64
#define INFLUENCES_MAX 256

static const json_t *claim_called(const struct report_view *v, const char *id)
{
	const json_t *claim;
	size_t i;

	json_array_foreach (report_list(v->findings, "claims"), i, claim)
		if (strcmp(report_text(claim, "id"), id) == 0)
			return claim;
	return NULL;
}

static const json_t *claim_of(const struct report_view *v, const char *factor)
{
	const char *claim = hm_factor_claim(factor);

	return claim ? claim_called(v, claim) : NULL;
}

static void load_factors(struct report_experiment *x, const struct report_view *v)
{
	const json_t *list = report_list(report_object(v->findings, "experiment"), "factors"), *name;
	size_t i;

	json_array_foreach (list, i, name) {
		if (!json_is_string(name) || x->factors == FACTORS_MAX)
			continue;
		x->factor = hm_realloc(x->factor, x->factors + 1, sizeof(*x->factor));
		x->factor[x->factors++] = (struct report_factor){ .name = json_string_value(name),
								  .claim = claim_of(v, json_string_value(name)) };
	}
}

/* ---- runs, and the level that each had ---- */

struct levels {
	const json_t *sets;
	struct report_index done, set_of, place_of; /* by run: 1, its set; by set: its place in `sets`, from 1 */
};

static void set_number(struct report_index *x, uint64_t key, uint64_t value)
{
	const uint64_t wide[4] = { key };

	if (value && value <= UINT32_MAX)
		report_index_set(x, wide, (uint32_t)value);
}

static uint32_t get_number(const struct report_index *x, uint64_t key)
{
	const uint64_t wide[4] = { key };

	return report_index_get(x, wide);
}

static void load_levels(struct levels *l, const struct report_view *v)
{
	const json_t *row;
	size_t i;

	*l = (struct levels){ .sets = report_list(v->planted, "sets") };
	json_array_foreach (report_list(v->assessment, "runs"), i, row)
		set_number(&l->done, report_int(row, "run"), 1);
	json_array_foreach (report_list(v->assessment, "sets"), i, row)
		set_number(&l->set_of, report_int(row, "run"), report_int(row, "set"));
	json_array_foreach (l->sets, i, row)
		set_number(&l->place_of, report_int(row, "set"), i + 1);
}

static void release_levels(struct levels *l)
{
	report_index_release(&l->done);
	report_index_release(&l->set_of);
	report_index_release(&l->place_of);
}

/* The set of documents that the run had; NULL where it was not done, or that is not known. */
static const json_t *set_of(const struct levels *l, uint64_t run)
{
	uint32_t set = get_number(&l->set_of, run), place = set ? get_number(&l->place_of, set) : 0;

	return place && get_number(&l->done, run) ? json_array_get(l->sets, place - 1) : NULL;
}

/* 0 or 1; -1 where it is not known. */
static int level_of(const json_t *set, const char *factor)
{
	const json_t *row;
	size_t i;

	json_array_foreach (report_list(set, "levels"), i, row)
		if (strcmp(report_text(row, "factor"), factor) == 0)
			return report_int(row, "level") == 1;
	return -1;
}

static struct report_factor *factor_named(const struct report_experiment *x, const char *name)
{
	for (size_t i = 0; i < x->factors; i++)
		if (strcmp(x->factor[i].name, name) == 0)
			return &x->factor[i];
	return NULL;
}

/* The runs of a block by level: each had that of the run in the same place of the block `of`, which is the same one but where a run
 * began with what another had left. Both of its runs must be done. */
static bool read_pair(struct report_pair *out, const struct levels *levels, const json_t *block, const json_t *of, const char *factor)
{
	const json_t *runs = report_list(block, "runs"), *leaders = report_list(of, "runs");

	*out = (struct report_pair){ .run = { 0 } };
	for (size_t k = 0; k < 2 && json_array_size(runs) == 2 && json_array_size(leaders) == 2; k++) {
		json_int_t run = json_integer_value(json_array_get(runs, k)), leader = json_integer_value(json_array_get(leaders, k));
		const json_t *set = leader > 0 ? set_of(levels, (uint64_t)leader) : NULL;
		int level = level_of(set, factor);

		if (level < 0 || run <= 0 || !get_number(&levels->done, (uint64_t)run))
			continue;
		out->run[level] = (uint64_t)run;
		out->reader[level] = (uint64_t)leader;
		out->set[level] = set;
	}
	return out->run[0] && out->run[1];
}

/* The pairs of confirming blocks, factor by factor, and those of send blocks, each of which stands behind its store block. */
static void load_pairs(struct report_experiment *x, const struct report_view *v)
{
	HM_CLEANUP(release_levels) struct levels levels;
	const json_t *block, *before = NULL;
	size_t i;

	load_levels(&levels, v);
	json_array_foreach (report_list(v->plan, "blocks"), i, block) {
		const json_t *store = before;
		struct report_factor *f = factor_named(x, report_text(block, "factor"));
		bool send = strcmp(report_text(block, "phase"), "send") == 0;
		struct report_pairs *pairs = !f ? NULL : send ? &x->send : &f->confirm;
		struct report_pair pair;

		before = block;
		if (send && strcmp(report_text(store, "phase"), "store") != 0)
			continue;
		if (f && (send || strcmp(report_text(block, "phase"), "confirm") == 0) &&
		    read_pair(&pair, &levels, block, send ? store : block, f->name)) {
			pairs->list = hm_realloc(pairs->list, pairs->count + 1, sizeof(*pairs->list));
			pairs->list[pairs->count++] = pair;
		}
	}
}

/* ---- influence ---- */

static void load_influences(struct report_experiment *x, const struct report_view *v)
{
	const json_t *row;
	size_t i;

	json_array_foreach (report_list(v->findings, "influence"), i, row) {
		const json_t *p = report_object(row, "p");
		struct report_influence item = { .endpoint = report_text(row, "endpoint"), .feature = report_text(row, "feature"),
						 .factor = factor_named(x, report_text(row, "factor")),
						 .proven = strcmp(report_text(row, "grade"), "proven") == 0,
						 .disk = strcmp(report_text(row, "layer"), HM_RESIDUE_ENDPOINT) == 0, .pair = SIZE_MAX };

		if (!item.factor)
			continue;
		item.send = strcmp(report_text(p, "phase"), "send") == 0;
		item.pairs = item.send ? &x->send : &item.factor->confirm;
		if (x->influences == INFLUENCES_MAX) {
			x->beyond++;
			continue;
		}
		item.p[0] = 1 + report_int(p, "family");
		item.p[1] = 1 + report_int(p, "m");
		x->influence = hm_realloc(x->influence, x->influences + 1, sizeof(*x->influence));
		x->influence[x->influences++] = item;
	}
}

static bool needs(const struct report_experiment *x, const struct report_pairs *pairs, bool disk)
{
	for (size_t i = 0; i < x->influences; i++)
		if (x->influence[i].pairs == pairs && !x->influence[i].proven && x->influence[i].disk == disk)
			return true;
	return false;
}

/* The labels of a name as DNS writes it, each behind a dot; empty where it is none. */
static void put_labels(struct hm_bytes *out, struct hm_slice name)
{
	while (name.len && name.data[0] && name.data[0] < 64 && name.data[0] < name.len) {
		size_t len = name.data[0];

		hm_bytes_text(out, ".");
		hm_bytes_append(out, name.data + 1, len);
		name = (struct hm_slice){ name.data + 1 + len, name.len - 1 - len };
	}
}

/* What `ending` and the name have in common at their ends, in whole labels. */
static void shorten(struct report_influence *item, const struct hm_feature *feature)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes name = { 0 };
	size_t same = 0, whole = 0, len;

	if (!feature)
		return;
	put_labels(&name, feature->bytes);
	if (!item->ending) {
		item->ending = hm_slice_dup(hm_slice_of(&name));
		return;
	}
	len = strlen(item->ending);
	while (same < len && same < name.len && item->ending[len - same - 1] == (char)name.data[name.len - same - 1]) {
		same++;
		whole = item->ending[len - same] == '.' ? same : whole;
	}
	memmove(item->ending, item->ending + len - whole, whole + 1);
}

static bool is_dns_name(const char *feature)
{
	static const char end[] = ".dns.name";
	size_t len = strlen(feature);

	return len >= sizeof(end) - 1 && strcmp(feature + len - (sizeof(end) - 1), end) == 0;
}

static void compare_pair(struct report_experiment *x, const struct report_pairs *pairs, size_t pair, const struct report_sent side[2])
{
	for (size_t i = 0; i < x->influences; i++) {
		struct report_influence *item = &x->influence[i];
		bool there = item->disk ? side[0].on_disk && side[1].on_disk : side[0].there && side[1].there;

		if (item->pairs != pairs || item->proven || !there)
			continue;
		item->compared++;
		for (size_t s = 0; s < 2 && !item->disk && is_dns_name(item->feature); s++)
			shorten(item, report_sent_find(&side[s], item));
		if (report_same_value(report_sent_find(&side[0], item), report_sent_find(&side[1], item)))
			continue;
		if (item->pair == SIZE_MAX)
			item->pair = pair;
		item->differed++;
	}
}

static int compare_pairs(struct report_experiment *x, const struct report_view *v, const struct report_pairs *pairs, struct hm_fail *fail)
{
	bool disk = needs(x, pairs, true);

	if (!disk && !needs(x, pairs, false))
		return 0;
	for (size_t i = 0; i < pairs->count; i++) {
		struct report_sent side[2] = { 0 };
		int r = report_sent_load(&side[0], v, pairs->list[i].run[0], disk, fail);

		if (r == 0)
			r = report_sent_load(&side[1], v, pairs->list[i].run[1], disk, fail);
		if (r == 0)
			compare_pair(x, pairs, i, side);
		report_sent_release(&side[0]);
		report_sent_release(&side[1]);
		if (r < 0)
			return r;
	}
	return 0;
}

static void load_bytes(struct report_experiment *x, const struct report_view *v)
{
	const json_t *row;
	size_t i;

	json_array_foreach (report_list(v->findings, "ledger"), i, row) {
		x->wire += report_int(row, "wire");
		x->constant += report_int(row, "constant");
		x->unaccounted += report_int(row, "unaccounted");
	}
}

int report_experiment_load(struct report_experiment *x, const struct report_view *v, struct hm_fail *fail)
{
	const json_t *experiment = report_object(v->findings, "experiment");

	*x = (struct report_experiment){ .view = v, .screened = report_int(experiment, "screen"),
					 .skipped = report_int(experiment, "skipped") };
	if (!x->screened)
		return 0;
	load_factors(x, v);
	load_pairs(x, v);
	load_influences(x, v);
	load_bytes(x, v);
	x->residue = claim_called(v, "collect.residue");
	for (size_t i = 0; i < x->factors; i++) {
		int r = compare_pairs(x, v, &x->factor[i].confirm, fail);

		if (r < 0)
			return r;
	}
	return compare_pairs(x, v, &x->send, fail);
}

void report_experiment_release(struct report_experiment *x)
{
	for (size_t i = 0; i < x->factors; i++)
		free(x->factor[i].confirm.list);
	for (size_t i = 0; i < x->influences; i++)
		free(x->influence[i].ending);
	free(x->send.list);
	free(x->factor);
	free(x->influence);
	*x = (struct report_experiment){ 0 };
}

const struct report_factor *report_residue(const struct report_experiment *x)
{
	return x->residue ? factor_named(x, "content") : NULL;
}

bool report_depends(const struct report_experiment *x, const struct report_factor *f, bool disk)
{
	for (size_t i = 0; i < x->influences; i++)
		if (x->influence[i].factor == f && x->influence[i].disk == disk)
			return true;
	return false;
}

bool report_counts_pairs(const struct report_experiment *x, const char *claim)
{
	const struct report_factor *residue = report_residue(x);
	bool counts = false;

	if (residue && strcmp(report_text(x->residue, "id"), claim) == 0)
		return residue->confirm.count > 0;

	for (size_t i = 0; i < x->factors; i++)
		counts |= strcmp(report_text(x->factor[i].claim, "id"), claim) == 0;
	return counts;
}
