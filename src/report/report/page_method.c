/* How it was done: the chamber, the planted documents, the runs, and every artifact with its digest. */
#include <inttypes.h>

#include "report_internal.h"

#define ARTIFACTS_SHOWN 400
#define VERSIONS_SHOWN 60

static void put_texts(struct hm_bytes *out, const json_t *list)
{
	const json_t *item;
	size_t i;

	if (!json_array_size(list))
		hm_bytes_text(out, "none");
	json_array_foreach (list, i, item)
		report_html(out, "%s%s", i ? ", " : "", json_is_string(item) ? json_string_value(item) : "?");
}

static void put_fact(struct hm_bytes *out, const char *name, const char *value)
{
	if (*value)
		report_html(out, "<dt>%s</dt><dd>%s</dd>\n", name, value);
}

/* It does not trust the chamber's authority by itself. */
static void put_authorities(const struct report_page *p)
{
	const json_t *used = report_object(report_object(p->view->findings, "experiment"), "authorities");

	if (!json_is_array(json_object_get(used, "by")))
		return;
	hm_bytes_text(p->out, "<dt>Authorities</dt><dd>started in the form in which its declaration says that it takes others than its own: ");
	put_texts(p->out, report_list(used, "by"));
	if (*report_text(used, "after"))
		report_html(p->out, ". As it is it had refused the chamber's certificates: the assessment of plan <code>%s</code>", report_text(used, "after"));
	hm_bytes_text(p->out, "</dd>\n");
}

static void put_chamber(const struct report_page *p)
{
	const json_t *chamber = report_object(p->view->assessment, "chamber");
	const json_t *kernel = report_object(p->view->assessment, "kernel");
	const json_t *declaration = p->view->declaration;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes handshakes = { 0 };

	hm_bytes_text(p->out, "<dl class=\"facts\">\n");
	put_fact(p->out, "Privileges", report_say("profile", report_text(chamber, "profile")));
	put_fact(p->out, "Internet", report_say("internet", report_text(chamber, "internet")));
	if (report_handshakes(&handshakes, p->view)) {
		hm_bytes_u8(&handshakes, 0);
		put_fact(p->out, "TLS", (const char *)handshakes.data);
	}
	put_authorities(p);
	put_fact(p->out, "Planted host name", report_text(chamber, "hostname"));
	put_fact(p->out, "Planted machine id", report_text(chamber, "machine_id"));
	put_fact(p->out, "Address", report_text(chamber, "address"));
	put_fact(p->out, "Documents at", report_text(chamber, "target"));
	report_html(p->out, "<dt>Kernel</dt><dd>Linux %s on %s</dd>\n", report_text(kernel, "release"), report_text(kernel, "machine"));
	hm_bytes_text(p->out, "<dt>Mounts left out</dt><dd>");
	put_texts(p->out, report_list(chamber, "absent_mounts"));
	hm_bytes_text(p->out, "</dd>\n");
	if (declaration)
		report_html(p->out, "<dt>Declaration</dt><dd>%s. <span class=\"faint\">%s</span></dd>\n",
			    report_say("author", report_text(declaration, "author")), report_text(declaration, "source"));
	else
		hm_bytes_text(p->out, "<dt>Declaration</dt><dd>none: nobody said what the product may do</dd>\n");
	hm_bytes_text(p->out, "</dl>\n");
}

static void put_runs(const struct report_page *p)
{
	const json_t *runs = report_list(p->view->assessment, "runs"), *run;
	size_t i;

	hm_bytes_text(p->out, "<h3>Runs</h3>\n<div class=\"scroll\" role=\"region\" aria-label=\"Runs\" tabindex=\"0\"><table "
			      "class=\"list\"><thead><tr><th scope=\"col\">Run</th><th scope=\"col\">Kind</th><th scope=\"col\">Ended"
			      "</th><th scope=\"col\">Milliseconds</th><th scope=\"col\">Events</th></tr></thead><tbody>\n");
	json_array_foreach (runs, i, run) {
		uint64_t start = report_int(run, "start_us"), end = report_int(run, "end_us");
		const struct report_run *r = &p->activity->run[i];

		report_html(p->out, "<tr><th scope=\"row\">%lu</th><td>%s</td><td>%s %lu</td><td>%'lu</td><td>%'lu%s%s</td></tr>\n",
			    (unsigned long)r->run, report_say("kind", report_text(run, "kind")),
			    report_say("outcome", report_text(run, "outcome")), (unsigned long)report_int(run, "status"),
			    (unsigned long)(end > start ? (end - start) / 1000 : 0), (unsigned long)r->events,
			    r->cut ? ", cut short" : "", r->there ? "" : " (no record in this bundle)");
	}
	hm_bytes_text(p->out, "</tbody></table></div>\n");
}

