#pragma once
/* The right edge of a growing tree: all that is needed to go on, and what has to be written after it. */
#include "tree.h"

#define HM_EDGE_LEVELS 8

/* A file of the log that has to be written or compared. */
struct hm_edge_file {
	struct hm_tile tile;
	struct hm_bytes bytes;
};

struct hm_edge_files {
	struct hm_edge_file file[2 + 2 * HM_EDGE_LEVELS];
	size_t count;
};

struct hm_edge {
	struct hm_merkle range;
	struct hm_bytes bundle; /* the incomplete bundle of entries */
	struct {
		struct hm_sha256 hash[HM_TILE_WIDTH];
		unsigned count; /* of the incomplete tile, below 256 */
	} level[HM_EDGE_LEVELS];
};

/* `to` becomes a copy; release both. */
void hm_edge_copy(struct hm_edge *to, const struct hm_edge *from);
void hm_edge_release(struct hm_edge *edge);
/* Adds an entry. Bundle and tiles that it completes are appended to `files`, NULL to drop them. */
void hm_edge_add(struct hm_edge *edge, struct hm_slice entry, struct hm_edge_files *files);
/* Appends the incomplete bundle and tiles: of levels up to `levels`, HM_EDGE_LEVELS for all. */
void hm_edge_partial(const struct hm_edge *edge, unsigned levels, struct hm_edge_files *files);
void hm_edge_files_release(struct hm_edge_files *files);
