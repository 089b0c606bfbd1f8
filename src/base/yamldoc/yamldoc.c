#include "yamldoc.h"

#include <stdarg.h>
#include <strings.h>
#include <yaml.h>

#include "fs.h"
#include "text.h"

#define TEXT_MAX (256u << 10)
#define DEPTH_MAX 16
#define NODES_MAX 20000
#define NAME_MAX_LEN 64

struct reading {
	struct hm_yaml *out;
	yaml_parser_t parser;
	struct hm_fail *fail;
};

static void delete_parser(struct reading *r)
{
	yaml_parser_delete(&r->parser);
}

static void delete_event(yaml_event_t *event)
{
	yaml_event_delete(event);
}
#define EVENT HM_CLEANUP(delete_event) yaml_event_t

static int wrong(struct reading *r, size_t line, const char *why)
{
	return hm_fail_set(r->fail, HM_E_BAD, "%s line %zu: %s", r->out->what, line + 1, why);
}

/* What libyaml would take for a line break, a byte order mark or the end of the text, and an editor might not show. */
static int check_text(struct hm_slice text, const char *what, struct hm_fail *fail)
{
	static const char *const hidden[] = { "\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xef\xbb\xbf" };
	size_t line = 1;

	if (text.len > TEXT_MAX)
		return hm_fail_set(fail, HM_E_BAD, "%s: larger than %u bytes", what, TEXT_MAX);
	if (!hm_text_is_utf8(text))
		return hm_fail_set(fail, HM_E_BAD, "%s: not UTF-8", what);
	for (size_t i = 0; i < text.len; i++) {
		uint8_t b = text.data[i];

		if ((b < 0x20 && b != '\n' && b != '\t') || b == 0x7f)
			return hm_fail_set(fail, HM_E_BAD, "%s line %zu: control character 0x%02x", what, line, b);
		for (size_t k = 0; k < HM_COUNT(hidden); k++)
			if (text.len - i >= strlen(hidden[k]) && !memcmp(text.data + i, hidden[k], strlen(hidden[k])))
				return hm_fail_set(fail, HM_E_BAD, "%s line %zu: hidden line break or byte order mark", what, line);
		line += b == '\n';
	}
	return 0;
}

static int next_event(struct reading *r, yaml_event_t *event)
{
	const yaml_parser_t *p = &r->parser;

	if (yaml_parser_parse(&r->parser, event))
		return 0;
	memset(event, 0, sizeof(*event));
	return wrong(r, p->problem_mark.line, p->problem ? p->problem : "not YAML");
}

static int remember(struct reading *r, const json_t *node, size_t line)
{
	struct hm_yaml *y = r->out;

	if (y->count >= NODES_MAX)
		return wrong(r, line, "too many values");
	if ((y->count & (y->count + 1)) == 0)
		y->lines = hm_realloc(y->lines, 2 * y->count + 2, sizeof(*y->lines));
	y->lines[y->count++] = (struct hm_yaml_line){ node, line + 1 };
	return 0;
}

/* Decimal, without leading zeros, at most 15 digits: within what every JSON reader keeps exactly. */
static bool is_integer(const char *s)
{
	bool negative = *s == '-';
	const char *digits = s + negative;
	size_t n = strspn(digits, "0123456789");

	return n >= 1 && n <= 15 && digits[n] == 0 && (digits[0] != '0' || (n == 1 && !negative));
}

/* True for plain scalars that some reader of YAML takes for something else than text. */
static bool is_ambiguous(const char *s)
{
	static const char *const words[] = { "", "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", ".inf",
					     "-.inf", "+.inf", ".nan", "=", "<<" };
	size_t digits = strcspn(s, "0123456789");

	for (size_t i = 0; i < HM_COUNT(words); i++)
		if (strcasecmp(s, words[i]) == 0)
			return true;
	return strchr("0123456789+-.", s[0]) && s[digits] && s[strspn(s, "0123456789abcdefABCDEFxXoO.:_+-TZ")] == 0;
}

static int read_scalar(struct reading *r, const yaml_event_t *event, json_t **ret)
{
	HM_JSON json_t *made = NULL;
	const char *s = (const char *)event->data.scalar.value;
	size_t length = event->data.scalar.length, line = event->start_mark.line;
	bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	int e;

	if (event->data.scalar.anchor || event->data.scalar.tag)
		return wrong(r, line, "anchors and tags are not allowed");
	if (memchr(s, 0, length))
		return wrong(r, line, "a NUL in a text");
	if (plain && !strcmp(s, "true"))
		made = json_true();
	else if (plain && !strcmp(s, "false"))
		made = json_false();
	else if (plain && !strcmp(s, "null"))
		made = json_null();
	else if (plain && is_integer(s))
		made = json_integer(strtoll(s, NULL, 10));
	else if (plain && is_ambiguous(s))
		return wrong(r, line, *s ? "this may be read as something else than text: write it in quotes" : "a value is missing");
	else
		made = json_stringn(s, length);
	if (!made)
		return wrong(r, line, "not UTF-8");
	e = remember(r, made, line);
	if (e == 0)
		*ret = hm_take_ptr(&made);
	return e;
}

static int read_node(struct reading *r, const yaml_event_t *event, unsigned depth, json_t **ret);

