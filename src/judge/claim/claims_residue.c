/* What was left on disk: whether it holds something of a planted document, and what an experiment says of it. */
#include "claim_internal.h"

#include "views.h"

enum { DEPTH = 4, KEPT_MAX = 10000 };

struct searching {
	struct hm_run *run;
	const struct hm_core *core;
	size_t *starts; /* where each entry's text begins */
};

static void add_kept(struct hm_run *run, size_t entry, char *feature, bool digest)
{
	if (run->kept_count == KEPT_MAX) {
		free(feature);
		return; /* one is enough to refute, and 10,000 to cite */
	}
	if ((run->kept_count & (run->kept_count - 1)) == 0)
		run->kept = hm_realloc(run->kept, run->kept_count ? 2 * run->kept_count : 1, sizeof(*run->kept));
	run->kept[run->kept_count++] = (struct hm_kept){ entry, feature, digest };
}

static size_t entry_at(const struct searching *s, size_t at)
{
	size_t low = 0, high = s->run->tree.count;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (s->starts[middle] <= at)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static char *feature_of(const struct hm_view *view, const char *what)
{
	char *name = hm_strdup(what);

	for (; view->parent; view = view->parent) {
		char *longer = hm_sprintf("%s.%s", view->name, name);

		free(name);
		name = longer;
	}
	return name;
}

static void search_view(void *cookie, const struct hm_view *view)
{
	struct searching *s = cookie;
	const struct hm_needle *needle;
	size_t at = 0, index = 0;

	while ((needle = hm_needles_next(s->core->needles, view->all, &at, &index)) != NULL) {
		size_t where = at, len = needle->len;

		hm_view_locate(view, &where, &len);
		add_kept(s->run, entry_at(s, where), feature_of(view, needle->what), needle->digest);
	}
}

static int by_entry(const void *a, const void *b)
{
	const struct hm_kept *x = a, *y = b;

	if (x->entry != y->entry)
		return x->entry < y->entry ? -1 : 1;
	return strcmp(x->feature, y->feature);
}

static void sort(struct hm_run *run)
{
	size_t kept = 0;

	if (run->kept_count)
		qsort(run->kept, run->kept_count, sizeof(*run->kept), by_entry);
	for (size_t i = 0; i < run->kept_count; i++) {
		if (kept && by_entry(&run->kept[kept - 1], &run->kept[i]) == 0)
			free(run->kept[i].feature);
		else
			run->kept[kept++] = run->kept[i];
	}
	run->kept_count = kept;
}

void hm_residue_search(struct hm_run *run, const struct hm_core *core)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	HM_FREE size_t *starts = hm_alloc(run->tree.count + 1, sizeof(*starts));
	struct searching s = { run, core, starts };

	for (size_t i = 0; i < run->tree.count; i++) {
		const struct hm_tree_entry *e = &run->tree.list[i];
		size_t at = 0, index = 0;
		const struct hm_needle *copy = NULL;

		if (e->hashed)
			copy = hm_needles_next(core->needles, (struct hm_slice){ e->sha256, sizeof(e->sha256) }, &at, &index);
		if (copy)
			add_kept(run, i, hm_strdup("copy"), true);
		starts[i] = text.len;
		hm_bytes_slice(&text, e->path);
		hm_bytes_u8(&text, '\n');
		hm_bytes_slice(&text, e->link);
		hm_bytes_u8(&text, '\n');
	}
	/* Where its bounds are met the rest is compared all the same. */
	if (text.len && !hm_views_walk(hm_slice_of(&text), DEPTH, 16 * text.len + (4u << 20), search_view, &s))
		run->unsearched = true;
	sort(run);
}

void hm_claim_residue(struct hm_judgement *j, const struct hm_core *core HM_UNUSED, const struct hm_run *run)
{
	for (int digest = 0; digest < 2; digest++) {
		struct hm_ground *g = NULL;
		size_t last = SIZE_MAX;

		for (size_t i = 0; i < run->kept_count; i++) {
			if (run->kept[i].digest != digest || run->kept[i].entry == last)
				continue;
			if (!g) {
				g = hm_ground(j, digest ? "residue.digest" : "residue.token");
				hm_ground_add(g, "runs", 1);
			}
			last = run->kept[i].entry;
			hm_ground_add(g, "paths", 1);
			hm_ground_entry(g, run, run->tree.list[last].position);
		}
	}
}

static void cite(struct hm_ground *g, const struct hm_residue_spot *spots, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct hm_run where = { .number = spots[i].run };

		hm_ground_entry(g, &where, spots[i].entry);
	}
}

void hm_judge_residue(struct hm_judgement *j, const struct hm_residue_outcome *o)
{
	struct hm_ground *g;

	if (j->untested)
		return;
	j->pairs = o->pairs;
	if (o->sent)
		hm_ground_add(hm_ground(j, "residue.sent"), "features", o->sent);
	if (o->features) {
		g = hm_ground(j, "residue.depends");
		hm_ground_add(g, "features", o->features);
		hm_ground_add(g, "paths", o->confirmed);
		cite(g, o->spots, o->spot_count);
	}
	if (o->blocks) {
		g = hm_ground(j, "residue.differs");
		hm_ground_add(g, "paths", o->differing);
		hm_ground_add(g, "blocks", o->blocks);
		hm_ground_add(g, "of", o->of);
		cite(g, o->spots, o->spot_count);
	}
	if (o->unread)
		hm_ground_add(hm_ground(j, "residue.unread"), "files", o->unread);
	if (o->untried)
		hm_ground_add(hm_ground(j, "residue.untried"), "features", o->untried);
}
