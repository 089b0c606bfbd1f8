/* What a run's witnesses say of each other, added up over the runs, and the sentences about it, which the page and the terminal
 * share. They hold numbers and our own words only. */
#include "report_internal.h"

#define COUNT(group, name, member) { group, name, offsetof(struct report_witnessed, member) }

static const struct {
	const char *group, *name;
	size_t at;
} counts[] = {
	COUNT("reads", "documents", documents),	  COUNT("reads", "files", files),
	COUNT("reads", "bytes", read),		  COUNT("reads", "calls_only", read_calls_only),
	COUNT("reads", "pages_only", pages_only), COUNT("reads", "unnamed", unnamed),
	COUNT("sends", "sockets", sockets),	  COUNT("sends", "bytes", sent),
	COUNT("sends", "calls_only", sent_calls_only), COUNT("sends", "sockets_only", sockets_only),
	COUNT("packets", "captured", captured),	  COUNT("packets", "owned", owned),
	COUNT("packets", "unowned", unowned),	  COUNT("packets", "missing", missing),
	COUNT("state", "looks", looks),		  COUNT("state", "tasks", tasks),
	COUNT("state", "files", held),		  COUNT("state", "mappings", mapped),
	COUNT("state", "unexplained", unexplained), COUNT("stopped", "times", stops),
	COUNT("stopped", "signals", signals),	  COUNT("stopped", "us", stopped_us),
};

static bool has_witness(const json_t *row, const char *of, const char *name)
{
	const json_t *list = report_list(report_object(row, "witnesses"), of), *item;
	size_t i;

	json_array_foreach (list, i, item)
		if (json_is_string(item) && strcmp(json_string_value(item), name) == 0)
			return true;
	return false;
}

static void add_row(struct report_witnessed *w, const json_t *row)
{
	for (size_t i = 0; i < HM_COUNT(counts); i++)
		*(uint64_t *)((char *)w + counts[i].at) += report_int(report_object(row, counts[i].group), counts[i].name);
	w->reads_twice &= has_witness(row, "read", "syscall") && (has_witness(row, "read", "page-cache") ||
								 has_witness(row, "read", "page-cache-add"));
	w->sends_twice &= has_witness(row, "send", "syscall") && has_witness(row, "send", "socket");
	w->runs++;
}

struct report_witnessed report_witnessed(const struct report_view *v)
{
	struct report_witnessed w = { .reads_twice = true, .sends_twice = true };
	const json_t *row;
	size_t i;

	json_array_foreach (report_list(v->findings, "reconciled"), i, row)
		add_row(&w, row);
	return w;
}

static unsigned long ul(uint64_t n)
{
	return (unsigned long)n;
}

static const char *ending(uint64_t n)
{
	return n == 1 ? "" : "s";
}

void report_say_reads(struct hm_bytes *out, const struct report_witnessed *w)
{
	if (!w->documents && !w->read_calls_only && !w->pages_only && !w->unnamed) {
		hm_bytes_text(out, "no planted document");
		return;
	}
	report_term(out, "%'lu planted document%s, %'lu byte%s: ", ul(w->documents), ending(w->documents), ul(w->read), ending(w->read));
	if (!w->reads_twice)
		hm_bytes_text(out, "seen by the calls, without a second witness");
	else if (w->read_calls_only || w->pages_only)
		report_term(out, "seen twice but for %'lu byte%s that only the calls saw and %'lu that only the page cache saw",
			    ul(w->read_calls_only), ending(w->read_calls_only), ul(w->pages_only));
	else
		hm_bytes_text(out, "all seen twice");
	if (w->unnamed)
		report_term(out, "; %'lu file%s that no event names", ul(w->unnamed), ending(w->unnamed));
}

