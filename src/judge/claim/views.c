/* The decodings: percent, text in 16 bits, base64, base32, hex, HTTP chunks, gzip, zlib, members of ZIP files. Each looks for
 * stretches that it can decode and gives every one as a view, which is then looked through in the same way. No decoding is
 * told apart from chance here: a wrong one gives noise, and noise holds no token. */
#include "views.h"

#include "claim_internal.h"
#include "cursor.h"

enum { RADIXES = 3 };

struct walk {
	int8_t digit[RADIXES][256]; /* what a byte stands for in each radix; -1: nothing. Asked for every byte of every view */
	hm_view_visit *visit;
	void *cookie;
	size_t budget;
	unsigned depth_max;
	bool complete;
};

static void look_through(struct walk *w, const struct hm_view *view);

static void take_view(struct walk *w, struct hm_view *view, const struct hm_view *parent, const char *name, size_t base, size_t end)
{
	view->parent = parent;
	view->name = name;
	view->base = base;
	view->end = end;
	view->all = hm_slice_of(&view->bytes);
	view->depth = parent->depth + 1;
	look_through(w, view);
}

static void release_view(struct hm_view *view)
{
	hm_bytes_release(&view->bytes);
	free(view->last);
}

/* True when `more` bytes of output can still be afforded; they are then spent. */
static bool afford(struct walk *w, size_t more)
{
	if (w->budget < more) {
		w->complete = false;
		return false;
	}
	w->budget -= more;
	return true;
}

/* ---- decodings byte by byte ---- */

/* Output of a decoding on its way. */
struct decoding {
	struct hm_view view;
	uint32_t acc;
	unsigned bits;
};

