/* Which protocol is where, and how its messages are cut out of the stream. */
#include "service_internal.h"

enum { HEAD_MIN = 64 /* of a message that is too long to be waited for: all that an answer looks at */ };

static const struct hm_service services[] = {
	{ "smtp", 25, 0, "220 {name} ESMTP\r\n", .lines = &service_smtp },
	{ "submission", 587, 465, "220 {name} ESMTP\r\n", .lines = &service_smtp },
	{ "imap", 143, 993, "* OK [CAPABILITY IMAP4rev1 SASL-IR STARTTLS AUTH=PLAIN] {name}\r\n", .lines = &service_imap },
	{ "pop3", 110, 995, "+OK {name}\r\n", .lines = &service_pop3 },
	{ "ftp", 21, 990, "220 {name}\r\n", .lines = &service_ftp },
	{ "nntp", 119, 563, "200 {name}\r\n", .lines = &service_nntp },
	{ "sieve", 4190, 0, "\"IMPLEMENTATION\" \"{name}\"\r\n\"SASL\" \"PLAIN\"\r\n\"SIEVE\" \"fileinto\"\r\n{starttls}\"VERSION\" \"1.0\"\r\nOK\r\n",
	  .again = true, .lines = &service_sieve },
	{ "irc", 6667, 6697, .lines = &service_irc },
	{ "ldap", 389, 636, .length = service_ldap_length, .answer = service_ldap },
	{ "postgresql", 5432, 0, .length = service_postgres_length, .answer = service_postgres },
	{ "mysql", 3306, 0, .greet = service_mysql_greet, .length = service_mysql_length, .answer = service_mysql },
	{ "xmpp", 5222, 5223, .length = service_xmpp_length, .answer = service_xmpp },
	{ "xmpp-server", 5269, 5270, .length = service_xmpp_length, .answer = service_xmpp },
};

const struct hm_service *hm_service_at(uint16_t port, bool *wrapped)
{
	for (size_t i = 0; i < HM_COUNT(services) && port; i++) {
		*wrapped = services[i].wrapped == port;
		if (*wrapped || services[i].port == port)
			return &services[i];
	}
	return NULL;
}

const char *hm_service_row(size_t number, uint16_t *port, uint16_t *wrapped)
{
	if (number >= HM_COUNT(services))
		return NULL;
	*port = services[number].port;
	*wrapped = services[number].wrapped;
	return services[number].name;
}

bool hm_service_greets(const struct hm_service *service)
{
	return service->greet || service->greeting;
}

void hm_service_greet(const struct hm_service_talk *talk, struct hm_bytes *out)
{
	const struct hm_service *s = talk->service;

	if (talk->upgraded && !s->again)
		return;
	if (s->greet)
		s->greet(out);
	if (s->greeting)
		service_say(talk, s->greeting, (struct hm_slice){ 0 }, out);
}

static enum hm_service_next take_message(struct hm_service_talk *talk, struct hm_slice in, size_t *used, struct hm_bytes *out)
{
	ssize_t length = talk->service->length(talk, in);
	size_t here;

	*used = 0;
	if (length < 0)
		return HM_SERVICE_ALIEN;
	if (!length || (in.len < (size_t)length && (length <= HM_SERVICE_MESSAGE || in.len < HEAD_MIN)))
		return HM_SERVICE_MORE;
	here = in.len < (size_t)length ? in.len : (size_t)length;
	talk->literal = (size_t)length - here;
	talk->messages++;
	*used = here;
	return talk->service->answer(talk, (struct hm_slice){ in.data, here }, out);
}

static enum hm_service_next take_line(struct hm_service_talk *talk, struct hm_slice in, size_t *used, struct hm_bytes *out)
{
	const uint8_t *end = memchr(in.data, '\n', in.len);
	struct hm_slice line = { in.data, end ? (size_t)(end - in.data) : in.len };
	enum hm_service_next next;

	*used = 0;
	if (!end && in.len <= HM_SERVICE_MESSAGE)
		return HM_SERVICE_MORE;
	if (!end && !talk->messages)
		return HM_SERVICE_ALIEN;
	*used = line.len + !!end;
	/* What has no end is no command: of a mail's text it is part of a line. */
	if (!end || talk->within) {
		talk->within = !end;
		return HM_SERVICE_MORE;
	}
	if (line.len && line.data[line.len - 1] == '\r')
		line.len--;
	next = service_line(talk, line, out);
	talk->messages += next != HM_SERVICE_ALIEN;
	*used = next != HM_SERVICE_ALIEN ? *used : 0;
	return next;
}

enum hm_service_next hm_service_take(struct hm_service_talk *talk, struct hm_slice in, size_t *used, struct hm_bytes *out)
{
	enum hm_service_next next = HM_SERVICE_MORE;
	size_t some = 1;

	*used = 0;
	while (next == HM_SERVICE_MORE && some && *used < in.len) {
		struct hm_slice rest = { in.data + *used, in.len - *used };

		if (talk->literal) {
			some = rest.len < talk->literal ? rest.len : talk->literal;
			talk->literal -= some;
		} else {
			next = (talk->service->lines ? take_line : take_message)(talk, rest, &some, out);
		}
		*used += some;
	}
	return next;
}
