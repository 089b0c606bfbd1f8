/* Packet by packet, field by field; RFC 791, 768, 9293. */
#include "headers.h"

#include <netinet/in.h>

#include "ip.h"

enum { ETHERNET = 14, IPV4_HEAD = 20, UDP_HEAD = 8, TCP_HEAD = 20, VALUE_MAX = 64 << 10 };

enum column {
	COL_IP_HEAD, COL_IP_TOS, COL_IP_LENGTH, COL_IP_ID, COL_IP_FRAGMENT, COL_IP_TTL, COL_IP_CHECKSUM, COL_IP_SOURCE, COL_IP_OPTIONS,
	COL_UDP_PORT, COL_UDP_LENGTH, COL_UDP_CHECKSUM,
	COL_TCP_PORT, COL_TCP_SEQUENCE, COL_TCP_ACK, COL_TCP_FLAGS, COL_TCP_RESET, COL_TCP_FIRST_WINDOW, COL_TCP_WINDOW, COL_TCP_CHECKSUM,
	COL_TCP_URGENT, COL_TCP_OPTIONS, COL_TCP_LATER_OPTIONS,
	COL_HEAD, COL_TAIL, COL_DERIVED, COLUMNS
};

static const struct {
	const char *name;
	enum hm_origin origin;
} table[COLUMNS] = {
	[COL_IP_HEAD] = { "ip.head", HM_ORIGIN_PRODUCT },
	[COL_IP_TOS] = { "ip.tos", HM_ORIGIN_PRODUCT },
	[COL_IP_LENGTH] = { "ip.length", HM_ORIGIN_PRODUCT }, /* where it lies */
	[COL_IP_ID] = { "ip.id", HM_ORIGIN_IP },
	[COL_IP_FRAGMENT] = { "ip.fragment", HM_ORIGIN_PRODUCT },
	[COL_IP_TTL] = { "ip.ttl", HM_ORIGIN_PRODUCT },
	[COL_IP_CHECKSUM] = { "ip.checksum", HM_ORIGIN_PRODUCT }, /* where it is wrong */
	[COL_IP_SOURCE] = { "ip.source", HM_ORIGIN_PRODUCT },     /* where it is not the chamber's */
	[COL_IP_OPTIONS] = { "ip.options", HM_ORIGIN_PRODUCT },
	[COL_UDP_PORT] = { "udp.port", HM_ORIGIN_PORT },
	[COL_UDP_LENGTH] = { "udp.length", HM_ORIGIN_PRODUCT }, /* where it lies, or cannot be checked */
	[COL_UDP_CHECKSUM] = { "udp.checksum", HM_ORIGIN_PRODUCT }, /* where it is wrong, absent or cannot be checked */
	[COL_TCP_PORT] = { "tcp.port", HM_ORIGIN_PORT },
	[COL_TCP_SEQUENCE] = { "tcp.sequence", HM_ORIGIN_KERNEL },
	[COL_TCP_ACK] = { "tcp.ack", HM_ORIGIN_KERNEL },
	[COL_TCP_FLAGS] = { "tcp.flags", HM_ORIGIN_PRODUCT }, /* a set, without PSH */
	[COL_TCP_RESET] = { "tcp.reset", HM_ORIGIN_KERNEL },	  /* flags of its answers to what came too late */
	[COL_TCP_FIRST_WINDOW] = { "tcp.window.first", HM_ORIGIN_PRODUCT },
	[COL_TCP_WINDOW] = { "tcp.window", HM_ORIGIN_WINDOW },
	[COL_TCP_CHECKSUM] = { "tcp.checksum", HM_ORIGIN_PRODUCT },
	[COL_TCP_URGENT] = { "tcp.urgent", HM_ORIGIN_PRODUCT },
	[COL_TCP_OPTIONS] = { "tcp.options", HM_ORIGIN_PRODUCT }, /* of the SYN */
	[COL_TCP_LATER_OPTIONS] = { "tcp.options.later", HM_ORIGIN_KERNEL },
	[COL_HEAD] = { "head", HM_ORIGIN_PRODUCT }, /* headers that are read no further */
	[COL_TAIL] = { "tail", HM_ORIGIN_PRODUCT }, /* behind what the headers account for */
	[COL_DERIVED] = { "derived", HM_ORIGIN_DERIVED },
};

struct reading {
	struct hm_header_column column[COLUMNS];
	struct hm_slice last[COLUMNS]; /* the value at the last change; in the packet file */
	uint32_t place;
	bool syn_known;
	uint32_t isn;
	uint8_t flags[1 << 5]; /* which of 256 sets of flags were seen */
	uint64_t payload;
};

