/* data/products/NAME.yaml. */
#include "product.h"

#include <dirent.h>
#include <errno.h>

#include "fs.h"
#include "product_internal.h"

#define FILE_MAX (8u << 20)
#define TIME_LIMIT_DEFAULT 120
#define TIME_LIMIT_MAX 3600

static bool name_is_sound(const char *name)
{
	return *name && strlen(name) <= 64 && !strchr("-.", *name) &&
	       !name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-._")];
}

static const char *kind_broken(const json_t *value, enum row_kind kind)
{
	const json_t *item;
	size_t i;

	switch (kind) {
	case ROW_TEXT:
		return json_is_string(value) && json_string_length(value) ? NULL : "must be a text that is not empty";
	case ROW_INTEGER:
		return json_is_integer(value) && json_integer_value(value) >= 0 ? NULL : "must be a number from 0";
	case ROW_OBJECT:
		return json_is_object(value) ? NULL : "must have members";
	case ROW_LIST:
		return json_is_array(value) ? NULL : "must be a list";
	case ROW_TEXTS:
		if (!json_is_array(value))
			return "must be a list";
		json_array_foreach (value, i, item)
			if (kind_broken(item, ROW_TEXT))
				return "must be a list of texts";
	}
	return NULL;
}

int product_check(const struct hm_yaml *y, const json_t *node, const char *what, const struct row *rows, size_t count,
		  struct hm_fail *fail)
{
	const char *name, *broken;
	json_t *value;

	if (!json_is_object(node))
		return hm_yaml_fail(y, node, fail, "%s must have members", what);
	json_object_foreach ((json_t *)(uintptr_t)node, name, value) {
		size_t i = 0;

		while (i < count && strcmp(rows[i].name, name))
			i++;
		if (i == count)
			return hm_yaml_fail(y, value, fail, "%s: no member is called %s", what, name);
		if (rows[i].may_be_null && json_is_null(value))
			continue;
		broken = kind_broken(value, rows[i].kind);
		if (broken)
			return hm_yaml_fail(y, value, fail, "%s: %s %s", what, name, broken);
	}
	for (size_t i = 0; i < count; i++)
		if (rows[i].required && !json_object_get(node, rows[i].name))
			return hm_yaml_fail(y, node, fail, "%s: %s is missing", what, rows[i].name);
	return 0;
}

void product_add_file(struct hm_product_files *files, const char *path, struct hm_bytes *content, mode_t mode)
{
	files->file = hm_realloc(files->file, files->count + 1, sizeof(*files->file));
	files->file[files->count++] = (struct hm_product_file){ hm_strdup(path), *content, mode };
	*content = (struct hm_bytes){ 0 };
}

static char *take_text(const json_t *object, const char *name)
{
	const char *s = text_at(object, name);

	return s ? hm_strdup(s) : NULL;
}

static char **take_texts(const json_t *object, const char *name)
{
	const json_t *list = json_object_get(object, name), *item;
	char **out = hm_alloc(json_array_size(list) + 1, sizeof(*out));
	size_t i;

	json_array_foreach (list, i, item)
		out[i] = hm_strdup(json_string_value(item));
	return out;
}

/* Absolute (or, for the mirror, relative), and no component that leads elsewhere. */
static bool path_is_sound(const char *path, bool absolute)
{
	HM_FREE char *framed = hm_sprintf("/%s/", path + (absolute && *path == '/'));

	return *path && (*path == '/') == absolute && !strstr(framed, "//") && !strstr(framed, "/./") &&
	       !strstr(framed, "/../");
}

static int read_file_row(struct hm_product_files *files, const struct hm_yaml *y, const json_t *node, const char *data_dir,
			 bool absolute, struct hm_fail *fail)
{
	static const struct row rows[] = {
		{ .name = "path", .kind = ROW_TEXT, .required = true },
		{ .name = "text", .kind = ROW_TEXT },
		{ .name = "file", .kind = ROW_TEXT },
	};
	HM_CLEANUP(hm_bytes_release) struct hm_bytes content = { 0 };
	const char *file = text_at(node, "file"), *text = text_at(node, "text");
	int r = product_check(y, node, absolute ? "plant" : "mirror", rows, HM_COUNT(rows), fail);

	if (r < 0)
		return r;
	if (!path_is_sound(text_at(node, "path"), absolute))
		return hm_yaml_fail(y, node, fail, "path must be %s and hold no empty component, . or ..",
				    absolute ? "absolute" : "relative");
	if (!file == !text)
		return hm_yaml_fail(y, node, fail, "either text or file");
	if (text) {
		hm_bytes_text(&content, text);
	} else {
		HM_FREE char *from = hm_sprintf("%s/products/files/%s", data_dir, file);

		if (!name_is_sound(file))
			return hm_yaml_fail(y, node, fail, "file must name one in products/files");
		r = hm_fs_read(&content, from, FILE_MAX, fail);
		if (r < 0)
			return r;
	}
	product_add_file(files, text_at(node, "path"), &content, 0644);
	return 0;
}

