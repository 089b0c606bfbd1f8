/* What is said in each protocol gets its replies, in whichever pieces it comes; what is another protocol is left alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "service.h"

#define S(text) { (const uint8_t *)(text), sizeof(text) - 1 }
#define STARTTLS_OID "1.3.6.1.4.1.1466.20037"

struct dialogue {
	const char *what;
	uint16_t port;
	bool tls, upgraded;
	struct hm_slice said, heard; /* heard: all of it, the greeting too */
	enum hm_service_next next;
	size_t left; /* bytes that were not taken */
};

static const struct dialogue dialogues[] = {
	{ "smtp goes over to TLS", 587, false, false, S("EHLO me\r\nSTARTTLS\r\n\x16\x03\x01"),
	  S("220 mx.example ESMTP\r\n250-mx.example\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN\r\n220 go on\r\n"), HM_SERVICE_TLS, 3 },
	{ "... and takes a mail there", 25, true, true, S("ehlo me\r\nSTARTTLS\r\nAUTH LOGIN\r\ndQ==\r\nQUIT\r\nMAIL FROM:<a@b>\r\nDATA\r\nQUIT\r\n..\r\n.\r\nQUIT\r\n"),
	  S("250-mx.example\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 AUTH PLAIN LOGIN\r\n500 not known\r\n334 VXNlcm5hbWU6\r\n334 UGFzc3dvcmQ6\r\n235 welcome\r\n"
	    "250 done\r\n354 go on\r\n250 taken\r\n221 mx.example\r\n"), HM_SERVICE_END, 0 },
	{ "smtps greets inside", 465, true, false, S("QUIT\r\n"), S("220 mx.example ESMTP\r\n221 mx.example\r\n"), HM_SERVICE_END, 0 },
	{ "a request of HTTP is no mail", 25, false, false, S("GET / HTTP/1.1\r\n\r\n"), S("220 mx.example ESMTP\r\n"), HM_SERVICE_ALIEN, 18 },
	{ "imap with strings of counted bytes", 143, true, true,
	  S("a1 LOGIN {1}\r\nu {1+}\r\np\r\na2 append INBOX {12}\r\na9 LOGOUT\r\n\r\nXYZ\r\na3 nothing\r\na4 IDLE\r\nDONE\r\na5 LOGOUT\r\n"),
	  S("+ go on\r\na1 OK done\r\n+ go on\r\na2 OK done\r\na3 OK done\r\n+ go on\r\na4 OK done\r\n* BYE\r\na5 OK done\r\n"), HM_SERVICE_END, 0 },
	{ "imap goes over to TLS", 143, false, false, S(". STARTTLS\r\n"),
	  S("* OK [CAPABILITY IMAP4rev1 SASL-IR STARTTLS AUTH=PLAIN] mx.example\r\n. OK go on\r\n"), HM_SERVICE_TLS, 0 },
	{ "pop3", 110, false, false, S("CAPA\r\nUSER a\r\nPASS b\r\nLIST 1\r\nNO\r\nSTLS\r\n"),
	  S("+OK mx.example\r\n+OK\r\nSTLS\r\nUSER\r\nUIDL\r\nSASL PLAIN\r\n.\r\n+OK\r\n+OK welcome\r\n-ERR no such message\r\n-ERR not known\r\n+OK go on\r\n"), HM_SERVICE_TLS, 0 },
	{ "ftp", 21, true, true, S("MKD a b\r\nPASV\r\nEPSV\r\nSTOR x\n"),
	  S("257 \"a b\"\r\n227 there (198,18,9,8,192,0)\r\n229 there (|||49152|)\r\n150 go on\r\n226 taken\r\n"), HM_SERVICE_MORE, 0 },
	{ "sieve greets again", 4190, true, true, S("NOOP\r\n"), S("\"IMPLEMENTATION\" \"mx.example\"\r\n\"SASL\" \"PLAIN\"\r\n\"SIEVE\" \"fileinto\"\r\n\"VERSION\" \"1.0\"\r\nOK\r\nOK\r\n"), HM_SERVICE_MORE, 0 },
	{ "irc asks nothing", 6667, false, false, S("NICK a\r\nwhat\r\nSTARTTLS\r\n"), S(":mx.example 670 * :go on\r\n"), HM_SERVICE_TLS, 0 },
	{ "ldap goes over to TLS", 389, false, false, S("\x30\x1d\x02\x01\x07\x77\x18\x80\x16" STARTTLS_OID),
	  S("\x30\x24\x02\x01\x07\x78\x1f\x0a\x01\x00\x04\x00\x04\x00\x8a\x16" STARTTLS_OID), HM_SERVICE_TLS, 0 },
	{ "ldap binds and searches", 636, true, false, S("\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\x80\x00\x30\x81\x05\x02\x01\x02\x63\x00\x30\x05\x02\x01\x03\x42\x00"),
	  S("\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00\x30\x0c\x02\x01\x02\x65\x07\x0a\x01\x00\x04\x00\x04\x00"), HM_SERVICE_END, 0 },
	{ "no length is forever", 389, false, false, S("\x30\x80\x02\x01"), S(""), HM_SERVICE_ALIEN, 4 },
	{ "postgresql goes over to TLS", 5432, false, false, S("\0\0\0\x08\x04\xd2\x16\x30\0\0\0\x08\x04\xd2\x16\x2f"), S("NS"), HM_SERVICE_TLS, 0 },
	{ "postgresql's other lengths", 5432, false, false, S("\0\0\0\x09\x04\xd2\x16\x2f"), S(""), HM_SERVICE_ALIEN, 8 },
	{ "postgresql takes a statement", 5432, true, true, S("\0\0\0\x09\0\3\0\0\0Q\0\0\0\x06x\0X\0\0\0\x04"),
	  S("R\0\0\0\x08\0\0\0\0S\0\0\0\x18server_version\00015.0\0S\0\0\0\x19"
	    "client_encoding\0UTF8\0S\0\0\0\x23standard_conforming_strings\0on\0K\0\0\0\x0c\0\0\0\1\0\0\0\1Z\0\0\0\5I" "C\0\0\0\x0dSELECT 0\0Z\0\0\0\5I"), HM_SERVICE_END, 0 },
	{ "xmpp goes over to TLS", 5222, false, false, S("<?xml version='1.0'?>\n<stream:stream to='x'><starttls xmlns='y'/>"),
	  S("<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' id='1' from='mx.example' version='1.0'><stream:features>"
	    "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms></stream:features>"
	    "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"), HM_SERVICE_TLS, 0 },
	{ "xmpp repeats no id that is markup", 5222, true, true, S("<stream:stream>\0<iq id='a&b'/><iq type='set' id=\"c\"></stream:stream>"),
	  S("<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' id='1' from='mx.example' version='1.0'><stream:features>"
	    "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms></stream:features>"
	    "<iq type='result' id=''><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>user@mx.example/1</jid></bind></iq>"
	    "<iq type='result' id='c'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>user@mx.example/1</jid></bind></iq></stream:stream>"), HM_SERVICE_END, 0 },
	{ "a request of HTTP is no stream", 5222, false, false, S("POST / HTTP/1.1\r\n"), S(""), HM_SERVICE_ALIEN, 17 },
};

