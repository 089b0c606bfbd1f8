/* When all tables are there: sorted, each id once, each supplier known, no two owners of one kind on one day. And the lint, which refuses more. */
#include "suppliers_internal.h"

static int by_supplier(const void *a, const void *b)
{
	return strcmp(((const struct hm_supplier *)a)->id, ((const struct hm_supplier *)b)->id);
}

static int compare(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

static int by_control(const void *va, const void *vb)
{
	const struct hm_owner *a = va, *b = vb;
	int r = strcmp(a->supplier, b->supplier);

	r = r ? r : compare(a->from, b->from);
	r = r ? r : compare(a->to, b->to);
	r = r ? r : compare(a->controller, b->controller);
	return r ? r : strcmp(a->country, b->country);
}

static int by_indicator(const void *a, const void *b)
{
	return strcmp(((const struct hm_indicator *)a)->id, ((const struct hm_indicator *)b)->id);
}

static void sort(void *rows, size_t count, size_t size, int (*order)(const void *a, const void *b))
{
	if (count)
		qsort(rows, count, size, order);
}

static bool overlap(const struct hm_owner *a, const struct hm_owner *b)
{
	return (!a->to || !b->from || strcmp(b->from, a->to) < 0) && (!b->to || !a->from || strcmp(a->from, b->to) < 0);
}

static int check_control(const struct hm_suppliers *s, struct hm_fail *fail)
{
	for (const struct hm_owner *a = s->control; a < s->control + s->controls; a++) {
		if (!hm_suppliers_find(s, a->supplier) || (a->controller && !hm_suppliers_find(s, a->controller)))
			return hm_fail_set(fail, HM_E_BAD, "control of %s: no table defines %s", a->supplier,
					   hm_suppliers_find(s, a->supplier) ? a->controller : a->supplier);
		for (const struct hm_owner *b = a + 1; b < s->control + s->controls && strcmp(a->supplier, b->supplier) == 0; b++)
			if (overlap(a, b) && compare(a->controller, b->controller) == 0 && strcmp(a->country, b->country) == 0)
				return hm_fail_set(fail, HM_E_BAD, "control of %s: two rows say the same of one day", a->supplier);
	}
	return 0;
}

int hm_suppliers_close(struct hm_suppliers *s, struct hm_fail *fail)
{
	sort(s->supplier, s->suppliers, sizeof(*s->supplier), by_supplier);
	sort(s->control, s->controls, sizeof(*s->control), by_control);
	sort(s->indicator, s->indicators, sizeof(*s->indicator), by_indicator);
	for (size_t i = 1; i < s->suppliers; i++)
		if (strcmp(s->supplier[i - 1].id, s->supplier[i].id) == 0)
			return hm_fail_set(fail, HM_E_BAD, "supplier %s is there twice", s->supplier[i].id);
	for (size_t i = 0; i < s->indicators; i++) {
		if (i && strcmp(s->indicator[i - 1].id, s->indicator[i].id) == 0)
			return hm_fail_set(fail, HM_E_BAD, "row %s is there twice", s->indicator[i].id);
		if (!hm_suppliers_find(s, s->indicator[i].supplier))
			return hm_fail_set(fail, HM_E_BAD, "row %s: no table defines the supplier %s", s->indicator[i].id, s->indicator[i].supplier);
	}
	return check_control(s, fail);
}

struct lint {
	void (*say)(void *cookie, const char *line);
	void *cookie;
	size_t lines;
};

static void say(struct lint *lint, const char *id, const char *why)
{
	HM_FREE char *line = hm_sprintf("%s: %s", id, why);

	lint->lines++;
	lint->say(lint->cookie, line);
}

/* What every system has: a row that names one of these shows nobody. */
static const char *const everywhere[] = { "/",	  "/bin",     "/boot",	   "/dev",	"/etc",		    "/etc/init.d",	   "/etc/systemd/system", "/home", "/lib", "/opt", "/proc",	 "/root", "/run",
					  "/sbin", "/srv",    "/sys",	   "/tmp",	"/usr",		    "/usr/bin",		   "/usr/lib",		  "/usr/local", "/usr/local/bin", "/usr/sbin",
					  "/usr/share", "/var", "/var/lib", "/var/log", "/var/opt", "/lib/systemd/system", "/usr/lib/systemd/system", "/program files", "/windows" };

static bool too_general(const struct hm_indicator *row)
{
	size_t fixed = 0;

	for (const char *p = row->folded; *p; p++)
		fixed += *p != '*' && *p != '.' && *p != '/';
	if (fixed < (strcmp(row->kind, "kernel_module") == 0 ? 2 : 3))
		return true;
	for (size_t i = 0; strcmp(row->kind, "path") == 0 && i < HM_COUNT(everywhere); i++)
		if (strcmp(everywhere[i], row->folded) == 0)
			return true;
	return false;
}

/* A duplicate says the same of the same supplier: kind and what is compared. */
static int by_meaning(const void *va, const void *vb)
{
	const struct hm_indicator *a = *(const struct hm_indicator *const *)va, *b = *(const struct hm_indicator *const *)vb;
	int r = strcmp(a->supplier, b->supplier);

	r = r ? r : strcmp(a->kind, b->kind);
	return r ? r : strcmp(a->folded, b->folded);
}

static void lint_duplicates(const struct hm_suppliers *s, struct lint *lint)
{
	HM_FREE const struct hm_indicator **row = hm_alloc(s->indicators + 1, sizeof(*row));

	for (size_t i = 0; i < s->indicators; i++)
		row[i] = &s->indicator[i];
	sort(row, s->indicators, sizeof(*row), by_meaning);
	for (size_t i = 1; i < s->indicators; i++)
		if (by_meaning(&row[i - 1], &row[i]) == 0)
			say(lint, row[i]->id, "a duplicate of another row");
}

static bool is_address(const char *source)
{
	return strncmp(source, "https://", 8) == 0 || strncmp(source, "http://", 7) == 0 || strcmp(source, "none") == 0;
}

size_t hm_suppliers_lint(const struct hm_suppliers *s, const char *today, void (*out)(void *cookie, const char *line), void *cookie)
{
	struct lint lint = { out, cookie, 0 };

	for (const struct hm_supplier *r = s->supplier; r < s->supplier + s->suppliers; r++) {
		if (!is_address(r->source) || strcmp(r->date, today) > 0)
			say(&lint, r->id, "a source that is no address, or a date in the future");
	}
	for (const struct hm_owner *r = s->control; r < s->control + s->controls; r++)
		if (!is_address(r->source) || strcmp(r->date, today) > 0)
			say(&lint, r->supplier, "control: a source that is no address, or a date in the future");
	for (const struct hm_indicator *r = s->indicator; r < s->indicator + s->indicators; r++) {
		if (!is_address(r->source) || strcmp(r->date, today) > 0)
			say(&lint, r->id, "a source that is no address, or a date in the future");
		if (too_general(r))
			say(&lint, r->id, "too general");
	}
	lint_duplicates(s, &lint);
	return lint.lines;
}
