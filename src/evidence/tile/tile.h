#pragma once
/* Where a tile log keeps what (c2sp.org/tlog-tiles): names of tiles, entries in their bundles. doc/format/log.md. */
#include "cursor.h"
#include "digest.h"

#define HM_TILE_WIDTH 256
#define HM_TILE_ENTRIES 64 /* in place of a level: a bundle of entries */
#define HM_TILE_PATH 96	   /* longest path and its NUL */
#define HM_ENTRY_MAX 65535
#define HM_BUNDLE_MAX ((size_t)HM_TILE_WIDTH * (2 + HM_ENTRY_MAX))

struct hm_tile {
	unsigned level; /* 0 to 63, or HM_TILE_ENTRIES */
	uint64_t index;
	unsigned width; /* 1 to 256; below that it is a partial tile */
};

/* "tile/L/N" or "tile/L/N.p/W". Returns `out`. */
char *hm_tile_path(char out[HM_TILE_PATH], struct hm_tile tile);
/* Reads a path, relative to the log. False unless hm_tile_path gives the same. */
bool hm_tile_parse(struct hm_tile *out, const char *path) HM_MUST_CHECK;
/* How many hashes the tile has in a tree of that size: 0 where it has none. */
unsigned hm_tile_width(unsigned level, uint64_t index, uint64_t size) HM_MUST_CHECK;
/* Takes the next entry off a bundle; sets `bad` when it is cut short. */
struct hm_slice hm_tile_entry(struct hm_cursor *bundle);
/* Appends an entry with its length before it; it has HM_ENTRY_MAX bytes at most. */
void hm_tile_put_entry(struct hm_bytes *bundle, struct hm_slice entry);
