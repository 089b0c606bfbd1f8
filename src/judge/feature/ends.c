/* Who closes a connection, and when, is a product's choice: a bit in each connection that no byte tells. Who closes first still has
 * the other side's end to acknowledge (RFC 9293 section 3.6); who closes last has nothing more to say. */
#include "ends.h"

#include <netinet/in.h>

#include "ip.h"

struct reading {
	bool closed, first; /* a FIN left; something was acknowledged behind it */
	uint32_t ack;	    /* by the FIN */
};

static void end_connection(struct reading *r, struct hm_bytes *sides)
{
	if (r->closed)
		hm_bytes_u8(sides, r->first ? '>' : '<');
	*r = (struct reading){ 0 };
}

void hm_ends_read(struct hm_ends *out, const struct hm_flow *flow)
{
	struct reading r = { 0 };

	*out = (struct hm_ends){ 0 };
	for (size_t i = 0; flow->proto == IPPROTO_TCP && flow->packet && i < flow->packets; i++) {
		struct hm_packet p;

		hm_packet_read(&p, flow->packet[i].frame);
		if (p.proto != IPPROTO_TCP || p.fragment)
			continue;
		if (p.tcp_flags & HM_TCP_SYN)
			end_connection(&r, &out->sides);
		if (p.tcp_flags & (HM_TCP_FIN | HM_TCP_RST)) {
			out->ended = true;
			out->last_ns = flow->packet[i].time_ns;
		}
		if (r.closed && !(p.tcp_flags & HM_TCP_RST) && (int32_t)(p.tcp_ack - r.ack) > 0)
			r.first = true;
		if (p.tcp_flags & HM_TCP_FIN && !r.closed) {
			r.closed = true;
			r.ack = p.tcp_ack;
		}
	}
	end_connection(&r, &out->sides);
}
