/* Berkeley DB's hash file `Packages`, as rpm wrote it up to Fedora 32, RHEL 8 and SLES 12 (db_page.h of db 5.3). Page 0 is
 * {lsn 8, pgno 4, magic 4, version 4, pagesize 4, ...}; each page begins with {lsn 8, pgno 4, prev 4, next 4, entries 2, free 2,
 * level 1, type 1} and, where it is a bucket, 16-bit offsets of its items: key, value, key, value... A long value lies on a
 * chain of overflow pages. The machine that wrote it chose the order of bytes. */
#include "cursor.h"
#include "rpm_internal.h"

#define MAGIC 0x061561u
#define HEAD 26u
enum { PAGE_HASH_UNSORTED = 2, PAGE_OVERFLOW = 7, PAGE_HASH = 13 };
enum { ITEM_KEYDATA = 1, ITEM_OFFPAGE = 3 };
#define BLOB_MAX (256u << 20)

struct db {
	struct hm_slice bytes;
	size_t page;
	bool big;
	uint64_t bad;
};

static uint64_t number(const struct db *db, struct hm_cursor *c, size_t size)
{
	return db->big ? hm_cursor_be(c, size) : hm_cursor_le(c, size);
}

struct page {
	struct hm_slice bytes;
	uint64_t number, next, entries, free;
	uint8_t type;
};

static bool page_at(const struct db *db, uint64_t index, struct page *out)
{
	struct hm_cursor c;

	if (index >= db->bytes.len / db->page)
		return false;
	out->bytes = (struct hm_slice){ db->bytes.data + index * db->page, db->page };
	c = hm_cursor_of(out->bytes);
	hm_cursor_bytes(&c, 8);
	out->number = number(db, &c, 4);
	hm_cursor_bytes(&c, 4);
	out->next = number(db, &c, 4);
	out->entries = number(db, &c, 2);
	out->free = number(db, &c, 2);
	hm_cursor_u8(&c);
	out->type = hm_cursor_u8(&c);
	return !c.bad && out->number == index;
}

/* A value on overflow pages. Each page holds at least one byte of it, so a chain that runs in a circle ends. */
static bool overflow(const struct db *db, uint64_t index, uint64_t len, struct hm_bytes *out)
{
	if (len > BLOB_MAX || len > db->bytes.len)
		return false;
	while (out->len < len) {
		struct page page;

		if (!page_at(db, index, &page) || page.type != PAGE_OVERFLOW || page.free == 0 || page.free > db->page - HEAD ||
		    page.free > len - out->len)
			return false;
		hm_bytes_append(out, page.bytes.data + HEAD, (size_t)page.free);
		index = page.next;
	}
	return true;
}

/* The item of a bucket: from its offset to that of the one before it, which lies behind it. */
static struct hm_slice item(const struct db *db, const struct page *page, uint64_t i)
{
	struct hm_cursor c = hm_cursor_of(page->bytes);
	uint64_t before, at;

	hm_cursor_bytes(&c, HEAD + 2 * (size_t)(i ? i - 1 : 0));
	before = i ? number(db, &c, 2) : db->page;
	at = number(db, &c, 2);
	if (c.bad || at >= before || before > db->page)
		return (struct hm_slice){ NULL, 0 };
	return (struct hm_slice){ page->bytes.data + at, (size_t)(before - at) };
}

static int value(struct db *db, struct hm_slice s, hm_rpm_blob_fn each, void *cookie)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes blob = { 0 };
	struct hm_cursor c = hm_cursor_of(s);
	uint8_t type = hm_cursor_u8(&c);

	if (type == ITEM_KEYDATA && s.len > 9) /* an item of four bytes is the number that the next package gets */
		return each(cookie, (struct hm_slice){ s.data + 1, s.len - 1 });
	if (type == ITEM_OFFPAGE) {
		uint64_t index, len;

		hm_cursor_bytes(&c, 3);
		index = number(db, &c, 4);
		len = number(db, &c, 4);
		if (!c.bad && overflow(db, index, len, &blob))
			return each(cookie, hm_slice_of(&blob));
		db->bad++;
	}
	return 0;
}

static int bucket(struct db *db, const struct page *page, hm_rpm_blob_fn each, void *cookie)
{
	if (page->entries > (db->page - HEAD) / 2) {
		db->bad++;
		return 0;
	}
	for (uint64_t i = 1; i < page->entries; i += 2) {
		int r = value(db, item(db, page, i), each, cookie);

		if (r != 0)
			return r;
	}
	return 0;
}

int hm_rpm_bdb(struct hm_slice bytes, hm_rpm_blob_fn each, void *cookie, struct hm_fail *fail)
{
	struct db db = { .bytes = bytes };
	struct hm_cursor c = hm_cursor_of(bytes);
	uint64_t page_size;

	hm_cursor_bytes(&c, 12);
	db.big = hm_cursor_left(&c) >= 4 && c.at[0] == 0;
	if (number(&db, &c, 4) != MAGIC)
		return hm_fail_set(fail, HM_E_BAD, "not a Berkeley DB hash file");
	hm_cursor_bytes(&c, 4);
	page_size = number(&db, &c, 4);
	if (c.bad || page_size < 512 || page_size > 65536 || (page_size & (page_size - 1)))
		return hm_fail_set(fail, HM_E_BAD, "the Berkeley DB file has no page size");
	db.page = (size_t)page_size;
	for (uint64_t i = 1; i < bytes.len / db.page; i++) {
		struct page page;
		int r;

		if (!page_at(&db, i, &page) || (page.type != PAGE_HASH && page.type != PAGE_HASH_UNSORTED))
			continue;
		r = bucket(&db, &page, each, cookie);
		if (r != 0)
			return r;
	}
	return db.bad ? hm_fail_set(fail, HM_E_BAD, "%llu entries of the Berkeley DB file are damaged", (unsigned long long)db.bad) : 0;
}
