/* Which characters may show themselves. Unicode 15 ranges, sorted; everything in the table shows as its bytes instead.
 *
 * A name is evidence: two names that differ must look different, and no name may move, hide or reorder what stands beside
 * it. That is why look-alike spaces and combining marks are in the table and not only controls. */
#include "escape.h"
#include "text.h"

static const struct {
	uint32_t first, last;
} hidden[] = {
	{ 0x0000, 0x001f },   /* C0 controls */
	{ 0x007f, 0x00a0 },   /* delete, C1 controls, no-break space */
	{ 0x00ad, 0x00ad },   /* soft hyphen */
	{ 0x0300, 0x036f },   /* combining diacritical marks */
	{ 0x0483, 0x0489 },   /* combining Cyrillic */
	{ 0x061c, 0x061c },   /* Arabic letter mark */
	{ 0x115f, 0x1160 },   /* Hangul fillers */
	{ 0x1680, 0x1680 },   /* Ogham space */
	{ 0x17b4, 0x17b5 },   /* Khmer inherent vowels */
	{ 0x180b, 0x180f },   /* Mongolian selectors */
	{ 0x1ab0, 0x1aff },   /* combining marks extended */
	{ 0x1dc0, 0x1dff },   /* combining marks supplement */
	{ 0x2000, 0x200f },   /* spaces, zero width, directional marks */
	{ 0x2028, 0x202f },   /* separators, bidi embeddings and overrides, narrow space */
	{ 0x205f, 0x206f },   /* mathematical space, invisible operators, bidi isolates */
	{ 0x20d0, 0x20ff },   /* combining marks for symbols */
	{ 0x2800, 0x2800 },   /* blank Braille pattern */
	{ 0x3000, 0x3000 },   /* ideographic space */
	{ 0x3164, 0x3164 },   /* Hangul filler */
	{ 0xe000, 0xf8ff },   /* private use */
	{ 0xfdd0, 0xfdef },   /* noncharacters */
	{ 0xfe00, 0xfe0f },   /* variation selectors */
	{ 0xfe20, 0xfe2f },   /* combining half marks */
	{ 0xfeff, 0xfeff },   /* byte order mark */
	{ 0xffa0, 0xffa0 },   /* half-width Hangul filler */
	{ 0xfff0, 0xffff },   /* interlinear annotation, replacement, noncharacters */
	{ 0x13430, 0x1345f }, /* hieroglyph format controls */
	{ 0x1bca0, 0x1bca3 }, /* shorthand format controls */
	{ 0x1d159, 0x1d159 }, /* null notehead */
	{ 0x1d165, 0x1d182 }, /* musical combining and format controls */
	{ 0xe0000, 0x10ffff }, /* tags, selectors, private use */
};

/* Bytes of the UTF-8 sequence at `p` and its code point, or 0. Whether it is well formed hm_text_is_utf8 said. */
static size_t sequence(struct hm_slice s, size_t at, uint32_t *point)
{
	uint8_t first = s.data[at];
	size_t n = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	uint32_t v = n == 1 ? first : first & (0xffu >> (n + 1));

	if (first >= 0x80 && first < 0xc2)
		return 0;
	if (n > s.len - at || !hm_text_is_utf8((struct hm_slice){ s.data + at, n }))
		return 0;
	for (size_t i = 1; i < n; i++)
		v = v << 6 | (s.data[at + i] & 0x3fu);
	*point = v;
	return n;
}

static bool is_hidden(uint32_t point)
{
	size_t low = 0, high = HM_COUNT(hidden);

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (point > hidden[middle].last)
			low = middle + 1;
		else if (point < hidden[middle].first)
			high = middle;
		else
			return true;
	}
	return false;
}

static const char *reference(uint8_t c)
{
	switch (c) {
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '&':
		return "&amp;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

void hm_escape(struct hm_bytes *out, struct hm_slice s, bool html)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < s.len;) {
		uint32_t point = 0;
		size_t n = sequence(s, i, &point);
		const char *ref = html && n == 1 ? reference(s.data[i]) : NULL;

		if (n == 0 || is_hidden(point)) {
			for (size_t end = i + (n ? n : 1); i < end; i++) {
				hm_bytes_text(out, "\\x");
				hm_bytes_u8(out, (uint8_t)digits[s.data[i] >> 4]);
				hm_bytes_u8(out, (uint8_t)digits[s.data[i] & 15]);
			}
			continue;
		}
		if (ref)
			hm_bytes_text(out, ref);
		else if (point == '\\')
			hm_bytes_text(out, "\\\\");
		else
			hm_bytes_append(out, s.data + i, n);
		i += n;
	}
}

struct hm_slice hm_escape_bound(struct hm_slice s, size_t max)
{
	if (s.len <= max)
		return s;
	s.len = max;
	/* Step back over the rest of a character: at most 3 bytes, so that foreign bytes are not swallowed. */
	for (size_t i = 0; i < 3 && s.len && (s.data[s.len] & 0xc0) == 0x80; i++)
		s.len--;
	return s;
}

void hm_escape_html_bound(struct hm_bytes *out, struct hm_slice s, size_t max)
{
	struct hm_slice shown = hm_escape_bound(s, max);

	hm_escape(out, shown, true);
	if (shown.len < s.len)
		hm_escape_html(out, " <span class=\"cut\">and %'zu more bytes</span>", s.len - shown.len);
}

/* Characters that East Asian fonts draw two columns wide, in broad strokes. */
static bool is_wide(uint32_t point)
{
	return (point >= 0x1100 && point <= 0x115e) || (point >= 0x2e80 && point <= 0xa4cf) ||
	       (point >= 0xac00 && point <= 0xd7a3) || (point >= 0xf900 && point <= 0xfaff) ||
	       (point >= 0xfe30 && point <= 0xfe6f) || (point >= 0xff01 && point <= 0xff60) ||
	       (point >= 0x1f300 && point <= 0x1faff) || (point >= 0x20000 && point <= 0x3fffd);
}

size_t hm_escape_columns(struct hm_slice s)
{
	size_t columns = 0;

	for (size_t i = 0; i < s.len;) {
		uint32_t point = 0;
		size_t n = sequence(s, i, &point);

		columns += is_wide(point) ? 2 : 1;
		i += n ? n : 1;
	}
	return columns;
}
