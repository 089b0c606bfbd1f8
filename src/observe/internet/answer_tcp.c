/* TCP: one listener for every port of every address.
 *
 * A connection is read and thrown away (the packets are the evidence); only while it may still be an HTTP request that
 * a rule of the scenario answers, its first bytes are kept. It ends 200 ms after the last byte, 2 s after it was opened
 * when no byte came (in protocols where the server speaks first, the product waits for us), or when it has sent 64 MiB: it is told so, and has
 * another 200 ms to close its side. Within
 * an HTTP request that says how long it is, the last byte is waited for as long as the first: a machine that is busy must not
 * change what a product can send.
 *
 * Who asks for a tunnel as of a proxy (CONNECT, RFC 9110 section 9.3.6) has one, to nowhere else than here: what comes behind it is treated as
 * if it were a connection of its own.
 *
 * On ports of protocols that go over to TLS when they are asked to (service.h), their server's side is spoken, in the clear and in TLS.
 *
 * On port 53 it is DNS, and inside TLS on port 853 (RFC 7858). The first two bytes tell whether it is TLS: they are looked at where they lie, and a handshake follows, which has ten
 * seconds. What comes out of it is treated in the same way. */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "connection_internal.h"

enum {
	CONNECTIONS_MAX = 1024,
	DESCRIPTORS_KEPT = 64, /* for everything but connections */
	BACKLOG = 4096,
	RECORDS_AT_ONCE = 256 << 10, /* of an answer inside TLS, before it is with the kernel */
};

static const struct timeval first_byte = { 2, 0 }, handshake = { 10, 0 }, next_turn = { 10, 0 }, after_last_byte = { 0, 200000 }, write_stall = { 30, 0 };

int hm_internet_tcp_open(struct server *s, struct hm_fail *fail)
{
	HM_CLOSE int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(1) };
	int on = 1;

	/* IP_TRANSPARENT, or the answer to a SYN would need an address that is in the local table. */
	if (fd < 0 || setsockopt(fd, SOL_IP, IP_TRANSPARENT, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0 || listen(fd, BACKLOG) < 0)
		return hm_fail_errno(fail, "cannot open a TCP listener in the chamber's internet");
	s->tcp = hm_take_fd(&fd);
	return 0;
}

/* The last records go straight to the socket, unless something stands before them there; what finds no room is not said. */
static void tls_end(struct connection *c)
{
	hm_internet_tls_end(c->tls, c->records);
	if (!evbuffer_get_length(bufferevent_get_output(c->stream)))
		(void)!evbuffer_write(c->records, bufferevent_getfd(c->stream));
}

static void tls_free(struct connection *c)
{
	/* Who said that he has ended and closed then is told nothing more: whether he still hears it is chance. */
	if (!c->ended)
		tls_end(c);
	evbuffer_free(c->records);
	evbuffer_free(c->in);
	evbuffer_free(c->out);
	hm_internet_tls_free(c->tls);
}

void hm_internet_tcp_ended(struct server *s)
{
	if (s->connections-- == s->connections_max)
		evconnlistener_enable(s->listener);
}

static void connection_free(struct connection *c)
{
	struct server *s = c->server;

	event_free(c->idle);
	event_free(c->first);
	if (c->tls)
		tls_free(c);
	if (c->stream)
		bufferevent_free(c->stream);
	else
		close(c->fd);
	free(c->name);
	free(c);
	hm_internet_tcp_ended(s);
}

/* DNS over TCP (RFC 7766): messages with their lengths before them. Who asks more than it reads is not answered any more. */
static void answer_names(struct connection *c)
{
	struct evbuffer *in = c->in, *out = c->out;
	uint8_t head[2], length[2];

	while (c->state == NAMES && evbuffer_copyout(in, head, sizeof(head)) == sizeof(head)) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes reply = { 0 };
		size_t len = (size_t)head[0] << 8 | head[1];

		if (evbuffer_get_length(in) < sizeof(head) + len && sizeof(head) + len <= HEAD_MAX)
			return;
		if (sizeof(head) + len > HEAD_MAX || evbuffer_get_length(out) > ANSWERS_MAX ||
		    hm_internet_dns_answer(c->server, &reply,
					   (struct hm_slice){ evbuffer_pullup(in, (ev_ssize_t)(2 + len)) + 2, len }, false) < 0) {
			c->state = RAW;
			return;
		}
		evbuffer_drain(in, sizeof(head) + len);
		c->read += sizeof(head) + len;
		length[0] = (uint8_t)(reply.len >> 8);
		length[1] = (uint8_t)reply.len;
		evbuffer_add(out, length, sizeof(length));
		evbuffer_add(out, reply.data, reply.len);
		if (c->read >= READ_MAX)
			c->state = RAW;
	}
}

