/* What a closed connection carried, as somebody says who is not on the wire: held against the lengths of its records. AEAD ciphers add as
 * many bytes to each record as their suite says, so lengths leave no room. */
#include "plain_internal.h"

enum { V12 = 0x0303, V13 = 0x0304, FINISHED_12 = 16, MESSAGE_HEAD = 4, ALERT_LEN = 2, NONCE_LEN = 8 };

struct fitting {
	struct hm_plain *out;
	const struct hm_flow *flow;
	const struct hm_tls_suite *suite;
	size_t front, inner; /* what a record has before its content, and behind it before the tag */
	size_t at, len;	     /* in the text */
	bool alert, finished, ended;
};

/* Version and suite are those of records whose content's length is known. */
static bool begin(struct fitting *f, const struct hm_flow *flow)
{
	const struct hm_connection *c = &flow->connection[0];
	struct hm_slice sent = { flow->sent.data + c->sent, c->sent_len }, heard = { flow->heard.data + c->heard, c->heard_len };
	struct hm_tls_hello client, server;
	size_t answer = 0, prelude = hm_tls_client_hello(&client, sent) ? 0 : hm_tls_prelude(sent, heard, &answer);

	sent = (struct hm_slice){ sent.data + prelude, sent.len - prelude };
	heard = (struct hm_slice){ heard.data + answer, heard.len - answer };
	if (!hm_tls_client_hello(&client, sent) || !hm_tls_server_hello(&server, heard) || client.early)
		return false;
	f->suite = hm_tls_suite_find(server.version, server.suite);
	if (!f->suite || f->suite->mode == HM_TLS_CBC)
		return false;
	f->front = f->suite->version == V12 && f->suite->mode != HM_TLS_CHACHA ? NONCE_LEN : 0;
	f->inner = f->suite->version == V13;
	return true;
}

/* The record of `type` is what must come next. True with what its content is. */
static bool content_of(struct fitting *f, uint8_t type, size_t content, enum hm_plain_kind *kind)
{
	bool new = f->suite->version == V13;

	*kind = HM_PLAIN_KNOWN;
	if (!f->finished) {
		f->finished = content == (new ? MESSAGE_HEAD + f->suite->hash / 8u : FINISHED_12) && type == (new ? HM_TLS_DATA : HM_TLS_HANDSHAKE);
		return f->finished;
	}
	if (f->at < f->len) {
		*kind = HM_PLAIN_DATA;
		return type == HM_TLS_DATA && content && content <= f->len - f->at;
	}
	if (f->ended || content != ALERT_LEN || type != (new ? HM_TLS_DATA : HM_TLS_ALERT))
		return false;
	f->ended = true;
	*kind = f->alert ? HM_PLAIN_KNOWN : HM_PLAIN_CLOSED;
	return true;
}

static bool take_record(struct fitting *f, const struct hm_plain_span *span)
{
	size_t around = f->front + f->inner + f->suite->tag, offset = span->offset, content;
	const uint8_t *head = f->flow->sent.data + offset - HM_TLS_HEADER;
	enum hm_plain_kind kind;

	/* A span that is closed is the body of one record; where that is cut its header says more. */
	if (offset < HM_TLS_HEADER || ((size_t)head[3] << 8 | head[4]) != span->length || span->length < around)
		return false;
	content = span->length - around;
	if (!content_of(f, head[0], content, &kind))
		return false;
	hm_plain_add(f->out, HM_PLAIN_NONCE, HM_PLAIN_OPENED, offset, f->front, 0);
	offset += f->front;
	hm_plain_add(f->out, kind, kind == HM_PLAIN_CLOSED ? HM_PLAIN_NO_KEY : HM_PLAIN_OPENED, offset, content, f->at);
	if (kind == HM_PLAIN_DATA)
		f->at += content;
	hm_plain_add(f->out, HM_PLAIN_INNER, HM_PLAIN_OPENED, offset + content, f->inner, 0);
	hm_plain_add(f->out, HM_PLAIN_TAG, HM_PLAIN_OPENED, offset + content + f->inner, f->suite->tag, 0);
	return true;
}

bool hm_plain_fit(struct hm_plain *out, const struct hm_flow *flow, const struct hm_plain *opened, struct hm_slice text, bool alert)
{
	HM_CLEANUP(hm_plain_fit_release) struct hm_plain fit = { .tls = true };
	struct fitting f = { .out = &fit, .flow = flow, .len = text.len, .alert = alert };

	*out = (struct hm_plain){ 0 };
	if (!opened->tls || opened->text.len || flow->connections != 1 || !begin(&f, flow))
		return false;
	for (size_t i = 0; i < opened->spans; i++) {
		const struct hm_plain_span *span = &opened->span[i];

		if (span->kind != HM_PLAIN_CLOSED)
			hm_plain_add(&fit, span->kind, span->why, span->offset, span->length, span->text);
		else if (!take_record(&f, span))
			return false;
	}
	if (!f.finished || f.at != f.len)
		return false;
	fit.connection = hm_alloc(2, sizeof(*fit.connection));
	fit.connection[0] = opened->connection[0];
	hm_bytes_slice(&fit.text, text);
	fit.data = fit.connection[1].begin = text.len;
	*out = fit;
	fit = (struct hm_plain){ 0 };
	return true;
}
