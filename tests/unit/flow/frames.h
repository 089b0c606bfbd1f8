#pragma once
/* Ethernet frames for tests: what a product in the chamber (198.18.0.2) sends and gets. Checksums are zero: nobody here reads
 * them. A packet file is `struct hm_bytes` begun with hm_pcapng_start. */
#include <netinet/in.h>
#include <stdio.h>

#include "dns.h"
#include "ip.h"
#include "pcapng.h"

static const uint8_t frames_chamber[4] = { 198, 18, 0, 2 };
static const uint8_t frames_resolver[4] = { 198, 18, 0, 1 };

struct frames_packet {
	const uint8_t *src, *dst; /* NULL: from the chamber to the resolver */
	uint8_t proto;
	uint16_t src_port, dst_port;
	uint32_t seq, ack;
	uint8_t flags;
	uint16_t fragment; /* the IP header's flags and offset */
	struct hm_slice payload;
	uint32_t cut;	   /* bytes that the frame lacks at its end */
	struct hm_slice behind; /* bytes behind the IP packet */
	uint8_t mac;	   /* last byte of the source hardware address; 0: 2 for the chamber's, 1 for others */
};

static inline void frames_be(struct hm_bytes *out, uint64_t v, size_t size)
{
	while (size-- > 0)
		hm_bytes_u8(out, (uint8_t)(v >> 8 * size));
}

static inline void frames_transport(struct hm_bytes *out, const struct frames_packet *p)
{
	if ((p->fragment & 0x1fff) == 0 && p->proto == IPPROTO_TCP) {
		frames_be(out, p->src_port, 2);
		frames_be(out, p->dst_port, 2);
		frames_be(out, p->seq, 4);
		frames_be(out, p->ack, 4);
		frames_be(out, 0x50, 1);
		frames_be(out, p->flags, 1);
		frames_be(out, 0x00400000, 4);
		frames_be(out, 0, 2);
	} else if ((p->fragment & 0x1fff) == 0 && p->proto == IPPROTO_UDP) {
		frames_be(out, p->src_port, 2);
		frames_be(out, p->dst_port, 2);
		frames_be(out, 8 + p->payload.len, 2);
		frames_be(out, 0, 2);
	}
	hm_bytes_slice(out, p->payload);
}

static inline void frames_add(struct hm_bytes *file, struct frames_packet p)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes frame = { 0 }, inner = { 0 };
	const uint8_t *src = p.src ? p.src : frames_chamber, *dst = p.dst ? p.dst : frames_resolver;
	uint32_t whole;

	frames_transport(&inner, &p);
	frames_be(&frame, 0x020000000000 | (memcmp(dst, frames_chamber, 4) ? 1 : 2), 6);
	frames_be(&frame, 0x020000000000 | (p.mac ? p.mac : memcmp(src, frames_chamber, 4) ? 1 : 2), 6);
	frames_be(&frame, 0x0800, 2);
	frames_be(&frame, 0x4500, 2);
	frames_be(&frame, 20 + inner.len, 2);
	frames_be(&frame, 0x1234, 2);
	frames_be(&frame, p.fragment, 2);
	frames_be(&frame, 64, 1);
	frames_be(&frame, p.proto, 1);
	frames_be(&frame, 0, 2);
	hm_bytes_append(&frame, src, 4);
	hm_bytes_append(&frame, dst, 4);
	hm_bytes_slice(&frame, hm_slice_of(&inner));
	hm_bytes_slice(&frame, p.behind);
	whole = (uint32_t)frame.len;
	frame.len -= p.cut;
	hm_pcapng_packet(file, 0, hm_slice_of(&frame), whole);
}

static inline void frames_udp(struct hm_bytes *file, const uint8_t dst[4], uint16_t dst_port, struct hm_slice payload)
{
	frames_add(file, (struct frames_packet){ .dst = dst, .proto = IPPROTO_UDP, .src_port = 40000, .dst_port = dst_port,
						 .payload = payload });
}

static inline void frames_tcp(struct hm_bytes *file, const uint8_t dst[4], uint16_t dst_port, uint32_t seq, uint8_t flags,
			      struct hm_slice payload)
{
	frames_add(file, (struct frames_packet){ .dst = dst, .proto = IPPROTO_TCP, .src_port = 40000, .dst_port = dst_port,
						 .seq = seq, .flags = flags, .payload = payload });
}

/* The bytes of a DNS query for `name`. */
static inline void frames_question(struct hm_bytes *out, const char *name, uint16_t type)
{
	frames_be(out, 0x00070100, 4);
	frames_be(out, 0x0001000000000000, 8);
	while (*name) {
		size_t len = strcspn(name, ".");

		hm_bytes_u8(out, (uint8_t)len);
		hm_bytes_append(out, name, len);
		name += len + (name[len] == '.');
	}
	hm_bytes_u8(out, 0);
	frames_be(out, type, 2);
	frames_be(out, 1, 2);
}

/* The product asks for `name`. */
static inline void frames_ask(struct hm_bytes *file, const char *name)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes query = { 0 };

	frames_question(&query, name, HM_DNS_A);
	frames_udp(file, frames_resolver, 53, hm_slice_of(&query));
}
