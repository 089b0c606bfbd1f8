#include "feature.h"

#include <netinet/in.h>

#include "ends.h"
#include "headers.h"
#include "http.h"
#include "sealed.h"

enum { DNS_PORT = 53, NS_PER_US = 1000, GAPS_MAX = 1000 };

struct reading {
	struct hm_features *out;
	const struct hm_flows *flows;
	const struct hm_plains *plains;
	const struct hm_told *told;
	const struct hm_plain *plain; /* of the flow that is read, where it is TLS; else NULL */
	const struct hm_told_flow *given; /* while what was given for it is read; else NULL */
	size_t span;		      /* where its messages have come to */
	size_t *order; /* flows by endpoint, then as they came */
	size_t flow;   /* that is read: index in `flows`, and its number among those of its endpoint */
	size_t number, message, base;
	uint64_t begun; /* the run's first packet */
	uint64_t left;	/* the flow's message before */
	bool ends;
};

static struct hm_feature *add(struct reading *r, const char *endpoint, char *name)
{
	struct hm_features *out = r->out;

	if (out->count == out->room) {
		out->room = out->room ? 2 * out->room : 64;
		out->list = hm_realloc(out->list, out->room, sizeof(*out->list));
	}
	out->list[out->count] = (struct hm_feature){ .endpoint = endpoint, .name = name, .flow = SIZE_MAX, .tls = r->given, .given = r->given };
	return &out->list[out->count++];
}

static void add_number(struct reading *r, const char *endpoint, char *name, uint64_t number)
{
	add(r, endpoint, name)->number = (int64_t)number;
}

static void add_time(struct reading *r, char *name, uint64_t from, uint64_t to)
{
	struct hm_feature *feature = add(r, r->flows->list[r->flow].endpoint, name);

	feature->timing = true;
	feature->number = (int64_t)(to - from) / NS_PER_US;
}

/* Where the places of features are counted: in the stream, or in what TLS carried. */
static struct hm_slice text_of(const struct reading *r, bool tls)
{
	if (tls && r->given)
		return hm_slice_of(&r->given->text);
	return hm_slice_of(tls ? &r->plain->text : &r->flows->list[r->flow].sent);
}

static struct hm_feature *add_place(struct reading *r, char *name, bool tls, size_t offset, size_t length)
{
	struct hm_feature *feature = add(r, r->flows->list[r->flow].endpoint, name);

	feature->text = true;
	feature->placed = !r->given || r->given->fit.tls;
	feature->tls = tls;
	feature->flow = r->flow;
	feature->offset = offset;
	feature->bytes = (struct hm_slice){ text_of(r, tls).data + offset, length };
	return feature;
}

/* Messages are those of TLS. */
static bool in_tls(const struct reading *r)
{
	return r->plain || r->given;
}

/* Of a message. */
static struct hm_feature *add_bytes(struct reading *r, char *name, size_t offset, size_t length)
{
	return add_place(r, name, in_tls(r), offset, length);
}

/* The name of something of the message that is read. */
static char *message_name(const struct reading *r, const char *name)
{
	return hm_sprintf("%zu.%s%zu.%s", r->number, r->given ? "given." : "", r->message, name);
}

static void add_field(void *cookie, const char *name, size_t offset, size_t length)
{
	struct reading *r = cookie;

	add_bytes(r, message_name(r, name), r->base + offset, length);
}

/* ICMP's checksum over the whole message (RFC 792). */
static bool icmp_sums_up(struct hm_slice message)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < message.len; i++) {
		sum += i & 1 ? message.data[i] : (uint32_t)message.data[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum == 0xffff;
}

/* An echo's identifier is the port of the socket, where the kernel makes the message. */
static void add_icmp(struct reading *r, struct hm_slice message)
{
	static const struct {
		const char *name;
		size_t from, to;
	} parts[] = { { "head", 0, 2 }, { "checksum", 2, 4 }, { "id", 4, 6 }, { "sequence", 6, 8 }, { "data", 8, SIZE_MAX } };

	for (size_t i = 0; i < HM_COUNT(parts) && parts[i].from < message.len; i++) {
		size_t to = parts[i].to < message.len ? parts[i].to : message.len;
		struct hm_feature *feature = add_bytes(r, hm_sprintf("%zu.%zu.icmp.%s", r->number, r->message, parts[i].name),
						       r->base + parts[i].from, to - parts[i].from);

		if (i == 1 && icmp_sums_up(message))
			feature->origin = HM_ORIGIN_DERIVED;
		if (i == 2)
			feature->origin = HM_ORIGIN_PORT;
	}
}

/* The place in the stream of the byte at `offset` of what messages are counted in. Messages come in their order. */
static size_t stream_place(struct reading *r, size_t offset)
{
	const struct hm_plain *plain = r->plain;

	if (!plain)
		return offset;
	for (; r->span < plain->spans; r->span++) {
		const struct hm_plain_span *span = &plain->span[r->span];

		if (span->kind == HM_PLAIN_DATA && offset - span->text < span->length)
			return span->offset + (offset - span->text);
	}
	return r->flows->list[r->flow].sent.len;
}

/* When the byte at `offset` of the flow left. */
static uint64_t time_of(const struct hm_flow *flow, size_t offset)
{
	size_t low = 0, high = flow->messages;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (flow->message[middle] <= offset)
			low = middle;
		else
			high = middle;
	}
	return flow->message_ns[low];
}

