#pragma once
/* One TCP connection of the chamber's internet: between the files that answer. */
#include "internet_internal.h"
#include "service.h"

enum {
	READ_MAX = 64 << 20, /* so much of one connection is read: no planted document is larger */
	HEAD_MAX = 32 << 10,
	ANSWERS_MAX = 64 << 10, /* of DNS and of services, that nobody has read yet */
	DNS_PORT = 53,
	DNS_TLS_PORT = 853,
};

struct connection {
	struct server *server;
	struct bufferevent *stream; /* NULL until its first bytes were seen */
	struct evbuffer *in, *out;  /* what is said in clear: the stream's, or with TLS our own */
	struct tls_stream *tls;	    /* NULL without TLS */
	struct evbuffer *records;   /* of TLS, on their way to the stream */
	struct event *idle, *first;
	int fd; /* until there is a stream */
	bool waited, tunnel; /* tunnel: a proxy or a service was asked for it, and TLS may begin in it */
	struct sockaddr_in called;
	size_t read, due; /* bytes that came; as many as a request without an answer says that it has */
	enum { SHAKING_HANDS, UNDECIDED, NAMES, TALKING, SERVING, RAW, ANSWERING, ANSWERED } state;
	const struct replay_tcp *talk; /* while TALKING: how far it is, and what came of the product's turn */
	size_t turn, came;
	struct hm_service_talk service; /* while SERVING */
	char *name;			/* that it calls itself by */
	bool alien;			/* what was said in the clear is not the protocol of this port */
	bool upgraded;			/* a service was asked for TLS */
	bool ended;			/* the product said inside TLS that no more comes */
};

/* answer_tcp.c: all of the answer is in `out`; when it is with the kernel the connection ends. */
void hm_internet_answering(struct connection *c);

/* answer_http.c: looks whether the bytes so far are a request, and answers it where a rule does. */
void hm_internet_http(struct connection *c);

/* answer_service.c: the server is to speak first, in the clear. */
bool hm_internet_service_greets(const struct connection *c) HM_MUST_CHECK;
/* Begins what is spoken at the port that was called, with its greeting; false where that is nothing in particular. */
bool hm_internet_service_begin(struct connection *c) HM_MUST_CHECK;
/* Takes what was said to it. */
void hm_internet_service(struct connection *c);
