#include "admitted.h"

#include <ctype.h>

#include "claim_internal.h"
#include "mail.h"

enum { ROWS_MAX = 64, NAME_MIN = 3, MEMBERS_MAX = 1000, MEMBER_MAX = 64 << 20 };

/* One form of one value. */
struct needle {
	struct hm_bytes bytes;
	unsigned row;
	bool number; /* digits beside it make it another */
};

struct values { /* of one set */
	struct needle *list;
	size_t count;
	size_t first[257]; /* by first byte; in a group the longest come first */
	bool made;
};

struct hm_admitted {
	const struct hm_core *core;
	const json_t *rows;
	struct values *sets;
};

struct making {
	struct values *v;
	unsigned row;
	const char *kind;
};

/* ---- forms ---- */

static void add(struct making *m, struct hm_slice bytes, bool number)
{
	struct values *v = m->v;

	if (!bytes.len)
		return;
	v->list = hm_realloc(v->list, v->count + 1, sizeof(*v->list));
	v->list[v->count] = (struct needle){ .row = m->row, .number = number };
	hm_bytes_slice(&v->list[v->count++].bytes, bytes);
}

/* With padding and without, in both alphabets. */
static void add_base64(struct making *m, struct hm_slice bytes)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };

	hm_text_base64(&text, bytes);
	for (int url = 0; url < 2; url++) {
		struct hm_slice s = hm_slice_of(&text);

		add(m, s, false);
		while (s.len && s.data[s.len - 1] == '=')
			s.len--;
		if (s.len != text.len)
			add(m, s, false);
		for (size_t i = 0; i < text.len; i++)
			text.data[i] = text.data[i] == '+' ? '-' : text.data[i] == '/' ? '_' : text.data[i];
	}
}

static void add_digest(struct making *m, struct hm_slice digest)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes hex = { 0 };

	add(m, digest, false);
	add_base64(m, digest);
	hm_text_hex(&hex, digest);
	add(m, hm_slice_of(&hex), false);
	for (size_t i = 0; i < hex.len; i++)
		hex.data[i] = (uint8_t)toupper(hex.data[i]);
	add(m, hm_slice_of(&hex), false);
}

/* RFC 3986 section 2.1. */
static void add_percent(struct making *m, struct hm_slice name)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };

	for (size_t i = 0; i < name.len; i++)
		if (isalnum(name.data[i]) || strchr("-._~", name.data[i]))
			hm_bytes_u8(&text, name.data[i]);
		else
			hm_bytes_printf(&text, "%%%02X", name.data[i]);
	if (text.len != name.len)
		add(m, hm_slice_of(&text), false);
}

/* ---- values ---- */

static void digest_value(struct making *m, struct hm_slice content)
{
	static const char *const names[HM_DIGEST_KINDS] = { "md5", "sha1", "sha224", "sha256", "sha384", "sha512" };
	uint8_t digest[64];

	for (enum hm_digest_kind kind = HM_MD5; kind < HM_DIGEST_KINDS; kind++)
		if (strcmp(names[kind], m->kind) == 0)
			add_digest(m, (struct hm_slice){ digest, hm_digest_of(digest, kind, content) });
}

static void pyzor_value(struct making *m, struct hm_slice content)
{
	char hex[41];

	hm_mail_pyzor(hex, content);
	add(m, hm_slice_text(hex), false);
}

static void content_value(struct making *m, struct hm_slice content)
{
	add(m, content, false);
	add_base64(m, content);
}

static void size_value(struct making *m, struct hm_slice content)
{
	HM_FREE char *text = hm_sprintf("%zu", content.len);

	add(m, hm_slice_text(text), true);
}

/* The table of core.md. */
static const struct {
	const char *kind;
	void (*make)(struct making *m, struct hm_slice content);
} kinds[] = {
	{ "content", content_value }, { "md5", digest_value },	  { "name", NULL },	      { "pyzor", pyzor_value },	  { "sha1", digest_value },
	{ "sha224", digest_value },   { "sha256", digest_value }, { "sha384", digest_value }, { "sha512", digest_value }, { "size", size_value },
};

static void name_value(struct making *m, struct hm_slice path)
{
	size_t from = path.len;
	struct hm_slice name;

	while (from > 0 && path.data[from - 1] != '/')
		from--;
	name = (struct hm_slice){ path.data + from, path.len - from };
	if (name.len < NAME_MIN)
		return;
	add(m, name, false);
	add_percent(m, name);
	add_base64(m, name);
}

static void make_value(struct making *m, struct hm_slice content)
{
	for (size_t i = 0; i < HM_COUNT(kinds); i++)
		if (kinds[i].make && strcmp(kinds[i].kind, m->kind) == 0)
			kinds[i].make(m, content);
}

static void take_mail_part(void *cookie, const struct hm_mail_part *part)
{
	make_value(cookie, part->content);
}

static void make_parts(struct making *m, struct hm_slice path, struct hm_slice file)
{
	unsigned members = 0;

	if (path.len > 4 && memcmp(path.data + path.len - 4, ".eml", 4) == 0)
		hm_mail_parts(file, take_mail_part, m);
	for (size_t at = 0; at + 4 <= file.len && members < MEMBERS_MAX; members++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes content = { 0 };
		const uint8_t *head = memmem(file.data + at, file.len - at, "PK\3\4", 4);
		size_t used;

		if (!head)
			return;
		at = (size_t)(head - file.data);
		used = hm_zip_member(&content, (struct hm_slice){ head, file.len - at }, MEMBER_MAX);
		at += used ? used : 4;
		make_value(m, hm_slice_of(&content));
	}
}

