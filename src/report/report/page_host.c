/* What ran, and what it left behind: the tree of processes, what they printed, and the overlay's upper layer. */
#include <inttypes.h>

#include "cbor.h"
#include "report_internal.h"

#define PROCESSES_SHOWN 300
#define PROCESS_DEPTH 24
#define ARGV_SHOWN 600
#define ENTRIES_SHOWN 300

struct family {
	const struct report_page *page;
	size_t shown, hidden;
};

static void put_argv(struct hm_bytes *out, const struct report_process *p)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes line = { 0 };
	struct hm_slice argv = p->argv;

	/* Each argument ends with NUL: shown as a space, and an argument that has spaces in quotes. */
	while (argv.len) {
		const uint8_t *end = memchr(argv.data, 0, argv.len);
		size_t n = end ? (size_t)(end - argv.data) : argv.len;
		bool quoted = n == 0 || memchr(argv.data, ' ', n) || memchr(argv.data, '\'', n);

		hm_bytes_text(&line, line.len ? " " : "");
		hm_bytes_text(&line, quoted ? "'" : "");
		hm_bytes_append(&line, argv.data, n);
		hm_bytes_text(&line, quoted ? "'" : "");
		n += end != NULL;
		argv = (struct hm_slice){ argv.data + n, argv.len - n };
	}
	if (!line.len)
		hm_bytes_slice(&line, p->path);
	hm_bytes_text(out, "<code>");
	report_html_bound(out, hm_slice_of(&line), ARGV_SHOWN);
	hm_bytes_text(out, "</code>");
	if (p->argv_len > p->argv.len)
		report_html(out, " <span class=\"cut\">%'lu bytes of arguments, %'zu recorded</span>", (unsigned long)p->argv_len,
			    p->argv.len);
}

static void put_end(struct hm_bytes *out, const struct report_process *p)
{
	if (!p->ended)
		hm_bytes_text(out, "no end recorded");
	else if (p->code & 0x7f)
		report_html(out, "killed by signal %lu", (unsigned long)(p->code & 0x7f));
	else
		report_html(out, "exit code %lu", (unsigned long)(p->code >> 8 & 0xff));
}

static void put_process(struct family *f, size_t at, unsigned depth)
{
	const struct report_activity *a = f->page->activity;
	const struct report_process *p = &a->process[at];
	struct hm_bytes *out = f->page->out;
	bool parent = false;

	f->shown++;
	hm_bytes_text(out, "<li>");
	put_argv(out, p);
	report_html(out, "<span class=\"faint\">pid %lu, uid %lu, ", (unsigned long)p->tgid, (unsigned long)p->euid);
	hm_bytes_printf(out, "%d %s", __builtin_popcountll(p->caps), __builtin_popcountll(p->caps) == 1 ? "capability" : "capabilities");
	report_html(out, "%s; ", p->execs ? "" : ", executed no program of its own");
	if (p->threads > 1)
		report_html(out, "%'lu threads; ", (unsigned long)p->threads);
	put_end(out, p);
	hm_bytes_text(out, "</span>");
	for (size_t i = at + 1; i < a->processes; i++) {
		if (a->process[i].parent != at + 1)
			continue;
		if (f->shown >= PROCESSES_SHOWN || depth >= PROCESS_DEPTH) {
			f->hidden++;
			continue;
		}
		hm_bytes_text(out, parent ? "" : "\n<ul>\n");
		parent = true;
		put_process(f, i, depth + 1);
	}
	hm_bytes_text(out, parent ? "</ul></li>\n" : "</li>\n");
}

static void put_output(const struct report_page *p, size_t stream, const char *title)
{
	const struct report_activity *a = p->activity;
	const struct hm_bytes *text = &a->output[stream];
	struct hm_slice rest = hm_slice_of(text);

	if (!text->len)
		return;
	report_html(p->out, "<details><summary>%s: %'lu bytes</summary>\n<pre class=\"output\" tabindex=\"0\">", title,
		    (unsigned long)a->output_len[stream]);
	while (rest.len) {
		const uint8_t *end = memchr(rest.data, '\n', rest.len);
		size_t n = end ? (size_t)(end - rest.data) : rest.len;

		report_html(p->out, "%.*s\n", (int)n, (const char *)rest.data);
		n += end != NULL;
		rest = (struct hm_slice){ rest.data + n, rest.len - n };
	}
	hm_bytes_text(p->out, "</pre>\n");
	if (a->output_len[stream] > text->len)
		report_html(p->out, "<p class=\"cut\">%'zu of %'lu bytes shown.</p>\n", text->len, (unsigned long)a->output_len[stream]);
	hm_bytes_text(p->out, "</details>\n");
}

void report_page_processes(const struct report_page *p)
{
	const struct report_activity *a = p->activity;
	struct family f = { .page = p };

	hm_bytes_text(p->out, "<section id=\"processes\">\n<h2>Processes</h2>\n<div>\n");
	report_html(p->out, "<p><b>%'zu %s</b> in run %lu%s.</p>\n", a->processes, a->processes == 1 ? "process" : "processes",
		    (unsigned long)a->process_run, a->runs > 1 ? "; those of the other runs are in their records" : "");
	hm_bytes_text(p->out, "<ul class=\"processes\">\n");
	for (size_t i = 0; i < a->processes; i++) {
		if (a->process[i].parent)
			continue;
		if (f.shown >= PROCESSES_SHOWN)
			f.hidden++;
		else
			put_process(&f, i, 0);
	}
	hm_bytes_text(p->out, "</ul>\n");
	if (f.hidden || a->processes_dropped)
		report_html(p->out, "<p class=\"cut\">%'zu processes and what they started are not shown; %'lu events concern processes "
				    "past the limit.</p>\n", f.hidden, (unsigned long)a->processes_dropped);
	put_output(p, 0, "Standard output");
	put_output(p, 1, "Standard error");
	hm_bytes_text(p->out, "</div>\n</section>\n");
}

