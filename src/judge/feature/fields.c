/* One message as fields. Each format names the spans that it knows; what lies between two of them is glue, so nothing is ever
 * left out, whatever a message does to the format that it seems to have. */
#include "fields_internal.h"

#include "cursor.h"
#include "http.h"

enum { DNS_HEAD = 12 };

static void tell(struct hm_splitting *s, const char *name, size_t length)
{
	if (!length)
		return;
	s->field(s->cookie, name, s->at, length);
	s->at += length;
	s->fields++;
}

void hm_field_span(struct hm_splitting *s, const char *name, size_t offset, size_t length)
{
	char glue[32];

	if (s->fields + 3 > HM_FIELDS_MAX)
		return;
	snprintf(glue, sizeof(glue), "glue.%zu", s->glues);
	s->glues += offset > s->at;
	tell(s, glue, offset - s->at);
	tell(s, name, length);
}

static void finish(struct hm_splitting *s, const char *name)
{
	tell(s, name, s->message.len - s->at);
}

void hm_field_name_add(struct hm_field_name *name, struct hm_slice raw)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < raw.len && name->len + 4 < HM_FIELD_NAME_MAX; i++) {
		uint8_t c = raw.data[i];

		if (c >= 'A' && c <= 'Z')
			c = (uint8_t)(c + 32);
		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_') {
			name->text[name->len++] = (char)c;
			continue;
		}
		name->text[name->len++] = '%';
		name->text[name->len++] = digits[c >> 4];
		name->text[name->len++] = digits[c & 15];
	}
}

void hm_field_name_end(struct hm_splitting *s, struct hm_field_name *name)
{
	size_t again = 0;

	name->text[name->len] = 0;
	for (size_t i = 0; i < s->used_count; i++)
		again += strcmp(s->used[i], name->text) == 0;
	s->used = hm_realloc(s->used, s->used_count + 1, sizeof(*s->used));
	memcpy(s->used[s->used_count++], name->text, name->len + 1);
	if (again)
		snprintf(name->text + name->len, sizeof(name->text) - name->len, ".%zu", again);
}

/* "PREFIX.NAME", and a number behind it when that came before. */
static struct hm_field_name name_of(struct hm_splitting *s, const char *prefix, struct hm_slice raw)
{
	struct hm_field_name name = { .len = 0 };

	name.len = (size_t)snprintf(name.text, sizeof(name.text), "%s.", prefix);
	hm_field_name_add(&name, raw);
	hm_field_name_end(s, &name);
	return name;
}

static size_t place_of(const struct hm_splitting *s, struct hm_slice part)
{
	return (size_t)(part.data - s->message.data);
}

static void split_dns(struct hm_splitting *s)
{
	struct hm_cursor c = hm_cursor_of(s->message);
	size_t len;

	hm_field_span(s, "dns.id", 0, 2);
	hm_field_span(s, "dns.head", 2, DNS_HEAD - 2);
	hm_cursor_bytes(&c, DNS_HEAD);
	while ((len = hm_cursor_u8(&c)) != 0 && !c.bad && len < 64)
		hm_cursor_bytes(&c, len);
	if (c.bad || len >= 64)
		return;
	hm_field_span(s, "dns.name", DNS_HEAD, (size_t)(c.at - s->message.data) - DNS_HEAD);
	if ((size_t)(s->message.data + s->message.len - c.at) >= 4)
		hm_field_span(s, "dns.type", s->at, 4);
}

static void split_query(struct hm_splitting *s, struct hm_slice query)
{
	if (!hm_split_pairs(s, "http.query", query))
		hm_field_span(s, "http.query", place_of(s, query), query.len);
}

static bool is_form(const struct hm_http_request *request)
{
	static const char form[] = "application/x-www-form-urlencoded";
	struct hm_slice type = hm_http_header(request, "content-type");

	size_t i = 0;

	/* In the letters of ASCII, whatever the locale. */
	while (form[i] && i < type.len && (type.data[i] == form[i] || (type.data[i] | 32) == form[i]))
		i++;
	return !form[i];
}

