/* What the documents of two runs had different: what was put in, beside what came out. */
#include <time.h>

#include "report_internal.h"

#define FILES_SHOWN 2
#define FILES_MAX 256 /* of each set: what is behind is not looked at */

/* A document in both runs; NULL: not there. */
struct twins {
	const json_t *file[2];
};

static bool same_text(const json_t *a, const json_t *b, const char *name)
{
	return strcmp(report_text(a, name), report_text(b, name)) == 0;
}

static bool same_path(const json_t *a, const json_t *b)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes path = { 0 }, other = { 0 };

	report_bytes(&path, a, "path");
	report_bytes(&other, b, "path");
	return path.len && hm_slice_eq(hm_slice_of(&path), hm_slice_of(&other));
}

/* The same document in the other set: of that path, else of that content. */
static const json_t *twin_of(const json_t *file, const json_t *files)
{
	const json_t *other;
	size_t i;

	json_array_foreach (files, i, other)
		if (i < FILES_MAX && same_path(file, other))
			return other;
	json_array_foreach (files, i, other)
		if (i < FILES_MAX && same_text(file, other, "part"))
			return other;
	return NULL;
}

static size_t load_twins(struct twins *out, const struct report_pair *pair)
{
	const json_t *low = report_list(pair->set[0], "files"), *high = report_list(pair->set[1], "files"), *file;
	size_t count = 0, i;

	json_array_foreach (low, i, file)
		if (i < FILES_MAX)
			out[count++] = (struct twins){ { file, twin_of(file, high) } };
	json_array_foreach (high, i, file)
		if (i < FILES_MAX && !twin_of(file, low))
			out[count++] = (struct twins){ { NULL, file } };
	return count;
}

/* ---- what can differ, as text ---- */

static void say_path(struct hm_bytes *out, const struct report_view *v HM_UNUSED, const json_t *file)
{
	report_bytes(out, file, "path");
}

static void say_content(struct hm_bytes *out, const struct report_view *v, const json_t *file)
{
	struct hm_slice content;

	if (hm_parts_get(v->parts, report_text(file, "part"), &content))
		hm_bytes_slice(out, content);
	else
		hm_bytes_text(out, report_text(file, "sha256"));
}

static void say_size(struct hm_bytes *out, const struct report_view *v HM_UNUSED, const json_t *file)
{
	report_term(out, "%'lu bytes", (unsigned long)report_int(file, "size"));
}

static void say_mode(struct hm_bytes *out, const struct report_view *v HM_UNUSED, const json_t *file)
{
	hm_bytes_printf(out, "%04lo", (unsigned long)(report_int(file, "mode") & 07777));
}

static void say_owner(struct hm_bytes *out, const struct report_view *v HM_UNUSED, const json_t *file)
{
	hm_bytes_printf(out, "%lu:%lu", (unsigned long)report_int(file, "uid"), (unsigned long)report_int(file, "gid"));
}

static void say_time(struct hm_bytes *out, const json_t *file, const char *name)
{
	time_t seconds = (time_t)report_int(file, name);
	char text[32];
	struct tm tm;

	if (gmtime_r(&seconds, &tm) && strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm))
		hm_bytes_text(out, text);
}

static void say_times(struct hm_bytes *out, const struct report_view *v HM_UNUSED, const json_t *file)
{
	say_time(out, file, "mtime");
	hm_bytes_text(out, ", read ");
	say_time(out, file, "atime");
}

static void say_attributes(struct hm_bytes *out, const struct report_view *v HM_UNUSED, const json_t *file)
{
	const json_t *row;
	size_t i;

	json_array_foreach (report_list(file, "xattrs"), i, row) {
		hm_bytes_text(out, i ? "\n" : "");
		hm_bytes_text(out, report_text(row, "name"));
		hm_bytes_text(out, "=");
		hm_bytes_text(out, report_text(row, "value"));
	}
}

static const struct {
	const char *name;
	void (*say)(struct hm_bytes *out, const struct report_view *v, const json_t *file);
} attributes[] = {
	{ "name", say_path },	{ "content", say_content }, { "size", say_size },	   { "permissions", say_mode },
	{ "owner", say_owner }, { "changed", say_times },   { "extended attributes", say_attributes },
};

/* ---- which are shown ---- */

static bool differs(const struct report_view *v, const struct twins *t)
{
	for (size_t i = 0; i < HM_COUNT(attributes) && t->file[0] && t->file[1]; i++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes low = { 0 }, high = { 0 };

		if (attributes[i].say == say_content && same_text(t->file[0], t->file[1], "sha256"))
			continue;
		attributes[i].say(&low, v, t->file[0]);
		attributes[i].say(&high, v, t->file[1]);
		if (!hm_slice_eq(hm_slice_of(&low), hm_slice_of(&high)))
			return true;
	}
	return !t->file[0] || !t->file[1];
}

