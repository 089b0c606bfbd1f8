#pragma once
/* Nodes by key, in the order in which they came: files, sockets, flows. A tree, so that no input makes it slow, behind a small
 * table of what was looked up last, so that the common case is one comparison. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HM_INDEX_CACHE = 1024 };

struct hm_key {
	uint64_t v[4];
};

/* Begins every node. */
struct hm_node {
	struct hm_key key;
};

struct hm_index {
	size_t node_size, count;
	void *tree;
	struct hm_node **list; /* in the order in which they came */
	struct hm_node *cache[HM_INDEX_CACHE];
};

/* The node of `key`, or NULL. */
void *hm_index_find(struct hm_index *index, const struct hm_key *key);
/* The same; one that is not there is made, zeroed but for its key. */
void *hm_index_node(struct hm_index *index, const struct hm_key *key);
void hm_index_release(struct hm_index *index);
