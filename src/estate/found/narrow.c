/* A document that tells of everybody, made into one that tells of some: as if it had been asked for so. */
#include "found_internal.h"

/* Who controls whom, as the document has it; borrows its text. */
static struct hm_owner *owners_of(const json_t *document, size_t *count)
{
	struct hm_owner *owner = NULL;
	const json_t *supplier, *row;
	size_t i, j;

	*count = 0;
	json_array_foreach (json_object_get(document, "suppliers"), i, supplier)
		json_array_foreach (json_object_get(supplier, "control"), j, row) {
			owner = hm_realloc(owner, *count + 1, sizeof(*owner));
			owner[(*count)++] = (struct hm_owner){ .supplier = found_text(supplier, "id"), .controller = json_string_value(json_object_get(row, "controller")),
							       .country = found_text(row, "country"), .from = json_string_value(json_object_get(row, "from")),
							       .to = json_string_value(json_object_get(row, "to")) };
		}
	return owner;
}

static const char *name_of(const json_t *document, const char *id)
{
	const json_t *row;
	size_t i;

	json_array_foreach (json_object_get(document, "suppliers"), i, row)
		if (strcmp(found_text(row, "id"), id) == 0)
			return found_text(row, "name");
	return "";
}

static bool wanted(const json_t *document, const struct hm_owner *owner, size_t owners, const struct hm_found_filter *f, const json_t *item)
{
	/* What somebody controls is told of with the item itself. */
	const char *id = *found_text(item, "by") ? found_text(item, "by") : found_text(item, "supplier");
	const struct hm_owner *step[HM_OWNER_MAX];
	size_t n = hm_owner_on(step, owner, owners, id, found_text(document, "made"));
	bool by_name = f->suppliers == 0 || found_lists(f->supplier, f->suppliers, id) || found_lists(f->supplier, f->suppliers, name_of(document, id)), by_country = f->countries == 0;

	for (size_t i = 0; i < n; i++) {
		by_name = by_name || (step[i]->controller && found_lists(f->supplier, f->suppliers, step[i]->controller));
		by_country = by_country || found_lists(f->country, f->countries, step[i]->country);
	}
	return by_name && by_country;
}

int hm_found_narrow(json_t *document, const struct hm_found_filter *filter, struct hm_fail *fail)
{
	static const char *const lists_of[] = { "items", "candidates" };
	HM_JSON json_t *row = found_filter(filter);
	const json_t *there = json_object_get(document, "filter");
	HM_FREE struct hm_owner *owner = NULL;
	size_t owners;

	if (json_equal(there, row) || (filter->suppliers == 0 && filter->countries == 0))
		return 0;
	if (json_array_size(json_object_get(there, "supplier")) || json_array_size(json_object_get(there, "country")))
		return hm_fail_set(fail, HM_E_USAGE, "it tells of some suppliers alone (find --supplier, --country), and not of these");
	owner = owners_of(document, &owners);
	for (size_t l = 0; l < HM_COUNT(lists_of); l++) {
		json_t *list = json_object_get(document, lists_of[l]);

		for (size_t i = json_array_size(list); i-- > 0;)
			if (!wanted(document, owner, owners, filter, json_array_get(list, i)))
				json_array_remove(list, i);
	}
	json_object_set(document, "filter", row);
	return 0;
}
