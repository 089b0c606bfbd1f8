#include "text.h"

#include "cursor.h"

static const char digits16[] = "0123456789abcdef";
static const char digits64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *hm_text_hex_into(char *out, struct hm_slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		out[2 * i] = digits16[s.data[i] >> 4];
		out[2 * i + 1] = digits16[s.data[i] & 15];
	}
	out[2 * s.len] = 0;
	return out;
}

void hm_text_hex(struct hm_bytes *out, struct hm_slice s)
{
	hm_bytes_reserve(out, 2 * s.len + 1);
	hm_text_hex_into((char *)out->data + out->len, s);
	out->len += 2 * s.len;
}

static int unhex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

int hm_text_unhex(uint8_t *out, size_t len, struct hm_slice digits)
{
	if (digits.len / 2 != len || digits.len % 2)
		return HM_E_BAD;
	for (size_t i = 0; i < digits.len; i++)
		if (unhex_digit(digits.data[i]) < 0)
			return HM_E_BAD;
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(unhex_digit(digits.data[2 * i]) << 4 | unhex_digit(digits.data[2 * i + 1]));
	return 0;
}

void hm_text_base64(struct hm_bytes *out, struct hm_slice s)
{
	for (size_t i = 0; i < s.len; i += 3) {
		size_t n = s.len - i < 3 ? s.len - i : 3;
		uint32_t v = (uint32_t)s.data[i] << 16;

		if (n > 1)
			v |= (uint32_t)s.data[i + 1] << 8;
		if (n > 2)
			v |= s.data[i + 2];
		hm_bytes_u8(out, (uint8_t)digits64[v >> 18]);
		hm_bytes_u8(out, (uint8_t)digits64[v >> 12 & 63]);
		hm_bytes_u8(out, (uint8_t)(n > 1 ? digits64[v >> 6 & 63] : '='));
		hm_bytes_u8(out, (uint8_t)(n > 2 ? digits64[v & 63] : '='));
	}
}

static int unbase64_digit(uint8_t c)
{
	const char *at = c ? memchr(digits64, c, 64) : NULL;

	return at ? (int)(at - digits64) : -1;
}

int hm_text_unbase64(struct hm_bytes *out, struct hm_slice text)
{
	if (text.len % 4)
		return HM_E_BAD;
	for (size_t i = 0; i < text.len; i += 4) {
		bool last = i + 4 == text.len;
		size_t pad = last ? (size_t)(text.data[i + 3] == '=') + (text.data[i + 2] == '=' && text.data[i + 3] == '=')
				  : 0;
		uint32_t v = 0;

		for (size_t k = 0; k < 4; k++) {
			int digit = k < 4 - pad ? unbase64_digit(text.data[i + k]) : 0;

			if (digit < 0)
				return HM_E_BAD;
			v = v << 6 | (uint32_t)digit;
		}
		if ((pad == 1 && (v & 0xff)) || (pad == 2 && (v & 0xffff)))
			return HM_E_BAD;
		for (size_t k = 0; k < 3 - pad; k++)
			hm_bytes_u8(out, (uint8_t)(v >> (16 - 8 * k)));
	}
	return 0;
}

/* Bytes of the well-formed sequence at `p` (Unicode table 3-7), or 0. */
static size_t utf8_sequence(const uint8_t *p, size_t left)
{
	uint8_t low = 0x80, high = 0xbf;
	size_t n;

	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (n > left)
		return 0;
	if (p[0] == 0xe0)
		low = 0xa0;
	if (p[0] == 0xed)
		high = 0x9f;
	if (p[0] == 0xf0)
		low = 0x90;
	if (p[0] == 0xf4)
		high = 0x8f;
	if (p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	return n;
}

bool hm_text_is_utf8(struct hm_slice s)
{
	for (size_t i = 0; i < s.len;) {
		size_t n = utf8_sequence(s.data + i, s.len - i);

		if (!n)
			return false;
		i += n;
	}
	return true;
}

void hm_text_character(struct hm_bytes *out, uint32_t u)
{
	if (u >= 0xd800 && u < 0xe000)
		u = 0xfffd;
	if (u < 0x80) {
		hm_bytes_u8(out, (uint8_t)u);
		return;
	}
	if (u < 0x800) {
		hm_bytes_u8(out, (uint8_t)(0xc0 | u >> 6));
	} else {
		if (u >= 0x10000)
			hm_bytes_u8(out, (uint8_t)(0xf0 | u >> 18));
		hm_bytes_u8(out, (uint8_t)(u >= 0x10000 ? 0x80 | (u >> 12 & 63) : 0xe0 | u >> 12));
		hm_bytes_u8(out, (uint8_t)(0x80 | (u >> 6 & 63)));
	}
	hm_bytes_u8(out, (uint8_t)(0x80 | (u & 63)));
}

char *hm_text_of_utf16(struct hm_slice s, size_t max)
{
	struct hm_bytes out = { 0 };
	struct hm_cursor c = hm_cursor_of(s);

	while (hm_cursor_left(&c) >= 2 && out.len < max) {
		uint32_t u = (uint32_t)hm_cursor_le(&c, 2);

		if (u == 0)
			break;
		if (u >= 0xd800 && u < 0xdc00 && hm_cursor_left(&c) >= 2 && (c.at[1] & 0xfc) == 0xdc)
			u = 0x10000 + ((u - 0xd800) << 10) + ((uint32_t)hm_cursor_le(&c, 2) - 0xdc00);
		hm_text_character(&out, u);
	}
	hm_bytes_u8(&out, 0);
	return (char *)out.data;
}