static void split_http(struct hm_splitting *s, const struct hm_http_request *request)
{
	const uint8_t *mark = request->target.len ? memchr(request->target.data, '?', request->target.len) : NULL;
	size_t path = mark ? (size_t)(mark - request->target.data) : request->target.len, target = place_of(s, request->target);
	struct hm_slice body = { s->message.data + request->head_len, s->message.len - request->head_len };

	hm_field_span(s, "http.method", place_of(s, request->method), request->method.len);
	hm_field_span(s, "http.path", target, path);
	if (mark)
		split_query(s, (struct hm_slice){ mark + 1, request->target.len - path - 1 });
	hm_field_span(s, "http.version", place_of(s, request->version), request->version.len);
	for (size_t i = 0; i < request->headers; i++) {
		const struct hm_http_header *header = &request->header[i];

		if (!header->value.len)
			continue;
		hm_field_span(s, name_of(s, "http.header", header->name).text, place_of(s, header->value), header->value.len);
	}
	hm_field_span(s, "http.body", request->head_len, 0);
	if ((is_form(request) && hm_split_pairs(s, "http.form", body)) || hm_split_json(s, "http.json", body))
		hm_field_span(s, "http.body", s->message.len, 0);
	finish(s, "http.body");
}

/* The next line without its end; `rest` moves behind it. */
static struct hm_slice take_line(struct hm_slice *rest)
{
	const uint8_t *end = memchr(rest->data, '\n', rest->len);
	struct hm_slice line = { rest->data, end ? (size_t)(end - rest->data) : rest->len };
	size_t used = line.len + (end != NULL);

	rest->data += used;
	rest->len -= used;
	if (line.len && line.data[line.len - 1] == '\r')
		line.len--;
	return line;
}

/* The length of NAME in "NAME: value", 0 when it is no such line. */
static size_t name_length(struct hm_slice line)
{
	size_t len = 0;

	while (len < line.len && len <= 64 &&
	       ((line.data[len] >= 'a' && line.data[len] <= 'z') || (line.data[len] >= 'A' && line.data[len] <= 'Z') ||
		(line.data[len] >= '0' && line.data[len] <= '9') || line.data[len] == '-' || line.data[len] == '_'))
		len++;
	return len <= 64 && len < line.len && line.data[len] == ':' ? len : 0;
}

static bool is_lines(struct hm_slice message)
{
	size_t named = 0;

	while (message.len) {
		struct hm_slice line = take_line(&message);

		if (line.len && !name_length(line))
			return false;
		named += line.len != 0;
		if (named > 1000)
			return false;
	}
	return named >= 2;
}

static void split_lines(struct hm_splitting *s)
{
	struct hm_slice rest = s->message;

	while (rest.len) {
		struct hm_slice line = take_line(&rest);
		size_t len = name_length(line), from = len + 1;

		while (from < line.len && line.data[from] == ' ')
			from++;
		if (!len || from >= line.len)
			continue;
		hm_field_span(s, name_of(s, "line", (struct hm_slice){ line.data, len }).text, place_of(s, line) + from, line.len - from);
	}
	hm_field_span(s, "data", s->message.len, 0);
}

void hm_feature_fields(struct hm_slice message, bool dns, void (*field)(void *cookie, const char *name, size_t offset, size_t length),
		       void *cookie)
{
	struct hm_splitting s = { .message = message, .field = field, .cookie = cookie };
	struct hm_http_request request;

	if (dns && message.len >= DNS_HEAD)
		split_dns(&s);
	else if (message.len && hm_http_read_request(&request, message) == 1)
		split_http(&s, &request);
	else if (message.len && is_lines(message))
		split_lines(&s);
	else if (hm_split_json(&s, "json", message))
		hm_field_span(&s, "data", message.len, 0);
	finish(&s, dns && s.at ? "dns.rest" : "data");
	free(s.used);
}
