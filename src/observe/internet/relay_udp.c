/* Mode gateway, UDP: each pair of ends has a socket outside; what comes back to it goes to the product from the address that it
 * called. Questions for names go to the resolver of the network outside. */
#include <arpa/inet.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "internet_internal.h"

enum { RELAYS_MAX = 256, WAITING_MAX = 16, DATAGRAM_MAX = 65536, AT_ONCE = 64 };

/* Of one pair of ends. */
struct relay {
	TAILQ_ENTRY(relay) link;
	struct udp_relays *all;
	struct sockaddr_in from, to;
	int asked, out; /* the question for a way; the socket outside; -1 for none */
	struct event *event; /* of the one that is there */
	struct hm_bytes waiting[WAITING_MAX]; /* until there is a way */
	size_t count;
};

/* In the order of their last use. */
struct udp_relays {
	TAILQ_HEAD(relay_list, relay) list;
	size_t count;
	struct server *server;
};

static void relay_free(struct relay *r)
{
	TAILQ_REMOVE(&r->all->list, r, link);
	r->all->count--;
	if (r->event)
		event_free(r->event);
	if (r->asked >= 0)
		close(r->asked);
	if (r->out >= 0)
		close(r->out);
	for (size_t i = 0; i < r->count; i++)
		hm_bytes_release(&r->waiting[i]);
	free(r);
}

static void on_reply(evutil_socket_t fd, short what HM_UNUSED, void *user)
{
	static uint8_t buffer[DATAGRAM_MAX]; /* one process, one thread */
	struct relay *r = user;
	ssize_t n;

	for (int i = 0; i < AT_ONCE && (n = recv(fd, buffer, sizeof(buffer), 0)) >= 0; i++)
		hm_internet_udp_answer(&r->from, &r->to, (struct hm_slice){ buffer, (size_t)n });
}

static void wait_for(struct relay *r, int fd, short what, event_callback_fn handle)
{
	if (r->event)
		event_free(r->event);
	r->event = event_new(r->all->server->base, fd, what, handle, r);
	if (!r->event || event_add(r->event, NULL) < 0)
		abort();
}

static void on_way(evutil_socket_t asked, short what HM_UNUSED, void *user)
{
	struct relay *r = user;

	r->out = hm_internet_way_take(asked);
	if (r->out < 0) {
		relay_free(r);
		return;
	}
	wait_for(r, r->out, EV_READ | EV_PERSIST, on_reply);
	close(r->asked);
	r->asked = -1;
	for (size_t i = 0; i < r->count; i++) {
		(void)!send(r->out, r->waiting[i].data, r->waiting[i].len, 0);
		hm_bytes_release(&r->waiting[i]);
	}
	r->count = 0;
}

static bool is_same(const struct sockaddr_in *a, const struct sockaddr_in *b)
{
	return a->sin_addr.s_addr == b->sin_addr.s_addr && a->sin_port == b->sin_port;
}

static struct relay *find(struct udp_relays *all, const struct sockaddr_in *from, const struct sockaddr_in *to)
{
	struct relay *r;

	TAILQ_FOREACH (r, &all->list, link)
		if (is_same(&r->from, from) && is_same(&r->to, to))
			return r;
	return NULL;
}

/* NULL where nobody can be asked for a way. */
static struct relay *begin(struct udp_relays *all, const struct sockaddr_in *from, const struct sockaddr_in *to, enum way_kind kind)
{
	struct server *s = all->server;
	HM_FREE char *called = hm_internet_called(&s->names, (const uint8_t *)&to->sin_addr);
	int asked = hm_internet_way_ask(s->ways, kind, kind == WAY_NAMES ? "" : called, ntohs(to->sin_port));
	struct relay *r;

	if (asked < 0)
		return NULL;
	if (all->count == RELAYS_MAX)
		relay_free(TAILQ_LAST(&all->list, relay_list));
	r = hm_alloc(1, sizeof(*r));
	*r = (struct relay){ .all = all, .from = *from, .to = *to, .asked = asked, .out = -1 };
	TAILQ_INSERT_HEAD(&all->list, r, link);
	all->count++;
	wait_for(r, asked, EV_READ, on_way);
	return r;
}

void hm_internet_relay_udp(struct server *s, const struct sockaddr_in *from, const struct sockaddr_in *to, struct hm_slice bytes, enum way_kind kind)
{
	struct relay *r;

	if (!s->udp_relays) {
		s->udp_relays = hm_alloc(1, sizeof(*s->udp_relays));
		s->udp_relays->server = s;
		TAILQ_INIT(&s->udp_relays->list);
	}
	r = find(s->udp_relays, from, to);
	if (!r)
		r = begin(s->udp_relays, from, to, kind);
	if (!r)
		return;
	TAILQ_REMOVE(&s->udp_relays->list, r, link);
	TAILQ_INSERT_HEAD(&s->udp_relays->list, r, link);
	if (r->out >= 0)
		(void)!send(r->out, bytes.data, bytes.len, 0);
	else if (r->count < WAITING_MAX)
		hm_bytes_slice(&r->waiting[r->count++], bytes);
}
