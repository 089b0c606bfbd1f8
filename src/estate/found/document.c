/* The document: items and candidates, who controls whom, and what was not seen. */
#include "found_internal.h"
#include "text.h"

static size_t steps(const struct hm_found *f, const char *supplier, const struct hm_owner *step[HM_OWNER_MAX])
{
	size_t n;
	const struct hm_owner *rows = hm_suppliers_owners(f->suppliers, &n);

	return hm_owner_on(step, rows, n, supplier, f->made);
}

/* By its supplier, by who controls him, and by his name. */
static bool wanted(const struct hm_found *f, const struct hm_found_filter *filter, const char *supplier)
{
	const struct hm_owner *step[HM_OWNER_MAX];
	const struct hm_supplier *row = hm_suppliers_find(f->suppliers, supplier);
	size_t n = steps(f, supplier, step);
	bool by_name, by_country = false;

	if (!filter)
		return true;
	by_name = filter->suppliers == 0 || found_lists(filter->supplier, filter->suppliers, supplier) || (row && found_lists(filter->supplier, filter->suppliers, row->name));
	for (size_t i = 0; i < n; i++) {
		by_name = by_name || (step[i]->controller && found_lists(filter->supplier, filter->suppliers, step[i]->controller));
		by_country = by_country || found_lists(filter->country, filter->countries, step[i]->country);
	}
	return by_name && (filter->countries == 0 || by_country);
}

/* The same item again, as its controllers': they are found where what they control is. */
static void add_controlled(const struct hm_found *f, const json_t *item, json_t *items)
{
	const struct hm_owner *step[HM_OWNER_MAX];
	size_t n = steps(f, found_text(item, "supplier"), step);

	for (size_t i = 0; i < n; i++) {
		json_t *copy;

		if (!step[i]->controller)
			continue;
		copy = json_deep_copy(item);
		json_object_set(copy, "by", json_object_get(item, "supplier"));
		json_object_set_new(copy, "supplier", json_string(step[i]->controller));
		json_object_set_new(copy, "relation", json_string("controlled"));
		json_object_set_new(copy, "channels", json_array());
		json_object_set_new(copy, "evidence", json_array());
		json_object_set_new(copy, "evidence_count", json_integer(0));
		json_array_append_new(items, copy);
	}
}

static const char *const order[] = { "supplier", "product", "class", "relation", "state", "outer", "outer_b64", "by" };

static json_int_t place(const json_t *item)
{
	return json_integer_value(json_object_get(item, FOUND_ORDER));
}

static int by_members(const void *va, const void *vb)
{
	const json_t *a = *(json_t *const *)va, *b = *(json_t *const *)vb;
	int r = (place(a) > place(b)) - (place(a) < place(b));

	for (size_t i = 0; i < HM_COUNT(order) && r == 0; i++)
		r = strcmp(found_text(a, order[i]), found_text(b, order[i]));
	return r;
}

/* Sorted, each once. */
static json_t *sorted(json_t *items)
{
	size_t n = json_array_size(items);
	HM_FREE json_t **row = hm_alloc(n + 1, sizeof(*row));
	json_t *out = json_array();

	for (size_t i = 0; i < n; i++)
		row[i] = json_array_get(items, i);
	qsort(row, n, sizeof(*row), by_members);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || !json_equal(row[i - 1], row[i]))
			json_array_append(out, row[i]);
	for (size_t i = 0; i < n; i++)
		json_object_del(row[i], FOUND_ORDER);
	json_decref(items);
	return out;
}

static json_t *text_or_null(const char *text)
{
	return text ? json_string(text) : json_null();
}

static void add_supplier(const struct hm_suppliers *tables, json_t *all, const char *id)
{
	const struct hm_supplier *s = hm_suppliers_find(tables, id);
	json_t *control;
	size_t n;
	const struct hm_owner *owner = hm_suppliers_owners(tables, &n);

	if (!s || json_object_get(all, id))
		return;
	control = json_array();
	json_object_set_new(all, id, json_pack("{s:s,s:s,s:s,s:o}", "id", s->id, "name", s->name, "kind", s->kind, "control", control));
	for (size_t i = 0; i < n; i++) {
		json_t *step;

		if (strcmp(owner[i].supplier, id) != 0)
			continue;
		step = json_pack("{s:s,s:s,s:s}", "country", owner[i].country, "source", owner[i].source, "confidence", owner[i].confidence);
		json_object_set_new(step, "controller", text_or_null(owner[i].controller));
		json_object_set_new(step, "from", text_or_null(owner[i].from));
		json_object_set_new(step, "to", text_or_null(owner[i].to));
		json_array_append_new(control, step);
		if (owner[i].controller)
			add_supplier(tables, all, owner[i].controller);
	}
}

static json_t *in_order(const struct hm_suppliers *tables, const json_t *all)
{
	json_t *out = json_array();
	size_t n;
	const struct hm_supplier *s = hm_suppliers_all(tables, &n);

	for (size_t i = 0; i < n; i++)
		if (json_object_get(all, s[i].id))
			json_array_append(out, json_object_get(all, s[i].id));
	return out;
}

