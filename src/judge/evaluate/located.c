/* Which document an influence comes from, and which bytes of it: the locate blocks are gone through again, each must have varied what those before it
 * called for, and what they showed is put down. */
#include "evaluate_internal.h"

#include "factor.h"

enum { PLACES_MAX = 1 << 20 };

/* ---- things ---- */

/* The documents that a factor can be changed in alone, as planted.json tells them: what it says was made is checked by who makes it again. NULL: none. */
static const json_t *things_of(const struct hm_core *core, const char *factor)
{
	const json_t *row;
	size_t i;

	json_array_foreach (json_object_get(core->planted, "things"), i, row)
		if (strcmp(json_string_value(json_object_get(row, "factor")), factor) == 0)
			return json_object_get(row, "documents");
	return NULL;
}

static int tell_factor(struct hm_locate *l, const struct hm_core *core, const char *factor, struct hm_fail *fail)
{
	const json_t *documents = things_of(core, factor), *row;
	uint32_t places[HM_LOCATE_THINGS];
	bool fits = json_array_size(documents) <= HM_LOCATE_THINGS;
	size_t i;

	if (!documents)
		return 0;
	json_array_foreach (documents, i, row) {
		json_int_t count = json_integer_value(json_object_get(row, "places"));

		fits &= count <= PLACES_MAX;
		if (fits)
			places[i] = (uint32_t)count;
	}
	if (!fits || !hm_locate_factor(l, factor, places, json_array_size(documents)))
		return hm_fail_set(fail, HM_E_BAD, "planted.json: what can be changed alone of %s makes no sense", factor);
	return 0;
}

static const char *thing_of(const struct hm_core *core, const char *factor, uint32_t document)
{
	return json_string_value(json_object_get(json_array_get(things_of(core, factor), document), "document"));
}

/* ---- targets ---- */

static struct hm_compare_block runs_of(const struct hm_located *x, const struct hm_block *b, enum hm_locate_kind kind)
{
	struct hm_compare_block out;

	for (unsigned level = 0; level < 2; level++) {
		size_t run = b->run[(b->level[0] == 1) != (level == 1)];

		out.run[level] = kind == HM_LOCATE_KEPT ? hm_kept_number(x->kept, run) : x->number_of[run];
	}
	return out;
}

/* The confirming blocks that tell a factor's references: those that draw what the held block drew, where there are some. */
static struct hm_compare_phase references(const struct hm_located *x, int factor, enum hm_locate_kind kind, struct hm_compare_block *list)
{
	const struct hm_core *core = x->core;
	struct hm_compare_phase out = { list, 0 };
	unsigned planned = 0;

	for (size_t i = 0; i < core->block_count; i++)
		planned += core->blocks[i].phase == HM_PHASE_CONFIRM && core->blocks[i].factor == factor;
	for (int all = 0; all < 2 && !out.count; all++)
		for (size_t i = 0, place = 0; i < core->block_count; i++) {
			const struct hm_block *b = &core->blocks[i];

			if (b->phase != HM_PHASE_CONFIRM || b->factor != factor)
				continue;
			if ((hm_experiment_repeats(planned, (unsigned)place++, x->suspected[factor]) || all) && b->fate == HM_FATE_DONE)
				list[out.count++] = runs_of(x, b, kind);
		}
	return out;
}

static void add_targets(struct hm_locate *l, const struct hm_located *x)
{
	HM_FREE struct hm_compare_block *list = hm_alloc(x->core->block_count + 1, sizeof(*list));

	struct hm_compare_phase confirm;

	for (size_t f = 0; f < x->core->factor_count; f++) {
		confirm = references(x, (int)f, HM_LOCATE_SENT, list);
		hm_locate_add(l, x->core->factors[f], HM_LOCATE_SENT, x->compare, &x->found[f], &confirm);
	}
	for (size_t f = 0; f < x->core->factor_count && x->kept; f++) {
		if (strcmp(x->core->factors[f], "content") != 0)
			continue;
		confirm = references(x, (int)f, HM_LOCATE_KEPT, list);
		hm_locate_add(l, "content", HM_LOCATE_KEPT, hm_kept_compare(x->kept), hm_kept_found(x->kept), &confirm);
	}
}

/* ---- blocks ---- */

static int false_block(struct hm_fail *fail, const struct hm_block *b, const char *what)
{
	return hm_fail_set(fail, HM_E_BAD, "block %u %s", b->number, what);
}

static json_int_t number_of(const json_t *row, const char *member)
{
	return json_integer_value(json_object_get(row, member));
}

static bool has_parts(const json_t *set, const struct hm_locate_question *q, unsigned level)
{
	const json_t *mix = json_object_get(set, "mix"), *list = json_object_get(mix, "parts"), *row;
	size_t i;

	if (!mix || !q->count[level])
		return !mix && !q->count[level];
	if (strcmp(json_string_value(json_object_get(mix, "factor")), q->factor) != 0 || json_array_size(list) != q->count[level])
		return false;
	json_array_foreach (list, i, row) {
		const struct hm_locate_part *part = &q->level[level][i];

		if (number_of(row, "document") != part->document || number_of(row, "from") != part->from || number_of(row, "to") != part->to)
			return false;
	}
	return true;
}

