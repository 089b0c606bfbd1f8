/* Sends: what calls say against what sockets took, and packets that the kernel counted against those that were captured.
 *
 * A stream's bytes become packets of any size, later or never, so the two comparisons stand beside each other: bytes by
 * socket, packets by flow. The kernel counts packets as they are on the wire, headers included. More on the wire than it counted are
 * its own (a reset without a socket, ARP, ICMP); fewer are a disagreement. */
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "reconcile_internal.h"

/* setsockopt (linux/in.h, linux/tcp.h); `KIND`: of a socket's type, without its flags. */
enum { SETSOCKOPT = 54, SETSOCKOPT_32 = 366, OPTION_PORTS = 51, OPTION_HEADER = 3, OPTION_NODELAY = 1, OPTION_CORK = 3, KIND = 0xff };

struct socket_node {
	struct hm_node node; /* inode */
	uint64_t calls, sockets; /* bytes */
	uint64_t type;	/* SOCK_*, 0: not known */
	bool asked;	/* the kernel gave it a port */
	bool used;	/* a packet of it left */
};

struct flow_node {
	struct hm_node node; /* protocol, ports, remote address */
	uint64_t packets, bytes; /* that the kernel counted, as they are on the wire */
	uint64_t owned;		 /* of these packets, those whose process it knew */
	uint64_t captured_packets, captured_bytes;
	uint64_t sends;	 /* stands for the sizes that calls handed to it, in order */
	bool by_hand;	 /* another socket than the kernel's protocols made packets of it */
};

struct bound_node {
	struct hm_node node; /* protocol's type and port */
};

void hm_sends_begin(struct hm_sends *sends)
{
	*sends = (struct hm_sends){ .sockets.node_size = sizeof(struct socket_node), .flows.node_size = sizeof(struct flow_node),
				     .bound.node_size = sizeof(struct bound_node) };
}

void hm_sends_release(struct hm_sends *sends)
{
	hm_index_release(&sends->sockets);
	hm_index_release(&sends->flows);
	hm_index_release(&sends->bound);
}

static struct socket_node *socket_of(struct hm_sends *sends, uint64_t ino)
{
	return hm_index_node(&sends->sockets, &(struct hm_key){ { ino } });
}

void hm_sends_know(struct hm_sends *sends, uint64_t ino)
{
	socket_of(sends, ino);
}

bool hm_sends_knows(struct hm_sends *sends, uint64_t ino)
{
	return hm_index_find(&sends->sockets, &(struct hm_key){ { ino } });
}

static struct hm_key key_of(unsigned version, unsigned proto, uint64_t local_port, uint64_t port, struct hm_slice address)
{
	struct hm_key key = { { (uint64_t)version << 8 | proto, (local_port & 0xffff) << 16 | (port & 0xffff) } };

	memcpy(&key.v[2], address.data, address.len < 16 ? address.len : 16);
	return key;
}

static void take_packet(struct hm_sends *sends, const struct hm_event *e)
{
	const struct hm_value *f = e->field;
	unsigned version = f[HM_PACKET_FAMILY].u == AF_INET6 ? 6 : 4;
	struct hm_key key = key_of(version, (unsigned)f[HM_PACKET_PROTO].u & 0xff, f[HM_PACKET_LOCAL_PORT].u, f[HM_PACKET_PORT].u,
				   f[HM_PACKET_ADDR].b);
	struct flow_node *flow = hm_index_node(&sends->flows, &key);
	struct socket_node *socket = f[HM_PACKET_INO].u ? socket_of(sends, f[HM_PACKET_INO].u) : NULL;

	hm_add(&flow->packets, f[HM_PACKET_PACKETS].u);
	hm_add(&flow->bytes, f[HM_PACKET_BYTES].u);
	if (f[HM_PACKET_OWNER].u)
		hm_add(&flow->owned, f[HM_PACKET_PACKETS].u);
	hm_add(&sends->counted, f[HM_PACKET_PACKETS].u);
	hm_add(&sends->counted_bytes, f[HM_PACKET_BYTES].u);
	/* Whose socket is not known may be anybody's, a raw one's too. */
	if (!socket || (socket->type != SOCK_STREAM && socket->type != SOCK_DGRAM))
		flow->by_hand = true;
	if (socket)
		socket->used = true;
}

