/* An item a line, candidates behind the items and marked. */
#include "inventory_internal.h"

static void put_member(struct hm_bytes *out, const json_t *item, const char *name)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes value = inventory_bytes(item, name);

	hm_csv_put(out, hm_slice_of(&value), false);
}

static void put_text(struct hm_bytes *out, const char *text)
{
	hm_csv_put(out, hm_slice_text(text), false);
}

static void put_row(struct hm_bytes *out, const json_t *found, const json_t *item, const char *as)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes countries = { 0 }, path = { 0 };
	const json_t *first = json_array_get(json_object_get(item, "evidence"), 0);
	char number[32];

	hm_csv_put(out, hm_slice_text(as), true);
	put_member(out, item, "target");
	put_text(out, inventory_supplier(found, inventory_text(item, "supplier")));
	put_text(out, inventory_text(item, "product"));
	put_member(out, item, "version");
	put_text(out, inventory_text(item, "relation"));
	put_text(out, inventory_text(item, "state"));
	put_member(out, item, "outer");
	inventory_countries(&countries, found, inventory_text(item, "supplier"));
	hm_csv_put(out, hm_slice_of(&countries), false);
	snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(json_object_get(item, "score")));
	put_text(out, number);
	snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(json_object_get(item, "evidence_count")));
	put_text(out, number);
	put_text(out, inventory_text(first, "row"));
	if (first)
		path = inventory_bytes(first, "path");
	hm_csv_put(out, hm_slice_of(&path), false);
	hm_bytes_u8(out, '\n');
}

void inventory_csv(struct hm_bytes *out, const json_t *found)
{
	const json_t *item;
	size_t i;

	hm_bytes_text(out, "\"kind\",\"target\",\"supplier\",\"product\",\"version\",\"relation\",\"state\",\"in\",\"controlled from\",\"score\",\"pieces of evidence\",\"best row\",\"where\"\n");
	json_array_foreach (json_object_get(found, "items"), i, item)
		put_row(out, found, item, "item");
	json_array_foreach (json_object_get(found, "candidates"), i, item)
		put_row(out, found, item, "candidate");
}
