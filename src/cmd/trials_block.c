/* One block: what its two runs find and draw, their surroundings, and what comes back of them. */
#include "trials_internal.h"

#include <time.h>

#include "authorities.h"
#include "certificates.h"
#include "fs.h"
#include "planted.h"
#include "program.h"
#include "twins.h"

#define DAY (86400ll * 1000000000)

enum { REPEATS = 2 }; /* of a block whose surroundings cannot be made */

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
	struct hm_authorities_env env;
	char *name, *target, *record, *packets, *tree, *stdin_path;
};

static void release_place(struct place *p)
{
	if (p->target && hm_fs_remove_tree(p->target, NULL) < 0)
		hm_program_note("%s stays", p->target);
	hm_world_files_release(&p->files);
	hm_authorities_env_release(&p->env);
	hm_factor_release(&p->world);
	free(p->name);
	free(p->target);
	free(p->record);
	free(p->packets);
	free(p->tree);
	free(p->stdin_path);
}

/* Places of the block, and behind them those of the send block that goes on with what a store block leaves. */
struct attempt {
	unsigned block;
	struct place place[2 * HM_TWINS];
	struct hm_twin twin[HM_TWINS];
	struct block_net net, later;
	bool stores, begun; /* begun: products were started */
	struct hm_twins *twins; /* NULL once they have ended, or where there are none */
	int code; /* 0, or what kept them from being set up, and why */
	struct hm_fail why;
};

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
	bool repeats = hm_trials_is(e, block, "locate") ||
		       (block >= first && block <= e->fresh &&
			hm_experiment_repeats(e->pairs, (block - first) % e->pairs, e->suspected[hm_trials_factor(e, block)]));
	unsigned as = repeats ? e->held[hm_trials_factor(e, block)] : block;

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
	p->spec = (struct hm_run_spec){ .mode = hm_trials_is(e, block, "store") ? HM_INTERNET_CLOSED : a->mode, .plan = plan, .number = p->run, .time_limit_s = a->time_limit_s,
					.record = p->record, .packets = p->packets, .tree = p->tree, .silent = true };
	p->spec.loaded = &a->loaded[place];
	p->spec.noise = net->noise.b;
	p->spec.clock = net->clock;
	if (hm_trials_is(e, block, "certificate")) {
		p->spec.wrong = hm_certificates_wrong(block - e->fresh - 2 * e->stores - 1);
		p->spec.time_limit_s = hm_certificates_limit(e->notes, 2 * (size_t)(e->fresh + 2 * e->stores), a->time_limit_s);
	}
	p->spec.chamber.control = &net->control;
	hm_surroundings_fill(&a->surroundings, &p->spec);
	p->name = hm_strdup(p->spec.chamber.name); /* the next place's takes its memory */
	p->spec.chamber.name = p->name;
	p->spec.chamber.target_from = p->target;
	p->spec.chamber.target = HM_TARGET;
	p->spec.chamber.argv = (const char *const *)a->argv;
	p->spec.chamber.stdin_path = p->stdin_path;
	p->spec.chamber.files = a->files;
	p->spec.chamber.file_count = a->file_count;
	hm_world_apply(&p->spec, p->world, &p->files);
	hm_authorities_env(&p->env, a->adapted, p->spec.chamber.env);
	p->spec.chamber.env = p->env.all;
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
	memcpy(e->notes[p->run - 1].address, p->world->address, sizeof(p->world->address));
	e->notes[p->run - 1].controlled.start_s = (uint64_t)(p->spec.clock / 1000000000);
	e->a->events += result->record.items;
	e->a->lost += result->capture.lost + result->internet.lost;
	e->a->refused += p->spec.wrong ? 0 : result->internet.tls.refused;
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

