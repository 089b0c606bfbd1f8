/* UDP: DNS on port 53 of every address, scenario answers elsewhere, and the time on port 123; everything else is read and
 * stays without answer. */
#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>

#include "internet_internal.h"
#include "ntp.h"

enum { DATAGRAM_MAX = 65536, REPLY_MAX = 60000, AT_ONCE = 64, NTP_PORT = 123 };

static int udp_socket(int port, struct hm_fail *fail)
{
	HM_CLOSE int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int on = 1, room = 4 << 20;

	if (fd < 0 || setsockopt(fd, SOL_IP, IP_TRANSPARENT, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_IP, IP_RECVORIGDSTADDR, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0)
		return hm_fail_errno(fail, "cannot open a UDP socket in the chamber's internet");
	/* Datagrams that do not fit are captured all the same, they only stay without answer. */
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	return hm_take_fd(&fd);
}

int hm_internet_udp_open(struct server *s, struct hm_fail *fail)
{
	s->dns = udp_socket(53, fail);
	if (s->dns < 0)
		return s->dns;
	s->udp = udp_socket(1, fail);
	return s->udp < 0 ? s->udp : 0;
}

/* One datagram with its sender and the address it was sent to; false when there is none. */
struct datagram {
	struct sockaddr_in from, to;
	struct hm_slice bytes;
};

static bool receive(int fd, struct datagram *d, uint8_t *buffer)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(struct sockaddr_in))];
	} control;
	struct iovec part = { buffer, DATAGRAM_MAX };
	struct msghdr message = { .msg_name = &d->from,
				  .msg_namelen = sizeof(d->from),
				  .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = control.bytes,
				  .msg_controllen = sizeof(control.bytes) };
	ssize_t n = recvmsg(fd, &message, 0);

	if (n < 0)
		return false;
	d->to = (struct sockaddr_in){ 0 };
	d->bytes = (struct hm_slice){ buffer, (size_t)n };
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c))
		if (c->cmsg_level == SOL_IP && c->cmsg_type == IP_ORIGDSTADDR)
			memcpy(&d->to, CMSG_DATA(c), sizeof(d->to));
	return true;
}

/* From the address and port that the product called: a socket for one answer. An answer that cannot be sent is one that
 * the product does not get, as on any network. */
void hm_internet_udp_answer(const struct sockaddr_in *to, const struct sockaddr_in *called, struct hm_slice reply)
{
	HM_CLOSE int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1;

	if (fd < 0 || setsockopt(fd, SOL_IP, IP_TRANSPARENT, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, (const struct sockaddr *)called, sizeof(*called)) < 0)
		return;
	(void)!sendto(fd, reply.data, reply.len, 0, (const struct sockaddr *)to, sizeof(*to));
}

static void answer(const struct datagram *d, struct hm_slice reply)
{
	hm_internet_udp_answer(&d->from, &d->to, reply);
}

static void on_query(struct server *s, const struct datagram *d)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };

	if (s->ways >= 0 && !hm_internet_dns_is_ours(d->bytes)) {
		hm_internet_relay_udp(s, &d->from, &d->to, d->bytes, WAY_NAMES);
		return;
	}
	if (hm_internet_dns_answer(s, &out, d->bytes, true) < 0)
		return;
	if (!hm_internet_late(s->lates, &d->from, &d->to, &out))
		answer(d, hm_slice_of(&out));
}

static void recall(struct server *s, const struct datagram *d)
{
	HM_FREE char *to = hm_internet_called(&s->names, (const uint8_t *)&d->to.sin_addr);
	const struct replay_udp *e = hm_internet_replay_udp(s->replay, to, ntohs(d->to.sin_port), d->bytes, 0);

	for (size_t i = 0; e && i < e->replies; i++)
		answer(d, hm_slice_of(&e->reply[i]));
}

static void on_other(struct server *s, const struct datagram *d)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };
	const uint8_t *address = (const uint8_t *)&d->to.sin_addr;
	const struct udp_rule *rule =
		hm_internet_udp_rule(s->scenario, hm_internet_names_get(&s->names, address), ntohs(d->to.sin_port));

	if (s->ways >= 0) {
		hm_internet_relay_udp(s, &d->from, &d->to, d->bytes, WAY_UDP);
		return;
	}
	if (rule ? hm_internet_expand(&out, rule->reply, d->bytes, hm_internet_clock(s) / NS_PER_S, REPLY_MAX) == 0
		 : ntohs(d->to.sin_port) == NTP_PORT && hm_ntp_answer(&out, d->bytes, (uint64_t)hm_internet_clock(s)) == 0)
		answer(d, hm_slice_of(&out));
	else if (s->replay)
		recall(s, d);
}

static void each_datagram(struct server *s, int fd, void (*handle)(struct server *s, const struct datagram *d))
{
	static uint8_t buffer[DATAGRAM_MAX]; /* one process, one thread */
	struct datagram d;

	for (int i = 0; i < AT_ONCE && receive(fd, &d, buffer); i++)
		if (d.to.sin_family == AF_INET)
			handle(s, &d);
}

static void on_dns_readable(evutil_socket_t fd, short what HM_UNUSED, void *user)
{
	each_datagram(user, fd, on_query);
}

static void on_udp_readable(evutil_socket_t fd, short what HM_UNUSED, void *user)
{
	each_datagram(user, fd, on_other);
}

int hm_internet_udp_start(struct server *s, struct hm_fail *fail)
{
	s->dns_event = event_new(s->base, s->dns, EV_READ | EV_PERSIST, on_dns_readable, s);
	s->udp_event = event_new(s->base, s->udp, EV_READ | EV_PERSIST, on_udp_readable, s);
	if (!s->dns_event || !s->udp_event || event_add(s->dns_event, NULL) < 0 || event_add(s->udp_event, NULL) < 0)
		return hm_fail_set(fail, HM_E_SYSTEM, "cannot wait for datagrams");
	return 0;
}
