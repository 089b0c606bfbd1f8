/* A mail's parts: headers as far as they say what a part is, boundaries, and the two encodings that change bytes. */
#include "mail.h"

#include <ctype.h>
#include <strings.h>

enum { DEPTH_MAX = 8, PARTS_MAX = 1000, VALUE_MAX = 1000 };

struct walk {
	void (*take)(void *cookie, const struct hm_mail_part *part);
	void *cookie;
	unsigned parts;
};

/* The next line of `s`, with its end; what is left stays in `s`. */
static struct hm_slice next_line(struct hm_slice *s)
{
	const uint8_t *end = s->len ? memchr(s->data, '\n', s->len) : NULL;
	struct hm_slice line = { s->data, end ? (size_t)(end - s->data) + 1 : s->len };

	s->data += line.len;
	s->len -= line.len;
	return line;
}

static struct hm_slice without_end(struct hm_slice line)
{
	while (line.len && (line.data[line.len - 1] == '\n' || line.data[line.len - 1] == '\r'))
		line.len--;
	return line;
}

/* The value of the header called `name`, folded lines joined; the head ends at an empty line. */
static void read_header(struct hm_bytes *value, struct hm_slice head, const char *name)
{
	size_t n = strlen(name);
	bool ours = false, found = false;

	while (head.len) {
		struct hm_slice line = without_end(next_line(&head));

		if (!line.len)
			break;
		if (line.data[0] != ' ' && line.data[0] != '\t') {
			ours = !found && line.len > n && line.data[n] == ':' && strncasecmp((const char *)line.data, name, n) == 0;
			found |= ours;
			if (ours)
				line = (struct hm_slice){ line.data + n + 1, line.len - n - 1 };
		}
		if (ours && value->len + line.len <= VALUE_MAX)
			hm_bytes_slice(value, line);
	}
	hm_bytes_u8(value, 0);
}

static struct hm_slice trimmed(const char *text, size_t len)
{
	while (len && isspace((unsigned char)*text)) {
		text++;
		len--;
	}
	while (len && isspace((unsigned char)text[len - 1]))
		len--;
	return (struct hm_slice){ (const uint8_t *)text, len };
}

/* A parameter of a header's value, quotes taken off; empty where there is none. */
static struct hm_slice parameter(const char *value, const char *name)
{
	size_t n = strlen(name);

	for (const char *at = strchr(value, ';'); at; at = strchr(at, ';')) {
		const char *end;

		at++;
		at += strspn(at, " \t");
		if (strncasecmp(at, name, n) != 0 || at[n] != '=')
			continue;
		at += n + 1;
		if (*at == '"') {
			end = strchr(++at, '"');
			return (struct hm_slice){ (const uint8_t *)at, end ? (size_t)(end - at) : 0 };
		}
		return trimmed(at, strcspn(at, ";"));
	}
	return (struct hm_slice){ NULL, 0 };
}

/* ---- what changes bytes ---- */

static int base64_value(uint8_t c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

static void from_base64(struct hm_bytes *out, struct hm_slice s)
{
	uint32_t bits = 0;
	unsigned have = 0;

	for (size_t i = 0; i < s.len && s.data[i] != '='; i++) {
		int v = base64_value(s.data[i]);

		if (v < 0)
			continue;
		bits = bits << 6 | (uint32_t)v;
		have += 6;
		if (have >= 8) {
			have -= 8;
			hm_bytes_u8(out, (uint8_t)(bits >> have));
		}
	}
}

static int hex_value(uint8_t c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void from_quoted(struct hm_bytes *out, struct hm_slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.data[i] != '=') {
			hm_bytes_u8(out, s.data[i]);
		} else if (i + 1 < s.len && s.data[i + 1] == '\n') {
			i++;
		} else if (i + 2 < s.len && s.data[i + 1] == '\r' && s.data[i + 2] == '\n') {
			i += 2;
		} else if (i + 2 < s.len && hex_value(s.data[i + 1]) >= 0 && hex_value(s.data[i + 2]) >= 0) {
			hm_bytes_u8(out, (uint8_t)(16 * hex_value(s.data[i + 1]) + hex_value(s.data[i + 2])));
			i += 2;
		} else {
			hm_bytes_u8(out, '=');
		}
	}
}

