/* A note is read from its end: the signatures stand behind the last empty line, whatever the text before it holds. */
#include "note_internal.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include "lines.h"
#include "text.h"

#define SIGNATURE 64
#define DASH "\xe2\x80\x94 "

static bool is_plain(struct hm_slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((s.data[i] < 0x20 && s.data[i] != '\n') || s.data[i] == 0x7f)
			return false;
	return hm_text_is_utf8(s);
}

/* "- NAME BASE64" without its line feed. */
static bool read_signature(struct hm_note_signature *out, struct hm_slice line)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes bytes = { 0 };
	const uint8_t *space;

	if (!hm_line_takes(&line, DASH))
		return false;
	space = line.len ? memchr(line.data, ' ', line.len) : NULL;
	if (!space)
		return false;
	out->name = (struct hm_slice){ line.data, (size_t)(space - line.data) };
	line.len -= out->name.len + 1;
	line.data = space + 1;
	if (!hm_note_is_name(out->name) || hm_text_unbase64(&bytes, line) < 0 || bytes.len < 5)
		return false;
	memcpy(out->id, bytes.data, 4);
	out->len = bytes.len - 4 <= sizeof(out->blob) ? bytes.len - 4 : 0;
	memcpy(out->blob, bytes.data + 4, out->len);
	return true;
}

/* Where the signatures begin, or 0. */
static size_t find_signatures(struct hm_slice s)
{
	for (size_t i = s.len; i > 1; i--)
		if (s.data[i - 1] == '\n' && s.data[i - 2] == '\n')
			return i;
	return 0;
}

int hm_note_parse(struct hm_note *out, struct hm_slice bytes, struct hm_fail *fail)
{
	size_t at = bytes.len <= HM_NOTE_MAX ? find_signatures(bytes) : 0;
	struct hm_cursor c;

	out->count = 0;
	if (at < 2 || at == bytes.len || !is_plain(bytes))
		return hm_fail_set(fail, HM_E_BAD, "note: not a text of UTF-8, an empty line and signatures, within %d bytes", HM_NOTE_MAX);
	out->text = (struct hm_slice){ bytes.data, at - 1 };
	c = hm_cursor_of((struct hm_slice){ bytes.data + at, bytes.len - at });
	while (hm_cursor_left(&c)) {
		struct hm_note_signature *signature = &out->signature[out->count];
		const uint8_t *start = c.at;
		struct hm_slice line = hm_line(&c);

		if (out->count == HM_NOTE_SIGNATURES)
			return hm_fail_set(fail, HM_E_BAD, "note: more than %d signatures", HM_NOTE_SIGNATURES);
		if (c.bad || !read_signature(signature, line))
			return hm_fail_set(fail, HM_E_BAD, "note: line %zu of its signatures is none", out->count + 1);
		signature->line = (struct hm_slice){ start, line.len + 1 };
		out->count++;
	}
	return 0;
}

void hm_note_cosigned(struct hm_bytes *out, uint64_t time, struct hm_slice text)
{
	hm_bytes_printf(out, "cosignature/v1\ntime %llu\n", (unsigned long long)time);
	hm_bytes_slice(out, text);
}

static void free_key(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

static void free_digest(EVP_MD_CTX **context)
{
	EVP_MD_CTX_free(*context);
}

static bool check_ed25519(const uint8_t key[32], struct hm_slice message, const uint8_t signature[SIGNATURE])
{
	HM_CLEANUP(free_key) EVP_PKEY *public = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, 32);
	HM_CLEANUP(free_digest) EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool good = public && context && EVP_DigestVerifyInit(context, NULL, NULL, NULL, public) == 1 &&
		    EVP_DigestVerify(context, signature, SIGNATURE, message.data, message.len) == 1;

	ERR_clear_error();
	return good;
}

static bool check_one(const struct hm_note *note, const struct hm_note_signature *s, const struct hm_vkey *key, uint64_t *time)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes message = { 0 };
	struct hm_cursor c = hm_cursor_of((struct hm_slice){ s->blob, s->len });

	if (key->type == HM_KEY_LOG)
		return s->len == SIGNATURE && check_ed25519(key->key, note->text, s->blob);
	if (key->type != HM_KEY_WITNESS || s->len != 8 + SIGNATURE)
		return false;
	*time = hm_cursor_be(&c, 8);
	if (*time > INT64_MAX)
		return false;
	hm_note_cosigned(&message, *time, note->text);
	return check_ed25519(key->key, hm_slice_of(&message), s->blob + 8);
}

enum hm_note_outcome hm_note_check(const struct hm_note *note, const struct hm_vkey *key, uint64_t *time)
{
	enum hm_note_outcome outcome = HM_NOTE_ABSENT;

	*time = 0;
	for (size_t i = 0; i < note->count && outcome != HM_NOTE_FALSE; i++) {
		const struct hm_note_signature *s = &note->signature[i];

		if (!hm_slice_eq(s->name, hm_slice_text(key->name)) || memcmp(s->id, key->id, 4) != 0)
			continue;
		outcome = check_one(note, s, key, time) ? HM_NOTE_GOOD : HM_NOTE_FALSE;
	}
	if (outcome != HM_NOTE_GOOD)
		*time = 0;
	return outcome;
}

int hm_checkpoint_parse(struct hm_checkpoint *out, struct hm_slice text, struct hm_fail *fail)
{
	struct hm_cursor c = hm_cursor_of(text);
	struct hm_slice origin = hm_line(&c), size = hm_line(&c), root = hm_line(&c);

	*out = (struct hm_checkpoint){ .origin = origin };
	if (c.bad || origin.len == 0 || !hm_line_number(&out->size, size) || !hm_line_hash(&out->root, root))
		return hm_fail_set(fail, HM_E_BAD, "checkpoint: not an origin, a size and the base64 of a root, each on a line");
	out->extended = hm_cursor_left(&c) != 0;
	while (hm_cursor_left(&c))
		if (hm_line(&c).len == 0)
			c.bad = true;
	return c.bad ? hm_fail_set(fail, HM_E_BAD, "checkpoint: an extension line is empty or does not end") : 0;
}

void hm_checkpoint_write(struct hm_bytes *out, const char *origin, uint64_t size, const struct hm_sha256 *root)
{
	hm_bytes_printf(out, "%s\n%llu\n", origin, (unsigned long long)size);
	hm_text_base64(out, (struct hm_slice){ root->b, HM_SHA256_LEN });
	hm_bytes_u8(out, '\n');
}
