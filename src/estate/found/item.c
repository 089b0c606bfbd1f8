/* A group becomes items, one a product; evidence that tells of no product stands with each. */
#include "found_internal.h"
#include "text.h"

#define EVIDENCE_MAX 32

static const char *const strengths[] = { "none", "low", "weak", "strong" };

/* A product stands for itself where something more than a name that others use too shows it. */
static bool stands(const struct found_group *g, const char *product)
{
	for (size_t i = 0; i < g->count; i++)
		if (strcmp(g->seen[i]->row->product, product) == 0 && g->seen[i]->strength >= HM_STRENGTH_WEAK)
			return true;
	return false;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The products that stand; else all that rows name; else one without name. Sorted, each once. */
static size_t products_of(const struct found_group *g, const char **product)
{
	size_t n = 0, kept = 0;

	for (int demand = 1; demand >= 0 && n == 0; demand--)
		for (size_t i = 0; i < g->count; i++)
			if (*g->seen[i]->row->product && (!demand || stands(g, g->seen[i]->row->product)))
				product[n++] = g->seen[i]->row->product;
	if (n == 0)
		product[n++] = "";
	qsort(product, n, sizeof(*product), by_text);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || strcmp(product[kept - 1], product[i]) != 0)
			product[kept++] = product[i];
	return kept;
}

static bool is_of(const struct found_group *g, const struct found_seen *s, const char *product)
{
	return !*s->row->product || strcmp(s->row->product, product) == 0 || !stands(g, s->row->product);
}

struct proof {
	const struct found_seen *seen;
	const struct found_piece *piece;
	size_t turn; /* which of its row's pieces */
};

/* Strongest first; the first piece of each row before the second of any. */
static int by_worth(const void *va, const void *vb)
{
	const struct proof *a = va, *b = vb;
	int r = (int)b->piece->strength - (int)a->piece->strength;

	r = r ? r : (a->turn > b->turn) - (a->turn < b->turn);
	r = r ? r : strcmp(a->seen->row->id, b->seen->row->id);
	r = r ? r : strcmp(a->seen->channel, b->seen->channel);
	r = r ? r : strcmp(a->piece->value, b->piece->value);
	return r ? r : strcmp(a->seen->outer, b->seen->outer);
}

static json_t *proof_row(const struct proof *p)
{
	json_t *row = json_object();
	const struct found_piece *e = p->piece;

	json_object_set_new(row, "kind", json_string(hm_observation_kind_name(e->kind)));
	json_object_set_new(row, "row", json_string(p->seen->row->id));
	hm_json_set_bytes(row, "value", hm_slice_text(e->value));
	hm_json_set_bytes(row, "path", hm_slice_text(e->path ? e->path : ""));
	json_object_set_new(row, "sha256", e->sha256 ? json_string(e->sha256) : json_null());
	json_object_set_new(row, "state", json_string(hm_observed_state_name(e->state)));
	json_object_set_new(row, "strength", json_string(strengths[e->strength]));
	json_object_set_new(row, "channel", json_string(p->seen->channel));
	hm_json_set_bytes(row, "detail", hm_slice_text(e->detail ? e->detail : ""));
	json_object_set_new(row, "source", json_string(p->seen->row->source));
	json_object_set_new(row, "date", json_string(p->seen->row->date));
	json_object_set_new(row, "confidence", json_string(p->seen->row->confidence));
	return row;
}

static void set_evidence(json_t *item, const struct found_group *g, const char *product)
{
	HM_FREE struct proof *proof = hm_alloc(g->count * FOUND_KEPT + 1, sizeof(*proof));
	json_t *list = json_array(), *channels = json_object(), *names = json_array();
	uint64_t all = 0;
	size_t n = 0;
	const char *name;
	json_t *value;

	for (size_t i = 0; i < g->count; i++) {
		if (!is_of(g, g->seen[i], product))
			continue;
		all += g->seen[i]->count;
		json_object_set_new(channels, g->seen[i]->channel, json_true());
		for (size_t j = 0; j < g->seen[i]->pieces; j++)
			proof[n++] = (struct proof){ g->seen[i], &g->seen[i]->piece[j], j };
	}
	qsort(proof, n, sizeof(*proof), by_worth);
	for (size_t i = 0; i < n && i < EVIDENCE_MAX; i++)
		json_array_append_new(list, proof_row(&proof[i]));
	json_object_set_new(item, "evidence", list);
	json_object_set_new(item, "evidence_count", json_integer((json_int_t)all));
	/* Members of an object are unique; their order in the document must not be that of a hash. */
	for (size_t i = 0; i < g->count; i++) {
		name = g->seen[i]->channel;
		value = json_object_get(channels, name);
		if (!value)
			continue;
		json_array_append_new(names, json_string(name));
		json_object_del(channels, name);
	}
	json_decref(channels);
	json_object_set_new(item, "channels", names);
}