json_t *hm_found_suppliers(const struct hm_suppliers *tables, const char *id)
{
	HM_JSON json_t *all = json_object();

	add_supplier(tables, all, id);
	return in_order(tables, all);
}

static json_t *suppliers_of(const struct hm_found *f, const json_t *items, const json_t *candidates)
{
	HM_JSON json_t *all = json_object();
	const json_t *row;
	size_t i;

	json_array_foreach (items, i, row)
		add_supplier(f->suppliers, all, found_text(row, "supplier"));
	json_array_foreach (candidates, i, row)
		add_supplier(f->suppliers, all, found_text(row, "supplier"));
	return in_order(f->suppliers, all);
}

static json_t *number(uint64_t n)
{
	return json_integer((json_int_t)n);
}

static json_t *target_row(struct found_target *t)
{
	json_t *row = json_object(), *read = json_object(), *components = json_object();

	found_close_components(t);
	hm_json_set_bytes(row, "target", hm_slice_text(t->name));
	json_object_set_new(row, "kind", json_string(t->kind));
	json_object_set_new(row, "endpoint", json_boolean(t->endpoint));
	json_object_set_new(read, "entries", number(t->entries));
	json_object_set_new(read, "files", number(t->files));
	json_object_set_new(read, "bytes", number(t->bytes));
	json_object_set_new(read, "observations", number(t->observations));
	json_object_set_new(row, "read", read);
	json_object_set_new(row, "not_read", found_first_rows(&t->not_read, "path", "reason"));
	json_object_set_new(row, "not_read_count", number(t->not_read_count));
	json_object_set_new(components, "seen", number(t->components));
	json_object_set_new(components, "listed", number(t->listed));
	json_object_set_new(components, "nameless", number(t->nameless));
	json_object_set_new(components, "unlisted", number(t->components - t->listed - t->nameless));
	json_object_set_new(row, "components", components);
	json_object_set_new(row, "nameless", found_first_rows(&t->names, "name", NULL));
	return row;
}

/* Whether it is worth telling: one weak sign, or two low ones. What strings alone show is neither item nor candidate, and a single name that others use too is in
 * every large system. */
static bool shows(const struct found_group *g, const struct hm_found_filter *filter)
{
	return (filter && filter->everything) || g->score >= 2 * found_points(HM_STRENGTH_LOW, "");
}

static json_t *list_of(const char *const *text, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++) {
		/* What somebody typed: told where it is text. */
		if (hm_text_is_utf8(hm_slice_text(text[i])))
			json_array_append_new(list, json_string(text[i]));
	}
	return list;
}

/* Whoever reads the document must see that it does not tell of everybody. */
json_t *found_filter(const struct hm_found_filter *filter)
{
	static const struct hm_found_filter none = { 0 };
	const struct hm_found_filter *f = filter ? filter : &none;

	return json_pack("{s:o,s:o}", "supplier", list_of(f->supplier, f->suppliers), "country", list_of(f->country, f->countries));
}

json_t *hm_found_document(struct hm_found *found, const struct hm_found_filter *filter)
{
	HM_JSON json_t *items = json_array(), *candidates = json_array(), *targets = json_array();
	size_t count, n;
	struct found_group *groups = found_groups(found, &count);
	json_t *document = json_object(), *chosen, *doubtful, *tables;
	char digest[65];

	if (!hm_suppliers_indicators(found->suppliers, &n))
		n = 0;
	for (size_t i = 0; i < found->targets; i++)
		json_array_append_new(targets, target_row(&found->target[i]));
	for (size_t i = 0; i < count; i++) {
		HM_JSON json_t *mine = json_array();
		const json_t *item;
		size_t j;

		if (!shows(&groups[i], filter) || !wanted(found, filter, groups[i].supplier))
			continue;
		found_items(found, &groups[i], mine);
		json_array_extend(groups[i].enough ? items : candidates, mine);
		json_array_foreach (mine, j, item)
			if (groups[i].enough)
				add_controlled(found, item, items);
	}
	found_groups_free(groups, count);
	hm_suppliers_digest(found->suppliers, digest);
	chosen = sorted(json_incref(items));
	doubtful = sorted(json_incref(candidates));
	tables = json_pack("{s:s}", "sha256", digest);
	json_object_set_new(tables, "rows", number(n));
	json_object_set_new(document, "schema", json_string("hallmark/found/v1"));
	json_object_set_new(document, "made", json_string(found->made));
	json_object_set_new(document, "filter", found_filter(filter));
	json_object_set_new(document, "tables", tables);
	json_object_set_new(document, "suppliers", suppliers_of(found, chosen, doubtful));
	json_object_set(document, "targets", targets);
	json_object_set_new(document, "items", chosen);
	json_object_set_new(document, "candidates", doubtful);
	return document;
}

int hm_found_exit(const json_t *document)
{
	const json_t *target;
	size_t i;

	json_array_foreach (json_object_get(document, "targets"), i, target)
		if (json_integer_value(json_object_get(target, "not_read_count")) > 0)
			return 2;
	return json_array_size(json_object_get(document, "items")) ? 1 : 0;
}
