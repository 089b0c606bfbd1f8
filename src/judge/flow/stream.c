/* Pieces of a flow become its bytes. TCP segments are laid out by their distance from the first byte of their connection;
 * what was sent again and differs is kept, behind the stream. */
#include "flow_internal.h"

#include <netinet/in.h>

struct hm_piece *hm_pieces_add(struct hm_pieces *pieces)
{
	if (pieces->count == pieces->cap) {
		pieces->cap = pieces->cap ? 2 * pieces->cap : 4;
		pieces->list = hm_realloc(pieces->list, pieces->cap, sizeof(*pieces->list));
	}
	pieces->list[pieces->count] = (struct hm_piece){ 0 };
	return &pieces->list[pieces->count++];
}

/* Distance of `seq` from the beginning, taken as the one that is nearest to where the stream stood last. */
static int64_t distance(struct hm_stream *stream, uint32_t seq)
{
	int64_t at = stream->ref_at + (int32_t)(seq - stream->ref);

	if (at > stream->ref_at) {
		stream->ref = seq;
		stream->ref_at = at;
	}
	return at;
}

static void begin_connection(struct hm_stream *stream, const struct hm_packet *packet)
{
	bool syn = packet->tcp_flags & HM_TCP_SYN;

	if (syn && stream->known && stream->syn && stream->isn == packet->tcp_seq)
		return; /* the same SYN again */
	if (stream->known && !syn)
		return;
	if (stream->known)
		stream->connection++;
	stream->known = true;
	stream->syn = syn;
	stream->isn = packet->tcp_seq;
	stream->ref = packet->tcp_seq + syn;
	stream->ref_at = 0;
}

void hm_pieces_segment(struct hm_pieces *pieces, const struct hm_packet *packet, uint32_t absent, uint64_t order, uint64_t time_ns)
{
	struct hm_piece *piece;

	begin_connection(&pieces->stream, packet);
	if (!packet->payload.len && !absent)
		return;
	piece = hm_pieces_add(pieces);
	piece->bytes = packet->payload;
	piece->absent = absent;
	piece->order = order;
	piece->time_ns = time_ns;
	piece->connection = pieces->stream.connection;
	piece->at = distance(&pieces->stream, packet->tcp_seq + !!(packet->tcp_flags & HM_TCP_SYN));
}

int hm_pieces_by_place(const void *a, const void *b)
{
	const struct hm_piece *x = a, *y = b;

	if (x->connection != y->connection)
		return x->connection < y->connection ? -1 : 1;
	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static void put_message(struct hm_flow *flow, size_t *cap, const struct hm_piece *piece)
{
	if (flow->messages == *cap) {
		*cap = *cap ? 2 * *cap : 4;
		flow->message = hm_realloc(flow->message, *cap, sizeof(*flow->message));
		flow->message_ns = hm_realloc(flow->message_ns, *cap, sizeof(*flow->message_ns));
	}
	flow->message_ns[flow->messages] = piece->time_ns;
	flow->message[flow->messages++] = flow->sent.len;
}

static void join_datagrams(struct hm_flow *flow, const struct hm_pieces *pieces)
{
	size_t cap = 0;

	for (size_t i = 0; i < pieces->count; i++) {
		const struct hm_piece *piece = &pieces->list[i];

		if (!piece->joins || !flow->messages)
			put_message(flow, &cap, piece);
		hm_bytes_slice(&flow->sent, piece->bytes);
		flow->missing += piece->absent;
	}
}

/* The part of a connection that is laid out: distance `at` stands at `sent` offset `start` + (at - first) up to `next`,
 * as long as there was no hole; behind a hole a new part begins. */
struct laid {
	int64_t first, next;
	size_t start;
};

/* True when the first `overlap` bytes of `piece` are what was laid out at its place before. */
static bool same_again(const struct hm_flow *flow, const struct laid *laid, const struct hm_piece *piece, size_t overlap)
{
	size_t at = laid->start + (size_t)(piece->at - laid->first);

	if (overlap > piece->bytes.len)
		overlap = piece->bytes.len;
	return overlap == 0 || (at <= flow->sent.len && overlap <= flow->sent.len - at &&
				memcmp(flow->sent.data + at, piece->bytes.data, overlap) == 0);
}

static void lay(struct hm_flow *flow, struct laid *laid, size_t *cap, struct hm_piece *piece)
{
	size_t len = piece->bytes.len, overlap;

	if (piece->connection == HM_NO_CONNECTION) {
		piece->joins = true;
		flow->missing += piece->absent;
		return;
	}
	if (piece->at > laid->next) {
		flow->missing += (uint64_t)(piece->at - laid->next);
		*laid = (struct laid){ piece->at, piece->at, flow->sent.len };
	}
	overlap = (size_t)(laid->next - piece->at);
	if (overlap > len + piece->absent)
		overlap = len + piece->absent;
	piece->joins = !same_again(flow, laid, piece, overlap); /* from here on: it is sent behind the stream */
	if (overlap == len + piece->absent)
		return;
	put_message(flow, cap, piece);
	if (overlap < len)
		hm_bytes_append(&flow->sent, piece->bytes.data + overlap, len - overlap);
	laid->next = piece->at + (int64_t)len + piece->absent;
	if (piece->absent) {
		flow->missing += overlap > len ? piece->absent - (overlap - len) : piece->absent;
		*laid = (struct laid){ laid->next, laid->next, flow->sent.len };
	}
}

/* The pieces from here on are of another connection than those before, which ends here. */
static void begin(struct hm_flow *flow, size_t *cap, uint32_t number)
{
	if (flow->connections)
		flow->connection[flow->connections - 1].sent_len = flow->sent.len - flow->connection[flow->connections - 1].sent;
	if (number == HM_NO_CONNECTION)
		return;
	if (flow->connections == *cap) {
		*cap = *cap ? 2 * *cap : 1;
		flow->connection = hm_realloc(flow->connection, *cap, sizeof(*flow->connection));
	}
	flow->connection[flow->connections++] = (struct hm_connection){ .sent = flow->sent.len, .number = number };
}

static void join_segments(struct hm_flow *flow, struct hm_pieces *pieces)
{
	struct laid laid = { 0 };
	size_t cap = 0, begun = 0;

	if (pieces->count)
		qsort(pieces->list, pieces->count, sizeof(*pieces->list), hm_pieces_by_place);
	for (size_t i = 0; i < pieces->count; i++) {
		struct hm_piece *piece = &pieces->list[i];

		if (i == 0 || piece->connection != piece[-1].connection) {
			/* A connection begins at 0, unless what came before its first packet was seen came first. */
			int64_t first = piece->at < 0 ? piece->at : 0;

			laid = (struct laid){ first, first, flow->sent.len };
			begin(flow, &begun, piece->connection);
		}
		lay(flow, &laid, &cap, piece);
	}
	begin(flow, &begun, HM_NO_CONNECTION);
	for (size_t i = 0; i < pieces->count; i++) {
		if (!pieces->list[i].joins)
			continue;
		put_message(flow, &cap, &pieces->list[i]);
		hm_bytes_slice(&flow->sent, pieces->list[i].bytes);
	}
}

void hm_pieces_join(struct hm_flow *flow, struct hm_pieces *pieces)
{
	if (flow->proto == IPPROTO_TCP)
		join_segments(flow, pieces);
	else
		join_datagrams(flow, pieces);
}