static void put_be32(struct hm_bytes *out, uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		hm_bytes_u8(out, (uint8_t)(v >> (24 - 8 * i)));
}

/* What is so long that nobody reads it is only compared: a digest does for that. */
static void shorten(struct hm_bytes *value)
{
	struct hm_sha256 digest;

	hm_sha256_slice(&digest, hm_slice_of(value));
	value->len = 0;
	hm_bytes_append(value, digest.b, sizeof(digest.b));
}

/* The column has these bytes in this packet. */
static void put(struct reading *r, enum column which, struct hm_slice bytes)
{
	struct hm_header_column *column = &r->column[which];

	if (!bytes.len)
		return;
	column->bytes += bytes.len;
	if (hm_slice_eq(r->last[which], bytes))
		return;
	r->last[which] = bytes;
	put_be32(&column->value, r->place);
	put_be32(&column->value, (uint32_t)bytes.len);
	hm_bytes_slice(&column->value, bytes);
	if (column->value.len > VALUE_MAX)
		shorten(&column->value);
}

static struct hm_slice part(struct hm_slice of, size_t from, size_t len)
{
	return (struct hm_slice){ of.data + from, len };
}

static void derive(struct reading *r, uint64_t bytes)
{
	r->column[COL_DERIVED].bytes += bytes;
}

/* Derived where it is as it must be. */
static void check(struct reading *r, bool right, enum column which, struct hm_slice bytes)
{
	if (right)
		derive(r, bytes.len);
	else
		put(r, which, bytes);
}

static uint32_t be(struct hm_slice s)
{
	uint32_t v = 0;

	for (size_t i = 0; i < s.len; i++)
		v = v << 8 | s.data[i];
	return v;
}

