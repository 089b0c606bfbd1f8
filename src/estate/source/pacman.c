/* Arch and Alpine. pacman: var/lib/pacman/local/NAME-VERSION/desc, "%KEY%" and its values below, a line each, up to an empty one. */
#include <zlib.h>

#include "digest.h"
#include "source_internal.h"
#include "text.h"

/* .PKGINFO, in packages of both that are not unpacked: "key = value". */
int hm_source_pkginfo(struct hm_source_out *out, struct hm_slice bytes)
{
	struct hm_source_package package = { .present = true };
	const struct {
		const char *key;
		struct hm_slice *value;
	} wanted[] = { { "pkgname", &package.name }, { "pkgver", &package.version }, { "packager", &package.vendor },
		       { "maintainer", &package.vendor }, { "license", &package.licence } };
	struct hm_cursor c = hm_cursor_of(bytes);
	struct hm_slice line;

	while (hm_source_line(&c, &line)) {
		const uint8_t *equals = line.len ? memchr(line.data, '=', line.len) : NULL;
		size_t length = equals ? (size_t)(equals - line.data) : 0;

		for (size_t i = 0; equals && i < HM_COUNT(wanted); i++)
			if (!wanted[i].value->data &&
			    hm_slice_eq(hm_source_trim((struct hm_slice){ line.data, length }), hm_slice_text(wanted[i].key)))
				*wanted[i].value = hm_source_trim((struct hm_slice){ equals + 1, line.len - length - 1 });
	}
	return hm_source_package(out, &package);
}

int hm_source_pacman(struct hm_source_out *out, struct hm_slice bytes)
{
	struct hm_source_package package = { 0 };
	const struct {
		const char *key;
		struct hm_slice *value;
	} wanted[] = { { "%NAME%", &package.name }, { "%VERSION%", &package.version }, { "%PACKAGER%", &package.vendor },
		       { "%LICENSE%", &package.licence } };
	struct hm_cursor c = hm_cursor_of(bytes);
	struct hm_slice line, *slot = NULL;

	while (hm_source_line(&c, &line)) {
		if (slot && line.len && !slot->data)
			*slot = line;
		slot = NULL;
		for (size_t i = 0; i < HM_COUNT(wanted); i++)
			if (hm_slice_eq(line, hm_slice_text(wanted[i].key)))
				slot = wanted[i].value;
	}
	return hm_source_package(out, &package);
}

#define MTREE_MAX (64u << 20)

static bool unpack(struct hm_bytes *out, struct hm_slice in)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)in.data, .avail_in = (unsigned)in.len };
	int rc = inflateInit2(&z, 16 + MAX_WBITS);

	while (rc == Z_OK && out->len < MTREE_MAX) {
		size_t before = z.total_out;

		z.next_out = hm_bytes_reserve(out, 65536);
		z.avail_out = 65536;
		rc = inflate(&z, Z_NO_FLUSH);
		out->len += z.total_out - before;
		if (z.total_out == before && z.avail_in == 0)
			break;
	}
	inflateEnd(&z);
	return rc == Z_STREAM_END;
}

/* mtree writes bytes that are no plain text as a backslash and three octal digits. */
static void unescape(struct hm_bytes *out, struct hm_slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		const uint8_t *o = s.data + i + 1;

		if (s.data[i] == '\\' && s.len - i >= 4 && o[0] >= '0' && o[0] <= '3' && o[1] >= '0' && o[1] <= '7' && o[2] >= '0' && o[2] <= '7') {
			hm_bytes_u8(out, (uint8_t)((o[0] - '0') << 6 | (o[1] - '0') << 3 | (o[2] - '0')));
			i += 3;
		} else {
			hm_bytes_u8(out, s.data[i]);
		}
	}
}

/* "./usr/bin/x time=... sha256digest=HEX". The package's own dot files are none of the system's, and settings may be changed. */
static int one_digest(struct hm_slice line, hm_source_digest_fn each, void *cookie)
{
	static const char key[] = " sha256digest=";
	HM_CLEANUP(hm_bytes_release) struct hm_bytes path = { 0 };
	struct hm_source_digest digest = { .kind = HM_SHA256, .len = 32 };
	const uint8_t *space = line.len > 3 ? memchr(line.data, ' ', line.len) : NULL;
	const uint8_t *sum = space && line.data ? memmem(line.data, line.len, key, sizeof(key) - 1) : NULL;

	if (!sum || memcmp(line.data, "./", 2) != 0 || line.data[2] == '.' || memcmp(line.data + 2, "etc/", 4) == 0 ||
	    (size_t)(line.data + line.len - sum) < sizeof(key) - 1 + 64 || hm_text_unhex(digest.bytes, 32, (struct hm_slice){ sum + sizeof(key) - 1, 64 }) != 0)
		return 0;
	unescape(&path, (struct hm_slice){ line.data + 2, (size_t)(space - line.data - 2) });
	digest.path = hm_slice_of(&path);
	return each(cookie, &digest);
}

/* Beside desc lies mtree, packed with gzip. */
int hm_source_pacman_digests(const struct hm_source_file *file, const char *package HM_UNUSED, const struct hm_source_others *other,
			     hm_source_digest_fn each, void *cookie, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes packed = { 0 }, text = { 0 };
	struct hm_slice path = file->path, line;
	const uint8_t *slash;
	HM_FREE char *folder = NULL, *mtree = NULL;
	struct hm_cursor c;
	int r;

	while (path.len && *path.data == '/')
		path = (struct hm_slice){ path.data + 1, path.len - 1 };
	slash = path.len ? memrchr(path.data, '/', path.len) : NULL;
	folder = hm_slice_dup((struct hm_slice){ path.data, slash ? (size_t)(slash + 1 - path.data) : 0 });
	mtree = hm_sprintf("%smtree", folder);
	r = other->read(other->target, mtree, MTREE_MAX, &packed, fail);
	if (r != 0)
		return r > 0 ? 0 : r;
	if (!unpack(&text, hm_slice_of(&packed)))
		return hm_fail_set(fail, HM_E_BAD, "mtree is damaged");
	c = hm_cursor_of(hm_slice_of(&text));
	while (r == 0 && hm_source_line(&c, &line))
		r = one_digest(line, each, cookie);
	return r;
}
