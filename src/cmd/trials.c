/* Levels by coin, secrets fresh in every screening block and held while confirming: doc/format/core.md and statistics.md. Which
 * secrets are held follows from what the runs so far sent, read back from their files by the same code that judges them. */
#include "trials.h"

#include <arpa/inet.h>
#include <time.h>

#include "fs.h"
#include "planted.h"
#include "program.h"
#include "residue.h"
#include "text.h"
#include "twins.h"
#include "world.h"

/* The documents of a run, as planted.json tells them. */
struct set {
	bool screen; /* phase */
	uint32_t block;
	uint64_t levels; /* bit i: factor i has level 1 */
};

struct hm_trials {
	struct hm_assessment *a;
	const char *const *factors;
	size_t factor_count;
	unsigned pairs, aa, screen, blocks; /* blocks: of each kind (pairs: for each factor), and all */
	uint32_t *held; /* by factor */
	int64_t *began; /* by block, from 1: whole seconds */
	struct set *sets;
	size_t set_count;
	size_t *set_of; /* by run, from 0 */
	json_t *planted; /* the sets' rows */
};

/* What the chamber's internet says in both runs of a block follows from these, and what the product draws and is told of the time. */
struct block_net {
	struct hm_sha256 noise;
	int64_t clock; /* ns: when the block began, a whole second */
	struct hm_control_spec control;
};

struct place { /* one run of a block */
	unsigned run;
	struct hm_world *world;
	struct hm_world_files files;
	struct hm_run_spec spec;
	char *name, *target, *record, *packets, *tree, *stdin_path;
};

static void release_place(struct place *p)
{
	hm_world_files_release(&p->files);
	hm_factor_release(&p->world);
	free(p->name);
	free(p->target);
	free(p->record);
	free(p->packets);
	free(p->tree);
	free(p->stdin_path);
}

int hm_trials_open(struct hm_trials **ret, struct hm_assessment *a, const char *const *factors, unsigned pairs, struct hm_fail *fail)
{
	struct hm_trials *e;
	size_t count = 0;

	if (hm_experiment_pairs(pairs, fail) < 0)
		return fail->code;
	for (; factors[count]; count++) {
		const struct hm_factor *factor = hm_factor_find(factors[count]);

		if (!factor)
			return hm_fail_set(fail, HM_E_USAGE, "--factors: no factor %s", factors[count]);
		if (factor->cannot)
			return hm_fail_set(fail, HM_E_USAGE, "--factors: %s cannot be set: %s", factors[count], factor->cannot);
		for (size_t i = 0; i < count; i++)
			if (strcmp(factors[i], factors[count]) == 0)
				return hm_fail_set(fail, HM_E_USAGE, "--factors: %s is there twice", factors[count]);
	}
	e = hm_alloc(1, sizeof(*e));
	e->a = a;
	e->factors = factors;
	e->factor_count = count;
	e->pairs = pairs;
	e->aa = hm_experiment_aa(pairs);
	e->screen = hm_experiment_screening(pairs);
	e->blocks = e->aa + e->screen + (unsigned)count * pairs;
	e->held = hm_alloc(count + 1, sizeof(*e->held));
	e->began = hm_alloc((size_t)e->blocks + 1, sizeof(*e->began));
	e->sets = hm_alloc(2 * (size_t)e->blocks, sizeof(*e->sets));
	e->set_of = hm_alloc(2 * (size_t)e->blocks, sizeof(*e->set_of));
	e->planted = json_array();
	*ret = e;
	return 0;
}

void hm_trials_close(struct hm_trials *e)
{
	if (!e)
		return;
	json_decref(e->planted);
	free(e->held);
	free(e->began);
	free(e->sets);
	free(e->set_of);
	free(e);
}

unsigned hm_trials_runs(const struct hm_trials *e)
{
	return 2 * e->blocks;
}

static const char *phase_of(const struct hm_trials *e, unsigned block)
{
	return block <= e->aa ? "aa" : block <= e->aa + e->screen ? "screen" : "confirm";
}

/* Of a confirming block. */
static size_t factor_of(const struct hm_trials *e, unsigned block)
{
	return (block - e->aa - e->screen - 1) / e->pairs;
}

void hm_trials_plan(const struct hm_trials *e, json_t **factors, json_t **runs, json_t **blocks)
{
	*factors = json_array();
	*runs = json_array();
	*blocks = json_array();
	for (size_t i = 0; i < e->factor_count; i++)
		json_array_append_new(*factors, json_string(e->factors[i]));
	for (unsigned b = 1; b <= e->blocks; b++) {
		bool confirms = b > e->aa + e->screen;

		for (unsigned run = 2 * b - 1; run <= 2 * b; run++)
			json_array_append_new(*runs, json_pack("{s:i,s:s}", "run", (int)run, "kind", phase_of(e, b)));
		json_array_append_new(*blocks, json_pack("{s:i,s:s,s:o,s:[i,i]}", "block", (int)b, "phase", phase_of(e, b), "factor",
							 confirms ? json_string(e->factors[factor_of(e, b)]) : json_null(), "runs",
							 (int)(2 * b - 1), (int)(2 * b)));
	}
}

