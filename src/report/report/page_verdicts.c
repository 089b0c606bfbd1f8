/* The head of the page, and the verdict of every claim under the four questions. */
#include <time.h>

#include "report_internal.h"

static size_t count_verdict(const json_t *claims, const char *word)
{
	const json_t *claim;
	size_t i, count = 0;

	json_array_foreach (claims, i, claim)
		count += strcmp(report_text(claim, "verdict"), word) == 0;
	return count;
}

static void put_summary(const struct report_page *p)
{
	static const char *const words[] = { "refuted", "not verifiable", "upheld" };
	const json_t *claims = report_list(p->view->findings, "claims");
	struct hm_slice content;

	hm_bytes_text(p->out, "<p class=\"summary\">");
	for (size_t i = 0; i < HM_COUNT(words); i++) {
		size_t count = count_verdict(claims, words[i]);

		/* Colour is for what is there. */
		report_html(p->out, "<b class=\"%s\">%'zu</b> %s, ", count ? report_verdict(words[i]).class : "zero", count, words[i]);
	}
	report_html(p->out, "<b>%'zu</b> not tested</p>\n", json_array_size(report_list(p->view->findings, "not_tested")));
	if (hm_parts_get(p->view->parts, "redaction.json", &content))
		hm_bytes_text(p->out, "<p><b>Some of the evidence is withheld</b> from this bundle; redaction.json lists what. Whoever signed it had all of it. "
				      "Where this page shows none, there may have been some; hallmark verify tells which verdicts can still be derived.</p>\n");
}

static void put_supplier(const struct report_page *p)
{
	const json_t *supplier = report_object(report_object(p->view->findings, "product"), "supplier");
	const json_t *control = report_object(supplier, "control");

	if (!supplier) {
		hm_bytes_text(p->out, "<dt>Supplier</dt><dd>not known to this assessment</dd>\n");
		return;
	}
	report_html(p->out, "<dt>Supplier</dt><dd>%s</dd>\n<dt>Controlled from</dt><dd>", report_text(supplier, "name"));
	if (control && *report_text(control, "since"))
		report_html(p->out, "%s since %s", report_text(control, "country"), report_text(control, "since"));
	else
		report_html(p->out, "%s", control ? report_text(control, "country") : "not known to this assessment");
	if (control)
		report_html(p->out, ". <span class=\"faint\">Source: %s</span>", report_text(control, "source"));
	hm_bytes_text(p->out, "</dd>\n");
}

/* Arguments as a shell would take them back: quoted where they hold what a shell would read otherwise. */
static void put_argument(struct hm_bytes *out, const char *argument)
{
	bool plain = *argument && strspn(argument, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
						   "_-+=.,/:@%^{}") == strlen(argument);

	report_html(out, plain ? "%s" : "'%s'", argument);
}

static void put_command(const struct report_page *p)
{
	const json_t *argv = report_list(report_object(p->view->findings, "product"), "argv"), *argument;
	const char *input = report_text(p->view->plan, "stdin");
	size_t i;

	hm_bytes_text(p->out, "<dt>Command</dt><dd><code>");
	json_array_foreach (argv, i, argument) {
		const char *text = json_string_value(argument);

		hm_bytes_text(p->out, i ? " " : "");
		put_argument(p->out, text ? text : "?");
	}
	if (*input)
		report_html(p->out, " &lt; %s", input);
	hm_bytes_text(p->out, "</code></dd>\n");
}

static void put_time(struct hm_bytes *out, uint64_t us)
{
	time_t seconds = (time_t)(us / 1000000);
	char text[32];
	struct tm tm;

	if (us && gmtime_r(&seconds, &tm) && strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm))
		report_html(out, "%s", text);
	else
		hm_bytes_text(out, "not told");
}

static void put_runs(const struct report_page *p)
{
	const json_t *runs = report_list(p->view->assessment, "runs");
	const json_t *experiment = report_object(p->view->findings, "experiment");
	size_t count = json_array_size(runs);

	report_html(p->out, "<dt>Assessed</dt><dd>in %'zu %s, internet %s, first run ", count, count == 1 ? "run" : "runs",
		    report_text(experiment, "internet"));
	put_time(p->out, report_int(json_array_get(runs, 0), "start_us"));
	hm_bytes_text(p->out, " <span class=\"faint\">(by the assessor's clock)</span></dd>\n");
}

