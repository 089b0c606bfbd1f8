#include <locale.h>

#include "../../support/sample_experiment.h"
#include "report.h"
#include "text.h"

static struct hm_bytes page_of(struct hm_parts *parts)
{
	struct hm_bytes page = { 0 };
	struct hm_fail fail = { 0 };

	if (hm_report_html(&page, parts, &fail) < 0)
		fail_msg("%s", fail.text);
	return page;
}

static bool holds(const struct hm_bytes *page, const char *text)
{
	return memmem(page->data, page->len, text, strlen(text)) != NULL;
}

static void hostile_content_is_inert(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = sample_parts();
	HM_CLEANUP(hm_bytes_release) struct hm_bytes page = page_of(parts);

	for (size_t i = 0; i < HM_COUNT(sample_raw); i++)
		assert_false(holds(&page, sample_raw[i]));
	assert_true(hm_text_is_utf8(hm_slice_of(&page)));
	assert_false(holds(&page, "<script"));
	assert_false(holds(&page, "<img"));
	assert_true(holds(&page, "&lt;script&gt;alert(1)&lt;/script&gt;.txt"));
	assert_true(holds(&page, "invoice\\xE2\\x80\\xAEfdp.exe\\xE2\\x81\\xA6\\xD8\\x9C"));
	assert_true(holds(&page, "two\\x0Alines\\x0D\\x09and\\xE2\\x80\\xA8more"));
	assert_true(holds(&page, "&quot;&#39;&gt;&lt;img src=x onerror=alert(2)&gt;&amp;amp;"));
}

/* What the page may hold is a list: every tag and every attribute in it is one that the report writes. */
static void check_markup(char *text)
{
	static const char *const tags[] = { "html", "head", "meta", "title", "style", "body", "header", "p", "h1", "h2", "h3", "span", "b",
					    "i", "dl", "dt", "dd", "code", "nav", "a", "main", "section", "div", "table", "thead",
					    "tbody", "tfoot", "tr", "th", "td", "ul", "li", "details", "summary", "pre", "mark", "br", "footer",
					    "caption", "svg", "pattern", "rect", "circle", "path" };
	static const char *const attributes[] = { "lang", "charset", "http-equiv", "content", "name", "class", "id", "href", "role", "scope",
						  "aria-label", "aria-hidden", "tabindex", "open", "width", "height", "x", "fill", "d", "cx",
						  "cy", "r", "patternUnits" };
	char *at;

	assert_memory_equal(text, "<!doctype html>", 15);
	for (at = text + 15; (at = strchr(at, '<')); at++) {
		size_t n = strcspn(at + 1 + (at[1] == '/'), " />"), i;
		char *p = at + 1 + (at[1] == '/');

		for (i = 0; i < HM_COUNT(tags); i++)
			if (strlen(tags[i]) == n && memcmp(p, tags[i], n) == 0)
				break;
		if (i == HM_COUNT(tags))
			fail_msg("unknown tag %.40s", at);
		for (p += n; *p == ' ';) {
			n = strcspn(++p, "= />");
			for (i = 0; i < HM_COUNT(attributes); i++)
				if (strlen(attributes[i]) == n && memcmp(p, attributes[i], n) == 0)
					break;
			if (i == HM_COUNT(attributes))
				fail_msg("unknown attribute %.40s", p);
			if (n == 4 && memcmp(p, "href", 4) == 0)
				assert_memory_equal(p, "href=\"#", 7);
			if (n == 4 && memcmp(p, "fill", 4) == 0)
				assert_memory_equal(p, "fill=\"url(#", 11);
			p += n;
			if (*p == '=') {
				assert_int_equal(p[1], '"');
				p = strchr(p + 2, '"') + 1;
			}
			p += *p == '/';
		}
		assert_int_equal(*p, '>');
	}
}

