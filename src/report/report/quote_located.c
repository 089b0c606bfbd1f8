/* Where an influence comes from, as a sentence: what depends on which bytes of which document, how sure that is, or why it is not known. */
#include "report_internal.h"

#define FIELDS_NAMED 3
#define GROUPS_NAMED 4
#define PLACES_NAMED 4

static const json_t *rows_of(const struct report_experiment *x)
{
	return report_list(x->view->findings, "located");
}

static json_t *number(uint64_t n)
{
	return json_integer((json_int_t)(n > INT64_MAX ? INT64_MAX : n));
}

/* Rows that say the same of another field are one sentence. */
static bool is_like(const json_t *a, const json_t *b)
{
	static const char *const told[] = { "factor", "endpoint", "layer", "reason", "rest" };
	const json_t *of_a = report_list(a, "places"), *of_b = report_list(b, "places");

	for (size_t i = 0; i < HM_COUNT(told); i++)
		if (strcmp(report_text(a, told[i]), report_text(b, told[i])) != 0)
			return false;
	if (json_array_size(of_a) != json_array_size(of_b))
		return false;
	for (size_t i = 0; i < json_array_size(of_a); i++) {
		const json_t *p = json_array_get(of_a, i), *q = json_array_get(of_b, i);

		if (strcmp(report_text(p, "document"), report_text(q, "document")) != 0 || report_int(p, "offset") != report_int(q, "offset") ||
		    report_int(p, "length") != report_int(q, "length"))
			return false;
	}
	return true;
}

static bool is_later(const json_t *rows, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (is_like(json_array_get(rows, i), json_array_get(rows, at)))
			return true;
	return false;
}

/* Returns how many there are. */
static size_t put_fields(struct hm_bytes *out, const json_t *rows, const json_t *of)
{
	size_t count = 0, named = 0, i;
	const json_t *row;

	json_array_foreach (rows, i, row)
		count += is_like(row, of);
	json_array_foreach (rows, i, row) {
		if (!is_like(row, of) || named == FIELDS_NAMED)
			continue;
		hm_bytes_text(out, named == 0 ? "" : named + 1 == count ? " and " : ", ");
		report_field(out, report_text(row, "feature"));
		named++;
	}
	if (count > named) {
		HM_JSON json_t *values = json_pack("{s:I}", "more", (json_int_t)(count - named));

		hm_bytes_text(out, " and ");
		report_tell(out, "more.fields", values);
	}
	return count;
}

void report_located_place(struct hm_bytes *out, const json_t *place)
{
	uint64_t offset = report_int(place, "offset"), length = report_int(place, "length");
	const char *part = report_text(place, "part");
	HM_JSON json_t *values = json_object();

	json_object_set_new(values, "document", json_string(report_say("factor", report_text(place, "document"))));
	json_object_set_new(values, "first", number(offset));
	json_object_set_new(values, "last", number(offset + (length ? length - 1 : 0)));
	json_object_set_new(values, "length", number(length));
	json_object_set_new(values, "of", number(report_int(place, "of")));
	report_tell(out, strcmp(part, "file") == 0   ? (length == 1 ? "located.byte" : "located.bytes")
			 : strcmp(part, "text") == 0 ? (length == 1 ? "located.character" : "located.characters")
						     : "located.document", values);
}

/* What has influence only with others is one of these, all of which it takes. */
static void put_places(struct hm_bytes *out, const json_t *row)
{
	const json_t *places = report_list(row, "places"), *place;
	size_t i, count = json_array_size(places), shown = count < PLACES_NAMED ? count : PLACES_NAMED;
	bool together = false;

	json_array_foreach (places, i, place) {
		together |= json_array_size(report_list(place, "with")) > 0;
		if (i >= shown)
			break;
		hm_bytes_text(out, i == 0 ? "" : i + 1 == shown ? " and on " : ", on ");
		report_located_place(out, place);
	}
	if (together)
		report_tell(out, "located.together", NULL);
}

static void put_group(struct hm_bytes *out, const json_t *rows, const json_t *row)
{
	const json_t *first = json_array_get(report_list(row, "places"), 0), *error = report_list(first, "error");
	HM_CLEANUP(hm_bytes_release) struct hm_bytes fields = { 0 }, places = { 0 };
	HM_JSON json_t *values = json_object();
	size_t count = put_fields(&fields, rows, row);

	put_places(&places, row);
	json_object_set_new(values, "fields", json_stringn((const char *)fields.data, fields.len));
	json_object_set_new(values, "places", json_stringn((const char *)places.data, places.len));
	json_object_set_new(values, "endpoint", json_string(report_text(row, "endpoint")));
	json_object_set_new(values, "count", number(count));
	json_object_set_new(values, "blocks", number(report_int(first, "blocks")));
	json_object_set_new(values, "error", json_is_integer(json_array_get(error, 1)) ? json_incref(json_array_get(error, 1)) : number(0));
	json_object_set_new(values, "why", json_string(report_say("unlocated", report_text(row, "reason"))));
	if (!first) {
		report_tell(out, "located.not", values);
		return;
	}
	report_tell(out, *report_text(row, "endpoint") ? "located" : "located.run", values);
	report_tell(out, strcmp(report_text(row, "rest"), "same") == 0	    ? "located.only"
			 : strcmp(report_text(row, "rest"), "differs") == 0 ? "located.also"
									    : "located.sure", values);
	if (strcmp(report_text(row, "reason"), "located") != 0)
		report_tell(out, "located.partly", values);
}

void report_quote_located(struct hm_bytes *out, const struct report_experiment *x, const struct report_factor *f)
{
	const json_t *rows = rows_of(x), *row;
	size_t shown = 0, more = 0, i;

	/* What was found before what was not. */
	for (int found = 1; found >= 0; found--)
		json_array_foreach (rows, i, row) {
			if (strcmp(report_text(row, "factor"), f->name) != 0 || (json_array_size(report_list(row, "places")) > 0) != found ||
			    strcmp(report_text(row, "layer"), HM_RESIDUE_ENDPOINT) == 0 || is_later(rows, i))
				continue;
			if (shown == GROUPS_NAMED) {
				more++;
				continue;
			}
			hm_bytes_text(out, out->len ? " " : "");
			put_group(out, rows, row);
			hm_bytes_text(out, ".");
			shown++;
		}
	if (more) {
		HM_JSON json_t *values = json_pack("{s:I}", "more", (json_int_t)more);

		hm_bytes_u8(out, ' ');
		report_tell(out, "located.more", values);
	}
}
