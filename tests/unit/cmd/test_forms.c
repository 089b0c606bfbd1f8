/* What a product is started with so that it takes other authorities, and how long runs with wrong certificates may go on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include "authorities.h"
#include "certificates.h"
#include "fs.h"

static const char declared[] = "{\"arguments\":[\"--ca\",\"x{authorities}y{authorities}\"],\"environment\":[{\"name\":\"CA\",\"value\":\"{authorities}\"},{\"name\":\"PATH\",\"value\":\"\"}],"
			       "\"files\":[{\"as\":\"pem\",\"path\":\"/a\"},{\"as\":\"der\",\"path\":\"/b\"},{\"as\":\"added\",\"path\":\"/c\"}]}";

static void the_form_is_as_declared(void **state HM_UNUSED)
{
	static const char *const env[] = { "PATH=/bin", "CAT=1", "CA=old", "HOME=/root", NULL };
	static const char *const wanted[] = { "CAT=1", "HOME=/root", "CA=" HM_AUTHORITIES, "PATH=", NULL };
	const struct hm_chamber_authority authority = { .pem = HM_SLICE("pem"), .der = HM_SLICE("der") };
	struct hm_chamber_file files[8];
	struct hm_bytes stores[8] = { 0 };
	struct hm_authorities_env made;
	HM_JSON json_t *form = NULL, *plan = NULL;
	char **arguments;

	assert_int_equal(hm_json_parse_canonical(&form, hm_slice_text(declared), "the form", NULL), 0);
	arguments = hm_authorities_arguments(form);
	assert_string_equal(arguments[0], "--ca");
	assert_string_equal(arguments[1], "x" HM_AUTHORITIES "y" HM_AUTHORITIES);
	assert_null(arguments[2]);
	for (size_t i = 0; i < 2; i++)
		free(arguments[i]);
	free(arguments);
	hm_authorities_env(&made, form, env);
	for (size_t i = 0; i < HM_COUNT(wanted); i++)
		assert_true(wanted[i] ? made.all[i] && strcmp(wanted[i], made.all[i]) == 0 : !made.all[i]);
	hm_authorities_env_release(&made);
	assert_int_equal(hm_authorities_files_max(form), 4);
	assert_int_equal(hm_authorities_files(files, stores, form, &authority, NULL), 0);
	assert_string_equal(files[0].path, HM_AUTHORITIES);
	assert_true(hm_slice_eq(files[1].content, authority.pem) && !files[1].append);
	assert_true(hm_slice_eq(files[2].content, authority.der) && !files[2].append);
	assert_true(hm_slice_eq(files[3].content, authority.pem) && files[3].append && strcmp(files[3].path, "/c") == 0);
	plan = hm_authorities_plan(form, NULL);
	assert_true(json_is_null(json_object_get(plan, "after")) && json_object_size(plan) == 4 && json_object_size(form) == 3);
}

/* Without one it is started as it is. */
static void no_form_changes_nothing(void **state HM_UNUSED)
{
	static const char *const env[] = { "PATH=/bin", "HOME=/root", NULL };
	struct hm_authorities_env made;
	char **arguments = hm_authorities_arguments(NULL);

	assert_null(arguments[0]);
	free(arguments);
	hm_authorities_env(&made, NULL, env);
	assert_true(made.all[0] == env[0] && made.all[1] == env[1] && !made.all[2]);
	hm_authorities_env_release(&made);
}

/* A key store of the host is copied; the host's own stays. One that is none is told by its path. */
static void a_key_store_is_added_to(void **state HM_UNUSED)
{
	/* JKS without an entry. */
	static const uint8_t empty[] = { 0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2, 0, 0, 0, 0, 0xe2, 0x68, 0x6e, 0x45, 0xfb, 0x43, 0xdf, 0xa4, 0xd9, 0x92, 0xdd, 0x41, 0xce, 0xb6, 0xb2, 0x1c, 0x63, 0x30, 0xd7, 0x92 };
	const struct hm_chamber_authority authority = { .pem = HM_SLICE("pem"), .der = HM_SLICE("der") };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes left = { 0 };
	HM_FREE char *path = hm_strdup("/tmp/hm-forms-XXXXXX");
	HM_JSON json_t *form = NULL;
	struct hm_chamber_file files[2];
	struct hm_bytes made[2] = { 0 };
	struct hm_fail fail = { 0 };
	int fd = mkstemp(path);

	assert_true(fd >= 0 && write(fd, empty, sizeof(empty)) == sizeof(empty));
	close(fd);
	form = json_pack("{s:[],s:[],s:[{s:s,s:s}]}", "arguments", "environment", "files", "path", path, "as", "keystore");
	assert_int_equal(hm_authorities_files(files, made, form, &authority, &fail), 0);
	assert_true(files[1].content.len > sizeof(empty) && memmem(files[1].content.data, files[1].content.len, "\0\3der", 5) && !files[1].append);
	hm_bytes_release(&made[1]);
	assert_int_equal(hm_fs_read(&left, path, 1000, NULL), 0);
	assert_int_equal(left.len, sizeof(empty));
	assert_int_equal(truncate(path, 10), 0);
	assert_int_equal(hm_authorities_files(files, made, form, &authority, &fail), HM_E_SYSTEM);
	assert_non_null(strstr(fail.text, path));
	unlink(path);
	assert_int_equal(hm_authorities_files(files, made, form, &authority, &fail), HM_E_SYSTEM);
}

static void who_tries_again_is_ended(void **state HM_UNUSED)
{
	struct hm_run_note notes[3] = { { .run = 1, .start_ns = 1000, .end_ns = 1000 }, { .run = 0, .end_ns = 900000000000 }, { .run = 3, .start_ns = 1, .end_ns = 2000000002 } };

	assert_int_equal(hm_certificates_limit(notes, 1, 120), 10);
	assert_int_equal(hm_certificates_limit(notes, 2, 120), 10); /* one that was not done */
	assert_int_equal(hm_certificates_limit(notes, 3, 120), 15); /* a little over 4 s */
	assert_int_equal(hm_certificates_limit(notes, 3, 7), 7);
	notes[2].end_ns = 119000000000;
	assert_int_equal(hm_certificates_limit(notes, 3, 120), 120);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_form_is_as_declared),
		cmocka_unit_test(no_form_changes_nothing),
		cmocka_unit_test(a_key_store_is_added_to),
		cmocka_unit_test(who_tries_again_is_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
