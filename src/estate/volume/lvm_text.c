#include "lvm_text.h"

#include <stdlib.h>

#define DEEPEST 12
#define PIECES_MAX 200000u

struct reading {
	const uint8_t *at, *end;
	unsigned pieces;
};

static void skip(struct reading *r)
{
	while (r->at < r->end && (*r->at <= ' ' || *r->at == '#' || *r->at == ',')) {
		if (*r->at == '#')
			while (r->at < r->end && *r->at != '\n')
				r->at++;
		else
			r->at++;
	}
}

static bool next_is(struct reading *r, char c)
{
	skip(r);
	if (r->at == r->end || *r->at != c)
		return false;
	r->at++;
	return true;
}

static bool is_word(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("_-.+/", c ? c : ' ');
}

/* A word or a string; NULL where there is neither. */
static char *word(struct reading *r)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };
	bool quoted = next_is(r, '"'), closed = !quoted;

	while (r->at < r->end && (quoted || is_word(*r->at))) {
		uint8_t c = *r->at++;

		if (quoted && c == '"') {
			closed = true;
			break;
		}
		if (quoted && c == '\\' && r->at < r->end)
			c = *r->at++;
		if (c == 0)
			return NULL;
		hm_bytes_u8(&out, c);
	}
	return closed && (quoted || out.len) ? hm_slice_dup(hm_slice_of(&out)) : NULL;
}

static bool section(struct reading *r, struct lvm_text *in, char end, unsigned level);

static bool value(struct reading *r, struct lvm_text *t, unsigned level)
{
	if (next_is(r, '['))
		return section(r, t, ']', level + 1);
	t->value = word(r);
	return t->value != NULL;
}

static bool one(struct reading *r, struct lvm_text *t, bool list, unsigned level)
{
	if (list)
		return value(r, t, level);
	t->key = word(r);
	if (!t->key)
		return false;
	return next_is(r, '{') ? section(r, t, '}', level + 1) : next_is(r, '=') && value(r, t, level);
}

/* Up to `end`; 0: of the text. */
static bool section(struct reading *r, struct lvm_text *in, char end, unsigned level)
{
	struct lvm_text **to = &in->first;

	if (level > DEEPEST)
		return false;
	for (;;) {
		skip(r);
		if (end ? next_is(r, end) : r->at == r->end || *r->at == 0)
			return true;
		if (r->at == r->end || ++r->pieces > PIECES_MAX)
			return false;
		*to = hm_alloc(1, sizeof(**to));
		if (!one(r, *to, end == ']', level))
			return false;
		to = &(*to)->next;
	}
}

struct lvm_text *lvm_text_read(struct hm_slice text)
{
	struct reading r = { text.data, text.data + text.len, 0 };
	struct lvm_text *t = hm_alloc(1, sizeof(*t));

	if (section(&r, t, 0, 0))
		return t;
	lvm_text_free(t);
	return NULL;
}

void lvm_text_free(struct lvm_text *t)
{
	while (t) {
		struct lvm_text *next = t->next;

		lvm_text_free(t->first);
		free(t->key);
		free(t->value);
		free(t);
		t = next;
	}
}

const struct lvm_text *lvm_text_at(const struct lvm_text *section, const char *key)
{
	for (const struct lvm_text *t = section ? section->first : NULL; t; t = t->next)
		if (t->key && strcmp(t->key, key) == 0)
			return t;
	return NULL;
}

const char *lvm_text_value(const struct lvm_text *section, const char *key)
{
	const struct lvm_text *t = lvm_text_at(section, key);

	return t && t->value ? t->value : "";
}

uint64_t lvm_text_number(const struct lvm_text *section, const char *key)
{
	return strtoull(lvm_text_value(section, key), NULL, 10);
}
