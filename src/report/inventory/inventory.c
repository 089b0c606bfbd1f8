/* What the reports share: foreign members, names, and the counting. */
#include "inventory_internal.h"

const struct hm_inventory_format hm_inventory_formats[] = {
	{ "csv", "an item a line", inventory_csv },
	{ "html", "one page", inventory_html },
	{ "cyclonedx", "CycloneDX 1.6 with evidence.identity", inventory_cyclonedx },
	{ "bod-17-01", "what a report under BOD 17-01 asks for: products, endpoints, method", inventory_bod },
	{ "far-52.204-23", "the fields of a report under FAR 52.204-23", inventory_far },
	{ 0 },
};

struct hm_bytes inventory_bytes(const json_t *object, const char *name)
{
	struct hm_bytes out = { 0 };

	/* Absent, or of a document that was not read: nothing to show. */
	if (hm_json_get_bytes(object, name, &out, NULL) < 0)
		out.len = 0;
	return out;
}

const char *inventory_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

static const json_t *supplier_row(const json_t *found, const char *id)
{
	const json_t *row;
	size_t i;

	json_array_foreach (json_object_get(found, "suppliers"), i, row)
		if (strcmp(inventory_text(row, "id"), id) == 0)
			return row;
	return NULL;
}

const char *inventory_supplier(const json_t *found, const char *id)
{
	const json_t *row = supplier_row(found, id);

	return row ? inventory_text(row, "name") : id;
}

static bool holds(const json_t *step, const char *day)
{
	const char *from = json_string_value(json_object_get(step, "from")), *to = json_string_value(json_object_get(step, "to"));

	return (!from || strcmp(from, day) <= 0) && (!to || strcmp(day, to) < 0);
}

static void add_countries(json_t *all, const json_t *found, const char *supplier, int depth)
{
	const json_t *step;
	size_t i;

	json_array_foreach (json_object_get(supplier_row(found, supplier), "control"), i, step) {
		const char *controller = inventory_text(step, "controller");

		if (!holds(step, inventory_text(found, "made")))
			continue;
		json_array_append(all, json_object_get(step, "country"));
		if (*controller && depth < 8)
			add_countries(all, found, controller, depth + 1);
	}
}

void inventory_countries(struct hm_bytes *out, const json_t *found, const char *supplier)
{
	HM_JSON json_t *all = json_array();
	const json_t *row;
	size_t i, told = 0;

	add_countries(all, found, supplier, 0);
	json_array_foreach (all, i, row) {
		bool before = false;

		for (size_t j = 0; j < i; j++)
			before = before || json_equal(json_array_get(all, j), row);
		if (!before)
			hm_bytes_printf(out, "%s%s", told++ ? "; " : "", json_string_value(row));
	}
	if (!told)
		hm_bytes_text(out, "not known");
}

/* A target's name as a key: it stands under one of two members. */
static void key_of(struct hm_bytes *out, const json_t *object)
{
	const char *encoded = json_string_value(json_object_get(object, "target_b64"));

	hm_bytes_printf(out, "%s%s", encoded ? "b" : "t", encoded ? encoded : inventory_text(object, "target"));
	hm_bytes_u8(out, 0);
}

static void set_put(json_t *set, const json_t *object)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes key = { 0 };

	key_of(&key, object);
	json_object_set_new(set, (const char *)key.data, json_true());
}

static bool set_has(const json_t *set, const json_t *object)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes key = { 0 };

	key_of(&key, object);
	return json_object_get(set, (const char *)key.data) != NULL;
}

/* Targets that are endpoints. */
static json_t *endpoints_of(const json_t *found)
{
	json_t *set = json_object();
	const json_t *target;
	size_t i;

	json_array_foreach (json_object_get(found, "targets"), i, target)
		if (json_is_true(json_object_get(target, "endpoint")))
			set_put(set, target);
	return set;
}

struct inventory_count inventory_count(const json_t *found)
{
	HM_JSON json_t *endpoints = endpoints_of(found), *branded = json_object(), *contains = json_object(), *any = json_object();
	struct inventory_count c = { .targets = json_array_size(json_object_get(found, "targets")) };
	const json_t *row;
	size_t i;

	json_array_foreach (json_object_get(found, "items"), i, row) {
		const char *relation = inventory_text(row, "relation");
		json_t *set = strcmp(relation, "branded") == 0 ? branded : strcmp(relation, "contains") == 0 ? contains : NULL;

		if (!set || !set_has(endpoints, row))
			continue;
		set_put(set, row);
		set_put(any, row);
	}
	json_array_foreach (json_object_get(found, "targets"), i, row) {
		bool endpoint = json_is_true(json_object_get(row, "endpoint"));

		c.endpoints += endpoint;
		c.partly += endpoint && json_integer_value(json_object_get(row, "not_read_count")) > 0;
	}
	c.branded = json_object_size(branded);
	c.contains = json_object_size(contains);
	c.affected = json_object_size(any);
	return c;
}

size_t inventory_endpoints(const json_t *found, const json_t *item)
{
	HM_JSON json_t *endpoints = endpoints_of(found), *on = json_object();
	const json_t *other;
	size_t i;

	json_array_foreach (json_object_get(found, "items"), i, other)
		if (json_equal(json_object_get(other, "supplier"), json_object_get(item, "supplier")) && json_equal(json_object_get(other, "product"), json_object_get(item, "product")) &&
		    strcmp(inventory_text(other, "relation"), "controlled") != 0 && set_has(endpoints, other))
			set_put(on, other);
	return json_object_size(on);
}

bool inventory_filter(struct hm_bytes *out, const json_t *found)
{
	static const char *const members[] = { "supplier", "country" };
	const json_t *filter = json_object_get(found, "filter"), *text;
	size_t i, told = 0;

	for (size_t m = 0; m < HM_COUNT(members); m++)
		json_array_foreach (json_object_get(filter, members[m]), i, text)
			hm_bytes_printf(out, "%s%s", told++ ? ", " : "", json_string_value(text));
	return told > 0;
}

void inventory_method(struct hm_bytes *out, const json_t *found)
{
	struct inventory_count c = inventory_count(found);
	HM_CLEANUP(hm_bytes_release) struct hm_bytes filter = { 0 };

	if (inventory_filter(&filter, found))
		hm_bytes_printf(out, "Of these suppliers or countries alone: %.*s. ", (int)filter.len, (const char *)filter.data);
	hm_bytes_printf(out,
			"%zu target%s looked at, of which %zu %s (a running host, the root of one, or a disk image, each taken for one machine); container images, archives, SBOMs and "
			"other folders are none. An endpoint is counted once, however many items it has; endpoints that are one machine under two names are counted twice. An endpoint counts as affected "
			"where one piece of strong evidence, or two independent weak ones, show software of the supplier on it, in any state, what was left behind by a removal too; a name in a file that "
			"is data counts for nothing.",
			c.targets, c.targets == 1 ? " was" : "s were", c.endpoints, c.endpoints == 1 ? "is an endpoint" : "are endpoints");
	if (c.partly)
		hm_bytes_printf(out, " Of %zu endpoint%s a part could not be read: that none was found there says nothing of that part.", c.partly, c.partly == 1 ? "" : "s");
	hm_bytes_printf(out, " Looked for with %lld rows of supplier tables (sha256 %s) on %s.", (long long)json_integer_value(json_object_get(json_object_get(found, "tables"), "rows")),
			inventory_text(json_object_get(found, "tables"), "sha256"), inventory_text(found, "made"));
}
