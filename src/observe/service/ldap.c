/* LDAP (RFC 4511): messages in BER, of which only the outermost parts are looked at. */
#include "service_internal.h"

#include "cursor.h"

enum { SEQUENCE = 0x30, INTEGER = 0x02, EXTENDED = 0x77, NAME = 0x80, UNBIND = 0x42, ABANDON = 0x50 };

static const char start_tls[] = "1.3.6.1.4.1.1466.20037";

/* Request and response, by tag of the operation (RFC 4511 section 4.2 and on); a search ends with a result and finds nothing. */
static const struct {
	uint8_t asked, answered;
} operations[] = { { 0x60, 0x61 }, { 0x63, 0x65 }, { 0x66, 0x67 }, { 0x68, 0x69 }, { 0x4a, 0x6b }, { 0x6c, 0x6d }, { 0x6e, 0x6f }, { EXTENDED, 0x78 } };

/* Length of what follows, in the forms that LDAP allows (RFC 4511 section 5.1); `bad` where it is another. */
static size_t take_length(struct hm_cursor *c)
{
	uint8_t first = hm_cursor_u8(c);

	if (first < 0x80)
		return first;
	if (first == 0x80 || first > 0x84)
		c->bad = true;
	return (size_t)hm_cursor_be(c, c->bad ? 1 : first & 0x7f);
}

ssize_t service_ldap_length(const struct hm_service_talk *talk HM_UNUSED, struct hm_slice in)
{
	struct hm_cursor c = hm_cursor_of(in);
	size_t length;

	if (hm_cursor_u8(&c) != SEQUENCE || (in.len > 1 && (in.data[1] == 0x80 || in.data[1] > 0x84)))
		return -1;
	length = take_length(&c);
	return c.bad ? 0 : (c.at - in.data) + (ssize_t)length;
}

/* The operation's tag, and its contents; false when there is none. */
static bool read_message(struct hm_slice message, uint8_t *tag, struct hm_slice *id, struct hm_slice *body)
{
	struct hm_cursor c = hm_cursor_of(message);
	size_t length;

	hm_cursor_u8(&c);
	take_length(&c);
	if (hm_cursor_u8(&c) != INTEGER)
		return false;
	length = take_length(&c);
	if (length < 1 || length > 4)
		return false;
	*id = hm_cursor_bytes(&c, length);
	*tag = hm_cursor_u8(&c);
	length = take_length(&c);
	if (length > hm_cursor_left(&c))
		length = hm_cursor_left(&c);
	*body = hm_cursor_bytes(&c, length);
	return !c.bad;
}

static bool is_start_tls(struct hm_slice body)
{
	struct hm_cursor c = hm_cursor_of(body);
	bool named = hm_cursor_u8(&c) == NAME;
	size_t length = take_length(&c);

	return named && hm_slice_eq(hm_cursor_bytes(&c, length), hm_slice_text(start_tls));
}

/* Success, with nothing matched and nothing to say. */
static void say(struct hm_bytes *out, struct hm_slice id, uint8_t tag, bool named)
{
	static const uint8_t success[] = { 0x0a, 1, 0, 0x04, 0, 0x04, 0 };
	size_t name = named ? 2 + strlen(start_tls) : 0, body = sizeof(success) + name;

	hm_bytes_u8(out, SEQUENCE);
	hm_bytes_u8(out, (uint8_t)(2 + id.len + 2 + body));
	hm_bytes_u8(out, INTEGER);
	hm_bytes_u8(out, (uint8_t)id.len);
	hm_bytes_slice(out, id);
	hm_bytes_u8(out, tag);
	hm_bytes_u8(out, (uint8_t)body);
	hm_bytes_append(out, success, sizeof(success));
	if (!named)
		return;
	hm_bytes_u8(out, 0x8a);
	hm_bytes_u8(out, (uint8_t)strlen(start_tls));
	hm_bytes_text(out, start_tls);
}

enum hm_service_next service_ldap(struct hm_service_talk *talk, struct hm_slice message, struct hm_bytes *out)
{
	struct hm_slice id, body;
	uint8_t tag;
	bool tls;

	if (!read_message(message, &tag, &id, &body))
		return HM_SERVICE_MORE;
	if (tag == UNBIND)
		return HM_SERVICE_END;
	tls = tag == EXTENDED && !talk->tls && is_start_tls(body);
	for (size_t i = 0; i < HM_COUNT(operations); i++)
		if (operations[i].asked == tag)
			say(out, id, operations[i].answered, tls);
	return tls ? HM_SERVICE_TLS : HM_SERVICE_MORE;
}
