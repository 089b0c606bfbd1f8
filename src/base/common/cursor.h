#pragma once
/* The one bounded reader of foreign bytes.
 *
 * A cursor never reads outside its slice. A read that does not fit returns 0 or an empty slice, moves nothing and sets
 * `bad`, which stays set: a parser reads a whole structure and asks once at its end. Any read after that returns 0. */
#include "bytes.h"

struct hm_cursor {
	const uint8_t *at, *end;
	bool bad;
};

static inline struct hm_cursor hm_cursor_of(struct hm_slice s)
{
	return (struct hm_cursor){ s.data, s.len ? s.data + s.len : s.data, false };
}

static inline size_t hm_cursor_left(const struct hm_cursor *c)
{
	return c->bad ? 0 : (size_t)(c->end - c->at);
}

/* True when all was read and nothing was missing. */
static inline bool hm_cursor_done(const struct hm_cursor *c)
{
	return !c->bad && c->at == c->end;
}

/* The next `len` bytes, borrowed from what the cursor reads. */
static inline struct hm_slice hm_cursor_bytes(struct hm_cursor *c, size_t len)
{
	struct hm_slice s = { c->at, len };

	if (hm_cursor_left(c) < len) {
		c->bad = true;
		return (struct hm_slice){ NULL, 0 };
	}
	if (len)
		c->at += len;
	return s;
}

/* Unsigned integers of `size` 1 to 8 bytes, most or least significant byte first. */
uint64_t hm_cursor_be(struct hm_cursor *c, size_t size);
uint64_t hm_cursor_le(struct hm_cursor *c, size_t size);

static inline uint8_t hm_cursor_u8(struct hm_cursor *c)
{
	return (uint8_t)hm_cursor_be(c, 1);
}