/* ---- what a run finds ---- */

/* Its number, from 0; described where it is new. */
static int find_set(struct hm_trials *e, size_t *ret, struct set wanted, const struct hm_world *world, struct hm_fail *fail)
{
	json_t *row, *levels = NULL, *files = NULL;
	int r = 0;

	for (size_t i = 0; i < e->set_count; i++)
		if (e->sets[i].screen == wanted.screen && e->sets[i].block == wanted.block && e->sets[i].levels == wanted.levels) {
			*ret = i;
			return 0;
		}
	levels = json_array();
	files = json_array();
	for (size_t i = 0; i < e->factor_count; i++)
		json_array_append_new(levels, json_pack("{s:s,s:i}", "factor", e->factors[i], "level", (int)(wanted.levels >> i & 1)));
	r = hm_factor_describe(files, world, e->a->parts, fail);
	row = json_pack("{s:i,s:s,s:i,s:o,s:o}", "set", (int)e->set_count + 1, "phase", wanted.screen ? "screen" : "aa", "block",
			(int)wanted.block, "levels", levels, "files", files);
	json_array_append_new(e->planted, row);
	*ret = e->set_count;
	e->sets[e->set_count++] = wanted;
	return r;
}

/* ---- one run ---- */

static int level_of(const struct hm_trials *e, unsigned block, unsigned place, struct hm_fail *fail)
{
	int coin = block <= e->aa ? 0 : hm_experiment_coin(e->a->seed, phase_of(e, block), block, fail);

	return coin < 0 || block <= e->aa ? coin : (place == 0) == (coin == 1);
}

static int add_sample(void *cookie, const char *path, struct hm_bytes *content, struct hm_fail *fail HM_UNUSED)
{
	hm_factor_add(cookie, path, "sample", hm_slice_of(content));
	return 0;
}

static int make_world(struct hm_trials *e, unsigned block, unsigned place, struct set *set, struct hm_world **world, struct hm_fail *fail)
{
	HM_FREE struct hm_factor_choice *choice = hm_alloc(hm_factor_count, sizeof(*choice));
	int level = level_of(e, block, place, fail), r;
	bool confirms = block > e->aa + e->screen;

	if (level < 0)
		return level;
	*set = (struct set){ block > e->aa, confirms ? e->held[factor_of(e, block)] : block, 0 };
	for (size_t i = 0; i < hm_factor_count; i++)
		choice[i] = (struct hm_factor_choice){ hm_factors[i].base, set->block };
	for (size_t i = 0; i < e->factor_count; i++) {
		bool varies = level && (!confirms || factor_of(e, block) == i);

		choice[hm_factor_find(e->factors[i]) - hm_factors].level = varies;
		set->levels |= (uint64_t)varies << i;
	}
	r = hm_factor_world(world, e->a->seed, set->screen ? "screen" : "aa", choice, fail);
	if (r == 0 && e->a->product.samples)
		r = hm_planted_samples(e->a->product.samples, add_sample, *world, fail);
	return r;
}

/* What the product reads as its standard input, where that is a document: it may be called otherwise in this world. */
static char *stdin_of(const struct hm_trials *e, const struct hm_world *world)
{
	const char *path = e->a->stdin_path;
	const struct hm_world_file *file;

	if (!path || strncmp(path, HM_TARGET "/", strlen(HM_TARGET) + 1) != 0)
		return path ? hm_strdup(path) : NULL;
	file = hm_factor_file(world, path + strlen(HM_TARGET) + 1);
	return file ? hm_sprintf("%s/%s", HM_TARGET, file->path) : hm_strdup(path);
}

/* Most blocks draw for themselves. Some draw again what the held block drew: what happened there by chance happens in them all. */
static void begin_net(struct hm_trials *e, struct block_net *net, unsigned block)
{
	unsigned first = e->aa + e->screen + 1;
	bool repeats = block >= first && hm_experiment_repeats(e->pairs, (block - first) % e->pairs);
	unsigned as = repeats ? e->held[factor_of(e, block)] : block;
	HM_FREE char *label = hm_sprintf("control/%s/%u/internet", phase_of(e, as), as);
	HM_FREE char *product = hm_sprintf("control/%s/%u", phase_of(e, as), as);
	struct hm_sha256 seed;

	e->began[block] = (int64_t)time(NULL);
	hm_derive(&net->noise, e->a->seed, label);
	hm_derive(&seed, e->a->seed, product);
	net->clock = (e->began[as] ? e->began[as] : e->began[block]) * 1000000000;
	memcpy(net->control.seed, seed.b, sizeof(net->control.seed));
	net->control.start_ns = (uint64_t)net->clock;
}

