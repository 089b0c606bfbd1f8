/* The records of one connection, in the order in which the client, or the server, sent them. Keys change where its messages say so: in TLS 1.2 at
 * ChangeCipherSpec; in TLS 1.3 behind EndOfEarlyData, Finished and KeyUpdate (RFC 8446 section 7). */
#include "plain_internal.h"

#include "cursor.h"

enum { V12 = 0x0303, V13 = 0x0304, CANDIDATES_MAX = 16 };

/* What the keys in use are for. */
enum epoch { CLEAR, EARLY, SHAKING, OPEN };

struct walk {
	struct hm_plain *out;
	struct hm_plain_connection *connection;
	struct hm_bytes *other;
	const struct hm_tls_keys *keys;
	struct hm_tls_hello client, server;
	bool answered, from_server;
	enum epoch epoch;
	struct hm_tls_cipher cipher;
	struct hm_tls_opened opened;
	enum hm_plain_why stuck; /* from here on nothing is opened */
	/* Where the messages of the encrypted handshake stand: they can be cut between records. */
	uint8_t head[4];
	size_t have;
	uint32_t left;
};

static void cleanup_walk(struct walk *w)
{
	hm_tls_cipher_release(&w->cipher);
	hm_bytes_release(&w->opened.text);
}

/* Begins with a key that opens the record, out of *tried: all that the log has for this random are tried, and all suites that their length fits, for
 * early data's suite is told by nobody. 1 with what it opened, or 0. */
static int try_keys(struct walk *w, enum hm_tls_label label, const struct hm_tls_record *record, size_t *tried, struct hm_fail *fail)
{
	size_t count;
	const struct hm_tls_secret *secret = hm_tls_keys_find(w->keys, w->client.random, label, &count);
	int r = 0;

	*tried = 0;
	for (size_t i = 0; i < count && i < CANDIDATES_MAX; i++)
		for (size_t k = 0; k < hm_tls_suite_count; k++) {
			const struct hm_tls_suite *suite = &hm_tls_suites[k];

			if (suite->version != w->server.version || (label != HM_TLS_EARLY && suite->id != w->server.suite) ||
			    (suite->version == V13 && secret[i].len != suite->hash / 8))
				continue;
			++*tried;
			w->cipher.server = w->from_server;
			r = hm_tls_cipher_begin(&w->cipher, suite, &secret[i], &w->server, fail);
			if (r == 0)
				r = hm_tls_cipher_open(&w->cipher, record, &w->opened, fail);
			if (r)
				return r;
		}
	hm_tls_cipher_release(&w->cipher);
	return 0;
}

/* ---- opened records ---- */

static void put(struct walk *w, enum hm_plain_kind kind, size_t offset, size_t length, struct hm_bytes *text, const uint8_t *bytes)
{
	hm_plain_add(w->out, kind, HM_PLAIN_OPENED, offset, length, text ? text->len : 0);
	if (text)
		hm_bytes_append(text, bytes, length);
}

static int after_message(struct walk *w, uint8_t type, struct hm_fail *fail)
{
	if (w->server.version != V13)
		return 0;
	if ((w->epoch == EARLY && type == HM_TLS_END_OF_EARLY) || (w->epoch == SHAKING && type == HM_TLS_FINISHED)) {
		hm_tls_cipher_release(&w->cipher);
		w->epoch++;
	} else if (w->epoch == OPEN && type == HM_TLS_KEY_UPDATE) {
		return hm_tls_cipher_update(&w->cipher, fail);
	}
	return 0;
}

/* Keys change at the end of a record (RFC 8446 section 5.1), so the last message that ends in it decides. */
static int take_messages(struct walk *w, struct hm_slice text, struct hm_fail *fail)
{
	uint8_t ended = 0;

	while (text.len) {
		size_t n;

		if (w->have < sizeof(w->head)) {
			w->head[w->have++] = *text.data++;
			text.len--;
			if (w->have == sizeof(w->head))
				w->left = (uint32_t)w->head[1] << 16 | (uint32_t)w->head[2] << 8 | w->head[3];
		} else {
			n = text.len < w->left ? text.len : w->left;
			text.data += n;
			text.len -= n;
			w->left -= (uint32_t)n;
		}
		if (w->have == sizeof(w->head) && w->left == 0) {
			ended = w->head[0];
			w->have = 0;
		}
	}
	return ended ? after_message(w, ended, fail) : 0;
}

