/* ndb, SUSE's database (rpm, lib/backend/ndb/rpmpkg.c; all numbers little endian): pages of 4096 bytes with slots of 16
 * {"Slot", package, block, blocks}, the first two of which are the file's header; a blob begins at block * 16 with
 * {"BlbS", package, generation, length} and ends, padded to 16, with {adler32, length, "BlbE"}. */
#include <zlib.h>

#include "cursor.h"
#include "rpm_internal.h"

#define MAGIC_FILE 0x506d7052u /* RpmP */
#define MAGIC_SLOT 0x746f6c53u /* Slot */
#define MAGIC_HEAD 0x53626c42u /* BlbS */
#define MAGIC_TAIL 0x45626c42u /* BlbE */
#define PAGE 4096u
#define BLOCK 16u

/* The blob of a slot, or an empty slice when it is not one. */
static struct hm_slice blob_of(struct hm_slice db, uint64_t package, uint64_t offset, uint64_t blocks)
{
	struct hm_cursor c;
	struct hm_slice whole, blob, none = { NULL, 0 };
	uint64_t len, sum;

	if (offset > db.len / BLOCK || blocks > db.len / BLOCK || (offset + blocks) * BLOCK > db.len || blocks < 2)
		return none;
	whole = (struct hm_slice){ db.data + offset * BLOCK, (size_t)blocks * BLOCK };
	c = hm_cursor_of(whole);
	if (hm_cursor_le(&c, 4) != MAGIC_HEAD || hm_cursor_le(&c, 4) != package)
		return none;
	hm_cursor_le(&c, 4);
	len = hm_cursor_le(&c, 4);
	if (len + 28 > whole.len)
		return none;
	blob = hm_cursor_bytes(&c, (size_t)len);
	c = hm_cursor_of((struct hm_slice){ whole.data + whole.len - 12, 12 });
	sum = hm_cursor_le(&c, 4);
	if (hm_cursor_le(&c, 4) != len || hm_cursor_le(&c, 4) != MAGIC_TAIL ||
	    sum != adler32(adler32(0, NULL, 0), whole.data, (unsigned)whole.len - 12))
		return none;
	return blob;
}

int hm_rpm_ndb(struct hm_slice db, hm_rpm_blob_fn each, void *cookie, struct hm_fail *fail)
{
	struct hm_cursor c = hm_cursor_of(db);
	uint64_t pages, bad = 0;
	int r;

	if (hm_cursor_le(&c, 4) != MAGIC_FILE || hm_cursor_le(&c, 4) != 0)
		return hm_fail_set(fail, HM_E_BAD, "not an rpm ndb database of version 0");
	hm_cursor_le(&c, 4);
	pages = hm_cursor_le(&c, 4);
	if (c.bad || pages == 0 || pages > db.len / PAGE)
		return hm_fail_set(fail, HM_E_BAD, "the ndb database is cut short");
	c = hm_cursor_of((struct hm_slice){ db.data + 2 * BLOCK, (size_t)pages * PAGE - 2 * BLOCK });
	while (hm_cursor_left(&c) >= BLOCK) {
		uint64_t magic = hm_cursor_le(&c, 4), package = hm_cursor_le(&c, 4), offset = hm_cursor_le(&c, 4), blocks = hm_cursor_le(&c, 4);
		struct hm_slice blob;

		if (magic != MAGIC_SLOT) {
			bad++;
			continue;
		}
		if (offset == 0)
			continue;
		blob = blob_of(db, package, offset, blocks);
		bad += !blob.data;
		r = blob.data ? each(cookie, blob) : 0;
		if (r != 0)
			return r;
	}
	return bad ? hm_fail_set(fail, HM_E_BAD, "%llu entries of the ndb database are damaged", (unsigned long long)bad) : 0;
}
