/* An interrupted experiment goes on: what its bundle says of the runs that were done becomes what this process would know, had it
 * made them itself. That the bundle is sound was checked before; documents are made again all the same, for they are part of this
 * bundle too. */
#include "trials_internal.h"

#include <time.h>

#include "factor.h"

#define SET_UP_NS 300000000ull

static json_t *read_part(const struct hm_parts *parts, const char *name, struct hm_fail *fail)
{
	struct hm_slice text;
	json_t *document = NULL;

	if (!hm_parts_get(parts, name, &text))
		hm_fail_set(fail, HM_E_BAD, "%s is missing", name);
	else if (hm_json_parse_canonical(&document, text, name, fail) < 0)
		document = NULL;
	return document;
}

static json_int_t number_of(const json_t *row, const char *name)
{
	return json_integer_value(json_object_get(row, name));
}

/* FATES for one that there is not. */
static enum fate fate_of(const json_t *row)
{
	const char *rule = json_string_value(json_object_get(row, "rule"));
	enum fate fate = INTERRUPTED;

	while (fate < FATES && !(rule && hm_trials_rules[fate] && strcmp(rule, hm_trials_rules[fate]) == 0))
		fate++;
	return fate;
}

static int read_dropped(struct hm_trials *e, const json_t *list, struct hm_fail *fail)
{
	const json_t *row;
	size_t i;

	json_array_foreach (list, i, row) {
		json_int_t run = number_of(row, "run");

		if (run < 1 || run > 2 * (json_int_t)e->blocks || fate_of(row) == FATES)
			return hm_fail_set(fail, HM_E_BAD, "assessment.json: what was dropped makes no sense");
		e->fate[run - 1] = fate_of(row);
	}
	return 0;
}

static int read_runs(struct hm_trials *e, const json_t *list, struct hm_fail *fail)
{
	const json_t *row;
	size_t i;

	json_array_foreach (list, i, row) {
		json_int_t run = number_of(row, "run");
		struct hm_run_note note;

		if (!hm_core_read_run(&note, row) || run < 1 || run > 2 * (json_int_t)e->blocks)
			return hm_fail_set(fail, HM_E_BAD, "assessment.json: what was done makes no sense");
		note.kind = hm_trials_phase(e, (note.run + 1) / 2);
		e->notes[run - 1] = note;
		e->began[(run + 1) / 2] = (int64_t)note.controlled.start_s;
		e->fate[run - 1] = DONE;
		/* Where nothing tells the second in which a block began: that in which its surroundings were being made. */
		if (!note.controlled.start_s)
			e->began[(run + 1) / 2] = (int64_t)((note.start_ns - SET_UP_NS) / 1000000000);
	}
	return 0;
}

static int read_held(struct hm_trials *e, const json_t *list, struct hm_fail *fail)
{
	if (json_array_size(list) == 0)
		return 0;
	if (json_array_size(list) != e->factor_count)
		return hm_fail_set(fail, HM_E_BAD, "assessment.json: what was held makes no sense");
	for (size_t i = 0; i < e->factor_count; i++)
		e->held[i] = (uint32_t)number_of(json_array_get(list, i), "block");
	e->screened = true;
	return 0;
}

/* What an earlier time wrote of a run goes into this bundle as it is, salts included. */
static int take_parts(struct hm_trials *e, const struct hm_parts *old, unsigned run, struct hm_fail *fail)
{
	HM_FREE char *folder = hm_core_run_part(run, "");
	int r = 0;

	for (size_t i = 0; i < hm_parts_count(old) && r == 0; i++) {
		struct hm_slice content;
		const char *name = hm_parts_at(old, i, &content);

		if (strncmp(name, folder, strlen(folder)) == 0)
			r = hm_parts_borrow(e->a->parts, name, content, fail);
	}
	return r;
}

static void free_world(struct hm_world **world)
{
	hm_factor_release(world);
}

static int take_run(struct hm_trials *e, const struct hm_parts *old, unsigned run, struct hm_fail *fail)
{
	HM_CLEANUP(free_world) struct hm_world *world = NULL;
	struct set set;
	int r = hm_trials_world(e, (run + 1) / 2, (run + 1) % 2, &set, &world, fail);

	if (r == 0)
		r = hm_trials_find_set(e, &e->set_of[run - 1], set, world, fail);
	return r < 0 ? r : take_parts(e, old, run, fail);
}

/* What there is of the block. A locate block has to be asked for, like the first time. */
static int take_block(struct hm_trials *e, const struct hm_parts *old, unsigned block, struct hm_fail *fail)
{
	bool locates = strcmp(hm_trials_phase(e, block), "locate") == 0;
	int r = 0;

	if (locates && hm_trials_ask(e, fail) != 1)
		return fail->code ? fail->code : hm_fail_set(fail, HM_E_SYSTEM, "it located what this program does not (use the version that made it)");
	for (unsigned run = 2 * block - 1; run <= 2 * block && r == 0; run++)
		if (e->fate[run - 1] == DONE)
			r = take_run(e, old, run, fail);
	return r < 0 || !locates ? r : hm_trials_hear(e, block, fail);
}

static int take_blocks(struct hm_trials *e, const struct hm_parts *old, struct hm_fail *fail)
{
	int r = 0;

	for (unsigned block = 1; block < e->first && r == 0; block++) {
		r = take_block(e, old, block, fail);
		if (r == 0 && e->screened && block == e->aa + e->screen)
			r = hm_trials_screen(e, fail);
	}
	return r;
}

static void note_time(struct hm_trials *e)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	json_array_append_new(e->resumed, json_pack("{s:i,s:I}", "block", (int)e->first, "at_us",
						    (json_int_t)t.tv_sec * 1000000 + t.tv_nsec / 1000));
}

int hm_trials_resume(struct hm_trials *e, const struct hm_parts *old, struct hm_fail *fail)
{
	HM_JSON json_t *assessment = read_part(old, "assessment.json", fail);
	HM_JSON json_t *planted = assessment ? read_part(old, "planted.json", fail) : NULL;
	int r = planted ? read_dropped(e, json_object_get(assessment, "dropped"), fail) : HM_E_BAD;

	if (r == 0)
		r = read_runs(e, json_object_get(assessment, "runs"), fail);
	if (r == 0)
		r = read_held(e, json_object_get(assessment, "held"), fail);
	if (r < 0)
		return r;
	while (e->first <= e->blocks && e->fate[2 * e->first - 2] != INTERRUPTED)
		e->first++;
	if (e->first > e->blocks)
		return hm_fail_set(fail, HM_E_USAGE, "nothing is missing there");
	r = take_blocks(e, old, fail);
	if (r == 0 && !json_equal(e->planted, json_object_get(planted, "sets")))
		r = hm_fail_set(fail, HM_E_SYSTEM, "its documents are not those that this program makes (use the version that made it)");
	json_array_extend(e->repeated, json_object_get(assessment, "repeated"));
	json_array_extend(e->resumed, json_object_get(assessment, "resumed"));
	note_time(e);
	return r;
}
