#include "lines.h"

#include "text.h"

struct hm_slice hm_line(struct hm_cursor *c)
{
	const uint8_t *end = hm_cursor_left(c) ? memchr(c->at, '\n', hm_cursor_left(c)) : NULL;
	struct hm_slice line = hm_cursor_bytes(c, end ? (size_t)(end - c->at) + 1 : SIZE_MAX);

	return (struct hm_slice){ line.data, line.len ? line.len - 1 : 0 };
}

bool hm_line_number(uint64_t *out, struct hm_slice s)
{
	uint64_t n = 0;

	if (s.len == 0 || s.len > 19 || (s.data[0] == '0' && s.len > 1))
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.data[i] < '0' || s.data[i] > '9')
			return false;
		n = n * 10 + (uint64_t)(s.data[i] - '0'); /* 19 digits fit into 64 bits */
	}
	*out = n;
	return n <= INT64_MAX;
}

bool hm_line_hash(struct hm_sha256 *out, struct hm_slice s)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes bytes = { 0 };

	if (s.len != 44 || hm_text_unbase64(&bytes, s) < 0 || bytes.len != HM_SHA256_LEN)
		return false;
	memcpy(out->b, bytes.data, HM_SHA256_LEN);
	return true;
}

bool hm_line_takes(struct hm_slice *s, const char *head)
{
	size_t len = strlen(head);

	if (s->len < len || memcmp(s->data, head, len) != 0)
		return false;
	s->data += len;
	s->len -= len;
	return true;
}
