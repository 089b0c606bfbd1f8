/* Folders of tables become rows: which table a file is its header tells. */
#include <dirent.h>
#include <errno.h>

#include "digest.h"
#include "fs.h"
#include "suppliers_internal.h"
#include "text.h"

#define FILE_MAX (4u << 20)
#define FILES_MAX 4096

void hm_suppliers_keep(struct hm_suppliers *s, char *text)
{
	if (s->texts == s->text_cap) {
		s->text_cap = s->text_cap ? s->text_cap * 2 : 64;
		s->text = hm_realloc(s->text, s->text_cap, sizeof(*s->text));
	}
	s->text[s->texts++] = text;
}

static int read_file(struct hm_suppliers *s, const char *folder, const char *name, struct hm_fail *fail)
{
	HM_FREE char *path = hm_sprintf("%s/%s", folder, name);
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	struct hm_csv csv;
	size_t len;
	int r = hm_fs_read(&text, path, FILE_MAX, fail);

	if (r < 0)
		return r;
	len = text.len;
	hm_bytes_u8(&text, 0);
	hm_suppliers_keep(s, (char *)text.data);
	text.data = NULL;
	hm_csv_begin(&csv, s->text[s->texts - 1], len, path);
	return hm_suppliers_read(s, &csv, fail);
}

static int is_table(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return entry->d_name[0] != '.' && len > 4 && strcmp(entry->d_name + len - 4, ".csv") == 0;
}

/* By bytes, not by the locale: which error comes first must not depend on it. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int read_folder(struct hm_suppliers *s, const char *folder, struct hm_fail *fail)
{
	struct dirent **entry;
	int n = scandir(folder, &entry, is_table, by_name), r = 0;

	if (n < 0)
		return hm_fail_errno(fail, "supplier tables in %s", folder);
	if (n == 0)
		r = hm_fail_set(fail, HM_E_BAD, "%s holds no *.csv", folder);
	if (n > FILES_MAX)
		r = hm_fail_set(fail, HM_E_BAD, "%s holds more than %d tables", folder, FILES_MAX);
	for (int i = 0; i < n; i++) {
		if (r == 0)
			r = read_file(s, folder, entry[i]->d_name, fail);
		free(entry[i]);
	}
	free(entry);
	return r;
}

int hm_suppliers_load(struct hm_suppliers **ret, const char *const *folders, size_t count, struct hm_fail *fail)
{
	HM_CLEANUP(hm_suppliers_cleanup) struct hm_suppliers *s = hm_alloc(1, sizeof(*s));
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++)
		r = read_folder(s, folders[i], fail);
	if (r == 0)
		r = hm_suppliers_close(s, fail);
	if (r < 0)
		return r;
	*ret = hm_take_ptr(&s);
	return 0;
}

void hm_suppliers_free(struct hm_suppliers *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->texts; i++)
		free(s->text[i]);
	free(s->text);
	free(s->supplier);
	free(s->control);
	free(s->indicator);
	free(s);
}

const struct hm_supplier *hm_suppliers_all(const struct hm_suppliers *s, size_t *count)
{
	*count = s->suppliers;
	return s->supplier;
}

const struct hm_owner *hm_suppliers_owners(const struct hm_suppliers *s, size_t *count)
{
	*count = s->controls;
	return s->control;
}

const struct hm_indicator *hm_suppliers_indicators(const struct hm_suppliers *s, size_t *count)
{
	*count = s->indicators;
	return s->indicator;
}

static int find_id(const void *key, const void *row)
{
	return strcmp(key, ((const struct hm_supplier *)row)->id);
}

const struct hm_supplier *hm_suppliers_find(const struct hm_suppliers *s, const char *id)
{
	return s->suppliers ? bsearch(id, s->supplier, s->suppliers, sizeof(*s->supplier), find_id) : NULL;
}

static void put_row(struct hm_bytes *out, const char *const *field, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (i)
			hm_bytes_u8(out, 0);
		hm_bytes_text(out, field[i] ? field[i] : "");
	}
	hm_bytes_u8(out, '\n');
}

#define PUT_ROW(out, ...)                                              \
	do {                                                           \
		const char *const fields_[] = { __VA_ARGS__ };         \
		put_row(out, fields_, HM_COUNT(fields_));              \
	} while (0)

void hm_suppliers_digest(const struct hm_suppliers *s, char hex[65])
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes all = { 0 };
	struct hm_sha256 d;

	for (const struct hm_supplier *r = s->supplier; r < s->supplier + s->suppliers; r++)
		PUT_ROW(&all, r->id, r->name, r->kind, r->source, r->date);
	for (const struct hm_owner *r = s->control; r < s->control + s->controls; r++)
		PUT_ROW(&all, r->supplier, r->controller, r->country, r->from, r->to, r->source, r->date, r->confidence);
	for (const struct hm_indicator *r = s->indicator; r < s->indicator + s->indicators; r++)
		PUT_ROW(&all, r->id, r->supplier, r->product, r->class, r->kind, r->indicator, r->relation, r->source, r->date, r->confidence);
	hm_sha256_slice(&d, hm_slice_of(&all));
	hm_text_hex_into(hex, (struct hm_slice){ d.b, sizeof(d.b) });
}
