/* Reports of a found.json whose names are hostile (tests/fuzz/corpus/found/one): nothing of them acts in a page, a terminal or a spreadsheet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "fs.h"
#include "inventory.h"

static json_t *found;

static int setup(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	struct hm_fail fail = { 0 };

	if (hm_fs_read(&text, HM_TEST_DATA "/fuzz/corpus/found/one", 1 << 20, &fail) < 0 || hm_json_parse(&found, hm_slice_of(&text), "found", &fail) < 0)
		print_error("%s\n", fail.text);
	return found ? 0 : -1;
}

static int teardown(void **state HM_UNUSED)
{
	json_decref(found);
	return 0;
}

static char *make(const char *name)
{
	struct hm_bytes out = { 0 };

	if (strcmp(name, "terminal") == 0)
		hm_inventory_terminal(&out, found, true);
	for (const struct hm_inventory_format *f = hm_inventory_formats; f->name; f++)
		if (strcmp(f->name, name) == 0)
			f->make(&out, found);
	hm_bytes_u8(&out, 0);
	return (char *)out.data;
}

static void says(const char *text, const char *wanted)
{
	if (!strstr(text, wanted))
		fail_msg("not there: %s\n%s", wanted, text);
}

static void steers_nothing(const char *text)
{
	for (; *text; text++)
		if (((unsigned char)*text < 0x20 && *text != '\n') || *text == 0x7f)
			fail_msg("byte %02x", (unsigned char)*text);
}

static void test_terminal(void **state HM_UNUSED)
{
	HM_FREE char *text = make("terminal");

	steers_nothing(text);
	says(text, "Acme, P<script> 1\\x0A2 (RU; DE)");
	says(text, "in \\x1B[2J");
	says(text, "at \\xFF");
	says(text, "and 8 more");
	says(text, "not enough evidence");
	says(text, "by control of Acme");
	says(text, "row acme.path.x, high, https://a.example, 2024-01-01");
}

static void test_html(void **state HM_UNUSED)
{
	HM_FREE char *text = make("html");

	steers_nothing(text);
	assert_null(strstr(text, "<script"));
	assert_null(strstr(text, "<b>"));
	says(text, "P&lt;script&gt;");
	says(text, "2 items; 1 of 1 endpoint affected");
	says(text, "default-src 'none'");
	says(text, "from memory");
}

static void test_csv(void **state HM_UNUSED)
{
	HM_FREE char *text = make("csv");

	steers_nothing(text);
	assert_null(strstr(text, "\"="));
	says(text, "\"item\",\"'=cmd|' /c'!A1\",\"Acme\",\"P<script>\"");
	says(text, "\"RU; DE\"");
	says(text, "\n\"candidate\",");
}

static void test_cyclonedx(void **state HM_UNUSED)
{
	HM_FREE char *text = make("cyclonedx");
	json_error_t error;
	json_t *bom = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	const json_t *component, *identity;

	assert_non_null(bom);
	assert_string_equal(json_string_value(json_object_get(bom, "specVersion")), "1.6");
	component = json_array_get(json_object_get(bom, "components"), 0);
	identity = json_array_get(json_object_get(json_object_get(component, "evidence"), "identity"), 0);
	assert_true(json_real_value(json_object_get(identity, "confidence")) > 0.69 && json_real_value(json_object_get(identity, "confidence")) < 0.71);
	assert_string_equal(json_string_value(json_object_get(json_array_get(json_object_get(identity, "methods"), 0), "technique")), "binary-analysis");
	json_decref(bom);
}

static void test_forms(void **state HM_UNUSED)
{
	HM_FREE char *bod = make("bod-17-01"), *far = make("far-52.204-23");

	steers_nothing(bod);
	steers_nothing(far);
	says(bod, "2. Endpoints affected\n   0 of 1");
	says(bod, "An endpoint is counted once");
	says(bod, "Of 1 endpoint a part could not be read");
	says(bod, "Acme, P<script>: on 1 endpoint\n");
	says(bod, "Proposed replacement\n   [to be filled in]");
	says(far, "Supplier name: Acme");
	/* What paragraph (c) asks for, and by when. */
	says(far, "Contract number: [to be filled in]");
	says(far, "Order number(s), if applicable: [to be filled in]");
	says(far, "Brand: [to be filled in]");
	says(far, "Original Equipment Manufacturer (OEM) number, manufacturer part number, or wholesaler number");
	says(far, "within 3 business days from the date of identification or notification; within 1 business day");
	says(far, "Any reasons that led to the use or submission of the covered article: [to be filled in]");
	says(far, "not enough evidence");
	says(bod, "not enough evidence");
	says(far, "code built into another's product, in \\x1B[2J");
	assert_null(strstr(far, "Article 2"));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_terminal), cmocka_unit_test(test_html), cmocka_unit_test(test_csv), cmocka_unit_test(test_cyclonedx), cmocka_unit_test(test_forms) };

	return cmocka_run_group_tests(tests, setup, teardown);
}
