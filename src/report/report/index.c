/* A hash table with open addressing. Nothing iterates over it, so its order never shows. */
#include "report_internal.h"

static uint64_t mix(const uint64_t key[4])
{
	uint64_t h = 0x9e3779b97f4a7c15u;

	for (size_t i = 0; i < 4; i++) {
		h = (h ^ key[i]) * 0xff51afd7ed558ccdu;
		h ^= h >> 32;
	}
	return h;
}

static size_t find(const struct report_index *x, const uint64_t key[4])
{
	size_t at = mix(key) & (x->capacity - 1);

	while (x->value[at] && memcmp(x->key[at], key, sizeof(x->key[at])) != 0)
		at = (at + 1) & (x->capacity - 1);
	return at;
}

static void grow(struct report_index *x)
{
	struct report_index bigger = { .capacity = x->capacity ? x->capacity * 2 : 64, .count = x->count };

	bigger.key = hm_alloc(bigger.capacity, sizeof(*bigger.key));
	bigger.value = hm_alloc(bigger.capacity, sizeof(*bigger.value));
	for (size_t i = 0; i < x->capacity; i++) {
		size_t at;

		if (!x->value[i])
			continue;
		at = find(&bigger, x->key[i]);
		memcpy(bigger.key[at], x->key[i], sizeof(bigger.key[at]));
		bigger.value[at] = x->value[i];
	}
	report_index_release(x);
	*x = bigger;
}

uint32_t report_index_get(const struct report_index *x, const uint64_t key[4])
{
	return x->capacity ? x->value[find(x, key)] : 0;
}

void report_index_set(struct report_index *x, const uint64_t key[4], uint32_t value)
{
	size_t at;

	if (2 * (x->count + 1) > x->capacity)
		grow(x);
	at = find(x, key);
	x->count += !x->value[at];
	memcpy(x->key[at], key, sizeof(x->key[at]));
	x->value[at] = value;
}

void report_index_release(struct report_index *x)
{
	free(x->key);
	free(x->value);
	*x = (struct report_index){ 0 };
}
