/* The hellos of both sides (RFC 5246 section 7.4.1, RFC 8446 section 4.1), as far as they tell how to open the rest. */
#include "plain_internal.h"

#include "cursor.h"

enum { HELLO_MAX = 128 << 10, EXT_ENCRYPT_FIRST = 22, EXT_EARLY_DATA = 42, EXT_VERSIONS = 43 };

/* The random of a HelloRetryRequest: SHA-256 of these words (RFC 8446 section 4.1.3). */
static const uint8_t try_again[HM_TLS_RANDOM] = {
	0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
	0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
};

bool hm_tls_record_read(struct hm_tls_record *out, struct hm_slice stream)
{
	struct hm_cursor c = hm_cursor_of(stream);
	size_t len, left;

	out->header = hm_cursor_bytes(&c, HM_TLS_HEADER);
	if (c.bad)
		return false;
	out->type = out->header.data[0];
	len = (size_t)out->header.data[3] << 8 | out->header.data[4];
	if (out->type < HM_TLS_SPEC || out->type > HM_TLS_DATA || out->header.data[1] != 3 || len > HM_TLS_RECORD_MAX)
		return false;
	left = hm_cursor_left(&c);
	out->whole = len <= left;
	out->body = hm_cursor_bytes(&c, out->whole ? len : left);
	return true;
}

/* The handshake bytes of the records that begin `stream`, as far as they go. ChangeCipherSpec, which TLS 1.3 sends for the sake of
 * middle boxes, stands between them. */
static void gather(struct hm_bytes *out, struct hm_slice stream)
{
	struct hm_tls_record record;

	while (out->len < HELLO_MAX && hm_tls_record_read(&record, stream)) {
		size_t used = HM_TLS_HEADER + record.body.len;

		if (record.type == HM_TLS_HANDSHAKE)
			hm_bytes_slice(out, record.body);
		else if (record.type != HM_TLS_SPEC)
			return;
		stream.data += used;
		stream.len -= used;
	}
}

/* The next message; false when it is not whole. */
static bool next_message(struct hm_cursor *c, uint8_t *type, struct hm_slice *body)
{
	size_t len;

	*type = hm_cursor_u8(c);
	len = (size_t)hm_cursor_be(c, 3);
	*body = hm_cursor_bytes(c, len);
	return !c->bad;
}

static void take_extension(struct hm_tls_hello *out, bool server, uint64_t type, struct hm_slice body)
{
	if (type == EXT_EARLY_DATA && !server)
		out->early = true;
	if (type == EXT_ENCRYPT_FIRST && server)
		out->encrypt_first = true;
	if (type == EXT_VERSIONS && server && body.len == 2)
		out->version = (uint16_t)(body.data[0] << 8 | body.data[1]);
}

static bool read_hello(struct hm_tls_hello *out, bool server, struct hm_slice body)
{
	struct hm_cursor c = hm_cursor_of(body), extensions;
	struct hm_slice random;

	*out = (struct hm_tls_hello){ .version = (uint16_t)hm_cursor_be(&c, 2) };
	random = hm_cursor_bytes(&c, HM_TLS_RANDOM);
	hm_cursor_bytes(&c, hm_cursor_u8(&c)); /* session id */
	if (server) {
		out->suite = (uint16_t)hm_cursor_be(&c, 2);
		hm_cursor_u8(&c); /* compression */
	} else {
		hm_cursor_bytes(&c, (size_t)hm_cursor_be(&c, 2));
		hm_cursor_bytes(&c, hm_cursor_u8(&c));
	}
	if (c.bad || out->version >> 8 != 3)
		return false;
	memcpy(out->random, random.data, HM_TLS_RANDOM);
	if (hm_cursor_done(&c))
		return true;
	extensions = hm_cursor_of(hm_cursor_bytes(&c, (size_t)hm_cursor_be(&c, 2)));
	while (hm_cursor_left(&extensions)) {
		uint64_t type = hm_cursor_be(&extensions, 2);
		struct hm_slice content = hm_cursor_bytes(&extensions, (size_t)hm_cursor_be(&extensions, 2));

		if (!extensions.bad)
			take_extension(out, server, type, content);
	}
	return hm_cursor_done(&c) && !extensions.bad;
}

bool hm_tls_client_hello(struct hm_tls_hello *out, struct hm_slice stream)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes said = { 0 };
	struct hm_slice body;
	struct hm_cursor c;
	uint8_t type;

	gather(&said, stream);
	c = hm_cursor_of(hm_slice_of(&said));
	return next_message(&c, &type, &body) && type == HM_TLS_CLIENT_HELLO && read_hello(out, false, body);
}

bool hm_tls_server_hello(struct hm_tls_hello *out, struct hm_slice stream)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes said = { 0 };
	struct hm_slice body;
	struct hm_cursor c;
	uint8_t type;

	gather(&said, stream);
	c = hm_cursor_of(hm_slice_of(&said));
	while (next_message(&c, &type, &body)) {
		if (type != HM_TLS_SERVER_HELLO || !read_hello(out, true, body))
			return false;
		if (memcmp(out->random, try_again, HM_TLS_RANDOM) != 0)
			return true;
	}
	return false;
}
