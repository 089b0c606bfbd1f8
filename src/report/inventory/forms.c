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
		hm_bytes_printf(out, ": on %zu endpoint%s", inventory_endpoints(found, item), inventory_endpoints(found, item) == 1 ? "" : "s");
		hm_bytes_text(out, inventory_endpoints(found, item) ? "\n" : "; found in what is no endpoint\n");
		told++;
	}
	if (!told)
		hm_bytes_text(out, "   none\n");
}

/* What is no finding may still be the product: a person has to look before this is handed in. */
static void put_candidates(struct hm_bytes *out, const json_t *found)
{
	const json_t *item;
	size_t i;

	if (json_array_size(json_object_get(found, "candidates")) == 0)
		hm_bytes_text(out, "   none\n");
	json_array_foreach (json_object_get(found, "candidates"), i, item) {
		const char *product = inventory_text(item, "product");

		hm_escape_term(out, "   %s, %s, %s", inventory_supplier(found, inventory_text(item, "supplier")), *product ? product : "product not known", inventory_text(item, "relation"));
		put_foreign(out, ", of ", item, "target");
		hm_bytes_printf(out, " (score %lld of 100)\n", (long long)json_integer_value(json_object_get(item, "score")));
	}
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
	hm_bytes_text(out, "6. Signs that are not enough evidence, and are not counted above: look there before this is handed in\n");
	put_candidates(out, found);
	hm_bytes_text(out, "\n7. Effect of removal on compliance with information security requirements, and on protection\n   " OPEN "\n\n8. Proposed replacement\n   " OPEN "\n");
}

static void put_article(struct hm_bytes *out, const json_t *found, const json_t *item, size_t number)
{
	const json_t *row;
	const char *product = inventory_text(item, "product"), *supplier = inventory_supplier(found, inventory_text(item, "supplier"));
	bool built_in = strcmp(inventory_text(item, "relation"), "contains") == 0;
	size_t i;

	hm_bytes_printf(out, "Article %zu\n   Contract number: " OPEN "\n   Order number(s), if applicable: " OPEN "\n", number);
	hm_escape_term(out, "   Supplier name: %s, who developed it; %s where somebody else supplied it\n", supplier, OPEN);
	hm_escape_term(out, "   Brand: %s\n", built_in ? OPEN : supplier);
	hm_bytes_text(out, "   Model number (Original Equipment Manufacturer (OEM) number, manufacturer part number, or wholesaler number): " OPEN);
	put_foreign(out, "; version found: ", item, "version");
	hm_escape_term(out, "\n   Item description: %s; %s", *product ? product : "product not known", built_in ? "code built into another's product" : "product of the supplier");
	put_foreign(out, ", in ", item, "outer");
	hm_escape_term(out, "; %s", inventory_text(item, "state"));
	put_foreign(out, "; found in ", item, "target");
	hm_bytes_text(out, "\n   Any readily available information about mitigation actions undertaken or recommended: " OPEN "\n   Evidence:\n");
	json_array_foreach (json_object_get(item, "evidence"), i, row) {
		hm_escape_term(out, "      %s %s", inventory_text(row, "strength"), inventory_text(row, "kind"));
		put_foreign(out, " ", row, "value");
		put_foreign(out, " at ", row, "path");
		hm_escape_term(out, " (row %s)\n", inventory_text(row, "row"));
	}
	hm_bytes_u8(out, '\n');
}

/* The clause's paragraph (c): of July 2018 as GSA's repository has it (dita/52.204-23.dita); FAC 2023-06 put 3 business days for 1 (its list of sections affected). */
static const char far_head[] =
	"Kaspersky Lab covered articles identified (FAR 52.204-23, paragraph (c))\n\n"
	"To: the Contracting Officer, in writing; in the case of the Department of Defense, the website at https://dibnet.dod.mil. Of an indefinite delivery contract: the Contracting Officer for it and\n"
	"those for any affected order.\n"
	"Due: (i) within 3 business days from the date of identification or notification; within 1 business day where the contract has the clause as it was before 4 December 2023.\n"
	"     (ii) within 10 business days of submitting that: what stands at the end.\n"
	"The clause asks for articles that were provided to the Government during contract performance; which of these were, no inventory knows.\n\n";
static const char far_follow_up[] =
	"Within 10 business days of submitting the report (paragraph (c)(2)(ii))\n"
	"   Any further available information about mitigation actions undertaken or recommended: " OPEN "\n"
	"   The efforts undertaken to prevent use or submission of a covered article: " OPEN "\n"
	"   Any reasons that led to the use or submission of the covered article: " OPEN "\n"
	"   Any additional efforts that will be incorporated to prevent future use or submission of covered articles: " OPEN "\n\n";

void inventory_far(struct hm_bytes *out, const json_t *found)
{
	const json_t *item;
	size_t i, number = 0;

	hm_bytes_text(out, far_head);
	hm_escape_term(out, "Date of identification: %s\n\n(i) Articles\n\n", inventory_text(found, "made"));
	json_array_foreach (json_object_get(found, "items"), i, item)
		if (strcmp(inventory_text(item, "relation"), "controlled") != 0)
			put_article(out, found, item, ++number);
	if (!number)
		hm_bytes_text(out, "None.\n\n");
	hm_bytes_text(out, "Signs that are not enough evidence, and are not listed above: look there before this is handed in\n");
	put_candidates(out, found);
	hm_bytes_text(out, "\n(ii) ");
	hm_bytes_text(out, far_follow_up);
	hm_bytes_text(out, "How it was looked for: ");
	put_method(out, found);
	hm_bytes_u8(out, '\n');
}