/* Whoever decodes has made room for all of it, here and in `last`. */
static void put(struct decoding *d, uint8_t byte, size_t from, bool shared)
{
	d->view.last[d->view.bytes.len] = (uint32_t)from | (shared ? HM_VIEW_SHARED : 0);
	d->view.bytes.data[d->view.bytes.len++] = byte;
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int base32_digit(uint8_t c)
{
	if (c >= '2' && c <= '7')
		return c - '2' + 26;
	c |= 32;
	return c >= 'a' && c <= 'z' ? c - 'a' : -1;
}

/* RFC 4648 sections 4 and 5 at once: both alphabets. */
static int base64_digit(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	return c == '/' || c == '_' ? 63 : -1;
}

/* `phases`: a stretch may begin with that many digits less one that belong to something else. */
static const struct radix {
	const char *name;
	int (*digit)(uint8_t c);
	unsigned bits, phases;
	size_t shortest;
} radixes[RADIXES] = {
	{ "hex", hex_digit, 4, 2, 32 },
	{ "base32", base32_digit, 5, 8, 26 },
	{ "base64", base64_digit, 6, 4, 22 },
};

static void decode_radix(struct walk *w, const struct hm_view *from, size_t which, unsigned phase, size_t at, size_t end)
{
	const struct radix *radix = &radixes[which];
	const int8_t *digits = w->digit[which];
	struct decoding d = { 0 };

	for (; phase && at < end; at++)
		phase -= digits[from->all.data[at]] >= 0;
	if (!afford(w, (end - at) * radix->bits / 8))
		return;
	d.view.last = hm_alloc((end - at) * radix->bits / 8 + 1, sizeof(*d.view.last));
	hm_bytes_reserve(&d.view.bytes, (end - at) * radix->bits / 8 + 1);
	for (size_t i = at; i < end; i++) {
		int digit = digits[from->all.data[i]];

		if (digit < 0)
			continue; /* the end of a line */
		d.acc = d.acc << radix->bits | (uint32_t)digit;
		d.bits += radix->bits;
		if (d.bits >= 8) {
			d.bits -= 8;
			put(&d, (uint8_t)(d.acc >> d.bits), i - at, d.bits > 0);
		}
	}
	take_view(w, &d.view, from, radix->name, at, end);
	release_view(&d.view);
}

static bool line_end(uint8_t c)
{
	return c == '\r' || c == '\n';
}

static void each_radix(struct walk *w, const struct hm_view *from, size_t which)
{
	const struct radix *radix = &radixes[which];
	const int8_t *digit = w->digit[which];
	struct hm_slice s = from->all;

	for (size_t at = 0; at < s.len;) {
		size_t end = at, digits = 0;

		while (end < s.len && end - at < HM_VIEW_WINDOW) {
			if (digit[s.data[end]] >= 0)
				digits++;
			else if (!digits || !line_end(s.data[end]))
				break;
			end++;
		}
		if (digits >= radix->shortest)
			for (unsigned phase = 0; phase < radix->phases; phase++)
				decode_radix(w, from, which, phase, at, end);
		at = end - at == HM_VIEW_WINDOW ? end - HM_VIEW_OVERLAP : end + 1;
	}
}

static void hexes(struct walk *w, const struct hm_view *from)
{
	each_radix(w, from, 0);
}

static void base32s(struct walk *w, const struct hm_view *from)
{
	each_radix(w, from, 1);
}

static void base64s(struct walk *w, const struct hm_view *from)
{
	each_radix(w, from, 2);
}

/* Whole windows of the bytes with something in them replaced; `step` takes the bytes at `i` and puts what they stand for. */
static void each_window(struct walk *w, const struct hm_view *from, const char *name,
			size_t (*step)(struct decoding *d, struct hm_slice s, size_t i, size_t at))
{
	for (size_t at = 0; at < from->all.len;) {
		size_t left = from->all.len - at, len = left < HM_VIEW_WINDOW ? left : HM_VIEW_WINDOW;
		struct hm_slice s = { from->all.data + at, len };
		struct decoding d = { 0 };

		if (!afford(w, len))
			return;
		d.view.last = hm_alloc(len, sizeof(*d.view.last));
		hm_bytes_reserve(&d.view.bytes, len);
		for (size_t i = 0; i < len;)
			i += step(&d, s, i, 0);
		take_view(w, &d.view, from, name, at, at + len);
		release_view(&d.view);
		if (left <= HM_VIEW_WINDOW)
			return;
		at += HM_VIEW_WINDOW - HM_VIEW_OVERLAP;
	}
}

static size_t percent_step(struct decoding *d, struct hm_slice s, size_t i, size_t at)
{
	int high = i + 2 < s.len && s.data[i] == '%' ? hex_digit(s.data[i + 1]) : -1;
	int low = high >= 0 ? hex_digit(s.data[i + 2]) : -1;

	if (low < 0) {
		put(d, s.data[i], at + i, false);
		return 1;
	}
	put(d, (uint8_t)(high << 4 | low), at + i + 2, false);
	return 3;
}

static void percents(struct walk *w, const struct hm_view *from)
{
	size_t found = 0;

	for (size_t i = 0; i + 2 < from->all.len; i++)
		found += from->all.data[i] == '%' && hex_digit(from->all.data[i + 1]) >= 0 && hex_digit(from->all.data[i + 2]) >= 0;
	if (found)
		each_window(w, from, "percent", percent_step);
}

static size_t wide_step(struct decoding *d, struct hm_slice s, size_t i, size_t at)
{
	if (s.data[i])
		put(d, s.data[i], at + i, false);
	return 1;
}

/* UTF-16 of either order is ASCII with NULs between; without NULs it is ASCII. */
static void wides(struct walk *w, const struct hm_view *from)
{
	size_t found = 0;

	for (size_t i = 0; i + 2 < from->all.len && found < 16; i++)
		found = from->all.data[i] && !from->all.data[i + 1] && from->all.data[i + 2] ? found + 1 : found;
	if (found >= 15)
		each_window(w, from, "utf16", wide_step);
}

/* ---- HTTP/1 chunks (RFC 9112 section 7.1) ---- */

/* The size line at *at; moves behind it. SIZE_MAX when there is none. */
static size_t chunk_size(struct hm_slice s, size_t *at)
{
	size_t size = 0, digits = 0, i = *at;

	for (; i < s.len && hex_digit(s.data[i]) >= 0 && digits < 8; i++, digits++)
		size = size << 4 | (size_t)hex_digit(s.data[i]);
	while (digits && i < s.len && s.data[i] != '\n' && i - *at < 256)
		i++;
	if (!digits || i >= s.len || s.data[i] != '\n')
		return SIZE_MAX;
	*at = i + 1;
	return size;
}

static size_t put_chunks(struct decoding *d, struct hm_slice s, size_t base)
{
	size_t at = base, size;

	while ((size = chunk_size(s, &at)) != SIZE_MAX && size) {
		for (; size && at < s.len; size--, at++)
			put(d, s.data[at], at - base, false);
		while (at < s.len && line_end(s.data[at]))
			at++;
	}
	return at;
}

/* Where the word begins next, in letters of any case; SIZE_MAX: nowhere. All its letters differ, so one that stands at its end tells how far
 * the next place can be (Horspool 1980). */
static size_t next_chunked(struct hm_slice s, size_t at)
{
	static const char word[] = "chunked";
	enum { LEN = sizeof(word) - 1 };

	while (at + LEN < s.len) {
		uint8_t last = s.data[at + LEN - 1] | 32;
		const char *there = memchr(word, last, LEN);
		size_t k = 0;

		while (there == word + LEN - 1 && k < LEN && (s.data[at + k] | 32) == word[k])
			k++;
		if (k == LEN)
			return at;
		at += there && there < word + LEN - 1 ? (size_t)(word + LEN - 1 - there) : LEN;
	}
	return SIZE_MAX;
}

static void chunks(struct walk *w, const struct hm_view *from)
{
	struct hm_slice s = from->all;

	for (size_t i = 0; (i = next_chunked(s, i)) != SIZE_MAX; i++) {
		const uint8_t *body;
		struct decoding d = { 0 };
		size_t at, end;

		body = memmem(s.data + i, s.len - i, "\r\n\r\n", 4);
		if (!body)
			return;
		at = (size_t)(body - s.data) + 4;
		if (s.len - at > HM_VIEW_WINDOW || !afford(w, s.len - at)) {
			w->complete = false;
			return;
		}
		d.view.last = hm_alloc(s.len - at, sizeof(*d.view.last));
		hm_bytes_reserve(&d.view.bytes, s.len - at);
		end = put_chunks(&d, s, at);
		take_view(w, &d.view, from, "chunked", at, end);
		release_view(&d.view);
		i = end - 1;
	}
}

/* ---- compressed ---- */

/* Length of the gzip header at the beginning (RFC 1952 section 2.3), or 0. */
static size_t gzip_header(struct hm_slice s)
{
	enum { FHCRC = 2, FEXTRA = 4, FNAME = 8, FCOMMENT = 16, RESERVED = 0xe0 };
	struct hm_cursor c = hm_cursor_of(s);
	uint64_t magic = hm_cursor_be(&c, 3);
	uint8_t flags = hm_cursor_u8(&c);

	hm_cursor_bytes(&c, 6);
	if (c.bad || magic != 0x1f8b08 || flags & RESERVED)
		return 0;
	if (flags & FEXTRA)
		hm_cursor_bytes(&c, hm_cursor_le(&c, 2));
	for (unsigned text = FNAME; text <= FCOMMENT; text *= 2)
		if (flags & text)
			while (hm_cursor_left(&c) && hm_cursor_u8(&c))
				;
	if (flags & FHCRC)
		hm_cursor_bytes(&c, 2);
	return c.bad ? 0 : (size_t)(c.at - s.data);
}

static size_t zlib_header(struct hm_slice s)
{
	if (s.len < 3 || (s.data[0] & 15) != 8 || s.data[0] >> 4 > 7 || s.data[1] & 32)
		return 0;
	return (s.data[0] << 8 | s.data[1]) % 31 ? 0 : 2;
}

static size_t zip_header(struct hm_slice s)
{
	return s.len >= 30 && memcmp(s.data, "PK\3\4", 4) == 0 ? 30 : 0;
}

static const struct packing {
	const char *name;
	size_t (*header)(struct hm_slice s);
	bool member; /* hm_zip_member reads the header itself */
} packings[] = {
	{ "gzip", gzip_header, false },
	{ "zlib", zlib_header, false },
	{ "zip", zip_header, true },
};

enum { UNPACKED_MAX = 64 << 20, TRIAL = 512 };

static void unpack_at(struct walk *w, const struct hm_view *from, const struct packing *packing, size_t at)
{
	struct hm_view view = { 0 };
	struct hm_slice s = { from->all.data + at, from->all.len - at };
	size_t head = packing->header(s), max, used;

	/* Chance, or somebody who wants us busy, makes headers without anything behind them: each attempt has its price. */
	if (!head || !afford(w, TRIAL))
		return;
	max = w->budget < UNPACKED_MAX ? w->budget : UNPACKED_MAX;
	if (packing->member)
		used = hm_zip_member(&view.bytes, s, max);
	else
		used = head + hm_inflate(&view.bytes, (struct hm_slice){ s.data + head, s.len - head }, max);
	if (view.bytes.len >= max)
		w->complete = false;
	if (view.bytes.len >= 16 && afford(w, view.bytes.len))
		take_view(w, &view, from, packing->name, at, at + used);
	release_view(&view);
}

static void unpack_all(struct walk *w, const struct hm_view *from)
{
	for (size_t at = 0; at < from->all.len; at++) {
		uint8_t c = from->all.data[at];

		if (c != 0x1f && c != 'P' && (c & 0x8f) != 8)
			continue;
		for (size_t i = 0; i < HM_COUNT(packings); i++)
			unpack_at(w, from, &packings[i], at);
	}
}

/* ---- the walk ---- */

static void (*const decodings[])(struct walk *w, const struct hm_view *from) = {
	unpack_all, chunks, percents, wides, base64s, hexes, base32s,
};

static void look_through(struct walk *w, const struct hm_view *view)
{
	w->visit(w->cookie, view);
	if (view->depth >= w->depth_max)
		return;
	for (size_t i = 0; i < HM_COUNT(decodings); i++)
		decodings[i](w, view);
}

bool hm_views_walk(struct hm_slice stream, unsigned depth, size_t budget, hm_view_visit *visit, void *cookie)
{
	struct walk w = { .visit = visit, .cookie = cookie, .budget = budget, .depth_max = depth, .complete = true };
	struct hm_view top = { .all = stream };

	for (size_t i = 0; i < RADIXES; i++)
		for (unsigned byte = 0; byte < 256; byte++)
			w.digit[i][byte] = (int8_t)radixes[i].digit((uint8_t)byte);
	look_through(&w, &top);
	return w.complete;
}

void hm_view_locate(const struct hm_view *view, size_t *at, size_t *len)
{
	for (; view->parent; view = view->parent) {
		size_t begin = view->base, end = view->end;

		if (view->last) {
			uint32_t before = *at ? view->last[*at - 1] : 0;

			end = view->base + (view->last[*at + *len - 1] & ~HM_VIEW_SHARED) + 1;
			if (*at)
				begin = view->base + (before & ~HM_VIEW_SHARED) + !(before & HM_VIEW_SHARED);
		}
		*at = begin;
		*len = end - begin;
	}
}
