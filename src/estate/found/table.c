#include "found_internal.h"

static uint64_t hash(const char *key)
{
	uint64_t h = 1469598103934665603u;

	for (; *key; key++)
		h = (h ^ (uint8_t)*key) * 1099511628211u;
	return h;
}

static size_t find(const struct found_table *t, const char *key)
{
	size_t i = hash(key) & (t->cap - 1);

	while (t->slot[i].key && strcmp(t->slot[i].key, key) != 0)
		i = (i + 1) & (t->cap - 1);
	return i;
}

static void grow(struct found_table *t)
{
	struct found_table bigger = { .cap = t->cap ? t->cap * 2 : 64, .count = t->count };

	bigger.slot = hm_alloc(bigger.cap, sizeof(*bigger.slot));
	for (size_t i = 0; i < t->cap; i++)
		if (t->slot[i].key)
			bigger.slot[find(&bigger, t->slot[i].key)] = t->slot[i];
	free(t->slot);
	*t = bigger;
}

size_t *found_table_put(struct found_table *t, const char *key, size_t value, bool *fresh)
{
	size_t i;

	if (t->count * 2 >= t->cap)
		grow(t);
	i = find(t, key);
	*fresh = !t->slot[i].key;
	if (*fresh) {
		t->slot[i].key = hm_strdup(key);
		t->slot[i].value = value;
		t->count++;
	}
	return &t->slot[i].value;
}

const size_t *found_table_get(const struct found_table *t, const char *key)
{
	size_t i = t->cap ? find(t, key) : 0;

	return t->cap && t->slot[i].key ? &t->slot[i].value : NULL;
}

bool found_table_has(const struct found_table *t, const char *key)
{
	return t->cap && t->slot[find(t, key)].key;
}

void found_table_release(struct found_table *t)
{
	for (size_t i = 0; i < t->cap; i++)
		free(t->slot[i].key);
	free(t->slot);
	*t = (struct found_table){ 0 };
}
