#include "flow_internal.h"

#include <netinet/in.h>
#include <search.h>

#include "pcapng.h"

enum { ETHERNET = 14, MAC = 6, DNS_PORT = 53 };

/* What makes a flow; compared bytewise, so it has no padding and unused bytes are zero. */
struct key {
	uint8_t version, proto;
	uint16_t local_port, port;
	uint8_t local[16], remote[16];
};

struct node {
	struct key key;
	size_t index;
};

/* A flow on its way. */
struct growing {
	struct hm_pieces pieces, heard;
	uint64_t first; /* number of its first packet */
	size_t packets, cap; /* in the flow's list */
};

struct reading {
	const uint8_t *address;
	uint8_t mac[MAC]; /* of the chamber, once a packet of its address was seen */
	bool mac_known;
	void *tree;	     /* of struct node, by key */
	struct node *first_fragment, *last;
	struct growing *growing; /* beside flows.list */
	size_t cap;
	struct hm_flows flows;
	struct hm_names *names;
};

static int by_key(const void *a, const void *b)
{
	return memcmp(&((const struct node *)a)->key, &((const struct node *)b)->key, sizeof(struct key));
}

static void cleanup_reading(struct reading *r)
{
	tdestroy(r->tree, free);
	for (size_t i = 0; i < r->flows.count; i++) {
		free(r->growing[i].pieces.list);
		free(r->growing[i].heard.list);
	}
	free(r->growing);
	hm_flows_release(&r->flows);
	hm_names_cleanup(&r->names);
}

static struct node *flow_of(struct reading *r, const struct key *key)
{
	struct node *fresh, **found;
	struct hm_flow *flow;

	if (r->last && memcmp(&r->last->key, key, sizeof(*key)) == 0)
		return r->last;
	fresh = hm_alloc(1, sizeof(*fresh));
	fresh->key = *key;
	found = tsearch(fresh, &r->tree, by_key);
	if (!found)
		abort();
	r->last = *found;
	if (*found != fresh) {
		free(fresh);
		return *found;
	}
	if (r->flows.count == r->cap) {
		r->cap = r->cap ? 2 * r->cap : 16;
		r->flows.list = hm_realloc(r->flows.list, r->cap, sizeof(*r->flows.list));
		r->growing = hm_realloc(r->growing, r->cap, sizeof(*r->growing));
	}
	fresh->index = r->flows.count++;
	flow = &r->flows.list[fresh->index];
	*flow = (struct hm_flow){ .proto = key->proto, .version = key->version, .local_port = key->local_port, .port = key->port };
	memcpy(flow->remote, key->remote, sizeof(flow->remote));
	r->growing[fresh->index] = (struct growing){ .first = r->flows.packets };
	return fresh;
}

static bool from_chamber(const struct reading *r, const struct hm_packet *packet)
{
	return packet->version == 4 && memcmp(packet->src, r->address, 4) == 0;
}

static bool incoming(const struct reading *r, const struct hm_packet *packet, struct hm_slice frame)
{
	if (packet->version != 4 || memcmp(packet->dst, r->address, 4) != 0 || from_chamber(r, packet))
		return false;
	return !r->mac_known || memcmp(frame.data + MAC, r->mac, MAC) != 0;
}

static struct key key_of(const struct hm_packet *packet)
{
	struct key key = { .version = packet->version, .proto = packet->proto };
	bool ports = packet->proto == IPPROTO_TCP || packet->proto == IPPROTO_UDP;

	memcpy(key.local, packet->src, sizeof(key.local));
	memcpy(key.remote, packet->dst, sizeof(key.remote));
	if (ports) {
		key.local_port = packet->src_port;
		key.port = packet->dst_port;
	}
	return key;
}

/* The flow of an IP fragment other than the first is that of the first fragment between these two that came last. */
static struct node *flow_of_packet(struct reading *r, const struct hm_packet *packet)
{
	struct key key = key_of(packet);
	const struct key *first = r->first_fragment ? &r->first_fragment->key : NULL;

	if (packet->fragment && first && first->proto == key.proto && first->version == key.version &&
	    memcmp(first->local, key.local, sizeof(key.local)) == 0 && memcmp(first->remote, key.remote, sizeof(key.remote)) == 0)
		return r->first_fragment;
	r->last = flow_of(r, &key);
	if (!packet->fragment)
		r->first_fragment = r->last;
	return r->last;
}