void report_page_head(const struct report_page *p)
{
	const struct report_view *v = p->view;

	report_html(p->out, "<header>\n<p class=\"kind\">Hallmark assessment</p>\n<h1>%s <span>%s</span></h1>\n", v->name,
		    v->version);
	put_summary(p);
	report_page_quotes(p);
	hm_bytes_text(p->out, "<dl class=\"facts\">\n");
	put_supplier(p);
	put_command(p);
	put_runs(p);
	report_html(p->out, "<dt>Declaration</dt><dd>%s</dd>\n",
		    v->declaration ? report_say("author", report_text(v->declaration, "author")) : "none");
	if (*v->bundle_id)
		report_html(p->out, "<dt>Bundle</dt><dd><code class=\"digest\">%s</code></dd>\n", v->bundle_id);
	hm_bytes_text(p->out, "</dl>\n<nav aria-label=\"Sections\">");
	if (p->experiment->screened)
		hm_bytes_text(p->out, "<a href=\"#depends\">What it depends on</a> ");
	hm_bytes_text(p->out, "<a href=\"#verdicts\">Verdicts</a> <a href=\"#limits\">Not asserted</a> <a href=\"#witnesses\">Witnesses</a> <a href=\"#sent\">What left</a> <a href=\"#read\">What was read</a> "
			      "<a href=\"#processes\">Processes</a> <a href=\"#left\">Left on disk</a> "
			      "<a href=\"#method\">Method</a> <a href=\"#events\">Evidence</a> "
			      "<a href=\"#check\">Check it</a></nav>\n</header>\n");
}

/* Whether the page shows what is cited, so that a link to it leads somewhere. */
static bool is_shown(const struct report_activity *a, const struct report_cite *c)
{
	if (c->of == REPORT_ENTRY)
		return c->run == a->process_run;
	for (size_t i = 0; c->of == REPORT_EVENT && i < a->events; i++)
		if (a->event[i].run == c->run && a->event[i].index == c->index)
			return true;
	return c->of == REPORT_FLOW;
}

static void put_cite(const struct report_page *p, const struct report_cite *c)
{
	unsigned long run = c->run, index = c->index;
	const char *of = report_of_name(c->of);
	bool shown = is_shown(p->activity, c);

	/* Anchors say "t" for an entry of the tree: "e" is an event's. */
	if (shown)
		report_html(p->out, "<a href=\"#r%lu%.*s%lu\">", run, 1, c->of == REPORT_ENTRY ? "t" : of, index);
	report_html(p->out, "run %lu %s %'lu", run, of, index);
	hm_bytes_text(p->out, shown ? "</a>" : " (not on this page)");
	if (c->length)
		report_html(p->out, c->tls ? " bytes %'lu to %'lu inside TLS" : " bytes %'lu to %'lu", (unsigned long)c->offset, (unsigned long)(c->offset + c->length - 1));
}

static void put_evidence(const struct report_page *p, const json_t *claim)
{
	const json_t *list = report_list(claim, "evidence"), *item;
	size_t i;

	if (!json_array_size(list))
		return;
	hm_bytes_text(p->out, "<p class=\"evidence\">Evidence: ");
	json_array_foreach (list, i, item) {
		struct report_cite cite = report_cite_read(item);

		if (i == REPORT_CITES_SHOWN) {
			report_html(p->out, " and %'zu more in findings.json", json_array_size(list) - i);
			break;
		}
		hm_bytes_text(p->out, i ? ", " : "");
		put_cite(p, &cite);
	}
	hm_bytes_text(p->out, "</p>");
}

/* A claim whose bound every claim with one of that unit (pairs or runs) has; NULL when they differ or there is none. */
static const json_t *common_bound(const struct report_page *p, bool pairs)
{
	const json_t *claim, *common = NULL, *first = NULL;
	size_t i;

	json_array_foreach (report_list(p->view->findings, "claims"), i, claim) {
		const json_t *bound = report_object(claim, "bound");

		if (!bound || report_counts_pairs(p->experiment, report_text(claim, "id")) != pairs)
			continue;
		if (common && !json_equal(bound, common))
			return NULL;
		common = bound;
		first = first ? first : claim;
	}
	return first;
}

static void put_bound(const struct report_page *p, const json_t *claim)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	const char *id = report_text(claim, "id");

	if (!report_object(claim, "bound") || common_bound(p, report_counts_pairs(p->experiment, id)))
		return;
	report_quote_bound(&text, p->experiment, claim);
	report_html(p->out, "<p class=\"evidence\">Bound: %.*s.</p>", HM_S(text));
}

/* What is the same for all is said once. */
static void put_common_bounds(const struct report_page *p)
{
	const json_t *runs = common_bound(p, false), *pairs = common_bound(p, true);
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };

	if (!runs && !pairs)
		return;
	if (runs)
		report_quote_bound(&text, p->experiment, runs);
	hm_bytes_text(&text, runs && pairs ? "; where pairs were compared, " : "");
	if (pairs)
		report_quote_bound(&text, p->experiment, pairs);
	report_html(p->out, "<p>Each <i>upheld</i> is bounded: %.*s.</p>\n", HM_S(text));
}

/* What suppliers answer to this claim. */
static void put_replies(const struct report_page *p, const char *id)
{
	const json_t *row, *answer;
	size_t i, k;

	json_array_foreach (report_list(p->view->replies, "replies"), i, row)
		json_array_foreach (report_list(row, "claims"), k, answer) {
			const char *version = report_text(answer, "fixed_in");

			if (strcmp(report_text(answer, "id"), id) != 0)
				continue;
			report_html(p->out, "<p class=\"evidence\">%s answers: <b>%s%s%s</b>. %s</p>", report_text(row, "supplier"), report_text(answer, "answer"), *version ? " in " : "",
				    version, report_text(answer, "text"));
		}
}

