/* Numbers and texts drawn from the key of a level. */
#include "factor_internal.h"

void hm_stream_open(struct hm_stream *s, const struct hm_sha256 *key, const char *what, uint32_t draw)
{
	*s = (struct hm_stream){ .key = key, .what = what, .draw = draw, .at = HM_SHA256_LEN };
}

static uint32_t next(struct hm_stream *s)
{
	uint32_t v = 0;

	if (s->at == HM_SHA256_LEN) {
		HM_FREE char *label = hm_sprintf("%s/%u/%u", s->what, s->draw, s->block++);

		hm_derive(&s->bits, s->key->b, label);
		s->at = 0;
	}
	for (unsigned i = 0; i < 4; i++)
		v |= (uint32_t)s->bits.b[s->at + i] << (8 * i);
	s->at += 4;
	return v;
}

uint32_t hm_stream_below(struct hm_stream *s, uint32_t bound)
{
	uint64_t fair = (1ull << 32) / bound * bound;
	uint32_t v;

	do
		v = next(s);
	while (v >= fair);
	return v % bound;
}

static const struct {
	const char *slot;
	const char *alphabet;
} classes[] = {
	{ D, "0123456789" },
	{ U, "ABCDEFGHJKMNPQRSTVWXYZ" },
	{ L, "abcdefghijklmnopqrstuvwxyz" },
};

void hm_stream_fill(struct hm_stream *s, char *text)
{
	size_t length = strlen(text);
	HM_FREE char **slot = hm_alloc(length + 1, sizeof(*slot));

	for (size_t c = 0; c < HM_COUNT(classes); c++) {
		size_t letters = strlen(classes[c].alphabet), count = 0;

		for (size_t i = 0; i < length; i++) {
			if (text[i] != *classes[c].slot)
				continue;
			text[i] = classes[c].alphabet[count % letters];
			slot[count++] = &text[i];
		}
		for (size_t i = count; i > 1; i--) {
			char *other = slot[hm_stream_below(s, (uint32_t)i)], kept = *other;

			*other = *slot[i - 1];
			*slot[i - 1] = kept;
		}
	}
}

uint32_t hm_factor_pick(const struct hm_factor_key *key, const char *what, uint32_t count)
{
	struct hm_stream zero, one;
	uint32_t first, second;

	hm_stream_open(&zero, &key->level[0], what, 0);
	hm_stream_open(&one, &key->level[1], what, 0);
	first = hm_stream_below(&zero, count);
	if (key->chosen == 0)
		return first;
	second = hm_stream_below(&one, count - 1);
	return second + (second >= first);
}
