/* found.json from a file: of exactly the shape that the page gives, so that whoever uses it need not ask again. */
#include "found_internal.h"

#define SHAPE(value, shape, what) hm_json_shape(value, shape, HM_COUNT(shape), what, fail)

static const struct hm_json_member root_shape[] = {
	{ "schema", JSON_STRING },   { "made", JSON_STRING }, { "filter", JSON_OBJECT }, { "tables", JSON_OBJECT },    { "suppliers", JSON_ARRAY },
	{ "targets", JSON_ARRAY }, { "items", JSON_ARRAY }, { "candidates", JSON_ARRAY },
};
static const struct hm_json_member filter_shape[] = { { "supplier", JSON_ARRAY }, { "country", JSON_ARRAY } };
static const struct hm_json_member tables_shape[] = { { "rows", JSON_INTEGER }, { "sha256", JSON_STRING } };
static const struct hm_json_member supplier_shape[] = { { "id", JSON_STRING }, { "name", JSON_STRING }, { "kind", JSON_STRING }, { "control", JSON_ARRAY } };
static const struct hm_json_member control_shape[] = {
	{ "controller|", JSON_STRING }, { "country", JSON_STRING }, { "from|", JSON_STRING }, { "to|", JSON_STRING }, { "source", JSON_STRING }, { "confidence", JSON_STRING },
};
static const struct hm_json_member target_shape[] = {
	{ "target?", JSON_STRING },  { "target_b64?", JSON_STRING },	   { "kind", JSON_STRING },	  { "endpoint", HM_JSON_BOOL }, { "read", JSON_OBJECT },
	{ "not_read", JSON_ARRAY }, { "not_read_count", JSON_INTEGER }, { "components", JSON_OBJECT }, { "nameless", JSON_ARRAY },
};
static const struct hm_json_member read_shape[] = { { "entries", JSON_INTEGER }, { "files", JSON_INTEGER }, { "bytes", JSON_INTEGER }, { "observations", JSON_INTEGER } };
static const struct hm_json_member components_shape[] = { { "seen", JSON_INTEGER }, { "listed", JSON_INTEGER }, { "unlisted", JSON_INTEGER }, { "nameless", JSON_INTEGER } };
static const struct hm_json_member not_read_shape[] = { { "path?", JSON_STRING }, { "path_b64?", JSON_STRING }, { "reason", JSON_STRING } };
static const struct hm_json_member name_shape[] = { { "name?", JSON_STRING }, { "name_b64?", JSON_STRING } };
static const struct hm_json_member item_shape[] = {
	{ "target?", JSON_STRING },  { "target_b64?", JSON_STRING }, { "supplier", JSON_STRING },	  { "product", JSON_STRING }, { "class", JSON_STRING },
	{ "relation", JSON_STRING }, { "state", JSON_STRING },	     { "outer?", JSON_STRING },	  { "outer_b64?", JSON_STRING }, { "by?", JSON_STRING },
	{ "version?", JSON_STRING }, { "version_b64?", JSON_STRING }, { "score", JSON_INTEGER }, { "channels", JSON_ARRAY },  { "evidence", JSON_ARRAY },
	{ "evidence_count", JSON_INTEGER }, { "definitions?", JSON_OBJECT },
};
static const struct hm_json_member definitions_shape[] = { { "newest|", JSON_STRING }, { "all_dated", HM_JSON_BOOL } };
static const struct hm_json_member evidence_shape[] = {
	{ "kind", JSON_STRING },   { "row", JSON_STRING },	 { "value?", JSON_STRING },   { "value_b64?", JSON_STRING }, { "path?", JSON_STRING },	   { "path_b64?", JSON_STRING },
	{ "sha256|", JSON_STRING }, { "state", JSON_STRING },	 { "strength", JSON_STRING }, { "channel", JSON_STRING },    { "detail?", JSON_STRING }, { "detail_b64?", JSON_STRING },
	{ "source", JSON_STRING },  { "date", JSON_STRING },	 { "confidence", JSON_STRING },
};

/* Each row of a list. */
static int shapes(const json_t *list, const struct hm_json_member *shape, size_t count, const char *what, struct hm_fail *fail)
{
	const json_t *row;
	size_t i;
	int r = 0;

	json_array_foreach (list, i, row)
		if (r == 0)
			r = hm_json_shape(row, shape, count, what, fail);
	return r;
}

#define SHAPES(list, shape, what) shapes(list, shape, HM_COUNT(shape), what, fail)

static int check_target(const json_t *target, struct hm_fail *fail)
{
	int r = SHAPE(target, target_shape, "a target");

	if (r == 0)
		r = SHAPE(json_object_get(target, "read"), read_shape, "read of a target");
	if (r == 0)
		r = SHAPE(json_object_get(target, "components"), components_shape, "components of a target");
	if (r == 0)
		r = SHAPES(json_object_get(target, "not_read"), not_read_shape, "not_read of a target");
	return r == 0 ? SHAPES(json_object_get(target, "nameless"), name_shape, "nameless of a target") : r;
}

