/* Pyzor's digest (pyzor/digest.py of Debian's package, version 1.0.0): of the text's lines long words, addresses and URLs are taken out, then
 * white space; what is left of 8 characters or more is digested: all of it up to 4 lines, else three lines from 20 % and from 60 % on. Text
 * is ASCII or UTF-8 here, other bytes are passed over; HTML is digested as it stands, for nothing that is planted is HTML. */
#include <strings.h>

#include "digest.h"
#include "mail.h"

#include <ctype.h>
#include "text.h"

enum { LONG_WORD = 10, LINE_MIN = 8, ALL_LINES = 4, SOME = 3 };

struct digesting {
	struct hm_bytes text;  /* normalised lines, one behind the other */
	size_t *end, count;    /* where each ends */
};

static bool is_space(uint8_t c)
{
	return c == ' ' || (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x1f);
}

static size_t characters(const uint8_t *s, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += (s[i] & 0xc0) != 0x80;
	return n;
}

/* \S+@\S+ takes the whole word. */
static bool is_address(const uint8_t *word, size_t len)
{
	for (size_t i = 1; i + 1 < len; i++)
		if (word[i] == '@')
			return true;
	return false;
}

static bool is_letter(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* [a-z]+:\S+ goes from the first such letters to the word's end. */
static size_t before_url(const uint8_t *word, size_t len)
{
	for (size_t i = 1; i + 1 < len; i++) {
		size_t begin = i;

		if (word[i] != ':')
			continue;
		while (begin > 0 && is_letter(word[begin - 1]))
			begin--;
		if (begin < i)
			return begin;
	}
	return len;
}

static void take_line(struct digesting *d, const uint8_t *line, size_t len)
{
	size_t from = d->text.len;

	for (size_t i = 0, end; i < len; i = end) {
		for (end = i; end < len && !is_space(line[end]);)
			end++;
		if (end > i && characters(line + i, end - i) < LONG_WORD && !is_address(line + i, end - i))
			hm_bytes_append(&d->text, line + i, before_url(line + i, end - i));
		end += end == i;
	}
	if (d->text.len == from || characters(d->text.data + from, d->text.len - from) < LINE_MIN) {
		d->text.len = from;
		return;
	}
	d->end = hm_realloc(d->end, d->count + 1, sizeof(*d->end));
	d->end[d->count++] = d->text.len;
}

/* Lines end as Python's splitlines has it, as far as that is ASCII. */
static bool ends_line(uint8_t c)
{
	return (c >= 10 && c <= 13) || (c >= 0x1c && c <= 0x1e);
}

static void take_part(void *cookie, const struct hm_mail_part *part)
{
	struct digesting *d = cookie;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	bool wide = part->charset.len == 5 && strncasecmp((const char *)part->charset.data, "utf-8", 5) == 0;

	if (part->type.len && (part->type.len < 5 || strncasecmp((const char *)part->type.data, "text/", 5) != 0))
		return;
	for (size_t i = 0; i < part->content.len; i++)
		if (wide || part->content.data[i] < 0x80)
			hm_bytes_u8(&text, part->content.data[i]);
	for (size_t i = 0, end; i < text.len; i = end + 1) {
		for (end = i; end < text.len && !ends_line(text.data[end]);)
			end++;
		take_line(d, text.data + i, end - i);
	}
}

static void add_line(struct hm_bytes *out, const struct digesting *d, size_t line)
{
	size_t from = line ? d->end[line - 1] : 0;

	if (line < d->count)
		hm_bytes_append(out, d->text.data + from, d->end[line] - from);
}

void hm_mail_pyzor(char out[41], struct hm_slice mail)
{
	static const size_t offsets[] = { 20, 60 };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes chosen = { 0 };
	struct digesting d = { 0 };
	uint8_t digest[64];
	size_t len;

	hm_mail_parts(mail, take_part, &d);
	for (size_t i = 0; i < d.count && d.count <= ALL_LINES; i++)
		add_line(&chosen, &d, i);
	for (size_t k = 0; k < HM_COUNT(offsets) && d.count > ALL_LINES; k++)
		for (size_t i = 0; i < SOME; i++)
			add_line(&chosen, &d, offsets[k] * d.count / 100 + i);
	len = hm_digest_of(digest, HM_SHA1, hm_slice_of(&chosen));
	hm_text_hex_into(out, (struct hm_slice){ digest, len });
	hm_bytes_release(&d.text);
	free(d.end);
}

/* The line's value, of digits alone; NULL: there is none. */
static const uint8_t *time_line(struct hm_slice text, size_t *len)
{
	static const char head[] = "\nTime: ";
	const uint8_t *at = memmem(text.data, text.len, head, strlen(head)), *end = text.data + text.len;

	if (!at)
		return NULL;
	at += strlen(head);
	for (*len = 0; at + *len < end && at[*len] >= '0' && at[*len] <= '9';)
		++*len;
	return *len ? at : NULL;
}

bool hm_mail_pyzor_signs(struct hm_slice message, struct hm_slice signature)
{
	static const char head[] = "\nSig: ", user[] = "anonymous:";
	size_t before = (size_t)(signature.data - message.data), after = before + signature.len, len, from = 0;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes rest = { 0 }, text = { 0 }, hex = { 0 };
	const uint8_t *time;
	uint8_t digest[64];

	if (signature.len != 40 || before < strlen(head) || memcmp(signature.data - strlen(head), head, strlen(head)) != 0)
		return false;
	hm_bytes_append(&rest, message.data, before - strlen(head));
	hm_bytes_append(&rest, message.data + after, message.len - after);
	while (rest.len && isspace(rest.data[rest.len - 1]))
		rest.len--;
	while (from < rest.len && isspace(rest.data[from]))
		from++;
	len = hm_digest_of(digest, HM_SHA1, (struct hm_slice){ rest.data + from, rest.len - from });
	hm_bytes_append(&text, digest, len);
	time = time_line(hm_slice_of(&rest), &len);
	if (!time)
		return false;
	hm_bytes_u8(&text, ':');
	hm_bytes_append(&text, time, len);
	hm_bytes_u8(&text, ':');
	len = hm_digest_of(digest, HM_SHA1, hm_slice_text(user));
	hm_text_hex(&text, (struct hm_slice){ digest, len });
	len = hm_digest_of(digest, HM_SHA1, hm_slice_of(&text));
	hm_text_hex(&hex, (struct hm_slice){ digest, len });
	return hm_slice_eq(hm_slice_of(&hex), signature);
}
