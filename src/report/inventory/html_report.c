/* One page, no scripts, nothing from elsewhere. Ink on paper, as the report of an assessment. */
#include "inventory_internal.h"

static const char style[] =
	":root{--paper:#fff;--ink:#15181d;--faint:#565d69;--line:#c6cbd3}\n"
	"@media (prefers-color-scheme:dark){:root{--paper:#14171b;--ink:#e3e6ea;--faint:#9ba4b1;--line:#3a414b}}\n"
	"*{box-sizing:border-box}html{background:var(--paper);color:var(--ink)}\n"
	"body{margin:0 auto;max-width:76rem;padding:2.5rem 2rem 5rem;font:1rem/1.5 Charter,Cambria,'DejaVu Serif',serif;overflow-wrap:break-word}\n"
	"header{border-top:3px solid var(--ink);padding-top:.6rem}h1{font-size:2.2rem;margin:.1rem 0 .3rem;font-weight:600}\n"
	"h2{font-size:1.3rem;border-bottom:1px solid var(--line);margin-top:2.2rem}\n"
	"table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.35rem .8rem .35rem 0;border-bottom:1px solid var(--line)}\n"
	"th{color:var(--faint);font-weight:400;white-space:nowrap}.n{text-align:right;font-variant-numeric:tabular-nums}\n"
	"a,code,td.code{overflow-wrap:anywhere}code,td.code{font-family:ui-monospace,Menlo,Consolas,monospace;font-size:.82em}.faint{color:var(--faint)}\n"
	"tr.item>td{border-bottom:0;padding-bottom:0}tr.more>td{padding:0 0 .5rem}details{margin:.2rem 0}summary{cursor:pointer}\n@media print{details{display:block}}\n";

static void put_foreign(struct hm_bytes *out, const char *before, const json_t *object, const char *name, const char *after)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes value = inventory_bytes(object, name);

	if (!value.len)
		return;
	hm_bytes_text(out, before);
	hm_escape(out, hm_slice_of(&value), true);
	hm_bytes_text(out, after);
}

static void put_source(struct hm_bytes *out, const char *source)
{
	/* Sources are of the tables: addresses, which the loader took, or none. */
	if (strncmp(source, "https://", 8) == 0 || strncmp(source, "http://", 7) == 0)
		hm_escape_html(out, "<a href=\"%s\" rel=\"noreferrer\">%s</a>", source, source);
	else
		hm_bytes_text(out, "from memory");
}

static void put_evidence(struct hm_bytes *out, const json_t *item)
{
	const json_t *row;
	size_t i;

	if (json_array_size(json_object_get(item, "evidence")) == 0)
		return;
	hm_escape_html(out, "<tr class=more><td colspan=8><details><summary>evidence: %'lu</summary><table><tr><th>strength</th><th>what</th><th>where</th><th>state</th><th>row</th><th>known from</th></tr>",
		       (unsigned long)json_integer_value(json_object_get(item, "evidence_count")));
	json_array_foreach (json_object_get(item, "evidence"), i, row) {
		hm_escape_html(out, "<tr><td>%s</td><td>%s ", inventory_text(row, "strength"), inventory_text(row, "kind"));
		put_foreign(out, "<code>", row, "value", "</code>");
		put_foreign(out, " <span class=faint>", row, "detail", "</span>");
		hm_bytes_text(out, "</td><td class=code>");
		put_foreign(out, "", row, "path", "");
		hm_escape_html(out, "</td><td>%s</td><td class=code>%s</td><td>", inventory_text(row, "state"), inventory_text(row, "row"));
		put_source(out, inventory_text(row, "source"));
		hm_escape_html(out, ", %s, %s</td></tr>", inventory_text(row, "date"), inventory_text(row, "confidence"));
	}
	hm_bytes_text(out, "</table></details></td></tr>\n");
}

static void put_items(struct hm_bytes *out, const json_t *found, const char *list)
{
	const json_t *item;
	size_t i;

	if (json_array_size(json_object_get(found, list)) == 0) {
		hm_bytes_text(out, "<p class=faint>none</p>\n");
		return;
	}
	hm_bytes_text(out, "<table><tr><th>supplier</th><th>product</th><th>controlled from</th><th>relation</th><th>state</th><th>in</th><th>target</th><th class=n>score</th></tr>\n");
	json_array_foreach (json_object_get(found, list), i, item) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes countries = { 0 };

		inventory_countries(&countries, found, inventory_text(item, "supplier"));
		hm_escape_html(out, "<tr class=item><td>%s</td><td>%s ", inventory_supplier(found, inventory_text(item, "supplier")),
			       *inventory_text(item, "product") ? inventory_text(item, "product") : "(product not known)");
		put_foreign(out, "<span class=faint>", item, "version", "</span>");
		hm_escape_html(out, "</td><td>%.*s</td><td>%s", (int)countries.len, (const char *)countries.data, inventory_text(item, "relation"));
		if (*inventory_text(item, "by"))
			hm_escape_html(out, " (%s)", inventory_supplier(found, inventory_text(item, "by")));
		hm_escape_html(out, "</td><td>%s</td><td class=code>", inventory_text(item, "state"));
		put_foreign(out, "", item, "outer", "");
		hm_bytes_text(out, "</td><td class=code>");
		put_foreign(out, "", item, "target", "");
		hm_escape_html(out, "</td><td class=n>%lu</td></tr>\n", (unsigned long)json_integer_value(json_object_get(item, "score")));
		put_evidence(out, item);
	}
	hm_bytes_text(out, "</table>\n");
}

