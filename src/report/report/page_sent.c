/* What left: the ledger, and the payload of each flow as hex and text. */
#include "report_internal.h"

#define FLOWS_SHOWN 40	  /* with their payload; those that a claim cites come on top */
#define PREVIEW_BYTES 512 /* of each flow, from its beginning */
#define WINDOW_BYTES 256  /* around a cited place beyond that */
#define LINE_BYTES 120	  /* of the payload as one line of text */

/* The citation behind `c` when it is of the same flow, else NULL. */
static const struct report_cite *next_cite(const struct report_cites *cites, const struct report_cite *c)
{
	const struct report_cite *next = c + 1;

	if (next == cites->list + cites->count || next->run != c->run || next->of != c->of || next->index != c->index)
		return NULL;
	return next;
}

/* A dump's input: what a flow sent, or what TLS carried in it, and the flow's first citation. */
struct dump {
	const struct report_page *page;
	struct hm_slice s;
	bool tls;
	const struct report_cite *cite;
};

/* Whether byte `at` is cited. A citation of all marks nothing: there would be nothing to tell apart. */
static bool in_cited(const struct dump *d, size_t at)
{
	for (const struct report_cite *c = d->cite; c; c = next_cite(d->page->cites, c))
		if (c->tls == d->tls && at >= c->offset && at - c->offset < c->length && c->length < d->s.len)
			return true;
	return false;
}

/* The `n` bytes from `from` on, as hex or as text; runs of bytes that a claim cites are marked. */
static void put_dump_half(const struct dump *d, size_t from, size_t n, bool hex)
{
	struct hm_bytes *out = d->page->out;
	bool marked = false;

	for (size_t k = 0; k < n; k++) {
		bool mark = in_cited(d, from + k);
		char byte = (char)d->s.data[from + k];

		hm_bytes_text(out, marked && !mark ? "</mark>" : "");
		if (hex && k)
			hm_bytes_text(out, k == 8 ? "  " : " ");
		hm_bytes_text(out, mark && !marked ? "<mark>" : "");
		if (hex)
			hm_bytes_printf(out, "%02x", (uint8_t)byte);
		else
			report_html(out, "%.*s", 1, byte >= 0x20 && byte < 0x7f && byte != '\\' ? &byte : ".");
		marked = mark;
	}
	hm_bytes_text(out, marked ? "</mark>" : "");
}

/* One line of a hex dump: offset, 16 bytes, the same bytes as text. */
static void put_dump_line(const struct dump *d, size_t from, size_t to)
{
	struct hm_bytes *out = d->page->out;
	size_t n = to - from < 16 ? to - from : 16;

	hm_bytes_printf(out, "<i>%08zx</i>  ", from);
	put_dump_half(d, from, n, true);
	hm_bytes_printf(out, "%*s", (int)(3 * (16 - n) + (n <= 8) + 2), "");
	put_dump_half(d, from, n, false);
	hm_bytes_u8(out, '\n');
}

static void put_window(const struct dump *d, size_t from, size_t to)
{
	for (size_t at = from; at < to; at += 16)
		put_dump_line(d, at, to);
}

/* The beginning, then a window around each cited place that lies behind it; what is left out is told. */
static void put_dump(const struct report_page *p, struct hm_slice s, bool tls, const struct report_cite *cite)
{
	const struct dump d = { p, s, tls, cite };
	size_t shown = s.len < PREVIEW_BYTES ? s.len : PREVIEW_BYTES, total = shown;
	hm_bytes_text(p->out, "<pre class=\"dump\" tabindex=\"0\">");
	put_window(&d, 0, shown);
	for (const struct report_cite *c = cite; c; c = next_cite(p->cites, c)) {
		size_t from = c->offset >= s.len ? s.len : c->offset & ~(uint64_t)15, to;

		if (from < shown)
			from = shown;
		to = s.len - from < WINDOW_BYTES ? s.len : from + WINDOW_BYTES;
		if (c->tls != tls || from >= to || c->offset + c->length <= shown)
			continue;
		if (from > shown)
			report_html(p->out, "... %'zu bytes not shown\n", from - shown);
		put_window(&d, from, to);
		total += to - from;
		shown = to;
	}
	hm_bytes_text(p->out, "</pre>\n");
	if (total < s.len)
		report_html(p->out, "<p class=\"cut\">%'zu of %'zu bytes shown; the rest is in the run's packets.pcapng.</p>\n", total,
			    s.len);
}

