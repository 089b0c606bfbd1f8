/* What goes through a pipe: a length, a kind, texts. */
#include "reader_internal.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 8000u /* of one text: what is longer is cut */
#define NO_TEXT 0xffffffffu

static void le(struct hm_bytes *out, uint64_t v, size_t size)
{
	for (size_t i = 0; i < size; i++)
		hm_bytes_u8(out, (uint8_t)(v >> (8 * i)));
}

static size_t begin(struct hm_bytes *out, enum parcel kind)
{
	le(out, 0, 4);
	hm_bytes_u8(out, (uint8_t)kind);
	return out->len - 5;
}

static void end(struct hm_bytes *out, size_t at)
{
	uint32_t len = (uint32_t)(out->len - at - 4);

	for (size_t i = 0; i < 4; i++)
		out->data[at + i] = (uint8_t)(len >> (8 * i));
}

static void put_text(struct hm_bytes *out, const char *text)
{
	size_t len = text ? strnlen(text, TEXT_MAX) : 0;

	le(out, text ? len : NO_TEXT, 4);
	hm_bytes_append(out, text, len);
}

void parcel_observation(struct hm_bytes *out, enum parcel kind, const struct hm_observation *o)
{
	const char *text[PARCEL_TEXTS] = { o->value, o->detail, o->path, o->outer, o->source, o->sha256, NULL };
	size_t at = begin(out, kind);

	hm_bytes_u8(out, (uint8_t)o->kind);
	hm_bytes_u8(out, (uint8_t)o->state);
	hm_bytes_u8(out, o->verified);
	for (size_t i = 0; i < 6; i++)
		put_text(out, text[i]);
	end(out, at);
}

void parcel_texts(struct hm_bytes *out, enum parcel kind, const char *const *text, size_t count)
{
	size_t at = begin(out, kind);

	for (size_t i = 0; i < count; i++)
		put_text(out, text[i]);
	end(out, at);
}

void parcel_numbers(struct hm_bytes *out, enum parcel kind, const uint64_t *number, size_t count)
{
	size_t at = begin(out, kind);

	for (size_t i = 0; i < count; i++)
		le(out, number[i], 8);
	end(out, at);
}

static char *get_text(struct hm_cursor *c)
{
	uint64_t len = hm_cursor_le(c, 4);
	struct hm_slice s;

	if (len == NO_TEXT || c->bad)
		return NULL;
	s = hm_cursor_bytes(c, (size_t)len);
	if (len > TEXT_MAX || (s.len && memchr(s.data, 0, s.len)))
		c->bad = true;
	return c->bad ? NULL : hm_slice_dup(s);
}

int parcel_read_observation(struct hm_slice body, struct hm_observation *o, char *text[PARCEL_TEXTS])
{
	struct hm_cursor c = hm_cursor_of(body);
	uint8_t kind = hm_cursor_u8(&c), state = hm_cursor_u8(&c), verified = hm_cursor_u8(&c);

	for (size_t i = 0; i < 6; i++)
		text[i] = get_text(&c);
	if (!hm_cursor_done(&c) || kind >= HM_OBSERVATION_KINDS || state >= HM_STATES || verified > 1 || !text[0] || !text[4] ||
	    (text[5] && (strlen(text[5]) != 64 || strspn(text[5], "0123456789abcdef") != 64)))
		return HM_E_BAD;
	*o = (struct hm_observation){ .kind = kind, .state = state, .verified = verified, .value = text[0], .detail = text[1], .path = text[2], .outer = text[3],
				      .source = text[4], .sha256 = text[5] };
	return 0;
}

int parcel_read_texts(struct hm_slice body, char **text, size_t count)
{
	struct hm_cursor c = hm_cursor_of(body);

	for (size_t i = 0; i < count; i++)
		text[i] = get_text(&c);
	return hm_cursor_done(&c) ? 0 : HM_E_BAD;
}

int parcel_read_numbers(struct hm_slice body, uint64_t *number, size_t count)
{
	struct hm_cursor c = hm_cursor_of(body);

	for (size_t i = 0; i < count; i++)
		number[i] = hm_cursor_le(&c, 8);
	return hm_cursor_done(&c) ? 0 : HM_E_BAD;
}
