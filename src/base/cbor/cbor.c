#include "cbor.h"

#define DEPTH_MAX 8

static void put_head(struct hm_bytes *out, enum hm_cbor_major major, uint64_t v)
{
	uint8_t *at = hm_bytes_reserve(out, HM_CBOR_HEAD_MAX);

	out->len += (size_t)(hm_cbor_head(at, major, v) - at);
}

void hm_cbor_uint(struct hm_bytes *out, uint64_t v)
{
	put_head(out, HM_CBOR_UNSIGNED, v);
}

void hm_cbor_int(struct hm_bytes *out, int64_t v)
{
	/* -1 - v is ~v in two's complement, without overflow at either end. */
	put_head(out, v < 0 ? HM_CBOR_NEGATIVE : HM_CBOR_UNSIGNED, v < 0 ? ~(uint64_t)v : (uint64_t)v);
}

void hm_cbor_bytes(struct hm_bytes *out, struct hm_slice s)
{
	put_head(out, HM_CBOR_BYTES, s.len);
	hm_bytes_slice(out, s);
}

void hm_cbor_array(struct hm_bytes *out, uint64_t count)
{
	put_head(out, HM_CBOR_ARRAY, count);
}

/* The big-endian number of `size` bytes, of `left` that are there. Half the time of reading a record is spent here, hence the
 * eight bytes that are loaded at once where they are there. */
static inline uint64_t load(const uint8_t *at, size_t size, size_t left)
{
	uint64_t v = 0;

	if (left >= sizeof(v)) {
		memcpy(&v, at, sizeof(v));
		return be64toh(v) >> (64 - 8 * size);
	}
	for (size_t i = 0; i < size; i++)
		v = v << 8 | at[i];
	return v;
}

/* The next head in its shortest form: its major type and value; false, with nothing moved, for any other. */
static inline bool take_head(struct hm_cursor *c, unsigned *major, uint64_t *v)
{
	/* Below these a shorter form would do. */
	static const uint64_t least[] = { 24, UINT8_MAX + 1ull, UINT16_MAX + 1ull, UINT32_MAX + 1ull };
	size_t left = hm_cursor_left(c), size;
	uint64_t value;
	unsigned info;

	if (!left)
		return false;
	info = c->at[0] & 31;
	*major = c->at[0] >> 5;
	if (info < 24) {
		*v = info;
		c->at++;
		return true;
	}
	if (info > 27)
		return false;
	size = (size_t)1 << (info - 24);
	if (size >= left)
		return false;
	value = load(c->at + 1, size, left - 1);
	if (value < least[info - 24])
		return false;
	*v = value;
	c->at += 1 + size;
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

/* What nearly every number of a record is: unsigned, in its shortest form, with eight bytes behind its head. False, with nothing moved, for what
 * wants a closer look. */
static inline bool take_plain(struct hm_cursor *c, uint64_t *v)
{
	size_t left = hm_cursor_left(c), size;

	if (left && c->at[0] < 24) {
		*v = *c->at++;
		return true;
	}
	if (left <= sizeof(*v) || c->at[0] > 27)
		return false;
	size = (size_t)1 << (c->at[0] & 3);
	*v = load(c->at + 1, size, left - 1);
	if (size == 1 ? *v < 24 : !(*v >> (4 * size)))
		return false;
	c->at += 1 + size;
	return true;
}

uint64_t hm_cbor_get_uint(struct hm_cursor *c)
{
	unsigned major;
	uint64_t v;

	if (take_plain(c, &v))
		return v;
	return take(c, HM_CBOR_UNSIGNED, HM_CBOR_UNSIGNED, &major, &v) ? v : 0;
}

int64_t hm_cbor_get_int(struct hm_cursor *c)
{
	struct hm_cursor before = *c;
	unsigned major;
	uint64_t v;

	if (!take(c, HM_CBOR_UNSIGNED, HM_CBOR_NEGATIVE, &major, &v))
		return 0;
	if (v > INT64_MAX) {
		*c = before;
		c->bad = true;
		return 0;
	}
	return major == HM_CBOR_NEGATIVE ? -1 - (int64_t)v : (int64_t)v;
}

struct hm_slice hm_cbor_get_bytes(struct hm_cursor *c)
{
	struct hm_cursor before = *c;
	unsigned major;
	uint64_t v;

	if (!take(c, HM_CBOR_BYTES, HM_CBOR_BYTES, &major, &v))
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

	if (!take(c, HM_CBOR_ARRAY, HM_CBOR_ARRAY, &major, &v))
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
	*array = major == HM_CBOR_ARRAY;
	*items = v;
	switch (major) {
	case HM_CBOR_UNSIGNED:
		return true;
	case HM_CBOR_NEGATIVE:
		return v <= INT64_MAX;
	case HM_CBOR_BYTES:
		(void)hm_cursor_bytes(c, v > hm_cursor_left(c) ? SIZE_MAX : (size_t)v);
		return !c->bad;
	case HM_CBOR_ARRAY:
		return v <= hm_cursor_left(c);
	default:
		return false;
	}
}

/* What nearly every item is: an array of scalars. Returns where it ends; NULL for anything that wants a closer look. */
static const uint8_t *skip_flat(const uint8_t *at, const uint8_t *end)
{
	uint64_t items, v;

	if (at == end || *at >> 5 != HM_CBOR_ARRAY || (*at & 31) > 24)
		return NULL;
	items = *at & 31;
	at++;
	if (items == 24) {
		if (at == end || *at < 24)
			return NULL;
		items = *at++;
	}
	for (; items; items--) {
		unsigned major, info;
		size_t size;

		if (at == end)
			return NULL;
		major = *at >> 5;
		info = *at++ & 31;
		v = info;
		if (info >= 24) {
			size = (size_t)1 << (info & 3);
			if (info > 27 || size > (size_t)(end - at))
				return NULL;
			v = load(at, size, (size_t)(end - at));
			/* Whether a shorter form would do. */
			if (info == 24 ? v < 24 : !(v >> (4 * size)))
				return NULL;
			at += size;
		}
		if (major == HM_CBOR_UNSIGNED)
			continue;
		if (major != HM_CBOR_BYTES || v > (uint64_t)(end - at))
			return NULL;
		at += v;
	}
	return at;
}

void hm_cbor_skip(struct hm_cursor *c)
{
	const uint8_t *flat = c->bad ? NULL : skip_flat(c->at, c->end);
	uint64_t left[DEPTH_MAX + 1] = { 1 }; /* items still to come, at each depth */
	struct hm_cursor at = *c;
	size_t depth = 0;
	uint64_t items;
	bool array;

	if (c->bad)
		return;
	if (flat) {
		c->at = flat;
		return;
	}
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