static void finish_answer(struct connection *c)
{
	c->state = ANSWERED;
	bufferevent_set_timeouts(c->stream, NULL, NULL);
	shutdown(bufferevent_getfd(c->stream), SHUT_WR);
	event_add(c->idle, &after_last_byte);
}

void hm_internet_answering(struct connection *c)
{
	c->state = ANSWERING;
	event_del(c->idle);
	bufferevent_set_timeouts(c->stream, NULL, &write_stall);
}

/* What is to be said inside TLS and goes to the kernel next. */
static void give(struct connection *c)
{
	hm_internet_tls_give(c->tls, c->out, c->records, RECORDS_AT_ONCE);
	if (c->state == ANSWERING && !evbuffer_get_length(c->out))
		hm_internet_tls_end(c->tls, c->records);
	bufferevent_write_buffer(c->stream, c->records);
}

/* As far as the conversation goes with what came; `silent`: what came is all of the product's turn, though it is shorter than it was. */
static void converse(struct connection *c, bool silent)
{
	c->came += evbuffer_get_length(c->in);
	evbuffer_drain(c->in, evbuffer_get_length(c->in));
	for (; c->turn < c->talk->turns; c->turn++) {
		const struct hm_bytes *bytes = &c->talk->turn[c->turn].bytes;

		if (c->turn == c->talk->tls && !c->tls)
			break;

		if (c->talk->turn[c->turn].internet)
			evbuffer_add(c->out, bytes->data, bytes->len);
		else if (c->came < bytes->len && !(silent && c->came))
			break;
		else
			c->came -= c->came < bytes->len ? c->came : bytes->len;
	}
	event_add(c->idle, c->came && c->turn < c->talk->turns ? &after_last_byte : &next_turn);
	if (c->turn == c->talk->tls && !c->tls) {
		c->tunnel = true;
		c->state = UNDECIDED; /* until TLS has begun, as on_read sees */
		return;
	}
	if (c->tls && evbuffer_get_length(c->out))
		give(c);
	if (c->turn < c->talk->turns || !c->talk->closes)
		return;
	hm_internet_answering(c);
	if (c->tls)
		give(c); /* the end is told, which is written: on_written */
	else if (!evbuffer_get_length(c->out))
		finish_answer(c);
}

static void begin_talk(struct connection *c, const struct replay_tcp *talk)
{
	c->talk = talk;
	c->state = TALKING;
	converse(c, false);
}

/* Not where TLS was to begin and something else came. */
static bool may_recall(const struct connection *c)
{
	return c->server->replay && !c->talk && (c->tls || !c->tunnel);
}

/* True when it is, or may be, a conversation of the replay. */
static bool recall(struct connection *c, bool silent)
{
	struct server *s = c->server;
	size_t len = evbuffer_get_length(c->in);
	struct hm_slice said = { evbuffer_pullup(c->in, (ev_ssize_t)len), len };
	HM_FREE char *to = hm_internet_called(&s->names, (const uint8_t *)&c->called.sin_addr);
	const struct replay_tcp *talk;
	bool wait;

	talk = hm_internet_replay_tcp(s->replay, to, ntohs(c->called.sin_port), c->tls, said, silent, &wait);
	if (talk)
		begin_talk(c, talk);
	return talk || (wait && len < HEAD_MAX);
}

/* Nothing more comes of us, and the product has its say: closed at once, the connection would be reset by what the product says to the
 * end that it is told of, or not, as it happens. */
static void hang_up(struct connection *c)
{
	if (c->tls)
		tls_end(c);
	finish_answer(c);
}

static void on_idle(evutil_socket_t fd HM_UNUSED, short what HM_UNUSED, void *user)
{
	struct connection *c = user;

	if (c->state == TALKING && c->came && c->turn < c->talk->turns)
		converse(c, true);
	else if (c->state == UNDECIDED && may_recall(c) && evbuffer_get_length(c->in) && recall(c, true))
		return;
	else if (c->stream && c->state != SHAKING_HANDS && c->state != ANSWERED && c->read < READ_MAX)
		hang_up(c);
	else
		connection_free(c);
}

/* What is not this port's protocol is looked at as on any other port. */
static void serve(struct connection *c)
{
	hm_internet_service(c);
	if (c->state == UNDECIDED && !c->upgraded)
		hm_internet_http(c);
}

/* How long what comes next is waited for. */
static const struct timeval *patience(const struct connection *c)
{
	if (c->state == SERVING && c->service.messages)
		return &next_turn;
	return (c->state == RAW && c->read < c->due) || (c->tunnel && c->state == UNDECIDED) ? &first_byte : &after_last_byte;
}

