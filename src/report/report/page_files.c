/* What was read: a tree of every file that was opened, read, written, mapped or executed, with byte totals. */
#include "report_internal.h"

#define ROWS_SHOWN 1500	  /* files in all */
#define FOLDER_SHOWN 150  /* files right in one folder */
#define DEPTH_SHOWN 16	  /* folders in folders */

struct tree {
	const struct report_page *page;
	const struct report_file *file;
	size_t rows; /* shown so far */
	bool open;   /* folders stand open */
};

struct total {
	size_t files;
	uint64_t read, written;
};

static struct total add_up(const struct report_file *file, size_t from, size_t to)
{
	struct total t = { 0 };

	for (size_t i = from; i < to; i++) {
		t.files += !file[i].folder;
		t.read += file[i].read;
		t.written += file[i].written;
	}
	return t;
}

static void put_numbers(struct hm_bytes *out, uint64_t read, uint64_t written)
{
	hm_bytes_text(out, "<span class=\"n\">");
	if (read)
		report_html(out, "%'lu", (unsigned long)read);
	hm_bytes_text(out, "</span><span class=\"n\">");
	if (written)
		report_html(out, "%'lu", (unsigned long)written);
	hm_bytes_text(out, "</span>");
}

static void put_file(struct tree *t, const struct report_file *f, struct hm_slice name)
{
	struct hm_bytes *out = t->page->out;

	hm_bytes_text(out, "<li class=\"row\"><span class=\"name\">");
	if (f->path.len)
		report_html_bound(out, name, 512);
	else
		report_html(out, "%s (device %lu, inode %lu)", f->key[3] == HM_LAYER_NONE ? "a pipe or the like" : "a file without a name",
			    (unsigned long)f->key[0], (unsigned long)f->key[1]);
	hm_bytes_text(out, f->folder ? "/" : "");
	hm_bytes_text(out, f->execs ? " <b>executed</b>" : "");
	hm_bytes_text(out, f->code && !f->execs ? " <b>mapped as code</b>" : f->maps && !f->code ? " <b>mapped</b>" : "");
	hm_bytes_text(out, f->folder ? " <b>listed</b>" : f->opens && !f->read && !f->written && !f->maps && !f->execs ? " <b>opened</b>" : "");
	hm_bytes_text(out, "</span>");
	put_numbers(out, f->read, f->written);
	hm_bytes_text(out, "</li>\n");
	t->rows++;
}

/* End of the path component that starts at `at`. */
static size_t component_end(struct hm_slice path, size_t at)
{
	const uint8_t *slash = at < path.len ? memchr(path.data + at, '/', path.len - at) : NULL;

	return slash ? (size_t)(slash - path.data) : path.len;
}

/* First place behind `from` whose path does not go on with the same component, which ends at `end`. */
static size_t group_end(const struct tree *t, size_t from, size_t to, size_t end)
{
	struct hm_slice path = t->file[from].path;
	size_t i = from + 1;

	while (i < to && t->file[i].path.len >= end && memcmp(t->file[i].path.data, path.data, end) == 0 &&
	       component_end(t->file[i].path, end) == end)
		i++;
	return i;
}

static void put_range(struct tree *t, size_t from, size_t to, size_t prefix, unsigned depth);

/* The files below one folder: its own name first, where a folder with nothing but one folder in it is drawn as one. */
static void put_folder(struct tree *t, size_t from, size_t to, size_t prefix, size_t end, unsigned depth)
{
	struct hm_bytes *out = t->page->out;
	struct total total = add_up(t->file, from, to);
	struct hm_slice path = t->file[to - 1].path;
	size_t next;

	while (t->file[from].path.len > end && (next = component_end(path, end + 1)) < path.len &&
	       component_end(t->file[from].path, end + 1) == next && group_end(t, from, to, next) == to)
		end = next;
	hm_bytes_text(out, t->open || depth == 0 ? "<li><details open>" : "<li><details>");
	hm_bytes_text(out, "<summary class=\"row\"><span class=\"name\">");
	report_html_bound(out, (struct hm_slice){ path.data + prefix, end - prefix }, 512);
	report_html(out, "/ <i>%'zu %s</i></span>", total.files, total.files == 1 ? "file" : "files");
	put_numbers(out, total.read, total.written);
	hm_bytes_text(out, "</summary>\n<ul>\n");
	while (from < to && t->file[from].path.len == end)
		from++;
	put_range(t, from, to, end + 1, depth + 1);
	hm_bytes_text(out, "</ul></details></li>\n");
}

