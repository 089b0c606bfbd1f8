/* The terminal's table: claims down, products across, the number first and then the word. In a row
 * where there is no room for both the word stands below; where there is none for all products they come in several tables. Then, for each verdict that is not `upheld` or that pairs of runs
 * decided, its sentence; then what the verdicts rest on. */
#include "report_internal.h"
#include "table.h"

static const char *const ranks[] = { "refuted", "not verifiable", "upheld" };

static const json_t *find_claim(const struct report_view *v, const char *id)
{
	const json_t *claim;
	size_t i;

	json_array_foreach (report_list(v->findings, "claims"), i, claim)
		if (strcmp(report_text(claim, "id"), id) == 0)
			return claim;
	return NULL;
}

static int compare_rows(const void *left, const void *right)
{
	const struct row *a = left, *b = right;
	uint64_t x = a->question ? a->question : HM_COUNT(report_questions), y = b->question ? b->question : HM_COUNT(report_questions);

	return x != y ? (x < y ? -1 : 1) : strcmp(a->id, b->id);
}

/* Every claim that was judged for one product or another, once. */
static void collect_rows(struct table *t)
{
	for (size_t k = 0; k < t->count; k++) {
		const json_t *claim;
		size_t i, at;

		json_array_foreach (report_list(t->view[k].findings, "claims"), i, claim) {
			const char *id = report_text(claim, "id");

			for (at = 0; at < t->rows && strcmp(t->row[at].id, id) != 0;)
				at++;
			if (at < t->rows)
				continue;
			t->row = hm_realloc(t->row, t->rows + 1, sizeof(*t->row));
			t->row[t->rows++] = (struct row){ id, report_int(claim, "question") };
			if (strlen(id) + 2 > t->label)
				t->label = strlen(id) + 2;
		}
	}
	if (t->rows)
		qsort(t->row, t->rows, sizeof(*t->row), compare_rows);
}

static size_t text_width(const char *text)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes shown = { 0 };

	report_term(&shown, "%s", text);
	return report_columns(hm_slice_of(&shown));
}

static void widen(size_t *width, size_t by)
{
	if (*width < by)
		*width = by;
}

static void measure(struct table *t)
{
	for (size_t k = 0; k < t->count; k++) {
		struct column *c = &t->column[k];
		const json_t *claim;
		size_t i;

		c->word = strlen("not tested");
		json_array_foreach (report_list(t->view[k].findings, "claims"), i, claim) {
			HM_CLEANUP(hm_bytes_release) struct hm_bytes number = { 0 }, shown = { 0 };

			report_brief(&number, claim);
			report_term(&shown, "%.*s", HM_S(number));
			widen(&c->number, report_columns(hm_slice_of(&shown)));
			widen(&c->word, text_width(report_text(claim, "verdict")));
		}
		c->name = text_width(t->view[k].name);
		widen(&c->name, text_width(t->view[k].version));
		if (c->name > NAME_MOST)
			c->name = NAME_MOST;
	}
}

/* The width that a column cannot do without: of its number, or of its word. */
static size_t least(const struct column *c)
{
	size_t width = NAME_LEAST;

	widen(&width, c->number);
	widen(&width, c->word);
	return width;
}

/* The width at which it has all that it wants in one line. */
static size_t most(const struct column *c)
{
	size_t width = c->number + 1 + c->word;

	widen(&width, c->name);
	return width;
}

/* How many columns from `from` on fit, at least one; sets their widths: all that they want, or else equal shares. */
static size_t fit(struct table *t, size_t from)
{
	size_t room = t->width > t->label ? t->width - t->label : 0, needed = 0, wanted = 0, n = 0;

	while (from + n < t->count) {
		needed += GAP + least(&t->column[from + n]);
		if (n && needed > room)
			break;
		wanted += GAP + most(&t->column[from + n]);
		n++;
	}
	for (size_t k = from; k < from + n; k++) {
		struct column *c = &t->column[k];
		size_t share = room / n > GAP ? room / n - GAP : 0;

		c->width = most(c);
		if (wanted > room && c->width > share)
			c->width = share;
		widen(&c->width, least(c));
	}
	return n;
}

/* Ends a line without spaces at its end. */
static void end_line(struct hm_bytes *out)
{
	while (out->len && out->data[out->len - 1] == ' ')
		out->len--;
	hm_bytes_u8(out, '\n');
}