static int read_files(struct hm_product_files *files, const struct hm_yaml *y, const char *name, const char *data_dir,
		      bool absolute, struct hm_fail *fail)
{
	const json_t *item;
	size_t i;
	int r = 0;

	json_array_foreach (json_object_get(y->root, name), i, item) {
		r = read_file_row(files, y, item, data_dir, absolute, fail);
		if (r < 0)
			break;
	}
	return r;
}

static int check_supplier(const struct hm_yaml *y, const json_t *node, struct hm_fail *fail)
{
	static const struct row supplier[] = {
		{ .name = "id", .kind = ROW_TEXT, .required = true },
		{ .name = "name", .kind = ROW_TEXT, .required = true },
		{ .name = "control", .kind = ROW_OBJECT, .required = true, .may_be_null = true },
	};
	static const struct row control[] = {
		{ .name = "country", .kind = ROW_TEXT, .required = true },
		{ .name = "since", .kind = ROW_TEXT, .required = true, .may_be_null = true },
		{ .name = "source", .kind = ROW_TEXT, .required = true },
	};
	const json_t *held = json_object_get(node, "control");
	int r = product_check(y, node, "supplier", supplier, HM_COUNT(supplier), fail);

	if (r < 0 || json_is_null(held))
		return r;
	r = product_check(y, held, "control", control, HM_COUNT(control), fail);
	if (r == 0 && strlen(text_at(held, "country")) != 2)
		r = hm_yaml_fail(y, held, fail, "control: country is not two letters (ISO 3166-1)");
	return r;
}

static int check_definitions(const struct hm_yaml *y, const json_t *node, struct hm_fail *fail)
{
	static const struct row rows[] = {
		{ .name = "kind", .kind = ROW_TEXT, .required = true },
		{ .name = "installed", .kind = ROW_TEXT, .required = true },
		{ .name = "folder", .kind = ROW_TEXT, .required = true },
		{ .name = "sample", .kind = ROW_TEXT, .required = true },
		{ .name = "offset", .kind = ROW_INTEGER, .required = true },
		{ .name = "length", .kind = ROW_INTEGER, .required = true },
	};
	int r = product_check(y, node, "definitions", rows, HM_COUNT(rows), fail);

	if (r < 0)
		return r;
	if (strcmp(text_at(node, "kind"), "clamav"))
		return hm_yaml_fail(y, node, fail, "definitions: kind must be clamav");
	if (!path_is_sound(text_at(node, "installed"), true) || !path_is_sound(text_at(node, "folder"), true) ||
	    !name_is_sound(text_at(node, "sample")))
		return hm_yaml_fail(y, node, fail, "definitions: not a path, or a sample's name is not one");
	if (!text_at(y->root, "samples"))
		return hm_yaml_fail(y, node, fail, "definitions are made of samples, and samples is missing");
	return 0;
}

static int check_top(const struct hm_yaml *y, const char *name, struct hm_fail *fail)
{
	static const struct row rows[] = {
		{ .name = "name", .kind = ROW_TEXT, .required = true },
		{ .name = "purl", .kind = ROW_TEXT },
		{ .name = "never_run", .kind = ROW_TEXT },
		{ .name = "supplier", .kind = ROW_OBJECT },
		{ .name = "packages", .kind = ROW_TEXTS },
		{ .name = "command", .kind = ROW_TEXTS, .required = true },
		{ .name = "stdin", .kind = ROW_TEXT },
		{ .name = "samples", .kind = ROW_TEXT },
		{ .name = "scenario", .kind = ROW_TEXT },
		{ .name = "time_limit_s", .kind = ROW_INTEGER },
		{ .name = "plant", .kind = ROW_LIST },
		{ .name = "mirror", .kind = ROW_LIST },
		{ .name = "definitions", .kind = ROW_OBJECT },
		{ .name = "declaration", .kind = ROW_OBJECT },
	};
	const json_t *limit = json_object_get(y->root, "time_limit_s"), *packages = json_object_get(y->root, "packages");
	const json_t *item;
	size_t i;
	int r = product_check(y, y->root, "product", rows, HM_COUNT(rows), fail);

	if (r < 0)
		return r;
	if (strcmp(text_at(y->root, "name"), name))
		return hm_yaml_fail(y, json_object_get(y->root, "name"), fail, "name is not the file's, %s", name);
	if (json_array_size(json_object_get(y->root, "command")) == 0)
		return hm_yaml_fail(y, json_object_get(y->root, "command"), fail, "command is empty");
	if (limit && (json_integer_value(limit) < 1 || json_integer_value(limit) > TIME_LIMIT_MAX))
		return hm_yaml_fail(y, limit, fail, "time_limit_s must be 1 to %d", TIME_LIMIT_MAX);
	if (text_at(y->root, "scenario") && !name_is_sound(text_at(y->root, "scenario")))
		return hm_yaml_fail(y, json_object_get(y->root, "scenario"), fail, "scenario must name one in scenarios");
	if (text_at(y->root, "samples") && !path_is_sound(text_at(y->root, "samples"), true))
		return hm_yaml_fail(y, json_object_get(y->root, "samples"), fail, "samples must be an absolute path");
	json_array_foreach (packages, i, item)
		if (strspn(json_string_value(item), "abcdefghijklmnopqrstuvwxyz0123456789+-.") != json_string_length(item))
			return hm_yaml_fail(y, item, fail, "packages: not a package's name");
	return 0;
}

