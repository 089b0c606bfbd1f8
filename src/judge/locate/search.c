/* The search for one target, walked over the answers that there are. Whatever a walk needs and nobody has answered yet becomes the next question. */
#include "locate_internal.h"

enum answer { PENDING = -1, NO, YES };

struct walk {
	const struct hm_locate *l;
	const struct target *target;
	const struct space *space;
	unsigned k;
	struct hm_locate_question *next;
	struct hm_locate_place found[HM_LOCATE_PLACES]; /* ranges that are likely */
	size_t count;
	bool many;
};

/* Documents as a set of bits. */
static void put_things(struct hm_locate_question *q, unsigned level, const struct space *s, uint32_t things)
{
	for (uint32_t i = 0; i < THINGS_MAX; i++)
		if (things >> i & 1)
			q->level[level][q->count[level]++] = (struct hm_locate_part){ .document = i, .to = s->places[i] };
}

static int by_document(const void *a, const void *b)
{
	const struct hm_locate_part *x = a, *y = b;

	if (x->document != y->document)
		return x->document < y->document ? -1 : 1;
	return (x->from > y->from) - (x->from < y->from);
}

static struct hm_locate_question ask_parts(const struct walk *w, uint32_t ground, const struct hm_locate_part *parts, size_t count)
{
	struct hm_locate_question q;

	memset(&q, 0, sizeof(q)); /* questions are compared byte by byte */
	q.factor = w->space->factor;
	put_things(&q, 0, w->space, ground);
	put_things(&q, 1, w->space, ground);
	for (size_t i = 0; i < count; i++)
		q.level[1][q.count[1]++] = parts[i];
	qsort(q.level[1], q.count[1], sizeof(q.level[1][0]), by_document);
	return q;
}

static struct hm_locate_question ask_things(const struct walk *w, uint32_t things)
{
	struct hm_locate_question q = ask_parts(w, 0, NULL, 0);

	put_things(&q, 1, w->space, things);
	return q;
}

static bool is_same(const struct hm_locate_question *a, const struct hm_locate_question *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* The answer, and the number of blocks that it took, those before it included that asked something else. */
static enum answer look_up(const struct walk *w, const struct hm_locate_question *q, size_t *end)
{
	unsigned zeros = 0;

	for (size_t i = 0; i < w->l->used; i++) {
		if (!w->l->blocks[i].told || !is_same(&w->l->blocks[i].question, q))
			continue;
		*end = i + 1;
		if (w->target->d[i])
			return w->target->d[i] > 0 ? YES : NO;
		if (++zeros == w->target->times)
			return NO;
	}
	*w->next = *q;
	return PENDING;
}

static enum answer has(const struct walk *w, const struct hm_locate_question *q)
{
	size_t end;

	return look_up(w, q, &end);
}

/* ---- documents ---- */

static uint32_t bits_of(const uint32_t *things, size_t count)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < count; i++)
		bits |= 1u << things[i];
	return bits;
}

static void put_found(struct walk *w, uint32_t document, uint32_t ground)
{
	if (w->count == HM_LOCATE_PLACES) {
		w->many = true;
		return;
	}
	w->found[w->count++] = (struct hm_locate_place){ .part = { .document = document, .to = w->space->places[document] }, .ground = ground };
}

/* None of two halves has influence alone: which of the documents it takes together. */
static enum answer together(struct walk *w, const uint32_t *things, size_t count)
{
	uint32_t left = bits_of(things, count);

	for (size_t i = 0; i < count; i++) {
		struct hm_locate_question q = ask_things(w, left & ~(1u << things[i]));
		enum answer without = q.count[1] ? has(w, &q) : NO;

		if (without == PENDING)
			return PENDING;
		if (without == YES)
			left &= ~(1u << things[i]);
	}
	for (size_t i = 0; i < count && !w->many; i++)
		if (left >> things[i] & 1)
			put_found(w, things[i], left & ~(1u << things[i]));
	return YES;
}

