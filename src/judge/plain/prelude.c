/* Where TLS begins in a connection that began in the clear: SMTP, IMAP, POP3, LDAP and others go over to it when asked (STARTTLS), a proxy
 * hands over to it (CONNECT). No such protocol is read: a ClientHello says what it is, and only what a ServerHello answered is one. */
#include "plain_internal.h"

enum { PRELUDE_MAX = 16 << 10, TRIES_MAX = 32 };

/* The next place from `at` on where the record of a handshake may begin. */
static size_t next_place(struct hm_slice stream, size_t at)
{
	for (; at + HM_TLS_HEADER < stream.len && at <= PRELUDE_MAX; at++)
		if (stream.data[at] == HM_TLS_HANDSHAKE && stream.data[at + 1] == 3)
			return at;
	return 0;
}

static size_t find(struct hm_slice stream, bool (*is)(struct hm_tls_hello *out, struct hm_slice stream))
{
	struct hm_tls_hello hello;
	size_t at = 0;

	for (unsigned tries = 0; tries < TRIES_MAX && (at = next_place(stream, at + 1)) != 0; tries++)
		if (is(&hello, (struct hm_slice){ stream.data + at, stream.len - at }))
			return at;
	return 0;
}

size_t hm_tls_prelude(struct hm_slice sent, struct hm_slice heard, size_t *answer)
{
	size_t prelude = find(sent, hm_tls_client_hello);

	/* Who answers with a prelude of his own says it before his hello; a server that says nothing before is none that was asked. */
	*answer = prelude ? find(heard, hm_tls_server_hello) : 0;
	return *answer ? prelude : 0;
}
