/* Gathering: an observation that shows no row leaves nothing behind but its count; one that does, at most four pieces a row and place. */
#include "found_internal.h"
#include "text.h"

struct hm_found *hm_found_new(const struct hm_suppliers *suppliers, const char *made)
{
	struct hm_found *f = hm_alloc(1, sizeof(*f));

	f->suppliers = suppliers;
	f->match = hm_match_new(suppliers);
	snprintf(f->made, sizeof(f->made), "%s", made);
	return f;
}

static void release_target(struct found_target *t)
{
	free(t->name);
	free(t->kind);
	found_close_components(t);
	found_first_release(&t->not_read);
	found_first_release(&t->names);
	found_table_release(&t->packages);
}

static void release_seen(struct found_seen *s)
{
	for (size_t i = 0; i < s->pieces; i++)
		found_piece_release(&s->piece[i]);
	free(s->outer);
	free(s->within);
	free(s->around);
}

void hm_found_free(struct hm_found *found)
{
	if (!found)
		return;
	for (size_t i = 0; i < found->targets; i++)
		release_target(&found->target[i]);
	for (size_t i = 0; i < found->seen_count; i++)
		release_seen(&found->seen[i]);
	for (size_t i = 0; i < found->waits; i++)
		for (size_t j = 0; j < found->waiting[i].count && found->waiting[i].count < 3; j++)
			found_piece_release(&found->waiting[i].piece[j]);
	free(found->waiting);
	free(found->target);
	free(found->seen);
	found_table_release(&found->where);
	found_table_release(&found->sets);
	found_table_release(&found->own);
	hm_match_free(found->match);
	free(found);
}

static struct found_target *current(struct hm_found *f)
{
	if (f->targets == 0)
		hm_found_target(f, "", "folder", false);
	return &f->target[f->targets - 1];
}

bool found_in_package(const struct hm_found *found, const struct found_seen *s)
{
	return s->packaged || s->around || (*s->outer && found_table_has(&found->target[s->target].packages, s->outer));
}

size_t found_root(const struct hm_found *found, const struct found_seen *s)
{
	const size_t *root = s->packaged || !*s->outer ? NULL : found_table_get(&found->target[s->target].packages, s->outer);

	return root ? *root : s->root;
}

/* Names of packages are many and targets too: only what they are asked for is kept. */
static void close_target(struct hm_found *f, struct found_target *t)
{
	found_close_components(t);
	for (size_t i = t->seen_from; i < f->seen_count; i++) {
		f->seen[i].root = found_root(f, &f->seen[i]);
		f->seen[i].packaged = found_in_package(f, &f->seen[i]);
	}
	found_table_release(&t->packages);
}

void hm_found_target(struct hm_found *found, const char *name, const char *kind, bool endpoint)
{
	if (found->targets)
		close_target(found, &found->target[found->targets - 1]);
	found->target = hm_realloc(found->target, found->targets + 1, sizeof(*found->target));
	found->target[found->targets++] = (struct found_target){
		.name = hm_strdup(name), .kind = hm_strdup(kind), .endpoint = endpoint,
		.seen_from = found->seen_count,
	};
}

void hm_found_not_read(struct hm_found *found, const char *path, const char *reason)
{
	struct found_target *t = current(found);

	HM_FREE char *text = hm_strdup(reason);

	/* Libraries name files in what they say. */
	for (char *s = text; *s && !hm_text_is_utf8(hm_slice_text(text)); s++)
		*s = (unsigned char)*s < 0x80 ? *s : '?';
	t->not_read_count++;
	found_first_put(&t->not_read, FOUND_UNREAD, path, text);
}

void hm_found_count(struct hm_found *found, uint64_t entries, uint64_t files, uint64_t bytes)
{
	struct found_target *t = current(found);

	t->entries += entries;
	t->files += files;
	t->bytes += bytes;
}

static char *copy(const char *text)
{
	return text ? hm_strdup(text) : NULL;
}

static int by_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

