/* A replay: what an earlier internet answered, found again. Equal bytes get the answer that they got, the first of equals
 * first and the last of them ever after; others get the next answer of that name and port that nobody had, in the order of the packets. */
#include "internet_internal.h"

enum { ENTRIES_MAX = 200000, LIKE_MAX = 16 << 10 /* by which a first turn is told from another */ };

static const struct hm_json_member top_shape[] = {
	{ "schema", JSON_STRING }, { "bundle", JSON_STRING }, { "run", JSON_INTEGER },
	{ "tcp", JSON_ARRAY },	   { "udp", JSON_ARRAY },     { "left_out", JSON_ARRAY },
};
static const struct hm_json_member tcp_shape[] = {
	{ "to", JSON_STRING }, { "port", JSON_INTEGER }, { "turns", JSON_ARRAY }, { "closes", HM_JSON_BOOL }, { "tls?", JSON_INTEGER },
};
static const struct hm_json_member turn_shape[] = { { "by", JSON_STRING }, { "bytes?", JSON_STRING }, { "bytes_b64?", JSON_STRING } };
static const struct hm_json_member udp_shape[] = {
	{ "to", JSON_STRING },	     { "port", JSON_INTEGER },	    { "request?", JSON_STRING },
	{ "request_b64?", JSON_STRING }, { "replies", JSON_ARRAY },
};
static const struct hm_json_member reply_shape[] = { { "bytes?", JSON_STRING }, { "bytes_b64?", JSON_STRING } };

/* Where it went to, of a row whose shape is checked. */
static int read_place(struct replay_place *out, const json_t *row, struct hm_fail *fail)
{
	json_int_t port = json_integer_value(json_object_get(row, "port"));

	if (port < 0 || port > 65535)
		return hm_fail_set(fail, HM_E_BAD, "cannot use the replay: a port is none");
	out->to = json_string_value(json_object_get(row, "to"));
	out->port = (int)port;
	return 0;
}

static int read_turn(struct replay_turn *out, const json_t *turn, struct hm_fail *fail)
{
	const char *by;

	if (hm_json_shape(turn, turn_shape, HM_COUNT(turn_shape), "a turn of the replay", fail) < 0)
		return fail->code;
	by = json_string_value(json_object_get(turn, "by"));
	out->internet = strcmp(by, "internet") == 0;
	if (!out->internet && strcmp(by, "product") != 0)
		return hm_fail_set(fail, HM_E_BAD, "cannot use the replay: %s says nothing there", by);
	return hm_json_get_bytes(turn, "bytes", &out->bytes, fail);
}

static int read_conversation(struct replay_tcp *out, const json_t *row, struct hm_fail *fail)
{
	const json_t *turn, *turns = json_object_get(row, "turns"), *tls = json_object_get(row, "tls");
	json_int_t from = json_integer_value(tls);
	size_t i;

	if (hm_json_shape(row, tcp_shape, HM_COUNT(tcp_shape), "a conversation of the replay", fail) < 0 ||
	    read_place(&out->place, row, fail) < 0)
		return fail->code;
	if (!json_array_size(turns))
		return hm_fail_set(fail, HM_E_BAD, "cannot use the replay: a conversation in which nothing is said");
	if (from < 0 || from > (json_int_t)json_array_size(turns))
		return hm_fail_set(fail, HM_E_BAD, "cannot use the replay: TLS begins where nothing is said");
	out->tls = tls ? (size_t)from : json_array_size(turns) + 1;
	out->closes = json_is_true(json_object_get(row, "closes"));
	out->turn = hm_alloc(json_array_size(turns), sizeof(*out->turn));
	json_array_foreach (turns, i, turn) {
		out->turns = i + 1;
		if (read_turn(&out->turn[i], turn, fail) < 0)
			return fail->code;
	}
	return 0;
}

static int read_exchange(struct replay_udp *out, const json_t *row, struct hm_fail *fail)
{
	const json_t *reply, *replies = json_object_get(row, "replies");
	size_t i;

	if (hm_json_shape(row, udp_shape, HM_COUNT(udp_shape), "a datagram of the replay", fail) < 0 ||
	    read_place(&out->place, row, fail) < 0 || hm_json_get_bytes(row, "request", &out->request, fail) < 0)
		return fail->code;
	out->reply = hm_alloc(json_array_size(replies) + 1, sizeof(*out->reply));
	json_array_foreach (replies, i, reply) {
		out->replies = i + 1;
		if (hm_json_shape(reply, reply_shape, HM_COUNT(reply_shape), "a reply of the replay", fail) < 0 ||
		    hm_json_get_bytes(reply, "bytes", &out->reply[i], fail) < 0)
			return fail->code;
	}
	return 0;
}

static int read_rows(struct replay *r, struct hm_fail *fail)
{
	const json_t *tcp = json_object_get(r->json, "tcp"), *udp = json_object_get(r->json, "udp"), *row;
	size_t i;

	if (json_array_size(tcp) > ENTRIES_MAX || json_array_size(udp) > ENTRIES_MAX)
		return hm_fail_set(fail, HM_E_BAD, "cannot use the replay: over %d entries", ENTRIES_MAX);
	r->tcp = hm_alloc(json_array_size(tcp) + 1, sizeof(*r->tcp));
	r->udp = hm_alloc(json_array_size(udp) + 1, sizeof(*r->udp));
	json_array_foreach (tcp, i, row) {
		r->tcp_count = i + 1;
		if (read_conversation(&r->tcp[i], row, fail) < 0)
			return hm_fail_in(fail, "tcp, entry %zu", i + 1);
	}
	json_array_foreach (udp, i, row) {
		r->udp_count = i + 1;
		if (read_exchange(&r->udp[i], row, fail) < 0)
			return hm_fail_in(fail, "udp, entry %zu", i + 1);
	}
	return 0;
}

