/* Packages that are told as JSON: npm's package.json and lock file, what composer, NuGet and conda install, snapd's state. */
#include <jansson.h>

#include "source_internal.h"

static void drop(json_t **j)
{
	json_decref(*j);
}

static struct hm_slice text_of(const json_t *value)
{
	if (!json_is_string(value))
		return (struct hm_slice){ NULL, 0 };
	return (struct hm_slice){ (const uint8_t *)json_string_value(value), json_string_length(value) };
}

/* "author" is a text or an object with a name. */
static struct hm_slice person(const json_t *value)
{
	return json_is_object(value) ? text_of(json_object_get(value, "name")) : text_of(value);
}

static json_t *parse(struct hm_source_out *out, struct hm_slice bytes)
{
	json_error_t error;
	json_t *root = json_loadb((const char *)bytes.data, bytes.len, 0, &error);

	if (!root || !json_is_object(root)) {
		hm_source_leave(out, "not a JSON object: %s", root ? "another value" : error.text);
		json_decref(root);
		return NULL;
	}
	return root;
}

int hm_source_npm(struct hm_source_out *out, struct hm_slice bytes)
{
	HM_CLEANUP(drop) json_t *root = parse(out, bytes);
	/* npm packs what it publishes below package/. */
	struct hm_source_package package = { .present = hm_slice_eq(hm_source_component(out->file->path, 1), HM_SLICE("package")) &&
							hm_source_component(out->file->path, 2).len == 0 };

	if (!root)
		return 0;
	package.name = text_of(json_object_get(root, "name"));
	package.version = text_of(json_object_get(root, "version"));
	package.vendor = person(json_object_get(root, "author"));
	if (!package.vendor.len)
		package.vendor = person(json_array_get(json_object_get(root, "maintainers"), 0));
	package.licence = text_of(json_object_get(root, "license"));
	/* A folder inside a package may have a package.json that only says how its files are to be read. */
	return package.name.len || package.version.len ? hm_source_package(out, &package) : 0;
}

/* "node_modules/a/node_modules/@b/c" is the package "@b/c". */
static struct hm_slice name_in_lock(const char *key)
{
	static const char folder[] = "node_modules/";
	const char *last = NULL;

	for (const char *at = key; (at = strstr(at, folder)); at += sizeof(folder) - 1)
		last = at + sizeof(folder) - 1;
	return last ? hm_slice_text(last) : (struct hm_slice){ NULL, 0 };
}

/* A lock file tells what a project wants, not what is there: present. */
int hm_source_npm_lock(struct hm_source_out *out, struct hm_slice bytes)
{
	HM_CLEANUP(drop) json_t *root = parse(out, bytes);
	json_t *list = root ? json_object_get(root, "packages") : NULL, *value;
	bool flat = list == NULL;
	const char *key;

	if (flat && root)
		list = json_object_get(root, "dependencies");
	json_object_foreach(list, key, value) {
		struct hm_source_package package = { .present = true, .version = text_of(json_object_get(value, "version")) };
		int r;

		package.name = flat ? hm_slice_text(key) : name_in_lock(key);
		/* Installed under another name: the lock file tells its own. */
		if (package.name.len && text_of(json_object_get(value, "name")).len)
			package.name = text_of(json_object_get(value, "name"));
		if (!package.name.len)
			continue;
		r = hm_source_package(out, &package);
		if (r != 0)
			return r;
	}
	return 0;
}

/* var/lib/snapd/state.json: {"data":{"snaps":{NAME:{"active", "sequence":[{"revision"}]}}}}: snaps whose images are not opened. */
int hm_source_snapd(struct hm_source_out *out, struct hm_slice bytes)
{
	HM_CLEANUP(drop) json_t *root = parse(out, bytes);
	json_t *snaps = json_object_get(json_object_get(root, "data"), "snaps"), *snap;
	const char *name;

	json_object_foreach(snaps, name, snap) {
		json_t *sequence = json_object_get(snap, "sequence");
		json_t *last = json_array_get(sequence, json_array_size(sequence) ? json_array_size(sequence) - 1 : 0);
		struct hm_source_package package = { .name = hm_slice_text(name), .version = text_of(json_object_get(last, "revision")),
						     .present = !json_is_true(json_object_get(snap, "active")) };
		int r = hm_source_package(out, &package);

		if (r != 0)
			return r;
	}
	return 0;
}

/* vendor/composer/installed.json: {"packages":[{"name", "version", "authors":[{"name"}]}]}; before composer 2 the list alone. */
int hm_source_composer(struct hm_source_out *out, struct hm_slice bytes)
{
	json_error_t error;
	HM_CLEANUP(drop) json_t *root = json_loadb((const char *)bytes.data, bytes.len, 0, &error);
	const json_t *list = json_is_array(root) ? root : json_object_get(root, "packages");
	json_t *entry;
	size_t i;

	if (!json_is_array(list))
		hm_source_leave(out, "no list of packages");
	json_array_foreach(list, i, entry) {
		struct hm_source_package package = { .name = text_of(json_object_get(entry, "name")), .version = text_of(json_object_get(entry, "version")),
						     .vendor = person(json_array_get(json_object_get(entry, "authors"), 0)) };
		int r = hm_source_package(out, &package);

		if (r != 0)
			return r;
	}
	return 0;
}

/* NAME.deps.json of .NET: {"libraries":{"NAME/VERSION":{"type":"package"}}}. */
int hm_source_nuget(struct hm_source_out *out, struct hm_slice bytes)
{
	HM_CLEANUP(drop) json_t *root = parse(out, bytes);
	json_t *value;
	const char *key;

	json_object_foreach(json_object_get(root, "libraries"), key, value) {
		const char *slash = strchr(key, '/');
		struct hm_source_package package = { .name = { (const uint8_t *)key, slash ? (size_t)(slash - key) : strlen(key) },
						     .version = hm_slice_text(slash ? slash + 1 : "") };
		int r = hm_source_package(out, &package);

		if (r != 0)
			return r;
	}
	return 0;
}

/* conda-meta/NAME.json */
int hm_source_conda(struct hm_source_out *out, struct hm_slice bytes)
{
	HM_CLEANUP(drop) json_t *root = parse(out, bytes);

	if (!root)
		return 0;
	return hm_source_package(out, &(struct hm_source_package){ .name = text_of(json_object_get(root, "name")),
								   .version = text_of(json_object_get(root, "version")),
								   .licence = text_of(json_object_get(root, "license")) });
}