/* Better ones first; which of equals are kept must not depend on which came first. */
static int by_worth(const struct found_piece *a, const struct found_piece *b)
{
	int r = (int)b->strength - (int)a->strength;

	r = r ? r : (int)b->state - (int)a->state;
	r = r ? r : by_text(a->path, b->path);
	r = r ? r : (int)a->kind - (int)b->kind;
	r = r ? r : by_text(a->value, b->value);
	r = r ? r : by_text(a->detail, b->detail);
	return r ? r : by_text(a->sha256, b->sha256);
}

static struct found_piece piece_of(const struct hm_observation *o, enum hm_strength strength)
{
	return (struct found_piece){ hm_strdup(o->value), copy(o->path ? o->path : o->kind == HM_OBSERVED_PATH ? o->value : NULL), copy(o->detail), copy(o->sha256),
				     o->kind, o->state, strength };
}

void found_piece_release(struct found_piece *p)
{
	free(p->value);
	free(p->path);
	free(p->detail);
	free(p->sha256);
}

/* Pieces are few and bases many: the day is taken of all. */
static void note_day(struct found_seen *s, const struct hm_observation *o)
{
	static const char mark[] = "dated ";
	const char *at = o->detail ? strstr(o->detail, mark) : NULL;
	char day[11] = "";

	if (o->kind != HM_OBSERVED_DEFINITIONS)
		return;
	if (at)
		snprintf(day, sizeof(day), "%s", at + sizeof(mark) - 1);
	if (!hm_owner_is_date(day, false))
		s->undated = true;
	else if (strcmp(day, s->newest) > 0)
		memcpy(s->newest, day, sizeof(day));
}

static void keep(struct found_seen *s, const struct hm_observation *o, enum hm_strength strength)
{
	struct found_piece p = piece_of(o, strength);
	size_t at = 0;

	s->count++;
	note_day(s, o);
	s->state = o->state > s->state ? o->state : s->state;
	s->strength = strength > s->strength ? strength : s->strength;
	while (at < s->pieces && by_worth(&s->piece[at], &p) <= 0)
		at++;
	if (at == FOUND_KEPT) {
		found_piece_release(&p);
		return;
	}
	if (s->pieces == FOUND_KEPT)
		found_piece_release(&s->piece[--s->pieces]);
	memmove(&s->piece[at + 1], &s->piece[at], (s->pieces - at) * sizeof(p));
	s->piece[at] = p;
	s->pieces++;
}

/* "a.zip!signed by X": "a.zip". */
static char *around(const char *outer)
{
	size_t len;

	return hm_observation_signer(outer, &len) ? hm_slice_dup((struct hm_slice){ (const uint8_t *)outer, len }) : NULL;
}

static void see(struct hm_found *f, const struct hm_indicator *row, enum hm_strength strength, const char *channel)
{
	const char *outer = f->now->outer ? f->now->outer : "";
	HM_FREE char *key = hm_sprintf("%zu %s %s %s", f->targets, row->id, channel, outer);
	bool fresh;
	size_t *at;

	if ((f->seen_count - current(f)->seen_from == FOUND_SEEN || f->seen_count == FOUND_SEEN_ALL) && !found_table_has(&f->where, key)) {
		hm_found_not_read(f, f->now->path ? f->now->path : f->now->value, "more evidence in more places than is kept");
		return;
	}
	at = found_table_put(&f->where, key, f->seen_count, &fresh);
	if (fresh) {
		if (f->seen_count == f->seen_cap) {
			f->seen_cap = f->seen_cap ? f->seen_cap * 2 : 64;
			f->seen = hm_realloc(f->seen, f->seen_cap, sizeof(*f->seen));
		}
		f->seen[f->seen_count++] = (struct found_seen){ .target = f->targets - 1, .row = row, .channel = channel, .outer = hm_strdup(outer), .around = around(outer) };
		if (strrchr(outer, '!'))
			f->seen[f->seen_count - 1].within = hm_slice_dup((struct hm_slice){ (const uint8_t *)outer, (size_t)(strrchr(outer, '!') - outer) });
	}
	keep(&f->seen[*at], f->now, strength);
}

