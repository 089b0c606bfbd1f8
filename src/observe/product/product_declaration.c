/* Declarations: from YAML, where each line may carry its source, to declaration.json (doc/format/core.md). The sources go
 * to its member x, which no reader judges by. */
#include "product_internal.h"

static bool one_of(const char *s, const char *const *list)
{
	for (; *list; list++)
		if (!strcmp(s, *list))
			return true;
	return false;
}

/* A name as DNS asks for it, or an address in brackets. */
static const char *name_broken(const char *s)
{
	size_t n = strlen(s);

	if (s[0] == '[')
		return n >= 4 && s[n - 1] == ']' && strspn(s + 1, "0123456789abcdef.:") == n - 2 ? NULL : "not an address in brackets";
	return n <= 253 && s[n - 1] != '.' && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == n
		       ? NULL
		       : "not a lower-case name without a dot at its end, nor an address in brackets";
}

/* A pattern of doc/format/core.md. */
static const char *pattern_broken(const char *s)
{
	static const char target[] = "{target}";
	bool from_target = !strncmp(s, target, strlen(target));
	const char *stars = strstr(s, "**");

	if (from_target)
		s += strlen(target);
	if ((*s && *s != '/') || (!*s && !from_target) || strchr(s, '{') || strchr(s, '}'))
		return "not an absolute path, and not one that begins with {target}";
	if (strstr(s, "/../") || strstr(s, "/./") || strstr(s, "//"))
		return "a pattern holds //, /./ or /../";
	if (stars && (stars == s || stars[-1] != '/' || stars[2]))
		return "** is only for the last component";
	return NULL;
}

