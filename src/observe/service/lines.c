/* Protocols of lines, as tables. In replies {name} stands for what the client called, {tag} for the tag of its command, {rest} for what stands in its
 * line behind `begins`, {data} for where FTP's next transfer goes, as PASV tells it, and
 * {starttls} for ManageSieve's offer, in the clear. */
#include "service_internal.h"

#define ROWS(name, ...)                                                                                                                  \
	static const struct line name##_rows[] = { __VA_ARGS__ };                                                                        \
	const struct lines service_##name

ROWS(smtp,
     { "EHLO ", CLEAR, NOTHING, { "250-{name}\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN\r\n" } },
     { "EHLO ", INSIDE, NOTHING, { "250-{name}\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 AUTH PLAIN LOGIN\r\n" } },
     { "LHLO ", ANYWHERE, NOTHING, { "250 {name}\r\n" } },
     { "HELO ", ANYWHERE, NOTHING, { "250 {name}\r\n" } },
     { "STARTTLS", CLEAR, TLS, { "220 go on\r\n" } },
     { "AUTH PLAIN ", ANYWHERE, NOTHING, { "235 welcome\r\n" } },
     { "AUTH PLAIN", ANYWHERE, LINE, { "334 \r\n", "235 welcome\r\n" } },
     { "AUTH LOGIN ", ANYWHERE, LINE, { "334 UGFzc3dvcmQ6\r\n", "235 welcome\r\n" } },
     { "AUTH LOGIN", ANYWHERE, LINE, { "334 VXNlcm5hbWU6\r\n", "334 UGFzc3dvcmQ6\r\n", "235 welcome\r\n" } },
     { "DATA", ANYWHERE, BODY, { "354 go on\r\n", "250 taken\r\n" } },
     { "MAIL ", ANYWHERE, NOTHING, { "250 done\r\n" } },
     { "RCPT ", ANYWHERE, NOTHING, { "250 done\r\n" } },
     { "RSET", ANYWHERE, NOTHING, { "250 done\r\n" } },
     { "NOOP", ANYWHERE, NOTHING, { "250 done\r\n" } },
     { "VRFY ", ANYWHERE, NOTHING, { "252 send and see\r\n" } },
     { "QUIT", ANYWHERE, END, { "221 {name}\r\n" } }) = { smtp_rows, HM_COUNT(smtp_rows), "500 not known\r\n", false, false };

ROWS(imap,
     { "CAPABILITY", CLEAR, NOTHING, { "* CAPABILITY IMAP4rev1 SASL-IR STARTTLS AUTH=PLAIN\r\n{tag} OK done\r\n" } },
     { "CAPABILITY", INSIDE, NOTHING, { "* CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN\r\n{tag} OK done\r\n" } },
     { "STARTTLS", CLEAR, TLS, { "{tag} OK go on\r\n" } },
     { "STARTTLS", INSIDE, NOTHING, { "{tag} BAD not again\r\n" } },
     { "AUTHENTICATE PLAIN ", ANYWHERE, NOTHING, { "{tag} OK done\r\n" } },
     { "AUTHENTICATE PLAIN", ANYWHERE, LINE, { "+ \r\n", "{tag} OK done\r\n" } },
     { "AUTHENTICATE LOGIN", ANYWHERE, LINE, { "+ VXNlcm5hbWU6\r\n", "+ UGFzc3dvcmQ6\r\n", "{tag} OK done\r\n" } },
     { "AUTHENTICATE ", ANYWHERE, NOTHING, { "{tag} NO not known\r\n" } },
     { "SELECT ", ANYWHERE, NOTHING, { "* 0 EXISTS\r\n* FLAGS (\\Seen)\r\n* OK [UIDVALIDITY 1] done\r\n* OK [UIDNEXT 1] done\r\n{tag} OK [READ-WRITE] done\r\n" } },
     { "EXAMINE ", ANYWHERE, NOTHING, { "* 0 EXISTS\r\n* FLAGS (\\Seen)\r\n* OK [UIDVALIDITY 1] done\r\n* OK [UIDNEXT 1] done\r\n{tag} OK [READ-ONLY] done\r\n" } },
     { "LIST ", ANYWHERE, NOTHING, { "* LIST () \"/\" INBOX\r\n{tag} OK done\r\n" } },
     { "SEARCH ", ANYWHERE, NOTHING, { "* SEARCH\r\n{tag} OK done\r\n" } },
     { "UID SEARCH ", ANYWHERE, NOTHING, { "* SEARCH\r\n{tag} OK done\r\n" } },
     { "IDLE", ANYWHERE, LINE, { "+ go on\r\n", "{tag} OK done\r\n" } },
     { "LOGOUT", ANYWHERE, END, { "* BYE\r\n{tag} OK done\r\n" } },
     { "LOGIN ", ANYWHERE, NOTHING, { "{tag} OK done\r\n" } },
     { "APPEND ", ANYWHERE, NOTHING, { "{tag} OK done\r\n" } },
     { "ID ", ANYWHERE, NOTHING, { "* ID NIL\r\n{tag} OK done\r\n" } },
     { "NOOP", ANYWHERE, NOTHING, { "{tag} OK done\r\n" } }) = { imap_rows, HM_COUNT(imap_rows), "{tag} OK done\r\n", true, true };