/* One more that left, `wire` bytes of it. */
static void put_packet(struct reading *r, size_t index, struct hm_slice frame, uint32_t wire, uint64_t time_ns)
{
	struct growing *growing = &r->growing[index];
	struct hm_flow *flow = &r->flows.list[index];

	if (growing->packets == growing->cap) {
		growing->cap = growing->cap ? 2 * growing->cap : 4;
		flow->packet = hm_realloc(flow->packet, growing->cap, sizeof(*flow->packet));
	}
	flow->packet[growing->packets++] = (struct hm_flow_packet){ time_ns, frame, wire };
	flow->packets++;
	flow->wire += wire;
	r->flows.wire += wire;
}

static void take_bytes(struct reading *r, size_t index, const struct hm_packet *packet, uint32_t absent, uint64_t time_ns)
{
	struct hm_pieces *pieces = &r->growing[index].pieces;
	struct hm_piece *piece;

	if (packet->proto == IPPROTO_TCP && !packet->fragment) {
		hm_pieces_segment(pieces, packet, absent, r->flows.packets, time_ns);
		return;
	}
	piece = hm_pieces_add(pieces);
	piece->bytes = packet->payload;
	piece->absent = absent;
	piece->order = r->flows.packets;
	piece->time_ns = time_ns;
	piece->joins = packet->fragment;
	if (packet->fragment && packet->proto == IPPROTO_TCP) {
		/* Linux does not fragment TCP: whoever made these made them by hand, and no place in a stream can be told. */
		piece->connection = HM_NO_CONNECTION;
	}
}

/* Bytes of a frame that no IP packet accounts for. */
static void take_link(struct reading *r, struct hm_slice bytes, uint32_t wire, const struct hm_pcapng_block *block)
{
	struct key key = { 0 };
	struct node *node = flow_of(r, &key);
	struct hm_piece *piece = hm_pieces_add(&r->growing[node->index].pieces);

	piece->bytes = bytes;
	piece->absent = wire > bytes.len ? wire - (uint32_t)bytes.len : 0;
	piece->time_ns = block->time_ns;
	put_packet(r, node->index, block->packet, wire, block->time_ns);
}

static void take_packet(struct reading *r, const struct hm_packet *packet, const struct hm_pcapng_block *block)
{
	struct hm_slice frame = block->packet;
	uint32_t wire_len = block->wire_len;
	uint32_t on_wire = wire_len > ETHERNET ? wire_len - ETHERNET : 0;
	uint32_t held = frame.len > ETHERNET ? (uint32_t)frame.len - ETHERNET : 0;
	uint32_t ip_len = packet->ip_len < on_wire ? packet->ip_len : on_wire;
	struct node *node = flow_of_packet(r, packet);

	put_packet(r, node->index, frame, ip_len, block->time_ns);
	take_bytes(r, node->index, packet, ip_len > held ? ip_len - held : 0, block->time_ns);
	if (packet->proto == IPPROTO_UDP && packet->dst_port == DNS_PORT && !packet->fragment)
		hm_names_asked(r->names, packet->payload, r->flows.packets);
	if (on_wire > ip_len) {
		struct hm_slice behind = { NULL, 0 };

		if (held > ip_len)
			behind = (struct hm_slice){ frame.data + ETHERNET + ip_len, held - ip_len };
		take_link(r, behind, on_wire - ip_len, block);
	}
}

/* An answer on a TCP connection that the chamber began. */
static void hear(struct reading *r, const struct hm_packet *packet)
{
	struct node key = { .key = { .version = packet->version, .proto = packet->proto, .local_port = packet->dst_port,
				     .port = packet->src_port } }, **found;

	if (packet->proto != IPPROTO_TCP || packet->fragment)
		return;
	memcpy(key.key.local, packet->dst, sizeof(packet->dst));
	memcpy(key.key.remote, packet->src, sizeof(packet->src));
	found = tfind(&key, &r->tree, by_key);
	if (found) {
		struct growing *flow = &r->growing[(*found)->index];

		hm_heard_segment(&flow->heard, flow->pieces.stream.connection, packet, r->flows.packets);
	}
}

