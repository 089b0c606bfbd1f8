/* Go's build information (debug/buildinfo): "\xff Go buildinf:", a byte with the size of pointers and one with flags; with flag 2
 * (Go 1.18 and later) two strings with their lengths as varints begin at 32: the version of Go, and lines between two marks of
 * 16 bytes: "path\tP", "mod\tPATH\tVERSION\tSUM", "dep\tPATH\tVERSION\tSUM", "=>\tPATH\tVERSION\tSUM". */
#include "binary_internal.h"

#define MODULES_MAX 20000

static struct hm_slice varint_string(struct hm_cursor *c)
{
	uint64_t len = 0;

	for (unsigned shift = 0; shift < 35; shift += 7) {
		uint8_t b = hm_cursor_u8(c);

		len |= (uint64_t)(b & 0x7f) << shift;
		if (!(b & 0x80))
			return hm_cursor_bytes(c, (size_t)len);
	}
	c->bad = true;
	return (struct hm_slice){ NULL, 0 };
}

static struct hm_slice word(struct hm_cursor *c, char until)
{
	size_t left = hm_cursor_left(c);
	const uint8_t *end = left ? memchr(c->at, until, left) : NULL;
	struct hm_slice s = hm_cursor_bytes(c, end ? (size_t)(end - c->at) : left);

	if (end)
		hm_cursor_u8(c);
	return s;
}

static int line(struct hm_binary_out *out, struct hm_slice text)
{
	struct hm_cursor c = hm_cursor_of(text);
	struct hm_slice kind = word(&c, '\t'), path = word(&c, '\t'), version = word(&c, '\t');
	HM_FREE char *name = NULL, *version_text = NULL;

	if (!hm_slice_eq(kind, HM_SLICE("mod")) && !hm_slice_eq(kind, HM_SLICE("dep")) && !hm_slice_eq(kind, HM_SLICE("=>")))
		return 0;
	if (path.len == 0 || path.data[0] == '.' || path.data[0] == '/')
		return 0; /* replaced by a folder of the one who built it */
	name = hm_binary_copy(path);
	version_text = hm_binary_copy(version);
	return *name ? hm_binary_module(out, "go", "golang", name, version_text) : 0;
}

int hm_binary_go(struct hm_binary_out *out, struct hm_slice section)
{
	struct hm_cursor c = hm_cursor_of(section);
	struct hm_slice text;

	if (!hm_slice_eq(hm_cursor_bytes(&c, 14), HM_SLICE("\xff Go buildinf:")))
		return 0;
	hm_cursor_u8(&c);
	if (!(hm_cursor_u8(&c) & 2))
		return 0; /* before Go 1.18 the strings lie elsewhere, behind pointers */
	hm_cursor_bytes(&c, 16);
	varint_string(&c);
	text = varint_string(&c);
	if (c.bad || text.len < 32)
		return 0;
	c = hm_cursor_of((struct hm_slice){ text.data + 16, text.len - 32 });
	for (unsigned n = 0; hm_cursor_left(&c) && n < MODULES_MAX; n++) {
		int r = line(out, word(&c, '\n'));

		if (r != 0)
			return r;
	}
	return 0;
}
