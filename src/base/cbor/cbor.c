#include "cbor.h"

enum major { UNSIGNED = 0, NEGATIVE = 1, BYTE_STRING = 2, ARRAY = 4 };

#define DEPTH_MAX 8

static void put_head(struct hm_bytes *out, enum major major, uint64_t v)
{
	uint8_t *at = hm_bytes_reserve(out, 9);
	unsigned size = v < 24 ? 0 : v <= UINT8_MAX ? 1 : v <= UINT16_MAX ? 2 : v <= UINT32_MAX ? 4 : 8;
	unsigned info = size == 0 ? (unsigned)v : 24 + (unsigned)__builtin_ctz(size);

	at[0] = (uint8_t)(major << 5 | info);
	for (unsigned i = size; i > 0; i--, v >>= 8)
		at[i] = (uint8_t)v;
	out->len += 1 + size;
}

void hm_cbor_uint(struct hm_bytes *out, uint64_t v)
{
	put_head(out, UNSIGNED, v);
}

void hm_cbor_int(struct hm_bytes *out, int64_t v)
{
	/* -1 - v is ~v in two's complement, without overflow at either end. */
	put_head(out, v < 0 ? NEGATIVE : UNSIGNED, v < 0 ? ~(uint64_t)v : (uint64_t)v);
}

void hm_cbor_bytes(struct hm_bytes *out, struct hm_slice s)
{
	put_head(out, BYTE_STRING, s.len);
	hm_bytes_slice(out, s);
}

void hm_cbor_array(struct hm_bytes *out, uint64_t count)
{
	put_head(out, ARRAY, count);
}

/* The next head in its shortest form: its major type and value; false, with nothing moved, for any other. Half the time of
 * reading a record is spent here, hence the bytes put together in place. */
static inline bool take_head(struct hm_cursor *c, unsigned *major, uint64_t *v)
{
	/* Below these a shorter form would do. */
	static const uint64_t least[] = { 24, UINT8_MAX + 1ull, UINT16_MAX + 1ull, UINT32_MAX + 1ull };
	struct hm_cursor at = *c;
	struct hm_slice first = hm_cursor_bytes(&at, 1), rest;
	uint64_t value = 0;
	unsigned info;

	if (at.bad)
		return false;
	info = first.data[0] & 31;
	*major = first.data[0] >> 5;
	*v = info;
	if (info >= 24) {
		if (info > 27)
			return false;
		rest = hm_cursor_bytes(&at, (size_t)1 << (info - 24));
		for (size_t i = 0; i < rest.len; i++)
			value = value << 8 | rest.data[i];
		if (at.bad || value < least[info - 24])
			return false;
		*v = value;
	}
	*c = at;
	return true;
}

/* The value of the next head, when it has one of the two major types. */
static bool take(struct hm_cursor *c, unsigned major1, unsigned major2, unsigned *major, uint64_t *v)
{
	struct hm_cursor at = *c;

	if (c->bad || !take_head(&at, major, v) || (*major != major1 && *major != major2)) {
		c->bad = true;
		return false;
	}
	*c = at;
	return true;
}

uint64_t hm_cbor_get_uint(struct hm_cursor *c)
{
	unsigned major;
	uint64_t v;

	return take(c, UNSIGNED, UNSIGNED, &major, &v) ? v : 0;
}

int64_t hm_cbor_get_int(struct hm_cursor *c)
{
	struct hm_cursor before = *c;
	unsigned major;
	uint64_t v;

	if (!take(c, UNSIGNED, NEGATIVE, &major, &v))
		return 0;
	if (v > INT64_MAX) {
		*c = before;
		c->bad = true;
		return 0;
	}
	return major == NEGATIVE ? -1 - (int64_t)v : (int64_t)v;
}

struct hm_slice hm_cbor_get_bytes(struct hm_cursor *c)
{
	struct hm_cursor before = *c;
	unsigned major;
	uint64_t v;

	if (!take(c, BYTE_STRING, BYTE_STRING, &major, &v))
		return (struct hm_slice){ NULL, 0 };
	if (v > hm_cursor_left(c)) {
		*c = before;
		c->bad = true;
		return (struct hm_slice){ NULL, 0 };
	}
	return hm_cursor_bytes(c, (size_t)v);
}

uint64_t hm_cbor_get_array(struct hm_cursor *c)
{
	struct hm_cursor before = *c;
	unsigned major;
	uint64_t v;

	if (!take(c, ARRAY, ARRAY, &major, &v))
		return 0;
	if (v > hm_cursor_left(c)) { /* each item has a byte at least */
		*c = before;
		c->bad = true;
		return 0;
	}
	return v;
}

/* Steps over a scalar, or over an array's head, whose number of items goes to `items`. False when it is neither. */
static bool step(struct hm_cursor *c, bool *array, uint64_t *items)
{
	unsigned major;
	uint64_t v;

	if (!take_head(c, &major, &v))
		return false;
	*array = major == ARRAY;
	*items = v;
	switch (major) {
	case UNSIGNED:
		return true;
	case NEGATIVE:
		return v <= INT64_MAX;
	case BYTE_STRING:
		(void)hm_cursor_bytes(c, v > hm_cursor_left(c) ? SIZE_MAX : (size_t)v);
		return !c->bad;
	case ARRAY:
		return v <= hm_cursor_left(c);
	default:
		return false;
	}
}

void hm_cbor_skip(struct hm_cursor *c)
{
	uint64_t left[DEPTH_MAX + 1] = { 1 }; /* items still to come, at each depth */
	struct hm_cursor at = *c;
	size_t depth = 0;
	uint64_t items;
	bool array;

	if (c->bad)
		return;
	for (;;) {
		while (depth && left[depth] == 0)
			depth--;
		if (left[depth] == 0)
			break;
		left[depth]--;
		if (!step(&at, &array, &items) || (array && depth == DEPTH_MAX)) {
			c->bad = true;
			return;
		}
		if (array)
			left[++depth] = items;
	}
	*c = at;
}
