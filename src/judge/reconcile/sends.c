/* Sends: what calls say against what sockets took, and packets that the kernel counted against those that were captured.
 *
 * A stream's bytes become packets of any size, later or never, so the two comparisons stand beside each other: bytes by
 * socket, packets by flow. The kernel counts packets as they are on the wire, headers included. More on the wire than it counted are
 * its own (a reset without a socket, ARP, ICMP); fewer are a disagreement. */
#include <stdlib.h>
#include <sys/socket.h>

#include "reconcile_internal.h"

struct socket_node {
	struct hm_node node; /* inode */
	uint64_t calls, sockets; /* bytes */
};

struct flow_node {
	struct hm_node node; /* protocol, ports, remote address */
	uint64_t packets, bytes; /* that the kernel counted, as they are on the wire */
	uint64_t owned;		 /* of these packets, those whose process it knew */
	uint64_t captured_packets, captured_bytes;
};

void hm_sends_begin(struct hm_sends *sends)
{
	*sends = (struct hm_sends){ .sockets.node_size = sizeof(struct socket_node), .flows.node_size = sizeof(struct flow_node) };
}

void hm_sends_release(struct hm_sends *sends)
{
	hm_index_release(&sends->sockets);
	hm_index_release(&sends->flows);
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

	hm_add(&flow->packets, f[HM_PACKET_PACKETS].u);
	hm_add(&flow->bytes, f[HM_PACKET_BYTES].u);
	if (f[HM_PACKET_OWNER].u)
		hm_add(&flow->owned, f[HM_PACKET_PACKETS].u);
	hm_add(&sends->counted, f[HM_PACKET_PACKETS].u);
	hm_add(&sends->counted_bytes, f[HM_PACKET_BYTES].u);
}

void hm_sends_event(struct hm_sends *sends, const struct hm_event *event)
{
	static const uint8_t inode[HM_EV_COUNT] = {
		[HM_EV_SOCKET] = HM_SOCKET_INO, [HM_EV_CONNECT] = HM_CONNECT_INO, [HM_EV_BIND] = HM_BIND_INO,
		[HM_EV_LISTEN] = HM_LISTEN_INO, [HM_EV_ACCEPT] = HM_ACCEPT_INO,	  [HM_EV_SEND] = HM_SEND_INO,
		[HM_EV_RECV] = HM_RECV_INO,	[HM_EV_SENT] = HM_SENT_INO,
	};
	struct socket_node *socket;

	if (event->kind == HM_EV_PACKET)
		return take_packet(sends, event);
	if (!inode[event->kind])
		return;
	socket = socket_of(sends, event->field[inode[event->kind]].u);
	if (event->kind == HM_EV_SEND)
		hm_add(&socket->calls, event->field[HM_SEND_BYTES].u);
	if (event->kind == HM_EV_SENT)
		hm_add(&socket->sockets, event->field[HM_SENT_BYTES].u);
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

void hm_sends_end(struct hm_sends *sends, unsigned witnesses, const struct hm_flows *flows, struct hm_reconciled *out)
{
	compare_sockets(sends, witnesses, out);
	out->packets.counted = sends->counted;
	for (size_t i = 0; flows && i < flows->count; i++) {
		const struct hm_flow *flow = &flows->list[i];
		struct hm_key key = key_of(flow->version, flow->proto, flow->local_port, flow->port,
					   (struct hm_slice){ flow->remote, flow->version == 4 ? 4 : 16 });
		struct flow_node *node = hm_index_find(&sends->flows, &key);

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
