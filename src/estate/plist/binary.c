/* "bplist00", objects, a table of their offsets, and a trailer {6 unused, size of an offset 1, size of a reference 1, objects 8, the outermost 8, where the table is 8}.
 * An object begins with its kind in four bits and its length in four, or 15 and an integer object that is the length. */
#include "cursor.h"
#include "plist_internal.h"
#include "text.h"

#define TRAILER 32u
#define MEMBERS_MAX 4096u

enum { KIND_SIMPLE = 0, KIND_INTEGER = 1, KIND_ASCII = 5, KIND_UTF16 = 6, KIND_ARRAY = 10, KIND_DICTIONARY = 13 };

struct list {
	struct hm_slice bytes;
	uint64_t offset_size, reference_size, objects, top, table;
};

struct object {
	unsigned kind;
	uint64_t length;
	struct hm_cursor body;
};

static bool open_list(struct list *l, struct hm_slice bytes)
{
	struct hm_cursor c;

	if (bytes.len < 8 + TRAILER)
		return false;
	l->bytes = bytes;
	c = hm_cursor_of((struct hm_slice){ bytes.data + bytes.len - TRAILER, TRAILER });
	hm_cursor_bytes(&c, 6);
	l->offset_size = hm_cursor_u8(&c);
	l->reference_size = hm_cursor_u8(&c);
	l->objects = hm_cursor_be(&c, 8);
	l->top = hm_cursor_be(&c, 8);
	l->table = hm_cursor_be(&c, 8);
	return l->offset_size >= 1 && l->offset_size <= 8 && l->reference_size >= 1 && l->reference_size <= 8 && l->table < bytes.len && l->objects <= bytes.len;
}

static bool object_at(const struct list *l, uint64_t number, struct object *o)
{
	struct hm_cursor c = hm_cursor_of((struct hm_slice){ l->bytes.data + l->table, l->bytes.len - (size_t)l->table });
	uint64_t at;
	unsigned mark;

	if (number >= l->objects)
		return false;
	hm_cursor_bytes(&c, (size_t)(number * l->offset_size));
	at = hm_cursor_be(&c, (size_t)l->offset_size);
	if (c.bad || at >= l->bytes.len)
		return false;
	o->body = hm_cursor_of((struct hm_slice){ l->bytes.data + at, l->bytes.len - (size_t)at });
	mark = hm_cursor_u8(&o->body);
	o->kind = mark >> 4;
	o->length = mark & 15;
	if (o->length == 15 && o->kind > KIND_INTEGER) {
		unsigned size = hm_cursor_u8(&o->body);

		if (size >> 4 != KIND_INTEGER || (size & 15) > 3)
			return false;
		o->length = hm_cursor_be(&o->body, (size_t)1 << (size & 15));
	}
	return !o->body.bad;
}

/* UTF-16 stands in the order of the network here. */
static char *utf16(struct hm_slice s)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes swapped = { 0 };

	for (size_t i = 0; i + 1 < s.len; i += 2) {
		hm_bytes_u8(&swapped, s.data[i + 1]);
		hm_bytes_u8(&swapped, s.data[i]);
	}
	return hm_text_of_utf16(hm_slice_of(&swapped), PLIST_TEXT);
}

/* A text or boolean; of an array its first; NULL: it is none, or too long. */
static char *text_of(const struct list *l, uint64_t number, bool inside)
{
	struct object o;
	struct hm_slice s;

	if (!object_at(l, number, &o))
		return NULL;
	if (o.kind == KIND_SIMPLE && (o.length == 8 || o.length == 9))
		return hm_strdup(o.length == 9 ? "true" : "false");
	if (o.kind == KIND_ARRAY && o.length && !inside) {
		uint64_t first = hm_cursor_be(&o.body, (size_t)l->reference_size);

		return o.body.bad ? NULL : text_of(l, first, true);
	}
	if ((o.kind != KIND_ASCII && o.kind != KIND_UTF16) || o.length > PLIST_TEXT)
		return NULL;
	s = hm_cursor_bytes(&o.body, (size_t)o.length * (o.kind == KIND_UTF16 ? 2 : 1));
	if (!s.data)
		return NULL;
	return o.kind == KIND_UTF16 ? utf16(s) : hm_slice_dup(s);
}

int plist_binary(struct hm_slice bytes, hm_plist_fn each, void *cookie, struct hm_fail *fail)
{
	struct list l;
	struct object top;
	struct hm_cursor keys, values;
	int r = 0;

	if (!open_list(&l, bytes) || !object_at(&l, l.top, &top) || top.kind != KIND_DICTIONARY || top.length > MEMBERS_MAX)
		return hm_fail_set(fail, HM_E_BAD, "no property list with a dictionary");
	keys = values = top.body;
	hm_cursor_bytes(&values, (size_t)(top.length * l.reference_size));
	for (uint64_t i = 0; r == 0 && i < top.length; i++) {
		uint64_t k = hm_cursor_be(&keys, (size_t)l.reference_size), v = hm_cursor_be(&values, (size_t)l.reference_size);
		HM_FREE char *key = NULL, *value = NULL;

		if (keys.bad || values.bad)
			return hm_fail_set(fail, HM_E_BAD, "the property list is cut");
		key = text_of(&l, k, true);
		value = key && *key ? text_of(&l, v, false) : NULL;
		if (value && *value)
			r = each(cookie, key, value);
	}
	return r;
}