/* Who says so, once. */
static void put_suppliers_word(const struct report_page *p)
{
	const json_t *row;
	size_t i;

	json_array_foreach (report_list(p->view->replies, "replies"), i, row) {
		if (strcmp(report_text(row, "kind"), "declaration") == 0) {
			report_html(p->out, "<p>The declaration that this was judged by is signed by the supplier's key <code>%s</code>.</p>\n", report_text(row, "key"));
			continue;
		}
		report_html(p->out, "<p>%s answered on %s, under key <code>%s</code>. Its answers stand beside the claims; they are the supplier's word and change no verdict.</p>\n",
			    report_text(row, "supplier"), report_text(row, "date"), report_text(row, "key"));
		if (*report_text(row, "statement"))
			report_html(p->out, "<blockquote class=\"quote\">%s</blockquote>\n", report_text(row, "statement"));
	}
}

static void put_claim(const struct report_page *p, const json_t *claim)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes number = { 0 }, words = { 0 };
	const char *id = report_text(claim, "id");
	struct report_verdict verdict = report_verdict(report_text(claim, "verdict"));

	report_number(&number, claim);
	report_words(&words, claim);
	report_html(p->out, "<tr role=\"row\"><th role=\"rowheader\" scope=\"row\" id=\"%s\"><code>%s</code><span>%s</span></th>", id, id,
		    report_statement(p->view, id));
	report_html(p->out, "<td role=\"cell\"><p><b>%.*s</b> %.*s</p>", HM_S(number), HM_S(words));
	if (report_counts_pairs(p->experiment, id))
		hm_bytes_text(p->out, "<p class=\"evidence\"><a href=\"#depends\">What the pairs of runs show</a></p>");
	put_evidence(p, claim);
	put_bound(p, claim);
	put_replies(p, id);
	report_html(p->out, "</td><td role=\"cell\"><span class=\"verdict %s\">%s</span></td></tr>\n", verdict.class, verdict.word);
}

static bool has_rank(const char *verdict, size_t rank)
{
	static const char *const words[] = { "refuted", "not verifiable", "upheld" };

	for (size_t i = 0; i < HM_COUNT(words); i++)
		if (strcmp(words[i], verdict) == 0)
			return i == rank;
	return rank == HM_COUNT(words);
}

/* Rows of one question, worst first. */
static size_t put_question(const struct report_page *p, const struct report_question *q)
{
	const json_t *claims = report_list(p->view->findings, "claims"), *claim;
	size_t rows = 0, i;

	for (size_t rank = 0; rank < 4; rank++)
		json_array_foreach (claims, i, claim) {
			if (report_int(claim, "question") != q->number || !has_rank(report_text(claim, "verdict"), rank))
				continue;
			if (rows++ == 0)
				hm_bytes_text(p->out, "<table role=\"table\" class=\"claims\"><thead role=\"rowgroup\"><tr role=\"row\">"
						      "<th role=\"columnheader\" scope=\"col\">Claim</th>"
						      "<th role=\"columnheader\" scope=\"col\">Finding</th>"
						      "<th role=\"columnheader\" scope=\"col\">Verdict</th></tr></thead>"
						      "<tbody role=\"rowgroup\">\n");
			put_claim(p, claim);
		}
	if (rows)
		hm_bytes_text(p->out, "</tbody></table>\n");
	return rows;
}

static void put_not_tested(const struct report_page *p)
{
	const json_t *list = report_list(p->view->findings, "not_tested"), *row;
	size_t i;

	hm_bytes_text(p->out, "<h3>Not tested</h3>\n<p>These claims were not judged; nothing follows from this page for or against "
			      "them.</p>\n<ul class=\"untested\">\n");
	json_array_foreach (list, i, row) {
		report_html(p->out, "<li><code>%s</code> <span>%s</span> <i>%s</i>", report_text(row, "id"), report_statement(p->view, report_text(row, "id")),
			    report_say("not_tested", report_text(row, "reason")));
		put_replies(p, report_text(row, "id"));
		hm_bytes_text(p->out, "</li>\n");
	}
	hm_bytes_text(p->out, "</ul>\n");
}

void report_page_verdicts(const struct report_page *p)
{
	hm_bytes_text(p->out, "<section id=\"verdicts\">\n<h2>Verdicts</h2>\n<div>\n");
	put_common_bounds(p);
	put_suppliers_word(p);
	for (size_t i = 0; i < HM_COUNT(report_questions); i++) {
		const struct report_question *q = &report_questions[i];

		if (q->number)
			report_html(p->out, "<h3><span class=\"n\">%lu</span> %s</h3>\n", (unsigned long)q->number, q->sentence);
		else
			report_html(p->out, "<h3>%s</h3>\n", q->sentence);
		if (!put_question(p, q))
			hm_bytes_text(p->out, "<p class=\"none\">No claim here was judged.</p>\n");
	}
	put_not_tested(p);
	hm_bytes_text(p->out, "</div>\n</section>\n");
}