static void put_planted(const struct report_page *p)
{
	const json_t *files = report_list(p->view->planted, "files"), *file;
	size_t i;

	if (!json_array_size(files))
		return;
	report_html(p->out, "<h3>Planted documents</h3>\n<details><summary>%'zu %s</summary>\n<div class=\"scroll\" role=\"region\" "
			    "aria-label=\"Planted documents\" tabindex=\"0\"><table class=\"list\"><thead><tr><th scope=\"col\">Path and "
			    "SHA-256</th><th scope=\"col\">Role</th><th scope=\"col\">Tokens</th><th scope=\"col\">Bytes</th></tr></thead>"
			    "<tbody>\n", json_array_size(files), json_array_size(files) == 1 ? "file" : "files");
	json_array_foreach (files, i, file) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes path = { 0 };

		report_bytes(&path, file, "path");
		hm_bytes_text(p->out, "<tr><td><code>");
		report_html_bound(p->out, hm_slice_of(&path), 512);
		report_html(p->out, "</code><code class=\"digest\">%s</code></td><td>%s%s%s</td><td>%'zu</td><td>%'lu</td></tr>\n",
			    report_text(file, "sha256"), report_text(file, "role"), *report_text(file, "marking") ? ", marked " : "",
			    report_text(file, "marking"), json_array_size(report_list(file, "tokens")),
			    (unsigned long)report_int(file, "size"));
	}
	hm_bytes_text(p->out, "</tbody></table></div></details>\n");
}

static void put_artifacts(const struct report_page *p)
{
	const json_t *list = report_list(report_object(p->view->findings, "product"), "artifacts"), *artifact;
	size_t i;

	report_html(p->out, "<h3>Artifacts</h3>\n<p>Two products are the same when these are.</p>\n<details><summary>%'zu %s"
			    "</summary>\n<div class=\"scroll\" role=\"region\" aria-label=\"Artifacts\" tabindex=\"0\"><table class=\"list\">"
			    "<thead><tr><th scope=\"col\">Path and SHA-256</th><th scope=\"col\">Role</th><th scope=\"col\">Package</th></tr>"
			    "</thead><tbody>\n", json_array_size(list), json_array_size(list) == 1 ? "file" : "files");
	json_array_foreach (list, i, artifact) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes path = { 0 };

		if (i == ARTIFACTS_SHOWN)
			break;
		report_bytes(&path, artifact, "path");
		hm_bytes_text(p->out, "<tr><td><code>");
		report_html_bound(p->out, hm_slice_of(&path), 512);
		report_html(p->out, "</code><code class=\"digest\">%s</code></td><td>%s</td><td>%s</td></tr>\n",
			    report_text(artifact, "sha256"), report_text(artifact, "role"), report_text(artifact, "package"));
	}
	hm_bytes_text(p->out, "</tbody></table></div>");
	if (json_array_size(list) > ARTIFACTS_SHOWN)
		report_html(p->out, "<p class=\"cut\">%'zu more are in findings.json.</p>", json_array_size(list) - ARTIFACTS_SHOWN);
	hm_bytes_text(p->out, "</details>\n");
}

/* Packages and definitions, with their versions. */
static void put_versions(const struct report_page *p)
{
	static const struct {
		const char *list, *title;
	} rows[] = { { "packages", "Packages" }, { "definitions", "Definitions" } };

	hm_bytes_text(p->out, "<h3>Product</h3>\n<dl class=\"facts\">\n");
	for (size_t k = 0; k < HM_COUNT(rows); k++) {
		const json_t *list = report_list(p->view->product, rows[k].list), *row;
		size_t i;

		report_html(p->out, "<dt>%s</dt><dd>", rows[k].title);
		hm_bytes_text(p->out, json_array_size(list) ? "" : "none");
		json_array_foreach (list, i, row) {
			if (i == VERSIONS_SHOWN) {
				report_html(p->out, " and %'zu more", json_array_size(list) - i);
				break;
			}
			report_html(p->out, "%s%s %s", i ? ", " : "", report_text(row, "name"), report_text(row, "version"));
			if (*report_text(row, "sha256"))
				report_html(p->out, " <code class=\"digest\">%s</code>", report_text(row, "sha256"));
		}
		hm_bytes_text(p->out, "</dd>\n");
	}
	hm_bytes_text(p->out, "</dl>\n");
}

void report_page_method(const struct report_page *p)
{
	hm_bytes_text(p->out, "<section id=\"method\">\n<h2>Method</h2>\n<div>\n");
	put_chamber(p);
	put_runs(p);
	put_planted(p);
	put_versions(p);
	put_artifacts(p);
	hm_bytes_text(p->out, "</div>\n</section>\n");
}
