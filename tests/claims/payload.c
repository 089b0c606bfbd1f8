#include "payload.h"

#include <err.h>
#include <zlib.h>

#include "digest.h"
#include "json.h"
#include "planted.h"
#include "text.h"

static void put_le(struct hm_bytes *out, uint64_t v, size_t size)
{
	for (size_t i = 0; i < size; i++)
		hm_bytes_u8(out, (uint8_t)(v >> 8 * i));
}

static void as_base64(struct hm_bytes *out, struct hm_slice s)
{
	hm_text_base64(out, s);
}

static void as_base64url(struct hm_bytes *out, struct hm_slice s)
{
	size_t from = out->len;

	hm_text_base64(out, s);
	for (size_t i = from; i < out->len; i++)
		out->data[i] = out->data[i] == '+' ? '-' : out->data[i] == '/' ? '_' : out->data[i];
	while (out->len && out->data[out->len - 1] == '=')
		out->len--;
}

static void as_base32(struct hm_bytes *out, struct hm_slice s)
{
	unsigned bits = 0;
	uint32_t acc = 0;

	for (size_t i = 0; i < s.len; i++) {
		acc = acc << 8 | s.data[i];
		for (bits += 8; bits >= 5; bits -= 5)
			hm_bytes_u8(out, (uint8_t)"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[acc >> (bits - 5) & 31]);
	}
	if (bits)
		hm_bytes_u8(out, (uint8_t)"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[acc << (5 - bits) & 31]);
}

static void as_hex(struct hm_bytes *out, struct hm_slice s)
{
	hm_text_hex(out, s);
}

static void as_upper_hex(struct hm_bytes *out, struct hm_slice s)
{
	for (size_t i = 0; i < s.len; i++)
		hm_bytes_printf(out, "%02X", s.data[i]);
}

static void as_percent(struct hm_bytes *out, struct hm_slice s)
{
	/* Every other character, as a careless encoder would. */
	for (size_t i = 0; i < s.len; i++)
		hm_bytes_printf(out, i % 2 ? "%c" : "%%%02x", s.data[i]);
}

static void as_utf16le(struct hm_bytes *out, struct hm_slice s)
{
	for (size_t i = 0; i < s.len; i++)
		put_le(out, s.data[i], 2);
}

static void as_utf16be(struct hm_bytes *out, struct hm_slice s)
{
	for (size_t i = 0; i < s.len; i++)
		put_le(out, (uint64_t)s.data[i] << 8, 2);
}

static void as_reverse(struct hm_bytes *out, struct hm_slice s)
{
	for (size_t i = s.len; i > 0; i--)
		hm_bytes_u8(out, s.data[i - 1]);
}

static void as_lower(struct hm_bytes *out, struct hm_slice s)
{
	for (size_t i = 0; i < s.len; i++)
		hm_bytes_u8(out, s.data[i] >= 'A' && s.data[i] <= 'Z' ? s.data[i] + 32 : s.data[i]);
}

static void as_lines(struct hm_bytes *out, struct hm_slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		hm_bytes_u8(out, s.data[i]);
		if (i % 7 == 6)
			hm_bytes_text(out, "\r\n");
	}
}

static void as_chunks(struct hm_bytes *out, struct hm_slice s)
{
	for (size_t i = 0; i < s.len; i += 11) {
		size_t n = s.len - i < 11 ? s.len - i : 11;

		hm_bytes_printf(out, "%zx\r\n", n);
		hm_bytes_append(out, s.data + i, n);
		hm_bytes_text(out, "\r\n");
	}
	hm_bytes_text(out, "0\r\n\r\n");
}

/* window: as deflateInit2 takes it */
static void deflated(struct hm_bytes *out, struct hm_slice s, int window)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)s.data, .avail_in = (uInt)s.len };

	if (deflateInit2(&z, 9, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		errx(1, "deflateInit2");
	z.avail_out = (uInt)deflateBound(&z, s.len);
	z.next_out = hm_bytes_reserve(out, z.avail_out);
	if (deflate(&z, Z_FINISH) != Z_STREAM_END)
		errx(1, "deflate");
	out->len += z.total_out;
	deflateEnd(&z);
}

static void as_gzip(struct hm_bytes *out, struct hm_slice s)
{
	deflated(out, s, 15 + 16);
}

static void as_zlib(struct hm_bytes *out, struct hm_slice s)
{
	deflated(out, s, 15);
}

/* A local header with its sizes behind the data, as streaming writers make it; the directory would tell nothing more. */
static void as_zip(struct hm_bytes *out, struct hm_slice s)
{
	hm_bytes_append(out, "PK\3\4\x14\0\x08\0\x08\0", 10);
	put_le(out, 0, 8);
	put_le(out, 0, 8);
	put_le(out, 5, 2);
	put_le(out, 0, 2);
	hm_bytes_text(out, "a.txt");
	deflated(out, s, -15);
}

static const struct {
	const char *name;
	void (*encode)(struct hm_bytes *out, struct hm_slice s);
} encodings[] = {
	{ "base64", as_base64 },   { "base64url", as_base64url }, { "base32", as_base32 },   { "hex", as_hex },
	{ "HEX", as_upper_hex },   { "percent", as_percent },	  { "utf16le", as_utf16le }, { "utf16be", as_utf16be },
	{ "reverse", as_reverse }, { "lower", as_lower },	  { "lines", as_lines },     { "chunks", as_chunks },
	{ "gzip", as_gzip },	   { "zlib", as_zlib },		  { "zip", as_zip },
};

static const char *const digests[HM_DIGEST_KINDS] = {
	[HM_MD5] = "md5", [HM_SHA1] = "sha1", [HM_SHA224] = "sha224", [HM_SHA256] = "sha256", [HM_SHA384] = "sha384", [HM_SHA512] = "sha512",
};

static struct hm_slice document(const struct hm_parts *parts, const char *path)
{
	struct hm_slice text, content = { 0 };
	HM_JSON json_t *planted = NULL;
	const json_t *row;
	size_t i;

	if (!hm_parts_get(parts, "planted.json", &text) || hm_json_parse(&planted, text, "planted.json", NULL) < 0)
		errx(1, "no planted.json");
	json_array_foreach (json_object_get(planted, "files"), i, row)
		if (strcmp(json_string_value(json_object_get(row, "path")), path) == 0)
			hm_parts_get(parts, json_string_value(json_object_get(row, "part")), &content);
	if (!content.data)
		errx(1, "no document %s is planted", path);
	return content;
}

static void put_named(struct hm_bytes *out, const struct hm_parts *parts, const uint8_t *seed, const char *name)
{
	char token[21];

	if (strncmp(name, "token ", 6) == 0) {
		hm_planted_token(token, seed, "aa", 0, (unsigned)strtoul(name + 6, NULL, 10));
		hm_bytes_text(out, token);
		return;
	}
	for (enum hm_digest_kind kind = 0; kind < HM_DIGEST_KINDS; kind++) {
		size_t len = strlen(digests[kind]);
		uint8_t digest[64];

		if (strncmp(name, digests[kind], len) != 0 || name[len] != ' ')
			continue;
		hm_bytes_append(out, digest, hm_digest_of(digest, kind, document(parts, name + len + 1)));
		return;
	}
	errx(1, "{%s} is nothing", name);
}

static void put_text(struct hm_bytes *out, const struct hm_parts *parts, const uint8_t *seed, const char *text)
{
	while (*text) {
		const char *close = *text == '{' ? strchr(text, '}') : NULL;
		char name[256];

		if (!close) {
			hm_bytes_u8(out, (uint8_t)*text++);
			continue;
		}
		snprintf(name, sizeof(name), "%.*s", (int)(close - text - 1), text + 1);
		put_named(out, parts, seed, name);
		text = close + 1;
	}
}

/* One word: ENCODING:ENCODING:text. */
static void put_word(struct hm_bytes *out, const struct hm_parts *parts, const uint8_t *seed, const char *word)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes inner = { 0 };

	for (size_t i = 0; i < HM_COUNT(encodings); i++) {
		size_t len = strlen(encodings[i].name);

		if (strncmp(word, encodings[i].name, len) != 0 || word[len] != ':')
			continue;
		put_word(&inner, parts, seed, word + len + 1);
		encodings[i].encode(out, hm_slice_of(&inner));
		return;
	}
	put_text(out, parts, seed, word);
}

void payload_make(struct hm_bytes *out, const struct hm_parts *parts, const uint8_t *seed, char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		put_word(out, parts, seed, words[i]);
}
