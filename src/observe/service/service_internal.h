#pragma once
/* Between the files of service: a protocol is a table of lines, or two functions that know its messages. */
#include "service.h"

#include <sys/types.h>

/* What follows a line's first reply. */
enum follow {
	NOTHING,
	TLS,
	LINE, /* a line of any text, which gets the next reply */
	BODY, /* lines up to one with a single dot, which gets the next reply */
	END,
};

enum { REPLIES = 3 };

/* The first row answers whose `begins` the line begins with, in letters of either case. */
struct line {
	const char *begins;
	enum { ANYWHERE, CLEAR, INSIDE } where;
	enum follow follow;
	const char *reply[REPLIES]; /* NULL: none. Templates: lines.c */
};

struct lines {
	const struct line *row;
	size_t count;
	const char *unknown; /* reply to any other line; NULL: none */
	bool tagged;	     /* a tag and a space stand before each command */
	bool literals;	     /* strings may have counted bytes, as in IMAP */
};

struct hm_service {
	const char *name;
	uint16_t port, wrapped;	   /* 0: none */
	const char *greeting;	   /* template; NULL: the client begins */
	bool again;		   /* greets inside TLS too, when it began in the clear */
	const struct lines *lines; /* or, of other protocols, these: */
	/* Of the message that begins `in`: 0 when that cannot be told yet, -1 when it is none of the protocol. */
	ssize_t (*length)(const struct hm_service_talk *talk, struct hm_slice in);
	/* `message` is whole, or is the beginning of one that is longer than HM_SERVICE_MESSAGE. */
	enum hm_service_next (*answer)(struct hm_service_talk *talk, struct hm_slice message, struct hm_bytes *out);
	void (*greet)(struct hm_bytes *out);
};

extern const struct lines service_smtp, service_imap, service_pop3, service_ftp, service_nntp, service_sieve, service_irc;

/* lines.c: takes a line without its end. HM_SERVICE_ALIEN when no row knows it and it is the first. */
enum hm_service_next service_line(struct hm_service_talk *talk, struct hm_slice line, struct hm_bytes *out) HM_MUST_CHECK;
/* Appends a template. */
void service_say(const struct hm_service_talk *talk, const char *reply, struct hm_slice rest, struct hm_bytes *out);

ssize_t service_ldap_length(const struct hm_service_talk *talk, struct hm_slice in);
enum hm_service_next service_ldap(struct hm_service_talk *talk, struct hm_slice message, struct hm_bytes *out);
ssize_t service_postgres_length(const struct hm_service_talk *talk, struct hm_slice in);
enum hm_service_next service_postgres(struct hm_service_talk *talk, struct hm_slice message, struct hm_bytes *out);
void service_mysql_greet(struct hm_bytes *out);
ssize_t service_mysql_length(const struct hm_service_talk *talk, struct hm_slice in);
enum hm_service_next service_mysql(struct hm_service_talk *talk, struct hm_slice message, struct hm_bytes *out);
ssize_t service_xmpp_length(const struct hm_service_talk *talk, struct hm_slice in);
enum hm_service_next service_xmpp(struct hm_service_talk *talk, struct hm_slice message, struct hm_bytes *out);
