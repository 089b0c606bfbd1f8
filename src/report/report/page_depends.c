/* What the experiment shows: the sentences, factors against endpoints, and which factors were not tested. */
#include "factor.h"
#include "report_internal.h"

#define COLUMNS_SHOWN 8
#define QUOTES_SHOWN 4

/* ---- endpoints as columns: those on which something depends first, then those to which most went ---- */

struct column {
	const char *endpoint; /* "": what is sent as a whole */
	const json_t *row;    /* of the ledger, or NULL */
	bool influenced, disk;
	uint64_t wire;
};

static int compare_columns(const void *left, const void *right)
{
	const struct column *a = left, *b = right;

	/* What was left on disk stands behind all that was sent. */
	if (a->disk != b->disk)
		return b->disk ? -1 : 1;
	if (a->influenced != b->influenced)
		return a->influenced ? -1 : 1;
	if (a->wire != b->wire)
		return a->wire > b->wire ? -1 : 1;
	return strcmp(a->endpoint, b->endpoint);
}

static bool has_influence(const struct report_experiment *x, const char *endpoint)
{
	for (size_t i = 0; i < x->influences; i++)
		if (!x->influence[i].disk && strcmp(x->influence[i].endpoint, endpoint) == 0)
			return true;
	return false;
}

static bool lacks_account(const json_t *claim)
{
	return strcmp(report_text(claim, "verdict"), "not verifiable") == 0 && strcmp(report_text(claim, "reason"), "bytes.unaccounted") == 0;
}

/* Something varies that is no bytes of an endpoint: an order, a number. */
static bool varies_as_a_whole(const struct report_experiment *x)
{
	for (size_t i = 0; i < x->factors; i++)
		if (lacks_account(x->factor[i].claim) && !report_int(report_object(x->factor[i].claim, "values"), "bytes"))
			return true;
	return false;
}

/* Returns how many there are; the caller frees the list. */
static size_t load_columns(struct column **ret, const struct report_experiment *x)
{
	const json_t *ledger = report_list(x->view->findings, "ledger"), *row;
	struct column *list = hm_alloc(json_array_size(ledger) + 2, sizeof(*list));
	size_t count = 0, i;

	json_array_foreach (ledger, i, row)
		list[count++] = (struct column){ report_text(row, "endpoint"), row, has_influence(x, report_text(row, "endpoint")),
						 .wire = report_int(row, "wire") };
	if (has_influence(x, "") || !count || varies_as_a_whole(x))
		list[count++] = (struct column){ "", NULL, has_influence(x, ""), .wire = x->wire };
	if (report_residue(x))
		list[count++] = (struct column){ HM_RESIDUE_ENDPOINT, .disk = true };
	qsort(list, count, sizeof(*list), compare_columns);
	*ret = list;
	return count;
}

static const char *name_of(const struct report_experiment *x, const struct column *c)
{
	return c->disk ? "left on disk" : *c->endpoint ? c->endpoint : x->wire ? "all that left" : "nothing left";
}

/* ---- cells ---- */

struct sum {
	size_t fields, found;
	const struct report_influence *least; /* with the least p */
};

static struct sum sum_up(const struct report_experiment *x, const struct report_factor *f, const struct column *c)
{
	struct sum sum = { 0 };

	for (size_t i = 0; i < x->influences; i++) {
		const struct report_influence *item = &x->influence[i];

		if (item->factor != f || item->disk != c->disk || strcmp(item->endpoint, c->endpoint) != 0)
			continue;
		*(item->proven ? &sum.found : &sum.fields) += 1;
		/* Of one factor all have the same denominator. */
		if (!item->proven && (!sum.least || item->p[0] < sum.least->p[0]))
			sum.least = item;
	}
	return sum;
}

static void put_state(struct hm_bytes *out, const char *class, const char *word)
{
	report_html(out, "<b class=\"state %s\">%s</b>", class, word);
}

static void put_depends(struct hm_bytes *out, const struct sum *sum)
{
	put_state(out, "depends", "depends");
	if (sum->found)
		report_html(out, "<span>%'zu %s of it found</span>", sum->found, sum->found == 1 ? "form" : "forms");
	if (sum->fields)
		report_html(out, "<span>%'zu %s, p %'lu in %'lu</span>", sum->fields, sum->fields == 1 ? "field" : "fields",
			    (unsigned long)sum->least->p[0], (unsigned long)sum->least->p[1]);
}

static void put_unseen(struct hm_bytes *out, const struct report_factor *f, const json_t *claim)
{
	const json_t *bound = report_object(claim, "bound");
	HM_CLEANUP(hm_bytes_release) struct hm_bytes rate = { 0 };

	put_state(out, "unseen", "not seen");
	report_html(out, "<span>%s%'zu %s%s</span>", bound ? "in " : "in its bytes, in ", f->confirm.count, f->confirm.count == 1 ? "pair" : "pairs", bound ? ":" : "");
	if (!bound)
		return;
	report_percent(&rate, report_int(bound, "rate_bp"));
	report_html(out, "<span>at most %.*s %% of them</span>", HM_S(rate));
}

