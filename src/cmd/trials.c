/* Levels by coin, secrets fresh in every screening block and held while confirming: doc/format/core.md and statistics.md. */
#include "trials_internal.h"

#include <time.h>

#include "certificates.h"
#include "fs.h"
#include "planted.h"
#include "program.h"
#include "text.h"
#include "twins.h"

#define DAY (86400ll * 1000000000)

enum { REPEATS = 2 }; /* of a block whose surroundings cannot be made */
const char *const hm_trials_rules[FATES] = { [INTERRUPTED] = "interrupted", [NOT_SET_UP] = "not set up", [NOT_RECORDED] = "not recorded",
					       [NOTHING_KEPT] = "nothing kept", [SKIPPED] = "nothing to confirm", [NO_TLS] = HM_CERTIFICATES_RULE,
					       [UNASKED] = "nothing to locate" };

/* What the chamber's internet says in both runs of a block follows from these, and what the product draws and is told of the time. */
struct block_net {
	struct hm_sha256 noise;
	int64_t clock; /* ns: when the block began, a whole second */
	struct hm_control_spec control;
};

struct place { /* one run of a block */
	unsigned run;
	struct set set;
	struct hm_world *world;
	struct hm_world_files files;
	struct hm_run_spec spec;
	char *name, *target, *record, *packets, *tree, *stdin_path;
};

static void release_place(struct place *p)
{
	if (p->target && hm_fs_remove_tree(p->target, NULL) < 0)
		hm_program_note("%s stays", p->target);
	hm_world_files_release(&p->files);
	hm_factor_release(&p->world);
	free(p->name);
	free(p->target);
	free(p->record);
	free(p->packets);
	free(p->tree);
	free(p->stdin_path);
}

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

static bool is_phase(const struct hm_trials *e, unsigned block, const char *phase)
{
	return strcmp(hm_trials_phase(e, block), phase) == 0;
}

/* Of a confirming block, and of those behind; of a locate block while it is at work. */
static size_t factor_of(const struct hm_trials *e, unsigned block)
{
	size_t asked = 0;

	if (block <= e->fresh)
		return (block - e->aa - e->screen - 1) / e->pairs;
	if (!is_phase(e, block, "locate"))
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
			json_array_append_new(*runs, is_phase(e, b, "certificate") ? hm_certificates_plan(run, b - e->fresh - 2 * e->stores - 1)
										   : json_pack("{s:i,s:s}", "run", (int)run, "kind", hm_trials_phase(e, b)));
		json_array_append_new(*blocks, json_pack("{s:i,s:s,s:o,s:[i,i]}", "block", (int)b, "phase", hm_trials_phase(e, b), "factor",
							 confirms ? json_string(e->factors[factor_of(e, b)]) : json_null(), "runs",
							 (int)(2 * b - 1), (int)(2 * b)));
	}
}

/* ---- one run ---- */

