/* Lines, fields and paths, as the text databases have them. */
#include <strings.h>

#include "source_internal.h"

bool hm_source_line(struct hm_cursor *c, struct hm_slice *line)
{
	size_t left = hm_cursor_left(c);
	const uint8_t *newline;

	if (left == 0)
		return false;
	newline = memchr(c->at, '\n', left);
	*line = hm_cursor_bytes(c, newline ? (size_t)(newline - c->at) : left);
	if (newline)
		hm_cursor_u8(c);
	if (line->len && line->data[line->len - 1] == '\r')
		line->len--;
	return true;
}

static bool blank(uint8_t b)
{
	return b == ' ' || b == '\t';
}

struct hm_slice hm_source_trim(struct hm_slice s)
{
	while (s.len && blank(*s.data)) {
		s.data++;
		s.len--;
	}
	while (s.len && blank(s.data[s.len - 1]))
		s.len--;
	return s;
}

static void take(struct hm_source_field *fields, size_t count, struct hm_slice line, size_t *odd)
{
	const uint8_t *colon = memchr(line.data, ':', line.len);
	size_t length = colon ? (size_t)(colon - line.data) : 0;

	if (length == 0) {
		++*odd;
		return;
	}
	for (size_t i = 0; i < count; i++)
		if (!fields[i].value.data && strlen(fields[i].key) == length &&
		    strncasecmp(fields[i].key, (const char *)line.data, length) == 0)
			fields[i].value = hm_source_trim((struct hm_slice){ colon + 1, line.len - length - 1 });
}

bool hm_source_stanza(struct hm_cursor *c, struct hm_source_field *fields, size_t count, size_t *odd)
{
	struct hm_slice line;
	bool any = false;

	for (size_t i = 0; i < count; i++)
		fields[i].value = (struct hm_slice){ NULL, 0 };
	while (hm_source_line(c, &line)) {
		if (line.len == 0) {
			if (any)
				return true;
			continue;
		}
		any = true;
		if (!blank(line.data[0]))
			take(fields, count, line, odd);
	}
	return any;
}

struct hm_slice hm_source_component(struct hm_slice path, size_t back)
{
	for (;;) {
		const uint8_t *slash = path.len ? memrchr(path.data, '/', path.len) : NULL;
		struct hm_slice last = path;

		if (slash)
			last = (struct hm_slice){ slash + 1, (size_t)(path.data + path.len - slash - 1) };
		if (back == 0)
			return last;
		if (!slash)
			return (struct hm_slice){ NULL, 0 };
		path.len = (size_t)(slash - path.data);
		back--;
	}
}