/* What stands against a verdict that is not about bytes: a gap in a record, say. */
static bool put_obstacle(struct hm_bytes *out, const struct report_experiment *x, const struct report_factor *f, const json_t *claim)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes number = { 0 }, words = { 0 };

	bool done = f->confirm.count || x->skipped;

	if (done && (strcmp(report_text(claim, "verdict"), "not verifiable") != 0 || lacks_account(claim)))
		return false;
	put_state(out, "open", "cannot tell");
	report_number(&number, claim);
	report_words(&words, claim);
	if (done)
		report_html(out, "<span>%.*s %.*s</span>", HM_S(number), HM_S(words));
	else
		hm_bytes_text(out, "<span>no pair was done</span>");
	return true;
}

/* Refuted by what a later start sent of it. */
static void put_other(struct hm_bytes *out, const json_t *claim)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes number = { 0 }, words = { 0 };

	put_state(out, "depends", "depends");
	report_number(&number, claim);
	report_words(&words, claim);
	report_html(out, "<span>%.*s %.*s</span>", HM_S(number), HM_S(words));
}

/* What nothing accounts for at the endpoint, unless the claim is upheld: then it was shown to be something else. */
static bool put_rest(struct hm_bytes *out, const struct report_experiment *x, const struct report_factor *f, const struct column *c)
{
	uint64_t bytes = c->row ? report_int(c->row, "unaccounted") : x->unaccounted;

	if (strcmp(report_text(f->claim, "verdict"), "upheld") == 0 || (!bytes && !(lacks_account(f->claim) && !c->row)))
		return false;
	put_state(out, "open", "cannot tell");
	report_html(out, "<span>%'lu %s unaccounted</span>", (unsigned long)bytes, bytes == 1 ? "byte" : "bytes");
	if (!bytes)
		report_html(out, "<span>%'lu fields vary that are none</span>",
			    (unsigned long)report_int(report_object(f->claim, "values"), "features"));
	return true;
}

static void put_cell(struct hm_bytes *out, const struct report_experiment *x, const struct report_factor *f, const struct column *c)
{
	struct sum sum = sum_up(x, f, c);
	const json_t *claim = c->disk ? x->residue : f->claim;

	report_html(out, "<td role=\"cell\"><i class=\"label\" aria-hidden=\"true\">%s</i>", name_of(x, c));
	if (sum.fields || sum.found)
		put_depends(out, &sum);
	else if (c->disk && f != report_residue(x))
		hm_bytes_text(out, "<span>not compared</span>");
	else if (c->disk && strcmp(report_text(claim, "verdict"), "refuted") == 0)
		put_other(out, claim);
	else if (!put_obstacle(out, x, f, claim) && (c->disk || !put_rest(out, x, f, c)))
		put_unseen(out, f, claim);
	hm_bytes_text(out, "</td>");
}

static void put_matrix(const struct report_page *p)
{
	const struct report_experiment *x = p->experiment;
	HM_FREE struct column *columns = NULL;
	size_t count = load_columns(&columns, x), shown = count < COLUMNS_SHOWN ? count : COLUMNS_SHOWN;

	hm_bytes_text(p->out, "<div class=\"scroll\" role=\"region\" aria-label=\"Influence\" tabindex=\"0\"><table role=\"table\" class=\"influence\">"
			      "<caption>What varied, against where bytes went. <i>Depends</i>: what went there was shown to depend on it; "
			      "chance alone shows as much in <i>p</i> of so many orders of the pairs, and 1 in 100 or less counts. <i>Not seen</i>: "
			      "every byte that went there is accounted for, and none depends on it; a dependence that shows itself in more "
			      "pairs than the bound says would have been seen. <i>Cannot tell</i>: what nothing accounts for could carry it."
			      "</caption>"
			      "<thead role=\"rowgroup\"><tr role=\"row\"><th role=\"columnheader\" scope=\"col\">Varied</th>");
	for (size_t k = 0; k < shown; k++)
		report_html(p->out, "<th role=\"columnheader\" scope=\"col\"><code>%s</code></th>", name_of(x, &columns[k]));
	hm_bytes_text(p->out, "</tr></thead><tbody role=\"rowgroup\">\n");
	for (size_t i = 0; i < x->factors; i++) {
		const struct report_factor *f = &x->factor[i];

		report_html(p->out, "<tr role=\"row\"><th role=\"rowheader\" scope=\"row\">%s <code>%s</code></th>", report_say("factor", f->name),
			    f->name);
		for (size_t k = 0; k < shown; k++)
			put_cell(p->out, x, f, &columns[k]);
		hm_bytes_text(p->out, "</tr>\n");
	}
	hm_bytes_text(p->out, "</tbody></table></div>\n");
	if (count > shown)
		report_html(p->out, "<p class=\"cut\">%'zu more endpoints are in the ledger below; nothing that went there was shown to depend on "
				    "a factor, or there are more of these than are shown.</p>\n", count - shown);
}