static int prepare_place(struct hm_trials *e, struct place *p, unsigned block, unsigned place, const struct block_net *net,
			 struct hm_slice plan, struct hm_fail *fail)
{
	struct hm_assessment *a = e->a;
	struct set set = { 0 };
	int r = make_world(e, block, place, &set, &p->world, fail);

	p->run = 2 * block - 1 + place;
	p->target = hm_sprintf("%s/target-%u", a->folder, p->run);
	p->record = hm_sprintf("%s/%04u.record", a->folder, p->run);
	p->packets = hm_sprintf("%s/%04u.pcapng", a->folder, p->run);
	p->tree = hm_sprintf("%s/%04u.tree", a->folder, p->run);
	if (r == 0)
		r = find_set(e, &e->set_of[p->run - 1], set, p->world, fail);
	if (r == 0)
		r = hm_fs_mkdirs(p->target, 0755, fail);
	if (r == 0)
		r = hm_factor_write(p->world, p->target, fail);
	if (r == 0)
		r = hm_planted_evict(p->target, fail);
	if (r < 0)
		return r;
	p->stdin_path = stdin_of(e, p->world);
	p->spec = (struct hm_run_spec){ .mode = a->mode, .plan = plan, .number = p->run, .time_limit_s = a->time_limit_s,
					.record = p->record, .packets = p->packets, .tree = p->tree, .silent = true };
	p->spec.noise = net->noise.b;
	p->spec.clock = net->clock;
	p->spec.chamber.control = &net->control;
	hm_surroundings_fill(&a->surroundings, &p->spec);
	p->name = hm_strdup(p->spec.chamber.name); /* the next place's takes its memory */
	p->spec.chamber.name = p->name;
	p->spec.chamber.target_from = p->target;
	p->spec.chamber.target = HM_TARGET;
	p->spec.chamber.argv = (const char *const *)a->argv;
	p->spec.chamber.stdin_path = p->stdin_path;
	p->spec.chamber.files = a->files;
	p->spec.chamber.file_count = a->product.plant.count;
	hm_world_apply(&p->spec, p->world, &p->files);
	return 0;
}

static int take_twin(struct hm_trials *e, struct place *p, struct hm_twin *twin, struct hm_run_note *note, struct hm_bytes *absent,
		     struct hm_fail *fail)
{
	const struct hm_run_result *result = &twin->result;

	if (twin->code < 0) {
		*fail = twin->fail;
		return twin->code;
	}
	*note = (struct hm_run_note){ p->run, result->chamber.outcome, result->chamber.status, result->chamber.start_ns,
				      result->chamber.end_ns, phase_of(e, (p->run + 1) / 2), true, result->controlled };
	e->a->events += result->record.items;
	e->a->lost += result->capture.lost + result->internet.lost;
	absent->len = 0;
	hm_bytes_slice(absent, hm_slice_of(&result->absent));
	return hm_assess_add_run(e->a, p->run, &p->spec, fail);
}

static int do_block(struct hm_trials *e, unsigned block, struct hm_slice plan, struct hm_run_note *notes, struct hm_bytes *absent,
		    struct hm_fail *fail)
{
	struct place places[HM_TWINS] = { 0 };
	struct hm_twin twins[HM_TWINS] = { 0 };
	struct block_net net;
	int r = 0;

	begin_net(e, &net, block);
	for (unsigned i = 0; i < HM_TWINS && r == 0; i++) {
		r = prepare_place(e, &places[i], block, i, &net, plan, fail);
		twins[i].spec = &places[i].spec;
	}
	if (r == 0)
		r = hm_twins_run(twins, HM_TWINS, fail);
	for (unsigned i = 0; i < HM_TWINS && r == 0; i++)
		r = take_twin(e, &places[i], &twins[i], &notes[places[i].run - 1], absent, fail);
	for (unsigned i = 0; i < HM_TWINS; i++) {
		if (places[i].target && hm_fs_remove_tree(places[i].target, NULL) < 0)
			hm_program_note("%s stays", places[i].target);
		hm_bytes_release(&twins[i].result.absent);
		release_place(&places[i]);
	}
	return r;
}

/* ---- what is held ---- */

/* What the runs so far sent, and what they left on disk. */
struct comparison {
	struct hm_compare *sent, *kept;
};