static void make_file(const struct hm_admitted *a, struct values *v, struct hm_slice path, const json_t *file)
{
	const json_t *row;
	struct hm_slice content;
	size_t i;

	if (strcmp(hm_text_of(file, "role"), "definitions") == 0 || !hm_parts_get(a->core->parts, hm_text_of(file, "part"), &content))
		return;
	json_array_foreach (a->rows, i, row) {
		struct making m = { v, (unsigned)i, hm_text_of(row, "value") };

		if (i == ROWS_MAX)
			return;
		if (strcmp(m.kind, "name") == 0)
			name_value(&m, path);
		else if (strcmp(hm_text_of(row, "of"), "part") == 0)
			make_parts(&m, path, content);
		else
			make_value(&m, content);
	}
}

static int by_first(const void *a, const void *b)
{
	const struct needle *x = a, *y = b;

	if (x->bytes.data[0] != y->bytes.data[0])
		return x->bytes.data[0] < y->bytes.data[0] ? -1 : 1;
	if (x->bytes.len != y->bytes.len)
		return x->bytes.len > y->bytes.len ? -1 : 1;
	return x->row != y->row ? (x->row > y->row) - (x->row < y->row) : memcmp(x->bytes.data, y->bytes.data, x->bytes.len);
}

static const struct values *values_of(struct hm_admitted *a, size_t set)
{
	struct values *v = &a->sets[set];
	const json_t *files = hm_sets_files(a->core, set);
	size_t at = 0;

	if (v->made)
		return v;
	v->made = true;
	for (size_t i = 0; i < json_array_size(files); i++)
		make_file(a, v, a->core->sets[set].documents.list[i].path, json_array_get(files, i));
	if (v->count)
		qsort(v->list, v->count, sizeof(*v->list), by_first);
	for (unsigned byte = 0; byte < 256; byte++) {
		v->first[byte] = at;
		while (at < v->count && v->list[at].bytes.data[0] == byte)
			at++;
	}
	v->first[256] = at;
	return v;
}

/* ---- what is sent ---- */

static bool goes(const json_t *row, const char *endpoint)
{
	const char *to = hm_text_of(row, "to");

	return !to || strcmp(to, endpoint) == 0;
}

static uint64_t rows_to(const struct hm_admitted *a, const char *endpoint)
{
	uint64_t rows = 0;
	const json_t *row;
	size_t i;

	json_array_foreach (a->rows, i, row)
		if (i < ROWS_MAX && goes(row, endpoint))
			rows |= 1ull << i;
	return rows;
}

static bool is_here(const struct needle *n, struct hm_slice bytes, size_t at)
{
	size_t end = at + n->bytes.len;

	if (n->bytes.len > bytes.len - at || memcmp(bytes.data + at, n->bytes.data, n->bytes.len) != 0)
		return false;
	return !n->number || !((at > 0 && isdigit(bytes.data[at - 1])) || (end < bytes.len && isdigit(bytes.data[end])));
}

uint64_t hm_admitted_rest(struct hm_admitted *a, size_t set, const char *endpoint, struct hm_slice bytes, struct hm_sha256 *rest)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes left = { 0 };
	const struct values *v = values_of(a, set);
	uint64_t rows = rows_to(a, endpoint), taken = 0;

	for (size_t at = 0; at < bytes.len;) {
		const struct needle *found = NULL;

		for (size_t i = v->first[bytes.data[at]]; i < v->first[bytes.data[at] + 1] && !found; i++)
			if (rows >> v->list[i].row & 1 && is_here(&v->list[i], bytes, at))
				found = &v->list[i];
		if (!found) {
			hm_bytes_u8(&left, bytes.data[at++]);
			continue;
		}
		/* A byte that is no UTF-8 and the row, so that what stood there counts and of whom it was does not. */
		hm_bytes_u8(&left, 0xff);
		hm_bytes_u8(&left, (uint8_t)found->row);
		at += found->bytes.len;
		taken += found->bytes.len;
	}
	hm_sha256_slice(rest, hm_slice_of(&left));
	return taken;
}

bool hm_admitted_goes(const struct hm_admitted *a, const char *endpoint)
{
	return rows_to(a, endpoint) != 0;
}

bool hm_admitted_follows(const struct hm_admitted *a, const char *endpoint, struct hm_slice message, struct hm_slice bytes)
{
	const json_t *row;
	size_t i;

	json_array_foreach (a->rows, i, row)
		if (strcmp(hm_text_of(row, "value"), "pyzor.signature") == 0 && goes(row, endpoint) && hm_mail_pyzor_signs(message, bytes))
			return true;
	return false;
}

bool hm_admitted_leak(const struct hm_core *core, const char *endpoint, const char *feature)
{
	const json_t *rows = core->declaration ? json_object_get(core->declaration, "collects") : NULL, *row;
	const char *what = strstr(feature, "digest.");
	size_t i;

	json_array_foreach (rows, i, row) {
		const char *kind = hm_text_of(row, "value");

		if (goes(row, endpoint) && (strcmp(kind, "content") == 0 || (what && strcmp(what + strlen("digest."), kind) == 0)))
			return true;
	}
	return false;
}

struct hm_admitted *hm_admitted_new(const struct hm_core *core)
{
	const json_t *rows = core->declaration ? json_object_get(core->declaration, "collects") : NULL;
	struct hm_admitted *a;

	if (!rows)
		return NULL;
	a = hm_alloc(1, sizeof(*a));
	a->core = core;
	a->rows = rows;
	a->sets = hm_alloc(core->set_count + 1, sizeof(*a->sets));
	return a;
}

void hm_admitted_free(struct hm_admitted *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < a->core->set_count; i++) {
		for (size_t k = 0; k < a->sets[i].count; k++)
			hm_bytes_release(&a->sets[i].list[k].bytes);
		free(a->sets[i].list);
	}
	free(a->sets);
	free(a);
}