struct entry {
	struct hm_slice path, sha256, link;
	uint64_t type, mode, uid, gid, size;
};

static const char *type_name(uint64_t type)
{
	static const struct {
		char code;
		const char *name;
	} types[] = {
		{ 'f', "file" },	     { 'd', "folder" }, { 'l', "link" },   { 'c', "character device" },
		{ 'b', "block device" }, { 'p', "pipe" },   { 's', "socket" }, { 'w', "deleted" },
	};

	for (size_t i = 0; i < HM_COUNT(types); i++)
		if ((uint64_t)types[i].code == type)
			return types[i].name;
	return "unknown";
}

/* One item of a tree: [path, type, mode, uid, gid, size, sha256, link] (doc/format/core.md). */
static int read_entry(struct entry *e, struct hm_slice item, struct hm_fail *fail)
{
	struct hm_cursor c = hm_cursor_of(item);
	uint64_t count = hm_cbor_get_array(&c);

	e->path = hm_cbor_get_bytes(&c);
	e->type = hm_cbor_get_uint(&c);
	e->mode = hm_cbor_get_uint(&c);
	e->uid = hm_cbor_get_uint(&c);
	e->gid = hm_cbor_get_uint(&c);
	e->size = hm_cbor_get_uint(&c);
	e->sha256 = hm_cbor_get_bytes(&c);
	e->link = hm_cbor_get_bytes(&c);
	if (count != 8 || !hm_cursor_done(&c))
		return hm_fail_set(fail, HM_E_BAD, "an entry of the tree is malformed");
	return 0;
}

static void put_entry(struct hm_bytes *out, const struct entry *e, uint64_t run, uint64_t index)
{
	report_html(out, "<tr id=\"r%lut%lu\"><td><code>", (unsigned long)run, (unsigned long)index);
	report_html_bound(out, e->path, 512);
	if (e->link.len) {
		hm_bytes_text(out, "</code> to <code>");
		report_html_bound(out, e->link, 512);
	}
	hm_bytes_text(out, "</code>");
	if (e->sha256.len) {
		hm_bytes_text(out, "<code class=\"digest\">");
		hm_text_hex(out, report_bound(e->sha256, 32));
		hm_bytes_text(out, "</code>");
	}
	hm_bytes_text(out, "</td>");
	if (e->type == 'w')
		hm_bytes_text(out, "<td>deleted</td><td></td><td></td>");
	else {
		report_html(out, "<td>%s</td>", type_name(e->type));
		hm_bytes_printf(out, "<td>%04" PRIo64 " %" PRIu64 ":%" PRIu64 "</td>", e->mode & 07777, e->uid, e->gid);
		report_html(out, "<td>%'lu</td>", (unsigned long)e->size);
	}
	hm_bytes_text(out, "</tr>\n");
}

static int put_entries(const struct report_page *p, struct hm_record *tree, struct hm_fail *fail)
{
	uint64_t run = p->activity->process_run, count = 0, shown = 0;
	struct hm_slice item;
	struct entry e;
	int r;

	while ((r = hm_record_next(tree, &item, fail)) > 0) {
		r = read_entry(&e, item, fail);
		if (r < 0)
			return r;
		if (count == 0)
			hm_bytes_text(p->out, "<div class=\"scroll\" role=\"region\" aria-label=\"Left on disk\" tabindex=\"0\"><table "
					      "class=\"list\"><thead><tr><th scope=\"col\">Path and SHA-256</th><th scope=\"col\">Type</th>"
					      "<th scope=\"col\">Mode, owner</th><th scope=\"col\">Bytes</th></tr></thead><tbody>\n");
		if (count < ENTRIES_SHOWN || report_cited(p->cites, run, REPORT_ENTRY, count)) {
			put_entry(p->out, &e, run, count);
			shown++;
		}
		count++;
	}
	if (r < 0)
		return r;
	hm_bytes_text(p->out, count ? "</tbody></table></div>\n" : "");
	report_html(p->out, "<p><b>%'lu %s</b> made, changed or deleted.", (unsigned long)count, count == 1 ? "path" : "paths");
	if (count > shown)
		report_html(p->out, " <span class=\"cut\">%'lu are shown.</span>", (unsigned long)shown);
	hm_bytes_text(p->out, "</p>\n");
	if (hm_record_head(tree)->withheld)
		report_html(p->out, "<p class=\"cut\">%'lu blocks of this list are withheld.</p>\n",
			    (unsigned long)hm_record_head(tree)->withheld);
	return 0;
}

int report_page_left(const struct report_page *p, struct hm_fail *fail)
{
	uint64_t run = p->activity->process_run;
	struct hm_record *tree;
	struct hm_slice file;
	int r = 0;

	report_html(p->out, "<section id=\"left\">\n<h2>Left on disk</h2>\n<div>\n<p>The chamber's disk is an overlay: what its upper "
			    "layer held after run %lu is what the product left.</p>\n", (unsigned long)run);
	if (!report_run_part(p->view, run, "tree.cbor.zst", &file)) {
		hm_bytes_text(p->out, "<p class=\"none\">The bundle holds no tree of this run.</p>\n");
	} else {
		r = hm_record_open(&tree, file, fail);
		if (r == 0) {
			r = put_entries(p, tree, fail);
			hm_record_close(tree);
		}
	}
	hm_bytes_text(p->out, "</div>\n</section>\n");
	return r < 0 ? hm_fail_in(fail, "the tree of run %u", (unsigned)run) : 0;
}