void report_say_sends(struct hm_bytes *out, const struct report_witnessed *w)
{
	if (!w->sockets && !w->sockets_only) {
		hm_bytes_text(out, "no socket sent anything");
		return;
	}
	report_term(out, "%'lu byte%s by %'lu socket%s: ", ul(w->sent), ending(w->sent), ul(w->sockets), ending(w->sockets));
	if (!w->sends_twice)
		hm_bytes_text(out, "seen by the calls, not by the sockets");
	else if (w->sent_calls_only || w->sockets_only)
		report_term(out, "seen twice but for %'lu byte%s that only the calls saw and %'lu that only the sockets saw",
			    ul(w->sent_calls_only), ending(w->sent_calls_only), ul(w->sockets_only));
	else
		hm_bytes_text(out, "all seen twice");
}

void report_say_packets(struct hm_bytes *out, const struct report_witnessed *w)
{
	if (!w->captured && !w->missing) {
		hm_bytes_text(out, "no packet");
		return;
	}
	report_term(out, "%'lu of %'lu packet%s with an owner", ul(w->owned), ul(w->captured), ending(w->captured));
	if (w->unowned)
		report_term(out, ", %'lu without", ul(w->unowned));
	if (w->missing)
		report_term(out, "; %'lu byte%s counted by the kernel and not captured", ul(w->missing), ending(w->missing));
}

void report_say_stops(struct hm_bytes *out, const struct report_witnessed *w)
{
	if (!w->stops) {
		hm_bytes_text(out, "never stopped");
		return;
	}
	report_term(out, "stopped %'lu time%s for %'lu ms in all", ul(w->stops), ending(w->stops), ul((w->stopped_us + 999) / 1000));
	if (w->signals)
		report_term(out, ", %'lu of these by a signal", ul(w->signals));
}

void report_say_looks(struct hm_bytes *out, const struct report_witnessed *w)
{
	report_term(out, "%'lu look%s found %'lu task%s, %'lu open file%s and %'lu mapping%s: ", ul(w->looks), ending(w->looks), ul(w->tasks),
		    ending(w->tasks), ul(w->held), ending(w->held), ul(w->mapped), ending(w->mapped));
	if (w->unexplained)
		report_term(out, "%'lu of them no event explains", ul(w->unexplained));
	else
		hm_bytes_text(out, w->tasks + w->held + w->mapped ? "events explain all of it" : "nothing was left");
}

/* ---- the self-test ---- */

static const struct {
	const char *word, *said;
	size_t at;
} results[] = {
	{ "seen", "seen", offsetof(struct report_self_test, seen) },
	{ "denied", "refused by the chamber", offsetof(struct report_self_test, denied) },
	{ "missed", "missed", offsetof(struct report_self_test, missed) },
	{ "unavailable", "not on this kernel", offsetof(struct report_self_test, unavailable) },
};

struct report_self_test report_self_test(const struct report_view *v)
{
	const json_t *test = json_object_get(report_object(v->assessment, "chamber"), "self_test"), *row;
	struct report_self_test t = { .result = json_is_object(test) ? report_text(test, "result") : "none",
				      .rows = report_list(test, "rows") };
	size_t i;

	json_array_foreach (t.rows, i, row)
		for (size_t k = 0; k < HM_COUNT(results); k++)
			if (strcmp(report_text(row, "result"), results[k].word) == 0)
				++*(uint64_t *)((char *)&t + results[k].at);
	return t;
}

void report_say_self_test(struct hm_bytes *out, const struct report_self_test *t)
{
	const char *comma = "";

	if (strcmp(t->result, "none") == 0) {
		hm_bytes_text(out, "none was made");
		return;
	}
	report_term(out, "%s: %'zu way%s, ", t->result, json_array_size(t->rows), ending(json_array_size(t->rows)));
	for (size_t k = 0; k < HM_COUNT(results); k++) {
		uint64_t count = *(const uint64_t *)((const char *)t + results[k].at);

		if (count)
			report_term(out, "%s%'lu %s", comma, ul(count), results[k].said);
		comma = count ? ", " : comma;
	}
}