/* What the product said, in clear. */
static void on_clear(struct connection *c)
{
	if (c->state == TALKING) {
		converse(c, false);
		return;
	}
	if (c->state == UNDECIDED && may_recall(c)) {
		if (recall(c, false)) {
			if (c->state == UNDECIDED)
				event_add(c->idle, &after_last_byte);
			return;
		}
	}
	if (c->state == UNDECIDED && (c->tls || !hm_internet_service_begin(c)))
		hm_internet_http(c);
	else if (c->state == NAMES)
		answer_names(c);
	if (c->state == SERVING)
		serve(c);
	if (c->tls && evbuffer_get_length(c->out))
		give(c);
	if (c->state == RAW || c->state == ANSWERING || c->state == ANSWERED) {
		c->read += evbuffer_get_length(c->in);
		evbuffer_drain(c->in, evbuffer_get_length(c->in));
	}
	if (c->state != ANSWERING)
		event_add(c->idle, patience(c));
	if (c->read >= READ_MAX)
		bufferevent_disable(c->stream, EV_READ);
}

/* The handshake has come to its end: whose turn is it? */
static void inside(struct connection *c)
{
	HM_FREE char *to = hm_internet_called(&c->server->names, (const uint8_t *)&c->called.sin_addr);
	const struct replay_tcp *talk = c->talk;
	struct replay *replay = c->upgraded ? NULL : c->server->replay;

	if (!talk && replay)
		talk = hm_internet_replay_greeting(replay, to, ntohs(c->called.sin_port), true);
	if (talk) {
		c->talk = talk;
		c->state = TALKING;
		converse(c, false);
	} else if (ntohs(c->called.sin_port) == DNS_TLS_PORT) {
		c->state = NAMES;
	} else if (!(replay && hm_internet_replay_knows(replay, to, ntohs(c->called.sin_port), true)) && hm_internet_service_begin(c)) {
		give(c);
	}
}

static void on_records(struct connection *c)
{
	enum tls_state state;

	state = hm_internet_tls_take(c->tls, bufferevent_get_input(c->stream), c->in, c->records);
	if (c->state == SHAKING_HANDS && (state == TLS_OPEN || state == TLS_ENDED)) {
		c->state = UNDECIDED;
		event_add(c->idle, &first_byte);
		inside(c);
	}
	if (evbuffer_get_length(c->in))
		on_clear(c);
	if (state == TLS_BROKEN) {
		connection_free(c);
		return;
	}
	/* It closes in a moment, or waits for the same of us. */
	if (state == TLS_ENDED && c->state != ANSWERING && c->state != ANSWERED) {
		c->ended = true;
		event_add(c->idle, &after_last_byte);
	}
	bufferevent_write_buffer(c->stream, c->records);
}

static bool begins_tls(const uint8_t start[2])
{
	return start[0] == 22 && start[1] == 3;
}

/* What is said in clear is not the stream's any more. */
static void begin_tls(struct connection *c)
{
	c->tls = hm_internet_tls_accept(c->server->tls, (const uint8_t *)&c->called.sin_addr, ntohs(c->called.sin_port));
	c->in = evbuffer_new();
	c->out = evbuffer_new();
	c->records = evbuffer_new();
	if (!c->in || !c->out || !c->records)
		abort();
	c->state = SHAKING_HANDS;
	event_add(c->idle, &handshake);
}

static void on_read(struct bufferevent *stream, void *user)
{
	struct connection *c = user;
	uint8_t start[2] = { 0 };
	bool open = c->tunnel && !c->tls && c->state == UNDECIDED;
	ev_ssize_t here = open ? evbuffer_copyout(bufferevent_get_input(stream), start, sizeof(start)) : 0;

	if (here == 1 && start[0] == 22) /* may be the first of two */
		return;
	if (here == sizeof(start) && begins_tls(start))
		begin_tls(c);
	if (c->tls)
		on_records(c);
	else
		on_clear(c);
}

/* The answer is with the kernel: tell that no more comes, and wait for the product to close. */
static void on_written(struct bufferevent *stream HM_UNUSED, void *user)
{
	struct connection *c = user;

	if (c->tls && evbuffer_get_length(c->out))
		give(c);
	else if (c->state == ANSWERING)
		finish_answer(c);
}

/* The product closed, the connection broke, or it does not take the answer. A product that closed its side may still
 * read. */
static void on_event(struct bufferevent *stream HM_UNUSED, short what, void *user)
{
	struct connection *c = user;

	if (!(what & BEV_EVENT_EOF) || c->state != ANSWERING)
		connection_free(c);
}

