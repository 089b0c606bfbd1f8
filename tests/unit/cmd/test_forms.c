/* What a product is started with so that it takes other authorities, and how long runs with wrong certificates may go on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "authorities.h"
#include "certificates.h"

static const char declared[] = "{\"arguments\":[\"--ca\",\"x{authorities}y{authorities}\"],\"environment\":[{\"name\":\"CA\",\"value\":\"{authorities}\"},{\"name\":\"PATH\",\"value\":\"\"}],"
			       "\"files\":[{\"as\":\"pem\",\"path\":\"/a\"},{\"as\":\"der\",\"path\":\"/b\"},{\"as\":\"added\",\"path\":\"/c\"}]}";

static void the_form_is_as_declared(void **state HM_UNUSED)
{
	static const char *const env[] = { "PATH=/bin", "CAT=1", "CA=old", "HOME=/root", NULL };
	static const char *const wanted[] = { "CAT=1", "HOME=/root", "CA=" HM_AUTHORITIES, "PATH=", NULL };
	const struct hm_chamber_authority authority = { .pem = HM_SLICE("pem"), .der = HM_SLICE("der") };
	struct hm_chamber_file files[8];
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
	assert_int_equal(hm_authorities_files(files, form, &authority), 4);
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
		cmocka_unit_test(who_tries_again_is_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
