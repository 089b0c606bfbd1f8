#include "http.h"

enum { HEAD_MAX = 32 * 1024, METHOD_MAX = 32 };

/* RFC 9110 section 5.6.2 */
static bool is_token(struct hm_slice s)
{
	static const char marks[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.data[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		      (c && memchr(marks, c, sizeof(marks) - 1))))
			return false;
	}
	return true;
}

/* The bytes of `s` up to `c`, and `s` moved behind it; false when `c` is not there. */
static bool split(struct hm_slice *head, struct hm_slice *s, char c)
{
	const uint8_t *at = s->len ? memchr(s->data, c, s->len) : NULL;

	if (!at)
		return false;
	*head = (struct hm_slice){ s->data, (size_t)(at - s->data) };
	*s = (struct hm_slice){ at + 1, s->len - head->len - 1 };
	return true;
}

static struct hm_slice trim(struct hm_slice s)
{
	while (s.len && (s.data[0] == ' ' || s.data[0] == '\t')) {
		s.data++;
		s.len--;
	}
	while (s.len && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t'))
		s.len--;
	return s;
}

/* Control characters have no place in a target or value; a CR among them would be read as a line's end by others. */
static bool has_control(struct hm_slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((s.data[i] < 0x20 && s.data[i] != '\t') || s.data[i] == 0x7f)
			return true;
	return false;
}

/* False for a beginning that no request line can have: told at once, not only when the line ends. */
static bool may_be_request(struct hm_slice s)
{
	struct hm_slice method;

	if (!split(&method, &s, ' '))
		method = s;
	return method.len <= METHOD_MAX && is_token(method);
}

static bool read_request_line(struct hm_http_request *r, struct hm_slice line)
{
	static const char version[] = "HTTP/1.";

	if (!split(&r->method, &line, ' ') || !split(&r->target, &line, ' '))
		return false;
	r->version = line;
	return r->method.len && r->method.len <= METHOD_MAX && is_token(r->method) && r->target.len &&
	       !has_control(r->target) && line.len == sizeof(version) &&
	       memcmp(line.data, version, sizeof(version) - 1) == 0 && line.data[line.len - 1] >= '0' &&
	       line.data[line.len - 1] <= '9';
}

static bool read_header(struct hm_http_request *r, struct hm_slice line)
{
	struct hm_http_header h;

	if (r->headers == HM_COUNT(r->header) || !split(&h.name, &line, ':'))
		return false;
	h.value = trim(line);
	if (!h.name.len || !is_token(h.name) || has_control(h.value))
		return false;
	r->header[r->headers++] = h;
	return true;
}

int hm_http_read_request(struct hm_http_request *out, struct hm_slice bytes)
{
	struct hm_slice left = { bytes.data, bytes.len < HEAD_MAX ? bytes.len : HEAD_MAX }, line;
	struct hm_http_request r = { 0 };

	if (!may_be_request(left))
		return HM_E_BAD;
	for (bool first = true; split(&line, &left, '\n'); first = false) {
		if (line.len && line.data[line.len - 1] == '\r')
			line.len--;
		if (!first && !line.len) {
			r.head_len = (size_t)(left.data - bytes.data);
			*out = r;
			return 1;
		}
		if (first ? !read_request_line(&r, line) : !read_header(&r, line))
			return HM_E_BAD;
	}
	return bytes.len < HEAD_MAX ? 0 : HM_E_BAD;
}

/* ASCII alone, whatever the locale. */
static bool same_name(struct hm_slice a, const char *b, size_t len)
{
	if (a.len != len)
		return false;
	for (size_t i = 0; i < len; i++) {
		uint8_t x = a.data[i], y = (uint8_t)b[i];

		if (x != y && ((x ^ y) != 0x20 || (x | 0x20) < 'a' || (x | 0x20) > 'z'))
			return false;
	}
	return true;
}

struct hm_slice hm_http_header(const struct hm_http_request *request, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < request->headers; i++)
		if (same_name(request->header[i].name, name, len))
			return request->header[i].value;
	return (struct hm_slice){ NULL, 0 };
}
