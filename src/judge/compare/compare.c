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

void hm_compare_narrow(struct hm_compare *c)
{
	c->narrow = true;
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
	fresh->placed = feature->placed;
	fresh->timing = feature->timing;
	fresh->tls = feature->tls;
	fresh->given = feature->given;
	fresh->origin = feature->origin;
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
		if (bytes.len)
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

/* Whether something else than the product decided on the value. */
static bool is_settled(const struct hm_feature *feature, const struct hm_flow_choice *choice)
{
	if (feature->origin == HM_ORIGIN_DERIVED)
		return true;
	if (feature->origin == HM_ORIGIN_IP)
		return !choice->ip;
	if (feature->origin == HM_ORIGIN_PRODUCT || choice->packets)
		return false;
	return !(feature->origin == HM_ORIGIN_PORT && choice->port) && !(feature->origin == HM_ORIGIN_WINDOW && choice->window);
}

static unsigned bits_of(uint64_t v)
{
	return v ? 64 - (unsigned)__builtin_clzll(v) : 0;
}

/* Bits in which a text that stands for no bytes can say something: the order of n is one of n!. */
static int64_t text_bits(const struct hm_feature *feature)
{
	uint64_t lines = 0;
	int64_t bits = 0;

	if (*feature->endpoint || strcmp(feature->name, "order") != 0)
		return 8 * (int64_t)feature->bytes.len;
	for (size_t i = 0; i < feature->bytes.len; i++)
		lines += feature->bytes.data[i] == '\n';
	for (; lines > 1; lines--)
		bits += bits_of(lines - 1);
	return bits;
}

static void take_range(struct hm_compare_key *key, const struct hm_feature *feature)
{
	int64_t value = feature->text ? text_bits(feature) : feature->number;

	if (!key->seen_count || value < key->least)
		key->least = value;
	if (!key->seen_count || value > key->greatest)
		key->greatest = value;
}

static void take_feature(struct hm_compare *c, const struct hm_feature *feature, const struct hm_flow_choice *choices)
{
	static const struct hm_flow_choice none, all = { true, true, true, true, 0 };
	const struct hm_flow_choice *choice = feature->flow == SIZE_MAX ? &none : choices ? &choices[feature->flow] : &all;
	struct hm_compare_key *key = key_of(c, feature);
	struct hm_compare_recent *recent;

	if (!key)
		return;
	take_range(key, feature);
	key->seen = hm_realloc(key->seen, key->seen_count + 1, sizeof(*key->seen));
	key->seen[key->seen_count++] =
		(struct hm_compare_seen){ c->runs, feature->text ? number_of(key, feature->bytes) : feature->number };
	/* What was given has a place in one run and none in another: its bytes are of no run's alone. */
	key->moves |= feature->placed != key->placed;
	if (feature->placed)
		take_bytes(c, key, feature->bytes);
	key->sent += feature->wire;
	recent = &key->recent[c->runs & 1];
	recent->run = c->runs + 1;
	recent->value = key->seen[key->seen_count - 1].value;
	recent->wire = feature->wire;
	recent->settled = is_settled(feature, choice);
	recent->sends = feature->origin == HM_ORIGIN_CUT ? choice->sends : 0;
	recent->bytes.len = 0;
	if (feature->placed)
		hm_bytes_slice(&recent->bytes, feature->bytes);
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

void hm_compare_run(struct hm_compare *c, const struct hm_features *features, const struct hm_flows *flows,
		    const struct hm_flow_choice *choices)
{
	for (size_t i = 0; i < features->count; i++)
		take_feature(c, &features->list[i], choices);
	for (size_t i = 0; i < flows->count; i++) {
		struct hm_compare_bytes *endpoint = endpoint_of(c, flows->list[i].endpoint);

		endpoint->wire += flows->list[i].wire;
	}
	c->runs++;
}

static uint64_t bytes_of(const struct hm_compare_recent *recent)
{
	return recent->wire + recent->bytes.len;
}

/* Bytes in the two runs that are not the same: in fields of one length those at whose place another stands. */
static uint64_t differing(const struct hm_compare_recent *a, const struct hm_compare_recent *b)
{
	uint64_t count = 0;

	if (a->bytes.len != b->bytes.len || a->wire || b->wire)
		return bytes_of(a) + bytes_of(b);
	for (size_t i = 0; i < a->bytes.len; i++)
		count += 2 * (uint64_t)(a->bytes.data[i] != b->bytes.data[i]);
	return count;
}

/* Of these the greatest part in one run. */
static uint64_t most_of(const struct hm_compare_recent *a, const struct hm_compare_recent *b)
{
	if (a->bytes.len == b->bytes.len && !a->wire && !b->wire)
		return differing(a, b) / 2;
	return bytes_of(a) > bytes_of(b) ? bytes_of(a) : bytes_of(b);
}

static void pair_key(const struct hm_compare *c, struct hm_compare_key *key, unsigned group)
{
	static const struct hm_compare_recent none;
	const struct hm_compare_recent *a = &key->recent[c->runs & 1], *b = &key->recent[(c->runs - 1) & 1];

	a = a->run == c->runs - 1 ? a : &none;
	b = b->run == c->runs ? b : &none;
	if ((a->run && b->run && a->value == b->value) || key->timing || (!a->run && !b->run))
		return;
	/* The kernel cuts a stream as it likes, but it cuts what it was given. */
	if ((!a->run || a->settled) && (!b->run || b->settled) && a->sends == b->sends)
		return;
	key->differs |= 1ull << group;
	if (group >= key->groups) {
		key->loose = hm_realloc(key->loose, group + 1, sizeof(*key->loose));
		key->most = hm_realloc(key->most, group + 1, sizeof(*key->most));
		memset(key->loose + key->groups, 0, (group + 1 - key->groups) * sizeof(*key->loose));
		memset(key->most + key->groups, 0, (group + 1 - key->groups) * sizeof(*key->most));
		key->groups = group + 1;
	}
	key->loose[group] += differing(a, b);
	if (most_of(a, b) > key->most[group])
		key->most[group] = most_of(a, b);
}

void hm_compare_pair(struct hm_compare *c, unsigned group)
{
	for (size_t i = 0; i < c->count; i++)
		pair_key(c, c->keys[i], group);
}

/* Bytes of the feature that are the same in every run. What is not in every run is constant in none. */
static uint64_t constant_of(const struct hm_compare *c, const struct hm_compare_key *key)
{
	uint64_t varying = 0;

	if (key->origin == HM_ORIGIN_DERIVED || key->seen_count != c->runs)
		return 0;
	if (!key->placed)
		return key->text && key->value_count == 1 ? key->sent : 0;
	if (key->moves || !key->first)
		return 0;
	for (size_t i = 0; i < key->length; i++)
		varying += key->varies[i];
	return key->sent - varying * key->seen_count;
}

size_t hm_compare_keys(const struct hm_compare *c)
{
	return c->count;
}

uint64_t hm_compare_loose(const struct hm_compare *c, size_t at, uint64_t groups)
{
	const struct hm_compare_key *key = c->keys[at];
	uint64_t sum = 0;

	for (size_t i = 0; i < key->groups; i++)
		sum += groups >> i & 1 ? key->loose[i] : 0;
	return sum;
}

uint64_t hm_compare_bits(const struct hm_compare *c, size_t at, uint64_t groups)
{
	const struct hm_compare_key *key = c->keys[at];
	bool everywhere = key->seen_count == c->runs;
	int64_t least = everywhere || key->least < 0 ? key->least : 0;
	uint64_t most = 0;

	if (!key->timing && !(key->differs & groups))
		return 0;
	for (size_t i = 0; i < key->groups; i++)
		if (groups >> i & 1 && key->most[i] > most)
			most = key->most[i];
	if (most)
		return 8 * most;
	/* A text of its own, or whether it is there. */
	if (key->text)
		return key->greatest > 0 ? (uint64_t)key->greatest : 1;
	return bits_of((uint64_t)key->greatest - (uint64_t)least) + (uint64_t)(!everywhere && key->greatest == least);
}

void hm_compare_account(const struct hm_compare *c, size_t at, struct hm_compare_account *out)
{
	const struct hm_compare_key *key = c->keys[at];

	*out = (struct hm_compare_account){ .endpoint = key->endpoint, .bytes = key->sent, .constant = constant_of(c, key),
					    .loose = hm_compare_loose(c, at, UINT64_MAX), .differs = key->differs, .timing = key->timing, .given = key->given };
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
	*list = listing.list;
	return listing.count;
}

size_t hm_compare_key(const struct hm_compare *c, const char *endpoint, const char *name)
{
	struct hm_compare_key key = { .endpoint = (char *)(uintptr_t)endpoint, .name = (char *)(uintptr_t)name };
	struct hm_compare_key *const *found = tfind(&key, &c->tree, by_key);

	return found ? (*found)->number : SIZE_MAX;
}

const char *hm_compare_name(const struct hm_compare *c, size_t key)
{
	return c->keys[key]->name;
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
	free(key->loose);
	free(key->most);
	hm_bytes_release(&key->recent[0].bytes);
	hm_bytes_release(&key->recent[1].bytes);
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