/* The group has influence. YES when it is known where in it. */
static enum answer search_group(struct walk *w, const uint32_t *things, size_t count)
{
	size_t half = (count + 1) / 2, sizes[2] = { half, count - half };
	enum answer in[2];

	if (count == 1) {
		put_found(w, things[0], 0);
		return YES;
	}
	for (unsigned i = 0; i < 2; i++) {
		struct hm_locate_question q = ask_things(w, bits_of(things + (i ? half : 0), sizes[i]));

		in[i] = has(w, &q);
		if (in[i] == PENDING)
			return PENDING;
	}
	if (in[0] == NO && in[1] == NO)
		return together(w, things, count);
	for (unsigned i = 0; i < 2 && !w->many; i++)
		if (in[i] == YES && search_group(w, things + (i ? half : 0), sizes[i]) == PENDING)
			return PENDING;
	return YES;
}

/* ---- bytes ---- */

static enum answer has_range(const struct walk *w, const struct hm_locate_place *place, uint32_t from, uint32_t to, size_t *end)
{
	const struct hm_locate_part part = { place->part.document, from, to };
	struct hm_locate_question q = ask_parts(w, place->ground, &part, 1);

	return look_up(w, &q, end);
}

/* Narrows the document to a range. PENDING only while there are blocks enough: after that it stays as wide as it is. */
static enum answer narrow(const struct walk *w, struct hm_locate_place *place)
{
	bool spare = HM_LOCATE_BLOCKS - w->l->used > w->k + 1;
	uint32_t places = place->part.to, low = 0, high = places, a;
	enum answer in = YES;
	size_t end;

	while (high - low > 1 && in != PENDING) {
		in = has_range(w, place, 0, (low + high) / 2, &end);
		if (in == PENDING)
			break;
		*(in == YES ? &high : &low) = (low + high) / 2;
	}
	place->part.to = a = high;
	if (in == PENDING)
		return spare ? PENDING : YES;
	low = 0;
	high = places;
	while (high - low > 1) {
		in = has_range(w, place, (low + high) / 2, places, &end);
		if (in == PENDING)
			return spare ? PENDING : YES;
		*(in == YES ? &low : &high) = (low + high) / 2;
	}
	place->part.from = low < a - 1 ? low : a - 1;
	place->part.to = (low > a - 1 ? low : a - 1) + 1;
	return YES;
}

/* ---- confirmation ---- */

static enum answer confirm_range(const struct walk *w, struct hm_locate_place *place)
{
	struct hm_locate_question q = ask_parts(w, place->ground, &place->part, 1);
	unsigned zeros = 0;
	size_t end = 0;
	enum answer first = look_up(w, &q, &end);

	place->confirmed = 0;
	if (first != YES)
		return first;
	for (size_t i = end; i < w->l->used; i++) {
		if (!w->l->blocks[i].told || !is_same(&w->l->blocks[i].question, &q))
			continue;
		place->block = (unsigned)i;
		if (w->target->d[i] < 0 || (w->target->d[i] == 0 && ++zeros == w->k))
			return NO;
		if (w->target->d[i] > 0 && ++place->confirmed == w->k)
			return YES;
	}
	*w->next = q;
	return PENDING;
}

static enum answer confirm(const struct walk *w, struct hm_locate_place *place)
{
	const uint32_t places = w->space->places[place->part.document];
	enum answer range = confirm_range(w, place);

	if (range != NO || (place->part.from == 0 && place->part.to == places))
		return range;
	place->part.from = 0;
	place->part.to = places;
	return confirm_range(w, place);
}

/* ---- the rest ---- */

static size_t outside(const struct walk *w, struct hm_locate_part *parts)
{
	size_t count = 0;

	for (uint32_t i = 0; i < THINGS_MAX; i++) {
		uint32_t from = w->space->places[i], to = 0;

		for (size_t k = 0; k < w->count; k++)
			if (w->found[k].part.document == i) {
				from = w->found[k].part.from;
				to = w->found[k].part.to;
			}
		if (from > 0)
			parts[count++] = (struct hm_locate_part){ i, 0, from };
		if (to && to < w->space->places[i])
			parts[count++] = (struct hm_locate_part){ i, to, w->space->places[i] };
	}
	return count;
}

