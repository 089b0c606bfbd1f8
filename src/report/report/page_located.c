/* Which document an influence comes from, and which bytes of it: a row for each place, or the reason why there is none. */
#include "report_internal.h"

#define ROWS_SHOWN 100

static void put_cells(struct hm_bytes *out, const json_t *row, const json_t *place)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes field = { 0 }, where = { 0 };
	const json_t *with = report_list(place, "with"), *item, *error = report_list(place, "error");
	size_t i;

	report_field(&field, report_text(row, "feature"));
	report_html(out, "<tr role=\"row\"><th role=\"rowheader\" scope=\"row\">%s <code>%s</code></th><td role=\"cell\">%.*s <code>%s</code></td>",
		    report_say("factor", report_text(row, "factor")), report_text(row, "factor"), HM_S(field), report_text(row, "endpoint"));
	if (!place) {
		report_html(out, "<td role=\"cell\">not located: %s</td><td role=\"cell\"></td></tr>\n", report_say("unlocated", report_text(row, "reason")));
		return;
	}
	report_located_place(&where, place);
	report_html(out, "<td role=\"cell\">%.*s", HM_S(where));
	json_array_foreach (with, i, item)
		report_html(out, "%s%s", i ? ", " : ", together with ", json_is_string(item) ? report_say("factor", json_string_value(item)) : "?");
	report_html(out, "</td><td role=\"cell\">%'lu %s, by chance once in %'lu; all else %s</td></tr>\n", (unsigned long)report_int(place, "blocks"),
		    report_int(place, "blocks") == 1 ? "pair" : "pairs",
		    (unsigned long)(json_is_integer(json_array_get(error, 1)) ? json_integer_value(json_array_get(error, 1)) : 0),
		    strcmp(report_text(row, "rest"), "same") == 0      ? "made none"
		    : strcmp(report_text(row, "rest"), "differs") == 0 ? "counts, too"
								       : "was not tried");
}

void report_page_located(const struct report_page *p)
{
	const json_t *rows = report_list(p->view->findings, "located"), *row, *place;
	size_t shown = 0, i, k;

	if (!json_array_size(rows))
		return;
	report_html(p->out, "<h3>Where it comes from</h3>\n<p><b>%'lu</b> further pairs, each of which varied some documents, or some bytes of one, "
			    "by halves. Offsets count from 0.</p>\n"
			    "<div class=\"scroll\" role=\"region\" aria-label=\"Where it comes from\" tabindex=\"0\"><table role=\"table\" class=\"influence\">"
			    "<thead role=\"rowgroup\"><tr role=\"row\"><th role=\"columnheader\" scope=\"col\">Varied</th>"
			    "<th role=\"columnheader\" scope=\"col\">What depends on it</th><th role=\"columnheader\" scope=\"col\">Comes from</th>"
			    "<th role=\"columnheader\" scope=\"col\">Made the difference in</th></tr></thead><tbody role=\"rowgroup\">\n",
		    (unsigned long)report_int(report_object(p->view->findings, "experiment"), "locate"));
	json_array_foreach (rows, i, row) {
		const json_t *places = report_list(row, "places");

		if (shown >= ROWS_SHOWN)
			break;
		json_array_foreach (places, k, place)
			put_cells(p->out, row, place);
		if (!json_array_size(places))
			put_cells(p->out, row, NULL);
		shown++;
	}
	hm_bytes_text(p->out, "</tbody></table></div>\n");
	if (json_array_size(rows) > shown)
		report_html(p->out, "<p class=\"cut\">%'zu more are in findings.json.</p>\n", json_array_size(rows) - shown);
}