/* Spans of a record that opened, its body at `offset`. */
static int take_opened(struct walk *w, const struct hm_tls_record *record, size_t offset, struct hm_fail *fail)
{
	struct hm_slice text = hm_slice_of(&w->opened.text);
	uint8_t type = record->type;
	size_t inner = 0;

	/* The inner type is the last byte that is not zero (RFC 8446 section 5.4). */
	if (w->server.version == V13) {
		while (inner < text.len && text.data[text.len - 1 - inner] == 0)
			inner++;
		type = inner < text.len ? text.data[text.len - 1 - inner] : 0;
		inner += inner < text.len;
		text.len -= inner;
	}
	put(w, HM_PLAIN_NONCE, offset, w->opened.front, NULL, NULL);
	offset += w->opened.front;
	if (type == HM_TLS_DATA)
		put(w, HM_PLAIN_DATA, offset, text.len, &w->out->text, text.data);
	else
		put(w, type == HM_TLS_HANDSHAKE ? HM_PLAIN_SHAKE : HM_PLAIN_NOTICE, offset, text.len, w->other, text.data);
	put(w, HM_PLAIN_INNER, offset + text.len, inner, NULL, NULL);
	put(w, HM_PLAIN_TAG, offset + text.len + inner, w->opened.back, NULL, NULL);
	w->connection->finished |= type == HM_TLS_HANDSHAKE && w->epoch != EARLY;
	return type == HM_TLS_HANDSHAKE ? take_messages(w, text, fail) : 0;
}

/* ---- encrypted records ---- */

static void stay_closed(struct walk *w, const struct hm_tls_record *record, size_t offset, enum hm_plain_why why)
{
	hm_plain_add(w->out, HM_PLAIN_CLOSED, why, offset, record->body.len, 0);
}

/* The record opens under the keys in use, or under those of the epoch, when it begins. */
static int open_record(struct walk *w, const struct hm_tls_record *record, size_t *known, struct hm_fail *fail)
{
	static const enum hm_tls_label labels[2][OPEN + 1] = { { [EARLY] = HM_TLS_EARLY, [SHAKING] = HM_TLS_SHAKING, [OPEN] = HM_TLS_TRAFFIC },
							       { [SHAKING] = HM_TLS_SERVER_SHAKING, [OPEN] = HM_TLS_SERVER_TRAFFIC } };
	size_t count;
	int r = 0;

	if (w->cipher.suite) {
		*known = 1;
		return hm_tls_cipher_open(&w->cipher, record, &w->opened, fail);
	}
	if (w->server.version == V12)
		return try_keys(w, HM_TLS_MASTER, record, known, fail);
	if (w->epoch == EARLY) {
		r = try_keys(w, HM_TLS_EARLY, record, &count, fail);
		if (r)
			return r;
	}
	r = try_keys(w, labels[w->from_server][w->epoch == EARLY ? SHAKING : w->epoch], record, known, fail);
	/* Early data was refused, or there was none. */
	if (r == 1 && w->epoch == EARLY)
		w->epoch = SHAKING;
	return r;
}

static int take_sealed(struct walk *w, const struct hm_tls_record *record, size_t offset, struct hm_fail *fail)
{
	size_t known = 0;
	int r;

	if (!w->stuck && !w->answered)
		w->stuck = HM_PLAIN_NO_ANSWER;
	if (!w->stuck && !hm_tls_suite_find(w->server.version, w->server.suite))
		w->stuck = HM_PLAIN_SUITE;
	if (w->stuck) {
		stay_closed(w, record, offset, w->stuck);
		return 0;
	}
	if (w->epoch == CLEAR)
		w->epoch = w->server.version == V12 ? OPEN : w->client.early && !w->from_server ? EARLY : SHAKING;
	r = open_record(w, record, &known, fail);
	if (r == 1)
		return take_opened(w, record, offset, fail);
	if (r < 0)
		return r;
	/* Early data that was refused cannot be opened, for the server's log has no key for it; what comes behind it can. */
	if (w->epoch == EARLY && !w->cipher.suite)
		stay_closed(w, record, offset, HM_PLAIN_NO_KEY);
	else
		stay_closed(w, record, offset, w->stuck = known ? HM_PLAIN_FALSE : HM_PLAIN_NO_KEY);
	return 0;
}

/* ---- all records ---- */