static void only_known_markup(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = sample_parts(), *pairs = sample_experiment();
	HM_CLEANUP(hm_bytes_release) struct hm_bytes page = page_of(parts), other = page_of(pairs);

	hm_bytes_u8(&page, 0);
	hm_bytes_u8(&other, 0);
	check_markup((char *)page.data);
	check_markup((char *)other.data);
}

static void nothing_is_loaded(void **state HM_UNUSED)
{
	static const char *const loads[] = { "http:", "https:", "url(", "@import", "src=", "data:", "javascript:" };
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = sample_parts();
	HM_CLEANUP(hm_bytes_release) struct hm_bytes page = page_of(parts);
	HM_FREE char *shown = NULL;

	assert_true(holds(&page, "content=\"default-src 'none'; style-src 'sha256-"));
	/* In tags and in the style sheet; a payload may say what it likes. */
	hm_bytes_u8(&page, 0);
	shown = hm_strdup((char *)page.data);
	*strstr(shown, "<body>") = 0;
	for (size_t i = 0; i < HM_COUNT(loads); i++)
		assert_null(strstr(shown, loads[i]));
}

static void every_link_has_its_target(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = sample_parts();
	HM_CLEANUP(hm_bytes_release) struct hm_bytes page = page_of(parts);
	size_t links = 0;

	hm_bytes_u8(&page, 0);
	for (char *at = (char *)page.data; (at = strstr(at, "href=\"#")); at++) {
		HM_FREE char *name = hm_slice_dup((struct hm_slice){ (uint8_t *)at + 7, strcspn(at + 7, "\"") });
		HM_FREE char *target = hm_sprintf("id=\"%s\"", name);

		if (!strstr((char *)page.data, target))
			fail_msg("no target for #%s", name);
		links++;
	}
	assert_true(links > 10);
	assert_true(holds(&page, "run 1 event 99 (not on this page)"));
}

static void numbers_and_words(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = sample_parts();
	HM_CLEANUP(hm_bytes_release) struct hm_bytes page = page_of(parts);

	assert_true(holds(&page, "<b class=\"refuted\">1</b> refuted, <b class=\"open\">1</b> not verifiable, <b class=\"upheld\">2</b> upheld"));
	assert_true(holds(&page, "<span>1.4.3+dfsg-1</span>"));
	assert_true(holds(&page, "2023-11-14 22:13:20 UTC"));
	assert_true(holds(&page, "is bounded: what shows itself in more than 22.1 % of runs would have been seen with 95 % "
				 "confidence (12 runs)."));
	assert_true(holds(&page, "exit code 1"));
	assert_true(holds(&page, "killed by signal 9"));
	assert_true(holds(&page, "<mark>3c 73 63 72 69 70 74 3e  61")); /* the cited bytes of the payload */
	assert_true(holds(&page, "768 of 2,700 bytes shown"));
	/* A reason without a sentence is shown as it is. */
	assert_true(holds(&page, "sample.bytes {&quot;bytes&quot;:4711}"));
}

static void witnesses_are_held_against_each_other(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = sample_parts();
	HM_CLEANUP(hm_bytes_release) struct hm_bytes page = page_of(parts);

	assert_true(holds(&page, "say of each other, in 2 runs:"));
	assert_true(holds(&page, "<dd><b class=\"open\">46 planted documents, 188,417 bytes: seen twice but for 4,096 bytes that only the calls "
				 "saw and 0 that only the page cache saw; 1 file that no event names</b>"));
	assert_true(holds(&page, "<dd>198 bytes by 2 sockets: all seen twice."));
	assert_true(holds(&page, "<dd>12 of 14 packets with an owner, 2 without."));
	assert_true(holds(&page, "<dd>stopped 3 times for 13 ms in all, 1 of these by a signal. <span class=\"faint\">So that no event is lost. A "
				 "product can notice"));
	assert_true(holds(&page, "4 looks found 1 task, 3 open files and 14 mappings: events explain all of it"));
	assert_true(holds(&page, "<code>ptrace</code></th><td>4</td><td>0</td>"));
	assert_true(holds(&page, "<td>0</td><td><b class=\"open\">1</b></td>"));
	/* The self-test failed: shown at once, what was missed before all else. */
	assert_true(holds(&page, "<b class=\"open\">failed: 4 ways, 1 seen, 1 refused by the chamber, 1 missed</b>"));
	assert_true(holds(&page, "<details open><summary>4 ways</summary>"));
	assert_true(holds(&page, "<tbody>\n<tr><th scope=\"row\">a double-forked daemon <span class=\"faint\">a send, seen by packets on the wire: no "
				 "call of it is in the record</span></th><td><span class=\"verdict refuted\">missed</span></td></tr>"));
}

