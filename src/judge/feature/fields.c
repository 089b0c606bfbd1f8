/* One message as fields. Each format names the spans that it knows; what lies between two of them is glue, so nothing is ever
 * left out, whatever a message does to the format that it seems to have. */
#include "feature.h"

#include "cursor.h"
#include "http.h"

enum { DNS_HEAD = 12, NAME_MAX = 200 };

struct splitting {
	struct hm_slice message;
	void (*field)(void *cookie, const char *name, size_t offset, size_t length);
	void *cookie;
	size_t at;    /* all before this is told */
	size_t glues, fields;
	char (*used)[NAME_MAX + 1]; /* names that came already */
	size_t used_count;
};

static void tell(struct splitting *s, const char *name, size_t length)
{
	if (!length)
		return;
	s->field(s->cookie, name, s->at, length);
	s->at += length;
	s->fields++;
}

/* The field `name` is the bytes from `offset` on; what lies before it and is not told is glue. */
static void span(struct splitting *s, const char *name, size_t offset, size_t length)
{
	char glue[32];

	if (s->fields + 3 > HM_FIELDS_MAX)
		return;
	snprintf(glue, sizeof(glue), "glue.%zu", s->glues);
	s->glues += offset > s->at;
	tell(s, glue, offset - s->at);
	tell(s, name, length);
}

static void finish(struct splitting *s, const char *name)
{
	tell(s, name, s->message.len - s->at);
}

/* "PREFIX.NAME", and a number behind it when that came before. */
static void name_of(struct splitting *s, char out[NAME_MAX + 24], const char *prefix, struct hm_slice raw)
{
	static const char digits[] = "0123456789abcdef";
	size_t len = (size_t)snprintf(out, NAME_MAX, "%s.", prefix), again = 0;

	for (size_t i = 0; i < raw.len && len + 4 < NAME_MAX; i++) {
		uint8_t c = raw.data[i];

		if (c >= 'A' && c <= 'Z')
			c = (uint8_t)(c + 32);
		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_') {
			out[len++] = (char)c;
			continue;
		}
		out[len++] = '%';
		out[len++] = digits[c >> 4];
		out[len++] = digits[c & 15];
	}
	out[len] = 0;
	for (size_t i = 0; i < s->used_count; i++)
		again += strcmp(s->used[i], out) == 0;
	s->used = hm_realloc(s->used, s->used_count + 1, sizeof(*s->used));
	memcpy(s->used[s->used_count++], out, len + 1);
	if (again)
		snprintf(out + len, 24, ".%zu", again);
}

static size_t place_of(const struct splitting *s, struct hm_slice part)
{
	return (size_t)(part.data - s->message.data);
}

static void split_dns(struct splitting *s)
{
	struct hm_cursor c = hm_cursor_of(s->message);
	size_t len;

	span(s, "dns.id", 0, 2);
	span(s, "dns.head", 2, DNS_HEAD - 2);
	hm_cursor_bytes(&c, DNS_HEAD);
	while ((len = hm_cursor_u8(&c)) != 0 && !c.bad && len < 64)
		hm_cursor_bytes(&c, len);
	if (c.bad || len >= 64)
		return;
	span(s, "dns.name", DNS_HEAD, (size_t)(c.at - s->message.data) - DNS_HEAD);
	if ((size_t)(s->message.data + s->message.len - c.at) >= 4)
		span(s, "dns.type", s->at, 4);
}

static void split_http(struct splitting *s, const struct hm_http_request *request)
{
	const uint8_t *mark = request->target.len ? memchr(request->target.data, '?', request->target.len) : NULL;
	size_t path = mark ? (size_t)(mark - request->target.data) : request->target.len, target = place_of(s, request->target);
	char name[NAME_MAX + 24];

	span(s, "http.method", place_of(s, request->method), request->method.len);
	span(s, "http.path", target, path);
	if (mark)
		span(s, "http.query", target + path + 1, request->target.len - path - 1);
	span(s, "http.version", place_of(s, request->version), request->version.len);
	for (size_t i = 0; i < request->headers; i++) {
		const struct hm_http_header *header = &request->header[i];

		if (!header->value.len)
			continue;
		name_of(s, name, "http.header", header->name);
		span(s, name, place_of(s, header->value), header->value.len);
	}
	span(s, "http.body", request->head_len, 0);
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

static void split_lines(struct splitting *s)
{
	struct hm_slice rest = s->message;
	char name[NAME_MAX + 24];

	while (rest.len) {
		struct hm_slice line = take_line(&rest);
		size_t len = name_length(line), from = len + 1;

		while (from < line.len && line.data[from] == ' ')
			from++;
		if (!len || from >= line.len)
			continue;
		name_of(s, name, "line", (struct hm_slice){ line.data, len });
		span(s, name, place_of(s, line) + from, line.len - from);
	}
	span(s, "data", s->message.len, 0);
}

void hm_feature_fields(struct hm_slice message, bool dns, void (*field)(void *cookie, const char *name, size_t offset, size_t length),
		       void *cookie)
{
	struct splitting s = { .message = message, .field = field, .cookie = cookie };
	struct hm_http_request request;

	if (dns && message.len >= DNS_HEAD)
		split_dns(&s);
	else if (message.len && hm_http_read_request(&request, message) == 1)
		split_http(&s, &request);
	else if (message.len && is_lines(message))
		split_lines(&s);
	finish(&s, dns && s.at ? "dns.rest" : "data");
	free(s.used);
}
