/* replication.json by itself: its form, and that it speaks of this bundle. Whether it is true takes the other bundle. */
#include "verify_internal.h"

static int replication_shape(const json_t *root, struct hm_fail *fail)
{
	static const struct hm_json_member rows[] = {
		{ "schema", JSON_STRING }, { "of", JSON_STRING },	  { "agree", HM_JSON_BOOL },	     { "not_comparable", JSON_ARRAY },
		{ "same", JSON_ARRAY },	   { "differ", JSON_ARRAY },	  { "influence", JSON_OBJECT }, { "product_same", HM_JSON_BOOL },
		{ "kernel", JSON_OBJECT }, { "semantics", JSON_OBJECT },
	};
	int r = hm_json_shape(root, rows, HM_COUNT(rows), "replication.json", fail);

	if (r == 0 && strcmp(json_string_value(json_object_get(root, "schema")), "hallmark/replication/v1") != 0)
		r = hm_fail_set(fail, HM_E_BAD, "replication.json: another schema");
	return r;
}

void hm_verify_stated(struct check *c)
{
	HM_JSON json_t *root = NULL;
	struct hm_fail fail = { 0 };
	struct hm_slice text;
	const char *of;

	if (!hm_parts_get(c->parts, "replication.json", &text))
		return;
	if (hm_json_parse_canonical(&root, text, "replication.json", &fail) < 0 || replication_shape(root, &fail) < 0) {
		hm_verify_say(c->v, "replication", HM_CHECK_FALSE, "%s", fail.text);
		return;
	}
	of = json_string_value(json_object_get(root, "of"));
	if (strncmp(of, "sha256:", 7) != 0 || strlen(of) != 71 || strspn(of + 7, "0123456789abcdef") != 64 || strcmp(of + 7, c->v->bundle_id) == 0)
		hm_verify_say(c->v, "replication", HM_CHECK_FALSE, "it names no other bundle");
	else
		hm_verify_say(c->v, "replication", HM_CHECK_UNCHECKED, "it says that it replicates %s (verify that one with --replication THIS)", of);
}