static const char *name_in(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The plan names the input "letter.eml", and the worlds have it as "letter-NAME.eml". */
static bool is_input(const struct report_view *v, const char *path)
{
	const char *input = name_in(report_text(v->plan, "stdin")), *name = name_in(path), *end = strrchr(input, '.');
	size_t stem = end ? (size_t)(end - input) : strlen(input), whole = strlen(name), tail = end ? strlen(end) : 0;

	return stem && whole >= stem + tail && strncmp(name, input, stem) == 0 && strcmp(name + whole - tail, end ? end : "") == 0;
}

/* What the product reads as its input comes first, then what people can read: the higher the better. */
static unsigned rank_of(const struct report_view *v, const struct twins *t)
{
	const json_t *file = t->file[0] ? t->file[0] : t->file[1];
	struct hm_slice content;

	if (is_input(v, report_text(file, "path")))
		return 2;
	return hm_parts_get(v->parts, report_text(file, "part"), &content) && report_is_text(content);
}

static void put_cell(struct hm_bytes *out, const char *label, const struct hm_bytes *value, const struct hm_bytes *other, bool there)
{
	const struct hm_slice twin = hm_slice_of(other);

	report_html(out, "<td role=\"cell\"><i class=\"label\" aria-hidden=\"true\">%s</i>", label);
	if (there)
		report_value(out, hm_slice_of(value), &twin);
	else
		hm_bytes_text(out, "<i class=\"none\">not there</i>");
	hm_bytes_text(out, "</td>");
}

static void put_twins(const struct report_page *p, const struct twins *t)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes path = { 0 };

	report_bytes(&path, t->file[0] ? t->file[0] : t->file[1], "path");
	for (size_t i = 0; i < HM_COUNT(attributes); i++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes low = { 0 }, high = { 0 };

		if (t->file[0])
			attributes[i].say(&low, p->view, t->file[0]);
		if (t->file[1])
			attributes[i].say(&high, p->view, t->file[1]);
		if (hm_slice_eq(hm_slice_of(&low), hm_slice_of(&high)))
			continue;
		hm_bytes_text(p->out, "<tr role=\"row\"><th role=\"rowheader\" scope=\"row\"><code>");
		report_html_bound(p->out, hm_slice_of(&path), 256);
		report_html(p->out, "</code><span>%s</span></th>", attributes[i].name);
		put_cell(p->out, "level 0", &low, &high, t->file[0]);
		put_cell(p->out, "level 1", &high, &low, t->file[1]);
		hm_bytes_text(p->out, "</tr>\n");
		if (!t->file[0] || !t->file[1])
			return;
	}
}

void report_page_varied(const struct report_page *p, const struct report_pair *pair)
{
	HM_FREE struct twins *list = hm_alloc(2 * FILES_MAX, sizeof(*list));
	size_t count = load_twins(list, pair), differing = 0, shown = 0;

	for (size_t i = 0; i < count; i++)
		if (differs(p->view, &list[i]))
			list[differing++] = list[i];
	if (!differing)
		return;
	report_html(p->out, "<p>What varied: %'zu planted %s.</p>\n<div class=\"scroll\" role=\"region\" aria-label=\"What varied\" tabindex=\"0\">"
			    "<table role=\"table\" class=\"aligned\"><thead role=\"rowgroup\"><tr role=\"row\"><th role=\"columnheader\" scope=\"col\">"
			    "Document</th><th role=\"columnheader\" scope=\"col\">Run %lu, level 0</th><th role=\"columnheader\" scope=\"col\">"
			    "Run %lu, level 1</th></tr></thead><tbody role=\"rowgroup\">\n", differing, differing == 1 ? "document" : "documents",
		    (unsigned long)pair->reader[0], (unsigned long)pair->reader[1]);
	for (unsigned rank = 3; rank-- > 0;)
		for (size_t i = 0; i < differing && shown < FILES_SHOWN; i++)
			if (rank_of(p->view, &list[i]) == rank) {
				put_twins(p, &list[i]);
				shown++;
			}
	hm_bytes_text(p->out, "</tbody></table></div>\n");
	if (differing > shown)
		report_html(p->out, "<p class=\"cut\">And %'zu more %s.</p>\n", differing - shown, differing - shown == 1 ? "document" : "documents");
}
