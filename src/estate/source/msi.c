/* Installers of Windows (.msi): a compound file whose streams are tables of a database. Their names are packed, two letters in one; texts stand in a pool, by number. Of all tables
 * only Property is read: who made what. What the installer would install is in cabinets, which are not looked into; nor is its signature. */
#include "ole.h"
#include "source_internal.h"

#define STREAM_MAX ((size_t)64 << 20)
#define WIDE 0x80000000u /* of the pool's first number: references have three bytes */

/* "!Name" as the streams of tables are called. */
static void packed_name(struct hm_bytes *out, const char *name)
{
	static const char letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._";
	uint32_t unit[32] = { 0x4840 };
	size_t n = 1;

	for (; *name; name++) {
		uint32_t code = (uint32_t)(strchr(letters, *name) - letters);

		if (name[1])
			unit[n++] = 0x3800 + code + ((uint32_t)(strchr(letters, *++name) - letters) << 6);
		else
			unit[n++] = 0x4800 + code;
	}
	for (size_t i = 0; i < n; i++) {
		hm_bytes_u8(out, (uint8_t)unit[i]);
		hm_bytes_u8(out, (uint8_t)(unit[i] >> 8));
	}
}

static int table(struct hm_ole *ole, const char *name, struct hm_bytes *out, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes packed = { 0 };

	packed_name(&packed, name);
	return hm_ole_read(ole, hm_slice_of(&packed), STREAM_MAX, out, fail);
}

struct texts {
	struct hm_slice pool, data;
	size_t reference; /* bytes of one */
};

/* The texts stand one behind the other; the pool tells how long each is. One of more than 64 KiB has two entries. Ends at text `number`, or at the first that is `like`; returns its number, 0: there is none. */
static uint64_t find_text(const struct texts *t, uint64_t number, const char *like, struct hm_slice *text)
{
	struct hm_cursor pool = hm_cursor_of(t->pool), data = hm_cursor_of(t->data);

	hm_cursor_bytes(&pool, 4);
	for (uint64_t n = 1; hm_cursor_left(&pool) >= 4; n++) {
		uint64_t len = hm_cursor_le(&pool, 2), references = hm_cursor_le(&pool, 2);

		if (len == 0 && references) {
			len = hm_cursor_le(&pool, 2) | references << 16;
			hm_cursor_bytes(&pool, 2);
		}
		*text = hm_cursor_bytes(&data, (size_t)len);
		if (pool.bad || data.bad)
			break;
		if (like ? hm_slice_eq(*text, hm_slice_text(like)) : n == number)
			return n;
	}
	*text = (struct hm_slice){ NULL, 0 };
	return 0;
}

static uint64_t reference(const struct texts *t, struct hm_slice rows, size_t at)
{
	struct hm_cursor c = hm_cursor_of((struct hm_slice){ rows.data + at * t->reference, t->reference });

	return hm_cursor_le(&c, t->reference);
}

/* A table stands by columns: all names, then all values. */
static struct hm_slice property(const struct texts *t, struct hm_slice rows, const char *name)
{
	size_t count = rows.len / (2 * t->reference);
	struct hm_slice text;
	uint64_t number = find_text(t, 0, name, &text);

	for (size_t at = 0; number && at < count; at++)
		if (reference(t, rows, at) == number)
			return find_text(t, reference(t, rows, count + at), NULL, &text) ? text : (struct hm_slice){ NULL, 0 };
	return (struct hm_slice){ NULL, 0 };
}

static int read_tables(struct hm_source_out *out, struct hm_ole *ole)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes pool = { 0 }, data = { 0 }, rows = { 0 };
	struct hm_source_package package = { .present = true };
	struct texts t = { .reference = 2 };
	struct hm_cursor head;
	struct hm_fail why = { 0 };

	if (table(ole, "_StringPool", &pool, &why) != 0 || table(ole, "_StringData", &data, &why) != 0 || table(ole, "Property", &rows, &why) != 0) {
		hm_source_leave(out, "%s", why.text[0] ? why.text : "no database of an installer");
		return 0;
	}
	t.pool = hm_slice_of(&pool);
	t.data = hm_slice_of(&data);
	head = hm_cursor_of(t.pool);
	if (hm_cursor_le(&head, 4) & WIDE)
		t.reference = 3;
	package.name = property(&t, hm_slice_of(&rows), "ProductName");
	package.version = property(&t, hm_slice_of(&rows), "ProductVersion");
	package.vendor = property(&t, hm_slice_of(&rows), "Manufacturer");
	hm_source_leave(out, "what the installer carries is not looked into");
	return package.name.len ? hm_source_package(out, &package) : 0;
}

int hm_source_msi(struct hm_source_out *out, struct hm_slice bytes)
{
	struct hm_ole ole;
	struct hm_fail why = { 0 };
	int r = 0;

	if (hm_ole_open(&ole, bytes, &why) != 0)
		hm_source_leave(out, "%s", why.text);
	else
		r = read_tables(out, &ole);
	hm_ole_close(&ole);
	return r;
}
