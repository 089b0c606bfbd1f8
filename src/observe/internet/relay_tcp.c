/* Mode gateway, TCP: what the product says to an address goes to the name (or the address, where no name was asked for) and comes
 * back, byte for byte. TLS inside stays between the product and whom it called. */
#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <sys/socket.h>

#include "internet_internal.h"

enum { HELD_MAX = 256 << 10, HELD_LOW = 64 << 10, PRODUCT = 0, OUTSIDE = 1 };

struct relay {
	struct server *server;
	int fd[2]; /* until they have their streams */
	struct bufferevent *side[2];
	bool ended[2]; /* it says no more */
	int asked;
	struct event *answered;
};

static void relay_free(struct relay *r)
{
	struct server *s = r->server;

	if (r->answered)
		event_free(r->answered);
	if (r->asked >= 0)
		close(r->asked);
	for (int i = 0; i < 2; i++)
		if (r->side[i])
			bufferevent_free(r->side[i]);
		else if (r->fd[i] >= 0)
			close(r->fd[i]);
	free(r);
	hm_internet_tcp_ended(s);
}

/* Whom the product called is not there, or went away in the middle: it learns so by a reset, as from the network. */
static void reset(struct relay *r)
{
	struct linger at_once = { 1, 0 };
	int fd = r->side[PRODUCT] ? bufferevent_getfd(r->side[PRODUCT]) : r->fd[PRODUCT];

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	relay_free(r);
}

static int side_of(const struct relay *r, const struct bufferevent *stream)
{
	return stream == r->side[PRODUCT] ? PRODUCT : OUTSIDE;
}

static void on_read(struct bufferevent *stream, void *user)
{
	struct relay *r = user;
	struct bufferevent *other = r->side[!side_of(r, stream)];

	bufferevent_read_buffer(stream, bufferevent_get_output(other));
	if (evbuffer_get_length(bufferevent_get_output(other)) > HELD_MAX)
		bufferevent_disable(stream, EV_READ);
}

/* What `i` said is all with the other's kernel: so is its end. */
static void pass_end(struct relay *r, int i)
{
	if (!r->ended[i] || evbuffer_get_length(bufferevent_get_output(r->side[!i])))
		return;
	shutdown(bufferevent_getfd(r->side[!i]), SHUT_WR);
	if (r->ended[!i] && !evbuffer_get_length(bufferevent_get_output(r->side[i])))
		relay_free(r);
}

static void on_written(struct bufferevent *stream, void *user)
{
	struct relay *r = user;
	int from = !side_of(r, stream);

	if (!r->ended[from])
		bufferevent_enable(r->side[from], EV_READ);
	pass_end(r, from);
}

static void on_event(struct bufferevent *stream, short what, void *user)
{
	struct relay *r = user;
	int i = side_of(r, stream);

	if (!(what & BEV_EVENT_EOF)) {
		reset(r);
		return;
	}
	r->ended[i] = true;
	bufferevent_read_buffer(stream, bufferevent_get_output(r->side[!i]));
	pass_end(r, i);
}

static void on_way(evutil_socket_t asked, short what HM_UNUSED, void *user)
{
	struct relay *r = user;

	r->fd[OUTSIDE] = hm_internet_way_take(asked);
	event_free(r->answered);
	close(r->asked);
	r->answered = NULL;
	r->asked = -1;
	if (r->fd[OUTSIDE] < 0) {
		reset(r);
		return;
	}
	for (int i = 0; i < 2; i++) {
		r->side[i] = bufferevent_socket_new(r->server->base, r->fd[i], BEV_OPT_CLOSE_ON_FREE);
		if (!r->side[i])
			abort();
		bufferevent_setcb(r->side[i], on_read, on_written, on_event, r);
		bufferevent_setwatermark(r->side[i], EV_WRITE, HELD_LOW, 0);
	}
	for (int i = 0; i < 2; i++)
		bufferevent_enable(r->side[i], EV_READ | EV_WRITE);
}

void hm_internet_relay_tcp(struct server *s, int fd, const struct sockaddr_in *called)
{
	HM_FREE char *to = hm_internet_called(&s->names, (const uint8_t *)&called->sin_addr);
	struct relay *r = hm_alloc(1, sizeof(*r));

	*r = (struct relay){ .server = s, .fd = { fd, -1 }, .asked = -1 };
	r->asked = hm_internet_way_ask(s->ways, WAY_TCP, to, ntohs(called->sin_port));
	if (r->asked < 0) {
		reset(r);
		return;
	}
	r->answered = event_new(s->base, r->asked, EV_READ, on_way, r);
	if (!r->answered || event_add(r->answered, NULL) < 0)
		abort();
}
