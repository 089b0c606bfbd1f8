#pragma once
/* What a server says in protocols that begin in the clear and go over to TLS when they are asked to: enough of each for a client to say
 * all that it came to say. A conversation is a function of what was said in it; no I/O, no clock.
 *
 * Protocols of lines are a table (lines.c): SMTP (RFC 5321, 3207, 4954), IMAP (RFC 9051), POP3 (RFC 1939, 2595), FTP (RFC 959, 4217), NNTP
 * (RFC 3977, 4642, 4643), ManageSieve (RFC 5804), IRC. Others have code: LDAP (RFC 4511), PostgreSQL's and MySQL's protocols, XMPP (RFC 6120).
 * Nothing is stored and nobody is turned away: every login is accepted, every mail and file is taken, every search finds nothing. */
#include "bytes.h"

enum {
	HM_SERVICE_TAG = 64,
	HM_SERVICE_MESSAGE = 16 << 10, /* what is longer and has no end yet is taken as it comes */
	HM_SERVICE_DATA_PORT = 49152,  /* to which FTP's transfers go */
};

struct hm_service; /* a protocol */

/* The one at a TCP port, or NULL. `wrapped`: there it is inside TLS from the beginning. */
const struct hm_service *hm_service_at(uint16_t port, bool *wrapped) HM_MUST_CHECK;
/* By number, from 0, for who shows or tests all of them: its name and ports (0: none), or NULL behind the last. */
const char *hm_service_row(size_t number, uint16_t *port, uint16_t *wrapped) HM_MUST_CHECK;

/* One conversation. Zero-initialise, and set the first members; `name` is what the client called, borrowed for as long. */
struct hm_service_talk {
	const struct hm_service *service;
	const char *name;
	uint8_t address[4]; /* of the server */
	bool tls;	    /* it is inside TLS */
	bool upgraded;	    /* ... and began in the clear */
	/* The rest is the conversation's own. */
	size_t messages; /* taken so far */
	const void *row; /* whose replies go on */
	unsigned reply;
	size_t literal; /* bytes still to come that belong to what was answered */
	bool within;	/* the last bytes taken were the beginning of a line */
	char tag[HM_SERVICE_TAG + 1];
};

enum hm_service_next {
	HM_SERVICE_MORE,  /* it goes on */
	HM_SERVICE_TLS,	  /* what comes next of the client is TLS: when it has come about, a talk with `tls` and `upgraded` begins */
	HM_SERVICE_END,	  /* the server ends it */
	HM_SERVICE_ALIEN, /* what the client says there is not this protocol, and was not taken */
};

/* The server begins. */
bool hm_service_greets(const struct hm_service *service) HM_MUST_CHECK;
/* Appends what it says before it is asked. Nothing where the client begins. */
void hm_service_greet(const struct hm_service_talk *talk, struct hm_bytes *out);
/* Takes whole messages of what the client said, *used bytes of `in`, and appends the replies. */
enum hm_service_next hm_service_take(struct hm_service_talk *talk, struct hm_slice in, size_t *used, struct hm_bytes *out) HM_MUST_CHECK;
