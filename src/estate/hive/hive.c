#include "hive.h"

#include "cursor.h"
#include "text.h"

#define BASE 4096u
#define VALUES_MAX 1024u
#define TEXT_BYTES 2048u /* of UTF-16 */
#define NAME_BYTES 512u
#define LISTS_DEPTH 2u /* a list of lists of keys */
#define LATIN 0x20u    /* of an nk: its name is one byte a character */

bool hm_hive_open(struct hm_hive *hive, struct hm_slice bytes)
{
	struct hm_cursor c = hm_cursor_of(bytes);
	uint64_t first, second;

	memset(hive, 0, sizeof(*hive));
	if (!hm_slice_eq(hm_cursor_bytes(&c, 4), HM_SLICE("regf")) || bytes.len <= BASE)
		return false;
	first = hm_cursor_le(&c, 4);
	second = hm_cursor_le(&c, 4);
	hm_cursor_bytes(&c, 0x24 - 12);
	hive->root = (uint32_t)hm_cursor_le(&c, 4);
	hive->dirty = first != second;
	hive->bins = (struct hm_slice){ bytes.data + BASE, bytes.len - BASE };
	return !c.bad;
}

/* What a cell holds, behind its size, which is negative where the cell is used. Empty where it is not inside. */
static struct hm_slice cell_at(const struct hm_hive *hive, uint64_t offset)
{
	struct hm_slice none = { NULL, 0 };
	struct hm_cursor c;
	int64_t size;

	if (offset >= hive->bins.len)
		return none;
	c = hm_cursor_of((struct hm_slice){ hive->bins.data + offset, hive->bins.len - (size_t)offset });
	size = -(int64_t)(int32_t)hm_cursor_le(&c, 4);
	if (c.bad || size < 4 || (uint64_t)size - 4 > hm_cursor_left(&c))
		return none;
	return (struct hm_slice){ c.at, (size_t)size - 4 };
}

static uint64_t field(struct hm_slice cell, size_t at, size_t size)
{
	struct hm_cursor c = hm_cursor_of(cell);

	hm_cursor_bytes(&c, at);
	return hm_cursor_le(&c, size);
}

static bool is(struct hm_slice cell, const char *mark)
{
	return cell.len >= 4 && memcmp(cell.data, mark, 2) == 0;
}

struct hm_hive_key hm_hive_root(const struct hm_hive *hive)
{
	return (struct hm_hive_key){ hive, cell_at(hive, hive->root) };
}

/* Names are UTF-16, or one byte a character. */
static char *text_of(struct hm_slice s, bool latin)
{
	struct hm_bytes out = { 0 };

	if (!latin)
		return hm_text_of_utf16(s, TEXT_BYTES);
	for (size_t i = 0; i < s.len && s.data[i]; i++)
		hm_text_character(&out, s.data[i]);
	hm_bytes_u8(&out, 0);
	return (char *)out.data;
}

static struct hm_slice part(struct hm_slice cell, size_t at, size_t len)
{
	if (!cell.data || at > cell.len || len > cell.len - at)
		return (struct hm_slice){ NULL, 0 };
	return (struct hm_slice){ cell.data + at, len };
}

static char *name_of(struct hm_slice nk)
{
	size_t len = (size_t)field(nk, 72, 2);

	return text_of(part(nk, 76, len < NAME_BYTES ? len : NAME_BYTES), field(nk, 2, 2) & LATIN);
}

struct walk {
	const struct hm_hive *hive;
	size_t *budget;
	bool *damaged;
	hm_hive_fn each;
	void *cookie;
};

static int one_key(const struct walk *w, uint64_t offset)
{
	struct hm_hive_key key = { w->hive, cell_at(w->hive, offset) };
	HM_FREE char *name = NULL;

	if (*w->budget == 0 || !is(key.cell, "nk") || key.cell.len < 76) {
		*w->damaged = true;
		return 0;
	}
	--*w->budget;
	name = name_of(key.cell);
	return *name ? w->each(w->cookie, &key, name) : 0;
}

