#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <strings.h>

#include "yamldoc.h"

static void reads(const char *yaml, const char *json)
{
	HM_CLEANUP(hm_yaml_release) struct hm_yaml y = { 0 };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };
	struct hm_fail fail = { 0 };

	if (hm_yaml_parse(&y, hm_slice_text(yaml), "x.yaml", &fail) < 0)
		fail_msg("%s: %s", yaml, fail.text);
	hm_json_write(&out, y.root);
	hm_bytes_u8(&out, 0);
	assert_string_equal((char *)out.data, json);
}

static void refuses(struct hm_slice yaml, const char *why)
{
	HM_CLEANUP(hm_yaml_release) struct hm_yaml y = { 0 };
	struct hm_fail fail = { 0 };

	if (hm_yaml_parse(&y, yaml, "x.yaml", &fail) != HM_E_BAD || !strstr(fail.text, why))
		fail_msg("%.*s: wanted \"%s\", got \"%s\"", (int)yaml.len, yaml.data, why, fail.text);
	assert_null(y.root);
	assert_null(y.what);
}

static void what_people_write(void **state HM_UNUSED)
{
	reads("a: []\n", "{\"a\":[]}");
	reads("a: {}\nb: text with:colon\n", "{\"a\":{},\"b\":\"text with:colon\"}");
	reads("a: [1, -7, 0, '1', \"x\\ty\"]\n", "{\"a\":[1,-7,0,\"1\",\"x\\ty\"]}");
	reads("a: true\nb: false\nc: null\n", "{\"a\":true,\"b\":false,\"c\":null}");
	reads("a: 'yes'\nb: \"~\"\nc: '0644'\n", "{\"a\":\"yes\",\"b\":\"~\",\"c\":\"0644\"}");
	reads("# comment\na: |\n  one\n  two\nb: >-\n  three\n  four\n", "{\"a\":\"one\\ntwo\\n\",\"b\":\"three four\"}");
	reads("- /tmp/**\n- pkg:deb/debian/x\n- 1.2.3.4-rc1\n- \"\"\n", "[\"/tmp/**\",\"pkg:deb/debian/x\",\"1.2.3.4-rc1\",\"\"]");
	reads("999999999999999", "999999999999999");
}

static void what_readers_disagree_about(void **state HM_UNUSED)
{
	static const char *const scalars[] = { "yes", "No", "ON", "off", "y", "~", "Null", "TRUE", "0644", "0x10", "0o7", "1.5",
					       "1e3", "-0", "+1", "1_000", "12:30", "2024-05-14", ".inf", ".NaN", "=",
					       "1000000000000000", "007", "-01" };

	for (size_t i = 0; i < HM_COUNT(scalars); i++) {
		HM_FREE char *yaml = hm_sprintf("a:\n  - %s\n", scalars[i]);

		if (strchr(scalars[i], '_') == NULL && strcasecmp(scalars[i], ".nan"))
			refuses(hm_slice_text(yaml), "x.yaml line 2: ");
	}
	refuses(HM_SLICE("a:\nb: 1\n"), "line 1: a value is missing");
}

static void what_is_not_one_plain_document(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes deep = { 0 }, large = { 0 }, many = { 0 };

	refuses(HM_SLICE(""), "empty");
	refuses(HM_SLICE("# only a comment\n"), "empty");
	refuses(HM_SLICE("a: 1\n---\nb: 2\n"), "line 2: a second document");
	refuses(HM_SLICE("a: 1\n...\nb: 2\n"), "line 2: document marks");
	refuses(HM_SLICE("---\na: 1\n"), "document marks");
	refuses(HM_SLICE("%YAML 1.1\n---\na: 1\n"), "document marks");
	refuses(HM_SLICE("a: &x 1\n"), "anchors");
	refuses(HM_SLICE("a: &x [1]\nb: *x\n"), "anchors");
	refuses(HM_SLICE("a: *x\n"), "line 1: ");
	refuses(HM_SLICE("a: !!str 1\n"), "tags");
	refuses(HM_SLICE("a: !x {}\n"), "tags");
	refuses(HM_SLICE("a: 1\nb: 2\na: 3\n"), "line 3: this member is there twice");
	refuses(HM_SLICE("? [a]\n: 1\n"), "member's name");
	refuses(HM_SLICE("A: 1\n"), "member's name");
	refuses(HM_SLICE("\"\": 1\n"), "member's name");
	refuses(HM_SLICE("a: [1\n"), "line");
	refuses(HM_SLICE("a: 1\n b: 2\n"), "line");
	refuses(HM_SLICE("a: \"\\0\"\n"), "NUL");
	refuses(HM_SLICE("a: 1\n\0b: 2\n"), "line 2: control character 0x00");
	refuses(HM_SLICE("a: 1\r\n"), "control character 0x0d");
	refuses(HM_SLICE("a: x\xc2\x85y: 1\n"), "hidden line break");
	refuses(HM_SLICE("a: x\xe2\x80\xa8y: 1\n"), "hidden line break");
	refuses(HM_SLICE("\xef\xbb\xbf" "a: 1\n"), "byte order mark");
	refuses(HM_SLICE("\xff\xfe" "a\0"), "not UTF-8");
	for (int i = 0; i < 40; i++)
		hm_bytes_u8(&deep, '[');
	refuses(hm_slice_of(&deep), "nested too deep");
	for (int i = 0; i < 20001; i++)
		hm_bytes_text(&many, "- x\n");
	refuses(hm_slice_of(&many), "too many values");
	memset(hm_bytes_reserve(&large, 300000), ' ', 300000);
	large.len = 300000;
	refuses(hm_slice_of(&large), "larger than");
}

static void errors_name_the_line(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_yaml_release) struct hm_yaml y = { 0 };
	struct hm_fail fail = { 0 };

	assert_int_equal(hm_yaml_parse(&y, HM_SLICE("a: 1\nb:\n  - x\n  - z\n"), "x.yaml", &fail), 0);
	assert_int_equal(hm_yaml_fail(&y, json_array_get(json_object_get(y.root, "b"), 1), &fail, "no %s", "good"), HM_E_BAD);
	assert_string_equal(fail.text, "x.yaml line 4: no good");
	assert_int_equal(hm_yaml_load(&y, HM_TEST_DATA "/nothing.yaml", &fail), HM_E_SYSTEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_people_write),
		cmocka_unit_test(what_readers_disagree_about),
		cmocka_unit_test(what_is_not_one_plain_document),
		cmocka_unit_test(errors_name_the_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