static void add_message(struct reading *r, size_t offset, size_t length)
{
	const struct hm_flow *flow = &r->flows->list[r->flow];
	struct hm_slice message = { text_of(r, in_tls(r)).data + offset, length };

	/* When something left that has no place nobody knows. */
	if (r->message < GAPS_MAX && flow->message_ns && (!r->given || r->plain)) {
		uint64_t left = time_of(flow, stream_place(r, offset));

		if (r->message)
			add_time(r, message_name(r, "gap"), r->left, left);
		r->left = left;
	}
	r->base = offset;
	add_number(r, flow->endpoint, message_name(r, "size"), length);
	if (!r->given && flow->proto == IPPROTO_ICMP && flow->version == 4)
		add_icmp(r, message);
	else
		hm_feature_fields(message, !r->given && flow->proto == IPPROTO_UDP && flow->port == DNS_PORT, add_field, r);
	r->message++;
}

/* The length of the request that begins `stream`: all of it where its body has no length that is told. 0: it is no request. */
static size_t request_length(struct hm_slice stream)
{
	struct hm_http_request request;
	struct hm_slice said;
	size_t body = 0;

	if (hm_http_read_request(&request, stream) != 1)
		return 0;
	if (hm_http_header(&request, "transfer-encoding").len)
		return stream.len;
	said = hm_http_header(&request, "content-length");
	for (size_t i = 0; i < said.len; i++) {
		if (said.data[i] < '0' || said.data[i] > '9' || body > stream.len)
			return stream.len;
		body = 10 * body + (size_t)(said.data[i] - '0');
	}
	return body > stream.len - request.head_len ? stream.len : request.head_len + body;
}

/* The messages of a stream, or of a stretch of it. */
static void add_stream(struct reading *r, size_t at, size_t end)
{
	const uint8_t *data = text_of(r, in_tls(r)).data;

	while (at < end) {
		size_t len = r->out->count < HM_FEATURES_MAX ? request_length((struct hm_slice){ data + at, end - at }) : 0;

		if (!len)
			len = end - at;
		add_message(r, at, len);
		at += len;
	}
}

static void add_datagrams(struct reading *r)
{
	const struct hm_flow *flow = &r->flows->list[r->flow];

	for (size_t i = 0; i < flow->messages; i++) {
		size_t end = i + 1 < flow->messages ? flow->message[i + 1] : flow->sent.len;

		if (r->out->count >= HM_FEATURES_MAX)
			end = flow->sent.len;
		add_message(r, flow->message[i], end - flow->message[i]);
		if (end == flow->sent.len)
			return;
	}
}

static void add_column(void *cookie, struct hm_header_column *column)
{
	struct reading *r = cookie;
	struct hm_features *out = r->out;
	struct hm_feature *feature = add(r, r->flows->list[r->flow].endpoint, hm_sprintf("%zu.%s", r->number, column->name));

	feature->origin = column->origin;
	feature->wire = column->bytes;
	feature->flow = r->flow;
	if (column->origin == HM_ORIGIN_DERIVED)
		return;
	feature->text = true;
	feature->bytes = hm_slice_of(&column->value);
	out->columns = hm_realloc(out->columns, out->column_count + 1, sizeof(*out->columns));
	out->columns[out->column_count++] = column->value;
	column->value = (struct hm_bytes){ 0 };
}

/* How the stream was cut into segments: their lengths, where they carried something new. */
static void add_segments(struct reading *r)
{
	const struct hm_flow *flow = &r->flows->list[r->flow];
	struct hm_bytes value = { 0 };
	struct hm_header_column column = { .name = "tcp.segments", .origin = HM_ORIGIN_CUT };

	for (size_t i = 0; i < flow->messages; i++) {
		HM_FREE char *length = hm_sprintf("%zu ", (i + 1 < flow->messages ? flow->message[i + 1] : flow->sent.len) - flow->message[i]);

		hm_bytes_text(&value, length);
	}
	column.value = value;
	add_column(r, &column);
}

