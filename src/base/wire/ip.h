#pragma once
/* Ethernet, IPv4, IPv6, TCP, UDP and ICMP headers out of a captured frame; no I/O, nothing is followed outside the frame.
 * (RFC 791, 8200, 9293, 768.) */
#include "cursor.h"

struct hm_packet {
	uint16_t ether_type;
	uint8_t version;      /* 4, 6, or 0 when it is no IP packet */
	uint8_t proto;	      /* IPPROTO_* of the payload, behind IPv6 extension headers */
	bool fragment;	      /* a fragment other than the first: no ports */
	bool cut;	      /* the frame is shorter than its headers say, or a header contradicts itself */
	uint32_t ip_len;      /* bytes of the IP packet as its header says */
	uint8_t src[16], dst[16]; /* IPv4 in the first 4 bytes */
	uint16_t src_port, dst_port; /* TCP and UDP; ICMP: type and code in dst_port */
	uint32_t tcp_seq, tcp_ack;
	uint8_t tcp_flags;
	/* What TCP, UDP or, for other protocols and fragments and TCP or UDP headers that lie, the IP header carries;
	 * bounded by the frame and by header lengths. A frame may hold more behind it. */
	struct hm_slice payload;
};

#define HM_TCP_FIN 1
#define HM_TCP_SYN 2
#define HM_TCP_RST 4
#define HM_TCP_ACK 16

/* Fills `out` from an Ethernet frame. Never fails: what cannot be read stays zero, and `cut` tells. */
void hm_packet_read(struct hm_packet *out, struct hm_slice frame);
/* "198.18.3.4" or "2001:db8::1" (RFC 5952) into `out` of at least 46 bytes; returns `out`. */
char *hm_ip_text(char *out, uint8_t version, const uint8_t *address);
