/* How the answers on a flow's connections begin. Of what comes in only that is kept, so that a download costs nothing. */
#include "flow_internal.h"

void hm_heard_segment(struct hm_pieces *heard, uint32_t connection, const struct hm_packet *packet, uint64_t order)
{
	struct hm_stream *stream = &heard->stream;
	struct hm_piece *piece;
	uint32_t seq = packet->tcp_seq + !!(packet->tcp_flags & HM_TCP_SYN);
	int64_t at;

	if (!stream->known || stream->connection != connection || packet->tcp_flags & HM_TCP_SYN)
		*stream = (struct hm_stream){ .known = true, .connection = connection, .ref = seq };
	at = (int32_t)(seq - stream->ref);
	if (packet->payload.len == 0 || at < 0 || at >= HM_HEARD_MAX)
		return;
	piece = hm_pieces_add(heard);
	piece->bytes = packet->payload;
	piece->connection = connection;
	piece->at = at;
	piece->order = order;
}

/* Appends what the piece has behind `next`, the distance up to which the answer is there. */
static void take(struct hm_flow *flow, const struct hm_piece *piece, int64_t *next)
{
	size_t skip, len;

	if (piece->at > *next || piece->at + (int64_t)piece->bytes.len <= *next || *next >= HM_HEARD_MAX)
		return;
	skip = (size_t)(*next - piece->at);
	len = piece->bytes.len - skip;
	if (len > (size_t)(HM_HEARD_MAX - *next))
		len = (size_t)(HM_HEARD_MAX - *next);
	hm_bytes_append(&flow->heard, piece->bytes.data + skip, len);
	*next += (int64_t)len;
}

void hm_heard_join(struct hm_flow *flow, struct hm_pieces *heard)
{
	size_t at = 0;

	if (heard->count)
		qsort(heard->list, heard->count, sizeof(*heard->list), hm_pieces_by_place);
	for (size_t i = 0; i < flow->connections; i++) {
		struct hm_connection *c = &flow->connection[i];
		int64_t next = 0;

		while (at < heard->count && heard->list[at].connection < c->number)
			at++;
		c->heard = flow->heard.len;
		for (; at < heard->count && heard->list[at].connection == c->number; at++)
			take(flow, &heard->list[at], &next);
		c->heard_len = flow->heard.len - c->heard;
	}
}