/* ---- parts ---- */

static void walk_part(struct walk *w, struct hm_slice part, unsigned depth);

/* Between lines that are the boundary; the line end before one belongs to it. */
static void walk_parts(struct walk *w, struct hm_slice body, struct hm_slice boundary, unsigned depth)
{
	const uint8_t *begin = NULL;

	while (body.len) {
		const uint8_t *at = body.data;
		struct hm_slice line = without_end(next_line(&body));
		bool last;

		if (line.len < boundary.len + 2 || memcmp(line.data, "--", 2) != 0 || memcmp(line.data + 2, boundary.data, boundary.len) != 0)
			continue;
		last = line.len >= boundary.len + 4 && memcmp(line.data + 2 + boundary.len, "--", 2) == 0;
		if (begin) {
			size_t len = (size_t)(at - begin);

			len -= len && begin[len - 1] == '\n';
			len -= len && len < (size_t)(at - begin) && begin[len - 1] == '\r';
			walk_part(w, (struct hm_slice){ begin, len }, depth + 1);
		}
		begin = last ? NULL : body.data;
		if (last)
			return;
	}
	/* One that does not end goes as far as there is something. */
	if (begin)
		walk_part(w, (struct hm_slice){ begin, (size_t)(body.data - begin) }, depth + 1);
}

/* Whether the text begins with a line that can be a header. */
static bool has_head(struct hm_slice part)
{
	struct hm_slice line = without_end(next_line(&part));
	size_t i = 0;

	while (i < line.len && line.data[i] > 32 && line.data[i] < 127 && line.data[i] != ':')
		i++;
	return line.len == 0 || (i > 0 && i < line.len && line.data[i] == ':');
}

static struct hm_slice body_of(struct hm_slice part)
{
	while (part.len)
		if (without_end(next_line(&part)).len == 0)
			break;
	return part;
}

static void walk_part(struct walk *w, struct hm_slice part, unsigned depth)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes type = { 0 }, coding = { 0 }, decoded = { 0 };
	struct hm_slice boundary, how;
	struct hm_mail_part told = { .content = part };

	if (w->parts >= PARTS_MAX)
		return;
	if (!has_head(part)) {
		w->parts++;
		w->take(w->cookie, &told);
		return;
	}
	read_header(&type, part, "Content-Type");
	read_header(&coding, part, "Content-Transfer-Encoding");
	told.type = trimmed((const char *)type.data, strcspn((const char *)type.data, ";"));
	told.charset = parameter((const char *)type.data, "charset");
	told.content = body_of(part);
	boundary = parameter((const char *)type.data, "boundary");
	if (boundary.len && depth < DEPTH_MAX && told.type.len > 10 && strncasecmp((const char *)told.type.data, "multipart/", 10) == 0) {
		walk_parts(w, told.content, boundary, depth);
		return;
	}
	how = trimmed((const char *)coding.data, coding.len - 1);
	if (how.len == 6 && strncasecmp((const char *)how.data, "base64", 6) == 0)
		from_base64(&decoded, told.content);
	else if (how.len == 16 && strncasecmp((const char *)how.data, "quoted-printable", 16) == 0)
		from_quoted(&decoded, told.content);
	else
		hm_bytes_slice(&decoded, told.content);
	told.content = hm_slice_of(&decoded);
	w->parts++;
	w->take(w->cookie, &told);
}

void hm_mail_parts(struct hm_slice mail, void (*take)(void *cookie, const struct hm_mail_part *part), void *cookie)
{
	struct walk w = { take, cookie, 0 };

	walk_part(&w, mail, 0);
}
