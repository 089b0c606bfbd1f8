/* Many long texts in many bytes: the first 8 bytes of each needle, folded to small letters, are looked up at every place.
 * A bit map turns nearly all places away. Folding also lets a few raw digests match that differ in the case of a letter;
 * at 16 bytes and more that happens to nobody. */
#include "claim_internal.h"

enum { HEAD = 8, MAP_BITS = 16 };

struct hm_needles {
	struct hm_needle *list;
	size_t count;
	uint8_t map[1 << (MAP_BITS - 3)];
};

static uint8_t fold(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

static uint32_t place_in_map(uint64_t head)
{
	return (uint32_t)(head * 0x9e3779b97f4a7c15u >> (64 - MAP_BITS));
}

struct hm_needles *hm_needles_new(void)
{
	return hm_alloc(1, sizeof(struct hm_needles));
}

void hm_needles_free(struct hm_needles *needles)
{
	if (!needles)
		return;
	for (size_t i = 0; i < needles->count; i++)
		free(needles->list[i].bytes);
	free(needles->list);
	free(needles);
}

void hm_needles_add(struct hm_needles *needles, struct hm_slice bytes, const char *what, bool digest, size_t source)
{
	struct hm_needle *needle;

	if (bytes.len < 2 * HEAD)
		return;
	needles->list = hm_realloc(needles->list, needles->count + 1, sizeof(*needles->list));
	needle = &needles->list[needles->count++];
	*needle = (struct hm_needle){ .len = bytes.len, .what = what, .digest = digest, .source = source };
	needle->bytes = hm_alloc(bytes.len, 1);
	for (size_t i = 0; i < bytes.len; i++)
		needle->bytes[i] = fold(bytes.data[i]);
	for (size_t i = 0; i < HEAD; i++)
		needle->head = needle->head << 8 | needle->bytes[i];
}

static int by_bytes(const void *a, const void *b)
{
	const struct hm_needle *x = a, *y = b;
	int r = hm_slice_cmp((struct hm_slice){ x->bytes, x->len }, (struct hm_slice){ y->bytes, y->len });

	if (r)
		return r;
	return x->source != y->source ? (x->source < y->source ? -1 : 1) : strcmp(x->what, y->what);
}

void hm_needles_seal(struct hm_needles *needles)
{
	size_t kept = 0;

	if (needles->count)
		qsort(needles->list, needles->count, sizeof(*needles->list), by_bytes);
	for (size_t i = 0; i < needles->count; i++) {
		struct hm_needle *needle = &needles->list[i];
		uint32_t at = place_in_map(needle->head);

		/* Equal documents have equal digests: the first stands for all. */
		if (kept && needle->len == needles->list[kept - 1].len &&
		    memcmp(needle->bytes, needles->list[kept - 1].bytes, needle->len) == 0) {
			free(needle->bytes);
			continue;
		}
		needles->map[at / 8] |= (uint8_t)(1 << at % 8);
		needles->list[kept++] = *needle;
	}
	needles->count = kept;
}

static size_t first_with(const struct hm_needles *needles, uint64_t head)
{
	size_t low = 0, high = needles->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (needles->list[middle].head < head)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool stands_at(const struct hm_needle *needle, struct hm_slice s, size_t at)
{
	if (s.len - at < needle->len)
		return false;
	for (size_t i = HEAD; i < needle->len; i++)
		if (fold(s.data[at + i]) != needle->bytes[i])
			return false;
	return true;
}

/* The next needle that begins at `at`, from list place *index on (0: the first). *index is behind it afterwards. */
static const struct hm_needle *next_here(const struct hm_needles *needles, struct hm_slice s, size_t at, uint64_t head, size_t *index)
{
	uint32_t bit = place_in_map(head);

	if (!(needles->map[bit / 8] & 1 << bit % 8))
		return NULL;
	for (size_t i = *index ? *index : first_with(needles, head); i < needles->count && needles->list[i].head == head; i++)
		if (stands_at(&needles->list[i], s, at)) {
			*index = i + 1;
			return &needles->list[i];
		}
	return NULL;
}

const struct hm_needle *hm_needles_next(const struct hm_needles *needles, struct hm_slice s, size_t *at, size_t *index)
{
	uint64_t head = 0;

	if (s.len < HEAD || *at > s.len - HEAD)
		return NULL;
	for (size_t i = 0; i < HEAD - 1; i++)
		head = head << 8 | fold(s.data[*at + i]);
	for (; *at <= s.len - HEAD; (*at)++) {
		const struct hm_needle *needle;

		head = head << 8 | fold(s.data[*at + HEAD - 1]);
		needle = next_here(needles, s, *at, head, index);
		if (needle)
			return needle;
		*index = 0;
	}
	return NULL;
}
