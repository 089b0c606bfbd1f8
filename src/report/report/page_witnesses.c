/* How far the record can be relied on: what two witnesses saw, what one saw alone, and whether the recorder saw all that the
 * self-test did. */
#include "report_internal.h"

#define WAYS_SHOWN 200
#define CALLS_SHOWN 100
#define TEXT_SHOWN 300

typedef void (*say)(struct hm_bytes *out, const struct report_witnessed *w);

static void put_said(struct hm_bytes *out, const struct hm_bytes *said, bool doubt)
{
	report_html(out, doubt ? "<b class=\"open\">%.*s</b>" : "%.*s", HM_S(*said));
}

static void put_fact(const struct report_page *p, const char *name, say sentence, const struct report_witnessed *w, bool doubt,
		     const char *more)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes said = { 0 };

	sentence(&said, w);
	report_html(p->out, "<dt>%s</dt><dd>", name);
	put_said(p->out, &said, doubt);
	report_html(p->out, "%s", *more ? ". " : "");
	if (*more)
		report_html(p->out, "<span class=\"faint\">%s</span>", more);
	hm_bytes_text(p->out, "</dd>\n");
}

static void put_reconciled(const struct report_page *p, const struct report_witnessed *w)
{
	report_html(p->out, "<p>What the witnesses of reads, of sends and of what lives say of each other, in %'zu %s:</p>\n"
			    "<dl class=\"facts\">\n", w->runs, w->runs == 1 ? "run" : "runs");
	put_fact(p, "Reads", report_say_reads, w, w->read_calls_only || w->pages_only || w->unnamed || (w->documents && !w->reads_twice),
		 w->documents ? "Bytes that were read twice count twice" : "");
	put_fact(p, "Sends", report_say_sends, w, w->sent_calls_only || w->sockets_only,
		 w->sockets ? "Of every family, those between processes too" : "");
	put_fact(p, "Packets", report_say_packets, w, w->missing,
		 w->unowned ? "What has none the kernel makes itself: ARP, ICMP, a reset" : "");
	put_fact(p, "Stops", report_say_stops, w, false,
		 w->stops ? "So that no event is lost. A product can notice: some of its calls return early" : "");
	put_fact(p, "Looks", report_say_looks, w, w->unexplained, "");
	hm_bytes_text(p->out, "</dl>\n");
}

static uint64_t number_in(const json_t *row, const char *group, const char *name)
{
	return report_int(report_object(row, group), name);
}

/* Run by run, where there is more than one. */
static void put_runs(const struct report_page *p)
{
	const json_t *list = report_list(p->view->findings, "reconciled"), *row;
	size_t i;

	if (json_array_size(list) < 2)
		return;
	hm_bytes_text(p->out, "<details><summary>Run by run</summary>\n<div class=\"scroll\" role=\"region\" aria-label=\"Witnesses run by run\" "
			      "tabindex=\"0\"><table class=\"ledger\"><thead><tr><th scope=\"col\">Run</th><th scope=\"col\">Documents read</th>"
			      "<th scope=\"col\">Bytes</th><th scope=\"col\">By one witness</th><th scope=\"col\">Packets</th>"
			      "<th scope=\"col\">Owned</th><th scope=\"col\">Stops</th><th scope=\"col\">Unexplained</th></tr></thead><tbody>\n");
	json_array_foreach (list, i, row)
		report_html(p->out, "<tr><th scope=\"row\">%lu</th><td>%'lu</td><td>%'lu</td><td>%'lu</td><td>%'lu</td><td>%'lu</td>"
				    "<td>%'lu</td><td>%'lu</td></tr>\n", (unsigned long)report_int(row, "run"),
			    (unsigned long)number_in(row, "reads", "documents"), (unsigned long)number_in(row, "reads", "bytes"),
			    (unsigned long)(number_in(row, "reads", "calls_only") + number_in(row, "reads", "pages_only")),
			    (unsigned long)number_in(row, "packets", "captured"), (unsigned long)number_in(row, "packets", "owned"),
			    (unsigned long)number_in(row, "stopped", "times"), (unsigned long)number_in(row, "state", "unexplained"));
	hm_bytes_text(p->out, "</tbody></table></div></details>\n");
}

struct tried {
	const char *name;
	uint64_t done, denied;
};

/* Calls of all runs by name, in the order in which they come; returns how many names. Those behind CALLS_SHOWN only count in `more`. */
static size_t add_up_calls(const json_t *list, struct tried *tried, size_t *more)
{
	const json_t *row, *call;
	size_t i, k, count = 0;

	json_array_foreach (list, i, row)
		json_array_foreach (report_list(row, "calls"), k, call) {
			const char *name = report_text(call, "call");
			size_t at = 0;

			while (at < count && strcmp(tried[at].name, name) != 0)
				at++;
			if (at == CALLS_SHOWN) {
				++*more;
				continue;
			}
			count += at == count;
			tried[at].name = name;
			tried[at].done += report_int(call, "done");
			tried[at].denied += report_int(call, "denied");
		}
	return count;
}