int hm_trials_level(const struct hm_trials *e, unsigned block, unsigned place, struct hm_fail *fail)
{
	int coin;

	/* What is sent is told apart by what was stored. */
	if (is_phase(e, block, "send"))
		block--;
	if (block <= e->aa || is_phase(e, block, "certificate"))
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
	bool wrong = is_phase(e, block, "certificate"), plain = block <= e->aa || wrong;
	bool confirms = block > e->aa + e->screen && !wrong, locates = is_phase(e, block, "locate");

	if (level < 0)
		return level;
	*set = (struct set){ .screen = !plain, .block = confirms ? e->held[factor_of(e, block)] : wrong ? 1 : block };
	for (size_t i = 0; i < hm_factor_count; i++)
		choice[i] = (struct hm_factor_choice){ hm_factors[i].base, set->block };
	for (size_t i = 0; i < e->factor_count; i++) {
		bool varies = !plain && (!confirms || (factor_of(e, block) == i && !is_phase(e, block, "send")));
		unsigned own = !varies ? hm_factor_base(e->factors[i]) : locates ? 0 : (unsigned)level;

		for (size_t row = 0; row < hm_factor_count; row++)
			if (hm_factor_covers(e->factors[i], row))
				choice[row].level = own;
		set->levels |= (uint64_t)own << i;
	}
	if (locates && e->question.count[level]) {
		set->mixed = e->question.factor;
		set->part_count = e->question.count[level];
		memcpy(set->parts, e->question.level[level], sizeof(set->parts));
		r = hm_factor_mixed(world, e->a->seed, "screen", choice, set->mixed, set->parts, set->part_count, fail);
	} else {
		r = hm_factor_world(world, e->a->seed, set->screen ? "screen" : "aa", choice, fail);
	}
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

/* The block draws what block `as` drew. */
static void draw_as(struct hm_trials *e, struct block_net *net, unsigned block, unsigned as)
{
	HM_FREE char *label = hm_sprintf("control/%s/%u/internet", hm_trials_phase(e, as), as);
	HM_FREE char *product = hm_sprintf("control/%s/%u", hm_trials_phase(e, as), as);
	struct hm_sha256 seed;

	e->began[block] = (int64_t)time(NULL);
	hm_derive(&net->noise, e->a->seed, label);
	hm_derive(&seed, e->a->seed, product);
	net->clock = (e->began[as] ? e->began[as] : e->began[block]) * 1000000000;
	memcpy(net->control.seed, seed.b, sizeof(net->control.seed));
	net->control.start_ns = (uint64_t)net->clock;
}

/* Most blocks draw for themselves. Some draw again what the held block drew: what happened there by chance happens in them all. */
static void begin_net(struct hm_trials *e, struct block_net *net, unsigned block)
{
	unsigned first = e->aa + e->screen + 1;
	bool repeats = is_phase(e, block, "locate") ||
		       (block >= first && block <= e->fresh &&
			hm_experiment_repeats(e->pairs, (block - first) % e->pairs, e->suspected[factor_of(e, block)]));
	unsigned as = repeats ? e->held[factor_of(e, block)] : block;

	draw_as(e, net, block, as);
}

static int prepare_place(struct hm_trials *e, struct place *p, unsigned block, unsigned place, const struct block_net *net,
			 struct hm_slice plan, struct hm_fail *fail)
{
	struct hm_assessment *a = e->a;
	int r = hm_trials_world(e, block, place, &p->set, &p->world, fail);

	p->run = 2 * block - 1 + place;
	p->target = hm_sprintf("%s/target-%u", a->folder, p->run);
	p->record = hm_sprintf("%s/%04u.record", a->folder, p->run);
	p->packets = hm_sprintf("%s/%04u.pcapng", a->folder, p->run);
	p->tree = hm_sprintf("%s/%04u.tree", a->folder, p->run);
	if (r == 0)
		r = hm_fs_mkdirs(p->target, 0755, fail);
	if (r == 0)
		r = hm_factor_write(p->world, p->target, fail);
	if (r == 0)
		r = hm_planted_evict(p->target, fail);
	if (r < 0)
		return r;
	p->stdin_path = stdin_of(e, p->world);
	p->spec = (struct hm_run_spec){ .mode = is_phase(e, block, "store") ? HM_INTERNET_CLOSED : a->mode, .plan = plan, .number = p->run, .time_limit_s = a->time_limit_s,
					.record = p->record, .packets = p->packets, .tree = p->tree, .silent = true };
	p->spec.loaded = &a->loaded[place];
	p->spec.noise = net->noise.b;
	p->spec.clock = net->clock;
	if (is_phase(e, block, "certificate"))
		p->spec.wrong = hm_certificates_wrong(block - e->fresh - 2 * e->stores - 1);
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

/* A run that was done, or that failed when the product had begun. */
static int take_twin(struct hm_trials *e, struct place *p, struct hm_twin *twin, const struct hm_run_result *result, struct hm_bytes *absent,
		     struct hm_fail *fail)
{
	int r;

	if (twin->code < 0) {
		hm_program_note("run %u was not recorded: %s", p->run, twin->fail.text);
		e->fate[p->run - 1] = NOT_RECORDED;
		return 0;
	}
	e->notes[p->run - 1] = (struct hm_run_note){ p->run, result->chamber.outcome, result->chamber.status, result->chamber.start_ns,
						     result->chamber.end_ns, hm_trials_phase(e, (p->run + 1) / 2), true, result->controlled,
						     result->internet.tls };
	e->notes[p->run - 1].controlled.start_s = (uint64_t)(p->spec.clock / 1000000000);
	e->a->events += result->record.items;
	e->a->lost += result->capture.lost + result->internet.lost;
	if (result == &twin->result) {
		absent->len = 0;
		hm_bytes_slice(absent, hm_slice_of(&result->absent));
	}
	r = hm_trials_find_set(e, &e->set_of[p->run - 1], p->set, p->world, fail);
	if (r == 0)
		r = hm_assess_add_run(e->a, p->run, &p->spec, fail);
	if (r == 0)
		e->fate[p->run - 1] = DONE;
	return r;
}

static void tick(void *cookie)
{
	hm_progress_say(cookie);
}

/* An earlier attempt's files are in the way of the next. */
static void forget_files(const struct place *p)
{
	const char *const paths[] = { p->record, p->packets, p->tree };

	for (size_t i = 0; i < HM_COUNT(paths); i++)
		if (paths[i])
			unlink(paths[i]);
}

/* Places of the block, and behind them those of the send block that goes on with what a store block leaves. */
struct attempt {
	struct place place[2 * HM_TWINS];
	struct hm_twin twin[HM_TWINS];
	struct block_net net, later;
	bool stores;
};

static int prepare_block(struct hm_trials *e, struct attempt *t, unsigned block, struct hm_slice plan, struct hm_fail *fail)
{
	int r = 0;

	t->stores = is_phase(e, block, "store");
	/* What is kept under a key that the product draws is told apart only where it draws that key again. */
	if (t->stores) {
		draw_as(e, &t->net, block, e->held[e->content]);
		draw_as(e, &t->later, block + 1, 1);
		t->later.clock += DAY;
		t->later.control.start_ns += DAY;
	} else {
		begin_net(e, &t->net, block);
	}
	for (unsigned i = 0; i < HM_TWINS && r == 0; i++) {
		r = prepare_place(e, &t->place[i], block, i, &t->net, plan, fail);
		if (r == 0 && t->stores)
			r = prepare_place(e, &t->place[HM_TWINS + i], block + 1, i, &t->later, plan, fail);
		t->twin[i].spec = &t->place[i].spec;
		t->twin[i].then = t->stores ? &t->place[HM_TWINS + i].spec : NULL;
	}
	return r;
}

static int take_block(struct hm_trials *e, struct attempt *t, struct hm_bytes *absent, struct hm_fail *fail)
{
	int r = 0;

	for (unsigned i = 0; i < HM_TWINS && r == 0; i++)
		r = take_twin(e, &t->place[i], &t->twin[i], &t->twin[i].result, absent, fail);
	for (unsigned i = 0; i < HM_TWINS && r == 0 && t->stores; i++)
		r = take_twin(e, &t->place[HM_TWINS + i], &t->twin[i], &t->twin[i].then_result, absent, fail);
	return r;
}

static void release_attempt(struct attempt *t)
{
	for (unsigned i = 0; i < HM_TWINS; i++)
		hm_bytes_release(&t->twin[i].result.absent);
	for (unsigned i = 0; i < 2 * HM_TWINS; i++)
		release_place(&t->place[i]);
}

/* One attempt: 1 when the products were started. Else `why` tells what kept them from it. Below 0 it is not to go on. */
static int attempt(struct hm_trials *e, unsigned block, struct hm_slice plan, struct hm_bytes *absent, struct hm_fail *why, struct hm_fail *fail)
{
	const struct hm_twins_watch watch = { hm_program_stopped, tick, &e->progress };
	HM_CLEANUP(release_attempt) struct attempt t = { 0 };
	bool begun = false;
	int r = prepare_block(e, &t, block, plan, why);

	/* The twins' processes are copies of this one: what it has loaded they have, and the next block's twins again. */
	for (unsigned i = 0; i < HM_TWINS && r == 0; i++)
		r = hm_capture_load(t.place[i].spec.loaded, &(struct hm_capture_spec){ 0 }, why);
	if (r == 0)
		r = hm_twins_run(t.twin, HM_TWINS, &watch, &begun, why);
	for (unsigned i = 0; i < HM_TWINS && r == 0 && !begun; i++)
		if (t.twin[i].code < 0)
			*why = t.twin[i].fail;
	r = hm_program_stopped() ? hm_fail_set(fail, HM_E_INTERRUPTED, "interrupted in pair %u of %u", block, e->blocks) : 0;
	/* A command that cannot be run, say. */
	if (r == 0 && begun && block == 1 && t.twin[0].code < 0 && t.twin[1].code < 0)
		r = hm_fail_set(fail, t.twin[0].code, "%s", t.twin[0].fail.text);
	if (r == 0 && begun)
		r = take_block(e, &t, absent, fail);
	for (unsigned i = 0; i < HM_COUNT(t.place) && !begun; i++)
		forget_files(&t.place[i]);
	return r < 0 ? r : begun;
}

/* What a program said may hold anything; JSON holds text. */
static json_t *plain_text(const char *text)
{
	HM_FREE char *copy = hm_strdup(text);

	for (char *p = copy; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	return json_string(copy);
}

/* Of a store block's send block, too. */
static void set_fate(struct hm_trials *e, unsigned block, enum fate fate)
{
	for (unsigned run = 2 * block - 1; run <= 2 * block + (is_phase(e, block, "store") ? 2 : 0); run++)
		e->fate[run - 1] = fate;
}

/* A block by the rules, a store block with its send block; whether it was dropped before it began is in its runs' fate. */
static int do_block(struct hm_trials *e, unsigned block, struct hm_slice plan, struct hm_bytes *absent, struct hm_fail *fail)
{
	struct hm_fail why = { 0 };

	for (unsigned tries = 0; tries <= REPEATS; tries++) {
		int r = attempt(e, block, plan, absent, &why, fail);

		if (r != 0)
			return r < 0 ? r : 0;
		hm_program_note("pair %u could not be set up: %s", block, why.text);
		if (tries < REPEATS)
			json_array_append_new(e->repeated, json_pack("{s:i,s:o}", "block", (int)block, "why", plain_text(why.text)));
	}
	set_fate(e, block, NOT_SET_UP);
	/* Where nothing was done yet, nothing can be. */
	if (block > 1 && e->fate[2 * block - 4] != NOT_SET_UP)
		return 0;
	return hm_fail_set(fail, HM_E_SYSTEM, "%s", why.text);
}

/* Where all runs that confirm content left the same there is nothing to send: a rule that does not look at what was sent. */
static int do_stored(struct hm_trials *e, unsigned block, struct hm_slice plan, struct hm_bytes *absent, struct hm_fail *fail)
{
	int r = e->kept_known ? 0 : hm_trials_kept(e, &e->kept, fail);

	e->kept_known = true;
	if (r == 0 && !e->kept)
		set_fate(e, block, NOTHING_KEPT);
	else if (r == 0)
		r = do_block(e, block, plan, absent, fail);
	return r;
}

/* A locate block asks what those before it call for; when nothing is to be asked any more it is left out, and so are those behind it. */
static int do_locate(struct hm_trials *e, unsigned block, struct hm_slice plan, struct hm_bytes *absent, struct hm_fail *fail)
{
	int r = hm_trials_ask(e, fail);

	if (r == 0)
		set_fate(e, block, UNASKED);
	if (r <= 0)
		return r;
	e->progress.of = e->blocks;
	hm_progress_pair(&e->progress, block, "locate", e->question.factor);
	r = do_block(e, block, plan, absent, fail);
	hm_progress_ended(&e->progress);
	return r < 0 ? r : hm_trials_hear(e, block, fail);
}

/* Where no server was asked for a certificate, nobody can be shown a wrong one. */
static int do_certificates(struct hm_trials *e, unsigned block, struct hm_slice plan, struct hm_bytes *absent, struct hm_fail *fail)
{
	if (hm_certificates_met(e->notes, 2 * (size_t)(e->fresh + 2 * e->stores)))
		return do_block(e, block, plan, absent, fail);
	set_fate(e, block, NO_TLS);
	return 0;
}

static int do_due(struct hm_trials *e, unsigned block, struct hm_slice plan, struct hm_bytes *absent, struct hm_fail *fail)
{
	if (is_phase(e, block, "certificate"))
		return do_certificates(e, block, plan, absent, fail);
	return is_phase(e, block, "store") ? do_stored(e, block, plan, absent, fail) : do_block(e, block, plan, absent, fail);
}

static int do_planned(struct hm_trials *e, unsigned block, struct hm_slice plan, struct hm_bytes *absent, struct hm_fail *fail)
{
	int r = 0;

	if (is_phase(e, block, "locate"))
		return do_locate(e, block, plan, absent, fail);
	hm_progress_pair(&e->progress, block, hm_trials_phase(e, block), block > e->aa + e->screen && block <= e->fresh + 2 * e->stores ? e->factors[factor_of(e, block)] : NULL);
	r = is_phase(e, block, "confirm") ? hm_trials_idle(e, block, fail) : 0;
	if (r == 1)
		set_fate(e, block, SKIPPED);
	else if (r == 0)
		r = do_due(e, block, plan, absent, fail);
	hm_progress_ended(&e->progress);
	return r < 0 ? r : 0;
}

static int write_planted(struct hm_trials *e, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	HM_JSON json_t *document = json_pack("{s:s,s:s,s:O}", "schema", "hallmark/planted/v3", "target", HM_TARGET, "sets", e->planted);

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
		if (r == 0 && block == e->aa + e->screen)
			r = hm_trials_screen(e, fail);
		some |= e->fate[2 * block - 2] == DONE || e->fate[2 * block - 1] == DONE;
		block += is_phase(e, block, "store");
	}
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