/* The sum of 16-bit words in ones' complement (RFC 1071); a byte too many counts as if a zero stood behind it. */
static uint32_t sum(uint32_t sum, struct hm_slice bytes)
{
	for (size_t i = 0; i < bytes.len; i++) {
		sum += i & 1 ? bytes.data[i] : (uint32_t)bytes.data[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

/* Of a whole segment or datagram with the pseudo header in front. */
static bool sums_up(struct hm_slice ip, struct hm_slice segment)
{
	uint32_t s = sum(0, part(ip, 12, 8));

	s += ip.data[9] + (uint32_t)segment.len;
	s = (s & 0xffff) + (s >> 16);
	return sum(s, segment) == 0xffff;
}

static void read_udp(struct reading *r, struct hm_slice ip, struct hm_slice segment, bool whole)
{
	put(r, COL_UDP_PORT, part(segment, 0, 2));
	derive(r, 2);
	check(r, whole && be(part(segment, 4, 2)) == segment.len, COL_UDP_LENGTH, part(segment, 4, 2));
	check(r, whole && be(part(segment, 6, 2)) != 0 && sums_up(ip, segment), COL_UDP_CHECKSUM, part(segment, 6, 2));
}

static void read_tcp(struct reading *r, struct hm_slice ip, struct hm_slice segment, size_t head, bool whole)
{
	uint8_t flags = segment.data[13] & 0xff & ~8;
	bool syn = flags & HM_TCP_SYN;
	uint32_t sequence = be(part(segment, 4, 4));

	if (!r->syn_known || syn) {
		r->syn_known = true;
		r->isn = sequence;
	}
	r->place = sequence - r->isn;
	/* RST alone answers a segment to a socket that is gone (RFC 9293 section 3.10.7.1): whether one came depends on who was faster. */
	if (flags == HM_TCP_RST) {
		put(r, COL_TCP_RESET, part(segment, 12, 2));
	} else {
		r->flags[flags >> 3] |= (uint8_t)(1 << (flags & 7));
		r->column[COL_TCP_FLAGS].bytes += 2;
	}
	put(r, COL_TCP_PORT, part(segment, 0, 2));
	derive(r, 2);
	put(r, COL_TCP_SEQUENCE, part(segment, 4, 4));
	put(r, COL_TCP_ACK, part(segment, 8, 4));
	put(r, syn ? COL_TCP_FIRST_WINDOW : COL_TCP_WINDOW, part(segment, 14, 2));
	check(r, whole && sums_up(ip, segment), COL_TCP_CHECKSUM, part(segment, 16, 2));
	put(r, COL_TCP_URGENT, part(segment, 18, 2));
	put(r, syn ? COL_TCP_OPTIONS : COL_TCP_LATER_OPTIONS, part(segment, TCP_HEAD, head - TCP_HEAD));
}

static void read_ip(struct reading *r, struct hm_slice ip, size_t head, const uint8_t *chamber)
{
	put(r, COL_IP_HEAD, part(ip, 0, 1));
	put(r, COL_IP_TOS, part(ip, 1, 1));
	check(r, be(part(ip, 2, 2)) == ip.len, COL_IP_LENGTH, part(ip, 2, 2));
	put(r, COL_IP_ID, part(ip, 4, 2));
	put(r, COL_IP_FRAGMENT, part(ip, 6, 2));
	put(r, COL_IP_TTL, part(ip, 8, 1));
	derive(r, 1); /* the protocol, by which the flow is named */
	check(r, sum(0, part(ip, 0, head)) == 0xffff, COL_IP_CHECKSUM, part(ip, 10, 2));
	check(r, memcmp(ip.data + 12, chamber, 4) == 0, COL_IP_SOURCE, part(ip, 12, 4));
	derive(r, 4);
	put(r, COL_IP_OPTIONS, part(ip, IPV4_HEAD, head - IPV4_HEAD));
}

/* Headers of which no more is said than how long they are. */
static void read_odd(struct reading *r, struct hm_slice ip, struct hm_slice payload)
{
	size_t before = payload.len ? (size_t)(payload.data - ip.data) : ip.len, behind;

	before = before < ip.len ? before : ip.len;
	behind = payload.len < ip.len - before ? before + payload.len : ip.len;
	put(r, COL_HEAD, part(ip, 0, before));
	put(r, COL_TAIL, part(ip, behind, ip.len - behind));
}

static void read_packet(struct reading *r, const struct hm_flow_packet *packet, const uint8_t *chamber)
{
	struct hm_slice frame = packet->frame, ip, segment, payload;
	size_t head, len, ip_head;
	struct hm_packet p;
	bool whole;

	hm_packet_read(&p, frame);
	if (!p.version || frame.len < ETHERNET)
		return;
	ip = part(frame, ETHERNET, frame.len - ETHERNET < packet->wire ? frame.len - ETHERNET : packet->wire);
	payload = p.payload;
	r->payload += payload.len;
	whole = ip.len < IPV4_HEAD || !(be(part(ip, 6, 2)) & 0x3fff);
	/* The first fragment of a datagram seems to be cut. */
	ip_head = ip.len ? (size_t)(ip.data[0] & 15) * 4 : 0;
	if (p.version != 4 || (p.cut && whole) || ip.len < packet->wire || ip.len < ip_head) {
		read_odd(r, ip, payload);
		return;
	}
	segment = part(ip, ip_head, ip.len - ip_head);
	head = p.fragment ? 0 : p.proto == IPPROTO_UDP ? UDP_HEAD : p.proto == IPPROTO_TCP && segment.len >= TCP_HEAD ? (size_t)(segment.data[12] >> 4) * 4 : 0;
	len = head + payload.len;
	if (len > segment.len || (payload.len && payload.data != segment.data + head)) {
		read_odd(r, ip, payload);
		return;
	}
	if (p.proto == IPPROTO_TCP && head)
		read_tcp(r, ip, segment, head, whole); /* first: it sets the place */
	else if (p.proto == IPPROTO_UDP && head)
		read_udp(r, ip, part(segment, 0, len), whole);
	read_ip(r, ip, ip_head, chamber);
	put(r, COL_TAIL, part(segment, len, segment.len - len));
}

void hm_headers_read(const struct hm_flow *flow, const uint8_t chamber[4], void (*take)(void *cookie, struct hm_header_column *column),
		     void *cookie)
{
	struct reading r = { 0 };

	for (size_t i = 0; flow->packet && i < flow->packets; i++) {
		if (flow->proto != IPPROTO_TCP)
			r.place = (uint32_t)i;
		read_packet(&r, &flow->packet[i], chamber);
	}
	if (r.column[COL_TCP_FLAGS].bytes)
		hm_bytes_append(&r.column[COL_TCP_FLAGS].value, r.flags, sizeof(r.flags));
	/* Bytes of a stream that were sent again. */
	if (flow->proto == IPPROTO_TCP && r.payload > flow->sent.len)
		derive(&r, r.payload - flow->sent.len);
	for (size_t i = 0; i < COLUMNS; i++) {
		r.column[i].name = table[i].name;
		r.column[i].origin = table[i].origin;
		if (r.column[i].bytes)
			take(cookie, &r.column[i]);
		hm_bytes_release(&r.column[i].value);
	}
}
