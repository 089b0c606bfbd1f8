#include "tile.h"

/* Groups of three digits, all but the last behind an x. */
static size_t put_number(char *out, uint64_t n)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n);
	int padded = (len + 2) / 3 * 3;
	size_t at = 0;

	for (int i = 0; i < padded; i++) {
		int digit = i - (padded - len);

		if (i % 3 == 0 && i + 3 < padded)
			out[at++] = 'x';
		out[at++] = digit < 0 ? '0' : digits[digit];
		if (i % 3 == 2 && i + 1 < padded)
			out[at++] = '/';
	}
	return at;
}

char *hm_tile_path(char out[HM_TILE_PATH], struct hm_tile tile)
{
	size_t at;

	if (tile.level == HM_TILE_ENTRIES)
		at = (size_t)snprintf(out, HM_TILE_PATH, "tile/entries/");
	else
		at = (size_t)snprintf(out, HM_TILE_PATH, "tile/%u/", tile.level);
	at += put_number(out + at, tile.index);
	if (tile.width < HM_TILE_WIDTH)
		snprintf(out + at, HM_TILE_PATH - at, ".p/%u", tile.width);
	else
		out[at] = 0;
	return out;
}

/* Digits of whatever grouping: what is out of place shows when the path is written again. */
static const char *read_number(uint64_t *out, const char *at)
{
	*out = 0;
	for (; *at == 'x' || *at == '/' || (*at >= '0' && *at <= '9'); at++) {
		if (*at == 'x' || *at == '/')
			continue;
		if (*out > INT64_MAX / 10 - 1)
			return NULL;
		*out = *out * 10 + (uint64_t)(*at - '0');
	}
	return at;
}

static const char *read_small(unsigned *out, const char *at)
{
	*out = 0;
	while (*at >= '0' && *at <= '9' && *out < 1000)
		*out = *out * 10 + (unsigned)(*at++ - '0');
	return at;
}

bool hm_tile_parse(struct hm_tile *out, const char *path)
{
	static const char entries[] = "tile/entries/";
	struct hm_tile tile = { .level = HM_TILE_ENTRIES, .width = HM_TILE_WIDTH };
	char again[HM_TILE_PATH];
	const char *at = path;

	if (strlen(path) >= HM_TILE_PATH || strncmp(path, "tile/", 5) != 0)
		return false;
	if (strncmp(path, entries, strlen(entries)) == 0)
		at += strlen(entries);
	else
		at = read_small(&tile.level, at + 5) + 1;
	if (at[-1] != '/' || tile.level > HM_TILE_ENTRIES)
		return false;
	at = read_number(&tile.index, at);
	if (at && strncmp(at, ".p/", 3) == 0)
		at = read_small(&tile.width, at + 3);
	if (!at || *at || tile.width == 0 || tile.width > HM_TILE_WIDTH)
		return false;
	*out = tile;
	return strcmp(hm_tile_path(again, tile), path) == 0;
}

unsigned hm_tile_width(unsigned level, uint64_t index, uint64_t size)
{
	unsigned shift = level == HM_TILE_ENTRIES ? 0 : 8 * level;
	uint64_t nodes = shift < 64 ? size >> shift : 0, first = index * HM_TILE_WIDTH;

	if (index > UINT64_MAX / HM_TILE_WIDTH || nodes <= first)
		return 0;
	return nodes - first < HM_TILE_WIDTH ? (unsigned)(nodes - first) : HM_TILE_WIDTH;
}

struct hm_slice hm_tile_entry(struct hm_cursor *bundle)
{
	size_t len = (size_t)hm_cursor_be(bundle, 2);

	return hm_cursor_bytes(bundle, len);
}

void hm_tile_put_entry(struct hm_bytes *bundle, struct hm_slice entry)
{
	hm_bytes_u8(bundle, (uint8_t)(entry.len >> 8));
	hm_bytes_u8(bundle, (uint8_t)entry.len);
	hm_bytes_slice(bundle, entry);
}