static void put_targets(struct hm_bytes *out, const json_t *found)
{
	const json_t *target, *row;
	size_t i, j;

	hm_bytes_text(out, "<table><tr><th>target</th><th>kind</th><th class=n>entries</th><th class=n>bytes read</th><th class=n>components</th><th class=n>without a supplier</th><th>not read</th></tr>\n");
	json_array_foreach (json_object_get(found, "targets"), i, target) {
		const json_t *read = json_object_get(target, "read"), *components = json_object_get(target, "components");

		hm_bytes_text(out, "<tr><td class=code>");
		put_foreign(out, "", target, "target", "");
		hm_escape_html(out, "</td><td>%s%s</td><td class=n>%'lu</td><td class=n>%'lu</td><td class=n>%'lu</td><td class=n>%'lu</td><td>", inventory_text(target, "kind"),
			       json_is_true(json_object_get(target, "endpoint")) ? ", an endpoint" : "", (unsigned long)json_integer_value(json_object_get(read, "entries")),
			       (unsigned long)json_integer_value(json_object_get(read, "bytes")), (unsigned long)json_integer_value(json_object_get(components, "seen")),
			       (unsigned long)json_integer_value(json_object_get(components, "nameless")));
		if (json_integer_value(json_object_get(target, "not_read_count")))
			hm_escape_html(out, "<details><summary>%'lu</summary>", (unsigned long)json_integer_value(json_object_get(target, "not_read_count")));
		json_array_foreach (json_object_get(target, "not_read"), j, row) {
			put_foreign(out, "<div><code>", row, "path", "</code>");
			hm_escape_html(out, ": %s</div>", inventory_text(row, "reason"));
		}
		hm_bytes_text(out, json_integer_value(json_object_get(target, "not_read_count")) ? "</details></td></tr>\n" : "nothing</td></tr>\n");
	}
	hm_bytes_text(out, "</table>\n");
}

static void put_control(struct hm_bytes *out, const json_t *found)
{
	const json_t *supplier, *step;
	size_t i, j;

	hm_bytes_text(out, "<table><tr><th>supplier</th><th>controlled by</th><th>country</th><th>since</th><th>until</th><th>source</th></tr>\n");
	json_array_foreach (json_object_get(found, "suppliers"), i, supplier)
		json_array_foreach (json_object_get(supplier, "control"), j, step) {
			const char *controller = inventory_text(step, "controller"), *from = inventory_text(step, "from"), *to = inventory_text(step, "to");

			hm_escape_html(out, "<tr><td>%s</td><td>%s</td><td>%s</td><td>%s</td><td>%s</td><td>", inventory_text(supplier, "name"),
				       *controller ? inventory_supplier(found, controller) : "itself", inventory_text(step, "country"), *from ? from : "not known", *to ? to : "today");
			put_source(out, inventory_text(step, "source"));
			hm_escape_html(out, " (%s)</td></tr>\n", inventory_text(step, "confidence"));
		}
	hm_bytes_text(out, "</table>\n");
}

/* What the number above does not tell of. */
static void put_limits(struct hm_bytes *out, const json_t *found)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes filter = { 0 };
	size_t i, partly = 0, candidates = json_array_size(json_object_get(found, "candidates"));
	const json_t *target;

	json_array_foreach (json_object_get(found, "targets"), i, target)
		partly += json_integer_value(json_object_get(target, "not_read_count")) > 0;
	if (inventory_filter(&filter, found))
		hm_escape_html(out, "<p>Of these suppliers or countries alone: %.*s.</p>\n", (int)filter.len, (const char *)filter.data);
	if (partly)
		hm_escape_html(out, "<p>Of %lu target%s a part could not be read: nothing is known of it.</p>\n", (unsigned long)partly, partly == 1 ? "" : "s");
	if (candidates)
		hm_escape_html(out, "<p>%lu more where the evidence is not enough.</p>\n", (unsigned long)candidates);
}

void inventory_html(struct hm_bytes *out, const json_t *found)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes method = { 0 };
	struct inventory_count c = inventory_count(found);
	size_t items = json_array_size(json_object_get(found, "items"));

	hm_bytes_printf(out,
			"<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8><meta name=viewport content=\"width=device-width\">"
			"<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'unsafe-inline'\"><title>Hallmark: what was found</title><style>%s</style></head><body>\n",
			style);
	hm_escape_html(out, "<header><p class=faint>Hallmark inventory, %s</p><h1>%lu item%s; %lu of %lu endpoint%s affected</h1></header>\n", inventory_text(found, "made"),
		       (unsigned long)items, items == 1 ? "" : "s", (unsigned long)c.affected, (unsigned long)c.endpoints, c.endpoints == 1 ? "" : "s");
	put_limits(out, found);
	hm_bytes_text(out, "<h2>Found</h2>\n");
	put_items(out, found, "items");
	hm_bytes_text(out, "<h2>Not enough evidence</h2>\n");
	put_items(out, found, "candidates");
	hm_bytes_text(out, "<h2>Who controls whom</h2>\n");
	put_control(out, found);
	hm_bytes_text(out, "<h2>Looked at</h2>\n");
	put_targets(out, found);
	hm_bytes_text(out, "<h2>Method of counting</h2>\n<p>");
	inventory_method(&method, found);
	hm_escape_html(out, "%.*s</p>\n</body></html>\n", (int)method.len, (const char *)method.data);
}
