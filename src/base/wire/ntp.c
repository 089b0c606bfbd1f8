#include "ntp.h"

enum { CLIENT = 3, SERVER = 4, STRATUM = 1, PRECISION = 0xec /* 2^-20 s */, TRANSMIT = 40, LEN = 48 };

#define SINCE_1900 2208988800u /* seconds from there to 1970 */

static void put_be(struct hm_bytes *out, uint64_t v, size_t size)
{
	while (size-- > 0)
		hm_bytes_u8(out, (uint8_t)(v >> 8 * size));
}

/* Seconds since 1900 modulo 2^32, and 2^-32 s (section 6). */
static void put_time(struct hm_bytes *out, uint64_t ns)
{
	put_be(out, (ns / 1000000000 + SINCE_1900) & UINT32_MAX, 4);
	put_be(out, ((ns % 1000000000) << 32) / 1000000000, 4);
}

int hm_ntp_answer(struct hm_bytes *out, struct hm_slice request, uint64_t now_ns)
{
	unsigned version;

	if (request.len < LEN || (request.data[0] & 7) != CLIENT)
		return HM_E_BAD;
	version = request.data[0] >> 3 & 7;
	if (version < 1 || version > 4)
		return HM_E_BAD;
	hm_bytes_u8(out, (uint8_t)(version << 3 | SERVER));
	hm_bytes_u8(out, STRATUM);
	hm_bytes_u8(out, request.data[2]); /* poll */
	hm_bytes_u8(out, PRECISION);
	put_be(out, 0, 8); /* root delay, root dispersion */
	hm_bytes_text(out, "LOCL");
	put_time(out, now_ns / 1000000000 * 1000000000); /* when the clock was set: this second */
	hm_bytes_append(out, request.data + TRANSMIT, 8);
	put_time(out, now_ns);
	put_time(out, now_ns);
	return 0;
}
