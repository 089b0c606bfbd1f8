/* Gathering: an observation that shows no row leaves nothing behind but its count; one that does, at most four pieces a row and place. */
#include "found_internal.h"

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
	free(t->open);
	free(t->open_in);
	json_decref(t->not_read);
	json_decref(t->names);
	found_table_release(&t->packages);
}

static void release_seen(struct found_seen *s)
{
	for (size_t i = 0; i < s->pieces; i++) {
		free(s->piece[i].value);
		free(s->piece[i].path);
		free(s->piece[i].detail);
		free(s->piece[i].sha256);
	}
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

void found_close_component(struct found_target *t)
{
	if (!t->open)
		return;
	t->listed += t->open_listed;
	if (!t->open_named && !t->open_listed) {
		if (t->nameless < FOUND_LISTED) {
			HM_JSON json_t *name = json_object();

			hm_json_set_bytes(name, "name", hm_slice_text(t->open));
			json_array_append(t->names, name);
		}
		t->nameless++;
	}
	free(hm_take_ptr(&t->open));
	free(hm_take_ptr(&t->open_in));
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
	found_close_component(t);
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
		.name = hm_strdup(name), .kind = hm_strdup(kind), .endpoint = endpoint, .not_read = json_array(), .names = json_array(),
		.seen_from = found->seen_count,
	};
}

void hm_found_not_read(struct hm_found *found, const char *path, const char *reason)
{
	struct found_target *t = current(found);

	if (t->not_read_count++ < FOUND_UNREAD) {
		json_t *row = json_object();

		hm_json_set_bytes(row, "path", hm_slice_text(path));
		json_object_set_new(row, "reason", json_string(reason));
		json_array_append_new(t->not_read, row);
	}
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

static void keep(struct found_seen *s, const struct hm_observation *o, enum hm_strength strength)
{
	size_t at = s->pieces;

	s->count++;
	s->state = o->state > s->state ? o->state : s->state;
	/* A better piece takes the place of the first that is worse. */
	for (size_t i = 0; s->pieces == FOUND_KEPT && i < FOUND_KEPT && at == FOUND_KEPT; i++)
		if (s->piece[i].strength < strength || (s->piece[i].strength == strength && s->piece[i].state < o->state))
			at = i;
	s->strength = strength > s->strength ? strength : s->strength;
	if (at == FOUND_KEPT)
		return;
	if (at < s->pieces) {
		free(s->piece[at].value);
		free(s->piece[at].path);
		free(s->piece[at].detail);
		free(s->piece[at].sha256);
	} else {
		s->pieces++;
	}
	s->piece[at] = (struct found_piece){ hm_strdup(o->value), copy(o->path ? o->path : o->kind == HM_OBSERVED_PATH ? o->value : NULL),
					     copy(o->detail), copy(o->sha256), o->kind, o->state, strength };
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

/* Three rows of one supplier in one folder are a set: names that each could be chance are none together. */
static void see_set(struct hm_found *f, const struct hm_indicator *row)
{
	const char *path = f->now->kind == HM_OBSERVED_PATH ? f->now->value : f->now->path;
	const char *slash = path ? strrchr(path, '/') : NULL;
	HM_FREE char *folder = slash ? hm_sprintf("f %zu %s %s %.*s", f->targets, row->supplier, f->now->outer ? f->now->outer : "", (int)(slash - path), path) : NULL;
	HM_FREE char *member = folder ? hm_sprintf("m %s %s", folder, row->folded) : NULL;
	bool fresh;
	size_t *count;

	if (!folder || f->sets.count > 2 * FOUND_NAMES)
		return;
	(void)found_table_put(&f->sets, member, 0, &fresh);
	if (!fresh)
		return;
	count = found_table_put(&f->sets, folder, 0, &fresh);
	if (++*count >= 3)
		see(f, row, HM_STRENGTH_WEAK, "set");
}

/* The component that is being observed is this supplier's. */
static void see_own(struct hm_found *f, struct found_target *t, const struct hm_indicator *row)
{
	HM_FREE char *key = hm_sprintf("%zu %s %s", f->targets - 1, row->supplier, t->open);
	HM_FREE char *in = t->open_in ? hm_sprintf("%zu %s %s", f->targets - 1, row->supplier, t->open_in) : NULL;
	bool fresh;

	t->open_listed = true;
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
	struct found_target *t = current(f);
	enum hm_observation_kind kind = f->now->kind;

	see(f, row, strength, channel);
	if (t->open && (kind == HM_OBSERVED_PACKAGE || kind == HM_OBSERVED_COMPONENT || kind == HM_OBSERVED_ORGANISATION || kind == HM_OBSERVED_PURL || kind == HM_OBSERVED_CPE))
		see_own(f, t, row);
	if (kind == HM_OBSERVED_SIGNER)
		see_signer(f, row);
	if ((kind == HM_OBSERVED_PATH || kind == HM_OBSERVED_FILE) && (strcmp(row->kind, "file") == 0 || strcmp(row->kind, "kernel_module") == 0))
		see_set(f, row);
}

static bool says_nobody(const char *organisation)
{
	return !*organisation || strcasecmp(organisation, "NOASSERTION") == 0 || strcasecmp(organisation, "NONE") == 0 || strcasecmp(organisation, "unknown") == 0;
}

static void note_component(struct found_target *t, const struct hm_observation *o)
{
	bool fresh;

	if (o->kind == HM_OBSERVED_PACKAGE || o->kind == HM_OBSERVED_COMPONENT) {
		found_close_component(t);
		t->components++;
		t->open = hm_strdup(o->value);
		t->open_in = o->outer && o->kind == HM_OBSERVED_PACKAGE ? hm_sprintf("%s!%s", o->outer, o->value) : NULL;
		t->open_named = t->open_listed = false;
		if (t->packages.count < FOUND_NAMES)
			(void)found_table_put(&t->packages, o->value, 0, &fresh);
		if (t->packages.count < FOUND_NAMES && t->open_in)
			(void)found_table_put(&t->packages, t->open_in, strlen(o->outer), &fresh);
	}
	if (o->kind == HM_OBSERVED_ORGANISATION && t->open && o->detail && strcmp(o->detail, t->open) == 0)
		t->open_named = t->open_named || !says_nobody(o->value);
}

int hm_found_observe(void *found, const struct hm_observation *observation, struct hm_fail *fail HM_UNUSED)
{
	struct hm_found *f = found;
	struct found_target *t = current(f);

	t->observations++;
	note_component(t, observation);
	f->now = observation;
	hm_match_each(f->match, observation, matched, f);
	f->now = NULL;
	return 0;
}