/* FNV-1a's step over a whole number: what was done, in its order. */
static void fold(uint64_t *sum, uint64_t v)
{
	*sum = (*sum ^ v) * 0x100000001b3u + 1;
}

static void take_send(struct hm_sends *sends, const struct hm_value *f)
{
	unsigned version = f[HM_SEND_FAMILY].u == AF_INET6 ? 6 : 4;
	struct hm_key key = key_of(version, IPPROTO_TCP, f[HM_SEND_LOCAL_PORT].u, f[HM_SEND_PORT].u, f[HM_SEND_ADDR].b);
	struct flow_node *flow;

	if (f[HM_SEND_PROTO].u != IPPROTO_TCP || (f[HM_SEND_FAMILY].u != AF_INET && f[HM_SEND_FAMILY].u != AF_INET6))
		return;
	flow = hm_index_node(&sends->flows, &key);
	fold(&flow->sends, f[HM_SEND_BYTES].u);
}

/* A socket as an event tells of it. */
static void take_socket(struct hm_sends *sends, struct socket_node *socket, const struct hm_event *e)
{
	const struct hm_value *f = e->field;
	uint64_t port;

	switch (e->kind) {
	case HM_EV_SOCKET:
		socket->type = f[HM_SOCKET_TYPE].u & KIND;
		sends->raw |= socket->type == SOCK_RAW;
		/* By its protocol it writes the header itself (raw(7)). */
		sends->headers |= socket->type == SOCK_RAW && f[HM_SOCKET_PROTO].u == IPPROTO_RAW;
		sends->by_hand |= f[HM_SOCKET_FAMILY].u == AF_PACKET;
		break;
	case HM_EV_ACCEPT:
		socket->type = f[HM_ACCEPT_TYPE].u & KIND;
		break;
	case HM_EV_CONNECT:
		socket->asked |= (f[HM_CONNECT_TYPE].u & KIND) == SOCK_DGRAM && f[HM_CONNECT_RESULT].u == 0 &&
				 (f[HM_CONNECT_FAMILY].u == AF_INET || f[HM_CONNECT_FAMILY].u == AF_INET6);
		break;
	case HM_EV_BIND:
		port = f[HM_BIND_PORT].u;
		if (f[HM_BIND_RESULT].u != 0 || (f[HM_BIND_FAMILY].u != AF_INET && f[HM_BIND_FAMILY].u != AF_INET6))
			break;
		if (port)
			hm_index_node(&sends->bound, &(struct hm_key){ { f[HM_BIND_TYPE].u & KIND, port } });
		else
			socket->asked = true;
		break;
	case HM_EV_SEND:
		hm_add(&socket->calls, f[HM_SEND_BYTES].u);
		take_send(sends, f);
		break;
	case HM_EV_SENT:
		hm_add(&socket->sockets, f[HM_SENT_BYTES].u);
		break;
	default:
		break;
	}
}

/* Calls that choose what the kernel else decides on. */
static void take_call(struct hm_sends *sends, const struct hm_event *e)
{
	uint64_t nr = e->field[HM_CALL_NR].u, level = e->field[HM_CALL_ARG1].u & UINT32_MAX, option = e->field[HM_CALL_ARG2].u & UINT32_MAX;

	if (nr != SETSOCKOPT && nr != (SETSOCKOPT_32 | HM_NR_COMPAT))
		return;
	if (level == IPPROTO_IP && option == OPTION_PORTS)
		sends->port = true;
	else if (level == IPPROTO_IP && option == OPTION_HEADER)
		sends->headers = true;
	else if (level == IPPROTO_TCP && (option == OPTION_NODELAY || option == OPTION_CORK))
		fold(&sends->cuts, option);
	else
		sends->window = true;
}

