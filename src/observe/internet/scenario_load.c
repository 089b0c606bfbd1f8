/* A scenario as people write it, to the JSON that the bundle holds. */
#include "internet_internal.h"
#include "yamldoc.h"

static const char *const lists[] = { "dns", "http", "udp" };

/* "x" is for other programs' additions to JSON; in what people write for this one it is only a mistake. */
static bool has_x(const json_t *root)
{
	const json_t *rule;
	size_t i;

	if (json_object_get(root, "x"))
		return true;
	for (size_t k = 0; k < HM_COUNT(lists); k++)
		json_array_foreach (json_object_get(root, lists[k]), i, rule)
			if (json_object_get(rule, "x"))
				return true;
	return false;
}

int hm_scenario_load(struct hm_bytes *json, const char *path, struct hm_fail *fail)
{
	HM_CLEANUP(hm_yaml_release) struct hm_yaml yaml = { 0 };
	struct hm_fail unused;

	fail = fail ? fail : &unused;
	if (hm_yaml_load(&yaml, path, fail) < 0)
		return fail->code;
	if (has_x(yaml.root))
		return hm_yaml_fail(&yaml, yaml.root, fail, "unknown member x");
	if (!json_object_get(yaml.root, "schema"))
		json_object_set_new(yaml.root, "schema", json_string("hallmark/scenario/v1"));
	for (size_t k = 0; k < HM_COUNT(lists); k++)
		if (!json_object_get(yaml.root, lists[k]))
			json_object_set_new(yaml.root, lists[k], json_array());
	if (hm_internet_scenario_check(yaml.root, fail) < 0)
		return hm_fail_in(fail, "%s", path);
	hm_json_write(json, yaml.root);
	return 0;
}
