/* Records become rows. A table's columns are data; what a field may hold is asked as it is read, what needs the other tables when all are there. */
#include "suppliers_internal.h"

const struct hm_supplier_kind hm_supplier_kinds[] = {
	{ "account", "account", HM_STRENGTH_WEAK, false, false },
	{ "attester", "signature", HM_STRENGTH_NONE, true, false },
	{ "bundle", "bundle", HM_STRENGTH_WEAK, true, false },
	{ "certificate", "certificate", HM_STRENGTH_STRONG, true, false },
	{ "cpe_vendor", "identity", HM_STRENGTH_WEAK, true, false },
	{ "definitions", "definitions", HM_STRENGTH_STRONG, true, true },
	{ "domain", "network", HM_STRENGTH_WEAK, true, false },
	{ "file", "file", HM_STRENGTH_LOW, true, true },
	{ "kernel_module", "module", HM_STRENGTH_WEAK, true, false },
	{ "licence", "licence", HM_STRENGTH_WEAK, false, true },
	{ "organisation", "declared", HM_STRENGTH_WEAK, true, false },
	{ "package", "package", HM_STRENGTH_STRONG, true, false },
	{ "path", "path", HM_STRENGTH_WEAK, false, false },
	{ "process", "process", HM_STRENGTH_WEAK, false, false },
	{ "purl", "identity", HM_STRENGTH_STRONG, true, false },
	{ "registry", "registry", HM_STRENGTH_WEAK, true, false },
	{ "root", "certificate", HM_STRENGTH_WEAK, true, false },
	{ "service", "service", HM_STRENGTH_WEAK, false, false },
	{ "sha256", "bytes", HM_STRENGTH_STRONG, true, true },
	{ "signer", "signature", HM_STRENGTH_STRONG, true, true },
	{ "soname", "symbol", HM_STRENGTH_WEAK, false, true },
	{ "string", "string", HM_STRENGTH_NONE, false, true },
	{ "symbol", "symbol", HM_STRENGTH_WEAK, false, true },
	{ "timer", "service", HM_STRENGTH_WEAK, false, false },
	{ "version", "resource", HM_STRENGTH_WEAK, true, true },
};
const size_t hm_supplier_kind_count = HM_COUNT(hm_supplier_kinds);

static const char *const supplier_kinds[] = { "security", "vendor", "distribution", NULL };
static const char *const relations[] = { "branded", "contains", NULL };
static const char *const classes[] = { "", "antivirus", "endpoint", "security", "code", NULL };
static const char *const confidences[] = { "high", "medium", "low", "memory", NULL };

static bool one_of(const char *const *list, const char *text)
{
	while (*list && strcmp(*list, text) != 0)
		list++;
	return *list != NULL;
}

static bool is_id(const char *text, const char *more, size_t max)
{
	size_t len = strlen(text);

	if (len == 0 || len > max)
		return false;
	for (; *text; text++)
		if (!(*text >= 'a' && *text <= 'z') && !(*text >= '0' && *text <= '9') && !strchr(more, *text))
			return false;
	return true;
}

static int kind_of(const char *name)
{
	for (size_t i = 0; i < hm_supplier_kind_count; i++)
		if (strcmp(hm_supplier_kinds[i].name, name) == 0)
			return (int)i;
	return -1;
}

static const char *empty_null(const char *text)
{
	return *text ? text : NULL;
}

/* Exactly what nobody can look up is from memory. */
static const char *bad_origin(const char *source, const char *date, const char *confidence)
{
	if (!*source)
		return "no source";
	if (!hm_owner_is_date(date, false))
		return "the date is none";
	if (confidence && !one_of(confidences, confidence))
		return "unknown confidence";
	if (confidence && (strcmp(source, "none") == 0) != (strcmp(confidence, "memory") == 0))
		return "a row without source is from memory, and no other";
	return NULL;
}

static void *room(void *rows, size_t count, size_t *cap, size_t size)
{
	if (count < *cap)
		return rows;
	*cap = *cap ? *cap * 2 : 64;
	return hm_realloc(rows, *cap, size);
}

static const char *add_supplier(struct hm_suppliers *s, const char *const *f)
{
	s->supplier = room(s->supplier, s->suppliers, &s->cap[0], sizeof(*s->supplier));
	s->supplier[s->suppliers++] = (struct hm_supplier){ f[0], f[1], f[2], f[3], f[4] };
	if (!is_id(f[0], "-", 64))
		return "the id is none";
	if (!*f[1] || !one_of(supplier_kinds, f[2]))
		return "no name, or an unknown kind";
	return bad_origin(f[3], f[4], NULL);
}