ROWS(pop3,
     { "CAPA", CLEAR, NOTHING, { "+OK\r\nSTLS\r\nUSER\r\nUIDL\r\nSASL PLAIN\r\n.\r\n" } },
     { "CAPA", INSIDE, NOTHING, { "+OK\r\nUSER\r\nUIDL\r\nSASL PLAIN\r\n.\r\n" } },
     { "STLS", CLEAR, TLS, { "+OK go on\r\n" } },
     { "AUTH PLAIN ", ANYWHERE, NOTHING, { "+OK welcome\r\n" } },
     { "AUTH PLAIN", ANYWHERE, LINE, { "+ \r\n", "+OK welcome\r\n" } },
     { "USER ", ANYWHERE, NOTHING, { "+OK\r\n" } },
     { "PASS ", ANYWHERE, NOTHING, { "+OK welcome\r\n" } },
     { "STAT", ANYWHERE, NOTHING, { "+OK 0 0\r\n" } },
     { "LIST ", ANYWHERE, NOTHING, { "-ERR no such message\r\n" } },
     { "LIST", ANYWHERE, NOTHING, { "+OK\r\n.\r\n" } },
     { "UIDL ", ANYWHERE, NOTHING, { "-ERR no such message\r\n" } },
     { "UIDL", ANYWHERE, NOTHING, { "+OK\r\n.\r\n" } },
     { "NOOP", ANYWHERE, NOTHING, { "+OK\r\n" } },
     { "RSET", ANYWHERE, NOTHING, { "+OK\r\n" } },
     { "QUIT", ANYWHERE, END, { "+OK\r\n" } }) = { pop3_rows, HM_COUNT(pop3_rows), "-ERR not known\r\n", false, false };

