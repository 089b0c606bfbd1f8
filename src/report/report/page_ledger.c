/* The ledger: every byte that left, by endpoint, in exactly one class. As bars for the eye, as a table for all else. */
#include "report_internal.h"

#define BARS_SHOWN 24
#define SETS_SHOWN 16 /* of factors, in one bar */
#define ROWS_SHOWN 1000

enum { CONSTANT, EXPLAINED, INFLUENCED, UNACCOUNTED, CLASSES };

/* Fills differ in shade and in pattern, so that neither colour nor paper takes a difference away. */
static const struct {
	const char *name, *fill;
} classes[CLASSES] = {
	[CONSTANT] = { "constant", "" },
	[EXPLAINED] = { "explained", "#dots" },
	[INFLUENCED] = { "influenced", "" },
	[UNACCOUNTED] = { "unaccounted", "#lines" },
};

static uint64_t influenced(const json_t *row)
{
	const json_t *item;
	uint64_t sum = 0;
	size_t i;

	json_array_foreach (report_list(row, "influenced"), i, item)
		sum += report_int(item, "bytes");
	return sum;
}

/* Hundredths of a percent, at most 10,000. */
static uint64_t portion(uint64_t part, uint64_t whole)
{
	for (; whole >> 48; whole >>= 1)
		part >>= 1;
	return !whole ? 0 : part >= whole ? 10000 : part * 10000 / whole;
}

static void put_hundredths(struct hm_bytes *out, const char *name, uint64_t n)
{
	hm_bytes_printf(out, " %s=\"%lu.%02lu%%\"", name, (unsigned long)(n / 100), (unsigned long)(n % 100));
}

/* The patterns that all bars share. They come before the first. */
static void put_patterns(struct hm_bytes *out)
{
	hm_bytes_text(out, "<svg class=\"patterns\" width=\"0\" height=\"0\" aria-hidden=\"true\">"
			   "<pattern id=\"dots\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\"><rect class=\"under\" width=\"6\" height=\"6\"/>"
			   "<circle class=\"dot\" cx=\"1.5\" cy=\"1.5\" r=\"1.1\"/><circle class=\"dot\" cx=\"4.5\" cy=\"4.5\" r=\"1.1\"/></pattern>"
			   "<pattern id=\"lines\" width=\"7\" height=\"7\" patternUnits=\"userSpaceOnUse\"><rect class=\"under\" width=\"7\" height=\"7\"/>"
			   "<path class=\"line-of\" d=\"M-1 8L8 -1M-1 1L1 -1M6 8L8 6\"/></pattern></svg>\n");
}

static void put_fill(struct hm_bytes *out, size_t class)
{
	hm_bytes_printf(out, " class=\"%s\"", classes[class].name);
	if (*classes[class].fill)
		hm_bytes_printf(out, " fill=\"url(%s)\"", classes[class].fill);
}

static void put_part(struct hm_bytes *out, size_t class, uint64_t *at, uint64_t bytes, uint64_t wire)
{
	uint64_t from = portion(*at, wire), to = portion(*at + bytes, wire);

	*at += bytes;
	if (to == from)
		return;
	hm_bytes_text(out, "<rect");
	put_hundredths(out, "x", from);
	put_hundredths(out, "width", to - from);
	hm_bytes_text(out, " height=\"100%\"");
	put_fill(out, class);
	hm_bytes_text(out, "/>");
}

static void put_bar(struct hm_bytes *out, const json_t *row)
{
	const json_t *item;
	uint64_t wire = report_int(row, "wire"), at = 0;
	size_t i;

	hm_bytes_text(out, "<svg class=\"bar\" width=\"100%\" height=\"26\" aria-hidden=\"true\">");
	put_part(out, CONSTANT, &at, report_int(row, "constant"), wire);
	put_part(out, EXPLAINED, &at, report_int(row, "explained"), wire);
	json_array_foreach (report_list(row, "influenced"), i, item)
		if (i < SETS_SHOWN)
			put_part(out, INFLUENCED, &at, report_int(item, "bytes"), wire);
	put_part(out, UNACCOUNTED, &at, report_int(row, "unaccounted"), wire);
	hm_bytes_text(out, "</svg>");
}

/* Begins an item of the legend. */
static void put_key(struct hm_bytes *out, size_t class, uint64_t bytes, uint64_t wire)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes share = { 0 };
	uint64_t tenths = portion(bytes, wire) / 10;

	hm_bytes_text(out, "<li><svg class=\"key\" width=\"14\" height=\"14\" aria-hidden=\"true\"><rect width=\"14\" height=\"14\"");
	put_fill(out, class);
	report_html(out, "/></svg> <b>%'lu</b> %s", (unsigned long)bytes, classes[class].name);
	report_percent(&share, 10 * tenths);
	if (bytes && tenths)
		report_html(out, " <span class=\"faint\">%.*s %%</span>", HM_S(share));
	else if (bytes)
		hm_bytes_text(out, " <span class=\"faint\">under 0.1 %</span>");
}

static void put_factors(struct hm_bytes *out, const json_t *item)
{
	const json_t *list = report_list(item, "factors"), *factor;
	size_t i;

	hm_bytes_text(out, " by ");
	json_array_foreach (list, i, factor)
		report_html(out, "%s%s", i ? " and " : "", report_say("factor", json_is_string(factor) ? json_string_value(factor) : "?"));
	if (json_is_true(json_object_get(item, "declared")))
		hm_bytes_text(out, ", declared");
}

