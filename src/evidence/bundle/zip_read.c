/* The reader follows local headers from the first byte and takes no field on trust: what it gathered is sent through the
 * writer against the file, and one byte of difference refuses the file. So there is no second directory, no gap, no
 * trailer and no field that could say something else to another program. */
#include "bundle_internal.h"
#include "cursor.h"

/* Against bytes that are there. */
struct check_sink {
	struct hm_sink sink; /* first */
	struct hm_cursor file;
};

static int put_check(struct hm_sink *sink, struct hm_slice s, struct hm_fail *fail)
{
	struct check_sink *c = (struct check_sink *)sink;
	struct hm_slice there = hm_cursor_bytes(&c->file, s.len);

	if (c->file.bad)
		return hm_fail_set(fail, HM_E_BAD, "container: cut short behind byte %llu", (unsigned long long)sink->at);
	if (there.data == s.data || s.len == 0 || memcmp(there.data, s.data, s.len) == 0)
		return 0;
	return hm_fail_set(fail, HM_E_BAD, "container: not in canonical form, or altered, between bytes %llu and %llu",
			   (unsigned long long)sink->at, (unsigned long long)(sink->at + s.len));
}

/* The size of a member as its local header tells, by ZIP64 where the field of 32 bits says so. */
static uint64_t member_size(struct hm_cursor *c, uint32_t size32, uint16_t extra)
{
	if (extra == 0)
		return size32;
	if (extra != 20 || size32 != HM_ZIP_MAX32)
		c->bad = true;
	hm_cursor_bytes(c, 12);
	return hm_cursor_le(c, 8);
}

/* Takes one member off the cursor. */
static int read_member(struct hm_parts *parts, struct hm_cursor *c, const char *before, char name[256],
		       struct hm_fail *fail)
{
	uint16_t flags, method, name_len, extra;
	struct hm_slice name_bytes, content;
	uint32_t stored;
	uint64_t size;

	hm_cursor_bytes(c, 6); /* signature, version */
	flags = (uint16_t)hm_cursor_le(c, 2);
	method = (uint16_t)hm_cursor_le(c, 2);
	hm_cursor_bytes(c, 8); /* time, date, CRC */
	stored = (uint32_t)hm_cursor_le(c, 4);
	hm_cursor_bytes(c, 4);
	name_len = (uint16_t)hm_cursor_le(c, 2);
	extra = (uint16_t)hm_cursor_le(c, 2);
	name_bytes = hm_cursor_bytes(c, name_len);
	size = member_size(c, stored, extra);
	if (c->bad || name_len > 255)
		return hm_fail_set(fail, HM_E_BAD, "container: a member's header is cut short or not canonical");
	memcpy(name, name_bytes.data, name_len);
	name[name_len] = 0;
	if (strlen(name) != name_len || !hm_part_name_is_plain(name))
		return hm_fail_set(fail, HM_E_BAD, "container: a member's name is not made of [a-z0-9._/-] and plain components");
	if (flags || method)
		return hm_fail_set(fail, HM_E_BAD, "container: member %s is compressed, encrypted or streamed (flags %u, method %u)",
				   name, flags, method);
	if (size > hm_cursor_left(c))
		return hm_fail_set(fail, HM_E_BAD, "container: member %s claims %llu bytes, %zu are left", name,
				   (unsigned long long)size, hm_cursor_left(c));
	if (before[0] && !hm_zip_before(before, name))
		return hm_fail_set(fail, HM_E_BAD, "container: member %s is out of order or there twice", name);
	content = hm_cursor_bytes(c, (size_t)size);
	return hm_parts_borrow(parts, name, content, fail);
}

static bool at_member(struct hm_cursor c)
{
	return hm_cursor_le(&c, 4) == HM_ZIP_LOCAL && !c.bad;
}

int hm_bundle_read(struct hm_parts **ret, struct hm_slice file, struct hm_fail *fail)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = hm_parts_new();
	struct check_sink check = { .sink = { .put = put_check }, .file = hm_cursor_of(file) };
	struct hm_cursor c = hm_cursor_of(file);
	char names[2][256] = { "", "" };
	int r;

	if (!at_member(c))
		return hm_fail_set(fail, HM_E_BAD, "container: not a bundle: it does not begin with a member");
	for (size_t i = 0; at_member(c); i++) {
		r = read_member(parts, &c, names[(i + 1) % 2], names[i % 2], fail);
		if (r < 0)
			return r;
	}
	r = hm_zip_emit(parts, &check.sink, fail);
	if (r < 0)
		return r;
	if (!hm_cursor_done(&check.file))
		return hm_fail_set(fail, HM_E_BAD, "container: %zu bytes behind its end", hm_cursor_left(&check.file));
	*ret = hm_take_ptr(&parts);
	return 0;
}