static bool knows(const json_t *suppliers, const json_t *id)
{
	const json_t *row;
	size_t i;

	json_array_foreach (suppliers, i, row)
		if (json_equal(json_object_get(row, "id"), id))
			return true;
	return false;
}

/* Words that others act upon are among those that the page has. */
static bool is_word(const json_t *item, const char *member, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(json_string_value(json_object_get(item, member)), *words) == 0)
			return true;
	return false;
}

static int check_definitions(const json_t *definitions, struct hm_fail *fail)
{
	int r = SHAPE(definitions, definitions_shape, "definitions of an item");
	const char *newest = r == 0 ? json_string_value(json_object_get(definitions, "newest")) : NULL;

	return r == 0 && newest && !hm_owner_is_date(newest, false) ? hm_fail_set(fail, HM_E_BAD, "definitions of an item: newest is no date") : r;
}

static int check_items(const json_t *items, const json_t *suppliers, struct hm_fail *fail)
{
	static const char *const relations[] = { "branded", "contains", "controlled", NULL }, *const states[] = { "running", "installed", "present", "residue", NULL },
				 *const classes[] = { "", "antivirus", "endpoint", "security", "code", NULL };
	const json_t *item, *channel;
	size_t i, j;

	json_array_foreach (items, i, item) {
		int r = SHAPE(item, item_shape, "an item");

		if (r == 0)
			r = SHAPES(json_object_get(item, "evidence"), evidence_shape, "the evidence of an item");
		if (r == 0 && json_object_get(item, "definitions"))
			r = check_definitions(json_object_get(item, "definitions"), fail);
		if (r < 0)
			return r;
		if (!is_word(item, "relation", relations) || !is_word(item, "state", states) || !is_word(item, "class", classes))
			return hm_fail_set(fail, HM_E_BAD, "an item: relation, state or class is none of those that there are");
		if (!knows(suppliers, json_object_get(item, "supplier")))
			return hm_fail_set(fail, HM_E_BAD, "an item: suppliers does not tell of %s", json_string_value(json_object_get(item, "supplier")));
		json_array_foreach (json_object_get(item, "channels"), j, channel)
			if (!json_is_string(channel))
				return hm_fail_set(fail, HM_E_BAD, "an item: a channel that is no text");
	}
	return 0;
}

static int check_filter(const json_t *filter, struct hm_fail *fail)
{
	const json_t *text;
	size_t i, j;
	int r = SHAPE(filter, filter_shape, "filter");

	for (i = 0; r == 0 && i < HM_COUNT(filter_shape); i++)
		json_array_foreach (json_object_get(filter, filter_shape[i].name), j, text)
			if (!json_is_string(text))
				return hm_fail_set(fail, HM_E_BAD, "filter: not a list of text");
	return r;
}

static int check(const json_t *root, struct hm_fail *fail)
{
	const json_t *suppliers = json_object_get(root, "suppliers"), *row;
	const char *schema = json_string_value(json_object_get(root, "schema"));
	size_t i;
	int r;

	if (!schema || strncmp(schema, "hallmark/found/", 15) != 0)
		return hm_fail_set(fail, HM_E_BAD, "it is no found.json");
	if (strcmp(schema, "hallmark/found/v1") != 0)
		return hm_fail_set(fail, HM_E_UNKNOWN, "it is %s, of a later version", schema);
	r = SHAPE(root, root_shape, "found");
	if (r == 0)
		r = check_filter(json_object_get(root, "filter"), fail);
	if (r == 0)
		r = SHAPE(json_object_get(root, "tables"), tables_shape, "tables");
	if (r == 0 && !hm_owner_is_date(json_string_value(json_object_get(root, "made")), false))
		r = hm_fail_set(fail, HM_E_BAD, "made is no date");
	if (r == 0)
		r = SHAPES(suppliers, supplier_shape, "a supplier");
	json_array_foreach (suppliers, i, row)
		if (r == 0)
			r = SHAPES(json_object_get(row, "control"), control_shape, "control of a supplier");
	json_array_foreach (json_object_get(root, "targets"), i, row)
		if (r == 0)
			r = check_target(row, fail);
	if (r == 0)
		r = check_items(json_object_get(root, "items"), suppliers, fail);
	return r == 0 ? check_items(json_object_get(root, "candidates"), suppliers, fail) : r;
}

int hm_found_read(json_t **ret, struct hm_slice text, const char *what, struct hm_fail *fail)
{
	HM_JSON json_t *root = NULL;
	int r = hm_json_parse(&root, text, what, fail);

	if (r < 0)
		return r;
	r = check(root, fail);
	if (r < 0)
		return hm_fail_in(fail, "%s", what);
	*ret = hm_take_ptr(&root);
	return 0;
}