static void begin(struct hm_service_talk *talk, const struct dialogue *d, struct hm_bytes *heard)
{
	bool wrapped;

	*talk = (struct hm_service_talk){ .service = hm_service_at(d->port, &wrapped), .name = "mx.example", .address = { 198, 18, 9, 8 }, .tls = d->tls, .upgraded = d->upgraded };
	assert_non_null(talk->service);
	hm_service_greet(talk, heard);
}

/* Says it in pieces, as a connection brings them; what was not taken stays at the front. */
static void hold(const struct dialogue *d, size_t piece)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes heard = { 0 };
	struct hm_service_talk talk;
	enum hm_service_next next = HM_SERVICE_MORE;
	size_t at = 0, end = 0, used;

	begin(&talk, d, &heard);
	while (next == HM_SERVICE_MORE && end < d->said.len) {
		end = end + piece < d->said.len ? end + piece : d->said.len;
		next = hm_service_take(&talk, (struct hm_slice){ d->said.data + at, end - at }, &used, &heard);
		assert_true(used <= end - at);
		at += used;
	}
	if (next != d->next || !hm_slice_eq(hm_slice_of(&heard), d->heard) || (next != HM_SERVICE_ALIEN && piece >= d->said.len && at + d->left != d->said.len))
		fail_msg("%s, %zu at once: %d, %zu taken, heard: %.*s", d->what, piece, next, at, (int)heard.len, (const char *)heard.data);
}

static void is_answered(void **state HM_UNUSED)
{
	for (size_t i = 0; i < HM_COUNT(dialogues); i++)
		for (size_t piece = 1; piece <= dialogues[i].said.len; piece++)
			hold(&dialogues[i], piece);
}

