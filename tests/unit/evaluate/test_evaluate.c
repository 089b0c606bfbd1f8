#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "evaluate.h"

static void exit_codes(void **state HM_UNUSED)
{
	static const struct {
		const char *claims;
		int code;
	} rows[] = {
		{ "", 0 },
		{ "{\"verdict\":\"upheld\"}", 0 },
		{ "{\"verdict\":\"upheld\"},{\"verdict\":\"not verifiable\"}", 2 },
		{ "{\"verdict\":\"not verifiable\"},{\"verdict\":\"refuted\"},{\"verdict\":\"upheld\"}", 1 },
	};

	for (size_t i = 0; i < HM_COUNT(rows); i++) {
		HM_FREE char *text = hm_sprintf("{\"claims\":[%s],\"not_tested\":[{\"id\":\"a\",\"reason\":\"b\"}]}", rows[i].claims);

		assert_int_equal(hm_findings_exit(hm_slice_text(text)), rows[i].code);
	}
	assert_int_equal(hm_findings_exit(HM_SLICE("nothing")), 1);
	assert_int_equal(hm_findings_exit(HM_SLICE("{\"claims\":[],\"experiment\":{\"self_test\":\"passed\"}}")), 0);
	assert_int_equal(hm_findings_exit(HM_SLICE("{\"claims\":[],\"experiment\":{\"self_test\":\"failed\"}}")), 2);
	assert_int_equal(hm_findings_exit(HM_SLICE("{\"claims\":[],\"experiment\":{\"self_test\":\"none\"}}")), 2);
}

static void nothing_is_no_core(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = hm_parts_new();
	HM_CLEANUP(hm_bytes_release) struct hm_bytes findings = { 0 };
	struct hm_fail fail = { 0 };

	assert_int_equal(hm_evaluate(&findings, parts, &fail), HM_E_BAD);
	assert_int_equal(findings.len, 0);
	assert_true(strlen(fail.text) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exit_codes),
		cmocka_unit_test(nothing_is_no_core),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
