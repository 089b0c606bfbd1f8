#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "fs.h"
#include "report_internal.h"

static void says(const char *reason, const char *values, const char *sentence)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };
	HM_FREE char *text = hm_sprintf("{\"reason\":\"%s\",\"values\":%s}", reason, values);
	HM_JSON json_t *claim = NULL;

	assert_int_equal(hm_json_parse(&claim, hm_slice_text(text), "test", NULL), 0);
	report_number(&out, claim);
	hm_bytes_text(&out, out.len ? " " : "");
	report_words(&out, claim);
	hm_bytes_u8(&out, 0);
	assert_string_equal(out.data, sentence);
}

static void number_first(void **state HM_UNUSED)
{
	says("nothing.left", "{\"bytes\":0,\"runs\":1}", "0 bytes left in 1 run");
	says("nothing.left", "{\"bytes\":0,\"runs\":40}", "0 bytes left in 40 runs");
	says("samples.found", "{\"found\":41,\"of\":41,\"runs\":1}", "41 of 41 samples detected in 1 run");
	says("bytes.unexplained", "{\"bytes\":4711,\"flows\":1,\"runs\":1}", "4,711 bytes left unexplained in 1 flow of 1 run");
	says("bytes.unexplained", "{\"bytes\":1,\"flows\":2,\"runs\":1,\"unsearched\":1}",
	     "1 byte left unexplained in 2 flows of 1 run; the search for content met its bounds");
	says("content.token", "{\"bytes\":80,\"of\":164,\"tokens\":4,\"runs\":1}",
	     "80 of 164 bytes that left are the content of planted documents: 4 tokens found");
}

static void what_was_not_counted_is_zero(void **state HM_UNUSED)
{
	says("endpoints.declared", "{\"runs\":1}", 
	     "0 flows, 0 lookups to declared endpoints and for declared names, none besides, in 1 run");
	says("ports.none", "{\"runs\":1}", "0 ports opened for listening in 1 run");
}

static void capabilities_have_names(void **state HM_UNUSED)
{
	says("privilege.undeclared", "{\"states\":2,\"root\":1,\"capabilities\":9}",
	     "2 capabilities and uid 0 beyond the declaration in 2 states of privilege: CAP_CHOWN CAP_FOWNER");
	says("privilege.undeclared", "{\"states\":1,\"root\":0,\"capabilities\":4398046511104}",
	     "1 capability beyond the declaration in 1 state of privilege: CAP_42");
	says("privileges.declared", "{\"states\":1,\"root\":0,\"capabilities\":0,\"runs\":1}",
	     "0 capabilities held, none beyond the declaration, in 1 state of privilege: no capability");
}

static void what_is_unknown_shows_as_it_is(void **state HM_UNUSED)
{
	says("brand.new", "{\"b\":2,\"a\":\"x\"}", "brand.new {\"a\":\"x\",\"b\":2}");
	says("brand.new", "{}", "brand.new");
	assert_string_equal(report_say("not_tested", "brand new"), "brand new");
	assert_string_equal(report_verdict("perhaps").word, "perhaps");
}

static bool has_sentence(const char *code, bool verdict)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes number = { 0 };
	HM_JSON json_t *claim = json_pack("{s:s,s:{}}", "reason", code, "values");

	report_number(&number, claim);
	return verdict ? number.len > 0 : strcmp(report_say("not_tested", code), code) != 0;
}

/* The format page lists every code in the first cell of a table's row, between backquotes. */
static void every_code_has_a_sentence(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes page = { 0 };
	size_t reasons = 0, untested = 0;

	assert_int_equal(hm_fs_read(&page, HM_TEST_DATA "/../doc/format/findings.md", 1 << 20, NULL), 0);
	hm_bytes_u8(&page, 0);
	for (char *save = NULL, *line = strtok_r((char *)page.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		bool verdict = strstr(line, "| refuted |") || strstr(line, "| not verifiable |") || strstr(line, "| upheld |");
		char *cell_end = strncmp(line, "| `", 3) == 0 ? strstr(line + 3, "` |") : NULL;

		for (char *code = cell_end ? line + 3 : NULL; code && code <= cell_end;) {
			char *end = strchr(code, '`');
			HM_FREE char *name = hm_slice_dup((struct hm_slice){ (uint8_t *)code, (size_t)(end - code) });

			if (!has_sentence(name, verdict))
				fail_msg("no sentence for %s", name);
			*(verdict ? &reasons : &untested) += 1;
			code = end < cell_end ? strchr(end + 1, '`') + 1 : NULL;
		}
	}
	assert_true(reasons > 20 && untested > 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(number_first),		    cmocka_unit_test(what_was_not_counted_is_zero),
		cmocka_unit_test(capabilities_have_names),  cmocka_unit_test(what_is_unknown_shows_as_it_is),
		cmocka_unit_test(every_code_has_a_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
