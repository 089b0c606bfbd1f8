/* Whether what leaves can be read on its way, and whether a server has to show who it is. TLS is what the judge opened with the keys of the
 * servers: that it opens there shows that nobody else could. All else is looked at as whoever stands on the way would see it. */
#include "claim_internal.h"

#include <netinet/in.h>

#include "dns.h"
#include "views.h"

enum { DNS_PORT = 53, ARP = 0x0806, DEPTH = 2, TEXT_MIN = 24, WHOLE_MIN = 8, TYPE_HTTPS = 65 };

/* ---- what can be read ---- */

static bool is_printable(uint8_t c)
{
	return (c >= 0x20 && c < 0x7f) || c == '\n' || c == '\r' || c == '\t';
}

/* Of random bytes one in 2^33 begins such a stretch: that is text. */
static bool is_text(struct hm_slice bytes)
{
	size_t run = 0;

	for (size_t i = 0; i < bytes.len; i++) {
		run = is_printable(bytes.data[i]) ? run + 1 : 0;
		if (run == TEXT_MIN)
			return true;
	}
	return bytes.len >= WHOLE_MIN && run == bytes.len;
}

static void look(void *cookie, const struct hm_view *view)
{
	bool *text = cookie;

	*text = *text || is_text(view->all);
}

static bool is_readable(struct hm_slice bytes)
{
	bool text = is_text(bytes);

	if (!text && !hm_views_walk(bytes, DEPTH, 16 * bytes.len + (1u << 20), look, &text))
		return text;
	return text;
}

/* A stretch in the clear holds a token or a digest of a document. */
static bool holds_document(const struct hm_run *run, size_t flow, size_t offset, size_t length)
{
	for (size_t i = hm_run_leaks_of(run, flow); i < run->leak_count && run->leaks[i].flow == flow; i++)
		if (!run->leaks[i].tls && run->leaks[i].offset < offset + length && offset < run->leaks[i].offset + run->leaks[i].length)
			return true;
	return false;
}

/* A question for the address of somebody that the run called: the name is in the server's certificate anyway. */
static bool is_lookup(const struct hm_run *run, const struct hm_flow *asked, struct hm_slice message)
{
	struct hm_dns_query query;

	if (asked->proto != IPPROTO_UDP || asked->port != DNS_PORT || hm_dns_read_query(&query, message) < 0 ||
	    (query.type != HM_DNS_A && query.type != HM_DNS_AAAA && query.type != TYPE_HTTPS))
		return false;
	for (size_t i = 0; i < run->flows.count; i++) {
		const struct hm_flow *flow = &run->flows.list[i];
		const char *colon = strrchr(flow->endpoint, ':');

		if (flow != asked && !flow->literal && colon && (size_t)(colon - flow->endpoint) == strlen(query.name) &&
		    strncmp(flow->endpoint, query.name, strlen(query.name)) == 0)
			return true;
	}
	return false;
}

/* What the kernel says by itself: who has an address (ARP, neighbours, multicast groups), and that nobody is there (ICMP errors). */
static bool is_kernels(const struct hm_flow *flow, size_t number, struct hm_slice message)
{
	uint8_t type = message.len ? message.data[0] : 0;

	if (!flow->version) {
		struct hm_slice frame = number < flow->packets ? flow->packet[number].frame : (struct hm_slice){ NULL, 0 };

		return frame.len > 13 && (frame.data[12] << 8 | frame.data[13]) == ARP;
	}
	if (flow->proto == IPPROTO_ICMP)
		return type == 3 || type == 11 || type == 12;
	return flow->proto == IPPROTO_ICMPV6 && (type < 5 || (type >= 130 && type <= 136) || type == 143);
}

enum found { READABLE, OPAQUE, CLOSED, SEALED, FOUND };
static const char *const reasons[FOUND] = { [READABLE] = "bytes.readable", [OPAQUE] = "bytes.opaque", [CLOSED] = "tls.closed", [SEALED] = "bytes.sealed" };

struct looking {
	struct hm_judgement *j;
	const struct hm_run *run;
	bool found[FOUND];
};

static void find(struct looking *l, enum found what, size_t flow, size_t offset, size_t length)
{
	struct hm_ground *g = hm_ground(l->j, reasons[what]);

	hm_ground_add(g, "bytes", length);
	if (what == SEALED)
		return;
	hm_ground_add(g, "runs", !l->found[what]);
	l->found[what] = true;
	hm_ground_flow(g, l->run, flow, offset, length);
}

static void judge_clear(struct looking *l, size_t number, size_t offset, size_t length)
{
	const struct hm_flow *flow = &l->run->flows.list[number];
	struct hm_slice bytes = { flow->sent.data + offset, length };
	struct hm_dns_query query;
	bool asks;

	if (!length || is_lookup(l->run, flow, bytes))
		return;
	/* A question can be read, whatever is asked. */
	asks = flow->proto == IPPROTO_UDP && flow->port == DNS_PORT && hm_dns_read_query(&query, bytes) == 0;
	find(l, asks || is_readable(bytes) || holds_document(l->run, number, offset, length) ? READABLE : OPAQUE, number, offset, length);
}

static void judge_messages(struct looking *l, size_t number)
{
	const struct hm_flow *flow = &l->run->flows.list[number];

	for (size_t i = 0; i < flow->messages; i++) {
		size_t at = flow->message[i], end = i + 1 < flow->messages ? flow->message[i + 1] : flow->sent.len;

		if (!is_kernels(flow, i, (struct hm_slice){ flow->sent.data + at, end - at }))
			judge_clear(l, number, at, end - at);
	}
}

