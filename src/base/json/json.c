#include "json.h"

#include "text.h"

#define DEPTH_MAX 32
#define INTEGER_MAX ((json_int_t)9007199254740991) /* 2^53-1: what every JSON reader keeps exactly */

/* Names are fixed ASCII, so that bytewise order is the order of UTF-16 code units that RFC 8785 demands. */
static bool name_is_plain(const char *name)
{
	for (; *name; name++)
		if (*name < 0x20 || *name > 0x7e)
			return false;
	return true;
}

/* What RFC 8785 leaves of this value under our restrictions; NULL when nothing is wrong with it. */
static const char *restriction_broken(const json_t *value, unsigned depth)
{
	const char *wrong = NULL;
	const json_t *item;
	size_t i;

	switch (json_typeof(value)) {
	case JSON_OBJECT:
		if (depth == 0)
			return "nested deeper than 32";
		for (void *it = json_object_iter((json_t *)(uintptr_t)value); it && !wrong;
		     it = json_object_iter_next((json_t *)(uintptr_t)value, it)) {
			if (!name_is_plain(json_object_iter_key(it)))
				return "a member's name is not plain ASCII";
			wrong = restriction_broken(json_object_iter_value(it), depth - 1);
		}
		return wrong;
	case JSON_ARRAY:
		if (depth == 0)
			return "nested deeper than 32";
		json_array_foreach (value, i, item) {
			wrong = restriction_broken(item, depth - 1);
			if (wrong)
				return wrong;
		}
		return NULL;
	case JSON_INTEGER:
		if (json_integer_value(value) > INTEGER_MAX || json_integer_value(value) < -INTEGER_MAX)
			return "an integer is beyond 2^53-1";
		return NULL;
	case JSON_REAL:
		return "a number is not an integer";
	case JSON_STRING:
		if (memchr(json_string_value(value), 0, json_string_length(value)))
			return "a string holds NUL";
		return NULL;
	default:
		return NULL;
	}
}