/* TLS 1.3 encrypts under type application data alone; 1.2 everything behind ChangeCipherSpec. */
static int take_record(struct walk *w, const struct hm_tls_record *record, size_t offset, struct hm_fail *fail)
{
	bool new = w->answered && w->server.version == V13, sealed = new ? record->type == HM_TLS_DATA : w->epoch == OPEN;
	static const enum hm_plain_kind kinds[] = {
		[HM_TLS_SPEC] = HM_PLAIN_SPEC, [HM_TLS_ALERT] = HM_PLAIN_ALERT, [HM_TLS_HANDSHAKE] = HM_PLAIN_HELLO,
		[HM_TLS_DATA] = HM_PLAIN_CLOSED,
	};

	if (sealed && !new && record->type == HM_TLS_SPEC && !w->stuck)
		w->stuck = HM_PLAIN_NO_KEY; /* a second handshake, inside the first one's encryption */
	if (sealed || w->stuck || (!w->answered && record->type == HM_TLS_DATA))
		return take_sealed(w, record, offset, fail);
	if (record->type == HM_TLS_DATA)
		w->stuck = HM_PLAIN_FORM;
	hm_plain_add(w->out, kinds[record->type], w->stuck, offset, record->body.len, 0);
	if (record->type == HM_TLS_SPEC && !new)
		w->epoch = OPEN;
	return 0;
}

static int walk_records(struct walk *w, struct hm_slice rest, size_t offset, struct hm_fail *fail)
{
	while (rest.len) {
		struct hm_tls_record record;
		int r = 0;

		if (!hm_tls_record_read(&record, rest)) {
			hm_plain_add(w->out, HM_PLAIN_CLOSED, rest.len < HM_TLS_HEADER ? HM_PLAIN_CUT : HM_PLAIN_FORM, offset, rest.len, 0);
			return 0;
		}
		hm_plain_add(w->out, HM_PLAIN_HEADER, HM_PLAIN_OPENED, offset, HM_TLS_HEADER, 0);
		if (record.whole)
			r = take_record(w, &record, offset + HM_TLS_HEADER, fail);
		else
			stay_closed(w, &record, offset + HM_TLS_HEADER, HM_PLAIN_CUT);
		if (r < 0)
			return r;
		rest.data += HM_TLS_HEADER + record.body.len;
		rest.len -= HM_TLS_HEADER + record.body.len;
		offset += HM_TLS_HEADER + record.body.len;
	}
	return 0;
}

int hm_tls_walk(struct hm_plain *out, struct hm_bytes *other, const struct hm_flow *flow, size_t number, const struct hm_tls_keys *keys,
		bool late, struct hm_fail *fail)
{
	const struct hm_connection *c = &flow->connection[number];
	struct hm_slice rest = { flow->sent.data + c->sent, c->sent_len }, heard = { flow->heard.data + c->heard, c->heard_len };
	HM_CLEANUP(cleanup_walk) struct walk w = { .out = out, .other = other, .keys = keys };
	size_t offset = c->sent, prelude, answer = 0;

	w.connection = &out->connection[number];
	prelude = late && !hm_tls_client_hello(&w.client, rest) ? hm_tls_prelude(rest, heard, &answer) : 0;
	hm_plain_add(out, HM_PLAIN_CLEAR, HM_PLAIN_OPENED, offset, prelude, 0);
	offset += prelude;
	rest = (struct hm_slice){ rest.data + prelude, rest.len - prelude };
	if (!hm_tls_client_hello(&w.client, rest)) {
		hm_plain_add(out, HM_PLAIN_CLEAR, HM_PLAIN_OPENED, offset, rest.len, 0);
		return 0;
	}
	out->tls = w.connection->tls = true;
	w.answered = hm_tls_server_hello(&w.server, (struct hm_slice){ heard.data + answer, heard.len - answer });
	w.connection->answered = w.answered;
	return walk_records(&w, rest, offset, fail);
}

int hm_tls_walk_side(struct hm_plain *out, struct hm_bytes *other, struct hm_slice stream, size_t from, bool server, const struct hm_tls_hello hellos[2],
		     const struct hm_tls_keys *keys, struct hm_fail *fail)
{
	HM_CLEANUP(cleanup_walk) struct walk w = { .out = out, .other = other, .keys = keys, .client = hellos[0], .server = hellos[1], .answered = true,
						   .from_server = server, .connection = out->connection };

	hm_plain_add(out, HM_PLAIN_CLEAR, HM_PLAIN_OPENED, 0, from, 0);
	out->tls = w.connection->tls = w.connection->answered = true;
	return walk_records(&w, (struct hm_slice){ stream.data + from, stream.len - from }, from, fail);
}