static void pad(struct hm_bytes *out, size_t from, size_t to)
{
	for (; from < to; from++)
		hm_bytes_u8(out, ' ');
}

/* `text` escaped, cut to `width` with "..." where it is longer, padded to it on the right or on the left. */
static void put_cell(struct table *t, const char *text, size_t width, const char *colour, bool right)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes shown = { 0 };
	size_t columns;

	report_term(&shown, "%s", text);
	columns = report_columns(hm_slice_of(&shown));
	if (columns > width) {
		struct hm_slice cut = hm_slice_of(&shown);

		while (report_columns(cut) + 3 > width && cut.len)
			cut = report_bound(cut, cut.len - 1);
		shown.len = cut.len;
		hm_bytes_text(&shown, "...");
		columns = report_columns(hm_slice_of(&shown));
	}
	pad(t->out, right ? columns : width, width);
	hm_bytes_text(t->out, t->colour ? colour : "");
	hm_bytes_slice(t->out, hm_slice_of(&shown));
	hm_bytes_text(t->out, t->colour && *colour ? "\033[0m" : "");
	pad(t->out, right ? width : columns, width);
}

static void put_names(struct table *t, size_t from, size_t to, bool version)
{
	pad(t->out, 0, t->label);
	for (size_t k = from; k < to; k++) {
		pad(t->out, 0, GAP);
		put_cell(t, version ? t->view[k].version : t->view[k].name, t->column[k].width, version ? "" : "\033[1m", false);
	}
	end_line(t->out);
}

/* What a cell holds. */
struct cell {
	struct hm_bytes number; /* ends with NUL */
	struct report_verdict verdict;
};

static void fill_cell(struct cell *cell, const json_t *claim)
{
	*cell = (struct cell){ .verdict = report_verdict(claim ? report_text(claim, "verdict") : "not tested") };
	if (!claim)
		cell->verdict.colour = "";
	report_brief(&cell->number, claim);
	hm_bytes_u8(&cell->number, 0);
}

/* Number to the left, word to the right; where some cell has no room for both, the words get a line of their own. */
static void put_row(struct table *t, const char *id, size_t from, size_t to)
{
	HM_FREE struct cell *cells = hm_alloc(to - from, sizeof(*cells));
	bool tall = false;

	for (size_t k = from; k < to; k++) {
		struct cell *cell = &cells[k - from];

		fill_cell(cell, find_claim(&t->view[k], id));
		tall |= text_width((const char *)cell->number.data) + 1 + text_width(cell->verdict.word) > t->column[k].width;
	}
	report_term(t->out, "  %s", id);
	pad(t->out, strlen(id) + 2, t->label);
	for (size_t k = from; k < to; k++) {
		const struct cell *cell = &cells[k - from];
		size_t word = tall ? 0 : text_width(cell->verdict.word);

		pad(t->out, 0, GAP);
		put_cell(t, (const char *)cell->number.data, t->column[k].width - word, "", false);
		if (!tall)
			put_cell(t, cell->verdict.word, word, cell->verdict.colour, true);
	}
	end_line(t->out);
	for (size_t k = from; tall && k < to; k++) {
		pad(t->out, 0, k == from ? t->label + GAP : GAP);
		put_cell(t, cells[k - from].verdict.word, t->column[k].width, cells[k - from].verdict.colour, true);
	}
	if (tall)
		end_line(t->out);
	for (size_t k = from; k < to; k++)
		hm_bytes_release(&cells[k - from].number);
}

static void put_question(struct table *t, uint64_t number)
{
	for (size_t q = 0; q < HM_COUNT(report_questions); q++)
		if (report_questions[q].number == number && number)
			report_term(t->out, "%lu %s\n", (unsigned long)number, report_questions[q].sentence);
		else if (report_questions[q].number == number)
			report_term(t->out, "- %s\n", report_questions[q].sentence);
}

static void put_matrix(struct table *t, size_t from, size_t to)
{
	put_names(t, from, to, false);
	put_names(t, from, to, true);
	for (size_t i = 0; i < t->rows; i++) {
		if (i == 0 || t->row[i].question != t->row[i - 1].question)
			put_question(t, t->row[i].question);
		put_row(t, t->row[i].id, from, to);
	}
	hm_bytes_u8(t->out, '\n');
}

