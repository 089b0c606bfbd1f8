/* From evidence to groups: whose it is, whether it calls itself so or is built into something else, and whether it is enough.
 *
 * A supplier's evidence in one place is one group for each relation. In the package of somebody else it is contained, whatever a row says. A mark of code
 * (relation `contains`) in a place of the supplier's own is no news, and joins what is branded there. Each channel counts once. */
#include "found_internal.h"

int found_points(enum hm_strength strength, const char *channel)
{
	static const int points[] = { 0, 20, 50, 100 };

	/* Three names of one supplier in one folder, which with the names themselves is enough. */
	return strcmp(channel, "set") == 0 ? 80 : points[strength];
}

/* Folders that branded rows name; what lies there is their supplier's own. */
struct own {
	const struct hm_found *found;
	const struct hm_indicator **folder;
	size_t folders;
};

static void release_own(struct own *own)
{
	free(own->folder);
}

static void gather_own(struct own *own)
{
	size_t n;
	const struct hm_indicator *row = hm_suppliers_indicators(own->found->suppliers, &n);

	own->folder = hm_alloc(n + 1, sizeof(*own->folder));
	for (size_t i = 0; i < n; i++)
		if (strcmp(row[i].kind, "path") == 0 && strcmp(row[i].relation, "branded") == 0)
			own->folder[own->folders++] = &row[i];
}

/* In one that no row knows as the supplier's. */
static bool is_foreign(const struct own *own, const struct found_seen *s)
{
	size_t around;
	const char *signer = hm_observation_signer(s->outer, &around);
	HM_FREE char *key = hm_sprintf("%zu %s %s%s", s->target, s->row->supplier, signer ? HM_SIGNED_BY : "", signer ? signer : s->outer);

	return found_in_package(own->found, s) && !found_table_has(&own->found->own, key);
}

static bool below(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	return strncmp(path, folder, len) == 0 && (path[len] == 0 || path[len] == '/');
}

/* All that is kept of it lies in folders that branded rows of the supplier name. */
static bool in_own_folder(const struct own *own, const struct found_seen *s)
{
	for (size_t i = 0; i < s->pieces; i++) {
		bool mine = false;

		for (size_t j = 0; j < own->folders && !mine && s->piece[i].path; j++)
			mine = strcmp(own->folder[j]->supplier, s->row->supplier) == 0 && below(s->piece[i].path, own->folder[j]->folded);
		if (!mine)
			return false;
	}
	return s->pieces > 0;
}

/* A name in a signature or a resource is a mark on code, of whatever kind its row is. */
static bool tells_of_code(const struct found_seen *s)
{
	return hm_supplier_kinds[s->row->kind_index].code || strcmp(s->channel, "signature") == 0 || strcmp(s->channel, "resource") == 0;
}

/* A name on a package that no row knows is still the supplier's name; his code in it is code in somebody else's. */
static const char *relation_of(const struct own *own, const struct found_seen *s)
{
	bool mark = strcmp(s->row->relation, "contains") == 0;

	if (in_own_folder(own, s))
		return "branded";
	if (is_foreign(own, s))
		return mark || tells_of_code(s) ? "contains" : "branded";
	return mark ? "contains" : "branded";
}

/* A component itself, who made it, or what its identifiers call it: it is the supplier's, and what it is in is another thing. Whether that is a product that it is built into, or
 * an image that it was installed in, a bill of materials does not say. */
static bool names_component(const struct found_seen *s)
{
	return strcmp(s->channel, "declared") == 0 || strcmp(s->channel, "identity") == 0 || strcmp(s->channel, "package") == 0;
}

/* What it is in: nothing (or the other system that the package is of), where it is in the supplier's own package or gives a package his name. */
static const char *place_of(const struct own *own, const struct found_seen *s, const char *relation)
{
	bool names = strcmp(relation, "branded") == 0 && !names_component(s);
	size_t root = found_root(own->found, s);

	if (!found_in_package(own->found, s) || (!names && is_foreign(own, s)))
		return s->outer;
	if (s->around)
		return s->around;
	return root && s->within && strlen(s->within) == root ? s->within : "";
}

/* Absolute paths that rows name, none above another: three are as good as three names in one folder, which nobody has by chance. */
static bool has_path_set(const struct found_group *g)
{
	const struct hm_indicator *leaf[3];
	size_t n = 0;

	for (size_t i = 0; i < g->count && n < HM_COUNT(leaf); i++) {
		bool above = strcmp(g->seen[i]->channel, "path") != 0 || g->seen[i]->strength < HM_STRENGTH_WEAK;

		for (size_t j = 0; j < g->count && !above; j++)
			above = j != i && strcmp(g->seen[j]->channel, "path") == 0 && g->seen[j]->row != g->seen[i]->row && below(g->seen[j]->row->folded, g->seen[i]->row->folded);
		for (size_t j = 0; j < n && !above; j++)
			above = leaf[j] == g->seen[i]->row;
		if (!above)
			leaf[n++] = g->seen[i]->row;
	}
	return n == HM_COUNT(leaf);
}

static void add_up(struct found_group *g)
{
	const char *channel[32];
	int best[32];
	size_t n = 0;
	bool weak = false, paths = has_path_set(g);

	for (size_t i = 0; i < g->count; i++) {
		int points = found_points(g->seen[i]->strength, g->seen[i]->channel);
		size_t at = 0;

		while (at < n && strcmp(channel[at], g->seen[i]->channel) != 0)
			at++;
		if (at == HM_COUNT(channel))
			continue;
		if (at == n) {
			channel[n] = g->seen[i]->channel;
			best[n++] = 0;
		}
		best[at] = points > best[at] ? points : best[at];
		weak = weak || g->seen[i]->strength >= HM_STRENGTH_WEAK;
	}
	g->score = paths ? found_points(HM_STRENGTH_WEAK, "set") : 0;
	for (size_t i = 0; i < n; i++)
		g->score += paths && strcmp(channel[i], "set") == 0 ? 0 : best[i];
	g->enough = weak && g->score >= 100;
}