static void take_frame(struct reading *r, const struct hm_pcapng_block *block)
{
	struct hm_slice frame = block->packet;
	struct hm_packet packet;

	hm_packet_read(&packet, frame);
	if (packet.version == 0) {
		size_t head = frame.len < ETHERNET ? frame.len : ETHERNET;

		take_link(r, (struct hm_slice){ frame.data + head, frame.len - head },
			  block->wire_len > head ? block->wire_len - (uint32_t)head : 0, block);
	} else if (!incoming(r, &packet, frame)) {
		if (from_chamber(r, &packet) && !r->mac_known) {
			memcpy(r->mac, frame.data + MAC, MAC);
			r->mac_known = true;
		}
		take_packet(r, &packet, block);
	} else {
		hear(r, &packet);
	}
	r->flows.packets++;
}

static const struct {
	uint8_t proto;
	const char *name;
} protos[] = {
	{ IPPROTO_TCP, "tcp" }, { IPPROTO_UDP, "udp" }, { IPPROTO_ICMP, "icmp" }, { IPPROTO_ICMPV6, "icmp6" },
};

static void name_flow(struct hm_flow *flow, const struct hm_names *names, uint64_t first)
{
	char address[48];
	HM_FREE char *proto = NULL;
	const char *name;

	if (flow->version == 0) {
		flow->endpoint = hm_strdup("link");
		return;
	}
	for (size_t i = 0; i < HM_COUNT(protos); i++)
		if (protos[i].proto == flow->proto)
			proto = hm_strdup(protos[i].name);
	if (!proto)
		proto = hm_sprintf("ip%u", flow->proto);
	name = flow->version == 4 ? hm_names_of(names, flow->remote, first) : NULL;
	flow->literal = !name;
	if (name)
		flow->endpoint = hm_sprintf("%s:%u/%s", name, flow->port, proto);
	else
		flow->endpoint = hm_sprintf("[%s]:%u/%s", hm_ip_text(address, flow->version, flow->remote), flow->port, proto);
}

int hm_flows_read(struct hm_flows *out, struct hm_slice pcapng, const uint8_t address[4], struct hm_fail *fail)
{
	HM_CLEANUP(cleanup_reading) struct reading r = { .address = address, .names = hm_names_new() };
	struct hm_cursor c = hm_cursor_of(pcapng);
	struct hm_pcapng_block block;
	int e;

	while ((e = hm_pcapng_next(&c, &block, fail)) == 1) {
		if (block.type == HM_PCAPNG_EPB)
			take_frame(&r, &block);
		else if (r.flows.packets && (block.type == HM_PCAPNG_DSB || block.type == HM_PCAPNG_NRB))
			return hm_fail_set(fail, HM_E_BAD, "reading packets: secrets or names stand behind a packet");
		else if (block.type == HM_PCAPNG_DSB)
			hm_bytes_slice(&r.flows.keylog, block.secrets);
		r.flows.withheld += block.leaf.len > 0;
	}
	if (e < 0)
		return hm_fail_in(fail, "reading packets");
	memcpy(r.flows.address, address, sizeof(r.flows.address));
	hm_names_seal(r.names);
	for (size_t i = 0; i < r.flows.count; i++) {
		hm_pieces_join(&r.flows.list[i], &r.growing[i].pieces);
		hm_heard_join(&r.flows.list[i], &r.growing[i].heard);
		name_flow(&r.flows.list[i], r.names, r.growing[i].first);
		free(r.growing[i].pieces.list);
		free(r.growing[i].heard.list);
		r.growing[i].pieces = r.growing[i].heard = (struct hm_pieces){ 0 };
	}
	*out = r.flows;
	/* The list beside it is freed without the flows. */
	r.flows = (struct hm_flows){ 0 };
	return 0;
}

void hm_flows_release(struct hm_flows *flows)
{
	for (size_t i = 0; i < flows->count; i++) {
		free(flows->list[i].endpoint);
		hm_bytes_release(&flows->list[i].sent);
		free(flows->list[i].message);
		free(flows->list[i].connection);
		hm_bytes_release(&flows->list[i].heard);
		free(flows->list[i].message_ns);
		free(flows->list[i].packet);
	}
	free(flows->list);
	hm_bytes_release(&flows->keylog);
	*flows = (struct hm_flows){ 0 };
}