static void mysql_is_answered(void **state HM_UNUSED)
{
	static const uint8_t asks[] = { 32, 0, 0, 1, 0, 0x8a, 0, 0, 0, 0, 0, 1, 33, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
	static const uint8_t login[] = { 34, 0, 0, 2, 0, 0x8a, 0, 0, 0, 0, 0, 1, 33, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
					 2, 0, 0, 0, 3, 'x', 1, 0, 0, 0, 1 };
	struct dialogue d = { .port = 3306 };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes heard = { 0 };
	struct hm_service_talk talk;
	size_t used;

	begin(&talk, &d, &heard);
	/* A packet, its sequence number, version 10 of the handshake. */
	assert_true(heard.len > 40 && heard.data[0] == heard.len - 4 && heard.data[3] == 0 && heard.data[4] == 10);
	assert_int_equal(hm_service_take(&talk, (struct hm_slice){ asks, sizeof(asks) }, &used, &heard), HM_SERVICE_TLS);
	assert_int_equal(used, sizeof(asks));
	assert_int_equal(hm_service_take(&talk, (struct hm_slice){ login, 20 }, &used, &heard), HM_SERVICE_MORE);
	d.tls = d.upgraded = true;
	heard.len = 0;
	begin(&talk, &d, &heard);
	assert_int_equal(heard.len, 0);
	assert_int_equal(hm_service_take(&talk, (struct hm_slice){ login, sizeof(login) }, &used, &heard), HM_SERVICE_END);
	assert_int_equal(heard.len, 2 * 11);
	assert_true(heard.data[3] == 3 && heard.data[11 + 3] == 1);
	begin(&talk, &d, &heard);
	assert_int_equal(hm_service_take(&talk, HM_SLICE("GET / HTTP/1.1\r\n"), &used, &heard), HM_SERVICE_ALIEN);
}

/* What has no end is not kept: of mails it is taken, in pieces; first it is another protocol. */
static void long_lines_are_taken(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes heard = { 0 }, much = { 0 };
	struct dialogue d = { .port = 25, .tls = true, .upgraded = true };
	struct hm_service_talk talk;
	size_t used;

	memset(hm_bytes_reserve(&much, HM_SERVICE_MESSAGE + 1), 'x', HM_SERVICE_MESSAGE + 1);
	much.len = HM_SERVICE_MESSAGE + 1;
	begin(&talk, &d, &heard);
	assert_int_equal(hm_service_take(&talk, hm_slice_of(&much), &used, &heard), HM_SERVICE_ALIEN);
	assert_int_equal(used, 0);
	assert_int_equal(hm_service_take(&talk, HM_SLICE("DATA\r\n"), &used, &heard), HM_SERVICE_MORE);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(hm_service_take(&talk, hm_slice_of(&much), &used, &heard), HM_SERVICE_MORE);
		assert_int_equal(used, much.len);
	}
	heard.len = 0;
	/* The end of a long line is not a line. */
	assert_int_equal(hm_service_take(&talk, HM_SLICE(".\r\n.\r\n"), &used, &heard), HM_SERVICE_MORE);
	assert_true(hm_slice_eq(hm_slice_of(&heard), HM_SLICE("250 taken\r\n")));
	/* A message whose head tells its length is answered by it. */
	d = (struct dialogue){ .port = 389 };
	begin(&talk, &d, &heard);
	heard.len = 0;
	assert_int_equal(hm_service_take(&talk, HM_SLICE("\x30\x83\x01\x00\x05\x02\x01\x01\x68\x83\x00\xff\xfdxx"), &used, &heard), HM_SERVICE_MORE);
	assert_int_equal(used, 0); /* not enough of it */
	much.len = 100;
	memcpy(much.data, "\x30\x83\x01\x00\x05\x02\x01\x01\x68\x83\x00\xff\xfd", 13);
	assert_int_equal(hm_service_take(&talk, hm_slice_of(&much), &used, &heard), HM_SERVICE_MORE);
	assert_int_equal(used, 100);
	assert_int_equal(talk.literal, 65541 + 5 - 100);
	assert_true(heard.len > 0);
	assert_int_equal(hm_service_take(&talk, hm_slice_of(&much), &used, &heard), HM_SERVICE_MORE);
	assert_int_equal(talk.literal, 65541 + 5 - 200);
	d.port = 5432;
	begin(&talk, &d, &heard);
	assert_int_equal(hm_service_take(&talk, HM_SLICE("\0\0\0\x09\0\3\0\0\0"), &used, &heard), HM_SERVICE_MORE);
	heard.len = 0;
	assert_int_equal(hm_service_take(&talk, HM_SLICE("Q\0\1\0\0insert into t values (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12"), &used, &heard), HM_SERVICE_MORE);
	assert_int_equal(used, 64);
	assert_int_equal(talk.literal, 0x10000 + 1 - 64);
	assert_true(heard.len > 0);
}

static void every_port_is_told(void **state HM_UNUSED)
{
	uint16_t port, wrapped;
	size_t i = 0;
	bool inside;

	for (; hm_service_row(i, &port, &wrapped); i++) {
		assert_non_null(hm_service_at(port, &inside));
		assert_false(inside);
		if (wrapped) {
			assert_non_null(hm_service_at(wrapped, &inside));
			assert_true(inside);
		}
	}
	assert_true(i > 10);
	assert_null(hm_service_at(443, &inside));
	assert_null(hm_service_at(0, &inside));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_answered),
		cmocka_unit_test(mysql_is_answered),
		cmocka_unit_test(long_lines_are_taken),
		cmocka_unit_test(every_port_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
