#include "note_internal.h"

#include "text.h"

#define KEY_MAX 2048 /* bytes of a key of any type: ML-DSA-44 has 1,312 */

/* White_Space of Unicode beyond ASCII's, which the check for control characters and ' ' has covered. */
static bool is_space(uint32_t c)
{
	return c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
	       c == 0x205f || c == 0x3000;
}

/* One character of bytes that are known to be UTF-8. */
static uint32_t next_character(struct hm_slice *s)
{
	uint8_t first = s->data[0];
	size_t len = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	uint32_t c = len == 1 ? first : first & (0xffu >> (len + 1));

	for (size_t i = 1; i < len; i++)
		c = c << 6 | (s->data[i] & 0x3f);
	s->data += len;
	s->len -= len;
	return c;
}

bool hm_note_is_name(struct hm_slice s)
{
	if (s.len == 0 || s.len > HM_NOTE_NAME || !hm_text_is_utf8(s))
		return false;
	while (s.len) {
		uint32_t c = next_character(&s);

		if (c <= ' ' || c == 0x7f || c == '+' || is_space(c))
			return false;
	}
	return true;
}

static void compute_id(uint8_t id[4], struct hm_slice name, struct hm_slice typed)
{
	struct hm_slice parts[] = { name, HM_SLICE("\n"), typed };
	struct hm_sha256 digest;

	hm_sha256_of(&digest, parts, HM_COUNT(parts));
	memcpy(id, digest.b, 4);
}

int hm_vkey_make(struct hm_vkey *out, struct hm_slice name, uint8_t type, const uint8_t key[32], struct hm_fail *fail)
{
	uint8_t typed[33] = { type };

	if (!hm_note_is_name(name))
		return hm_fail_set(fail, HM_E_BAD, "verifier key: the name is empty, too long, or has a space or a plus in it");
	*out = (struct hm_vkey){ .type = type };
	memcpy(out->name, name.data, name.len);
	memcpy(out->key, key, 32);
	memcpy(typed + 1, key, 32);
	compute_id(out->id, name, (struct hm_slice){ typed, sizeof(typed) });
	return 0;
}

void hm_vkey_write(struct hm_bytes *out, const struct hm_vkey *key)
{
	uint8_t typed[33] = { key->type };

	memcpy(typed + 1, key->key, 32);
	hm_bytes_printf(out, "%s+", key->name);
	hm_text_hex(out, (struct hm_slice){ key->id, 4 });
	hm_bytes_u8(out, '+');
	hm_text_base64(out, (struct hm_slice){ typed, sizeof(typed) });
}

static struct hm_slice until_plus(struct hm_slice *s)
{
	const uint8_t *plus = s->len ? memchr(s->data, '+', s->len) : NULL;
	struct hm_slice part = { s->data, plus ? (size_t)(plus - s->data) : 0 };

	if (plus) {
		s->len -= part.len + 1;
		s->data += part.len + 1;
	}
	return part;
}

static int read_key(struct hm_vkey *out, struct hm_slice text)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes typed = { 0 };
	struct hm_slice name = until_plus(&text), hex = until_plus(&text), key;
	struct hm_sha256 digest;
	uint8_t id[4];
	bool known;

	if (!hm_note_is_name(name) || text.len > 2 * KEY_MAX || hm_text_unbase64(&typed, text) < 0 || typed.len < 2 || typed.len > KEY_MAX)
		return HM_E_BAD;
	*out = (struct hm_vkey){ .type = typed.data[0] };
	memcpy(out->name, name.data, name.len);
	compute_id(id, name, hm_slice_of(&typed));
	if (hm_text_unhex(out->id, sizeof(out->id), hex) < 0)
		return HM_E_BAD;
	key = (struct hm_slice){ typed.data + 1, typed.len - 1 };
	known = out->type == HM_KEY_LOG || out->type == HM_KEY_WITNESS;
	/* Other types compute their ids as they like. */
	if (known && (key.len != 32 || memcmp(id, out->id, 4) != 0))
		return HM_E_BAD;
	hm_sha256_slice(&digest, key);
	memcpy(out->key, known ? key.data : digest.b, 32);
	return 0;
}

int hm_vkey_parse(struct hm_vkey *out, struct hm_slice text, struct hm_fail *fail)
{
	struct hm_vkey key;

	if (read_key(&key, text) < 0)
		return hm_fail_set(fail, HM_E_BAD, "verifier key: not NAME+ID+BASE64 with the id that follows from name and key");
	*out = key;
	return 0;
}
