#include "ip.h"

#include <netinet/in.h>
#include <stdio.h>

enum {
	ETHER_IPV4 = 0x0800,
	ETHER_IPV6 = 0x86dd,
	NEXT_MOBILITY = 135,
	NEXT_HIP = 139,
	NEXT_SHIM6 = 140,
	TEXT_SIZE = 46
};

/* The rest of what `c` reads, but at most `len` bytes; false when there are fewer. */
static bool narrow(struct hm_cursor *c, size_t len)
{
	if (hm_cursor_left(c) < len)
		return false;
	c->end = c->at + len;
	return true;
}

static struct hm_slice rest(const struct hm_cursor *c)
{
	return (struct hm_slice){ c->at, hm_cursor_left(c) };
}

/* A TCP header that lies leaves ports at zero and the payload as IP carries it, so that no byte of it is overlooked. */
static void read_tcp(struct hm_packet *p, struct hm_cursor c)
{
	uint16_t src = (uint16_t)hm_cursor_be(&c, 2), dst = (uint16_t)hm_cursor_be(&c, 2);
	uint32_t seq = (uint32_t)hm_cursor_be(&c, 4), ack = (uint32_t)hm_cursor_be(&c, 4);
	size_t head = (size_t)(hm_cursor_u8(&c) >> 4) * 4;
	uint8_t flags = hm_cursor_u8(&c);

	hm_cursor_bytes(&c, 6);
	if (head < 20)
		c.bad = true;
	else
		hm_cursor_bytes(&c, head - 20);
	if (c.bad) {
		p->cut = true;
		return;
	}
	p->src_port = src;
	p->dst_port = dst;
	p->tcp_seq = seq;
	p->tcp_ack = ack;
	p->tcp_flags = flags;
	p->payload = rest(&c);
}

static void read_udp(struct hm_packet *p, struct hm_cursor c)
{
	uint16_t src = (uint16_t)hm_cursor_be(&c, 2), dst = (uint16_t)hm_cursor_be(&c, 2);
	size_t len = hm_cursor_be(&c, 2);

	hm_cursor_bytes(&c, 2);
	if (c.bad || len < 8) {
		p->cut = true;
		return;
	}
	if (!narrow(&c, len - 8))
		p->cut = true;
	p->src_port = src;
	p->dst_port = dst;
	p->payload = rest(&c);
}

static void read_icmp(struct hm_packet *p, struct hm_cursor c)
{
	p->dst_port = (uint16_t)hm_cursor_be(&c, 2);
	if (c.bad)
		p->cut = true;
}

static const struct {
	uint8_t version, proto;
	void (*read)(struct hm_packet *p, struct hm_cursor c);
} transports[] = {
	{ 4, IPPROTO_TCP, read_tcp },	{ 6, IPPROTO_TCP, read_tcp },	   { 4, IPPROTO_UDP, read_udp },
	{ 6, IPPROTO_UDP, read_udp },	{ 4, IPPROTO_ICMP, read_icmp },	   { 6, IPPROTO_ICMPV6, read_icmp },
};

static void read_transport(struct hm_packet *p, struct hm_cursor c)
{
	p->payload = rest(&c);
	if (p->fragment)
		return;
	for (size_t i = 0; i < HM_COUNT(transports); i++)
		if (transports[i].version == p->version && transports[i].proto == p->proto)
			transports[i].read(p, c);
}

static void read_ipv4(struct hm_packet *p, struct hm_cursor c)
{
	uint8_t first = hm_cursor_u8(&c);
	size_t head = (size_t)(first & 15) * 4, len, offset;
	uint8_t proto;
	struct hm_slice src, dst;

	hm_cursor_u8(&c);
	len = hm_cursor_be(&c, 2);
	hm_cursor_bytes(&c, 2);
	offset = hm_cursor_be(&c, 2) & 0x1fff;
	hm_cursor_u8(&c);
	proto = hm_cursor_u8(&c);
	hm_cursor_bytes(&c, 2);
	src = hm_cursor_bytes(&c, 4);
	dst = hm_cursor_bytes(&c, 4);
	if (c.bad || first >> 4 != 4 || head < 20) {
		p->cut = true;
		return;
	}
	p->version = 4;
	p->proto = proto;
	p->fragment = offset != 0;
	p->ip_len = (uint32_t)len;
	memcpy(p->src, src.data, 4);
	memcpy(p->dst, dst.data, 4);
	hm_cursor_bytes(&c, head - 20);
	if (c.bad || len < head) {
		p->cut = true;
		return;
	}
	if (!narrow(&c, len - head))
		p->cut = true;
	read_transport(p, c);
}

