/* The set of files that makes the product what it is: executed, mapped to be executed, of the packages that own such files,
 * and definitions. One row a path, the strongest role first. */
#include "evaluate_internal.h"

#include <search.h>

enum role { EXECUTED, MAPPED, PACKAGE, DEFINITIONS };
static const char *const roles[] = { "executed", "mapped", "package", "definitions" };

struct artifact {
	struct hm_slice path; /* behind this struct */
	enum role role;
	const char *package; /* or NULL */
	char sha256[2 * HM_SHA256_LEN + 1]; /* empty: nobody knows */
};

struct hm_artifacts {
	const struct hm_core *core;
	void *tree;
};

/* Definitions stand apart: their name is not a path. */
static int by_path(const void *a, const void *b)
{
	const struct artifact *x = a, *y = b;
	int r = hm_slice_cmp(x->path, y->path);

	return r ? r : (x->role == DEFINITIONS) - (y->role == DEFINITIONS);
}

static struct artifact *artifact_at(struct hm_artifacts *artifacts, struct hm_slice path, enum role role)
{
	struct artifact *fresh = hm_alloc(1, sizeof(*fresh) + path.len), **found;
	uint8_t *name = (uint8_t *)(fresh + 1);

	if (path.len)
		memcpy(name, path.data, path.len);
	fresh->path = (struct hm_slice){ name, path.len };
	fresh->role = role;
	found = tsearch(fresh, &artifacts->tree, by_path);
	if (!found)
		abort();
	if (*found != fresh)
		free(fresh);
	if (role < (*found)->role)
		(*found)->role = role;
	return *found;
}

static void know(struct artifact *artifact, const char *sha256, const char *package)
{
	if (!artifact->sha256[0])
		snprintf(artifact->sha256, sizeof(artifact->sha256), "%s", sha256);
	if (!artifact->package)
		artifact->package = package;
}

struct hm_artifacts *hm_artifacts_new(const struct hm_core *core)
{
	struct hm_artifacts *artifacts = hm_alloc(1, sizeof(*artifacts));
	const json_t *row;
	size_t i;

	artifacts->core = core;
	for (i = 0; i < core->installed_count; i++) {
		const struct hm_installed *installed = &core->installed[i];

		if (installed->package)
			know(artifact_at(artifacts, installed->path, PACKAGE), json_string_value(json_object_get(installed->file, "sha256")),
			     json_string_value(json_object_get(installed->package, "name")));
	}
	json_array_foreach (json_object_get(core->product, "definitions"), i, row)
		know(artifact_at(artifacts, hm_slice_text(json_string_value(json_object_get(row, "name"))), DEFINITIONS),
		     json_string_value(json_object_get(row, "sha256")), NULL);
	return artifacts;
}

static const struct hm_tree_entry *left_behind(const struct hm_run *run, struct hm_slice path)
{
	for (size_t low = 0, high = run->tree.count; low < high;) {
		size_t middle = low + (high - low) / 2;
		int order = hm_slice_cmp(run->tree.list[middle].path, path);

		if (order == 0)
			return run->tree.list[middle].hashed ? &run->tree.list[middle] : NULL;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

void hm_artifacts_run(struct hm_artifacts *artifacts, const struct hm_run *run)
{
	for (size_t i = 0; i < run->file_count; i++) {
		const struct hm_file_fact *fact = run->files[i];
		const struct hm_installed *installed;
		const struct hm_tree_entry *entry;
		struct artifact *artifact;

		if ((fact->act != HM_ACT_EXEC && fact->act != HM_ACT_MAP) || !fact->path.len)
			continue;
		installed = fact->layer == HM_LAYER_LOWER ? hm_core_installed(artifacts->core, fact->path) : NULL;
		entry = installed ? NULL : left_behind(run, fact->path);
		artifact = artifact_at(artifacts, installed ? installed->path : fact->path,
				       fact->act == HM_ACT_EXEC ? EXECUTED : MAPPED);
		if (installed)
			know(artifact, json_string_value(json_object_get(installed->file, "sha256")),
			     installed->package ? json_string_value(json_object_get(installed->package, "name")) : NULL);
		if (entry && !artifact->sha256[0])
			hm_text_hex_into(artifact->sha256, (struct hm_slice){ entry->sha256, sizeof(entry->sha256) });
	}
}

static void list_artifact(const void *node, VISIT which, void *closure)
{
	const struct artifact *artifact = *(struct artifact *const *)node;
	json_t *row;

	if (which != postorder && which != leaf)
		return;
	row = json_object();
	hm_json_set_bytes(row, "path", artifact->path);
	json_object_set_new(row, "sha256", artifact->sha256[0] ? json_string(artifact->sha256) : json_null());
	json_object_set_new(row, "role", json_string(roles[artifact->role]));
	json_object_set_new(row, "package", artifact->package ? json_string(artifact->package) : json_null());
	json_array_append_new(closure, row);
}

json_t *hm_artifacts_json(struct hm_artifacts *artifacts)
{
	json_t *list = json_array();

	twalk_r(artifacts->tree, list_artifact, list);
	return list;
}

void hm_artifacts_free(struct hm_artifacts *artifacts)
{
	if (!artifacts)
		return;
	tdestroy(artifacts->tree, free);
	free(artifacts);
}