struct sorted {
	const struct found_seen *seen;
	const char *relation, *outer;
};

static int by_place(const struct sorted *x, const struct sorted *y)
{
	int r = (x->seen->target > y->seen->target) - (x->seen->target < y->seen->target);

	r = r ? r : strcmp(x->seen->row->supplier, y->seen->row->supplier);
	r = r ? r : strcmp(x->outer, y->outer);
	return r ? r : strcmp(x->relation, y->relation);
}

static int by_group(const void *va, const void *vb)
{
	const struct sorted *a = va, *b = vb;
	int r = by_place(a, b);

	r = r ? r : strcmp(a->seen->row->id, b->seen->row->id);
	r = r ? r : strcmp(a->seen->channel, b->seen->channel);
	return r ? r : strcmp(a->seen->outer, b->seen->outer);
}

static void take(struct found_group *g, const struct found_seen *const *seen, size_t count)
{
	g->seen = hm_realloc(g->seen, g->count + count, sizeof(*g->seen));
	memcpy(g->seen + g->count, seen, count * sizeof(*g->seen));
	g->count += count;
}

/* Branded comes before contains in one place. What is branded there by enough takes the marks of its own code. */
static bool joins(const struct found_group *branded, const struct found_group *contains)
{
	return branded->target == contains->target && strcmp(branded->supplier, contains->supplier) == 0 && strcmp(branded->outer, contains->outer) == 0 &&
	       strcmp(branded->relation, "branded") == 0 && branded->enough;
}

static size_t join(const struct own *own, struct found_group *g, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		if (kept && joins(&g[kept - 1], &g[i]) && !is_foreign(own, g[i].seen[0])) {
			take(&g[kept - 1], g[i].seen, g[i].count);
			add_up(&g[kept - 1]);
			free(g[i].seen);
			continue;
		}
		g[kept++] = g[i];
	}
	return kept;
}

static bool same_supplier(const struct found_group *a, const struct found_group *b)
{
	return a->target == b->target && strcmp(a->supplier, b->supplier) == 0;
}

/* What a group that is not enough saw in that very place. */
static void gather_seen(struct found_group *to, const struct found_group *from, const char *outer)
{
	for (size_t i = 0; i < from->count; i++)
		if (strcmp(from->seen[i]->outer, outer) == 0)
			take(to, &from->seen[i], 1);
}

static void drop_seen(struct found_group *g, const char *outer)
{
	size_t kept = 0;

	for (size_t i = 0; i < g->count; i++)
		if (strcmp(g->seen[i]->outer, outer) != 0)
			g->seen[kept++] = g->seen[i];
	g->count = kept;
	add_up(g);
}

/* A mark of code that is not enough, and a name that is not enough, in one place: two signs of one supplier, of which the weaker claim is told, that his code is there. */
static void together(struct found_group *g, size_t from, size_t to, size_t contains)
{
	struct found_group both = { 0 };

	take(&both, g[contains].seen, g[contains].count);
	for (size_t i = from; i < to; i++)
		if (strcmp(g[i].relation, "branded") == 0 && !g[i].enough)
			gather_seen(&both, &g[i], g[contains].outer);
	add_up(&both);
	if (!both.enough) {
		free(both.seen);
		return;
	}
	for (size_t i = from; i < to; i++)
		if (strcmp(g[i].relation, "branded") == 0 && !g[i].enough)
			drop_seen(&g[i], g[contains].outer);
	free(g[contains].seen);
	g[contains].seen = both.seen;
	g[contains].count = both.count;
	add_up(&g[contains]);
}

static size_t put_together(struct found_group *g, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0, end; i < count; i = end) {
		for (end = i + 1; end < count && same_supplier(&g[i], &g[end]); end++)
			;
		for (size_t j = i; j < end; j++)
			if (strcmp(g[j].relation, "contains") == 0 && !g[j].enough)
				together(g, i, end, j);
	}
	for (size_t i = 0; i < count; i++) {
		if (g[i].count)
			g[kept++] = g[i];
		else
			free(g[i].seen);
	}
	return kept;
}

static struct sorted sort_of(const struct own *own, const struct found_seen *s)
{
	const char *relation = relation_of(own, s);

	return (struct sorted){ s, relation, place_of(own, s, relation) };
}

struct found_group *found_groups(const struct hm_found *found, size_t *count)
{
	HM_CLEANUP(release_own) struct own own = { .found = found };
	HM_FREE struct sorted *all = hm_alloc(found->seen_count + 1, sizeof(*all));
	struct found_group *g = hm_alloc(found->seen_count + 1, sizeof(*g));
	size_t n = 0;

	gather_own(&own);
	for (size_t i = 0; i < found->seen_count; i++)
		all[i] = sort_of(&own, &found->seen[i]);
	if (found->seen_count)
		qsort(all, found->seen_count, sizeof(*all), by_group);
	for (size_t i = 0; i < found->seen_count; i++) {
		const struct found_seen *s = all[i].seen;

		if (i == 0 || by_place(&all[i - 1], &all[i]) != 0)
			g[n++] = (struct found_group){ .target = s->target, .supplier = s->row->supplier, .relation = all[i].relation, .outer = all[i].outer };
		take(&g[n - 1], &s, 1);
	}
	for (size_t i = 0; i < n; i++)
		add_up(&g[i]);
	*count = put_together(g, join(&own, g, n));
	return g;
}

void found_groups_free(struct found_group *groups, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(groups[i].seen);
	free(groups);
}