static int read_product(struct hm_product *p, const struct hm_yaml *y, const char *data_dir, struct hm_fail *fail)
{
	const json_t *top = y->root, *limit = json_object_get(top, "time_limit_s");
	int r = 0;

	p->name = take_text(top, "name");
	p->purl = take_text(top, "purl");
	p->never_run = take_text(top, "never_run");
	p->packages = take_texts(top, "packages");
	p->argv = take_texts(top, "command");
	p->stdin_path = take_text(top, "stdin");
	p->samples = take_text(top, "samples");
	p->scenario = take_text(top, "scenario");
	p->time_limit_s = limit ? (unsigned)json_integer_value(limit) : TIME_LIMIT_DEFAULT;
	p->definitions = json_array();
	p->supplier = json_incref(json_object_get(top, "supplier"));
	p->definitions_wanted = json_incref(json_object_get(top, "definitions"));
	if (p->supplier)
		r = check_supplier(y, p->supplier, fail);
	if (r == 0 && p->definitions_wanted)
		r = check_definitions(y, p->definitions_wanted, fail);
	if (r == 0)
		r = read_files(&p->plant, y, "plant", data_dir, true, fail);
	if (r == 0)
		r = read_files(&p->mirror, y, "mirror", data_dir, false, fail);
	if (r == 0 && json_object_get(top, "declaration"))
		r = product_declare(&p->declaration, y, json_object_get(top, "declaration"), p->name, fail);
	return r;
}

static int alphabetical(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "no product X (known: ...)" */
static int unknown_product(const char *data_dir, const char *name, struct hm_fail *fail)
{
	HM_FREE char *folder = hm_sprintf("%s/products", data_dir);
	HM_CLEANUP(hm_bytes_release) struct hm_bytes known = { 0 };
	DIR *dir = opendir(folder);
	char *names[256];
	size_t count = 0;
	struct dirent *e;

	while (dir && count < HM_COUNT(names) && (e = readdir(dir))) {
		size_t n = strlen(e->d_name);

		if (n > 5 && !strcmp(e->d_name + n - 5, ".yaml"))
			names[count++] = hm_sprintf("%.*s", (int)(n - 5), e->d_name);
	}
	if (dir)
		closedir(dir);
	qsort(names, count, sizeof(*names), alphabetical);
	for (size_t i = 0; i < count; i++) {
		hm_bytes_printf(&known, "%s%s", i ? ", " : "", names[i]);
		free(names[i]);
	}
	hm_bytes_u8(&known, 0);
	return hm_fail_set(fail, HM_E_USAGE, "no product %.64s in %s (known: %s)", name, folder,
			   known.len > 1 ? (char *)known.data : "none");
}

int hm_product_load(struct hm_product *out, const char *data_dir, const char *name, struct hm_fail *fail)
{
	HM_FREE char *path = hm_sprintf("%s/products/%s.yaml", data_dir, name);
	HM_CLEANUP(hm_yaml_release) struct hm_yaml y = { 0 };
	HM_CLEANUP(hm_product_release) struct hm_product made = { 0 };
	int r;

	if (!name_is_sound(name) || (access(path, F_OK) < 0 && errno == ENOENT))
		return unknown_product(data_dir, name, fail);
	r = hm_yaml_load(&y, path, fail);
	if (r == 0)
		r = check_top(&y, name, fail);
	if (r == 0)
		r = read_product(&made, &y, data_dir, fail);
	if (r < 0)
		return r;
	*out = made;
	made = (struct hm_product){ 0 };
	return 0;
}

static void free_texts(char **list)
{
	for (size_t i = 0; list && list[i]; i++)
		free(list[i]);
	free(list);
}

static void free_files(struct hm_product_files *files)
{
	for (size_t i = 0; i < files->count; i++) {
		free(files->file[i].path);
		hm_bytes_release(&files->file[i].content);
	}
	free(files->file);
}

void hm_product_release(struct hm_product *p)
{
	free(p->name);
	free(p->purl);
	free(p->never_run);
	json_decref(p->supplier);
	json_decref(p->declaration);
	json_decref(p->definitions);
	json_decref(p->definitions_wanted);
	free_texts(p->packages);
	free_texts(p->argv);
	free(p->stdin_path);
	free(p->samples);
	free(p->scenario);
	free_files(&p->plant);
	free_files(&p->mirror);
	*p = (struct hm_product){ 0 };
}
