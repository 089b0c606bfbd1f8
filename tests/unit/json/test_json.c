#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "json.h"

static int parse_code(struct hm_slice text)
{
	HM_JSON json_t *value = NULL;
	struct hm_fail fail = { 0 };
	int r = hm_json_parse(&value, text, "text", &fail);

	if (r < 0)
		assert_true(strncmp(fail.text, "text: ", 6) == 0 && fail.code == r && !value);
	return r;
}

static void canonical_form(void **state HM_UNUSED)
{
	static const char *const rows[][2] = {
		{ "{}", "{}" },
		{ " [ 1 , 2 ] \n", "[1,2]" },
		{ "{\"b\":1,\"a\":2,\"B\":3,\"a1\":4,\"\":5}", "{\"\":5,\"B\":3,\"a\":2,\"a1\":4,\"b\":1}" },
		{ "-0", "0" },
		{ "[true,false,null]", "[true,false,null]" },
		{ "[9007199254740991,-9007199254740991]", "[9007199254740991,-9007199254740991]" },
		/* RFC 8785 section 3.2.2.2: two-letter escapes where there are such, others in lower-case hex, / as it is. */
		{ "\"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\"", "\"\xe2\x82\xac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"" },
		{ "\"\\b\\t\\n\\f\\r\\u0001\\u001f\\u007f\"", "\"\\b\\t\\n\\f\\r\\u0001\\u001f\x7f\"" },
		{ "\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\"" },
	};

	for (size_t i = 0; i < HM_COUNT(rows); i++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };
		HM_JSON json_t *value = NULL, *again = NULL;
		struct hm_fail fail;

		assert_int_equal(hm_json_parse(&value, hm_slice_text(rows[i][0]), "row", &fail), 0);
		hm_json_write(&out, value);
		assert_true(hm_slice_eq(hm_slice_of(&out), hm_slice_text(rows[i][1])));
		assert_int_equal(hm_json_parse_canonical(&again, hm_slice_of(&out), "row", &fail), 0);
		if (strcmp(rows[i][0], rows[i][1]) != 0) {
			HM_JSON json_t *loose = NULL;

			assert_int_equal(hm_json_parse_canonical(&loose, hm_slice_text(rows[i][0]), "row", &fail), HM_E_BAD);
			assert_non_null(strstr(fail.text, "canonical"));
		}
	}
}

static void refuses(void **state HM_UNUSED)
{
	static const struct hm_slice rows[] = {
		{ NULL, 0 },
		HM_SLICE(" "),
		HM_SLICE("{\"a\":1,\"a\":1}"),
		HM_SLICE("{\"a\":1,\"\\u0061\":1}"), /* the same name, written otherwise */
		HM_SLICE("{\"x\":{\"a\":1,\"a\":2}}"),
		HM_SLICE("1.0"),
		HM_SLICE("1e3"),
		HM_SLICE("-0.0"),
		HM_SLICE("9007199254740992"),
		HM_SLICE("-9007199254740992"),
		HM_SLICE("18446744073709551616"),
		HM_SLICE("01"),
		HM_SLICE("+1"),
		HM_SLICE("NaN"),
		HM_SLICE("\"a\\u0000b\""),
		HM_SLICE("\"a\0b\""),
		HM_SLICE("{\"a\\u0000\":1}"),
		HM_SLICE("{\"\xc3\xa9\":1}"),
		HM_SLICE("{\"a\\n\":1}"),
		HM_SLICE("\"\\ud800\""),
		HM_SLICE("\"\xff\""),
		HM_SLICE("\"\xed\xa0\x80\""),
		HM_SLICE("\"\xc0\xaf\""),
		HM_SLICE("\"\n\""),
		HM_SLICE("{} {}"),
		HM_SLICE("{}\0"),
		HM_SLICE("[1,]"),
		HM_SLICE("{\"a\":1,}"),
		HM_SLICE("[1"),
		HM_SLICE("'a'"),
		HM_SLICE("// x\n1"),
		HM_SLICE("\xef\xbb\xbf{}"),
	};

	for (size_t i = 0; i < HM_COUNT(rows); i++)
		assert_int_equal(parse_code(rows[i]), HM_E_BAD);
}

static void nested(struct hm_bytes *out, size_t depth)
{
	out->len = 0;
	for (size_t i = 0; i < depth; i++)
		hm_bytes_text(out, i % 2 ? "{\"a\":" : "[");
	hm_bytes_text(out, "0");
	for (size_t i = depth; i > 0; i--)
		hm_bytes_text(out, (i - 1) % 2 ? "}" : "]");
}

static void depth_is_bounded(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };

	nested(&text, 32);
	assert_int_equal(parse_code(hm_slice_of(&text)), 0);
	nested(&text, 33);
	assert_int_equal(parse_code(hm_slice_of(&text)), HM_E_BAD);
	nested(&text, 100000);
	assert_int_equal(parse_code(hm_slice_of(&text)), HM_E_BAD);
}