/* Findings of semantics 1 have none of it, and their self_test is a text. */
static void older_findings_show_well(void **state HM_UNUSED)
{
	static const char findings[] = "{'schema':'hallmark/findings/v1','semantics':1,'product':{},'experiment':{},'claims':[],"
				       "'not_tested':[],'losses':[],'ledger':[]}";
	static const char assessment[] = "{'chamber':{'self_test':'none'},'runs':[]}";
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = hm_parts_new();
	HM_CLEANUP(hm_bytes_release) struct hm_bytes page = { 0 };

	make_json(parts, "findings.json", findings);
	make_json(parts, "assessment.json", assessment);
	page = page_of(parts);
	assert_true(holds(&page, "these findings are of semantics 1"));
	assert_true(holds(&page, "<b class=\"open\">None was made</b>: nothing here shows"));
	assert_false(holds(&page, "seen twice"));
	assert_false(holds(&page, "reach behind"));
}

static void same_parts_same_bytes(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = sample_parts(), *again = sample_parts();
	HM_CLEANUP(hm_bytes_release) struct hm_bytes page = page_of(parts), other = { 0 };

	setenv("TZ", "Asia/Tokyo", 1);
	setenv("LC_ALL", "de_DE.UTF-8", 1);
	setlocale(LC_ALL, "");
	other = page_of(again);
	setlocale(LC_ALL, "C");
	assert_true(hm_slice_eq(hm_slice_of(&page), hm_slice_of(&other)));
}

static struct hm_parts *parts_without(const char *name, const char *instead)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *all = sample_parts();
	struct hm_parts *some = hm_parts_new();

	for (size_t i = 0; i < hm_parts_count(all); i++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes copy = { 0 };
		struct hm_slice content;
		const char *at = hm_parts_at(all, i, &content);

		if (strcmp(at, name) == 0 && instead)
			content = hm_slice_text(instead);
		else if (strcmp(at, name) == 0)
			continue;
		hm_bytes_slice(&copy, content);
		assert_int_equal(hm_parts_take(some, at, &copy, NULL), 0);
	}
	return some;
}

static void absent_parts_are_told(void **state HM_UNUSED)
{
	static const char *const names[] = { "claims.json", "core.json", "declaration.json", "planted.json", "runs/0001/packets.pcapng",
					     "runs/0001/record.cbor.zst", "runs/0001/tree.cbor.zst" };

	for (size_t i = 0; i < HM_COUNT(names); i++) {
		HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = parts_without(names[i], NULL);
		HM_CLEANUP(hm_bytes_release) struct hm_bytes page = page_of(parts);

		assert_true(holds(&page, "</html>"));
	}
}