static void put_legend(struct hm_bytes *out, const json_t *row)
{
	const json_t *list = report_list(row, "influenced"), *item;
	uint64_t wire = report_int(row, "wire");
	size_t i;

	hm_bytes_text(out, "<ul class=\"legend\">");
	put_key(out, CONSTANT, report_int(row, "constant"), wire);
	hm_bytes_text(out, "</li>");
	put_key(out, EXPLAINED, report_int(row, "explained"), wire);
	hm_bytes_text(out, "</li>");
	json_array_foreach (list, i, item) {
		if (i == SETS_SHOWN) {
			report_html(out, "<li>%'zu more sets of factors</li>", json_array_size(list) - i);
			break;
		}
		put_key(out, INFLUENCED, report_int(item, "bytes"), wire);
		put_factors(out, item);
		hm_bytes_text(out, "</li>");
	}
	if (!json_array_size(list)) {
		put_key(out, INFLUENCED, 0, wire);
		hm_bytes_text(out, "</li>");
	}
	put_key(out, UNACCOUNTED, report_int(row, "unaccounted"), wire);
	hm_bytes_text(out, "</li></ul>\n");
}

/* ---- which endpoints have a bar: those to which most went ---- */

struct ranked {
	const json_t *row;
	uint64_t wire;
	size_t at;
};

static int compare_ranked(const void *left, const void *right)
{
	const struct ranked *a = left, *b = right;

	if (a->wire != b->wire)
		return a->wire > b->wire ? -1 : 1;
	return a->at < b->at ? -1 : a->at > b->at;
}

static void put_bars(const struct report_page *p, const json_t *ledger)
{
	size_t count = json_array_size(ledger), i;
	HM_FREE struct ranked *list = hm_alloc(count, sizeof(*list));
	const json_t *row;

	json_array_foreach (ledger, i, row)
		list[i] = (struct ranked){ row, report_int(row, "wire"), i };
	qsort(list, count, sizeof(*list), compare_ranked);
	put_patterns(p->out);
	hm_bytes_text(p->out, "<div class=\"bars\">\n");
	for (i = 0; i < count && i < BARS_SHOWN; i++) {
		report_html(p->out, "<div class=\"account\"><p><code>%s</code> <span class=\"faint\">%'lu bytes</span></p>",
			    report_text(list[i].row, "endpoint"), (unsigned long)list[i].wire);
		put_bar(p->out, list[i].row);
		put_legend(p->out, list[i].row);
		hm_bytes_text(p->out, "</div>\n");
	}
	hm_bytes_text(p->out, "</div>\n");
	if (count > BARS_SHOWN)
		report_html(p->out, "<p class=\"cut\">%'zu more endpoints, to which less went, are in the table.</p>\n", count - BARS_SHOWN);
}

/* ---- the table ---- */

static void put_row(struct hm_bytes *out, const char *endpoint, const uint64_t bytes[5])
{
	report_html(out, "<tr><th scope=\"row\"><code>%s</code></th>", endpoint);
	for (size_t i = 0; i < 5; i++)
		report_html(out, "<td>%'lu</td>", (unsigned long)bytes[i]);
	hm_bytes_text(out, "</tr>\n");
}

static void put_table(const struct report_page *p, const json_t *ledger)
{
	const json_t *row;
	uint64_t sum[5] = { 0 };
	size_t i;

	hm_bytes_text(p->out, "<details><summary>The same as a table</summary>\n<div class=\"scroll\" role=\"region\" aria-label=\"Ledger\" "
			      "tabindex=\"0\"><table class=\"ledger\"><thead><tr><th scope=\"col\">Endpoint</th><th scope=\"col\">On the wire"
			      "</th><th scope=\"col\">Constant</th><th scope=\"col\">Explained</th><th scope=\"col\">Influenced</th>"
			      "<th scope=\"col\">Unaccounted</th></tr></thead><tbody>\n");
	json_array_foreach (ledger, i, row) {
		const uint64_t bytes[5] = { report_int(row, "wire"), report_int(row, "constant"), report_int(row, "explained"),
					    influenced(row), report_int(row, "unaccounted") };

		for (size_t k = 0; k < 5; k++)
			sum[k] += bytes[k];
		if (i < ROWS_SHOWN)
			put_row(p->out, report_text(row, "endpoint"), bytes);
	}
	hm_bytes_text(p->out, "</tbody><tfoot>");
	put_row(p->out, "all", sum);
	hm_bytes_text(p->out, "</tfoot></table></div>");
	if (i > ROWS_SHOWN)
		report_html(p->out, "<p class=\"cut\">%'zu more endpoints are in findings.json; the sums have them.</p>", i - ROWS_SHOWN);
	hm_bytes_text(p->out, "</details>\n");
}

void report_page_ledger(const struct report_page *p)
{
	const json_t *ledger = report_list(p->view->findings, "ledger");

	if (!json_array_size(ledger)) {
		hm_bytes_text(p->out, "<p><b>0 bytes</b> left: no packet went out in any run.</p>\n");
		return;
	}
	hm_bytes_text(p->out, "<p>Every byte of every IP packet that went out, all runs together, in exactly one class: <i>constant</i> is the "
			      "same in every run; <i>explained</i> is the same in both runs of every pair, or follows from what the kernel and the "
			      "chamber decided and recorded; <i>influenced</i> was shown to depend on what varied; <i>unaccounted</i> is the rest, "
			      "unreadable bytes included. A bar is all that went to its endpoint; its parts are true to scale.</p>\n");
	put_bars(p, ledger);
	put_table(p, ledger);
}