static int read_sequence(struct reading *r, const yaml_event_t *start, unsigned depth, json_t **ret)
{
	HM_JSON json_t *list = json_array();
	int e = remember(r, list, start->start_mark.line);

	while (e == 0) {
		EVENT event = { 0 };
		json_t *item = NULL;

		e = next_event(r, &event);
		if (e == 0 && event.type == YAML_SEQUENCE_END_EVENT) {
			*ret = hm_take_ptr(&list);
			return 0;
		}
		if (e == 0)
			e = read_node(r, &event, depth, &item);
		if (e == 0)
			json_array_append_new(list, item);
	}
	return e;
}

static int read_member(struct reading *r, const yaml_event_t *key, unsigned depth, json_t *object)
{
	const char *name = key->type == YAML_SCALAR_EVENT ? (const char *)key->data.scalar.value : NULL;
	size_t line = key->start_mark.line;
	EVENT event = { 0 };
	json_t *value = NULL;
	int e;

	if (!name || key->data.scalar.anchor || key->data.scalar.tag || !*name ||
	    strlen(name) != key->data.scalar.length || strlen(name) > NAME_MAX_LEN ||
	    name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")])
		return wrong(r, line, "a member's name is not one (lower-case letters, digits and _)");
	if (json_object_get(object, name))
		return wrong(r, line, "this member is there twice");
	e = next_event(r, &event);
	if (e == 0)
		e = read_node(r, &event, depth, &value);
	if (e == 0)
		json_object_set_new(object, name, value);
	return e;
}

static int read_mapping(struct reading *r, const yaml_event_t *start, unsigned depth, json_t **ret)
{
	HM_JSON json_t *object = json_object();
	int e = remember(r, object, start->start_mark.line);

	while (e == 0) {
		EVENT event = { 0 };

		e = next_event(r, &event);
		if (e == 0 && event.type == YAML_MAPPING_END_EVENT) {
			*ret = hm_take_ptr(&object);
			return 0;
		}
		if (e == 0)
			e = read_member(r, &event, depth, object);
	}
	return e;
}

static int read_node(struct reading *r, const yaml_event_t *event, unsigned depth, json_t **ret)
{
	size_t line = event->start_mark.line;

	if (depth == 0)
		return wrong(r, line, "nested too deep");
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return read_scalar(r, event, ret);
	case YAML_SEQUENCE_START_EVENT:
		if (event->data.sequence_start.anchor || event->data.sequence_start.tag)
			break;
		return read_sequence(r, event, depth - 1, ret);
	case YAML_MAPPING_START_EVENT:
		if (event->data.mapping_start.anchor || event->data.mapping_start.tag)
			break;
		return read_mapping(r, event, depth - 1, ret);
	default:
		break;
	}
	return wrong(r, line, "anchors, aliases and tags are not allowed");
}

/* Stream start, document start, one value, document end, stream end; and no mark of a document's start or end. */
static int read_document(struct reading *r)
{
	static const yaml_event_type_t frame[] = { YAML_STREAM_START_EVENT, YAML_DOCUMENT_START_EVENT, YAML_NO_EVENT,
						   YAML_DOCUMENT_END_EVENT, YAML_STREAM_END_EVENT };

	for (size_t i = 0; i < HM_COUNT(frame); i++) {
		EVENT event = { 0 };
		int e = next_event(r, &event);

		if (e == 0 && frame[i] == YAML_NO_EVENT)
			e = read_node(r, &event, DEPTH_MAX, &r->out->root);
		else if (e == 0 && event.type != frame[i])
			e = wrong(r, event.start_mark.line, event.type == YAML_STREAM_END_EVENT ? "empty" : "a second document");
		else if (e == 0 && event.type == YAML_DOCUMENT_START_EVENT && !event.data.document_start.implicit)
			e = wrong(r, event.start_mark.line, "document marks and directives are not allowed");
		else if (e == 0 && event.type == YAML_DOCUMENT_END_EVENT && !event.data.document_end.implicit)
			e = wrong(r, event.start_mark.line, "document marks are not allowed");
		if (e < 0)
			return e;
	}
	return 0;
}

int hm_yaml_parse(struct hm_yaml *out, struct hm_slice text, const char *what, struct hm_fail *fail)
{
	HM_CLEANUP(hm_yaml_release) struct hm_yaml made = { .what = hm_strdup(what) };
	HM_CLEANUP(delete_parser) struct reading r = { .out = &made, .fail = fail };
	int e = check_text(text, what, fail);

	if (!yaml_parser_initialize(&r.parser))
		abort();
	if (e < 0)
		return e;
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, text.data ? text.data : (const uint8_t *)"", text.len);
	e = read_document(&r);
	if (e < 0)
		return e;
	*out = made;
	made = (struct hm_yaml){ 0 };
	return 0;
}

int hm_yaml_load(struct hm_yaml *out, const char *path, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	int e = hm_fs_read(&text, path, TEXT_MAX, fail);

	return e < 0 ? e : hm_yaml_parse(out, hm_slice_of(&text), path, fail);
}

int hm_yaml_fail(const struct hm_yaml *y, const json_t *node, struct hm_fail *fail, const char *format, ...)
{
	char why[512];
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	for (size_t i = 0; i < y->count; i++)
		if (y->lines[i].node == node)
			return hm_fail_set(fail, HM_E_BAD, "%s line %zu: %s", y->what, y->lines[i].line, why);
	return hm_fail_set(fail, HM_E_BAD, "%s: %s", y->what, why);
}

void hm_yaml_release(struct hm_yaml *y)
{
	json_decref(y->root);
	free(y->what);
	free(y->lines);
	*y = (struct hm_yaml){ 0 };
}