int hm_internet_replay_read(struct replay *out, struct hm_slice text, struct hm_fail *fail)
{
	HM_CLEANUP(hm_internet_replay_release) struct replay r = { 0 };
	const char *schema;

	if (hm_json_parse_canonical(&r.json, text, "the replay", fail) < 0 ||
	    hm_json_shape(r.json, top_shape, HM_COUNT(top_shape), "the replay", fail) < 0)
		return fail->code;
	schema = json_string_value(json_object_get(r.json, "schema"));
	if (strcmp(schema, "hallmark/replay/v1") != 0 && strcmp(schema, "hallmark/replay/v2") != 0)
		return hm_fail_set(fail, HM_E_UNKNOWN, "cannot use the replay: its schema is %s (this program knows hallmark/replay/v1 and v2)", schema);
	if (read_rows(&r, fail) < 0)
		return fail->code;
	*out = r;
	r = (struct replay){ 0 };
	return 0;
}

void hm_internet_replay_release(struct replay *r)
{
	for (size_t i = 0; i < r->tcp_count; i++) {
		for (size_t k = 0; k < r->tcp[i].turns; k++)
			hm_bytes_release(&r->tcp[i].turn[k].bytes);
		free(r->tcp[i].turn);
	}
	for (size_t i = 0; i < r->udp_count; i++) {
		hm_bytes_release(&r->udp[i].request);
		for (size_t k = 0; k < r->udp[i].replies; k++)
			hm_bytes_release(&r->udp[i].reply[k]);
		free(r->udp[i].reply);
	}
	free(r->tcp);
	free(r->udp);
	json_decref(r->json);
	*r = (struct replay){ 0 };
}

static bool is_there(const struct replay_place *place, const char *to, int port)
{
	return place->port == port && (!to || strcmp(place->to, to) == 0);
}

const struct replay_udp *hm_internet_replay_udp(struct replay *r, const char *to, int port, struct hm_slice request, size_t skip)
{
	struct replay_udp *equal = NULL, *next = NULL;

	for (size_t i = 0; i < r->udp_count; i++) {
		struct replay_udp *e = &r->udp[i];

		if (!is_there(&e->place, to, port))
			continue;
		if (e->request.len == request.len && request.len >= skip &&
		    memcmp(e->request.data + skip, request.data + skip, request.len - skip) == 0 && (!equal || equal->used))
			equal = e;
		if (!next && !e->used)
			next = e;
	}
	/* Of a service that everybody shares, what was asked otherwise is no answer. */
	if (!equal && to)
		equal = next;
	if (equal)
		equal->used = true;
	return equal;
}

/* How much of a first turn is looked at. */
static struct hm_slice beginning(const struct replay_tcp *t)
{
	struct hm_slice first = hm_slice_of(&t->turn[0].bytes);

	first.len = first.len < LIKE_MAX ? first.len : LIKE_MAX;
	return first;
}

/* Both begin as what was said does. */
static bool is_better(const struct replay_tcp *t, const struct replay_tcp *than)
{
	size_t len = beginning(t).len, best = beginning(than).len;

	return len > best || (len == best && than->used);
}

const struct replay_tcp *hm_internet_replay_tcp(struct replay *r, const char *to, int port, bool tls, struct hm_slice said, bool silent, bool *wait)
{
	struct replay_tcp *equal = NULL, *next = NULL;
	bool may_be = false;

	for (size_t i = 0; i < r->tcp_count; i++) {
		struct replay_tcp *t = &r->tcp[i];
		struct hm_slice first = beginning(t);

		if (!is_there(&t->place, to, port) || t->turn[0].internet || (t->tls == 0) != tls)
			continue;
		if (!next && !t->used)
			next = t;
		if (said.len < first.len)
			may_be |= memcmp(said.data, first.data, said.len) == 0;
		else if (memcmp(said.data, first.data, first.len) == 0 && (!equal || is_better(t, equal)))
			equal = t;
	}
	if (!equal && next && (silent || (!may_be && said.len >= beginning(next).len)))
		equal = next;
	*wait = !equal && !silent && (may_be || next);
	if (equal)
		equal->used = true;
	return equal;
}

const struct replay_tcp *hm_internet_replay_greeting(struct replay *r, const char *to, int port, bool tls)
{
	struct replay_tcp *next = NULL;

	for (size_t i = 0; i < r->tcp_count; i++)
		if (is_there(&r->tcp[i].place, to, port) && (r->tcp[i].tls == 0) == tls && (!next || next->used))
			next = &r->tcp[i];
	if (!next || !next->turn[0].internet)
		return NULL;
	next->used = true;
	return next;
}

bool hm_internet_replay_knows(const struct replay *r, const char *to, int port, bool tls)
{
	for (size_t i = 0; i < r->tcp_count; i++)
		if (is_there(&r->tcp[i].place, to, port) && (r->tcp[i].tls == 0) == tls)
			return true;
	return false;
}
