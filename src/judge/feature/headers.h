#pragma once
/* What the headers of a flow's packets say, as columns: one for each field, over all packets of the flow.
 *
 * A column's value is the list of its changes, each with the place where it came: in TCP the distance in bytes from the SYN, else the packet's
 * number in the flow. So it tells no more than a program can have meant: how the kernel cuts a stream and when it acknowledges
 * changes nothing in a field that stays as it is. Bytes that say nothing by themselves (a length that is the length, a sum that
 * is right, addresses and ports that the endpoint's name stands for) are counted as derived.
 *
 * Every byte of a packet of the flow that is not its payload belongs to one column or is derived; what is odd in any way goes to a
 * column with all of its bytes, so that nothing is overlooked. */
#include "feature.h"

struct hm_header_column {
	const char *name; /* "ip.ttl"; static */
	enum hm_origin origin;
	uint64_t bytes;	  /* of packets, that it stands for */
	struct hm_bytes value;
};

/* Calls `take` for each column that any packet of the flow has, in a fixed order, derived bytes last as a column without a value. The
 * value may be taken over (left empty). */
void hm_headers_read(const struct hm_flow *flow, const uint8_t chamber[4], void (*take)(void *cookie, struct hm_header_column *column),
		     void *cookie);
