/* What PostgreSQL (https://www.postgresql.org/docs/15/protocol-message-formats.html) and MySQL
 * (https://dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html) say to a client that comes to store something: that it was done. */
#include "service_internal.h"

#include "cursor.h"

/* ---- PostgreSQL ---- */

enum { SSL_REQUEST = 80877103, GSS_REQUEST = 80877104, CANCEL = 80877102, VERSION_3 = 3 << 16, STARTUP_MAX = 10000, STARTED = 1 };

ssize_t service_postgres_length(const struct hm_service_talk *talk, struct hm_slice in)
{
	size_t head = talk->reply == STARTED; /* the type */
	struct hm_cursor c = hm_cursor_of(in);
	uint64_t length, code;

	hm_cursor_bytes(&c, head);
	length = hm_cursor_be(&c, 4);
	if (c.bad)
		return 0;
	if (head)
		return length >= 4 ? (ssize_t)(head + length) : -1;
	code = hm_cursor_be(&c, 4);
	if (c.bad)
		return length >= 8 && length <= STARTUP_MAX ? 0 : -1;
	if (code == SSL_REQUEST || code == GSS_REQUEST)
		return length == 8 ? 8 : -1;
	if (code == CANCEL)
		return length == 16 ? 16 : -1;
	return code >> 16 == VERSION_3 >> 16 && length > 8 && length <= STARTUP_MAX ? (ssize_t)length : -1;
}

static void put_message(struct hm_bytes *out, char type, const void *body, size_t len)
{
	uint32_t all = (uint32_t)len + 4;
	const uint8_t head[5] = { (uint8_t)type, (uint8_t)(all >> 24), (uint8_t)(all >> 16), (uint8_t)(all >> 8), (uint8_t)all };

	hm_bytes_append(out, head, sizeof(head));
	hm_bytes_append(out, body, len);
}

static enum hm_service_next begin_postgres(struct hm_service_talk *talk, struct hm_slice message, struct hm_bytes *out)
{
	static const char version[] = "server_version\00015.0", encoding[] = "client_encoding\0UTF8", strings[] = "standard_conforming_strings\0on";
	struct hm_cursor c = hm_cursor_of(message);
	uint64_t code;

	hm_cursor_be(&c, 4);
	code = hm_cursor_be(&c, 4);
	if (code == CANCEL)
		return HM_SERVICE_END;
	if (code == SSL_REQUEST || code == GSS_REQUEST) {
		hm_bytes_u8(out, code == SSL_REQUEST && !talk->tls ? 'S' : 'N');
		return code == SSL_REQUEST && !talk->tls ? HM_SERVICE_TLS : HM_SERVICE_MORE;
	}
	talk->reply = STARTED;
	put_message(out, 'R', "\0\0\0\0", 4);
	put_message(out, 'S', version, sizeof(version));
	put_message(out, 'S', encoding, sizeof(encoding));
	put_message(out, 'S', strings, sizeof(strings));
	put_message(out, 'K', "\0\0\0\1\0\0\0\1", 8);
	put_message(out, 'Z', "I", 1);
	return HM_SERVICE_MORE;
}

enum hm_service_next service_postgres(struct hm_service_talk *talk, struct hm_slice message, struct hm_bytes *out)
{
	enum { DESCRIBED_AT = 5 };
	static const char done[] = "SELECT 0";

	if (talk->reply != STARTED)
		return begin_postgres(talk, message, out);
	switch (message.data[0]) {
	case 'X':
		return HM_SERVICE_END;
	case 'Q':
		put_message(out, 'C', done, sizeof(done));
		put_message(out, 'Z', "I", 1);
		break;
	case 'P':
		put_message(out, '1', NULL, 0);
		break;
	case 'B':
		put_message(out, '2', NULL, 0);
		break;
	case 'C':
		put_message(out, '3', NULL, 0);
		break;
	case 'D':
		if (message.len > DESCRIBED_AT && message.data[DESCRIBED_AT] == 'S')
			put_message(out, 't', "\0\0", 2);
		put_message(out, 'n', NULL, 0);
		break;
	case 'E':
		put_message(out, 'C', done, sizeof(done));
		break;
	case 'S':
		put_message(out, 'Z', "I", 1);
		break;
	default: /* what asks for no answer */
		break;
	}
	return HM_SERVICE_MORE;
}

/* ---- MySQL ---- */

enum { HEAD = 4, SSL_REQUEST_LEN = 32, CLIENT_SSL = 0x800, QUIT = 1 };

/* Capabilities: long passwords, a database at login, version 4.1 of the protocol, TLS, transactions, challenges, plugins. */
void service_mysql_greet(struct hm_bytes *out)
{
	static const char greeting[] = "\x0a" "8.0.0\0" "\1\0\0\0" "challeng\0" "\x09\xaa" "\x2d" "\2\0" "\x08\0" "\x15" "\0\0\0\0\0\0\0\0\0\0" "e of a chamb\0"
				       "mysql_native_password";
	const uint8_t head[HEAD] = { (uint8_t)sizeof(greeting), 0, 0, 0 };

	hm_bytes_append(out, head, sizeof(head));
	hm_bytes_append(out, greeting, sizeof(greeting));
}

ssize_t service_mysql_length(const struct hm_service_talk *talk, struct hm_slice in)
{
	struct hm_cursor c = hm_cursor_of(in);
	uint64_t length = hm_cursor_le(&c, 3);
	uint8_t sequence = hm_cursor_u8(&c);
	bool answers = !talk->messages;

	if (c.bad)
		return 0;
	/* The first answers the greeting, and what a client says there has its capabilities. */
	if (answers && (sequence != 1 + talk->upgraded || length < SSL_REQUEST_LEN))
		return -1;
	return HEAD + (ssize_t)length;
}

enum hm_service_next service_mysql(struct hm_service_talk *talk, struct hm_slice message, struct hm_bytes *out)
{
	uint8_t ok[] = { 7, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0 };
	struct hm_cursor c = hm_cursor_of(message);
	size_t length = (size_t)hm_cursor_le(&c, 3);
	uint8_t sequence = hm_cursor_u8(&c);

	if (talk->messages == 1 && !talk->tls && length == SSL_REQUEST_LEN && hm_cursor_le(&c, 4) & CLIENT_SSL)
		return HM_SERVICE_TLS;
	if (talk->messages > 1 && hm_cursor_u8(&c) == QUIT)
		return HM_SERVICE_END;
	ok[3] = (uint8_t)(sequence + 1);
	hm_bytes_append(out, ok, sizeof(ok));
	return HM_SERVICE_MORE;
}
