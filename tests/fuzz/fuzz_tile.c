/* A path that is taken is written again; the entries of a bundle, written again, are its bytes. */
#include "tile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes again = { 0 };
	HM_FREE char *path = hm_slice_dup((struct hm_slice){ data, size });
	struct hm_cursor c = hm_cursor_of((struct hm_slice){ data, size });
	char written[HM_TILE_PATH];
	struct hm_tile tile;

	if (hm_tile_parse(&tile, path) && strcmp(hm_tile_path(written, tile), path) != 0)
		abort();
	while (hm_cursor_left(&c)) {
		struct hm_slice entry = hm_tile_entry(&c);

		if (!c.bad)
			hm_tile_put_entry(&again, entry);
	}
	if (!hm_slice_eq(hm_slice_of(&again), (struct hm_slice){ data, again.len }) || (!c.bad && again.len != size))
		abort();
	return 0;
}
