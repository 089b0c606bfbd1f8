/* apk: lib/apk/db/installed. Stanzas of one-letter fields; F: names a folder, R: a file in it, Z: its digest, "Q1" and base64 of
 * SHA-1 (apk-tools, doc/apk-v2 and database.c). */
#include "digest.h"
#include "source_internal.h"
#include "text.h"

enum { PACKAGE, VERSION, MAINTAINER, LICENCE, FIELDS };

static const struct hm_source_field wanted[FIELDS] = {
	[PACKAGE] = { "P" }, [VERSION] = { "V" }, [MAINTAINER] = { "m" }, [LICENCE] = { "L" },
};

/* Fields differ by case here (M: is a folder's mode, m: the maintainer), so the general stanza reader does not serve. */
static bool stanza(struct hm_cursor *c, struct hm_source_field *fields, size_t *odd)
{
	struct hm_slice line;
	bool any = false;

	memcpy(fields, wanted, sizeof(wanted));
	while (hm_source_line(c, &line)) {
		if (line.len == 0 && any)
			return true;
		if (line.len == 0)
			continue;
		any = true;
		*odd += line.len < 2 || line.data[1] != ':';
		for (size_t i = 0; i < FIELDS; i++)
			if (line.len >= 2 && line.data[1] == ':' && line.data[0] == (uint8_t)fields[i].key[0] && !fields[i].value.data)
				fields[i].value = (struct hm_slice){ line.data + 2, line.len - 2 };
	}
	return any;
}

int hm_source_apk(struct hm_source_out *out, struct hm_slice bytes)
{
	struct hm_source_field fields[FIELDS];
	struct hm_cursor c = hm_cursor_of(bytes);
	size_t odd = 0;

	while (stanza(&c, fields, &odd)) {
		struct hm_source_package package = { .name = fields[PACKAGE].value, .version = fields[VERSION].value,
						     .vendor = fields[MAINTAINER].value, .licence = fields[LICENCE].value };
		int r = hm_source_package(out, &package);

		if (r != 0)
			return r;
	}
	if (odd)
		hm_source_leave(out, "%zu lines are not fields", odd);
	return 0;
}

/* apk 3's own format: read by none but apk itself so far. */
int hm_source_adb(struct hm_source_out *out, struct hm_slice bytes HM_UNUSED)
{
	hm_source_leave(out, "a database of apk 3 (adb) is not read");
	return 0;
}

static int one_digest(struct hm_slice folder, struct hm_slice name, struct hm_slice text, hm_source_digest_fn each, void *cookie)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes sha1 = { 0 };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes path = { 0 };
	struct hm_source_digest digest = { .kind = HM_SHA1, .len = 20 };

	if (text.len < 2 || memcmp(text.data, "Q1", 2) != 0 || name.len == 0 ||
	    hm_text_unbase64(&sha1, (struct hm_slice){ text.data + 2, text.len - 2 }) != 0 || sha1.len != 20)
		return 0;
	memcpy(digest.bytes, sha1.data, 20);
	hm_bytes_slice(&path, folder);
	if (folder.len)
		hm_bytes_u8(&path, '/');
	hm_bytes_slice(&path, name);
	digest.path = hm_slice_of(&path);
	return each(cookie, &digest);
}

int hm_source_apk_digests(const struct hm_source_file *file, const char *package, const struct hm_source_others *other HM_UNUSED,
			  hm_source_digest_fn each, void *cookie, struct hm_fail *fail HM_UNUSED)
{
	struct hm_cursor c = hm_cursor_of(file->bytes);
	struct hm_slice line, folder = { NULL, 0 }, name = { NULL, 0 };
	bool inside = false, link = false; /* a link's digest is that of its target's name */

	while (hm_source_line(&c, &line)) {
		struct hm_slice value;
		int r;

		if (line.len == 0)
			inside = false;
		if (line.len < 2 || line.data[1] != ':')
			continue;
		value = (struct hm_slice){ line.data + 2, line.len - 2 };
		if (line.data[0] == 'P') {
			inside = hm_slice_eq(value, hm_slice_text(package));
			folder = name = (struct hm_slice){ NULL, 0 };
		} else if (line.data[0] == 'F') {
			folder = value;
		} else if (line.data[0] == 'R') {
			name = value;
			link = false;
		} else if (line.data[0] == 'a') {
			link = value.len > 4 && memcmp(value.data + value.len - 4, ":777", 4) == 0;
		} else if (line.data[0] == 'Z' && inside && !link) {
			r = one_digest(folder, name, value, each, cookie);
			if (r != 0)
				return r;
		}
	}
	return 0;
}