static void add_sealed(void *cookie, struct hm_sealed_field *field)
{
	struct reading *r = cookie;
	struct hm_header_column column = { .name = field->name, .origin = field->origin, .bytes = field->wire, .value = field->value };

	if (field->placed) {
		add_place(r, hm_sprintf("%zu.%s", r->number, field->name), field->tls, field->offset, field->length);
		return;
	}
	add_column(r, &column);
	field->value = column.value;
}

/* What was given to TLS for a flow that stays closed. */
static void add_given(struct reading *r)
{
	const struct hm_told_flow *told = r->told && r->flow < r->told->count ? &r->told->list[r->flow] : NULL;
	const struct hm_plain *plain = r->plain;
	size_t messages = r->message;

	if (!told || !told->there)
		return;
	r->given = told;
	r->plain = told->fit.tls ? &told->fit : NULL;
	r->message = 0;
	r->span = 0;
	add_stream(r, 0, told->text.len);
	add_number(r, r->flows->list[r->flow].endpoint, hm_sprintf("%zu.given.messages", r->number), r->message);
	add_number(r, r->flows->list[r->flow].endpoint, hm_sprintf("%zu.given.size", r->number), told->text.len);
	r->given = NULL;
	r->plain = plain;
	r->message = messages;
}

/* What TLS carried, connection by connection, and what it was carried in. */
static void add_tls(struct reading *r)
{
	const struct hm_flow *flow = &r->flows->list[r->flow];

	for (size_t i = 0; i < flow->connections; i++)
		add_stream(r, r->plain->connection[i].begin, r->plain->connection[i + 1].begin);
	hm_sealed_read(flow, r->told && r->told->list[r->flow].fit.tls ? &r->told->list[r->flow].fit : r->plain, add_sealed, r);
}

/* Since the product's last word, or where it said nothing since its first packet. */
static void add_ends(struct reading *r)
{
	const struct hm_flow *flow = &r->flows->list[r->flow];
	struct hm_header_column sides = { .name = "tcp.closes", .origin = HM_ORIGIN_PRODUCT };
	struct hm_ends ends;

	hm_ends_read(&ends, flow);
	if (ends.ended) {
		uint64_t from = flow->messages ? flow->message_ns[flow->messages - 1] : flow->packet[0].time_ns;

		add_time(r, hm_sprintf("%zu.end", r->number), from, ends.last_ns > from ? ends.last_ns : from);
	}
	sides.value = ends.sides;
	if (sides.value.len)
		add_column(r, &sides);
	hm_bytes_release(&sides.value);
}

static void add_flow(struct reading *r)
{
	const struct hm_flow *flow = &r->flows->list[r->flow];

	r->message = 0;
	r->span = 0;
	r->plain = r->plains && r->flow < r->plains->count && r->plains->list[r->flow].tls ? &r->plains->list[r->flow] : NULL;
	if (flow->version)
		hm_headers_read(flow, r->flows->address, add_column, r);
	if (flow->proto == IPPROTO_TCP && flow->messages)
		add_segments(r);
	if (flow->packet)
		add_time(r, hm_sprintf("%zu.begin", r->number), r->begun, flow->packet[0].time_ns);
	if (r->plain)
		add_tls(r);
	else if (flow->proto == IPPROTO_TCP || flow->messages == 0 || flow->message[0] != 0)
		add_stream(r, 0, flow->sent.len);
	else
		add_datagrams(r);
	add_given(r);
	if (r->ends)
		add_ends(r);
	add_number(r, flow->endpoint, hm_sprintf("%zu.messages", r->number), r->message);
	add_number(r, flow->endpoint, hm_sprintf("%zu.size", r->number), flow->sent.len);
}

static int by_endpoint(const void *a, const void *b, void *flows)
{
	const struct hm_flow *list = flows;
	size_t x = *(const size_t *)a, y = *(const size_t *)b;
	int r = strcmp(list[x].endpoint, list[y].endpoint);

	return r ? r : (x > y) - (x < y);
}

/* Nothing but errors that the kernel sends of itself when something came that nobody takes (RFC 792): destination unreachable, time
 * exceeded, parameter problem. Whether one is sent tells who was faster; they quote what came. */
static bool is_complaint(const struct hm_flow *flow)
{
	if (flow->version != 4 || flow->proto != IPPROTO_ICMP || !flow->messages)
		return false;
	for (size_t i = 0; i < flow->messages; i++) {
		uint8_t type = flow->message[i] < flow->sent.len ? flow->sent.data[flow->message[i]] : 0;

		if (type != 3 && type != 11 && type != 12)
			return false;
	}
	return true;
}