static int compare_kept(const struct hm_trials *e, struct hm_compare *compare, unsigned run, struct hm_fail *fail)
{
	HM_FREE char *part = hm_core_run_part(run, "tree.cbor.zst");
	const struct hm_flows none = { 0 };
	struct hm_record *record = NULL;
	struct hm_residue residue;
	struct hm_tree tree = { 0 };
	struct hm_slice file;
	int r;

	if (!hm_parts_get(e->a->parts, part, &file))
		abort();
	r = hm_record_open(&record, file, fail);
	if (r == 0)
		r = hm_tree_read(&tree, record, fail);
	if (r == 0) {
		hm_residue_read(&residue, &tree);
		hm_compare_run(compare, &residue.features, &none, NULL);
		hm_residue_release(&residue);
	}
	hm_tree_release(&tree);
	hm_record_close(record);
	return r;
}

static int compare_sent(const struct hm_trials *e, struct hm_compare *compare, unsigned run, struct hm_fail *fail)
{
	HM_FREE char *part = hm_core_run_part(run, "packets.pcapng");
	HM_CLEANUP(hm_flows_release) struct hm_flows flows = { 0 };
	HM_CLEANUP(hm_plains_release) struct hm_plains plains = { 0 };
	struct hm_features features;
	struct hm_slice packets;
	uint8_t address[4];
	int r;

	if (inet_pton(AF_INET, HM_CHAMBER_ADDRESS, address) != 1 || !hm_parts_get(e->a->parts, part, &packets))
		abort();
	r = hm_flows_read(&flows, packets, address, fail);
	if (r == 0)
		r = hm_plains_read(&plains, &flows, fail);
	if (r < 0)
		return r;
	hm_features_read(&features, &flows, &plains);
	hm_compare_run(compare, &features, &flows, NULL);
	hm_features_release(&features);
	return 0;
}

static int hold(struct hm_trials *e, const struct comparison *c, struct hm_fail *fail)
{
	HM_FREE struct hm_compare_block *block = hm_alloc(e->aa + e->screen, sizeof(*block));
	const struct hm_compare_phase aa = { block, e->aa }, screen = { block + e->aa, e->screen };
	int r = 0;

	for (unsigned b = 1; b <= e->aa + e->screen; b++) {
		int level = level_of(e, b, 0, fail);

		if (level < 0)
			return level;
		block[b - 1] = (struct hm_compare_block){ { 2 * b - 2 + (unsigned)level, 2 * b - 1 - (unsigned)level } };
	}
	for (size_t i = 0; i < e->factor_count && r == 0; i++) {
		HM_CLEANUP(hm_compare_result_release) struct hm_compare_result sent = { 0 };
		HM_CLEANUP(hm_compare_result_release) struct hm_compare_result kept = { 0 };

		r = hm_compare_screen(c->sent, &aa, &screen, &sent, fail);
		/* Where nothing that left is suspect, it goes by what was left on disk. */
		if (r == 0 && !sent.count && strcmp(e->factors[i], "content") == 0)
			r = hm_compare_screen(c->kept, &aa, &screen, &kept, fail);
		e->held[i] = e->aa + 1 + (uint32_t)(kept.count ? kept.held : sent.held);
	}
	return r;
}

static int screen(struct hm_trials *e, struct hm_fail *fail)
{
	struct comparison c = { hm_compare_new(), hm_compare_new() };
	int r = 0;

	for (unsigned run = 1; run <= 2 * (e->aa + e->screen) && r == 0; run++) {
		r = compare_sent(e, c.sent, run, fail);
		if (r == 0)
			r = compare_kept(e, c.kept, run, fail);
	}
	if (r == 0)
		r = hold(e, &c, fail);
	hm_compare_free(c.sent);
	hm_compare_free(c.kept);
	return r;
}

int hm_trials_run(struct hm_trials *e, struct hm_slice plan, struct hm_run_note *notes, struct hm_bytes *absent, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	HM_JSON json_t *document = NULL;
	int r = 0;

	for (unsigned block = 1; block <= e->blocks && r == 0; block++) {
		hm_program_progress("pair %u of %u (%s)", block, e->blocks, phase_of(e, block));
		r = do_block(e, block, plan, notes, absent, fail);
		if (r == 0 && block == e->aa + e->screen)
			r = screen(e, fail);
	}
	if (r < 0)
		return r;
	document = json_pack("{s:s,s:s,s:O}", "schema", "hallmark/planted/v2", "target", HM_TARGET, "sets", e->planted);
	hm_json_write(&text, document);
	return hm_parts_take(e->a->parts, "planted.json", &text, fail);
}

void hm_trials_done(const struct hm_trials *e, json_t **held, json_t **sets)
{
	*held = json_array();
	*sets = json_array();
	for (size_t i = 0; i < e->factor_count; i++)
		json_array_append_new(*held, json_pack("{s:s,s:i}", "factor", e->factors[i], "block", (int)e->held[i]));
	for (unsigned run = 0; run < 2 * e->blocks; run++)
		json_array_append_new(*sets, json_pack("{s:i,s:i}", "run", (int)run + 1, "set", (int)e->set_of[run] + 1));
}