/* The reply behind a transfer stands behind the one before it: nobody here knows when the other connection has ended. */
ROWS(ftp,
     { "AUTH TLS", CLEAR, TLS, { "234 go on\r\n" } },
     { "AUTH ", ANYWHERE, NOTHING, { "504 not known\r\n" } },
     { "FEAT", ANYWHERE, NOTHING, { "211-here\r\n AUTH TLS\r\n EPSV\r\n PBSZ\r\n PROT\r\n UTF8\r\n211 done\r\n" } },
     { "USER ", ANYWHERE, NOTHING, { "331 and the password\r\n" } },
     { "PASS ", ANYWHERE, NOTHING, { "230 welcome\r\n" } },
     { "ACCT ", ANYWHERE, NOTHING, { "230 welcome\r\n" } },
     { "SYST", ANYWHERE, NOTHING, { "215 UNIX Type: L8\r\n" } },
     { "PBSZ ", ANYWHERE, NOTHING, { "200 PBSZ=0\r\n" } },
     { "PROT ", ANYWHERE, NOTHING, { "200 done\r\n" } },
     { "TYPE ", ANYWHERE, NOTHING, { "200 done\r\n" } },
     { "MODE ", ANYWHERE, NOTHING, { "200 done\r\n" } },
     { "STRU ", ANYWHERE, NOTHING, { "200 done\r\n" } },
     { "OPTS ", ANYWHERE, NOTHING, { "200 done\r\n" } },
     { "ALLO ", ANYWHERE, NOTHING, { "200 done\r\n" } },
     { "NOOP", ANYWHERE, NOTHING, { "200 done\r\n" } },
     { "PWD", ANYWHERE, NOTHING, { "257 \"/\"\r\n" } },
     { "XPWD", ANYWHERE, NOTHING, { "257 \"/\"\r\n" } },
     { "CWD ", ANYWHERE, NOTHING, { "250 done\r\n" } },
     { "CDUP", ANYWHERE, NOTHING, { "250 done\r\n" } },
     { "MKD ", ANYWHERE, NOTHING, { "257 \"{rest}\"\r\n" } },
     { "RMD ", ANYWHERE, NOTHING, { "250 done\r\n" } },
     { "DELE ", ANYWHERE, NOTHING, { "250 done\r\n" } },
     { "RNFR ", ANYWHERE, NOTHING, { "350 and the other name\r\n" } },
     { "RNTO ", ANYWHERE, NOTHING, { "250 done\r\n" } },
     { "REST ", ANYWHERE, NOTHING, { "350 go on\r\n" } },
     { "EPSV ALL", ANYWHERE, NOTHING, { "200 done\r\n" } },
     { "EPSV", ANYWHERE, NOTHING, { "229 there (|||49152|)\r\n" } },
     { "PASV", ANYWHERE, NOTHING, { "227 there ({data})\r\n" } },
     { "STOR ", ANYWHERE, NOTHING, { "150 go on\r\n226 taken\r\n" } },
     { "APPE ", ANYWHERE, NOTHING, { "150 go on\r\n226 taken\r\n" } },
     { "STOU", ANYWHERE, NOTHING, { "150 FILE: file\r\n226 taken\r\n" } },
     { "LIST", ANYWHERE, NOTHING, { "550 nothing there\r\n" } },
     { "NLST", ANYWHERE, NOTHING, { "550 nothing there\r\n" } },
     { "MLSD", ANYWHERE, NOTHING, { "550 nothing there\r\n" } },
     { "RETR ", ANYWHERE, NOTHING, { "550 nothing there\r\n" } },
     { "SIZE ", ANYWHERE, NOTHING, { "550 nothing there\r\n" } },
     { "MDTM ", ANYWHERE, NOTHING, { "550 nothing there\r\n" } },
     { "QUIT", ANYWHERE, END, { "221 {name}\r\n" } }) = { ftp_rows, HM_COUNT(ftp_rows), "502 not known\r\n", false, false };

ROWS(nntp,
     { "CAPABILITIES", CLEAR, NOTHING, { "101 here\r\nVERSION 2\r\nREADER\r\nPOST\r\nSTARTTLS\r\nAUTHINFO USER\r\n.\r\n" } },
     { "CAPABILITIES", INSIDE, NOTHING, { "101 here\r\nVERSION 2\r\nREADER\r\nPOST\r\nAUTHINFO USER\r\n.\r\n" } },
     { "STARTTLS", CLEAR, TLS, { "382 go on\r\n" } },
     { "MODE READER", ANYWHERE, NOTHING, { "200 done\r\n" } },
     { "AUTHINFO USER ", ANYWHERE, NOTHING, { "381 and the password\r\n" } },
     { "AUTHINFO PASS ", ANYWHERE, NOTHING, { "281 welcome\r\n" } },
     { "POST", ANYWHERE, BODY, { "340 go on\r\n", "240 taken\r\n" } },
     { "GROUP ", ANYWHERE, NOTHING, { "411 no such group\r\n" } },
     { "QUIT", ANYWHERE, END, { "205 done\r\n" } }) = { nntp_rows, HM_COUNT(nntp_rows), "500 not known\r\n", false, false };