static void malformed_parts_are_refused(void **state HM_UNUSED)
{
	static const struct {
		const char *name, *instead;
		int code;
	} rows[] = {
		{ "findings.json", NULL, HM_E_BAD },
		{ "findings.json", "{", HM_E_BAD },
		{ "findings.json", "[]", HM_E_BAD },
		{ "findings.json", "{\"schema\":\"hallmark/findings/v2\"}", HM_E_UNKNOWN },
		{ "findings.json", "{\"schema\":\"hallmark/findings/v1\"}", HM_E_BAD },
		{ "findings.json",
		  "{\"schema\":\"hallmark/findings/v1\",\"product\":{},\"experiment\":{},\"claims\":[7],\"not_tested\":[],\"losses\":[],"
		  "\"ledger\":[]}", HM_E_BAD },
		{ "findings.json",
		  "{\"schema\":\"hallmark/findings/v1\",\"product\":{},\"experiment\":{},\"claims\":[{\"id\":\"a\"}],\"not_tested\":[],"
		  "\"losses\":[],\"ledger\":[]}", HM_E_BAD },
		{ "assessment.json", "7", HM_E_BAD },
		{ "assessment.json", "{\"runs\":[{\"run\":1},{\"run\":1}]}", HM_E_BAD },
		{ "assessment.json", "{\"runs\":[7]}", HM_E_BAD },
		{ "planted.json", "{\"a\":1,\"a\":2}", HM_E_BAD },
		{ "runs/0001/record.cbor.zst", "not a record", HM_E_BAD },
		{ "runs/0001/tree.cbor.zst", "not a record", HM_E_BAD },
		{ "runs/0001/packets.pcapng", "not packets", HM_E_BAD },
	};

	for (size_t i = 0; i < HM_COUNT(rows); i++) {
		HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = parts_without(rows[i].name, rows[i].instead);
		HM_CLEANUP(hm_bytes_release) struct hm_bytes page = { 0 };
		struct hm_fail fail = { 0 };
		int r = hm_report_html(&page, parts, &fail);

		if (r != rows[i].code || !*fail.text || page.len)
			fail_msg("%s <- %s: %d %s", rows[i].name, rows[i].instead, r, fail.text);
	}
}

static size_t count_of(const struct hm_bytes *page, const char *text)
{
	const uint8_t *at = page->data;
	size_t count = 0;

	while ((at = memmem(at, page->len - (size_t)(at - page->data), text, strlen(text)))) {
		at += strlen(text);
		count++;
	}
	return count;
}

/* A folder with more files than are shown, a path deeper than is drawn, a chain of processes longer than is drawn. */
static void what_is_too_much_is_counted(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = parts_without("runs/0001/record.cbor.zst", NULL);
	HM_CLEANUP(make_items_release) struct make_items items = { 0 };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes page = { 0 }, deep = { 0 };
	struct hm_event e;

	for (size_t i = 0; i < 160; i++) {
		HM_FREE char *name = hm_sprintf("/many/%03zu", i);

		e = SAMPLE_OPEN(1000 + i, "");
		e.field[HM_OPEN_PATH].b = hm_slice_text(name);
		make_event(&items, e);
	}
	for (size_t i = 0; i < 2; i++) {
		hm_bytes_text(&deep, "/deep");
		for (size_t k = 0; k < 300; k++)
			hm_bytes_text(&deep, i || k < 150 ? "/a" : "/b");
		e = SAMPLE_OPEN(2000 + i, "");
		e.field[HM_OPEN_PATH].b = hm_slice_of(&deep);
		make_event(&items, e);
		deep.len = 0;
	}
	for (uint32_t i = 0; i < 60; i++)
		make_event(&items, (struct hm_event){ .kind = HM_EV_FORK, .tgid = 500 + i, .tid = 500 + i,
						      .field = { MAKE_U(501 + i), MAKE_U(501 + i), MAKE_U(0) } });
	for (size_t i = 0; i < 151; i++)
		make_event(&items, SAMPLE_READ(3000 + i, 2));
	make_record(parts, "runs/0001/record.cbor.zst", HM_RECORD_EVENTS, &items);
	page = page_of(parts);
	assert_true(holds(&page, "<i>without a name, 151 files</i></span><span class=\"n\">302</span>"));
	assert_true(holds(&page, "1 more not shown"));
	assert_true(holds(&page, ">149 <b>opened"));
	assert_false(holds(&page, ">150 <b>opened"));
	assert_true(holds(&page, "10 more not shown"));
	assert_true(holds(&page, "61 processes</b>"));
	assert_int_equal(count_of(&page, "<span class=\"faint\">pid "), 25);
	assert_true(holds(&page, "1 processes and what they started are not shown"));
	assert_int_equal(count_of(&page, "<details"), count_of(&page, "</details>"));
	assert_int_equal(count_of(&page, "<ul"), count_of(&page, "</ul>"));
}