/* What an experiment shows of the claim, factor by factor, where it is refuted only of those on which something depends; nothing where it was not judged by one. */
static void say_experiment(struct hm_bytes *out, const struct report_experiment *x, const json_t *claim)
{
	bool refuted = strcmp(report_text(claim, "verdict"), "refuted") == 0;

	for (size_t i = 0; i < x->factors; i++) {
		if (x->factor[i].claim != claim || (refuted && !report_depends(x, &x->factor[i], false)))
			continue;
		hm_bytes_text(out, out->len ? " " : "");
		report_quote(out, x, &x->factor[i], false);
	}
	if (claim == x->residue && report_residue(x))
		report_quote(out, x, report_residue(x), true);
}

static void say_reason(struct hm_bytes *out, const json_t *claim)
{
	report_number(out, claim);
	hm_bytes_text(out, out->len ? " " : "");
	report_words(out, claim);
}

/* A claim's sentence; its name with that of the product where there is more than one. Of what is upheld only what pairs of runs show
 * has one. */
static void put_reason(struct table *t, size_t k, const json_t *claim, const char *rank)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes said = { 0 }, text = { 0 };

	say_experiment(&said, &t->experiment[k], claim);
	if (!said.len && strcmp(rank, "upheld") == 0)
		return;
	if (!said.len)
		say_reason(&said, claim);
	report_term(&text, "%s%s%s: %.*s", t->count > 1 ? t->view[k].name : "", t->count > 1 ? " " : "", report_text(claim, "id"), HM_S(said));
	table_paragraph(t, rank, hm_slice_of(&text));
}

/* What pairs show of factors whose claim was not judged, since others of its factors did not vary. */
static void put_unjudged(struct table *t, size_t k)
{
	const struct report_experiment *x = &t->experiment[k];

	for (size_t i = 0; i < x->factors; i++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes said = { 0 }, text = { 0 };

		if (x->factor[i].claim)
			continue;
		report_quote(&said, x, &x->factor[i], false);
		report_term(&text, "%s%s%s: %.*s", t->count > 1 ? t->view[k].name : "", t->count > 1 ? " " : "", x->factor[i].name, HM_S(said));
		table_paragraph(t, report_depends(x, &x->factor[i], false) ? "depends" : "no verdict", hm_slice_of(&text));
	}
}

/* Worst first. */
static void put_reasons(struct table *t)
{
	size_t before = t->out->len;

	for (size_t r = 0; r < HM_COUNT(ranks); r++)
		for (size_t k = 0; k < t->count; k++) {
			const json_t *claim;
			size_t i;

			json_array_foreach (report_list(t->view[k].findings, "claims"), i, claim)
				if (strcmp(report_text(claim, "verdict"), ranks[r]) == 0)
					put_reason(t, k, claim, ranks[r]);
		}
	for (size_t k = 0; k < t->count; k++)
		put_unjudged(t, k);
	if (t->out->len > before)
		hm_bytes_u8(t->out, '\n');
}

static void release(struct table *t)
{
	for (size_t k = 0; k < t->count; k++) {
		report_experiment_release(&t->experiment[k]);
		report_view_release(&t->view[k]);
	}
	free(t->view);
	free(t->experiment);
	free(t->column);
	free(t->row);
}

int hm_report_table(struct hm_bytes *out, const struct hm_parts *const *list, size_t count, unsigned width, bool colour,
		    struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	HM_CLEANUP(release) struct table t = { .out = &text, .width = width, .colour = colour };

	t.view = hm_alloc(count, sizeof(*t.view));
	t.experiment = hm_alloc(count, sizeof(*t.experiment));
	t.column = hm_alloc(count, sizeof(*t.column));
	for (; t.count < count; t.count++) {
		int r = report_view_load(&t.view[t.count], list[t.count], fail);

		if (r == 0)
			r = report_experiment_load(&t.experiment[t.count], &t.view[t.count], fail);
		if (r < 0) {
			report_experiment_release(&t.experiment[t.count]);
			report_view_release(&t.view[t.count]);
			return r;
		}
	}
	collect_rows(&t);
	measure(&t);
	for (size_t from = 0; from < count;) {
		size_t n = fit(&t, from);

		put_matrix(&t, from, from + n);
		from += n;
	}
	put_reasons(&t);
	table_facts(&t);
	hm_bytes_slice(out, hm_slice_of(&text));
	return 0;
}