static int prepare_block(struct hm_trials *e, struct attempt *t, unsigned block, struct hm_slice plan, struct hm_fail *fail)
{
	int r = 0;

	t->stores = hm_trials_is(e, block, "store");
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

static void close_attempt(struct attempt **attempt)
{
	struct attempt *t = *attempt;

	if (!t)
		return;
	if (t->twins)
		hm_twins_finish(t->twins);
	for (unsigned i = 0; i < HM_TWINS; i++)
		hm_bytes_release(&t->twin[i].result.absent);
	for (unsigned i = 0; i < HM_COUNT(t->place); i++) {
		if (!t->begun)
			forget_files(&t->place[i]);
		release_place(&t->place[i]);
	}
	free(t);
}

/* From here on its surroundings are being made; `code` and `why` tell where they are not. */
static struct attempt *set_up(struct hm_trials *e, unsigned block, struct hm_slice plan)
{
	const struct hm_twins_watch watch = { hm_program_stopped, tick, &e->progress };
	struct attempt *t = hm_alloc(1, sizeof(*t));

	t->block = block;
	t->code = prepare_block(e, t, block, plan, &t->why);
	/* The twins' processes are copies of this one: what it has loaded they have, and the next block's twins again. */
	for (unsigned i = 0; i < HM_TWINS && t->code == 0; i++)
		t->code = hm_capture_load(t->place[i].spec.loaded, &(struct hm_capture_spec){ .tls_ahead = true }, &t->why);
	if (t->code == 0)
		t->code = hm_twins_set_up(&t->twins, t->twin, HM_TWINS, &watch, &t->why);
	return t;
}

/* The block behind this one, where that does not depend on what this one gives; else 0. */
static unsigned block_behind(const struct hm_trials *e, unsigned block)
{
	while (++block <= e->fresh) {
		struct hm_fail fail = { 0 };
		int idle = hm_trials_is(e, block, "confirm") ? hm_trials_idle(e, block, &fail) : 0;

		if (idle < 0 || (hm_trials_is(e, block, "confirm") && !e->screened))
			return 0;
		if (idle == 0)
			return block;
	}
	return 0;
}

/* Starts the products of what is set up. When they are dead the next block's surroundings are made while this one's go and its files are
 * closed: a run is half waiting for the kernel to take things down. Nothing of it happens while a product runs. */
static int let_run(struct hm_trials *e, struct attempt *t, struct hm_slice plan)
{
	unsigned next;

	if (t->code < 0)
		return 0;
	t->begun = hm_twins_go(t->twins);
	next = t->begun && !hm_program_stopped() ? block_behind(e, t->block) : 0;
	if (next)
		e->ahead = set_up(e, next, plan);
	hm_twins_finish(hm_take_ptr(&t->twins));
	for (unsigned i = 0; i < HM_TWINS && !t->begun; i++)
		if (t->twin[i].code < 0)
			t->why = t->twin[i].fail;
	return t->begun;
}

void hm_trials_drop_ahead(struct hm_trials *e)
{
	struct attempt *t = hm_take_ptr(&e->ahead);

	close_attempt(&t);
}

/* One attempt: 1 when the products were started. Else `why` tells what kept them from it. Below 0 it is not to go on. */
static int attempt(struct hm_trials *e, unsigned block, struct hm_slice plan, struct hm_bytes *absent, struct hm_fail *why, struct hm_fail *fail)
{
	HM_CLEANUP(close_attempt) struct attempt *t = hm_take_ptr(&e->ahead);
	int begun, r;

	if (t && t->block != block)
		close_attempt(&t);
	t = t && t->block == block ? t : set_up(e, block, plan);
	begun = let_run(e, t, plan);
	*why = t->why;
	r = hm_program_stopped() ? hm_fail_set(fail, HM_E_INTERRUPTED, "interrupted in pair %u of %u", block, e->blocks) : 0;
	/* A command that cannot be run, say. */
	if (r == 0 && begun && block == 1 && t->twin[0].code < 0 && t->twin[1].code < 0)
		r = hm_fail_set(fail, t->twin[0].code, "%s", t->twin[0].fail.text);
	if (r == 0 && begun)
		r = take_block(e, t, absent, fail);
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

void hm_trials_set_fate(struct hm_trials *e, unsigned block, enum fate fate)
{
	for (unsigned run = 2 * block - 1; run <= 2 * block + (hm_trials_is(e, block, "store") ? 2 : 0); run++)
		e->fate[run - 1] = fate;
}

int hm_trials_block(struct hm_trials *e, unsigned block, struct hm_slice plan, struct hm_bytes *absent, struct hm_fail *fail)
{
	/* What was set up before its turn does not count: what the block before had left may have been in the way. */
	bool counts = !e->ahead || e->ahead->block != block;
	struct hm_fail why = { 0 };

	for (unsigned tries = 0; tries <= REPEATS; tries += counts, counts = true) {
		int r = attempt(e, block, plan, absent, &why, fail);

		if (r != 0)
			return r < 0 ? r : 0;
		if (!counts)
			continue;
		hm_program_note("pair %u could not be set up: %s", block, why.text);
		if (tries < REPEATS)
			json_array_append_new(e->repeated, json_pack("{s:i,s:o}", "block", (int)block, "why", plain_text(why.text)));
	}
	hm_trials_set_fate(e, block, NOT_SET_UP);
	/* Where nothing was done yet, nothing can be. */
	if (block > 1 && e->fate[2 * block - 4] != NOT_SET_UP)
		return 0;
	return hm_fail_set(fail, HM_E_SYSTEM, "%s", why.text);
}