/* The features behind `from` are the kernel's, as far as it made the flow's packets. */
static void leave_to_kernel(struct reading *r, size_t from)
{
	for (size_t i = from; i < r->out->count; i++) {
		struct hm_feature *feature = &r->out->list[i];

		feature->flow = r->flow;
		if (feature->origin == HM_ORIGIN_PRODUCT)
			feature->origin = HM_ORIGIN_KERNEL;
	}
}

static void add_endpoint(struct reading *r, size_t from, size_t to)
{
	const char *endpoint = r->flows->list[r->order[from]].endpoint;
	uint64_t size = 0, wire = 0;
	size_t complaints = 0, of_flows = 0;

	for (size_t i = from; i < to; i++) {
		size_t before = r->out->count;

		r->flow = r->order[i];
		r->number = i - from;
		complaints += is_complaint(&r->flows->list[r->flow]);
		size += r->flows->list[r->flow].sent.len;
		wire += r->flows->list[r->flow].wire;
		add_flow(r);
		if (is_complaint(&r->flows->list[r->flow]))
			leave_to_kernel(r, before);
		if (i > from && r->flows->list[r->flow].packet && r->flows->list[r->order[i - 1]].packet)
			add_time(r, hm_sprintf("%zu.gap", r->number), r->flows->list[r->order[i - 1]].packet[0].time_ns,
				 r->flows->list[r->flow].packet[0].time_ns);
	}
	of_flows = r->out->count;
	add_number(r, endpoint, hm_strdup("flows"), to - from);
	add_number(r, endpoint, hm_strdup("size"), size);
	if (complaints == to - from) {
		leave_to_kernel(r, of_flows);
		return;
	}
	add_number(r, endpoint, hm_strdup("wire"), wire);
	r->out->list[r->out->count - 1].origin = HM_ORIGIN_KERNEL; /* it acknowledges when it likes */
	hm_bytes_text(&r->out->endpoints, endpoint);
	hm_bytes_u8(&r->out->endpoints, '\n');
}

static void add_run(struct reading *r)
{
	const struct hm_flows *flows = r->flows;
	struct hm_feature *feature;
	size_t count = 0;

	for (size_t i = 0; i < flows->count; i++) {
		if (is_complaint(&flows->list[i]))
			continue;
		count++;
		hm_bytes_text(&r->out->order, flows->list[i].endpoint);
		hm_bytes_u8(&r->out->order, '\n');
	}
	add_number(r, "", hm_strdup("flows"), count);
	feature = add(r, "", hm_strdup("endpoints"));
	feature->text = true;
	feature->bytes = hm_slice_of(&r->out->endpoints);
	feature = add(r, "", hm_strdup("order"));
	feature->text = true;
	feature->bytes = hm_slice_of(&r->out->order);
}

static int by_name(const void *a, const void *b)
{
	const struct hm_feature *x = a, *y = b;
	int r = strcmp(x->endpoint, y->endpoint);

	return r ? r : strcmp(x->name, y->name);
}

void hm_features_read(struct hm_features *out, const struct hm_flows *flows, const struct hm_plains *plains, const struct hm_told *told, bool ends)
{
	HM_FREE size_t *order = hm_alloc(flows->count, sizeof(*order));
	struct reading r = { .out = out, .flows = flows, .plains = plains, .told = told, .order = order, .ends = ends };

	*out = (struct hm_features){ 0 };
	for (size_t i = 0; i < flows->count; i++) {
		order[i] = i;
		if (flows->list[i].packet && (!r.begun || flows->list[i].packet[0].time_ns < r.begun))
			r.begun = flows->list[i].packet[0].time_ns;
	}
	if (flows->count)
		qsort_r(order, flows->count, sizeof(*order), by_endpoint, flows->list);
	for (size_t from = 0, to; from < flows->count; from = to) {
		for (to = from + 1; to < flows->count; to++)
			if (strcmp(flows->list[order[from]].endpoint, flows->list[order[to]].endpoint) != 0)
				break;
		add_endpoint(&r, from, to);
	}
	add_run(&r);
	qsort(out->list, out->count, sizeof(*out->list), by_name);
}

const struct hm_feature *hm_features_find(const struct hm_features *features, const char *endpoint, const char *name)
{
	struct hm_feature key = { .endpoint = endpoint, .name = (char *)(uintptr_t)name };

	return bsearch(&key, features->list, features->count, sizeof(key), by_name);
}

void hm_features_release(struct hm_features *features)
{
	for (size_t i = 0; i < features->count; i++)
		free(features->list[i].name);
	free(features->list);
	for (size_t i = 0; i < features->column_count; i++)
		hm_bytes_release(&features->columns[i]);
	free(features->columns);
	hm_bytes_release(&features->endpoints);
	hm_bytes_release(&features->order);
	*features = (struct hm_features){ 0 };
}
