#include "index.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"

static int by_key(const void *a, const void *b)
{
	return memcmp(&((const struct hm_node *)a)->key, &((const struct hm_node *)b)->key, sizeof(struct hm_key));
}

static struct hm_node **cached(struct hm_index *index, const struct hm_key *key)
{
	uint64_t mix = key->v[0];

	for (size_t i = 1; i < 4; i++)
		mix = (mix ^ key->v[i]) * 0x9e3779b97f4a7c15u;
	return &index->cache[mix >> 32 & (HM_INDEX_CACHE - 1)];
}

void *hm_index_find(struct hm_index *index, const struct hm_key *key)
{
	struct hm_node **cache = cached(index, key), probe, **found;

	if (*cache && memcmp(&(*cache)->key, key, sizeof(*key)) == 0)
		return *cache;
	probe.key = *key;
	found = tfind(&probe, &index->tree, by_key);
	if (!found)
		return NULL;
	*cache = *found;
	return *found;
}

void *hm_index_node(struct hm_index *index, const struct hm_key *key)
{
	struct hm_node *node = hm_index_find(index, key);

	if (node)
		return node;
	node = hm_alloc(1, index->node_size);
	node->key = *key;
	if (!tsearch(node, &index->tree, by_key))
		abort();
	if ((index->count & (index->count - 1)) == 0)
		index->list = hm_realloc(index->list, index->count ? 2 * index->count : 1, sizeof(struct hm_node *));
	index->list[index->count++] = node;
	*cached(index, key) = node;
	return node;
}

static void keep(void *node)
{
	(void)node;
}

void hm_index_release(struct hm_index *index)
{
	tdestroy(index->tree, keep);
	for (size_t i = 0; i < index->count; i++)
		free(index->list[i]);
	free(index->list);
	*index = (struct hm_index){ .node_size = index->node_size };
}