/* Settings, logs and folders stay behind when software goes; only what else was seen there says that it is more. */
static enum hm_observed_state state_of(const struct found_seen *s)
{
	static const char *const left[] = { "/etc", "/var", "/ProgramData", "/Library" };
	bool all = strcmp(s->channel, "path") == 0 && s->state == HM_STATE_PRESENT && s->pieces > 0;

	for (size_t i = 0; i < s->pieces && all; i++) {
		bool in = false;

		for (size_t j = 0; j < HM_COUNT(left) && s->piece[i].path; j++)
			in = in || (strncmp(s->piece[i].path, left[j], strlen(left[j])) == 0 && s->piece[i].path[strlen(left[j])] == '/');
		all = in;
	}
	return all ? HM_STATE_RESIDUE : s->state;
}

/* What a package or component that says whose it is calls itself, where no row knows the product and all that is kept is of one. */
static const char *component_of(const struct found_group *g)
{
	const char *name = NULL;

	for (size_t i = 0; i < g->count; i++)
		for (size_t j = 0; j < g->seen[i]->pieces; j++) {
			const struct found_piece *p = &g->seen[i]->piece[j];
			bool says = p->kind == HM_OBSERVED_ORGANISATION || p->kind == HM_OBSERVED_PURL || p->kind == HM_OBSERVED_CPE;

			if (!says || !p->detail || !*p->detail)
				continue;
			if ((name && strcmp(name, p->detail) != 0) || !hm_text_is_utf8(hm_slice_text(p->detail)))
				return "";
			name = p->detail;
		}
	return name ? name : "";
}

/* False where packages or components tell of more than one version, or more of them were seen than are kept. */
static bool one_version(const struct found_seen *s, const char **version)
{
	for (size_t j = 0; j < s->pieces; j++) {
		const struct found_piece *p = &s->piece[j];

		if ((p->kind != HM_OBSERVED_PACKAGE && p->kind != HM_OBSERVED_COMPONENT) || !p->detail || !*p->detail)
			continue;
		if ((*version && strcmp(*version, p->detail) != 0) || s->count > s->pieces)
			return false;
		*version = p->detail;
	}
	return true;
}

/* Of which day the product's definitions are, where any were read. */
static void set_definitions(json_t *item, const struct found_group *g, const char *product)
{
	const char *newest = "";
	bool undated = false;

	for (size_t i = 0; i < g->count; i++) {
		if (!is_of(g, g->seen[i], product))
			continue;
		newest = strcmp(g->seen[i]->newest, newest) > 0 ? g->seen[i]->newest : newest;
		undated = undated || g->seen[i]->undated;
	}
	if (*newest || undated)
		json_object_set_new(item, "definitions", json_pack("{s:o,s:b}", "newest", *newest ? json_string(newest) : json_null(), "all_dated", !undated));
}

void found_items(const struct hm_found *found, const struct found_group *group, json_t *items)
{
	HM_FREE const char **product = hm_alloc(group->count + 1, sizeof(*product));
	size_t products = products_of(group, product);

	for (size_t p = 0; p < products; p++) {
		json_t *item = json_object();
		enum hm_observed_state state = HM_STATE_RESIDUE;
		const char *class = "", *version = NULL;
		bool several = false;

		for (size_t i = 0; i < group->count; i++) {
			const struct found_seen *s = group->seen[i];

			if (!is_of(group, s, product[p]))
				continue;
			state = state_of(s) > state ? state_of(s) : state;
			if (strcmp(s->row->product, product[p]) == 0 && *s->row->class)
				class = s->row->class;
			several = several || !one_version(s, &version);
		}
		json_object_set_new(item, FOUND_ORDER, json_integer((json_int_t)group->target));
		hm_json_set_bytes(item, "target", hm_slice_text(found->target[group->target].name));
		json_object_set_new(item, "supplier", json_string(group->supplier));
		json_object_set_new(item, "product", json_string(*product[p] ? product[p] : component_of(group)));
		json_object_set_new(item, "class", json_string(class));
		json_object_set_new(item, "relation", json_string(group->relation));
		json_object_set_new(item, "state", json_string(hm_observed_state_name(state)));
		hm_json_set_bytes(item, "outer", hm_slice_text(group->outer));
		if (version && !several)
			hm_json_set_bytes(item, "version", hm_slice_text(version));
		json_object_set_new(item, "score", json_integer(group->score));
		set_definitions(item, group, product[p]);
		set_evidence(item, group, product[p]);
		json_array_append_new(items, item);
	}
}