static void open_stream(struct connection *c, bool tls)
{
	struct server *s = c->server;

	event_del(c->first);
	c->stream = bufferevent_socket_new(s->base, c->fd, BEV_OPT_CLOSE_ON_FREE);
	if (!c->stream)
		abort();
	if (tls) {
		begin_tls(c);
	} else {
		c->in = bufferevent_get_input(c->stream);
		c->out = bufferevent_get_output(c->stream);
		c->state = ntohs(c->called.sin_port) == DNS_PORT ? NAMES : UNDECIDED;
		event_add(c->idle, &first_byte);
	}
	bufferevent_setcb(c->stream, on_read, on_written, on_event, c);
	bufferevent_setwatermark(c->stream, EV_READ, 0, HEAD_MAX);
	bufferevent_enable(c->stream, EV_READ | EV_WRITE);
}

/* TLS begins with a record of a handshake (22) and the major version 3 (RFC 8446 section 5.1). */
static void on_first(evutil_socket_t fd, short what HM_UNUSED, void *user)
{
	struct connection *c = user;
	uint8_t start[2];
	ssize_t n = recv(fd, start, sizeof(start), MSG_PEEK);
	int low = 2;

	if (n < 0 && errno == EAGAIN)
		return;
	/* One byte that may be the first of two: the socket is readable again with the second, or at its end. */
	if (n == 1 && start[0] == 22 && !c->waited && setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &low, sizeof(low)) == 0) {
		c->waited = true;
		event_add(c->idle, &after_last_byte);
		return;
	}
	low = 1;
	if (c->waited && setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &low, sizeof(low)) < 0)
		n = 0;
	open_stream(c, n == 2 && begins_tls(start));
}

/* Where the internet spoke first, it does so again. */
static void greet(struct connection *c)
{
	HM_FREE char *to = hm_internet_called(&c->server->names, (const uint8_t *)&c->called.sin_addr);
	const struct replay_tcp *talk = hm_internet_replay_greeting(c->server->replay, to, ntohs(c->called.sin_port), false);

	if (!talk)
		return;
	open_stream(c, false);
	begin_talk(c, talk);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from HM_UNUSED,
		      int len HM_UNUSED, void *user)
{
	struct server *s = user;
	struct connection *c;
	struct sockaddr_in called = { 0 };
	socklen_t called_len = sizeof(called);

	getsockname(fd, (struct sockaddr *)&called, &called_len);
	if (++s->connections >= s->connections_max)
		evconnlistener_disable(listener);
	if (s->ways >= 0 && ntohs(called.sin_port) != DNS_PORT) {
		hm_internet_relay_tcp(s, fd, &called);
		return;
	}
	c = hm_alloc(1, sizeof(*c));
	c->called = called;
	c->server = s;
	c->fd = fd;
	c->idle = evtimer_new(s->base, on_idle, c);
	c->first = event_new(s->base, fd, EV_READ | EV_PERSIST, on_first, c);
	if (!c->idle || !c->first || event_add(c->first, NULL) < 0)
		abort();
	event_add(c->idle, &first_byte);
	if (s->replay && ntohs(c->called.sin_port) != DNS_PORT)
		greet(c);
	if (!c->stream && hm_internet_service_greets(c)) {
		open_stream(c, false);
		(void)!hm_internet_service_begin(c);
	}
}

/* accept failed, out of descriptors for example: the connection stays in the backlog and is tried again. */
static void on_accept_error(struct evconnlistener *listener HM_UNUSED, void *user HM_UNUSED)
{
}

/* A product that opens connections without end must not take the descriptors or the memory of the server. */
static size_t connections_max(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 1;
	if (limit.rlim_cur < CONNECTIONS_MAX * 2 + DESCRIPTORS_KEPT) {
		limit.rlim_cur = CONNECTIONS_MAX * 2 + DESCRIPTORS_KEPT;
		if (limit.rlim_cur > limit.rlim_max)
			limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur < DESCRIPTORS_KEPT + 2)
		return 1;
	/* Two descriptors each: the connection and the file it is answered with. */
	limit.rlim_cur = (limit.rlim_cur - DESCRIPTORS_KEPT) / 2;
	return limit.rlim_cur < CONNECTIONS_MAX ? limit.rlim_cur : CONNECTIONS_MAX;
}

int hm_internet_tcp_start(struct server *s, struct hm_fail *fail)
{
	s->connections_max = connections_max();
	s->listener =
	    evconnlistener_new(s->base, on_accept, s, LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_CLOSE_ON_FREE, 0, s->tcp);
	if (!s->listener)
		return hm_fail_set(fail, HM_E_SYSTEM, "cannot wait for connections");
	evconnlistener_set_error_cb(s->listener, on_accept_error);
	return 0;
}