static enum answer ask_rest(const struct walk *w, struct hm_locate_result *out)
{
	struct hm_locate_part parts[HM_LOCATE_PARTS];
	size_t count = outside(w, parts);
	struct hm_locate_question q = ask_parts(w, 0, parts, count);

	out->rest = count ? (int)has(w, &q) : -1;
	return count ? (enum answer)out->rest : YES;
}

/* ---- the whole ---- */

static int by_place(const void *a, const void *b)
{
	return by_document(&((const struct hm_locate_place *)a)->part, &((const struct hm_locate_place *)b)->part);
}

/* False while something is to be asked; `out` holds what is known by then. */
static bool walk(struct walk *w, struct hm_locate_result *out)
{
	bool all = true;

	if (search_group(w, w->space->order, w->space->count) == PENDING)
		return false;
	if (w->many) {
		out->reason = HM_LOCATE_MANY;
		return true;
	}
	for (size_t i = 0; i < w->count; i++) {
		enum answer is = narrow(w, &w->found[i]);

		is = is == PENDING ? PENDING : confirm(w, &w->found[i]);
		if (is == PENDING)
			return false;
		if (is == YES)
			out->place[out->count++] = w->found[i];
		all &= is == YES;
	}
	out->reason = all ? HM_LOCATED : HM_LOCATE_UNCONFIRMED;
	return !all || ask_rest(w, out) != PENDING;
}

/* The smallest with 2^K >= 800 T. */
static unsigned repeats(const struct hm_locate *l)
{
	uint64_t wanted = 0;
	unsigned k = 0;

	for (size_t i = 0; i < l->target_count; i++)
		wanted += l->targets[i].times ? 800 : 0;
	while (1ull << k < wanted)
		k++;
	return k;
}

/* True when the target is done with. */
static bool search(const struct hm_locate *l, size_t target, struct hm_locate_question *next, struct hm_locate_result *out)
{
	struct walk w = { .l = l, .target = &l->targets[target], .k = repeats(l), .next = next };
	bool done;

	*out = (struct hm_locate_result){ .reason = HM_LOCATE_UNSTEADY, .rest = -1 };
	if (!w.target->times)
		return true;
	w.space = &l->spaces[w.target->space];
	done = walk(&w, out);
	if (out->count)
		qsort(out->place, out->count, sizeof(out->place[0]), by_place);
	return done;
}

bool hm_locate_next(struct hm_locate *l, struct hm_locate_question *out)
{
	struct hm_locate_result unused;

	if (l->used == HM_LOCATE_BLOCKS)
		return false;
	for (size_t i = 0; i < l->target_count; i++)
		if (!search(l, i, &l->next, &unused)) {
			*out = l->next;
			return true;
		}
	return false;
}

void hm_locate_tell(struct hm_locate *l, const int *d)
{
	struct hm_locate_question question;

	if (!hm_locate_next(l, &question))
		abort();
	l->blocks[l->used] = (struct block){ .question = question, .told = d != NULL };
	for (size_t i = 0; i < l->target_count; i++)
		if (d && l->spaces[l->targets[i].space].factor == question.factor)
			l->targets[i].d[l->used] = (int8_t)((d[i] > 0) - (d[i] < 0));
	l->used++;
}

unsigned hm_locate_result(const struct hm_locate *l, size_t target, struct hm_locate_result *out)
{
	const char *factor = l->spaces[l->targets[target].space].factor;
	struct hm_locate_question unused;

	if (!search(l, target, &unused, out))
		out->reason = HM_LOCATE_BLOCKS_OUT;
	for (size_t i = 0; i < l->used; i++)
		out->blocks += l->blocks[i].told && l->blocks[i].question.factor == factor;
	return repeats(l);
}