int hm_json_parse(json_t **ret, struct hm_slice text, const char *what, struct hm_fail *fail)
{
	const char *start = text.len ? (const char *)text.data : "";
	HM_JSON json_t *value = NULL;
	json_error_t error;
	const char *wrong;

	value = json_loadb(start, text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (!value) {
		/* jansson quotes the input behind " near": foreign bytes, which belong on nobody's terminal. */
		char *quoted = strstr(error.text, " near ");

		if (quoted)
			*quoted = 0;
		return hm_fail_set(fail, HM_E_BAD, "%s: not acceptable JSON, line %d column %d: %s", what, error.line,
				   error.column, error.text);
	}
	wrong = restriction_broken(value, DEPTH_MAX);
	if (wrong)
		return hm_fail_set(fail, HM_E_BAD, "%s: not acceptable JSON: %s", what, wrong);
	*ret = hm_take_ptr(&value);
	return 0;
}

int hm_json_parse_canonical(json_t **ret, struct hm_slice text, const char *what, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes again = { 0 };
	HM_JSON json_t *value = NULL;
	int r = hm_json_parse(&value, text, what, fail);
	size_t at = 0;

	if (r < 0)
		return r;
	hm_json_write(&again, value);
	if (!hm_slice_eq(hm_slice_of(&again), text)) {
		while (at < again.len && at < text.len && again.data[at] == text.data[at])
			at++;
		return hm_fail_set(fail, HM_E_BAD, "%s: not in canonical form from byte %zu on", what, at);
	}
	*ret = hm_take_ptr(&value);
	return 0;
}

static void write_string(struct hm_bytes *out, const char *s, size_t len)
{
	static const char short_escapes[0x20] = { ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r' };

	hm_bytes_u8(out, '"');
	for (size_t i = 0; i < len; i++) {
		uint8_t c = (uint8_t)s[i];

		if (c == '"' || c == '\\')
			hm_bytes_printf(out, "\\%c", c);
		else if (c < 0x20 && short_escapes[c])
			hm_bytes_printf(out, "\\%c", short_escapes[c]);
		else if (c < 0x20)
			hm_bytes_printf(out, "\\u%04x", c);
		else
			hm_bytes_u8(out, c);
	}
	hm_bytes_u8(out, '"');
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void write_value(struct hm_bytes *out, const json_t *value);

static void write_object(struct hm_bytes *out, const json_t *object)
{
	HM_FREE const char **names = hm_alloc(json_object_size(object), sizeof(*names));
	size_t count = 0;

	for (void *it = json_object_iter((json_t *)(uintptr_t)object); it;
	     it = json_object_iter_next((json_t *)(uintptr_t)object, it))
		names[count++] = json_object_iter_key(it);
	qsort(names, count, sizeof(*names), by_name);
	hm_bytes_u8(out, '{');
	for (size_t i = 0; i < count; i++) {
		if (i)
			hm_bytes_u8(out, ',');
		write_string(out, names[i], strlen(names[i]));
		hm_bytes_u8(out, ':');
		write_value(out, json_object_get(object, names[i]));
	}
	hm_bytes_u8(out, '}');
}

static void write_array(struct hm_bytes *out, const json_t *array)
{
	hm_bytes_u8(out, '[');
	for (size_t i = 0; i < json_array_size(array); i++) {
		if (i)
			hm_bytes_u8(out, ',');
		write_value(out, json_array_get(array, i));
	}
	hm_bytes_u8(out, ']');
}

static void write_value(struct hm_bytes *out, const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		write_object(out, value);
		break;
	case JSON_ARRAY:
		write_array(out, value);
		break;
	case JSON_STRING:
		write_string(out, json_string_value(value), json_string_length(value));
		break;
	case JSON_INTEGER:
		hm_bytes_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		break;
	case JSON_TRUE:
		hm_bytes_text(out, "true");
		break;
	case JSON_FALSE:
		hm_bytes_text(out, "false");
		break;
	case JSON_NULL:
		hm_bytes_text(out, "null");
		break;
	case JSON_REAL:
		abort();
	}
}

void hm_json_write(struct hm_bytes *out, const json_t *value)
{
	if (!value || restriction_broken(value, DEPTH_MAX))
		abort();
	write_value(out, value);
}

/* What can stand in a JSON string of ours: UTF-8 without NUL. */
static bool is_text(struct hm_slice s)
{
	return hm_text_is_utf8(s) && (s.len == 0 || !memchr(s.data, 0, s.len));
}

void hm_json_set_bytes(json_t *object, const char *name, struct hm_slice s)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes encoded = { 0 };
	HM_FREE char *encoded_name = hm_sprintf("%s_b64", name);
	const char *set = name, *text = s.len ? (const char *)s.data : "";
	size_t len = s.len;

	if (!is_text(s)) {
		hm_text_base64(&encoded, s);
		set = encoded_name;
		text = (const char *)encoded.data;
		len = encoded.len;
	}
	if (json_object_set_new(object, set, json_stringn(text, len)) < 0)
		abort();
}

int hm_json_get_bytes(const json_t *object, const char *name, struct hm_bytes *out, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes decoded = { 0 };
	HM_FREE char *encoded_name = hm_sprintf("%s_b64", name);
	const json_t *text = json_object_get(object, name), *encoded = json_object_get(object, encoded_name);

	if (!text == !encoded)
		return hm_fail_set(fail, HM_E_BAD, "member %s: %s", name,
				   text ? "both as text and as base64" : "it is missing");
	if (!json_is_string(text ? text : encoded))
		return hm_fail_set(fail, HM_E_BAD, "member %s: not a string", text ? name : encoded_name);
	if (text) {
		hm_bytes_append(out, json_string_value(text), json_string_length(text));
		return 0;
	}
	if (hm_text_unbase64(&decoded, (struct hm_slice){ (const uint8_t *)json_string_value(encoded),
							  json_string_length(encoded) }) < 0)
		return hm_fail_set(fail, HM_E_BAD, "member %s: not base64", encoded_name);
	if (is_text(hm_slice_of(&decoded)))
		return hm_fail_set(fail, HM_E_BAD, "member %s: text belongs into %s", encoded_name, name);
	hm_bytes_slice(out, hm_slice_of(&decoded));
	return 0;
}

/* A row's name without its marks. */
struct row_name {
	size_t len;
	bool optional, nullable;
};

static struct row_name row_name(const char *name)
{
	struct row_name row = { strlen(name), false, false };

	if (row.len && name[row.len - 1] == '?') {
		row.optional = true;
		row.len--;
	}
	if (row.len && name[row.len - 1] == '|') {
		row.nullable = true;
		row.len--;
	}
	return row;
}

static bool type_fits(const json_t *value, int type, bool nullable)
{
	if (type == HM_JSON_ANY || (nullable && json_is_null(value)))
		return true;
	if (type == HM_JSON_BOOL)
		return json_is_boolean(value);
	return (int)json_typeof(value) == type;
}

static const char *type_name(int type)
{
	static const char *const names[] = {
		[JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array", [JSON_STRING] = "a string",
		[JSON_INTEGER] = "an integer", [JSON_REAL] = "a real", [JSON_TRUE] = "true",
		[JSON_FALSE] = "false", [JSON_NULL] = "null",
	};

	return type == HM_JSON_BOOL ? "true or false" : names[type];
}

static bool in_shape(const struct hm_json_member *rows, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strlen(name) == row_name(rows[i].name).len &&
		    strncmp(rows[i].name, name, strlen(name)) == 0)
			return true;
	return false;
}

int hm_json_shape(const json_t *value, const struct hm_json_member *rows, size_t count, const char *what,
		  struct hm_fail *fail)
{
	if (!json_is_object(value))
		return hm_fail_set(fail, HM_E_BAD, "%s: not an object", what);
	for (size_t i = 0; i < count; i++) {
		struct row_name row = row_name(rows[i].name);
		HM_FREE char *name = hm_slice_dup((struct hm_slice){ (const uint8_t *)rows[i].name, row.len });
		const json_t *member = json_object_get(value, name);

		if (!member && row.optional)
			continue;
		if (!member)
			return hm_fail_set(fail, HM_E_BAD, "%s: member %s is missing", what, name);
		if (!type_fits(member, rows[i].type, row.nullable))
			return hm_fail_set(fail, HM_E_BAD, "%s: member %s is not %s", what, name, type_name(rows[i].type));
	}
	for (void *it = json_object_iter((json_t *)(uintptr_t)value); it;
	     it = json_object_iter_next((json_t *)(uintptr_t)value, it))
		if (strcmp(json_object_iter_key(it), "x") != 0 && !in_shape(rows, count, json_object_iter_key(it)))
			return hm_fail_set(fail, HM_E_BAD, "%s: unknown member %s", what, json_object_iter_key(it));
	return 0;
}
