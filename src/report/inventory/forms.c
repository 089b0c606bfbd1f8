/* What has to be handed in, as text to be completed by hand: what a finder cannot know says so, and is never filled in by a guess. */
#include "inventory_internal.h"

#define OPEN "[to be filled in]"

static void put_foreign(struct hm_bytes *out, const char *before, const json_t *object, const char *name)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes value = inventory_bytes(object, name);

	if (!value.len)
		return;
	hm_bytes_text(out, before);
	hm_escape(out, hm_slice_of(&value), false);
}

static void put_method(struct hm_bytes *out, const json_t *found)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes method = { 0 };

	inventory_method(&method, found);
	hm_escape(out, hm_slice_of(&method), false);
}

/* Of several items of one product the first; `told` holds those before. */
static bool is_first(json_t *told, const json_t *item)
{
	HM_FREE char *key = hm_sprintf("%s %s", inventory_text(item, "supplier"), inventory_text(item, "product"));
	bool first = !json_object_get(told, key);

	json_object_set_new(told, key, json_true());
	return first;
}

static void put_products(struct hm_bytes *out, const json_t *found, const char *relation)
{
	HM_JSON json_t *before = json_object();
	const json_t *item;
	size_t i, told = 0;

	json_array_foreach (json_object_get(found, "items"), i, item) {
		const char *product = inventory_text(item, "product");

		if (strcmp(inventory_text(item, "relation"), relation) != 0 || !is_first(before, item))
			continue;
		hm_escape_term(out, "   %s, %s", inventory_supplier(found, inventory_text(item, "supplier")), *product ? product : "product not known");
		hm_bytes_printf(out, ": on %zu endpoints\n", inventory_endpoints(found, item));
		told++;
	}
	if (!told)
		hm_bytes_text(out, "   none\n");
}

void inventory_bod(struct hm_bytes *out, const json_t *found)
{
	struct inventory_count c = inventory_count(found);

	hm_bytes_text(out, "Report of products found (Binding Operational Directive 17-01)\n\n");
	hm_escape_term(out, "Agency: %s\nDate of the inventory: %s\n\n", OPEN, inventory_text(found, "made"));
	hm_bytes_text(out, "1. Branded products found\n");
	put_products(out, found, "branded");
	hm_bytes_printf(out, "\n2. Endpoints affected\n   %zu of %zu\n\n3. Method of counting\n   ", c.branded, c.endpoints);
	put_method(out, found);
	hm_bytes_text(out, "\n\n4. Code of the supplier embedded in the products of other companies (outside the directive; told for completeness)\n");
	put_products(out, found, "contains");
	hm_bytes_printf(out, "\n5. Endpoints of which a part could not be read\n   %zu\n\n", c.partly);
	hm_bytes_text(out, "6. Effect of removal on compliance and protection\n   " OPEN "\n\n7. Proposed replacement\n   " OPEN "\n");
}

static void put_article(struct hm_bytes *out, const json_t *found, const json_t *item, size_t number)
{
	const json_t *row;
	const char *product = inventory_text(item, "product");
	size_t i;

	hm_bytes_printf(out, "Article %zu\n   Contract number: " OPEN "\n   Order number(s), if applicable: " OPEN "\n", number);
	hm_escape_term(out, "   Supplier name: %s\n   Brand: %s\n", inventory_supplier(found, inventory_text(item, "supplier")), *product ? product : OPEN);
	hm_bytes_text(out, "   Model number (OEM number, manufacturer part number or wholesaler number): " OPEN);
	put_foreign(out, "; version found: ", item, "version");
	hm_escape_term(out, "\n   Item description: %s", strcmp(inventory_text(item, "relation"), "contains") == 0 ? "code built into another's product" : "product of the supplier");
	put_foreign(out, ", in ", item, "outer");
	hm_escape_term(out, "; %s", inventory_text(item, "state"));
	put_foreign(out, "; found in ", item, "target");
	hm_bytes_text(out, "\n   Mitigation actions undertaken or recommended: " OPEN "\n   Evidence:\n");
	json_array_foreach (json_object_get(item, "evidence"), i, row) {
		hm_escape_term(out, "      %s %s", inventory_text(row, "strength"), inventory_text(row, "kind"));
		put_foreign(out, " ", row, "value");
		put_foreign(out, " at ", row, "path");
		hm_escape_term(out, " (row %s)\n", inventory_text(row, "row"));
	}
	hm_bytes_u8(out, '\n');
}

void inventory_far(struct hm_bytes *out, const json_t *found)
{
	const json_t *item;
	size_t i, number = 0;

	hm_bytes_text(out, "Covered articles identified (FAR 52.204-23)\n\nDue: within 3 business days from the identification; more on mitigation within 10 business days after that.\n"
			   "The fields are listed from memory of the clause's paragraph (c), which was not at hand: hold them against it.\n\n");
	hm_escape_term(out, "Identified on: %s\n\n", inventory_text(found, "made"));
	json_array_foreach (json_object_get(found, "items"), i, item)
		if (strcmp(inventory_text(item, "relation"), "controlled") != 0)
			put_article(out, found, item, ++number);
	if (!number)
		hm_bytes_text(out, "None.\n\n");
	hm_bytes_text(out, "How it was looked for: ");
	put_method(out, found);
	hm_bytes_u8(out, '\n');
}
