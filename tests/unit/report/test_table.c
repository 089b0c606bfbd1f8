#include "../../support/sample_parts.h"
#include "report.h"
#include "text.h"

/* An assessment with two findings and nothing else. */
static struct hm_parts *small_parts(const char *name, const char *verdict, const char *key)
{
	struct hm_parts *parts = hm_parts_new();
	HM_FREE char *findings = hm_sprintf(
		"{'schema':'hallmark/findings/v1','semantics':1,'product':{'name':'%s','purl':'pkg:deb/debian/%s@1.0','supplier':null,"
		"'argv':[],'definitions':[],'artifacts':[]},'experiment':{'runs':1,'internet':'simulated','witnesses':{'read':['syscall'],"
		"'send':['packet','cgroup']}},'losses':[{'run':1,'events':3,'packets':0}],'claims':["
		"{'id':'collect.content','question':1,'verdict':'%s','reason':'code.unknown','values':{},'evidence':[]},"
		"{'id':'detect.samples','question':null,'verdict':'upheld','reason':'code.unknown','values':{},'evidence':[]}],"
		"'not_tested':[{'id':'collect.names','reason':'needs experiment'}],'influence':[],'ledger':[],'scope':{'not_asserted':[]}}",
		name, name, verdict);

	make_json(parts, "findings.json", findings);
	make_json(parts, "assessment.json", "{'runs':[{'run':1}],'chamber':{'profile':'confined'}}");
	if (key) {
		HM_FREE char *line = hm_sprintf("{\"payload\":\"\",\"signatures\":[{\"keyid\":\"%s\",\"sig\":\"\"}]}\n", key);
		struct hm_bytes bytes = { 0 };

		hm_bytes_text(&bytes, line);
		assert_int_equal(hm_parts_take(parts, "attestations.intoto.jsonl", &bytes, NULL), 0);
	}
	return parts;
}

static char *table_of(const struct hm_parts *const *list, size_t count, unsigned width, bool colour)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };
	struct hm_fail fail = { 0 };

	if (hm_report_table(&out, list, count, width, colour, &fail) < 0)
		fail_msg("%s", fail.text);
	return hm_slice_dup(hm_slice_of(&out));
}

static size_t longest_line(const char *text)
{
	size_t longest = 0;

	while (*text) {
		size_t n = strcspn(text, "\n"), columns = 0;

		for (size_t i = 0; i < n; i++)
			columns += ((uint8_t)text[i] & 0xc0) != 0x80;
		longest = columns > longest ? columns : longest;
		text += n + (text[n] == '\n');
	}
	return longest;
}

static void three_side_by_side(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *a = small_parts("clamscan", "upheld", "KEYA=");
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *b = small_parts("pyzor", "not verifiable", "KEYA=");
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *c = small_parts("freshclam", "refuted", "KEYA=");
	const struct hm_parts *const list[] = { a, b, c };
	HM_FREE char *narrow = table_of(list, 3, 80, false), *wide = table_of(list, 3, 120, false);

	assert_true(longest_line(narrow) <= 80);
	assert_true(longest_line(wide) <= 120);
	assert_non_null(strstr(wide, "clamscan"));
	assert_non_null(strstr(wide, "1 What does it collect from my systems?"));
	/* The verdicts stand in the order of the products, in words. */
	assert_non_null(strstr(strstr(strstr(wide, "upheld"), "not verifiable"), "refuted"));
	/* What is worst comes first among the sentences. */
	assert_true(strstr(wide, "\nrefuted") < strstr(wide, "\nnot verifiable"));
	/* Said once, because it is the same for all. */
	assert_non_null(strstr(wide, "3 events and 0 packets lost in 1 run"));
	assert_null(strstr(strstr(wide, "3 events") + 1, "3 events"));
	assert_non_null(strstr(wide, "KEYA=, made on the assessing machine: the assessor's own word"));
	assert_non_null(strstr(wide, "collect.names"));
	assert_non_null(strstr(wide, "syscall"));
	assert_non_null(strstr(wide, "simulated"));
	assert_null(strchr(wide, '\033'));
}

static void what_differs_is_named(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *a = small_parts("clamscan", "upheld", "KEYA=");
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *b = small_parts("pyzor", "upheld", NULL);
	const struct hm_parts *const list[] = { a, b };
	HM_FREE char *text = table_of(list, 2, 100, false);

	assert_non_null(strstr(text, "clamscan: KEYA="));
	assert_non_null(strstr(text, "pyzor: none: this is not signed"));
	/* All upheld: no sentences between the table and what it rests on. */
	assert_null(strstr(text, "\nrefuted"));
}

static void colour_only_when_asked(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *a = small_parts("clamscan", "refuted", NULL);
	const struct hm_parts *const list[] = { a };
	HM_FREE char *text = table_of(list, 1, 80, true);

	assert_non_null(strstr(text, "\033[1;31mrefuted\033[0m"));
}

static void hostile_names_are_inert(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = sample_parts();
	const struct hm_parts *const list[] = { parts, parts, parts };

	for (unsigned width = 0; width < 240; width += 20) {
		HM_FREE char *text = table_of(list, 3, width, false);

		for (size_t i = 0; i < HM_COUNT(sample_raw); i++)
			assert_null(strstr(text, sample_raw[i]));
		assert_true(hm_text_is_utf8(hm_slice_text(text)));
		assert_null(strstr(text, " \n"));
	}
}

/* What only findings of semantics 2 have is a line where there is one to tell. */
static void what_witnesses_say(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *old = small_parts("clamscan", "upheld", NULL), *new = sample_parts();
	const struct hm_parts *const list[] = { old, new };
	HM_FREE char *before = table_of(list, 1, 600, false), *both = table_of(list, 2, 600, false), *after = table_of(list + 1, 1, 600, false);

	assert_null(strstr(before, "seen twice"));
	assert_null(strstr(before, "stops"));
	assert_non_null(strstr(before, "self-test       none was made"));
	assert_non_null(strstr(after, "seen twice      reads of 46 planted documents, 188,417 bytes: seen twice but for 4,096 bytes"));
	assert_non_null(strstr(after, "12 of 14 packets with an owner, 2 without"));
	assert_non_null(strstr(after, "stops, looks    stopped 3 times for 13 ms in all, 1 of these by a signal, which the product can notice; 4 looks"));
	assert_non_null(strstr(after, "self-test       failed: 4 ways, 1 seen, 1 refused by the chamber, 1 missed"));
	/* Of one alone: with its name. */
	assert_non_null(strstr(both, "seen twice      scan"));
	assert_non_null(strstr(both, "self-test       clamscan: none was made"));
}

static void findings_must_be_there(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *good = small_parts("clamscan", "upheld", NULL), *empty = hm_parts_new();
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };
	const struct hm_parts *const list[] = { good, empty };
	struct hm_fail fail = { 0 };

	assert_int_equal(hm_report_table(&out, list, 2, 80, false, &fail), HM_E_BAD);
	assert_int_equal(out.len, 0);
	assert_non_null(strstr(fail.text, "findings.json"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_side_by_side),	   cmocka_unit_test(what_differs_is_named),
		cmocka_unit_test(colour_only_when_asked),  cmocka_unit_test(hostile_names_are_inert),
		cmocka_unit_test(findings_must_be_there),  cmocka_unit_test(what_witnesses_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