/* The first write moves a file to the upper layer, under another number. */
static void copied_up_is_the_same_file(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = parts_without("runs/0001/record.cbor.zst", NULL);
	HM_CLEANUP(make_items_release) struct make_items items = { 0 };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes page = { 0 };
	struct hm_event e = SAMPLE_OPEN(900, "/etc/moved");

	make_event(&items, e);
	make_event(&items, (struct hm_event){ .kind = HM_EV_COPYUP, .tgid = 100, .tid = 100,
					      .field = { MAKE_U(2049), MAKE_U(900), MAKE_U(1), MAKE_U(2049), MAKE_U(901), MAKE_U(7) } });
	e = SAMPLE_OPEN(901, "/etc/moved");
	e.field[HM_OPEN_GEN].u = 7;
	e.field[HM_OPEN_LAYER].u = HM_LAYER_UPPER;
	make_event(&items, e);
	make_record(parts, "runs/0001/record.cbor.zst", HM_RECORD_EVENTS, &items);
	page = page_of(parts);
	assert_int_equal(count_of(&page, ">moved <b>opened"), 1);
}

static void version_at_both_ends(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = sample_parts();
	HM_CLEANUP(hm_bytes_release) struct hm_bytes page = page_of(parts);
	static const char marks[2][20] = { "hallmark report 5", "report, version 5" };
	size_t at[2];

	assert_int_equal(hm_report_version(hm_slice_of(&page)), HM_REPORT_VERSION);
	for (size_t i = 0; i < 2; i++)
		at[i] = (size_t)((uint8_t *)memmem(page.data, page.len, marks[i], strlen(marks[i])) - page.data) + strlen(marks[i]) - 1;
	page.data[at[0]] = '7';
	assert_int_equal(hm_report_version(hm_slice_of(&page)), 0);
	page.data[at[1]] = '7';
	assert_int_equal(hm_report_version(hm_slice_of(&page)), 7);
	page.data[0] = '!';
	assert_int_equal(hm_report_version(hm_slice_of(&page)), 0);
	assert_int_equal(hm_report_version(HM_SLICE("")), 0);
}

/* Another page for the same parts is another version: raise HM_REPORT_VERSION, then put the new digest here. */
static void page_is_that_of_its_version(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = sample_parts(), *pairs = sample_experiment();
	HM_CLEANUP(hm_bytes_release) struct hm_bytes page = page_of(parts), other = page_of(pairs);
	struct hm_sha256 digest;
	char text[65];

	hm_bytes_slice(&page, hm_slice_of(&other));
	hm_sha256_slice(&digest, hm_slice_of(&page));
	assert_int_equal(HM_REPORT_VERSION, 5);
	assert_string_equal(hm_text_hex_into(text, (struct hm_slice){ digest.b, 32 }), 
			     "3cefaec2fee4fc426fdd35d95942bb9a2f5d9b8daa116c6d71c47e4a458e5a5e");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hostile_content_is_inert),  cmocka_unit_test(only_known_markup),
		cmocka_unit_test(nothing_is_loaded),	     cmocka_unit_test(every_link_has_its_target),
		cmocka_unit_test(numbers_and_words),	     cmocka_unit_test(same_parts_same_bytes),
		cmocka_unit_test(absent_parts_are_told),     cmocka_unit_test(malformed_parts_are_refused),
		cmocka_unit_test(what_is_too_much_is_counted), cmocka_unit_test(witnesses_are_held_against_each_other),
		cmocka_unit_test(older_findings_show_well),   cmocka_unit_test(copied_up_is_the_same_file),
		cmocka_unit_test(version_at_both_ends),	     cmocka_unit_test(page_is_that_of_its_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