/* What TLS carried, and what of it stayed closed. */
static void put_plain(const struct report_page *p, const struct hm_plain *plain, const struct report_cite *cite)
{
	struct hm_slice text = hm_slice_of(&plain->text);

	report_html(p->out, "<p>Inside TLS: %'zu bytes of application data, then %'zu of handshakes and alerts.", plain->data,
		    text.len - plain->data);
	for (size_t why = 0; why < HM_PLAIN_WHYS; why++)
		if (plain->closed[why])
			report_html(p->out, " %'lu bytes stay closed: %s.", (unsigned long)plain->closed[why],
				    report_say("tls", hm_plain_why_name((enum hm_plain_why)why)));
	hm_bytes_text(p->out, "</p>\n");
	if (text.len)
		put_dump(p, text, true, cite);
}

static void put_flow(const struct report_page *p, uint64_t run, size_t index, const struct hm_flow *flow, const struct hm_plain *plain)
{
	const struct report_cite *cite = report_cited(p->cites, run, REPORT_FLOW, index);
	struct hm_slice sent = hm_slice_of(&flow->sent), line = report_bound(plain->data ? hm_slice_of(&plain->text) : sent, LINE_BYTES);

	report_html(p->out, "<details class=\"flow\" id=\"r%luf%zu\"><summary><code>%s</code> ", (unsigned long)run, index,
		    flow->endpoint);
	report_html(p->out, "<span>%'zu %s in %'zu %s; %'lu bytes on the wire; run %lu flow %zu%s</span>", sent.len,
		    sent.len == 1 ? "byte" : "bytes", flow->messages, flow->messages == 1 ? "message" : "messages",
		    (unsigned long)flow->wire, (unsigned long)run, index, flow->literal ? "; address not from DNS" : "");
	if (sent.len)
		report_html(p->out, "<code class=\"line\">%.*s%s</code>", HM_S(line), line.len < (plain->data ? plain->text.len : sent.len) ? " ..." : "");
	hm_bytes_text(p->out, "</summary>\n");
	if (flow->missing)
		report_html(p->out, "<p class=\"cut\">%'lu bytes of it are missing from the capture.</p>\n", (unsigned long)flow->missing);
	if (sent.len)
		put_dump(p, sent, false, cite);
	else
		hm_bytes_text(p->out, "<p class=\"none\">No payload.</p>\n");
	if (plain->tls)
		put_plain(p, plain, cite);
	hm_bytes_text(p->out, "</details>\n");
}

static int put_run_flows(const struct report_page *p, uint64_t run, size_t *shown, size_t *hidden, struct hm_fail *fail)
{
	HM_CLEANUP(hm_flows_release) struct hm_flows flows = { 0 };
	HM_CLEANUP(hm_plains_release) struct hm_plains plains = { 0 };
	int r = report_flows_load(&flows, p->view, run, fail);

	if (r >= 0)
		r = hm_plains_read(&plains, &flows, report_late_tls(p->view), fail);
	if (r < 0)
		return r;
	for (size_t i = 0; i < flows.count; i++) {
		bool cited = report_cited(p->cites, run, REPORT_FLOW, i) != NULL;

		if (cited || *shown < FLOWS_SHOWN)
			put_flow(p, run, i, &flows.list[i], &plains.list[i]);
		*(cited || *shown < FLOWS_SHOWN ? shown : hidden) += 1;
	}
	return 0;
}

int report_page_sent(const struct report_page *p, struct hm_fail *fail)
{
	const json_t *runs = report_list(p->view->assessment, "runs"), *run;
	size_t shown = 0, hidden = 0, i;

	hm_bytes_text(p->out, "<section id=\"sent\">\n<h2>What left</h2>\n<div>\n");
	report_page_ledger(p);
	json_array_foreach (runs, i, run) {
		int r = put_run_flows(p, report_int(run, "run"), &shown, &hidden, fail);

		if (r < 0)
			return r;
	}
	if (hidden)
		report_html(p->out, "<p class=\"cut\">%'zu more flows are not shown here; they are in the packets of their runs.</p>\n",
			    hidden);
	hm_bytes_text(p->out, "</div>\n</section>\n");
	return 0;
}
