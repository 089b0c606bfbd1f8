/* What the verdicts rest on and where they end: scope, losses, witnesses; the cited events; how to check all of it. */
#include <inttypes.h>

#include "report_internal.h"

static void put_scope(const struct report_page *p)
{
	const json_t *list = report_list(report_object(p->view->findings, "scope"), "not_asserted"), *item;
	size_t i;

	hm_bytes_text(p->out, "<ul>\n");
	json_array_foreach (list, i, item)
		report_html(p->out, "<li>%s</li>\n", report_say("scope", json_is_string(item) ? json_string_value(item) : "?"));
	hm_bytes_text(p->out, "</ul>\n");
}

static void put_losses(const struct report_page *p)
{
	const json_t *list = report_list(p->view->findings, "losses"), *loss;
	const struct report_activity *a = p->activity;
	uint64_t events = 0, packets = 0, withheld = 0, cut = 0, unknown = 0;
	size_t i;

	json_array_foreach (list, i, loss) {
		events += report_int(loss, "events");
		packets += report_int(loss, "packets");
	}
	for (i = 0; i < a->runs; i++) {
		withheld += a->run[i].withheld;
		unknown += a->run[i].unknown;
		cut += a->run[i].cut;
	}
	report_html(p->out, "<dt>Losses</dt><dd>%'lu events and %'lu packets lost in %'zu %s", (unsigned long)events,
		    (unsigned long)packets, a->runs, a->runs == 1 ? "run" : "runs");
	if (cut)
		report_html(p->out, "; %'lu records are cut short", (unsigned long)cut);
	if (withheld)
		report_html(p->out, "; %'lu blocks of records are withheld from this copy", (unsigned long)withheld);
	if (unknown)
		report_html(p->out, "; %'lu events are of kinds that this report does not know", (unsigned long)unknown);
	hm_bytes_text(p->out, "</dd>\n");
}

static void put_witnesses(const struct report_page *p, const char *of, const char *title)
{
	const json_t *witnesses = report_object(report_object(p->view->findings, "experiment"), "witnesses");
	const json_t *list = report_list(witnesses, of), *item;
	size_t i;

	report_html(p->out, "<dt>%s</dt><dd>%'zu %s: ", title, json_array_size(list), json_array_size(list) == 1 ? "witness" : "witnesses");
	json_array_foreach (list, i, item)
		report_html(p->out, "%s%s", i ? ", " : "",
			    report_say("witness", json_is_string(item) ? json_string_value(item) : "?"));
	hm_bytes_text(p->out, "</dd>\n");
}

void report_page_limits(const struct report_page *p)
{
	const char *internet = report_text(report_object(p->view->findings, "experiment"), "internet");

	hm_bytes_text(p->out, "<section id=\"limits\">\n<h2>Not asserted</h2>\n<div>\n<p>A verdict speaks of these runs, on this "
			      "machine, with this internet. Of the following it says nothing:</p>\n");
	put_scope(p);
	hm_bytes_text(p->out, "<dl class=\"facts\">\n");
	put_losses(p);
	put_witnesses(p, "read", "Reads seen by");
	put_witnesses(p, "send", "Sends seen by");
	report_html(p->out, "<dt>Internet</dt><dd>%s</dd>\n", report_say("internet", internet));
	hm_bytes_text(p->out, "<dt>Whose word</dt><dd>This page is not signed. An attestation beside it whose key was made on the "
			      "assessing machine is the assessor's own word and no more: what anybody can check without believing him "
			      "is that the findings follow from the records.</dd>\n</dl>\n</div>\n</section>\n");
}

static void put_field(struct hm_bytes *out, const struct hm_field_info *info, const struct hm_value *value)
{
	report_html(out, " <i>%s</i> ", info->name);
	if (info->type == HM_BYTES)
		report_html_bound(out, value->b, 300);
	else if (info->type == HM_INT)
		hm_bytes_printf(out, "%" PRId64, (int64_t)value->u);
	else
		hm_bytes_printf(out, "%" PRIu64, value->u);
}

static void put_event(const struct report_page *p, const struct report_event *cited)
{
	const struct hm_kind_info *kind;
	struct hm_event event;

	report_html(p->out, "<tr id=\"r%lue%lu\"><th scope=\"row\">run %lu<br>event %'lu</th>", (unsigned long)cited->run,
		    (unsigned long)cited->index, (unsigned long)cited->run, (unsigned long)cited->index);
	if (hm_event_decode(&event, hm_slice_of(&cited->item), NULL) < 0) {
		hm_bytes_text(p->out, "<td>of a kind that this report does not know</td></tr>\n");
		return;
	}
	kind = hm_kind_info(event.kind);
	report_html(p->out, "<td><b>%s</b> <span class=\"faint\">%s; after %'lu microseconds, process %lu, thread %lu</span>"
			    "<code class=\"fields\">", kind->name, kind->meaning, (unsigned long)(event.time / 1000),
		    (unsigned long)event.tgid, (unsigned long)event.tid);
	for (size_t i = 0; i < kind->count; i++)
		put_field(p->out, &kind->fields[i], &event.field[i]);
	hm_bytes_text(p->out, "</code></td></tr>\n");
}

void report_page_events(const struct report_page *p)
{
	hm_bytes_text(p->out, "<section id=\"events\">\n<h2>Evidence</h2>\n<div>\n");
	if (!p->activity->events)
		hm_bytes_text(p->out, "<p class=\"none\">No finding cites an event.</p>\n");
	else
		report_html(p->out, "<p>What the findings cite: <b>%'zu</b> recorded %s. Positions count from 0 in the run's record."
				    "</p>\n<table class=\"events\"><tbody>\n", p->activity->events,
			    p->activity->events == 1 ? "event" : "events");
	for (size_t i = 0; i < p->activity->events; i++)
		put_event(p, &p->activity->event[i]);
	hm_bytes_text(p->out, p->activity->events ? "</tbody></table>\n" : "");
	hm_bytes_text(p->out, "</div>\n</section>\n");
}

void report_page_check(const struct report_page *p)
{
	static const struct {
		const char *command, *tells;
	} rows[] = {
		{ "hallmark verify FILE.hallmark", "every digest, the findings made again from the records, this page made again" },
		{ "hallmark verify FILE.hallmark --key KEY.pub", "and who signed it" },
		{ "hallmark evaluate FILE.hallmark", "the findings, made again from the records" },
		{ "verify.html, in a browser", "digests, roots and signature without installing anything; it comes with hallmark-verify, and recomputes no "
					       "finding" },
		{ "unzip -p FILE.hallmark core.json | sha256sum", "the bundle's identity, without our programs" },
		{ "unzip -p FILE.hallmark runs/0001/packets.pcapng | tshark -r -", "the packets, without our programs" },
	};

	hm_bytes_text(p->out, "<section id=\"check\">\n<h2>Check it</h2>\n<div>\n<p>Nothing here has to be believed, and this page cannot "
			      "vouch for itself: whoever made it could have written anything. The bundle that it belongs to holds all that it was made from; the "
			      "verifier needs no network and no privilege. Take it, and the key, from elsewhere than this page.</p>\n"
			      "<dl class=\"commands\">\n");
	for (size_t i = 0; i < HM_COUNT(rows); i++)
		report_html(p->out, "<dt><code>%s</code></dt><dd>%s</dd>\n", rows[i].command, rows[i].tells);
	hm_bytes_text(p->out, "</dl>\n");
	if (*p->view->bundle_id)
		report_html(p->out, "<p>Bundle <code class=\"digest\">%s</code></p>\n", p->view->bundle_id);
	hm_bytes_text(p->out, "</div>\n</section>\n");
}
