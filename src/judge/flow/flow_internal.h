#pragma once
/* Between the files of flow: packets are sorted into flows as pieces (flow.c), and a flow's pieces become its bytes when all
 * have been seen (stream.c). Pieces borrow from the packet file. */
#include "flow.h"
#include "ip.h"

/* The payload of one packet. `at` orders the pieces of a TCP stream: the connection (a 4-tuple can be used again), then the
 * distance in bytes from its first byte, without the wrap-around of sequence numbers. Other flows keep capture order. */
struct hm_piece {
	struct hm_slice bytes;
	uint32_t absent;     /* bytes of the payload that the capture does not hold, behind `bytes` */
	uint32_t connection;
	int64_t at;
	uint64_t order, time_ns;
	bool joins; /* an IP fragment other than the first: continues the message before it */
};

/* The connection of TCP pieces that have no place in a stream; they stand behind it in capture order. */
#define HM_NO_CONNECTION UINT32_MAX

/* Where a TCP stream stands. */
struct hm_stream {
	bool known, syn;
	uint32_t isn; /* of the last SYN */
	uint32_t connection;
	uint32_t ref; /* a sequence number, and the distance that it stands for */
	int64_t ref_at;
};

struct hm_pieces {
	struct hm_piece *list;
	size_t count, cap;
	struct hm_stream stream;
};

/* A piece with nothing set, at the end of the list. */
struct hm_piece *hm_pieces_add(struct hm_pieces *pieces);
/* Adds a TCP segment. `absent` as in the piece. */
void hm_pieces_segment(struct hm_pieces *pieces, const struct hm_packet *packet, uint32_t absent, uint64_t order, uint64_t time_ns);
/* Fills sent, message, message_ns, messages and missing of the flow. The pieces are sorted in place. */
void hm_pieces_join(struct hm_flow *flow, struct hm_pieces *pieces);

/* heard.c: what came back on a flow's connections. `connection` is the one that the chamber was at when the segment came. */
void hm_heard_segment(struct hm_pieces *heard, uint32_t connection, const struct hm_packet *packet, uint64_t order);
/* Fills heard, and the heard parts of connections; hm_pieces_join comes first. */
void hm_heard_join(struct hm_flow *flow, struct hm_pieces *heard);
/* By connection, place and capture order: for qsort. */
int hm_pieces_by_place(const void *a, const void *b);

/* Names that were asked, so that addresses can be named again. */
struct hm_names;
struct hm_names *hm_names_new(void);
void hm_names_cleanup(struct hm_names **names);
/* Notes the question of a DNS query in a datagram that was captured as number `order`; other bytes are passed over. */
void hm_names_asked(struct hm_names *names, struct hm_slice datagram, uint64_t order);
/* The name that was last asked for `address` before packet `order`, or NULL. hm_names_seal comes first. */
void hm_names_seal(struct hm_names *names);
const char *hm_names_of(const struct hm_names *names, const uint8_t address[4], uint64_t order);
