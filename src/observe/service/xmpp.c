/* XMPP (RFC 6120): a message is what ends with '>', so no XML is read; what an element is called, and its id, is all that counts. */
#include "service_internal.h"

enum { ID_MAX = 64 };

ssize_t service_xmpp_length(const struct hm_service_talk *talk, struct hm_slice in)
{
	const uint8_t *end = in.len ? memchr(in.data, '>', in.len) : NULL;
	size_t at = 0;

	while (at < in.len && strchr(" \t\r\n", in.data[at]) && in.data[at])
		at++;
	if (!talk->messages && at < in.len && in.data[at] != '<')
		return -1;
	if (!talk->messages && at + 1 < in.len && in.data[at + 1] != '?' && in.data[at + 1] != 's')
		return -1;
	if (end)
		return end - in.data + 1;
	return in.len > HM_SERVICE_MESSAGE ? (talk->messages ? (ssize_t)in.len : -1) : 0;
}

static bool is(struct hm_slice element, const char *name)
{
	size_t len = strlen(name);

	return element.len > len && memcmp(element.data, name, len) == 0 && strchr(" \t\r\n/>", element.data[len]) && element.data[len];
}

/* The value of the attribute `id`, where it is of few and harmless letters; else nothing. */
static struct hm_slice id_of(struct hm_slice element)
{
	for (size_t i = 0; i + 5 < element.len; i++) {
		const uint8_t *value = element.data + i + 5, *end;
		size_t room = element.len - i - 5;

		if (memcmp(element.data + i, " id=", 4) != 0 || (value[-1] != '"' && value[-1] != '\''))
			continue;
		end = memchr(value, value[-1], room < ID_MAX ? room : ID_MAX);
		for (const uint8_t *p = value; end && p < end; p++)
			if (*p <= ' ' || *p > 0x7e || strchr("<>&'\"", *p))
				return (struct hm_slice){ 0 };
		return (struct hm_slice){ value, end ? (size_t)(end - value) : 0 };
	}
	return (struct hm_slice){ 0 };
}

static void open_stream(const struct hm_service_talk *talk, struct hm_bytes *out)
{
	bool server = strcmp(talk->service->name, "xmpp-server") == 0;

	hm_bytes_printf(out, "<?xml version='1.0'?><stream:stream xmlns='jabber:%s' xmlns:stream='http://etherx.jabber.org/streams' id='1' from='%s' version='1.0'>"
			"<stream:features>", server ? "server" : "client", talk->name);
	if (!talk->tls)
		hm_bytes_text(out, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
	if (talk->reply) /* logged in */
		hm_bytes_text(out, "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>");
	else
		hm_bytes_text(out, "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms>");
	hm_bytes_text(out, "</stream:features>");
}

enum hm_service_next service_xmpp(struct hm_service_talk *talk, struct hm_slice message, struct hm_bytes *out)
{
	struct hm_slice element = message, id;

	while (element.len && element.data[0] != '<') {
		element.data++;
		element.len--;
	}
	if (is(element, "<stream:stream")) {
		open_stream(talk, out);
	} else if (is(element, "<starttls") && !talk->tls) {
		hm_bytes_text(out, "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
		return HM_SERVICE_TLS;
	} else if (is(element, "<auth") || is(element, "<response")) {
		talk->reply = 1;
		hm_bytes_text(out, "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
	} else if (is(element, "<iq")) {
		id = id_of(element);
		hm_bytes_printf(out, "<iq type='result' id='%.*s'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>user@%s/1</jid></bind></iq>", (int)id.len,
				id.len ? (const char *)id.data : "", talk->name);
	} else if (is(element, "</stream:stream")) {
		hm_bytes_text(out, "</stream:stream>");
		return HM_SERVICE_END;
	}
	return HM_SERVICE_MORE;
}