static void put_calls(const struct report_page *p)
{
	struct tried tried[CALLS_SHOWN] = { 0 };
	size_t more = 0, count = add_up_calls(report_list(p->view->findings, "reconciled"), tried, &more);

	if (!count)
		return;
	hm_bytes_text(p->out, "<h3>Calls that reach behind the recorder</h3>\n<div class=\"scroll\" role=\"region\" aria-label=\"Calls that reach "
			      "behind the recorder\" tabindex=\"0\"><table class=\"ledger\"><thead><tr><th scope=\"col\">Call</th>"
			      "<th scope=\"col\">Refused</th><th scope=\"col\">Done</th></tr></thead><tbody>\n");
	for (size_t i = 0; i < count; i++) {
		hm_bytes_text(p->out, "<tr><th scope=\"row\"><code>");
		report_html_bound(p->out, hm_slice_text(tried[i].name), TEXT_SHOWN);
		report_html(p->out, "</code></th><td>%'lu</td>", (unsigned long)tried[i].denied);
		report_html(p->out, tried[i].done ? "<td><b class=\"open\">%'lu</b></td></tr>\n" : "<td>%'lu</td></tr>\n",
			    (unsigned long)tried[i].done);
	}
	hm_bytes_text(p->out, "</tbody></table></div>\n");
	if (more)
		report_html(p->out, "<p class=\"cut\">%'zu more are in findings.json.</p>\n", more);
}

static const char *class_of(const char *result)
{
	return strcmp(result, "missed") == 0 ? "verdict refuted" : "faint";
}

static void put_way(const struct report_page *p, const json_t *row)
{
	const json_t *witnesses = report_list(row, "witnesses"), *witness;
	const char *result = report_text(row, "result"), *why = report_text(row, "why");
	size_t i;

	hm_bytes_text(p->out, "<tr><th scope=\"row\">");
	report_html_bound(p->out, hm_slice_text(report_text(row, "way")), TEXT_SHOWN);
	report_html(p->out, " <span class=\"faint\">%s%s", report_say("way", report_text(row, "kind")),
		    json_array_size(witnesses) ? ", seen by " : "");
	json_array_foreach (witnesses, i, witness)
		report_html(p->out, "%s%s", i ? " and " : "", report_say("witness", json_is_string(witness) ? json_string_value(witness) : "?"));
	hm_bytes_text(p->out, *why ? ": " : "");
	report_html_bound(p->out, hm_slice_text(why), TEXT_SHOWN);
	report_html(p->out, "</span></th><td><span class=\"%s\">%s</span></td></tr>\n", class_of(result), report_say("tried", result));
}

/* What was missed first: it is why no verdict stands. */
static void put_ways(const struct report_page *p, const struct report_self_test *t)
{
	const json_t *row;
	size_t i, shown = 0;

	if (!json_array_size(t->rows))
		return;
	report_html(p->out, "<details%s><summary>%'zu %s</summary>\n<div class=\"scroll\" role=\"region\" aria-label=\"Self-test\" "
			    "tabindex=\"0\"><table class=\"list\"><thead><tr><th scope=\"col\">What the subject did</th>"
			    "<th scope=\"col\">Result</th></tr></thead><tbody>\n",
		    t->missed ? " open" : "", json_array_size(t->rows), json_array_size(t->rows) == 1 ? "way" : "ways");
	for (int missed = 1; missed >= 0; missed--)
		json_array_foreach (t->rows, i, row)
			if ((strcmp(report_text(row, "result"), "missed") == 0) == missed && shown++ < WAYS_SHOWN)
				put_way(p, row);
	hm_bytes_text(p->out, "</tbody></table></div>");
	if (shown > WAYS_SHOWN)
		report_html(p->out, "<p class=\"cut\">%'zu more are in assessment.json.</p>", shown - WAYS_SHOWN);
	hm_bytes_text(p->out, "</details>\n");
}

static void put_self_test(const struct report_page *p)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes said = { 0 };
	struct report_self_test t = report_self_test(p->view);

	hm_bytes_text(p->out, "<h3>Self-test</h3>\n<p>");
	if (strcmp(t.result, "none") == 0) {
		hm_bytes_text(p->out, "<b class=\"open\">None was made</b>: nothing here shows that the recorder sees every way to read and to send.</p>\n");
		return;
	}
	report_say_self_test(&said, &t);
	hm_bytes_text(p->out, "Before the runs a subject of ours reads and sends in every way that we know, in a chamber like theirs, and the record "
			      "must show each: ");
	put_said(p->out, &said, strcmp(t.result, "passed") != 0);
	hm_bytes_text(p->out, ".</p>\n");
	put_ways(p, &t);
}

void report_page_witnesses(const struct report_page *p)
{
	struct report_witnessed w = report_witnessed(p->view);

	hm_bytes_text(p->out, "<section id=\"witnesses\">\n<h2>Witnesses</h2>\n<div>\n");
	if (w.runs)
		put_reconciled(p, &w);
	else
		hm_bytes_text(p->out, "<p class=\"none\">What the witnesses saw was not held against each other: these findings are of semantics 1, "
				      "whose records have one witness of a read.</p>\n");
	put_runs(p);
	put_calls(p);
	put_self_test(p);
	hm_bytes_text(p->out, "</div>\n</section>\n");
}
