/* What is kept of each run, and which bytes are the same in all of them. */
#include "compare_internal.h"

#include <search.h>

static int by_key(const void *a, const void *b)
{
	const struct hm_compare_key *x = a, *y = b;
	int r = strcmp(x->endpoint, y->endpoint);

	return r ? r : strcmp(x->name, y->name);
}

static int by_endpoint(const void *a, const void *b)
{
	return strcmp(((const struct hm_compare_bytes *)a)->endpoint, ((const struct hm_compare_bytes *)b)->endpoint);
}

struct hm_compare *hm_compare_new(void)
{
	return hm_alloc(1, sizeof(struct hm_compare));
}

static struct hm_compare_key *key_of(struct hm_compare *c, const struct hm_feature *feature)
{
	struct hm_compare_key key = { .endpoint = (char *)(uintptr_t)feature->endpoint, .name = feature->name }, *fresh, **found;

	found = tfind(&key, &c->tree, by_key);
	if (found)
		return *found;
	if (c->count == HM_COMPARE_KEYS_MAX) {
		c->beyond = true;
		return NULL;
	}
	fresh = hm_alloc(1, sizeof(*fresh));
	fresh->endpoint = hm_strdup(feature->endpoint);
	fresh->name = hm_strdup(feature->name);
	fresh->text = feature->text;
	fresh->number = c->count;
	if (!tsearch(fresh, &c->tree, by_key))
		abort();
	c->keys = hm_realloc(c->keys, c->count + 1, sizeof(struct hm_compare_key *));
	c->keys[c->count++] = fresh;
	return fresh;
}

/* The number of a text among those that this feature had, from 1. */
static int64_t number_of(struct hm_compare_key *key, struct hm_slice text)
{
	struct hm_sha256 digest;

	hm_sha256_slice(&digest, text);
	for (size_t i = 0; i < key->value_count; i++)
		if (memcmp(&key->values[i], &digest, sizeof(digest)) == 0)
			return (int64_t)i + 1;
	key->values = hm_realloc(key->values, key->value_count + 1, sizeof(*key->values));
	key->values[key->value_count++] = digest;
	return (int64_t)key->value_count;
}

/* Which bytes stand where they stood before. */
static void take_bytes(struct hm_compare *c, struct hm_compare_key *key, struct hm_slice bytes)
{
	key->sent += bytes.len;
	if (key->seen_count == 1 && c->kept + bytes.len <= HM_COMPARE_BYTES_MAX) {
		c->kept += bytes.len;
		key->first = hm_alloc(bytes.len + 1, 1);
		key->varies = hm_alloc(bytes.len + 1, 1);
		memcpy(key->first, bytes.data, bytes.len);
		key->length = bytes.len;
		return;
	}
	c->beyond |= key->seen_count == 1;
	if (!key->first || key->length != bytes.len) {
		key->moves = true;
		return;
	}
	for (size_t i = 0; i < bytes.len; i++)
		key->varies[i] |= key->first[i] != bytes.data[i];
}

static void take_feature(struct hm_compare *c, const struct hm_feature *feature)
{
	struct hm_compare_key *key = key_of(c, feature);

	if (!key)
		return;
	key->seen = hm_realloc(key->seen, key->seen_count + 1, sizeof(*key->seen));
	key->seen[key->seen_count++] =
		(struct hm_compare_seen){ c->runs, feature->text ? number_of(key, feature->bytes) : feature->number };
	if (feature->placed) {
		key->placed = true;
		take_bytes(c, key, feature->bytes);
	}
}

static struct hm_compare_bytes *endpoint_of(struct hm_compare *c, const char *endpoint)
{
	struct hm_compare_bytes key = { .endpoint = endpoint }, *fresh, **found = tfind(&key, &c->endpoints, by_endpoint);

	if (found)
		return *found;
	fresh = hm_alloc(1, sizeof(*fresh));
	fresh->endpoint = hm_strdup(endpoint);
	if (!tsearch(fresh, &c->endpoints, by_endpoint))
		abort();
	c->endpoint_count++;
	return fresh;
}

void hm_compare_run(struct hm_compare *c, const struct hm_features *features, const struct hm_flows *flows)
{
	for (size_t i = 0; i < features->count; i++)
		take_feature(c, &features->list[i]);
	for (size_t i = 0; i < flows->count; i++) {
		struct hm_compare_bytes *endpoint = endpoint_of(c, flows->list[i].endpoint);

		endpoint->sent += flows->list[i].sent.len;
		endpoint->wire += flows->list[i].wire;
	}
	c->runs++;
}

uint64_t hm_compare_varying(const struct hm_compare *c, size_t at)
{
	const struct hm_compare_key *key = c->keys[at];
	uint64_t varying = 0;

	if (!key->placed)
		return 0;
	/* What is not in every run is constant in none. */
	if (key->moves || !key->first || key->seen_count != c->runs)
		return key->sent;
	for (size_t i = 0; i < key->length; i++)
		varying += key->varies[i];
	return varying * key->seen_count;
}

struct listing {
	struct hm_compare_bytes *list;
	size_t count;
};

static void list_endpoint(const void *node, VISIT which, void *closure)
{
	struct listing *listing = closure;

	if (which == postorder || which == leaf)
		listing->list[listing->count++] = **(struct hm_compare_bytes *const *)node;
}

size_t hm_compare_endpoints(const struct hm_compare *c, struct hm_compare_bytes **list)
{
	struct listing listing = { hm_alloc(c->endpoint_count, sizeof(*listing.list)), 0 };

	twalk_r(c->endpoints, list_endpoint, &listing);
	for (size_t i = 0; i < c->count; i++) {
		struct hm_compare_bytes key = { .endpoint = c->keys[i]->endpoint };
		struct hm_compare_bytes *row = bsearch(&key, listing.list, listing.count, sizeof(key), by_endpoint);

		if (row && c->keys[i]->placed)
			row->constant += c->keys[i]->sent - hm_compare_varying(c, i);
	}
	*list = listing.list;
	return listing.count;
}

size_t hm_compare_key(const struct hm_compare *c, const char *endpoint, const char *name)
{
	struct hm_compare_key key = { .endpoint = (char *)(uintptr_t)endpoint, .name = (char *)(uintptr_t)name };
	struct hm_compare_key *const *found = tfind(&key, &c->tree, by_key);

	return found ? (*found)->number : SIZE_MAX;
}

const char *hm_compare_endpoint(const struct hm_compare *c, size_t key)
{
	return c->keys[key]->endpoint;
}

bool hm_compare_beyond(const struct hm_compare *c)
{
	return c->beyond;
}

static void free_endpoint(void *node)
{
	struct hm_compare_bytes *endpoint = node;

	free((void *)(uintptr_t)endpoint->endpoint);
	free(endpoint);
}

static void free_key(void *node)
{
	struct hm_compare_key *key = node;

	free(key->endpoint);
	free(key->name);
	free(key->values);
	free(key->seen);
	free(key->first);
	free(key->varies);
	free(key);
}

void hm_compare_free(struct hm_compare *c)
{
	if (!c)
		return;
	tdestroy(c->tree, free_key);
	tdestroy(c->endpoints, free_endpoint);
	free(c->keys);
	free(c);
}