ROWS(sieve,
     { "STARTTLS", CLEAR, TLS, { "OK\r\n" } },
     { "CAPABILITY", ANYWHERE, NOTHING, { "\"IMPLEMENTATION\" \"{name}\"\r\n\"SASL\" \"PLAIN\"\r\nOK\r\n" } },
     { "AUTHENTICATE ", ANYWHERE, NOTHING, { "OK\r\n" } },
     { "PUTSCRIPT ", ANYWHERE, NOTHING, { "OK\r\n" } },
     { "LISTSCRIPTS", ANYWHERE, NOTHING, { "OK\r\n" } },
     { "NOOP", ANYWHERE, NOTHING, { "OK\r\n" } },
     { "LOGOUT", ANYWHERE, END, { "OK\r\n" } }) = { sieve_rows, HM_COUNT(sieve_rows), "OK\r\n", false, true };

ROWS(irc,
     { "STARTTLS", CLEAR, TLS, { ":{name} 670 * :go on\r\n" } },
     { "CAP LS", CLEAR, NOTHING, { ":{name} CAP * LS :tls\r\n" } },
     { "CAP LS", INSIDE, NOTHING, { ":{name} CAP * LS :\r\n" } },
     { "CAP REQ ", ANYWHERE, NOTHING, { ":{name} CAP * ACK {rest}\r\n" } },
     { "CAP ", ANYWHERE, NOTHING, { NULL } },
     { "PASS ", ANYWHERE, NOTHING, { NULL } },
     { "NICK ", ANYWHERE, NOTHING, { NULL } },
     { "USER ", ANYWHERE, NOTHING, { ":{name} 001 * :welcome\r\n:{name} 376 * :done\r\n" } },
     { "PING ", ANYWHERE, NOTHING, { ":{name} PONG {name} {rest}\r\n" } },
     { "JOIN ", ANYWHERE, NOTHING, { ":{name} 366 * {rest} :done\r\n" } },
     { "QUIT", ANYWHERE, END, { "ERROR :done\r\n" } }) = { irc_rows, HM_COUNT(irc_rows), NULL, false, false };

void service_say(const struct hm_service_talk *talk, const char *reply, struct hm_slice rest, struct hm_bytes *out)
{
	const uint8_t *a = talk->address;

	while (reply && *reply) {
		if (strncmp(reply, "{name}", 6) == 0) {
			hm_bytes_text(out, talk->name);
			reply += 6;
		} else if (strncmp(reply, "{tag}", 5) == 0) {
			hm_bytes_text(out, talk->tag);
			reply += 5;
		} else if (strncmp(reply, "{rest}", 6) == 0) {
			hm_bytes_slice(out, rest);
			reply += 6;
		} else if (strncmp(reply, "{data}", 6) == 0) {
			hm_bytes_printf(out, "%u,%u,%u,%u,%u,%u", a[0], a[1], a[2], a[3], HM_SERVICE_DATA_PORT >> 8, HM_SERVICE_DATA_PORT & 255);
			reply += 6;
		} else if (strncmp(reply, "{starttls}", 10) == 0) {
			hm_bytes_text(out, talk->tls ? "" : "\"STARTTLS\"\r\n");
			reply += 10;
		} else {
			hm_bytes_u8(out, (uint8_t)*reply++);
		}
	}
}

static bool begins(struct hm_slice line, const char *with)
{
	size_t len = strlen(with);

	return line.len >= len && strncasecmp((const char *)line.data, with, len) == 0;
}

static const struct line *find(const struct hm_service_talk *talk, struct hm_slice line)
{
	const struct lines *lines = talk->service->lines;

	for (size_t i = 0; i < lines->count; i++)
		if (lines->row[i].where != (talk->tls ? CLEAR : INSIDE) && begins(line, lines->row[i].begins))
			return &lines->row[i];
	return NULL;
}