/* The run's documents are those that the question asks for. */
static bool is_asked(const struct hm_core *core, size_t run, unsigned level, const struct hm_locate_question *q)
{
	const json_t *set = json_array_get(json_object_get(core->planted, "sets"), core->set_of[run]), *row;
	bool fits = has_parts(set, q, level);
	size_t i;

	json_array_foreach (json_object_get(set, "levels"), i, row) {
		bool varies = strcmp(core->factors[i], q->factor) == 0;

		fits &= strcmp(json_string_value(json_object_get(row, "factor")), core->factors[i]) == 0 &&
			number_of(row, "level") == (varies ? 0 : (json_int_t)hm_factor_base(core->factors[i]));
		fits &= !varies || number_of(set, "block") == core->held[i];
	}
	return fits;
}

static int take_block(struct hm_locate *l, const struct hm_located *x, const struct hm_block *b, struct hm_fail *fail)
{
	struct hm_locate_seen seen[HM_LOCATE_KINDS] = { { x->compare, { { 0 } } }, { hm_kept_compare(x->kept), { { 0 } } } };
	struct hm_locate_question q;

	if (hm_locate_next(l, &q) != (b->fate != HM_FATE_UNASKED))
		return false_block(fail, b, b->fate == HM_FATE_UNASKED ? "was left out, and something was to be asked" : "was done, and nothing was to be asked");
	if (b->fate == HM_FATE_UNASKED)
		return 0;
	for (unsigned place = 0; place < 2; place++)
		if (b->run[place] != SIZE_MAX && !is_asked(x->core, b->run[place], b->level[place], &q))
			return false_block(fail, b, "varies something else than was to be asked");
	if (b->fate != HM_FATE_DONE) {
		hm_locate_tell(l, NULL);
		return 0;
	}
	for (enum hm_locate_kind kind = HM_LOCATE_SENT; kind < HM_LOCATE_KINDS; kind++)
		seen[kind].block = runs_of(x, b, kind);
	hm_locate_answer(l, seen);
	return 0;
}

int hm_located_replay(struct hm_locate **ret, const struct hm_located *x, struct hm_fail *fail)
{
	int r = 0;

	if (!hm_core_locates(x->core))
		return 0;
	*ret = hm_locate_new(x->core->seed);
	for (size_t f = 0; f < x->core->factor_count && r == 0; f++)
		r = tell_factor(*ret, x->core, x->core->factors[f], fail);
	if (r == 0)
		add_targets(*ret, x);
	for (size_t i = 0; i < x->core->block_count && r == 0; i++) {
		const struct hm_block *b = &x->core->blocks[i];

		if (b->phase == HM_PHASE_LOCATE && b->fate == HM_FATE_INTERRUPTED)
			break;
		if (b->phase == HM_PHASE_LOCATE)
			r = take_block(*ret, x, b, fail);
	}
	return r;
}

/* ---- what is said of it ---- */

static const json_t *set_of(const struct hm_core *core, size_t run)
{
	return json_array_get(json_object_get(core->planted, "sets"), core->set_of[run]);
}

static struct hm_slice file_of(const struct hm_core *core, size_t run, uint32_t document)
{
	const char *part = json_string_value(json_object_get(hm_factor_row(json_object_get(set_of(core, run), "files"), document), "part"));
	struct hm_slice file = { 0 };

	if (part && !hm_parts_get(core->parts, part, &file))
		abort();
	return file;
}

/* Bytes of the document, or characters of its text. */
struct span {
	const char *part;
	json_int_t offset, length, of;
};

/* Bytes of the file that were not the same in the two runs of the locate block: from the first to the last. */
static struct span differing(const struct hm_core *core, const struct hm_block *b, uint32_t document)
{
	struct hm_slice a = file_of(core, b->run[b->level[0] == 1], document), c = file_of(core, b->run[b->level[0] != 1], document);
	size_t both = a.len < c.len ? a.len : c.len, head = 0, tail = 0;

	while (head < both && a.data[head] == c.data[head])
		head++;
	while (tail < both - head && a.data[a.len - 1 - tail] == c.data[c.len - 1 - tail])
		tail++;
	return (struct span){ "file", (json_int_t)head, (json_int_t)(c.len - tail - head), (json_int_t)c.len };
}

/* Where the text is deflated planted.json says which characters of it the part is. */
static struct span span_of(const struct hm_core *core, const struct hm_locate_place *place)
{
	const struct hm_block *b = &core->blocks[core->block_count - HM_EXPERIMENT_LOCATE + place->block];
	const json_t *parts = json_object_get(json_object_get(set_of(core, b->run[b->level[0] != 1]), "mix"), "parts"), *row;
	size_t i;