static const char *add_control(struct hm_suppliers *s, const char *const *f)
{
	s->control = room(s->control, s->controls, &s->cap[1], sizeof(*s->control));
	s->control[s->controls++] = (struct hm_owner){ f[0], empty_null(f[1]), f[2], empty_null(f[3]), empty_null(f[4]), f[5], f[6], f[7] };
	if (strlen(f[2]) != 2 || f[2][0] < 'A' || f[2][0] > 'Z' || f[2][1] < 'A' || f[2][1] > 'Z')
		return "the country is no ISO 3166-1 alpha-2 code";
	if ((*f[3] && !hm_owner_is_date(f[3], true)) || (*f[4] && !hm_owner_is_date(f[4], true)))
		return "from or to is no date";
	if (*f[3] && *f[4] && strcmp(f[3], f[4]) >= 0)
		return "it ends before it begins";
	return bad_origin(f[5], f[6], f[7]);
}

static bool ends_in(const char *text, size_t len, const char *end)
{
	size_t n = strlen(end);

	return len > n && memcmp(text + len - n, end, n) == 0;
}

char *hm_suppliers_fold(int kind, const char *text, size_t len)
{
	const struct hm_supplier_kind *k = &hm_supplier_kinds[kind];
	static const char *const module_ends[] = { ".sys", ".ko", ".ko.xz", ".ko.zst", ".ko.gz" };
	char *out = hm_slice_dup((struct hm_slice){ (const uint8_t *)text, len });

	for (size_t i = 0; k->fold && i < len; i++)
		if (out[i] >= 'A' && out[i] <= 'Z')
			out[i] = (char)(out[i] - 'A' + 'a');
	if (strcmp(k->name, "kernel_module") == 0)
		for (size_t i = 0; i < HM_COUNT(module_ends); i++)
			if (ends_in(out, strlen(out), module_ends[i]))
				out[strlen(out) - strlen(module_ends[i])] = 0;
	if (strcmp(k->name, "service") == 0 && ends_in(out, len, ".service"))
		out[len - strlen(".service")] = 0;
	while (strcmp(k->name, "path") == 0 && strlen(out) > 1 && out[strlen(out) - 1] == '/')
		out[strlen(out) - 1] = 0;
	return out;
}

static const char *add_indicator(struct hm_suppliers *s, const char *const *f)
{
	int kind = kind_of(f[4]);
	char *folded;

	if (kind < 0)
		return "unknown kind";
	if (!*f[5])
		return "no indicator";
	folded = hm_suppliers_fold(kind, f[5], strlen(f[5]));
	hm_suppliers_keep(s, folded);
	s->indicator = room(s->indicator, s->indicators, &s->cap[2], sizeof(*s->indicator));
	s->indicator[s->indicators++] =
		(struct hm_indicator){ f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[7], f[8], f[9], folded, kind, strchr(folded, '*') != NULL };
	if (!is_id(f[0], "-._", 160) || strncmp(f[0], f[1], strlen(f[1])) != 0 || f[0][strlen(f[1])] != '.')
		return "the id is not SUPPLIER.KIND.SLUG";
	if (!one_of(classes, f[3]) || !one_of(relations, f[6]))
		return "unknown class or relation";
	if (strcmp(f[4], "path") == 0 && f[5][0] != '/')
		return "the path is not absolute";
	return bad_origin(f[7], f[8], f[9]);
}

static const struct table {
	const char *column[HM_CSV_FIELDS];
	const char *(*add)(struct hm_suppliers *s, const char *const *field); /* why it is refused, or NULL */
} tables[] = {
	{ { "id", "name", "kind", "source", "date" }, add_supplier },
	{ { "supplier", "controller", "country", "from", "to", "source", "date", "confidence" }, add_control },
	{ { "id", "supplier", "product", "class", "kind", "indicator", "relation", "source", "date", "confidence" }, add_indicator },
};

static int columns(const struct table *t)
{
	int n = 0;

	while (n < HM_CSV_FIELDS && t->column[n])
		n++;
	return n;
}

static const struct table *table_of(const char *const *field, int count)
{
	for (const struct table *t = tables; t < tables + HM_COUNT(tables); t++) {
		int same = 0;

		while (same < count && same < columns(t) && strcmp(field[same], t->column[same]) == 0)
			same++;
		if (same == count && count == columns(t))
			return t;
	}
	return NULL;
}

int hm_suppliers_read(struct hm_suppliers *s, struct hm_csv *csv, struct hm_fail *fail)
{
	const char *field[HM_CSV_FIELDS];
	const struct table *t;
	int n = hm_csv_next(csv, field, fail);

	if (n < 0)
		return n;
	t = table_of(field, n);
	if (!t)
		return hm_fail_set(fail, HM_E_BAD, "%s: the header is that of no table (doc/format/suppliers.md)", csv->what);
	while ((n = hm_csv_next(csv, field, fail)) > 0) {
		const char *why = n == columns(t) ? NULL : "another number of fields than the header";

		if (!why && s->suppliers + s->controls + s->indicators == HM_SUPPLIERS_ROWS)
			why = "more rows than 65536";
		if (!why)
			why = t->add(s, field);
		if (why)
			return hm_fail_set(fail, HM_E_BAD, "%s, line %zu: %s", csv->what, csv->line, why);
	}
	return n;
}