/* Stretches in the clear of connections that follow each other are one span. */
static void split_clear(struct looking *l, size_t number, size_t at, size_t end)
{
	const struct hm_flow *flow = &l->run->flows.list[number];

	for (size_t i = 0; i < flow->connections; i++) {
		const struct hm_connection *c = &flow->connection[i];
		size_t from = c->sent > at ? c->sent : at, to = c->sent + c->sent_len < end ? c->sent + c->sent_len : end;

		if (from >= to)
			continue;
		judge_clear(l, number, from, to - from);
		at = to;
	}
	judge_clear(l, number, at, end - at);
}

static void judge_stream(struct looking *l, size_t number)
{
	const struct hm_plain *plain = &l->run->plains.list[number];

	for (size_t i = 0; i < plain->spans; i++) {
		const struct hm_plain_span *span = &plain->span[i];

		if (span->kind == HM_PLAIN_CLEAR)
			split_clear(l, number, span->offset, span->offset + span->length);
		else if (span->kind == HM_PLAIN_DATA || span->kind == HM_PLAIN_CLOSED)
			find(l, span->kind == HM_PLAIN_DATA ? SEALED : CLOSED, number, span->offset, span->length);
	}
}

void hm_claim_encrypted(struct hm_judgement *j, const struct hm_core *core HM_UNUSED, const struct hm_run *run)
{
	struct looking l = { .j = j, .run = run };

	hm_ground_add(hm_ground(j, "bytes.sealed"), "bytes", 0);
	for (size_t i = 0; i < run->flows.count; i++) {
		if (run->flows.list[i].proto == IPPROTO_TCP && i < run->plains.count)
			judge_stream(&l, i);
		else
			judge_messages(&l, i);
	}
	/* What it would have sent there nobody knows; where the certificate was wrong, it was right to refuse. */
	if (run->distrusted && !run->wrong) {
		struct hm_ground *g = hm_ground(j, "tls.refused");

		hm_ground_add(g, "handshakes", run->distrusted);
		hm_ground_add(g, "runs", 1);
	}
}

/* ---- certificates ---- */

static uint64_t closed_of(const struct hm_plain *plain, const struct hm_connection *c)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < plain->spans; i++)
		if (plain->span[i].kind == HM_PLAIN_CLOSED && plain->span[i].offset >= c->sent && plain->span[i].offset < c->sent + c->sent_len)
			bytes += plain->span[i].length;
	return bytes;
}

/* With a certificate as it should be: what the product does then tells how much its refusals say. Whether it speaks first to whom it trusts
 * is kept by endpoint. */
static void judge_right(struct hm_judgement *j, const char *endpoint, const struct hm_plain_connection *c)
{
	const json_t *before = json_object_get(j->speaks, endpoint);

	j->met = true;
	if (c->answered)
		hm_ground_add(hm_ground(j, "certificate.refused"), c->finished ? "trusted" : "distrusted", 1);
	if (c->finished)
		json_object_set_new(j->speaks, endpoint, json_boolean(c[1].begin > c->begin && (!before || json_is_true(before))));
}

/* Whether the product was put to the test. */
static bool judge_wrong(struct hm_judgement *j, const struct hm_run *run, size_t flow, size_t number)
{
	static const char *const sorts[HM_WRONGS] = { [HM_WRONG_AUTHORITY] = "authority", [HM_WRONG_NAME] = "name", [HM_WRONG_EXPIRED] = "expired" };
	const struct hm_plain *plain = &run->plains.list[flow];
	const struct hm_plain_connection *c = &plain->connection[number];
	size_t said = c[1].begin - c->begin;
	uint64_t closed = closed_of(plain, &run->flows.list[flow].connection[number]);
	/* Many look at the name when the handshake is over. Who always had something to say, and says nothing, has refused. */
	bool late = c->finished && json_is_true(json_object_get(j->speaks, run->flows.list[flow].endpoint));
	struct hm_ground *g;

	j->met = true;
	if (!c->answered)
		return false;
	g = hm_ground(j, said ? "certificate.accepted" : closed ? "tls.closed" : c->finished && !late ? "certificate.taken" : "certificate.refused");
	hm_ground_add(g, "handshakes", 1);
	if (late && !said && !closed)
		hm_ground_add(g, "late", 1);
	hm_ground_add(g, sorts[run->wrong], 1);
	if (said) {
		hm_ground_add(g, "bytes", said);
		hm_ground_plain(g, run, flow, c->begin, said);
	} else if (closed) {
		hm_ground_add(g, "bytes", closed);
	}
	return true;
}

void hm_claim_authenticated(struct hm_judgement *j, const struct hm_core *core, const struct hm_run *run)
{
	bool tried = false, any = false;

	for (size_t i = 0; i < run->plains.count; i++)
		for (size_t k = 0; k < run->flows.list[i].connections; k++) {
			const struct hm_plain_connection *c = &run->plains.list[i].connection[k];

			if (!c->tls)
				continue;
			any = true;
			if (run->wrong)
				tried |= judge_wrong(j, run, i, k);
			else
				judge_right(j, run->flows.list[i].endpoint, c);
		}
	if (run->wrong && !tried)
		hm_ground_add(hm_ground(j, "certificate.untried"), "runs", 1);
	/* Whoever left these runs out has seen no TLS where there was some. */
	if (any && core->without_tls && !hm_ground_is(j, "run.missing"))
		hm_ground_add(hm_ground(j, "run.missing"), "runs", core->without_tls);
}
