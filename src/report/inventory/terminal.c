/* The table for a terminal: what is where, in a line each, then what is not enough, and what was not seen. */
#include "inventory_internal.h"

static void put_foreign(struct hm_bytes *out, const char *before, const json_t *object, const char *name)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes value = inventory_bytes(object, name);

	if (!value.len)
		return;
	hm_bytes_text(out, before);
	hm_escape(out, hm_slice_of(&value), false);
}

static void put_evidence(struct hm_bytes *out, const json_t *item)
{
	const json_t *row;
	long long all = json_integer_value(json_object_get(item, "evidence_count"));
	size_t i, shown = json_array_size(json_object_get(item, "evidence"));

	json_array_foreach (json_object_get(item, "evidence"), i, row) {
		hm_escape_term(out, "      %s %s", inventory_text(row, "strength"), inventory_text(row, "kind"));
		put_foreign(out, " ", row, "value");
		put_foreign(out, " (", row, "detail");
		hm_bytes_text(out, json_object_get(row, "detail") && *inventory_text(row, "detail") ? ")" : "");
		put_foreign(out, " at ", row, "path");
		hm_escape_term(out, ", %s\n        row %s, %s", inventory_text(row, "state"), inventory_text(row, "row"), inventory_text(row, "confidence"));
		if (strcmp(inventory_text(row, "source"), "none") != 0)
			hm_escape_term(out, ", %s", inventory_text(row, "source"));
		hm_escape_term(out, ", %s\n", inventory_text(row, "date"));
	}
	if (all > (long long)shown)
		hm_bytes_printf(out, "      and %lld more\n", all - (long long)shown);
}

static void put_item(struct hm_bytes *out, const json_t *found, const json_t *item, bool explain)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes countries = { 0 };
	const char *product = inventory_text(item, "product");

	inventory_countries(&countries, found, inventory_text(item, "supplier"));
	hm_escape_term(out, "  %s, %s", inventory_supplier(found, inventory_text(item, "supplier")), *product ? product : "product not known");
	put_foreign(out, " ", item, "version");
	hm_bytes_printf(out, " (%.*s)\n    ", (int)countries.len, (const char *)countries.data);
	hm_escape_term(out, "%s, %s, score %s", inventory_text(item, "relation"), inventory_text(item, "state"), "");
	hm_bytes_printf(out, "%lld", (long long)json_integer_value(json_object_get(item, "score")));
	if (*inventory_text(item, "by"))
		hm_escape_term(out, ", by control of %s", inventory_supplier(found, inventory_text(item, "by")));
	put_foreign(out, ", in ", item, "outer");
	put_foreign(out, ", of ", item, "target");
	hm_bytes_u8(out, '\n');
	if (explain)
		put_evidence(out, item);
}

static void put_target(struct hm_bytes *out, const json_t *target)
{
	const json_t *read = json_object_get(target, "read"), *components = json_object_get(target, "components"), *row;
	long long unread = json_integer_value(json_object_get(target, "not_read_count"));
	size_t i;

	put_foreign(out, "  ", target, "target");
	hm_escape_term(out, " (%s): %'lu entries, %'lu files read, %'lu bytes", inventory_text(target, "kind"), (unsigned long)json_integer_value(json_object_get(read, "entries")),
		       (unsigned long)json_integer_value(json_object_get(read, "files")), (unsigned long)json_integer_value(json_object_get(read, "bytes")));
	hm_escape_term(out, "; %lu components, %lu name no supplier\n", (unsigned long)json_integer_value(json_object_get(components, "seen")),
		       (unsigned long)json_integer_value(json_object_get(components, "nameless")));
	json_array_foreach (json_object_get(target, "not_read"), i, row) {
		if (i == 8)
			break;
		put_foreign(out, "    not read: ", row, "path");
		hm_escape_term(out, ": %s\n", inventory_text(row, "reason"));
	}
	if (unread > 8)
		hm_bytes_printf(out, "    and %lld more that could not be read\n", unread - 8);
}

void hm_inventory_terminal(struct hm_bytes *out, const json_t *found, bool explain)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes filter = { 0 };
	const json_t *items = json_object_get(found, "items"), *candidates = json_object_get(found, "candidates"), *row;
	size_t i;

	if (inventory_filter(&filter, found))
		hm_escape_term(out, "of these alone: %.*s\n", (int)filter.len, (const char *)filter.data);
	if (json_array_size(items) == 0)
		hm_bytes_text(out, "nothing found\n");
	else
		hm_bytes_text(out, "found\n");
	json_array_foreach (items, i, row)
		put_item(out, found, row, explain);
	if (json_array_size(candidates))
		hm_bytes_text(out, "not enough evidence (one weak sign, or names that others use too)\n");
	json_array_foreach (candidates, i, row)
		put_item(out, found, row, explain);
	hm_bytes_text(out, "looked at\n");
	json_array_foreach (json_object_get(found, "targets"), i, row)
		put_target(out, row);
}