	json_array_foreach (parts, i, row)
		if (number_of(row, "document") == place->part.document && !json_is_null(json_object_get(row, "of")))
			return (struct span){ "text", number_of(row, "offset"), number_of(row, "length"), number_of(row, "of") };
	return differing(core, b, place->part.document);
}

static json_t *place_json(const struct hm_core *core, const struct hm_locate_place *place, const char *factor, unsigned k)
{
	json_t *out = json_object(), *with = json_array();
	bool bytes = strcmp(factor, "content") == 0;
	struct span span = { 0 };

	if (bytes)
		span = span_of(core, place);
	for (uint32_t i = 0; i < HM_LOCATE_THINGS; i++)
		if (place->ground >> i & 1)
			json_array_append_new(with, json_string(thing_of(core, factor, i)));
	json_object_set_new(out, "document", json_string(thing_of(core, factor, place->part.document)));
	json_object_set_new(out, "part", bytes ? json_string(span.part) : json_null());
	json_object_set_new(out, "offset", bytes ? json_integer(span.offset) : json_null());
	json_object_set_new(out, "length", bytes ? json_integer(span.length) : json_null());
	json_object_set_new(out, "of", bytes ? json_integer(span.of) : json_null());
	json_object_set_new(out, "with", with);
	json_object_set_new(out, "blocks", json_integer(place->confirmed));
	json_object_set_new(out, "error", json_pack("[i,i]", 1, 1 << k));
	return out;
}

static void put_result(json_t *out, const struct hm_locate *l, const struct hm_core *core, const char *factor, size_t target)
{
	static const char *const reasons[] = { [HM_LOCATED] = "located", [HM_LOCATE_UNSTEADY] = "unsteady", [HM_LOCATE_MANY] = "many",
					       [HM_LOCATE_UNCONFIRMED] = "not confirmed", [HM_LOCATE_BLOCKS_OUT] = "blocks" };
	json_t *places = json_object_get(out, "places");
	struct hm_locate_result result;
	unsigned k = hm_locate_result(l, target, &result);

	for (size_t i = 0; i < result.count; i++)
		json_array_append_new(places, place_json(core, &result.place[i], factor, k));
	json_object_set_new(out, "reason", json_string(reasons[result.reason]));
	json_object_set_new(out, "rest", result.rest < 0 ? json_null() : json_string(result.rest ? "differs" : "same"));
	json_object_set_new(out, "blocks", json_integer(result.blocks));
}

/* The confirmed features in the order of rows that tell of them. */
struct cursor {
	const struct hm_located *x;
	size_t factor, at, targets;
};

static const struct hm_compare_found *next_found(struct cursor *c)
{
	while (c->factor < c->x->core->factor_count && c->at == c->x->found[c->factor].count) {
		c->factor++;
		c->at = 0;
	}
	return c->factor < c->x->core->factor_count ? &c->x->found[c->factor].list[c->at++] : NULL;
}

/* Why the row is no target; NULL: it is the next. */
static const char *no_target(struct cursor *c, const struct hm_locate *l, const json_t *row)
{
	const struct hm_compare_found *found;
	struct hm_compare_account account;

	if (strcmp(json_string_value(json_object_get(row, "layer")), HM_RESIDUE_ENDPOINT) == 0) {
		if (!c->x->kept)
			return "disk";
		return !hm_locate_can(l, "content") ? "factor" : c->targets == HM_LOCATE_TARGETS ? "features" : NULL;
	}
	if (strcmp(json_string_value(json_object_get(json_object_get(row, "p"), "phase")), "confirm") != 0)
		return "stored";
	found = next_found(c);
	if (!found)
		abort(); /* it was made of them */
	hm_compare_account(c->x->compare, found->key, &account);
	if (!hm_locate_can(l, c->x->core->factors[c->factor]))
		return "factor";
	return account.timing ? "timing" : c->targets == HM_LOCATE_TARGETS ? "features" : NULL;
}

json_t *hm_located_json(const struct hm_locate *l, const struct hm_located *x, const json_t *influence)
{
	struct cursor c = { .x = x };
	json_t *list = json_array();
	const json_t *row;
	size_t i;

	json_array_foreach (influence, i, row) {
		static const char *const told[] = { "factor", "endpoint", "layer", "feature" };
		const char *why;
		json_t *out;

		if (strcmp(json_string_value(json_object_get(row, "grade")), "dependent") != 0)
			continue;
		why = no_target(&c, l, row);
		out = json_object();
		for (size_t m = 0; m < HM_COUNT(told); m++)
			json_object_set(out, told[m], json_object_get(row, told[m]));
		json_object_set_new(out, "places", json_array());
		if (!why) {
			put_result(out, l, x->core, json_string_value(json_object_get(row, "factor")), c.targets++);
		} else {
			json_object_set_new(out, "reason", json_string(why));
			json_object_set_new(out, "rest", json_null());
			json_object_set_new(out, "blocks", json_integer(0));
		}
		json_array_append_new(list, out);
	}
	return list;
}
