#include "feature.h"

#include <netinet/in.h>

#include "http.h"

enum { DNS_PORT = 53 };

struct reading {
	struct hm_features *out;
	const struct hm_flows *flows;
	size_t *order; /* flows by endpoint, then as they came */
	size_t flow;   /* that is read: index in `flows`, and its number among those of its endpoint */
	size_t number, message, base;
};

static struct hm_feature *add(struct reading *r, const char *endpoint, char *name)
{
	struct hm_features *out = r->out;

	if (out->count == out->room) {
		out->room = out->room ? 2 * out->room : 64;
		out->list = hm_realloc(out->list, out->room, sizeof(*out->list));
	}
	out->list[out->count] = (struct hm_feature){ .endpoint = endpoint, .name = name };
	return &out->list[out->count++];
}

static void add_number(struct reading *r, const char *endpoint, char *name, uint64_t number)
{
	add(r, endpoint, name)->number = (int64_t)number;
}

static void add_bytes(struct reading *r, char *name, size_t offset, size_t length)
{
	const struct hm_flow *flow = &r->flows->list[r->flow];
	struct hm_feature *feature = add(r, flow->endpoint, name);

	feature->text = true;
	feature->placed = true;
	feature->flow = r->flow;
	feature->offset = offset;
	feature->bytes = (struct hm_slice){ flow->sent.data + offset, length };
}

static void add_field(void *cookie, const char *name, size_t offset, size_t length)
{
	struct reading *r = cookie;

	add_bytes(r, hm_sprintf("%zu.%zu.%s", r->number, r->message, name), r->base + offset, length);
}

static void add_message(struct reading *r, size_t offset, size_t length)
{
	const struct hm_flow *flow = &r->flows->list[r->flow];
	struct hm_slice message = { flow->sent.data + offset, length };

	r->base = offset;
	add_number(r, flow->endpoint, hm_sprintf("%zu.%zu.size", r->number, r->message), length);
	hm_feature_fields(message, flow->proto == IPPROTO_UDP && flow->port == DNS_PORT, add_field, r);
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

static void add_stream(struct reading *r)
{
	struct hm_slice stream = hm_slice_of(&r->flows->list[r->flow].sent);
	size_t at = 0;

	while (at < stream.len) {
		size_t len = r->out->count < HM_FEATURES_MAX ?
				     request_length((struct hm_slice){ stream.data + at, stream.len - at }) : 0;

		if (!len)
			len = stream.len - at;
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

static void add_flow(struct reading *r)
{
	const struct hm_flow *flow = &r->flows->list[r->flow];

	r->message = 0;
	if (flow->proto == IPPROTO_TCP || flow->messages == 0 || flow->message[0] != 0)
		add_stream(r);
	else
		add_datagrams(r);
	add_number(r, flow->endpoint, hm_sprintf("%zu.messages", r->number), r->message);
	add_number(r, flow->endpoint, hm_sprintf("%zu.port", r->number), flow->local_port);
	add_number(r, flow->endpoint, hm_sprintf("%zu.size", r->number), flow->sent.len);
}

static int by_endpoint(const void *a, const void *b, void *flows)
{
	const struct hm_flow *list = flows;
	size_t x = *(const size_t *)a, y = *(const size_t *)b;
	int r = strcmp(list[x].endpoint, list[y].endpoint);

	return r ? r : (x > y) - (x < y);
}

static void add_endpoint(struct reading *r, size_t from, size_t to)
{
	const char *endpoint = r->flows->list[r->order[from]].endpoint;
	uint64_t size = 0, wire = 0;

	for (size_t i = from; i < to; i++) {
		r->flow = r->order[i];
		r->number = i - from;
		size += r->flows->list[r->flow].sent.len;
		wire += r->flows->list[r->flow].wire;
		add_flow(r);
	}
	add_number(r, endpoint, hm_strdup("flows"), to - from);
	add_number(r, endpoint, hm_strdup("size"), size);
	add_number(r, endpoint, hm_strdup("wire"), wire);
	hm_bytes_text(&r->out->endpoints, endpoint);
	hm_bytes_u8(&r->out->endpoints, '\n');
}

static void add_run(struct reading *r)
{
	const struct hm_flows *flows = r->flows;
	struct hm_feature *feature;

	for (size_t i = 0; i < flows->count; i++) {
		hm_bytes_text(&r->out->order, flows->list[i].endpoint);
		hm_bytes_u8(&r->out->order, '\n');
	}
	add_number(r, "", hm_strdup("flows"), flows->count);
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

void hm_features_read(struct hm_features *out, const struct hm_flows *flows)
{
	HM_FREE size_t *order = hm_alloc(flows->count, sizeof(*order));
	struct reading r = { .out = out, .flows = flows, .order = order };

	*out = (struct hm_features){ 0 };
	for (size_t i = 0; i < flows->count; i++)
		order[i] = i;
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
	hm_bytes_release(&features->endpoints);
	hm_bytes_release(&features->order);
	*features = (struct hm_features){ 0 };
}
