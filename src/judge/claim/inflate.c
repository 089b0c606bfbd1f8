/* zlib behind two bounded functions. Only the bare deflate format is used: with neither checksum nor trailer, a sender who
 * spoils those does not hide what he compressed. */
#include "claim_internal.h"

#include <zlib.h>

#include "cursor.h"

enum { STEP = 65536, FIRST = 4096, LOCAL_HEADER = 0x504b0304, STORED = 0, DEFLATED = 8 };

size_t hm_inflate(struct hm_bytes *out, struct hm_slice s, size_t max)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)s.data };
	size_t before = out->len, left = s.len, used;
	int r = Z_OK;

	if (!s.len || inflateInit2(&z, -MAX_WBITS) != Z_OK)
		return 0;
	while (r == Z_OK && out->len - before < max) {
		size_t room = max - (out->len - before) < STEP ? max - (out->len - before) : STEP;

		if (!z.avail_in) {
			size_t more = s.len == left ? FIRST : STEP;

			if (!left)
				break;
			z.avail_in = (uInt)(left < more ? left : more);
			left -= z.avail_in;
		}
		z.next_out = hm_bytes_reserve(out, room);
		z.avail_out = (uInt)room;
		r = inflate(&z, Z_NO_FLUSH);
		out->len += room - z.avail_out;
		/* Input that gives nothing is no data: empty blocks can go on for ever. */
		if (s.len - left - z.avail_in > FIRST + 2 * (out->len - before))
			break;
	}
	used = s.len - left - z.avail_in;
	inflateEnd(&z);
	return out->len == before ? 0 : used;
}

/* APPNOTE.TXT 6.3.10 section 4.3.7. The sizes in the header may stand behind the data instead: deflated data tells its own
 * end, stored data is taken for as long as the header says. */
size_t hm_zip_member(struct hm_bytes *out, struct hm_slice s, size_t max)
{
	struct hm_cursor c = hm_cursor_of(s);
	uint64_t magic = hm_cursor_be(&c, 4), method, size, name, extra;
	size_t head, used;

	hm_cursor_bytes(&c, 4);
	method = hm_cursor_le(&c, 2);
	hm_cursor_bytes(&c, 8);
	size = hm_cursor_le(&c, 4);
	hm_cursor_bytes(&c, 4);
	name = hm_cursor_le(&c, 2);
	extra = hm_cursor_le(&c, 2);
	hm_cursor_bytes(&c, name + extra);
	if (c.bad || magic != LOCAL_HEADER)
		return 0;
	head = (size_t)(c.at - s.data);
	if (method == DEFLATED) {
		used = hm_inflate(out, (struct hm_slice){ c.at, hm_cursor_left(&c) }, max);
		return used ? head + used : 0;
	}
	if (method != STORED || size == 0 || size > max || size > hm_cursor_left(&c))
		return 0;
	hm_bytes_append(out, c.at, size);
	return head + size;
}