static const char *privilege_broken(const char *s)
{
	bool capability = !strncmp(s, "CAP_", 4) && s[4] && !s[4 + strspn(s + 4, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_")];
	bool uid = !strncmp(s, "uid ", 4) && s[4] && !s[4 + strspn(s + 4, "0123456789")];

	return capability || uid ? NULL : "neither CAP_... nor uid N";
}

/* Lists of texts. An item may also be {is: text, source: text}. */
static const struct {
	const char *name;
	const char *(*broken)(const char *);
} texts[] = {
	{ "writes", pattern_broken }, { "reads", pattern_broken }, { "privileges", privilege_broken },
	{ "values", NULL },	      { "switches", NULL },
};

static void keep_source(json_t *sources, const char *list, size_t index, const json_t *item)
{
	const char *source = text_at(item, "source");

	if (source)
		json_array_append_new(sources, json_pack("{s:s, s:I, s:s}", "list", list, "index", (json_int_t)index, "source", source));
}

static int read_texts(json_t *out, json_t *sources, const struct hm_yaml *y, const json_t *node, size_t which,
		      struct hm_fail *fail)
{
	static const struct row rows[] = {
		{ .name = "is", .kind = ROW_TEXT, .required = true },
		{ .name = "source", .kind = ROW_TEXT, .required = true },
	};
	const char *name = texts[which].name, *broken;
	const json_t *list = json_object_get(node, name), *item;
	json_t *made = json_array();
	size_t i;

	json_object_set_new(out, name, made);
	json_array_foreach (list, i, item) {
		const char *text = json_string_value(item);
		int r = json_is_object(item) ? product_check(y, item, name, rows, HM_COUNT(rows), fail) : 0;

		if (r < 0)
			return r;
		if (!text)
			text = text_at(item, "is");
		if (!text || !*text)
			return hm_yaml_fail(y, item, fail, "%s: an item is a text, or {is, source}", name);
		broken = texts[which].broken ? texts[which].broken(text) : NULL;
		if (broken)
			return hm_yaml_fail(y, item, fail, "%s: %.100s: %s", name, text, broken);
		json_array_append_new(made, json_string(text));
		keep_source(sources, name, i, item);
	}
	return 0;
}

/* endpoints and listens: {name, port, proto}, the second without a name. */
static int read_sockets(json_t *out, json_t *sources, const struct hm_yaml *y, const json_t *node, const char *name,
			bool named, struct hm_fail *fail)
{
	static const char *const protocols[] = { "tcp", "udp", NULL };
	static const struct row rows[] = {
		{ .name = "port", .kind = ROW_INTEGER, .required = true },
		{ .name = "proto", .kind = ROW_TEXT, .required = true },
		{ .name = "source", .kind = ROW_TEXT },
		{ .name = "name", .kind = ROW_TEXT, .required = true },
	};
	const json_t *list = json_object_get(node, name), *item;
	json_t *made = json_array();
	size_t i;

	json_object_set_new(out, name, made);
	json_array_foreach (list, i, item) {
		int r = product_check(y, item, name, rows, HM_COUNT(rows) - !named, fail);
		json_int_t port = json_integer_value(json_object_get(item, "port"));
		const char *broken = NULL;
		json_t *row;

		if (r < 0)
			return r;
		if (port < 1 || port > 65535 || !one_of(text_at(item, "proto"), protocols))
			return hm_yaml_fail(y, item, fail, "%s: port must be 1 to 65535, proto tcp or udp", name);
		if (named)
			broken = name_broken(text_at(item, "name"));
		if (broken)
			return hm_yaml_fail(y, item, fail, "%s: %.100s: %s", name, text_at(item, "name"), broken);
		row = json_copy((json_t *)(uintptr_t)item);
		json_object_del(row, "source");
		json_array_append_new(made, row);
		keep_source(sources, name, i, item);
	}
	return 0;
}

/* "public.pyzor.org:24441/udp", as findings call it. */
static bool is_endpoint(const char *text)
{
	HM_FREE char *name = hm_strdup(text);
	char *colon = strrchr(name, ':'), *end;
	unsigned long port;

	if (!colon || colon == name)
		return false;
	*colon = 0;
	if (name_broken(name) || colon[1] < '0' || colon[1] > '9')
		return false;
	port = strtoul(colon + 1, &end, 10);
	return port <= 65535 && (strcmp(end, "/tcp") == 0 || strcmp(end, "/udp") == 0 || (port == 0 && strcmp(end, "/icmp") == 0));
}

/* What is sent of the files that it scans: {value, of, to}. */
static int read_collects(json_t *out, json_t *sources, const struct hm_yaml *y, const json_t *node, struct hm_fail *fail)
{
	static const char *const values[] = { "content", "md5", "name", "pyzor", "pyzor.signature", "sha1", "sha224", "sha256", "sha384", "sha512", "size", NULL };
	static const char *const of[] = { "file", "part", NULL };
	static const struct row rows[] = {
		{ .name = "value", .kind = ROW_TEXT, .required = true },
		{ .name = "of", .kind = ROW_TEXT },
		{ .name = "to", .kind = ROW_TEXT },
		{ .name = "source", .kind = ROW_TEXT },
	};
	const json_t *list = json_object_get(node, "collects"), *item;
	json_t *made = json_array();
	size_t i;

	json_object_set_new(out, "collects", made);
	json_array_foreach (list, i, item) {
		int r = product_check(y, item, "collects", rows, HM_COUNT(rows), fail);
		const char *what = text_at(item, "of") ? text_at(item, "of") : "file", *to = text_at(item, "to");
		json_t *row;

		if (r < 0)
			return r;
		if (!one_of(text_at(item, "value"), values) || !one_of(what, of))
			return hm_yaml_fail(y, item, fail, "collects: value is one of content, md5, name, pyzor, pyzor.signature, sha1, sha224, sha256, sha384, sha512, size; "
							   "of is file or part");
		if (to && !is_endpoint(to))
			return hm_yaml_fail(y, item, fail, "collects: to: %.100s: not NAME:PORT/tcp or /udp", to);
		row = json_pack("{s:s,s:s}", "value", text_at(item, "value"), "of", what);
		if (to)
			json_object_set_new(row, "to", json_string(to));
		json_array_append_new(made, row);
		keep_source(sources, "collects", i, item);
	}
	return 0;
}

/* How it takes other authorities than those that it trusts by itself: what is said stands for all three, and one at least is there. */
static int read_variables(json_t *out, const struct hm_yaml *y, const json_t *node, struct hm_fail *fail)
{
	static const struct row rows[] = {
		{ .name = "name", .kind = ROW_TEXT, .required = true },
		{ .name = "value", .kind = ROW_TEXT, .required = true },
	};
	const json_t *item;
	size_t i;

	json_array_foreach (json_object_get(node, "environment"), i, item) {
		int r = product_check(y, item, "environment", rows, HM_COUNT(rows), fail);
		const char *name = text_at(item, "name");

		if (r < 0)
			return r;
		if (strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") != strlen(name))
			return hm_yaml_fail(y, item, fail, "environment: %.100s: not the name of a variable", name);
		json_array_append(json_object_get(out, "environment"), (json_t *)(uintptr_t)item);
	}
	return 0;
}

static int read_trusted_files(json_t *out, const struct hm_yaml *y, const json_t *node, struct hm_fail *fail)
{
	static const char *const forms[] = { "pem", "der", "added", "keystore", NULL };
	static const struct row rows[] = {
		{ .name = "path", .kind = ROW_TEXT, .required = true },
		{ .name = "as", .kind = ROW_TEXT, .required = true },
	};
	const json_t *item;
	size_t i;

	json_array_foreach (json_object_get(node, "files"), i, item) {
		int r = product_check(y, item, "files", rows, HM_COUNT(rows), fail);
		const char *path = text_at(item, "path");

		if (r < 0)
			return r;
		if (pattern_broken(path) || strpbrk(path, "*{") || path[strlen(path) - 1] == '/' || !one_of(text_at(item, "as"), forms))
			return hm_yaml_fail(y, item, fail, "files: path is an absolute one, as is pem, der, added or keystore");
		json_array_append(json_object_get(out, "files"), (json_t *)(uintptr_t)item);
	}
	return 0;
}

static int read_authorities(json_t *out, json_t *sources, const struct hm_yaml *y, const json_t *node, struct hm_fail *fail)
{
	static const struct row rows[] = {
		{ .name = "arguments", .kind = ROW_TEXTS },
		{ .name = "environment", .kind = ROW_LIST },
		{ .name = "files", .kind = ROW_LIST },
		{ .name = "source", .kind = ROW_TEXT },
	};
	const json_t *authorities = json_object_get(node, "authorities"), *arguments = json_object_get(authorities, "arguments");
	HM_JSON json_t *made = json_pack("{s:o,s:[],s:[]}", "arguments", arguments ? json_deep_copy(arguments) : json_array(), "environment", "files");
	int r = product_check(y, authorities, "authorities", rows, HM_COUNT(rows), fail);

	if (r == 0)
		r = read_variables(made, y, authorities, fail);
	if (r == 0)
		r = read_trusted_files(made, y, authorities, fail);
	if (r < 0)
		return r;
	if (!json_array_size(json_object_get(made, "arguments")) && !json_array_size(json_object_get(made, "environment")) && !json_array_size(json_object_get(made, "files")))
		return hm_yaml_fail(y, authorities, fail, "authorities: no argument, no variable and no file");
	keep_source(sources, "authorities", 0, authorities);
	json_object_set_new(out, "authorities", hm_take_ptr(&made));
	return 0;
}

static int read_detects(json_t *out, const struct hm_yaml *y, const json_t *node, struct hm_fail *fail)
{
	static const struct row rows[] = {
		{ .name = "stream", .kind = ROW_INTEGER, .required = true },
		{ .name = "line", .kind = ROW_TEXT, .required = true },
	};
	const json_t *detects = json_object_get(node, "detects");
	json_int_t stream = json_integer_value(json_object_get(detects, "stream"));
	const char *line = text_at(detects, "line");
	int r = product_check(y, detects, "detects", rows, HM_COUNT(rows), fail);

	if (r < 0)
		return r;
	if ((stream != 1 && stream != 2) || !strstr(line, "{path}") || !strstr(line, "{name}") || strchr(line, '\n'))
		return hm_yaml_fail(y, detects, fail, "detects: stream is 1 or 2, and line holds {path} and {name}");
	json_object_set(out, "detects", (json_t *)(uintptr_t)detects);
	return 0;
}

static int check_declaration(const struct hm_yaml *y, const json_t *node, bool named, struct hm_fail *fail)
{
	static const char *const authors[] = { "supplier", "assessor", "project", NULL };
	static const struct row rows[] = {
		{ .name = "author", .kind = ROW_TEXT, .required = true },
		{ .name = "source", .kind = ROW_TEXT, .required = true },
		{ .name = "endpoints", .kind = ROW_LIST },
		{ .name = "writes", .kind = ROW_LIST },
		{ .name = "reads", .kind = ROW_LIST },
		{ .name = "privileges", .kind = ROW_LIST },
		{ .name = "listens", .kind = ROW_LIST },
		{ .name = "detects", .kind = ROW_OBJECT },
		{ .name = "values", .kind = ROW_LIST },
		{ .name = "switches", .kind = ROW_LIST },
		{ .name = "collects", .kind = ROW_LIST },
		{ .name = "authorities", .kind = ROW_OBJECT },
		{ .name = "product", .kind = ROW_TEXT, .required = true },
	};
	int r = product_check(y, node, "declaration", rows, HM_COUNT(rows) - !named, fail);

	if (r == 0 && !one_of(text_at(node, "author"), authors))
		r = hm_yaml_fail(y, node, fail, "declaration: author is supplier, assessor or project");
	return r;
}

int product_declare(json_t **ret, const struct hm_yaml *y, const json_t *node, const char *product, struct hm_fail *fail)
{
	HM_JSON json_t *out = json_object();
	HM_JSON json_t *sources = json_array();
	int r = check_declaration(y, node, product == NULL, fail);

	if (r < 0)
		return r;
	json_object_set_new(out, "schema", json_string("hallmark/declaration/v1"));
	json_object_set_new(out, "product", json_string(product ? product : text_at(node, "product")));
	json_object_set_new(out, "author", json_string(text_at(node, "author")));
	json_object_set_new(out, "source", json_string(text_at(node, "source")));
	/* A list that is not there says nothing, one that is empty says that there is nothing: both stay what they are. */
	for (size_t i = 0; r == 0 && i < HM_COUNT(texts); i++)
		if (json_object_get(node, texts[i].name))
			r = read_texts(out, sources, y, node, i, fail);
	if (r == 0 && json_object_get(node, "endpoints"))
		r = read_sockets(out, sources, y, node, "endpoints", true, fail);
	if (r == 0 && json_object_get(node, "listens"))
		r = read_sockets(out, sources, y, node, "listens", false, fail);
	if (r == 0 && json_object_get(node, "collects"))
		r = read_collects(out, sources, y, node, fail);
	if (r == 0 && json_object_get(node, "authorities"))
		r = read_authorities(out, sources, y, node, fail);
	if (r == 0 && json_object_get(node, "detects"))
		r = read_detects(out, y, node, fail);
	if (r < 0)
		return r;
	if (json_array_size(sources))
		json_object_set_new(out, "x", json_pack("{s:O}", "sources", sources));
	*ret = hm_take_ptr(&out);
	return 0;
}

int hm_product_declaration(json_t **ret, const char *path, struct hm_fail *fail)
{
	HM_CLEANUP(hm_yaml_release) struct hm_yaml y = { 0 };
	int r = hm_yaml_load(&y, path, fail);

	return r < 0 ? r : product_declare(ret, &y, y.root, NULL, fail);
}
