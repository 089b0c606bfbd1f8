#pragma once
/* Between the files of fields: a message on its way to being split (fields.c), and the formats that have a file of their own (values.c). */
#include "feature.h"

enum { HM_FIELD_NAME_MAX = 200 };

struct hm_splitting {
	struct hm_slice message;
	void (*field)(void *cookie, const char *name, size_t offset, size_t length);
	void *cookie;
	size_t at;    /* all before this is told */
	size_t glues, fields;
	char (*used)[HM_FIELD_NAME_MAX + 1]; /* names that came already */
	size_t used_count;
};

struct hm_field_name {
	char text[HM_FIELD_NAME_MAX + 24];
	size_t len; /* without the number of one that came before */
};

/* The field `name` is the bytes from `offset` on; what lies before it and is not told is glue. */
void hm_field_span(struct hm_splitting *s, const char *name, size_t offset, size_t length);
/* Appends what a message calls something, in the letters that names have. Too much of it is cut off. */
void hm_field_name_add(struct hm_field_name *name, struct hm_slice raw);
/* The name is complete: puts a number behind it when it came before. */
void hm_field_name_end(struct hm_splitting *s, struct hm_field_name *name);

/* ---- values.c ---- */
/* "a=1&b=2" as PREFIX.a, PREFIX.b: true when these bytes of the message are of that form, and then they are told. */
bool hm_split_pairs(struct hm_splitting *s, const char *prefix, struct hm_slice part) HM_MUST_CHECK;
/* A JSON object or array as its strings, numbers and words: PREFIX.a, PREFIX.list/0/b. Likewise. */
bool hm_split_json(struct hm_splitting *s, const char *prefix, struct hm_slice part) HM_MUST_CHECK;
