#include "table.h"

#define INDENT 16

void table_paragraph(struct table *t, const char *title, struct hm_slice text)
{
	size_t width = t->width > INDENT + 24 ? t->width : INDENT + 24, column = 0;
	struct hm_slice rest = text;

	while (rest.len) {
		const uint8_t *space = memchr(rest.data, ' ', rest.len);
		struct hm_slice word = { rest.data, space ? (size_t)(space - rest.data) : rest.len };
		size_t columns = report_columns(word);

		if (column && column + 1 + columns > width) {
			hm_bytes_u8(t->out, '\n');
			column = 0;
		}
		if (column == 0) {
			hm_bytes_printf(t->out, "%-*s", INDENT, title);
			title = "";
			column = INDENT;
		} else {
			hm_bytes_u8(t->out, ' ');
			column++;
		}
		hm_bytes_slice(t->out, word);
		column += columns;
		rest = (struct hm_slice){ rest.data + word.len + (space != NULL), rest.len - word.len - (space != NULL) };
	}
	hm_bytes_u8(t->out, '\n');
}

#define ENDPOINTS_SAID 4

/* Only of an experiment: without one nothing is constant or explained. */
static void say_ledger(struct hm_bytes *out, const struct report_view *v)
{
	const json_t *list = report_list(v->findings, "ledger"), *row;
	size_t i;

	if (!report_int(report_object(v->findings, "experiment"), "screen"))
		return;
	json_array_foreach (list, i, row) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes said = { 0 };

		if (i == ENDPOINTS_SAID) {
			report_term(out, "; and %'zu more endpoints", json_array_size(list) - i);
			break;
		}
		report_quote_ledger(&said, row);
		report_term(out, "%s%.*s", i ? "; " : "", HM_S(said));
	}
	hm_bytes_text(out, json_array_size(list) ? "" : "nothing");
}

static void say_scope(struct hm_bytes *out, const struct report_view *v)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes said = { 0 };

	if (!report_int(report_object(v->findings, "experiment"), "screen"))
		return;
	report_quote_scope(&said, v);
	report_term(out, "%.*s", HM_S(said));
}

static void say_losses(struct hm_bytes *out, const struct report_view *v)
{
	const json_t *list = report_list(v->findings, "losses"), *loss;
	uint64_t events = 0, packets = 0;
	size_t i;

	json_array_foreach (list, i, loss) {
		events += report_int(loss, "events");
		packets += report_int(loss, "packets");
	}
	report_term(out, "%'lu events and %'lu packets lost in %'zu %s", (unsigned long)events, (unsigned long)packets,
		    json_array_size(report_list(v->assessment, "runs")),
		    json_array_size(report_list(v->assessment, "runs")) == 1 ? "run" : "runs");
}

static void say_list(struct hm_bytes *out, const json_t *list)
{
	const json_t *item;
	size_t i;

	hm_bytes_text(out, json_array_size(list) ? "" : "nobody");
	json_array_foreach (list, i, item)
		report_term(out, "%s%s", i ? " + " : "", json_is_string(item) ? json_string_value(item) : "?");
}

static void say_witnesses(struct hm_bytes *out, const struct report_view *v)
{
	const json_t *witnesses = report_object(report_object(v->findings, "experiment"), "witnesses");

	hm_bytes_text(out, "reads seen by ");
	say_list(out, report_list(witnesses, "read"));
	hm_bytes_text(out, ", sends by ");
	say_list(out, report_list(witnesses, "send"));
}

/* Records of version 1 have nothing to tell here: no line then. */
static void say_seen_twice(struct hm_bytes *out, const struct report_view *v)
{
	struct report_witnessed w = report_witnessed(v);

	if (!w.runs)
		return;
	hm_bytes_text(out, "reads of ");
	report_say_reads(out, &w);
	hm_bytes_text(out, "; ");
	report_say_packets(out, &w);
}

static void say_stops(struct hm_bytes *out, const struct report_view *v)
{
	struct report_witnessed w = report_witnessed(v);

	if (!w.runs)
		return;
	report_say_stops(out, &w);
	hm_bytes_text(out, w.stops ? ", which the product can notice; " : "; ");
	report_say_looks(out, &w);
}

static void say_self_test(struct hm_bytes *out, const struct report_view *v)
{
	struct report_self_test t = report_self_test(v);

	report_say_self_test(out, &t);
}

static void say_internet(struct hm_bytes *out, const struct report_view *v)
{
	const json_t *chamber = report_object(v->assessment, "chamber");

	HM_CLEANUP(hm_bytes_release) struct hm_bytes handshakes = { 0 };

	report_term(out, "%s; product's privileges: %s", report_text(report_object(v->findings, "experiment"), "internet"),
		    *report_text(chamber, "profile") ? report_text(chamber, "profile") : "not told");
	if (report_handshakes(&handshakes, v)) {
		hm_bytes_text(out, "; ");
		hm_bytes_slice(out, hm_slice_of(&handshakes));
	}
}

static void say_supplier(struct hm_bytes *out, const struct report_view *v)
{
	const json_t *supplier = report_object(report_object(v->findings, "product"), "supplier");
	const json_t *control = report_object(supplier, "control");

	if (!supplier)
		hm_bytes_text(out, "not known");
	else
		report_term(out, "%s, %s%s", report_text(supplier, "name"), control ? "controlled from " : "country of control not known",
			    control ? report_text(control, "country") : "");
}

static void say_declaration(struct hm_bytes *out, const struct report_view *v)
{
	if (v->declaration)
		report_term(out, "%s", report_say("author", report_text(v->declaration, "author")));
	else
		hm_bytes_text(out, "none");
}