/* What jansson quotes of the input never gets into a message: it would go to a terminal. */
static void messages_hold_no_foreign_bytes(void **state HM_UNUSED)
{
	HM_JSON json_t *value = NULL;
	struct hm_fail fail;

	assert_int_equal(hm_json_parse(&value, HM_SLICE("[\"a\" \"\x1b]0;owned\x07\"]"), "text", &fail), HM_E_BAD);
	assert_null(strchr(fail.text, 0x1b));
	assert_null(strstr(fail.text, "owned"));
}

static void bytes_as_members(void **state HM_UNUSED)
{
	static const struct {
		struct hm_slice bytes;
		const char *json;
	} rows[] = {
		{ HM_SLICE("/etc/passwd"), "{\"p\":\"/etc/passwd\"}" },
		{ { NULL, 0 }, "{\"p\":\"\"}" },
		{ HM_SLICE("a\xff"), "{\"p_b64\":\"Yf8=\"}" },
		{ HM_SLICE("a\0b"), "{\"p_b64\":\"YQBi\"}" },
		{ HM_SLICE("\xc3\xa9\n"), "{\"p\":\"\xc3\xa9\\n\"}" },
	};

	for (size_t i = 0; i < HM_COUNT(rows); i++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 }, back = { 0 };
		HM_JSON json_t *object = json_object(), *read = NULL;
		struct hm_fail fail;

		hm_json_set_bytes(object, "p", rows[i].bytes);
		hm_json_write(&text, object);
		assert_true(hm_slice_eq(hm_slice_of(&text), hm_slice_text(rows[i].json)));
		assert_int_equal(hm_json_parse(&read, hm_slice_of(&text), "row", &fail), 0);
		assert_int_equal(hm_json_get_bytes(read, "p", &back, &fail), 0);
		assert_true(hm_slice_eq(hm_slice_of(&back), rows[i].bytes));
	}
}

static void bytes_have_one_form(void **state HM_UNUSED)
{
	static const char *const rows[] = {
		"{}", "{\"p\":\"a\",\"p_b64\":\"Yf8=\"}", "{\"p\":1}", "{\"p_b64\":1}", "{\"p\":null}",
		"{\"p_b64\":\"YQ==\"}", /* is text */
		"{\"p_b64\":\"\"}",	/* is text, of no length */
		"{\"p_b64\":\"Yf8\"}", "{\"p_b64\":\"Yf9=\"}",
	};

	for (size_t i = 0; i < HM_COUNT(rows); i++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes back = { 0 };
		HM_JSON json_t *object = NULL;
		struct hm_fail fail;

		assert_int_equal(hm_json_parse(&object, hm_slice_text(rows[i]), "row", &fail), 0);
		assert_int_equal(hm_json_get_bytes(object, "p", &back, &fail), HM_E_BAD);
		assert_int_equal(back.len, 0);
	}
}

static void shapes(void **state HM_UNUSED)
{
	static const struct hm_json_member shape[] = {
		{ "name", JSON_STRING },    { "count?", JSON_INTEGER }, { "parent|", JSON_STRING },
		{ "flag|?", HM_JSON_BOOL }, { "any?", HM_JSON_ANY },
	};
	static const struct {
		const char *json, *says;
	} rows[] = {
		{ "{\"name\":\"a\",\"parent\":null}", NULL },
		{ "{\"name\":\"a\",\"parent\":\"b\",\"count\":1,\"flag\":true,\"any\":[],\"x\":{\"y\":1}}", NULL },
		{ "{\"name\":\"a\",\"parent\":\"b\",\"flag\":null}", NULL },
		{ "{\"parent\":null}", "member name is missing" },
		{ "{\"name\":\"a\"}", "member parent is missing" },
		{ "{\"name\":null,\"parent\":null}", "member name is not a string" },
		{ "{\"name\":\"a\",\"parent\":1}", "member parent is not a string" },
		{ "{\"name\":\"a\",\"parent\":null,\"count\":null}", "member count is not an integer" },
		{ "{\"name\":\"a\",\"parent\":null,\"flag\":0}", "member flag is not true or false" },
		{ "{\"name\":\"a\",\"parent\":null,\"nam\":1}", "unknown member nam" },
		{ "{\"name\":\"a\",\"parent\":null,\"parent|\":1}", "unknown member parent|" },
		{ "[]", "not an object" },
	};

	for (size_t i = 0; i < HM_COUNT(rows); i++) {
		HM_JSON json_t *value = NULL;
		struct hm_fail fail = { 0 };
		int r;

		assert_int_equal(hm_json_parse(&value, hm_slice_text(rows[i].json), "row", &fail), 0);
		r = hm_json_shape(value, shape, HM_COUNT(shape), "thing", &fail);
		assert_int_equal(r, rows[i].says ? HM_E_BAD : 0);
		if (rows[i].says)
			assert_non_null(strstr(fail.text, rows[i].says));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(canonical_form),   cmocka_unit_test(refuses),
		cmocka_unit_test(depth_is_bounded), cmocka_unit_test(messages_hold_no_foreign_bytes),
		cmocka_unit_test(bytes_as_members), cmocka_unit_test(bytes_have_one_form),
		cmocka_unit_test(shapes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