/* Moves the tag out of the line; false where there is none. */
static bool take_tag(struct hm_service_talk *talk, struct hm_slice *line)
{
	size_t len = 0;

	while (len < line->len && line->data[len] > ' ' && line->data[len] < 0x7f)
		len++;
	if (!len || len > HM_SERVICE_TAG || len == line->len || line->data[len] != ' ')
		return false;
	memcpy(talk->tag, line->data, len);
	talk->tag[len] = 0;
	line->data += len + 1;
	line->len -= len + 1;
	return true;
}

/* {123} at the end of a line: so many bytes follow that are part of it, and the rest of it; the client waits to be told to go on, but for {123+}. */
static bool take_literal(struct hm_service_talk *talk, struct hm_slice line, struct hm_bytes *out)
{
	size_t at = line.len, n = 0;
	bool waits = true;

	if (!talk->service->lines->literals || at < 3 || line.data[--at] != '}')
		return false;
	if (line.data[at - 1] == '+') {
		waits = false;
		at--;
	}
	line.len = at;
	while (at && line.data[at - 1] >= '0' && line.data[at - 1] <= '9')
		at--;
	if (!at || line.data[at - 1] != '{' || at == line.len || line.len - at > 9)
		return false;
	for (; at < line.len; at++)
		n = n * 10 + (line.data[at] - '0');
	talk->literal = n;
	if (waits)
		hm_bytes_text(out, "+ go on\r\n");
	return true;
}

static enum hm_service_next conclude(struct hm_service_talk *talk, const struct line *row, struct hm_slice line, struct hm_bytes *out)
{
	size_t behind = row ? strlen(row->begins) : 0;
	struct hm_slice rest = { 0 };

	talk->row = NULL;
	if (!row) {
		service_say(talk, talk->service->lines->unknown, rest, out);
		return HM_SERVICE_MORE;
	}
	if (line.len > behind)
		rest = (struct hm_slice){ line.data + behind, line.len - behind };
	service_say(talk, row->reply[0], rest, out);
	if (row->follow == LINE || row->follow == BODY) {
		talk->row = row;
		talk->reply = 1;
	}
	return row->follow == TLS ? HM_SERVICE_TLS : row->follow == END ? HM_SERVICE_END : HM_SERVICE_MORE;
}

/* Inside what a row asked for. */
static enum hm_service_next go_on(struct hm_service_talk *talk, struct hm_slice line, struct hm_bytes *out)
{
	const struct line *row = talk->row;

	if (row->follow == BODY && !(line.len == 1 && line.data[0] == '.'))
		return HM_SERVICE_MORE;
	service_say(talk, row->reply[talk->reply++], (struct hm_slice){ 0 }, out);
	if (row->follow == BODY || talk->reply == REPLIES || !row->reply[talk->reply])
		talk->row = NULL;
	return HM_SERVICE_MORE;
}

enum hm_service_next service_line(struct hm_service_talk *talk, struct hm_slice line, struct hm_bytes *out)
{
	/* Stands for a command that no row knows, while literals of it come. */
	static const struct line other = { "", ANYWHERE, NOTHING, { NULL } };
	const struct lines *lines = talk->service->lines;
	const struct line *row = talk->row;

	if (row && talk->reply)
		return go_on(talk, line, out);
	if (!row) {
		bool whole = !lines->tagged || take_tag(talk, &line);

		row = whole ? find(talk, line) : NULL;
		if (!row && !talk->messages)
			return HM_SERVICE_ALIEN;
		if (!whole)
			return HM_SERVICE_MORE;
		row = row ? row : &other;
	} else {
		line.len = 0; /* what stands behind a literal is no rest that a reply repeats */
	}
	talk->reply = 0;
	talk->row = row;
	if (take_literal(talk, line, out))
		return HM_SERVICE_MORE;
	return conclude(talk, row == &other ? NULL : row, line, out);
}