static void say_key(struct hm_bytes *out, const struct report_view *v)
{
	struct hm_slice lines = { 0 };
	size_t keys = 0;

	/* One envelope a line. Whether it is valid is the verifier's business; here its key is only named. */
	if (hm_parts_get(v->parts, "attestations.intoto.jsonl", &lines))
		while (lines.len) {
			const uint8_t *end = memchr(lines.data, '\n', lines.len);
			struct hm_slice line = { lines.data, end ? (size_t)(end - lines.data) : lines.len };
			HM_JSON json_t *envelope = NULL;

			if (hm_json_parse(&envelope, line, "attestation", NULL) == 0)
				report_term(out, "%s%s", keys++ ? " and " : "",
					    report_text(json_array_get(report_list(envelope, "signatures"), 0), "keyid"));
			line.len += end != NULL;
			lines = (struct hm_slice){ lines.data + line.len, lines.len - line.len };
		}
	hm_bytes_text(out, keys ? ", made on the assessing machine: the assessor's own word" : "none: this is not signed");
}

static const struct {
	const char *title;
	void (*say)(struct hm_bytes *out, const struct report_view *v);
} facts[] = {
	{ "what left", say_ledger },	{ "not asserted", say_scope },
	{ "supplier", say_supplier },	{ "declaration", say_declaration }, { "losses", say_losses },
	{ "witnesses", say_witnesses }, { "seen twice", say_seen_twice },   { "stops, looks", say_stops },
	{ "self-test", say_self_test }, { "internet", say_internet },	    { "key", say_key },
};

static void put_fact(struct table *t, size_t fact, const struct hm_bytes *said)
{
	const char *title = facts[fact].title;

	for (size_t k = 0; k < t->count; k++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes line = { 0 };
		size_t same = 0, before = 0;

		for (size_t i = 0; i < t->count; i++) {
			bool equal = hm_slice_eq(hm_slice_of(&said[i]), hm_slice_of(&said[k]));

			same += equal;
			before += equal && i < k;
			if (equal)
				report_term(&line, "%s%s", same > 1 ? ", " : "", t->view[i].name);
		}
		if (before || !said[k].len)
			continue;
		/* What holds for all needs no names. */
		line.len = same == t->count ? 0 : line.len;
		hm_bytes_text(&line, line.len ? ": " : "");
		hm_bytes_slice(&line, hm_slice_of(&said[k]));
		table_paragraph(t, title, hm_slice_of(&line));
		title = "";
	}
}

/* ---- not tested ---- */

static const char *reason_in(const struct report_view *v, const char *id)
{
	const json_t *row;
	size_t i;

	json_array_foreach (report_list(v->findings, "not_tested"), i, row)
		if (strcmp(report_text(row, "id"), id) == 0)
			return report_text(row, "reason");
	return NULL;
}

static bool is_in(const char *const *list, size_t count, const char *text)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i], text) == 0)
			return true;
	return false;
}

/* Adds the texts of `member` in every product's list, each once, in the order in which they come. */
static size_t collect(const struct table *t, const char *member, const char ***ret)
{
	const char **list = NULL;
	size_t count = 0;

	for (size_t k = 0; k < t->count; k++) {
		const json_t *row;
		size_t i;

		json_array_foreach (report_list(t->view[k].findings, "not_tested"), i, row)
			if (!is_in(list, count, report_text(row, member))) {
				list = hm_realloc(list, count + 1, sizeof(*list));
				list[count++] = report_text(row, member);
			}
	}
	*ret = list;
	return count;
}

/* The claim, and behind it the products that it concerns unless these are all. Nothing when it has another reason. */
static void put_untested(const struct table *t, struct hm_bytes *out, const char *id, const char *reason)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes names = { 0 };
	size_t concerned = 0;

	for (size_t k = 0; k < t->count; k++) {
		const char *its = reason_in(&t->view[k], id);

		if (its && strcmp(its, reason) == 0)
			report_term(&names, "%s%s", concerned++ ? ", " : "", t->view[k].name);
	}
	if (!concerned)
		return;
	report_term(out, " %s", id);
	if (concerned == t->count)
		return;
	hm_bytes_text(out, " (");
	hm_bytes_slice(out, hm_slice_of(&names));
	hm_bytes_u8(out, ')');
}

/* By reason, the reason's code first: the page has its sentence. */
static void put_not_tested(struct table *t)
{
	HM_FREE const char **ids = NULL, **reasons = NULL;
	size_t id_count = collect(t, "id", &ids), reason_count = collect(t, "reason", &reasons);
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };

	for (size_t k = 0; k < t->count; k++) {
		const json_t *findings = t->view[k].findings;
		size_t count = json_array_size(report_list(findings, "not_tested"));

		report_term(&text, "%s%'zu of %'zu claims", k ? ", " : "", count, count + json_array_size(report_list(findings, "claims")));
		if (t->count > 1)
			report_term(&text, " of %s", t->view[k].name);
	}
	for (size_t r = 0; r < reason_count; r++) {
		report_term(&text, "; %s:", reasons[r]);
		for (size_t i = 0; i < id_count; i++)
			put_untested(t, &text, ids[i], reasons[r]);
	}
	table_paragraph(t, "not tested", hm_slice_of(&text));
}

void table_facts(struct table *t)
{
	put_not_tested(t);
	for (size_t fact = 0; fact < HM_COUNT(facts); fact++) {
		HM_FREE struct hm_bytes *said = hm_alloc(t->count, sizeof(*said));

		for (size_t k = 0; k < t->count; k++)
			facts[fact].say(&said[k], &t->view[k]);
		put_fact(t, fact, said);
		for (size_t k = 0; k < t->count; k++)
			hm_bytes_release(&said[k]);
	}
}
