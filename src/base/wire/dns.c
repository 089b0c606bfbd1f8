#include "dns.h"

#include "digest.h"

enum { FLAG_QR = 0x8000, FLAG_AA = 0x0400, FLAG_RD = 0x0100, FLAG_RA = 0x0080, OPCODE = 0x7800, LABEL_MAX = 63, HEAD = 12, OPT = 41, ROOM = 512 };

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

static char *put_label(char *to, struct hm_slice label)
{
	/* A dot inside a label is escaped too, or it could not be told from one between labels. */
	for (size_t i = 0; i < label.len; i++) {
		uint8_t c = lower(label.data[i]);

		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_') {
			*to++ = (char)c;
			continue;
		}
		*to++ = '\\';
		*to++ = (char)('0' + c / 100);
		*to++ = (char)('0' + c / 10 % 10);
		*to++ = (char)('0' + c % 10);
	}
	return to;
}

/* Reads a name without compression. Each byte of the wire form becomes at most 4 of text, so `text` cannot overflow. */
static bool read_name(char text[4 * HM_DNS_NAME_MAX + 1], struct hm_cursor *c)
{
	const uint8_t *start = c->at;
	char *to = text;

	for (;;) {
		size_t len = hm_cursor_u8(c);
		struct hm_slice label = hm_cursor_bytes(c, len);

		if (c->bad || len > LABEL_MAX || c->at - start > HM_DNS_NAME_MAX)
			return false;
		if (!len)
			break;
		if (to != text)
			*to++ = '.';
		to = put_label(to, label);
	}
	if (to == text)
		*to++ = '.';
	*to = 0;
	return true;
}

/* The payload size of an OPT record, which is the first thing behind the question where it is alone there. */
static uint16_t room_of(struct hm_cursor *c, uint64_t others)
{
	uint64_t name = hm_cursor_u8(c), type = hm_cursor_be(c, 2), size = hm_cursor_be(c, 2);

	/* No answers, no authorities, one additional record. */
	return others == 1 && !c->bad && name == 0 && type == OPT && size > ROOM ? (uint16_t)size : ROOM;
}

int hm_dns_read_query(struct hm_dns_query *out, struct hm_slice message)
{
	struct hm_cursor c = hm_cursor_of(message);
	struct hm_dns_query q = { 0 };
	const uint8_t *question;
	uint64_t questions, others;

	q.id = (uint16_t)hm_cursor_be(&c, 2);
	q.flags = (uint16_t)hm_cursor_be(&c, 2);
	questions = hm_cursor_be(&c, 2);
	others = hm_cursor_be(&c, 6);
	if (c.bad || q.flags & (FLAG_QR | OPCODE) || questions != 1)
		return HM_E_BAD;
	question = c.at;
	if (!read_name(q.name, &c))
		return HM_E_BAD;
	q.type = (uint16_t)hm_cursor_be(&c, 2);
	q.class = (uint16_t)hm_cursor_be(&c, 2);
	if (c.bad)
		return HM_E_BAD;
	q.question = (struct hm_slice){ question, (size_t)(c.at - question) };
	q.room = room_of(&c, others);
	*out = q;
	return 0;
}

static void put_be(struct hm_bytes *out, uint64_t v, size_t size)
{
	while (size-- > 0)
		hm_bytes_u8(out, (uint8_t)(v >> 8 * size));
}

void hm_dns_write_answer(struct hm_bytes *out, const struct hm_dns_query *query, int rcode, uint32_t ttl,
			 const struct hm_slice *rdata, size_t count)
{
	put_be(out, query->id, 2);
	put_be(out, FLAG_QR | FLAG_AA | FLAG_RA | (query->flags & FLAG_RD) | (rcode & 15), 2);
	put_be(out, 1, 2);
	put_be(out, count, 2);
	put_be(out, 0, 4);
	hm_bytes_slice(out, query->question);
	for (size_t i = 0; i < count; i++) {
		put_be(out, 0xc00c, 2); /* the name of the question, which stands behind the header's 12 bytes */
		put_be(out, query->type, 2);
		put_be(out, query->class, 2);
		put_be(out, ttl, 4);
		put_be(out, rdata[i].len, 2);
		hm_bytes_slice(out, rdata[i]);
	}
}

void hm_dns_truncate(struct hm_bytes *answer, const struct hm_dns_query *query, size_t max)
{
	if (answer->len <= max)
		return;
	answer->len = HEAD + query->question.len;
	answer->data[2] |= 2;		     /* TC */
	answer->data[6] = answer->data[7] = 0; /* records */
}

int hm_dns_put_name(struct hm_bytes *out, const char *name)
{
	size_t start = out->len;

	while (*name) {
		size_t len = strcspn(name, ".");

		if (!len || len > LABEL_MAX || out->len - start + len + 2 > HM_DNS_NAME_MAX) {
			out->len = start;
			return HM_E_BAD;
		}
		hm_bytes_u8(out, (uint8_t)len);
		hm_bytes_append(out, name, len);
		name += len;
		if (*name && !*++name) {
			out->len = start;
			return HM_E_BAD;
		}
	}
	hm_bytes_u8(out, 0);
	return 0;
}

void hm_dns_address_of(uint8_t address[4], const char *name)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes folded = { 0 };
	struct hm_sha256 hash;
	struct hm_cursor c;
	uint64_t block;

	for (const char *p = name; *p; p++)
		hm_bytes_u8(&folded, lower((uint8_t)*p));
	hm_sha256_slice(&hash, hm_slice_of(&folded));
	c = hm_cursor_of((struct hm_slice){ hash.b, sizeof(hash.b) });
	block = 1 + hm_cursor_be(&c, 4) % 511; /* of the 512 blocks of 256 addresses; the first is the chamber's */
	address[0] = 198;
	address[1] = (uint8_t)(18 + (block >> 8));
	address[2] = (uint8_t)block;
	address[3] = (uint8_t)(1 + hm_cursor_be(&c, 4) % 254);
}
