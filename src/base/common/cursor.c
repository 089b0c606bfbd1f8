#include "cursor.h"

uint64_t hm_cursor_be(struct hm_cursor *c, size_t size)
{
	struct hm_slice s = hm_cursor_bytes(c, size);
	uint64_t v = 0;

	for (size_t i = 0; i < s.len; i++)
		v = v << 8 | s.data[i];
	return v;
}

uint64_t hm_cursor_le(struct hm_cursor *c, size_t size)
{
	struct hm_slice s = hm_cursor_bytes(c, size);
	uint64_t v = 0;

	for (size_t i = s.len; i > 0; i--)
		v = v << 8 | s.data[i - 1];
	return v;
}