/* Entries from `from` to before `to`, whose paths have `prefix` bytes in common that were drawn already. */
static void put_range(struct tree *t, size_t from, size_t to, size_t prefix, unsigned depth)
{
	size_t files = 0, left_out = 0;

	for (size_t i = from, next; i < to; i = next) {
		struct hm_slice path = t->file[i].path;
		size_t end = component_end(path, prefix);

		next = depth < DEPTH_SHOWN ? group_end(t, i, to, end) : i + 1;
		if (depth < DEPTH_SHOWN && t->file[next - 1].path.len > end) {
			if (t->rows < ROWS_SHOWN)
				put_folder(t, i, next, prefix, end, depth);
			else
				left_out += add_up(t->file, i, next).files;
			continue;
		}
		for (; i < next; i++) {
			if (files++ < FOLDER_SHOWN && t->rows < ROWS_SHOWN)
				put_file(t, &t->file[i], (struct hm_slice){ path.data + prefix, path.len - prefix });
			else
				left_out++;
		}
	}
	if (left_out)
		report_html(t->page->out, "<li class=\"cut\">%'zu more not shown</li>\n", left_out);
}

static bool below(struct hm_slice path, struct hm_slice folder)
{
	return folder.len && path.len >= folder.len && memcmp(path.data, folder.data, folder.len) == 0 &&
	       (path.len == folder.len || path.data[folder.len] == '/');
}

/* Pipes and the like: behind the tree, in a folder of their own. */
static void put_nameless(struct tree *t, size_t from, size_t to)
{
	struct total total = add_up(t->file, from, to);
	struct hm_bytes *out = t->page->out;

	if (from == to)
		return;
	report_html(out, "<li><details><summary class=\"row\"><span class=\"name\"><i>without a name, %'zu %s</i></span>", to - from,
		    to - from == 1 ? "file" : "files");
	put_numbers(out, total.read, total.written);
	hm_bytes_text(out, "</summary>\n<ul>\n");
	for (size_t i = from; i < to && i < from + FOLDER_SHOWN; i++)
		put_file(t, &t->file[i], t->file[i].path);
	if (to - from > FOLDER_SHOWN)
		report_html(out, "<li class=\"cut\">%'zu more not shown</li>\n", to - from - FOLDER_SHOWN);
	hm_bytes_text(out, "</ul></details></li>\n");
}

static void put_tree(const struct report_page *p, const struct report_file *file, size_t from, size_t to, bool open)
{
	struct tree t = { p, file, 0, open };
	size_t named = from;

	while (named < to && file[named].path.len == 0)
		named++;
	hm_bytes_text(p->out, "<ul class=\"tree\">\n<li class=\"row head\" aria-hidden=\"true\"><span class=\"name\">File</span>"
			      "<span class=\"n\">bytes read</span><span class=\"n\">written</span></li>\n");
	put_range(&t, named, to, 0, 0);
	put_nameless(&t, from, named);
	hm_bytes_text(p->out, "</ul>\n");
}

static void put_sum(const struct report_page *p, const struct report_file *file, size_t from, size_t to, const char *where)
{
	struct total t = add_up(file, from, to);

	report_html(p->out, "<p><b>%'zu %s</b> opened %s, <b>%'lu bytes</b> read, <b>%'lu bytes</b> written.</p>\n", t.files,
		    t.files == 1 ? "file" : "files", where, (unsigned long)t.read, (unsigned long)t.written);
}

void report_page_files(const struct report_page *p)
{
	const struct report_activity *a = p->activity;
	struct hm_slice target = hm_slice_text(report_text(p->view->planted, "target"));
	HM_FREE struct report_file *other = hm_alloc(a->files, sizeof(*other));
	size_t from = 0, to, others = 0;

	while (from < a->files && !below(a->file[from].path, target))
		from++;
	for (to = from; to < a->files && below(a->file[to].path, target);)
		to++;
	/* The target's files are drawn by themselves; the borrowed rows of all others make the second tree. */
	for (size_t i = 0; i < a->files; i++)
		if (i < from || i >= to)
			other[others++] = a->file[i];
	hm_bytes_text(p->out, "<section id=\"read\">\n<h2>What was read</h2>\n<div>\n");
	if (a->runs > 1)
		report_html(p->out, "<p>Totals over %'zu runs.</p>\n", a->runs);
	put_sum(p, a->file, from, to, "among the planted documents");
	if (to > from)
		put_tree(p, a->file, from, to, true);
	put_sum(p, other, 0, others, "elsewhere");
	if (others)
		put_tree(p, other, 0, others, false);
	if (a->files_dropped)
		report_html(p->out, "<p class=\"cut\">%'lu more events concern files past the %'zuth, which are not shown.</p>\n",
			    (unsigned long)a->files_dropped, a->files);
	hm_bytes_text(p->out, "</div>\n</section>\n");
}
