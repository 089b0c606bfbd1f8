/* Bundles that say of themselves that they replicate another, and do not, or not as they say. */
#include "agree.h"
#include "refuse.h"
#include "replication.h"

static struct hm_verify first;

static void verified(struct hm_verify *out, struct hm_bytes *file, const struct hm_parts *parts)
{
	*file = pack(parts);
	assert_int_equal(hm_verify_bundle(out, hm_slice_of(file), &others, 1, NULL, 0, NULL), 0);
}

static int set_up(void **state)
{
	int r = refuse_set_up(state);

	assert_int_equal(hm_verify_bundle(&first, hm_slice_of(&valid_file), &trusted, 1, NULL, 0, NULL), 0);
	return r;
}

static int tear_down(void **state)
{
	hm_verify_release(&first);
	return refuse_tear_down(state);
}

/* A replication of the valid bundle by the other key. `text`: what stands in it as replication.json; NULL: what is true. */
static struct hm_parts *replica(const struct valid *variant, const char *text)
{
	struct hm_parts *parts = valid_parts(variant);
	struct hm_bytes document = { 0 };
	struct hm_slice findings;
	int exit;

	assert_true(hm_parts_get(parts, "findings.json", &findings));
	if (text)
		hm_bytes_text(&document, text);
	else
		assert_int_equal(hm_replication_make(&document, &exit, &first, parts, findings, NULL), 0);
	assert_int_equal(hm_parts_take(parts, HM_REPLICATION, &document, NULL), 0);
	assert_int_equal(hm_bundle_seal(parts, NULL), 0);
	valid_sign(parts, forger);
	return parts;
}

/* What comes of holding it against the first: 0 or an error with `why` in it. */
static bool held(const struct hm_parts *parts, bool *counts, const char *why)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes file = { 0 };
	HM_CLEANUP(hm_verify_release) struct hm_verify here = { 0 };
	struct hm_fail fail = { 0 };
	int r;

	verified(&here, &file, parts);
	r = hm_replication_check(counts, &first, &here, &fail);
	if (r < 0 && (!why || !strstr(fail.text, why)))
		fail_msg("%s", fail.text);
	return r == 0;
}

static void a_true_one(void **state HM_UNUSED)
{
	static const struct valid fresh = { .seed = 1 };
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = replica(&fresh, NULL);
	HM_CLEANUP(hm_bytes_release) struct hm_bytes file = { 0 };
	HM_CLEANUP(hm_verify_release) struct hm_verify here = { 0 };
	char of[65];
	bool counts;

	assert_true(held(parts, &counts, NULL));
	assert_true(counts);
	verified(&here, &file, parts);
	assert_true(hm_replication_of(of, here.parts));
	assert_string_equal(of, first.bundle_id);
	assert_int_equal(here.signers, 1);
	/* By itself it is a bundle like others, and says what was not looked at. */
	assert_int_equal(row_of(hm_slice_of(&file), others, "replication"), HM_CHECK_UNCHECKED);
	assert_int_equal(exit_of(hm_slice_of(&file), others), 2);
	assert_int_equal(exit_of(hm_slice_of(&file), trusted), 1);
}

static void one_that_differs(void **state HM_UNUSED)
{
	static const struct valid fresh = { .seed = 1, .reaches = true };
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = replica(&fresh, NULL);
	bool counts;

	assert_true(held(parts, &counts, NULL));
	assert_false(counts);
}

static void the_same_seed(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = replica(NULL, NULL);
	bool counts = true;

	assert_false(held(parts, &counts, "seed"));
	assert_false(counts);
}

static void another_plan(void **state HM_UNUSED)
{
	static const struct valid longer = { .seed = 1, .time_limit = 61 };
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = replica(&longer, NULL);
	struct hm_fail fail = { 0 };
	bool counts;

	assert_false(held(parts, &counts, "time_limit_s"));
	assert_int_equal(hm_replication_same_plan(first.parts, parts, &fail), HM_E_USAGE);
	assert_int_equal(hm_replication_same_plan(first.parts, first.parts, &fail), 0);
}

/* Every value of the true document changed: refused by its form, or since it is not what follows from the two bundles. */
static void untrue(void **state HM_UNUSED)
{
	static const char *const edits[][2] = {
		{ "\"agree\":true", "\"agree\":false" },   { "\"product_same\":true", "\"product_same\":false" },
		{ "\"not_comparable\":[]", "\"not_comparable\":[\"factors\"]" },
		{ "\"of\":\"sha256:", "\"of\":\"sha512:" },  { "\"of\":\"6.1.0", "\"of\":\"6.1.1" }, { "\"here\":\"6.1.0", "\"here\":\"6.1.1" },
		{ "\"differ\":[]", "\"differ\":[{\"here\":\"upheld\",\"id\":\"collect.content\",\"of\":\"refuted\"}]" },
		{ "\"capable.load\",", "" },		   { "replication/v1", "replication/v2" },
		{ "{\"agree\"", "{\"a\":0,\"agree\"" },    { "\"influence\"", "\"influense\"" },
	};
	static const struct valid fresh = { .seed = 1 };
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = replica(&fresh, NULL);
	struct hm_slice text;

	assert_true(hm_parts_get(parts, HM_REPLICATION, &text));
	for (size_t i = 0; i < HM_COUNT(edits); i++) {
		const char *at = memmem(text.data, text.len, edits[i][0], strlen(edits[i][0]));
		HM_CLEANUP(hm_parts_cleanup) struct hm_parts *other = NULL;
		HM_FREE char *edited = NULL;
		size_t before;
		bool counts;

		if (!at)
			fail_msg("no %s", edits[i][0]);
		before = (size_t)((const uint8_t *)at - text.data);
		edited = hm_sprintf("%.*s%s%.*s", (int)before, (const char *)text.data, edits[i][1], (int)(text.len - before - strlen(edits[i][0])),
				    at + strlen(edits[i][0]));
		other = replica(&fresh, edited);
		assert_false(held(other, &counts, ""));
		assert_false(counts);
	}
}

static void none(void **state HM_UNUSED)
{
	static const struct valid fresh = { .seed = 1 };
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = valid_sealed(&fresh, forger), *broken = replica(&fresh, "{\"of\":1}");
	HM_CLEANUP(hm_bytes_release) struct hm_bytes file = pack(broken);
	char of[65];
	bool counts;

	assert_false(held(parts, &counts, "does not say"));
	assert_false(hm_replication_of(of, parts));
	assert_false(hm_replication_of(of, broken));
	assert_int_equal(row_of(hm_slice_of(&file), others, "replication"), HM_CHECK_FALSE);
	/* Nor does a bundle replicate itself. */
	assert_false(held(valid, &counts, "does not say"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_true_one),	cmocka_unit_test(one_that_differs), cmocka_unit_test(the_same_seed),
		cmocka_unit_test(another_plan), cmocka_unit_test(untrue),	    cmocka_unit_test(none),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
