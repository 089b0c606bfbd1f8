/* Rows of planted.json: what is written down, and what a doubter makes of it. */
#include "factor_help.h"

#include "factor_internal.h"

static json_t *described(struct hm_parts *parts, const char *factor, unsigned level)
{
	HM_CLEANUP(hm_factor_release) struct hm_world *world = help_world(factor, level, 5);
	json_t *files = json_array();
	struct hm_fail fail = { 0 };

	hm_factor_add(world, "samples/found.bin", "sample", HM_SLICE("to be detected"));
	assert_int_equal(hm_factor_describe(files, world, parts, &fail), 0);
	return files;
}

static int checked(const json_t *files, const uint8_t *from, const char *phase, const char *factor, unsigned level, struct hm_fail *fail)
{
	struct hm_factor_choice choice[64] = { 0 };

	for (size_t i = 0; i < hm_factor_count; i++)
		choice[i].n = 5;
	if (factor)
		choice[help_row(factor)].level = level;
	return hm_factor_check(files, HM_FACTOR_DOCUMENTS, from, phase, choice, NULL, NULL, 0, fail);
}

static json_t *row_called(const json_t *files, const char *prefix)
{
	json_t *row;
	size_t i;

	json_array_foreach (files, i, row)
		if (strncmp(json_string_value(json_object_get(row, "path")), prefix, strlen(prefix)) == 0)
			return row;
	fail_msg("no %s", prefix);
	return NULL;
}

static void rows_follow_from_the_seed(void **state HM_UNUSED)
{
	static const uint8_t other[32] = { 1 };

	for (size_t i = 0; i < hm_factor_count; i++)
		for (unsigned level = 0; level < 2 && !hm_factors[i].cannot; level++) {
			HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = hm_parts_new();
			HM_JSON json_t *files = described(parts, hm_factors[i].name, level);
			bool on_disk = strncmp(hm_factors[i].claim, "collect.h", 9) && strncmp(hm_factors[i].claim, "collect.i", 9);
			struct hm_fail fail = { 0 };

			if (checked(files, seed, "screen", hm_factors[i].name, level, &fail) < 0)
				fail_msg("%s", fail.text);
			assert_int_equal(checked(files, seed, "aa", hm_factors[i].name, level, &fail), HM_E_BAD);
			assert_int_equal(checked(files, other, "screen", hm_factors[i].name, level, &fail), HM_E_BAD);
			if (on_disk)
				assert_int_equal(checked(files, seed, "screen", hm_factors[i].name, !level, &fail), HM_E_BAD);
		}
}

/* Documents of version 2 of planted.json: the letter links to no hosts. */
static void versions_are_told_apart(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = hm_parts_new();
	HM_CLEANUP(hm_factor_release) struct hm_world *old = NULL, *now = help_world(NULL, 0, 5);
	struct hm_factor_choice choice[64] = { 0 };
	HM_JSON json_t *files = json_array();
	struct hm_fail fail = { 0 };

	for (size_t i = 0; i < hm_factor_count; i++)
		choice[i].n = 5;
	assert_int_equal(hm_factor_mix(&old, hm_factor_docs_of(2), seed, "screen", choice, NULL, NULL, NULL, 0, &fail), 0);
	assert_null(memmem(hm_factor_file(old, "letter.eml")->content.data, hm_factor_file(old, "letter.eml")->content.len, "http://", 7));
	assert_non_null(memmem(hm_factor_file(now, "letter.eml")->content.data, hm_factor_file(now, "letter.eml")->content.len, "http://", 7));
	assert_int_equal(hm_factor_describe(files, old, parts, &fail), 0);
	assert_int_equal(hm_factor_check(files, 2, seed, "screen", choice, NULL, NULL, 0, &fail), 0);
	assert_int_equal(hm_factor_check(files, 3, seed, "screen", choice, NULL, NULL, 0, &fail), HM_E_BAD);
	assert_int_equal(hm_factor_check(files, 4, seed, "screen", choice, NULL, NULL, 0, &fail), HM_E_UNKNOWN);
}

static void parts_are_shared(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = hm_parts_new();
	HM_JSON json_t *one = described(parts, NULL, 0);
	size_t count = hm_parts_count(parts);
	HM_JSON json_t *again = described(parts, "names", 1), *marked = NULL;

	assert_int_equal(count, json_array_size(one));
	assert_int_equal(count, json_array_size(again));
	assert_int_equal(hm_parts_count(parts), count);
	marked = described(parts, "marking", 1);
	assert_int_equal(hm_parts_count(parts), count + 4);
	assert_string_equal(json_string_value(json_object_get(json_array_get(one, 0), "part")), "planted/0001");
	for (size_t i = 0; i < json_array_size(marked); i++) {
		const json_t *row = json_array_get(marked, i);
		struct hm_slice content;

		assert_true(hm_parts_get(parts, json_string_value(json_object_get(row, "part")), &content));
		assert_int_equal(content.len, json_integer_value(json_object_get(row, "size")));
	}
}

static void altered_rows_are_refused(void **state HM_UNUSED)
{
	static const struct {
		const char *member, *value; /* JSON */
	} changes[] = {
		{ "path", "\"note-aaaaaaaa.txt\"" }, { "mode", "420" }, { "uid", "0" }, { "gid", "0" }, { "mtime", "1" },
		{ "atime", "1" }, { "xattrs", "[]" }, { "role", "\"sample\"" }, { "marking", "\"OFFICIAL-SENSITIVE\"" },
		{ "tokens", "[]" }, { "draw", "1" }, { "draw", "20000" }, { "draw", "-1" },
		{ "sha256", "\"0000000000000000000000000000000000000000000000000000000000000000\"" },
	};

	for (size_t i = 0; i < HM_COUNT(changes); i++) {
		HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = hm_parts_new();
		HM_JSON json_t *files = described(parts, NULL, 0);
		json_t *row = row_called(files, "note-"), *value = json_loads(changes[i].value, JSON_DECODE_ANY, NULL);
		struct hm_fail fail = { 0 };

		assert_non_null(value);
		if (json_is_integer(value) && json_equal(json_object_get(row, changes[i].member), value))
			json_integer_set(value, json_integer_value(value) + 36);
		json_object_set_new(row, changes[i].member, value);
		if (checked(files, seed, "screen", NULL, 0, &fail) != HM_E_BAD)
			fail_msg("another %s is not refused", changes[i].member);
	}
}

static void sets_are_whole(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = hm_parts_new();
	HM_JSON json_t *less = described(parts, NULL, 0), *more = json_deep_copy(less), *zlib = json_deep_copy(less);
	struct hm_fail fail = { 0 };

	json_array_remove(less, 0);
	assert_int_equal(checked(less, seed, "screen", NULL, 0, &fail), HM_E_BAD);
	json_array_append_new(more, json_deep_copy(json_array_get(more, 3)));
	assert_int_equal(checked(more, seed, "screen", NULL, 0, &fail), HM_E_BAD);
	json_object_set_new(row_called(zlib, "plan-"), "sha256", json_string("00"));
	assert_int_equal(checked(zlib, seed, "screen", NULL, 0, &fail), HM_E_UNKNOWN);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_follow_from_the_seed),
		cmocka_unit_test(versions_are_told_apart),
		cmocka_unit_test(parts_are_shared),
		cmocka_unit_test(altered_rows_are_refused),
		cmocka_unit_test(sets_are_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
