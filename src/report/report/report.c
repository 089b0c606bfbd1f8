#include "cursor.h"
#include "digest.h"
#include "report_internal.h"

static void put_policy(struct hm_bytes *out)
{
	struct hm_sha256 digest;

	/* Nothing may be loaded and nothing may run; this one style sheet, known by its digest, is the exception. */
	hm_sha256_slice(&digest, hm_slice_text(report_style));
	hm_bytes_text(out, "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-");
	hm_text_base64(out, (struct hm_slice){ digest.b, sizeof(digest.b) });
	hm_bytes_text(out, "'; base-uri 'none'; form-action 'none'\">\n");
}

/* A page begins and ends with its version: a page of another version cannot be had by changing one place of ours. */
static const char beginning[] = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
				"<meta name=\"generator\" content=\"hallmark report %u\">\n";
static const char ending[] = "</main>\n<footer>Hallmark report, version %u</footer>\n</body>\n</html>\n";

static bool has_version(struct hm_slice page, unsigned version)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes head = { 0 }, tail = { 0 };

	hm_bytes_printf(&head, beginning, version);
	hm_bytes_printf(&tail, ending, version);
	return page.len >= head.len + tail.len && memcmp(page.data, head.data, head.len) == 0 &&
	       memcmp(page.data + page.len - tail.len, tail.data, tail.len) == 0;
}

unsigned hm_report_version(struct hm_slice page)
{
	const char *number = strchr(beginning, '%');
	struct hm_cursor c = hm_cursor_of(page);
	unsigned version = 0;

	(void)hm_cursor_bytes(&c, (size_t)(number - beginning));
	for (uint8_t digit; version < 100000 && (digit = hm_cursor_u8(&c)) >= '0' && digit <= '9';)
		version = version * 10 + (digit - '0');
	return has_version(page, version) ? version : 0;
}

static void put_head(struct hm_bytes *out, const struct report_view *v)
{
	hm_bytes_printf(out, beginning, HM_REPORT_VERSION);
	put_policy(out);
	hm_bytes_text(out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
			   "<meta name=\"color-scheme\" content=\"light dark\">\n"
			   "<meta name=\"referrer\" content=\"no-referrer\">\n");
	report_html(out, "<title>%s%s%s: Hallmark assessment</title>\n<style>", v->name, *v->version ? " " : "", v->version);
	hm_bytes_text(out, report_style);
	hm_bytes_text(out, "</style>\n</head>\n<body>\n");
}

static int put_page(const struct report_page *p, struct hm_fail *fail)
{
	int r;

	put_head(p->out, p->view);
	report_page_head(p);
	hm_bytes_text(p->out, "<main>\n");
	r = report_page_depends(p, fail);
	if (r < 0)
		return r;
	report_page_verdicts(p);
	report_page_limits(p);
	report_page_witnesses(p);
	r = report_page_sent(p, fail);
	if (r < 0)
		return r;
	report_page_files(p);
	report_page_processes(p);
	r = report_page_left(p, fail);
	if (r < 0)
		return r;
	report_page_method(p);
	report_page_events(p);
	report_page_check(p);
	hm_bytes_printf(p->out, ending, HM_REPORT_VERSION);
	return 0;
}

int hm_report_html(struct hm_bytes *out, const struct hm_parts *parts, struct hm_fail *fail)
{
	HM_CLEANUP(report_view_release) struct report_view view = { 0 };
	HM_CLEANUP(report_cites_release) struct report_cites cites = { 0 };
	HM_CLEANUP(report_activity_release) struct report_activity activity = { 0 };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes page = { 0 };
	HM_CLEANUP(report_experiment_release) struct report_experiment experiment = { 0 };
	const struct report_page p = { &view, &cites, &activity, &experiment, &page };
	int r;

	r = report_view_load(&view, parts, fail);
	if (r < 0)
		return r;
	report_cites_load(&cites, view.findings);
	r = report_experiment_load(&experiment, &view, fail);
	if (r < 0)
		return r;
	r = report_activity_load(&activity, &view, &cites, fail);
	if (r < 0)
		return r;
	r = put_page(&p, fail);
	if (r < 0)
		return r;
	hm_bytes_slice(out, hm_slice_of(&page));
	return 0;
}