/* Length of the extension header `next` that `c` stands at, or 0 when it is none (RFC 8200 section 4, RFC 4302). */
static size_t extension_len(uint8_t next, struct hm_cursor c)
{
	size_t units;

	hm_cursor_u8(&c);
	units = hm_cursor_u8(&c);
	switch (next) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
	case NEXT_MOBILITY:
	case NEXT_HIP:
	case NEXT_SHIM6:
		return 8 + 8 * units;
	case IPPROTO_AH:
		return 8 + 4 * units;
	case IPPROTO_FRAGMENT:
		return 8;
	default:
		return 0;
	}
}

static void read_ipv6(struct hm_packet *p, struct hm_cursor c)
{
	uint64_t first = hm_cursor_be(&c, 4);
	size_t len = hm_cursor_be(&c, 2), skip;
	uint8_t next = hm_cursor_u8(&c);
	struct hm_slice src, dst;

	hm_cursor_u8(&c);
	src = hm_cursor_bytes(&c, 16);
	dst = hm_cursor_bytes(&c, 16);
	if (c.bad || first >> 28 != 6) {
		p->cut = true;
		return;
	}
	p->version = 6;
	p->ip_len = (uint32_t)(40 + len);
	memcpy(p->src, src.data, 16);
	memcpy(p->dst, dst.data, 16);
	if (!narrow(&c, len))
		p->cut = true;
	p->proto = next;
	p->payload = rest(&c);
	while (!p->fragment && (skip = extension_len(p->proto, c)) != 0) {
		struct hm_cursor e = hm_cursor_of(hm_cursor_bytes(&c, skip));

		if (c.bad) {
			p->cut = true;
			return;
		}
		next = hm_cursor_u8(&e);
		hm_cursor_u8(&e);
		if (p->proto == IPPROTO_FRAGMENT && hm_cursor_be(&e, 2) >> 3)
			p->fragment = true;
		p->proto = next;
		p->payload = rest(&c);
	}
	read_transport(p, c);
}

void hm_packet_read(struct hm_packet *out, struct hm_slice frame)
{
	struct hm_cursor c = hm_cursor_of(frame);

	*out = (struct hm_packet){ 0 };
	hm_cursor_bytes(&c, 12);
	out->ether_type = (uint16_t)hm_cursor_be(&c, 2);
	if (c.bad)
		out->cut = true;
	else if (out->ether_type == ETHER_IPV4)
		read_ipv4(out, c);
	else if (out->ether_type == ETHER_IPV6)
		read_ipv6(out, c);
}

/* First and length of the longest run of two or more zero groups (RFC 5952 section 4.2). */
static int zero_run(const uint16_t *group, int *len)
{
	int at = -1;

	*len = 1;
	for (int i = 0; i < 8; i++) {
		int n = 0;

		while (i + n < 8 && !group[i + n])
			n++;
		if (n > *len) {
			at = i;
			*len = n;
		}
	}
	return at;
}

static void ipv6_text(char *out, size_t size, const uint8_t *a)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	int at, len, used = 0;
	uint16_t group[8];

	if (memcmp(a, mapped, sizeof(mapped)) == 0) {
		snprintf(out, size, "::ffff:%u.%u.%u.%u", a[12], a[13], a[14], a[15]);
		return;
	}
	for (int i = 0; i < 8; i++)
		group[i] = (uint16_t)(a[2 * i] << 8 | a[2 * i + 1]);
	at = zero_run(group, &len);
	for (int i = 0; i < 8; i++) {
		if (i == at) {
			used += snprintf(out + used, size - (size_t)used, "::");
			i += len - 1;
			continue;
		}
		used += snprintf(out + used, size - (size_t)used, "%s%x", i == 0 || i == at + len ? "" : ":", group[i]);
	}
}

char *hm_ip_text(char *out, uint8_t version, const uint8_t *a)
{
	*out = 0;
	if (version == 4)
		snprintf(out, TEXT_SIZE, "%u.%u.%u.%u", a[0], a[1], a[2], a[3]);
	else if (version == 6)
		ipv6_text(out, TEXT_SIZE, a);
	return out;
}
