/* Writes valid.hallmark, key.pub and other.pub into the folder that it is told: what the refusals of the program start from. */
#include "../support/valid_parts.h"
#include "report.h"

static const char *folder;

static void put(const char *name, struct hm_slice content)
{
	HM_FREE char *path = hm_sprintf("%s/%s", folder, name);

	assert_int_equal(hm_fs_write_atomic(path, content, 0644, NULL), 0);
}

static void make(void **state HM_UNUSED)
{
	HM_FREE char *path = hm_sprintf("%s/valid.hallmark", folder), *other = hm_sprintf("%s/other", folder);
	HM_CLEANUP(hm_signer_cleanup) struct hm_signer *signer = valid_signer(valid_key);
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = valid_sealed(NULL, signer);
	HM_CLEANUP(hm_bytes_release) struct hm_bytes pem = { 0 }, page = { 0 };

	assert_int_equal(hm_report_html(&page, parts, NULL), 0);
	assert_int_equal(hm_parts_take(parts, "report.html", &page, NULL), 0);
	assert_int_equal(hm_bundle_write(parts, path, NULL), 0);
	assert_int_equal(hm_signer_public(signer, &pem, NULL), 0);
	put("key.pub", hm_slice_of(&pem));
	assert_int_equal(hm_signer_generate(other, NULL), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(make) };

	if (argc != 2)
		return 3;
	folder = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
