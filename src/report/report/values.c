/* Values side by side: text as text, the rest as hex, the bytes that differ marked, what is too long cut. */
#include "report_internal.h"

#define SAME_SHOWN 64	/* bytes of a value that is the same in both */
#define VALUE_SHOWN 192 /* bytes of one that differs, */
#define BEFORE_SHOWN 32 /* so many of them before the first that does */

/* At most one byte in eight may be no text. */
bool report_is_text(struct hm_slice s)
{
	size_t odd = 0;

	if (!hm_text_is_utf8(s))
		return false;
	for (size_t i = 0; i < s.len; i++)
		odd += (s.data[i] < 0x20 && s.data[i] != '\n' && s.data[i] != '\r' && s.data[i] != '\t') || s.data[i] == 0x7f;
	return odd * 8 <= s.len;
}

/* A line of text ends with what stands for its end, and then does end. */
static void put_text(struct hm_bytes *out, struct hm_slice s, bool last)
{
	while (s.len) {
		const uint8_t *end = memchr(s.data, '\n', s.len);
		size_t n = end ? (size_t)(end - s.data) + 1 : s.len;

		report_escape(out, (struct hm_slice){ s.data, n }, true);
		hm_bytes_text(out, end && !(last && n == s.len) ? "\n" : "");
		s = (struct hm_slice){ s.data + n, s.len - n };
	}
}

static void put_stretch(struct hm_bytes *out, struct hm_slice s, bool text, bool last)
{
	if (text)
		put_text(out, s, last);
	else
		for (size_t i = 0; i < s.len; i++)
			hm_bytes_printf(out, i ? " %02x" : "%02x", s.data[i]);
}

/* The bytes from..to, in stretches that are marked or not. */
static void put_marked(struct hm_bytes *out, struct hm_slice s, const bool *marks, size_t from, size_t to, bool text)
{
	for (size_t at = from, end; at < to; at = end) {
		for (end = at + 1; end < to && marks[end] == marks[at];)
			end++;
		hm_bytes_text(out, !text && at > from ? " " : "");
		hm_bytes_text(out, marks[at] ? "<mark>" : "");
		put_stretch(out, (struct hm_slice){ s.data + at, end - at }, text, end == to);
		hm_bytes_text(out, marks[at] ? "</mark>" : "");
	}
}

static void put_cut(struct hm_bytes *out, size_t bytes, const char *where)
{
	if (bytes)
		report_html(out, " <span class=\"cut\">%'zu %s %s</span> ", bytes, bytes == 1 ? "byte" : "bytes", where);
}

/* The first byte that is marked, or the end. */
static size_t first_mark(const bool *marks, size_t len)
{
	const bool *at = memchr(marks, true, len);

	return at ? (size_t)(at - marks) : len;
}

void report_value(struct hm_bytes *out, struct hm_slice s, const struct hm_slice *other)
{
	const struct hm_slice both[2] = { s, other ? *other : s };
	HM_FREE bool *own = hm_alloc(s.len + 1, sizeof(*own)), *others = hm_alloc(both[1].len + 1, sizeof(*others));
	bool text = report_is_text(s) && report_is_text(both[1]), same = other && hm_slice_eq(s, *other);
	size_t most = same ? SAME_SHOWN : VALUE_SHOWN, from, first, to;

	report_difference((bool *[2]){ own, others }, both, text);
	/* Both begin at one place, that of whichever differs first. */
	from = first_mark(own, s.len);
	first = first_mark(others, both[1].len);
	from = first < from ? first : from;
	from = same || !other || from <= BEFORE_SHOWN ? 0 : from - BEFORE_SHOWN;
	to = s.len - from < most ? s.len : from + most;
	if (!s.len) {
		hm_bytes_text(out, "<i class=\"none\">empty</i>");
		return;
	}
	put_cut(out, from, "before");
	hm_bytes_text(out, "<code>");
	put_marked(out, s, own, from, to, text);
	hm_bytes_text(out, "</code>");
	put_cut(out, s.len - to, "more");
}