/* Three rows of one supplier in one folder are a set: names that each could be chance are none together. The first two wait for the third; all count then,
 * whichever came first. */
static void see_set(struct hm_found *f, const struct hm_indicator *row)
{
	const struct hm_observation *now = f->now;
	const char *path = now->kind == HM_OBSERVED_PATH ? now->value : now->path;
	const char *slash = path ? strrchr(path, '/') : NULL;
	HM_FREE char *folder = slash ? hm_sprintf("f %zu %s %s %.*s", f->targets, row->supplier, now->outer ? now->outer : "", (int)(slash - path), path) : NULL;
	HM_FREE char *member = folder ? hm_sprintf("m %s %s", folder, row->folded) : NULL;
	struct found_waiting *w;
	bool fresh;
	size_t *at;

	if (!folder || f->sets.count > 2 * FOUND_NAMES)
		return;
	(void)found_table_put(&f->sets, member, 0, &fresh);
	if (!fresh)
		return;
	at = found_table_put(&f->sets, folder, f->waits, &fresh);
	if (fresh) {
		f->waiting = hm_realloc(f->waiting, f->waits + 1, sizeof(*f->waiting));
		f->waiting[f->waits++] = (struct found_waiting){ 0 };
	}
	w = &f->waiting[*at];
	if (w->count < 2) {
		w->row[w->count] = row;
		w->piece[w->count++] = piece_of(now, HM_STRENGTH_WEAK);
		return;
	}
	see(f, row, HM_STRENGTH_WEAK, "set");
	for (size_t i = 0; i < 2 && w->count == 2; i++) {
		const struct found_piece *p = &w->piece[i];
		const struct hm_observation before = { .kind = p->kind, .value = p->value, .detail = p->detail, .path = p->path, .outer = now->outer, .sha256 = p->sha256, .state = p->state };

		f->now = &before;
		see(f, w->row[i], HM_STRENGTH_WEAK, "set");
		f->now = now;
		found_piece_release(&w->piece[i]);
	}
	w->count = 3;
}

/* The component that is being observed is this supplier's. */
static void see_own(struct hm_found *f, struct found_open *c, const struct hm_indicator *row)
{
	HM_FREE char *key = hm_sprintf("%zu %s %s", f->targets - 1, row->supplier, c->name);
	HM_FREE char *in = c->in ? hm_sprintf("%zu %s %s", f->targets - 1, row->supplier, c->in) : NULL;
	bool fresh;

	c->listed = true;
	if (f->own.count < FOUND_NAMES)
		(void)found_table_put(&f->own, key, 0, &fresh);
	if (f->own.count < FOUND_NAMES && in)
		(void)found_table_put(&f->own, in, 0, &fresh);
}

/* He signs by that name. */
static void see_signer(struct hm_found *f, const struct hm_indicator *row)
{
	HM_FREE char *key = hm_sprintf("%zu %s " HM_SIGNED_BY "%s", f->targets - 1, row->supplier, f->now->value);
	bool fresh;

	if (f->own.count < FOUND_NAMES)
		(void)found_table_put(&f->own, key, 0, &fresh);
}

static void matched(void *cookie, const struct hm_indicator *row, enum hm_strength strength, const char *channel)
{
	struct hm_found *f = cookie;
	enum hm_observation_kind kind = f->now->kind;

	see(f, row, strength, channel);
	if (f->component)
		see_own(f, f->component, row);
	if (kind == HM_OBSERVED_SIGNER)
		see_signer(f, row);
	if ((kind == HM_OBSERVED_PATH || kind == HM_OBSERVED_FILE) && (strcmp(row->kind, "file") == 0 || strcmp(row->kind, "kernel_module") == 0))
		see_set(f, row);
}

int hm_found_observe(void *found, const struct hm_observation *observation, struct hm_fail *fail HM_UNUSED)
{
	struct hm_found *f = found;
	struct found_target *t = current(f);

	t->observations++;
	f->component = found_note_component(t, observation);
	f->now = observation;
	hm_match_each(f->match, observation, matched, f);
	f->now = NULL;
	return 0;
}