void hm_sends_event(struct hm_sends *sends, const struct hm_event *event)
{
	static const uint8_t inode[HM_EV_COUNT] = {
		[HM_EV_SOCKET] = HM_SOCKET_INO, [HM_EV_CONNECT] = HM_CONNECT_INO, [HM_EV_BIND] = HM_BIND_INO,
		[HM_EV_LISTEN] = HM_LISTEN_INO, [HM_EV_ACCEPT] = HM_ACCEPT_INO,	  [HM_EV_SEND] = HM_SEND_INO,
		[HM_EV_RECV] = HM_RECV_INO,	[HM_EV_SENT] = HM_SENT_INO,
	};

	if (event->kind == HM_EV_PACKET)
		take_packet(sends, event);
	else if (event->kind == HM_EV_CALL)
		take_call(sends, event);
	else if (inode[event->kind])
		take_socket(sends, socket_of(sends, event->field[inode[event->kind]].u), event);
}

static void compare_sockets(const struct hm_sends *sends, unsigned witnesses, struct hm_reconciled *out)
{
	for (size_t i = 0; i < sends->sockets.count; i++) {
		const struct socket_node *socket = (const struct socket_node *)sends->sockets.list[i];

		out->sends.sockets += socket->calls || socket->sockets;
		hm_add(&out->sends.bytes, socket->calls);
		if (!(witnesses & HM_WITNESS_SOCKETS))
			continue;
		if (socket->calls > socket->sockets)
			hm_add(&out->sends.calls_only, socket->calls - socket->sockets);
		else
			hm_add(&out->sends.sockets_only, socket->sockets - socket->calls);
	}
}

static void compare_flow(const struct flow_node *flow, struct hm_reconciled *out)
{
	uint64_t owned = flow->owned < flow->captured_packets ? flow->owned : flow->captured_packets;

	hm_add(&out->packets.owned, owned);
	hm_add(&out->packets.unowned, flow->captured_packets - owned);
	if (flow->bytes > flow->captured_bytes)
		hm_add(&out->packets.bytes_missing, flow->bytes - flow->captured_bytes);
}

/* A product that lets the kernel choose ports and does not use them can go on until it likes one. */
static bool draws_ports(const struct hm_sends *sends)
{
	for (size_t i = 0; i < sends->sockets.count; i++) {
		const struct socket_node *socket = (const struct socket_node *)sends->sockets.list[i];

		if (socket->asked && !socket->used)
			return true;
	}
	return false;
}

static struct hm_flow_choice choice_of(struct hm_sends *sends, const struct hm_flow *flow, const struct flow_node *node, bool draws)
{
	uint64_t type = flow->proto == IPPROTO_TCP ? SOCK_STREAM : SOCK_DGRAM;
	bool bound = hm_index_find(&sends->bound, &(struct hm_key){ { type, flow->local_port } }) != NULL;
	struct hm_flow_choice choice = { .port = draws || sends->port || bound, .window = sends->window, .sends = sends->cuts };

	/* Packets that no event tells of are the kernel's own, unless somebody can make packets out of its sight. */
	choice.packets = sends->by_hand || (node ? node->by_hand && sends->raw : sends->raw);
	choice.ip = sends->by_hand || (choice.packets && sends->headers);
	if (node)
		fold(&choice.sends, node->sends);
	return choice;
}

void hm_sends_end(struct hm_sends *sends, unsigned witnesses, const struct hm_flows *flows, struct hm_reconciled *out)
{
	bool draws = draws_ports(sends);

	out->choice_count = flows ? flows->count : 0;
	out->choices = out->choice_count ? hm_alloc(out->choice_count, sizeof(*out->choices)) : NULL;
	compare_sockets(sends, witnesses, out);
	out->packets.counted = sends->counted;
	for (size_t i = 0; flows && i < flows->count; i++) {
		const struct hm_flow *flow = &flows->list[i];
		struct hm_key key = key_of(flow->version, flow->proto, flow->local_port, flow->port,
					   (struct hm_slice){ flow->remote, flow->version == 4 ? 4 : 16 });
		struct flow_node *node = hm_index_find(&sends->flows, &key);

		out->choices[i] = choice_of(sends, flow, node, draws);
		hm_add(&out->packets.captured, flow->packets);
		if (!node) {
			hm_add(&out->packets.unowned, flow->packets);
			continue;
		}
		hm_add(&node->captured_packets, flow->packets);
		hm_add(&node->captured_bytes, flow->wire);
	}
	for (size_t i = 0; i < sends->flows.count; i++)
		compare_flow((const struct flow_node *)sends->flows.list[i], out);
}
