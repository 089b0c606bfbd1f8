#pragma once
/* From packets to outgoing flows.
 *
 * A flow is what one endpoint of the chamber (address, port, protocol) sent to one endpoint outside; its bytes are the TCP
 * stream reassembled by sequence number, or the datagrams one behind the other. Flows stand in the order of their first
 * outgoing packet. An endpoint is the name that was last asked in DNS for that address, as A-label in lower case, or the
 * address in brackets, ":port/proto" (CONTRACTS.md section 3). Pure: no clock, no I/O; memory is bounded by the file.
 *
 * Whatever is not plainly incoming is outgoing: a packet comes in when it is addressed to the chamber, by another address
 * than the chamber's, and its frame does not come from the hardware address that the chamber's packets come from. So a
 * source address that a product makes up hides nothing. Frames that are no IP packets, and bytes of a frame behind the IP
 * packet's end, stand under "link"; they have no direction that could be trusted, and count as outgoing.
 * A TCP byte that was sent twice stands once, but a second sending that differs left too: it stands behind the stream.
 *
 * What came in is no part of a flow, but for the beginning of what each TCP connection was answered, which tells how the
 * rest of it is to be read (a TLS server's hello), and the secrets of handshakes that the packet file has. */
#include "digest.h"
#include "fail.h"

enum { HM_HEARD_MAX = 4 << 10 };

/* One connection of a TCP flow: a local port can be used again. */
struct hm_connection {
	uint32_t number;	 /* from 0, of the local port; one that sent nothing is left out */
	size_t sent, sent_len;	 /* its bytes in `sent`; what stands behind the stream belongs to none */
	size_t heard, heard_len; /* in `heard`: how its answer begins, HM_HEARD_MAX bytes at most and up to the first hole */
};

/* A packet that left. */
struct hm_flow_packet {
	uint64_t time_ns;    /* since 1970 */
	struct hm_slice frame; /* from Ethernet's header on, as far as it was captured. Borrowed */
	uint32_t wire;	     /* what it counts in the flow's `wire` */
};

struct hm_flow {
	char *endpoint;	       /* "public.pyzor.org:24441/udp", "[8.8.8.8]:53/udp", "link" for frames that are not IP */
	bool literal;	       /* the address was never asked for */
	uint8_t proto;	       /* IPPROTO_*, 0 for link */
	uint16_t local_port;
	uint8_t version;       /* of IP: 4, 6, or 0 for link */
	uint8_t remote[16];    /* the endpoint's address; IPv4 in the first 4 bytes */
	uint16_t port;	       /* the endpoint's; 0 where the protocol has none */
	uint64_t packets, wire; /* outgoing IP packets and their bytes */
	struct hm_flow_packet *packet; /* so many, as they were captured */
	struct hm_bytes sent;  /* outgoing payload */
	size_t *message;       /* start offsets in `sent`: datagrams, or TCP segments with something new in them */
	uint64_t *message_ns;  /* when they left, since 1970; as many */
	size_t messages;
	uint64_t missing;      /* payload bytes that the capture does not hold (cut frames, holes in a stream) */
	struct hm_connection *connection; /* of TCP, in the order of `sent` */
	size_t connections;
	struct hm_bytes heard;
};

/* What a product could choose in the packets of a flow, as far as events tell (src/judge/reconcile). */
struct hm_flow_choice {
	bool packets;	/* the packets themselves: it made them by hand */
	bool ip;	/* ... with their IP headers */
	bool port;	/* its port */
	bool window;	/* the buffers of which windows tell */
	uint64_t sends; /* stands for the sizes of what it handed to the flow's sockets, in their order */
};

struct hm_flows {
	struct hm_flow *list;
	size_t count;
	uint64_t packets;	       /* all packet blocks, both directions */
	uint64_t wire;		       /* outgoing bytes of IP packets, the sum over flows */
	struct hm_bytes keylog;	       /* lines of the TLS key log, as decryption-secrets blocks have them */
	uint8_t address[4];	       /* the chamber's */
	uint64_t withheld;	       /* blocks that redaction took away: what they held is in no flow */
};

/* `address` is the chamber's IPv4 address: what it sends is outgoing. `pcapng` must outlive `out`, which borrows its packets. HM_E_BAD
 * for a file that is malformed. */
int hm_flows_read(struct hm_flows *out, struct hm_slice pcapng, const uint8_t address[4], struct hm_fail *fail) HM_MUST_CHECK;
void hm_flows_release(struct hm_flows *flows);

/* The packet file's Merkle root: leaf = salt (16 bytes each, from the salts file) || block; of a block that is withheld the leaf that it
 * names, and its salt is zero. HM_E_BAD when the numbers of salts and blocks differ. */
int hm_packets_root(struct hm_sha256 *root, uint64_t *leaves, struct hm_slice pcapng, struct hm_slice salts,
		    struct hm_fail *fail) HM_MUST_CHECK;
