#include "ole.h"

#include "cursor.h"

#define HEAD 512u
#define FIRST_TABLES 109u
#define ENTRY 128u
#define SMALL_SHIFT 6u
#define FOLDER_MAX (16u << 20)
#define SMALL_MAX (256u << 20)
#define LAST 0xfffffff9u /* greater ones stand for the end, or for nothing */

static uint64_t number(struct hm_slice s, size_t at, size_t size)
{
	struct hm_cursor c = hm_cursor_of(s);

	hm_cursor_bytes(&c, at);
	return hm_cursor_le(&c, size);
}

static struct hm_slice sector(const struct hm_ole *o, uint64_t n)
{
	uint64_t at = (n + 1) << o->shift, len = (uint64_t)1 << o->shift;

	if (n > LAST || at >= o->bytes.len)
		return (struct hm_slice){ NULL, 0 };
	return (struct hm_slice){ o->bytes.data + at, (size_t)(len < o->bytes.len - at ? len : o->bytes.len - at) };
}

/* The sectors that are the table: the first are named in the head, more in a chain of lists. No more than the file has sectors. */
static void gather_table(struct hm_ole *o)
{
	uint64_t count = number(o->bytes, 44, 4), list = number(o->bytes, 68, 4), per = ((uint64_t)1 << o->shift) / 4 - 1, most = o->bytes.len >> o->shift;

	count = count < most ? count : most;
	for (uint64_t i = 0; i < count && i < FIRST_TABLES; i++)
		hm_bytes_slice(&o->owned, sector(o, number(o->bytes, 76 + (size_t)i * 4, 4)));
	for (uint64_t i = FIRST_TABLES; i < count; i += per) {
		struct hm_slice s = sector(o, list);

		if (!s.len)
			break;
		for (uint64_t k = 0; k < per && i + k < count; k++)
			hm_bytes_slice(&o->owned, sector(o, number(s, (size_t)k * 4, 4)));
		list = number(s, (size_t)per * 4, 4);
	}
	o->table = hm_slice_of(&o->owned);
}

static uint64_t next(struct hm_slice table, uint64_t n)
{
	return n < table.len / 4 ? number(table, (size_t)n * 4, 4) : 0xffffffffu;
}

/* A chain of `size` bytes. False: it ends before. */
static bool chain(const struct hm_ole *o, uint64_t start, uint64_t size, struct hm_bytes *out)
{
	for (uint64_t n = start, got = 0; got < size; n = next(o->table, n)) {
		struct hm_slice s = sector(o, n);

		if (!s.len)
			return false;
		s.len = s.len < size - got ? s.len : (size_t)(size - got);
		hm_bytes_slice(out, s);
		got += s.len;
	}
	return true;
}

/* The directory does not say how long it is: to the end of its chain, which has no more sectors than the file. */
static void gather_folder(struct hm_ole *o)
{
	uint64_t n = number(o->bytes, 48, 4), most = o->bytes.len >> o->shift;

	for (struct hm_slice s; most-- && o->folder.len < FOLDER_MAX && (s = sector(o, n)).len; n = next(o->table, n))
		hm_bytes_slice(&o->folder, s);
}

int hm_ole_open(struct hm_ole *o, struct hm_slice bytes, struct hm_fail *fail)
{
	memset(o, 0, sizeof(*o));
	o->bytes = bytes;
	o->shift = (unsigned)number(bytes, 30, 2);
	o->cutoff = (uint32_t)number(bytes, 56, 4);
	o->small_table = (uint32_t)number(bytes, 60, 4);
	if (bytes.len <= HEAD || memcmp(bytes.data, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8) != 0 || (o->shift != 9 && o->shift != 12))
		return hm_fail_set(fail, HM_E_BAD, "no compound file");
	gather_table(o);
	gather_folder(o);
	return o->folder.len >= ENTRY ? 0 : hm_fail_set(fail, HM_E_BAD, "a compound file without a directory");
}

void hm_ole_close(struct hm_ole *o)
{
	hm_bytes_release(&o->owned);
	hm_bytes_release(&o->folder);
	hm_bytes_release(&o->small);
}

static struct hm_slice entry(const struct hm_ole *o, size_t i)
{
	return (struct hm_slice){ o->folder.data + i * ENTRY, ENTRY };
}

/* Small streams lie in sectors of 64 bytes in the root's own stream, with a table of their own. */
static bool small(struct hm_ole *o, uint64_t start, uint64_t size, struct hm_bytes *out)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes table = { 0 };
	uint64_t tables = number(o->bytes, 64, 4), whole = number(entry(o, 0), 120, 4);

	if (tables > o->bytes.len >> o->shift || whole > SMALL_MAX || !chain(o, o->small_table, tables << o->shift, &table))
		return false;
	if (o->small.len == 0 && !chain(o, number(entry(o, 0), 116, 4), whole, &o->small))
		return false;
	for (uint64_t n = start, got = 0; got < size; n = next(hm_slice_of(&table), n)) {
		uint64_t at = n << SMALL_SHIFT, len = size - got < 64 ? size - got : 64;

		if (n > LAST || at + len > o->small.len)
			return false;
		hm_bytes_append(out, o->small.data + at, (size_t)len);
		got += len;
	}
	return true;
}

int hm_ole_read(struct hm_ole *o, struct hm_slice name, size_t max, struct hm_bytes *out, struct hm_fail *fail)
{
	for (size_t i = 0; i < o->folder.len / ENTRY; i++) {
		struct hm_slice e = entry(o, i);
		uint64_t len = number(e, 64, 2), start = number(e, 116, 4), size = number(e, 120, o->shift == 9 ? 4 : 8);
		bool good;

		if (number(e, 66, 1) != 2 || len != name.len + 2 || len > 64 || memcmp(e.data, name.data, name.len) != 0)
			continue;
		if (size > max || size > o->bytes.len)
			return hm_fail_set(fail, HM_E_BAD, "a stream has more bytes than are read");
		good = size < o->cutoff ? small(o, start, size, out) : chain(o, start, size, out);
		return good ? 0 : hm_fail_set(fail, HM_E_BAD, "a stream is damaged");
	}
	return 1;
}