/* lf, lh: an offset and a hash each; li: offsets; ri: offsets of such lists. */
static int list(const struct walk *w, uint64_t offset, unsigned depth)
{
	struct hm_slice cell = cell_at(w->hive, offset);
	bool lists = is(cell, "ri"), hashed = is(cell, "lf") || is(cell, "lh");
	uint64_t count = cell.len >= 4 ? field(cell, 2, 2) : 0;
	size_t step = hashed ? 8 : 4;
	int r = 0;

	if ((!lists && !hashed && !is(cell, "li")) || (lists && depth == LISTS_DEPTH)) {
		*w->damaged = true;
		return 0;
	}
	for (uint64_t i = 0; r == 0 && i < count && *w->budget; i++) {
		struct hm_slice entry = part(cell, 4 + (size_t)i * step, 4);

		if (!entry.data) {
			*w->damaged = true;
			break;
		}
		r = lists ? list(w, field(entry, 0, 4), depth + 1) : one_key(w, field(entry, 0, 4));
	}
	*w->damaged = *w->damaged || *w->budget == 0;
	return r;
}

int hm_hive_each(const struct hm_hive_key *key, size_t *budget, bool *damaged, hm_hive_fn each, void *cookie)
{
	struct walk w = { key->hive, budget, damaged, each, cookie };

	if (!is(key->cell, "nk") || key->cell.len < 76) {
		*damaged = true;
		return 0;
	}
	return field(key->cell, 20, 4) ? list(&w, field(key->cell, 28, 4), 1) : 0;
}

struct sought {
	const char *name;
	size_t len;
	struct hm_hive_key key;
};

static int on_key(void *cookie, const struct hm_hive_key *key, const char *name)
{
	struct sought *s = cookie;

	if (strlen(name) != s->len || strncasecmp(name, s->name, s->len) != 0)
		return 0;
	s->key = *key;
	return 1;
}

bool hm_hive_find(const struct hm_hive_key *from, const char *path, struct hm_hive_key *key)
{
	*key = *from;
	while (*path) {
		struct sought s = { .name = path, .len = strcspn(path, "\\") };
		size_t budget = 65536;
		bool damaged = false;

		if (hm_hive_each(key, &budget, &damaged, on_key, &s) != 1)
			return false;
		*key = s.key;
		path += s.len + (path[s.len] == '\\');
	}
	return is(key->cell, "nk");
}

/* The vk record of that name. */
static struct hm_slice value(const struct hm_hive_key *key, const char *name)
{
	struct hm_slice offsets = cell_at(key->hive, field(key->cell, 40, 4));
	uint64_t count = field(key->cell, 36, 4);

	for (uint64_t i = 0; i < count && i < VALUES_MAX && i < offsets.len / 4; i++) {
		struct hm_slice vk = cell_at(key->hive, field(offsets, (size_t)i * 4, 4));
		size_t len = (size_t)field(vk, 2, 2);
		HM_FREE char *text = NULL;

		if (!is(vk, "vk") || vk.len < 20)
			continue;
		text = text_of(part(vk, 20, len < NAME_BYTES ? len : NAME_BYTES), field(vk, 16, 2) & 1);
		if (strcasecmp(text, name) == 0)
			return vk;
	}
	return (struct hm_slice){ NULL, 0 };
}

/* Up to four bytes stand where their offset would. Texts that are kept in pieces (db) are far longer than any that is asked for. */
static struct hm_slice data_of(const struct hm_hive *hive, struct hm_slice vk)
{
	uint64_t size = field(vk, 4, 4), len = size & 0x7fffffff;
	struct hm_slice cell;

	if (size & 0x80000000u)
		return part(vk, 8, len < 4 ? (size_t)len : 4);
	cell = cell_at(hive, field(vk, 8, 4));
	return part(cell, 0, len < cell.len ? (size_t)len : cell.len);
}

char *hm_hive_text(const struct hm_hive_key *key, const char *name)
{
	struct hm_slice vk = value(key, name), data;
	uint64_t type = field(vk, 12, 4);

	if (!vk.len || (type != 1 && type != 2))
		return NULL;
	data = data_of(key->hive, vk);
	if (data.len == 0 || data.len > TEXT_BYTES)
		return NULL;
	return text_of(data, false);
}

bool hm_hive_number(const struct hm_hive_key *key, const char *name, uint32_t *number)
{
	struct hm_slice vk = value(key, name), data = vk.len ? data_of(key->hive, vk) : vk;

	if (field(vk, 12, 4) != 4 || data.len != 4)
		return false;
	*number = (uint32_t)field(data, 0, 4);
	return true;
}
