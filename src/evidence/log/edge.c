#include "edge.h"

void hm_edge_copy(struct hm_edge *to, const struct hm_edge *from)
{
	*to = *from;
	to->bundle = (struct hm_bytes){ 0 };
	hm_bytes_slice(&to->bundle, hm_slice_of(&from->bundle));
}

void hm_edge_release(struct hm_edge *edge)
{
	hm_bytes_release(&edge->bundle);
}

void hm_edge_files_release(struct hm_edge_files *files)
{
	for (size_t i = 0; i < files->count; i++)
		hm_bytes_release(&files->file[i].bytes);
	files->count = 0;
}

static void put(struct hm_edge_files *files, unsigned level, uint64_t index, unsigned width, struct hm_slice bytes)
{
	struct hm_edge_file *file;

	if (!files)
		return;
	if (files->count == HM_COUNT(files->file))
		abort(); /* more than a batch */
	file = &files->file[files->count++];
	*file = (struct hm_edge_file){ .tile = { level, index, width } };
	hm_bytes_slice(&file->bytes, bytes);
}

/* The root over a full tile's hashes. */
static struct hm_sha256 fold(const struct hm_sha256 hash[HM_TILE_WIDTH])
{
	struct hm_merkle tree = { 0 };
	struct hm_sha256 root;

	for (unsigned i = 0; i < HM_TILE_WIDTH; i++)
		hm_merkle_append(&tree, &hash[i]);
	hm_merkle_root(&tree, &root);
	return root;
}

static void add_hash(struct hm_edge *edge, struct hm_sha256 hash, uint64_t index, struct hm_edge_files *files)
{
	for (unsigned level = 0; level < HM_EDGE_LEVELS; level++) {
		struct hm_sha256 *row = edge->level[level].hash;

		row[edge->level[level].count++] = hash;
		index /= HM_TILE_WIDTH;
		if (edge->level[level].count < HM_TILE_WIDTH)
			return;
		put(files, level, index, HM_TILE_WIDTH, (struct hm_slice){ row[0].b, HM_TILE_WIDTH * HM_SHA256_LEN });
		hash = fold(row);
		edge->level[level].count = 0;
	}
}

void hm_edge_add(struct hm_edge *edge, struct hm_slice entry, struct hm_edge_files *files)
{
	uint64_t index = edge->range.size;
	struct hm_sha256 leaf;

	hm_merkle_leaf(&leaf, &entry, 1);
	hm_tile_put_entry(&edge->bundle, entry);
	if (edge->level[0].count + 1 == HM_TILE_WIDTH) {
		put(files, HM_TILE_ENTRIES, index / HM_TILE_WIDTH, HM_TILE_WIDTH, hm_slice_of(&edge->bundle));
		edge->bundle.len = 0;
	}
	add_hash(edge, leaf, index, files);
	hm_merkle_append(&edge->range, &leaf);
}

void hm_edge_partial(const struct hm_edge *edge, unsigned levels, struct hm_edge_files *files)
{
	uint64_t index = edge->range.size / HM_TILE_WIDTH;

	if (edge->level[0].count)
		put(files, HM_TILE_ENTRIES, index, edge->level[0].count, hm_slice_of(&edge->bundle));
	for (unsigned level = 0; level < levels; level++, index /= HM_TILE_WIDTH)
		if (edge->level[level].count)
			put(files, level, index, edge->level[level].count,
			    (struct hm_slice){ edge->level[level].hash[0].b, edge->level[level].count * HM_SHA256_LEN });
}