/* ---- sentences, and what was not tested ---- */

void report_page_quotes(const struct report_page *p)
{
	const struct report_experiment *x = p->experiment;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes scope = { 0 };
	size_t shown = 0;

	/* What was found before what was not; of a factor what was sent before what was left on disk. */
	for (size_t i = 0; i < 4 * x->factors; i++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
		const struct report_factor *f = &x->factor[i % (2 * x->factors) / 2];
		bool found = i < 2 * x->factors, disk = i % 2;

		if ((disk && f != report_residue(x)) || report_depends(x, f, disk) != found || shown++ >= QUOTES_SHOWN)
			continue;
		report_quote(&text, x, f, disk);
		report_html(p->out, "<p class=\"quote%s\">%.*s</p>\n", found ? " depends" : "", HM_S(text));
	}
	if (!shown)
		return;
	report_quote_scope(&scope, x->view);
	report_html(p->out, "<p class=\"faint\">Not asserted: %.*s.%s</p>\n", HM_S(scope),
		    shown > QUOTES_SHOWN ? " What varied besides is below." : "");
}

static bool is_tested(const struct report_experiment *x, size_t row)
{
	for (size_t i = 0; i < x->factors; i++)
		if (hm_factor_covers(x->factor[i].name, row))
			return true;
	return false;
}

static void put_untested(const struct report_page *p)
{
	size_t count = 0;

	for (size_t i = 0; i < hm_factor_count; i++)
		count += !is_tested(p->experiment, i);
	report_html(p->out, "<h3>Not tested</h3>\n<p>Of %'zu kinds of information that this program knows, the pairs did not differ in %'zu: "
			    "nothing follows for or against these.</p>\n<details><summary>%'zu %s</summary>\n<ul class=\"untested\">\n",
		    hm_factor_count, count, count, count == 1 ? "kind" : "kinds");
	for (size_t i = 0; i < hm_factor_count; i++)
		if (!is_tested(p->experiment, i))
			report_html(p->out, "<li><code>%s</code> <span>%s</span> <i>%s%s</i></li>\n", hm_factors[i].name,
				    report_say("factor", hm_factors[i].name), hm_factors[i].cannot ? "cannot be set: " : "not asked for",
				    hm_factors[i].cannot ? hm_factors[i].cannot : "");
	hm_bytes_text(p->out, "</ul></details>\n");
}

/* What did not go as planned. */
static void put_history(const struct report_page *p)
{
	static const struct {
		const char *member, *one, *many, *words;
	} rows[] = {
		{ "skipped", "pair", "pairs", "skipped: there was nothing to confirm" },
		{ "not_set_up", "pair", "pairs", "not made, since the surroundings of its runs could not be: neither product had begun" },
		{ "repeated", "attempt", "attempts", "made again, since the surroundings could not be made: neither product had begun" },
		{ "resumed", "time", "times", "interrupted and resumed: the seed was in the bundle that it went on from" },
	};
	const json_t *experiment = report_object(p->view->findings, "experiment");

	for (size_t i = 0; i < HM_COUNT(rows); i++) {
		unsigned long n = report_int(experiment, rows[i].member);

		if (n)
			report_html(p->out, "<p><b>%'lu</b> %s %s.</p>\n", n, n == 1 ? rows[i].one : rows[i].many, rows[i].words);
	}
}

int report_page_depends(const struct report_page *p, struct hm_fail *fail)
{
	const struct report_experiment *x = p->experiment;
	size_t pairs = 0;
	int r;

	if (!x->screened)
		return 0;
	for (size_t i = 0; i < x->factors; i++)
		pairs += x->factor[i].confirm.count;
	report_html(p->out, "<section id=\"depends\">\n<h2>What it depends on</h2>\n<div>\n<p>By experiment: <b>%'lu</b> %s of runs in which all "
			    "of the below varied at once, to find what to look at, then <b>%'zu</b> in each of which one of it varied and nothing "
			    "else, to confirm it. The two runs of a pair went on side by side; a coin chose which had level 0 and which level 1."
			    "</p>\n", (unsigned long)x->screened, x->screened == 1 ? "pair" : "pairs", pairs);
	if (x->send.count)
		report_html(p->out, "<p>Then <b>%'zu</b> of two runs each, one behind the other: a run without a network, that left on disk what it left, "
				    "and a day later one with a network that began with it and found documents that were the same in both.</p>\n",
			    x->send.count);
	put_history(p);
	put_matrix(p);
	if (x->beyond)
		report_html(p->out, "<p class=\"cut\">%'zu more influences are in findings.json.</p>\n", x->beyond);
	report_page_located(p);
	r = report_page_aligned(p, fail);
	if (r < 0)
		return r;
	put_untested(p);
	hm_bytes_text(p->out, "</div>\n</section>\n");
	return 0;
}
