/* Worlds between two levels: what lies outside of the parts is as at level 0, what lies inside as at level 1, and no file is longer or shorter. */
#include "factor_help.h"

#include "digest.h"
#include "mix.h"

enum { ARCHIVE = 0, LETTER = 4, PLAN = 8 };

static void choose(struct hm_factor_choice choice[64])
{
	memset(choice, 0, 64 * sizeof(*choice));
	for (size_t i = 0; i < hm_factor_count; i++)
		choice[i].n = 5;
}

static struct hm_world *mixed(const char *name, struct hm_factor_part *parts, size_t count)
{
	struct hm_factor_choice choice[64];
	struct hm_world *world = NULL;
	struct hm_fail fail = { 0 };

	choose(choice);
	if (hm_factor_mixed(&world, seed, "screen", choice, name, parts, count, &fail) < 0)
		fail_msg("%s", fail.text);
	return world;
}

static void expect_same(const struct hm_world *a, const struct hm_world *b)
{
	assert_int_equal(a->file_count, b->file_count);
	for (size_t i = 0; i < a->file_count; i++) {
		assert_string_equal(a->file[i].path, b->file[i].path);
		assert_true(hm_slice_eq(hm_slice_of(&a->file[i].content), hm_slice_of(&b->file[i].content)));
		assert_int_equal(a->file[i].mtime.tv_sec, b->file[i].mtime.tv_sec);
		assert_int_equal(a->file[i].tokens, b->file[i].tokens);
		for (unsigned k = 0; k < a->file[i].tokens; k++)
			assert_string_equal(a->file[i].token[k], b->file[i].token[k]);
	}
}

static void nothing_and_all_are_the_levels(void **state HM_UNUSED)
{
	static const char *const names[] = { "content", "names", "metadata", "marking" };

	for (size_t n = 0; n < HM_COUNT(names); n++) {
		struct hm_factor_part parts[16];
		size_t count = 0;
		struct hm_factor_choice choice[64];
		struct hm_fail fail = { 0 };
		HM_CLEANUP(hm_factor_release) struct hm_world *zero = help_world(NULL, 0, 5), *none = mixed(names[n], NULL, 0), *one = NULL, *all = NULL;

		choose(choice);
		for (size_t i = 0; i < hm_factor_count; i++)
			choice[i].level = hm_factor_covers(names[n], i);
		assert_int_equal(hm_factor_world(&one, seed, "screen", choice, &fail), 0);
		for (uint32_t i = 0; i < hm_factor_things(names[n]); i++)
			if (hm_factor_places(names[n], i))
				parts[count++] = (struct hm_factor_part){ .document = i, .to = hm_factor_places(names[n], i) };
		all = mixed(names[n], parts, count);
		expect_same(none, zero);
		expect_same(all, one);
	}
}

/* Whatever is cut out of whichever document. */
static void lengths_stay(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_factor_release) struct hm_world *zero = help_world(NULL, 0, 5);

	for (uint32_t i = 0; i + 1 < hm_factor_things("content"); i++) {
		uint32_t places = hm_factor_places("content", i);

		for (uint32_t step = 1; step < places; step = 3 * step + 1) {
			struct hm_factor_part part = { .document = i, .from = places / 3 / step, .to = places / 3 / step + places / 2 / step + 1 };
			HM_CLEANUP(hm_factor_release) struct hm_world *some = mixed("content", &part, 1);

			for (size_t k = 0; k < zero->file_count; k++) {
				assert_int_equal(some->file[k].content.len, zero->file[k].content.len);
				if (k != i)
					assert_true(hm_slice_eq(hm_slice_of(&some->file[k].content), hm_slice_of(&zero->file[k].content)));
			}
		}
	}
}

/* One fact about the machine is as at level 1, the others as at level 0. */
static void rows_of_the_machine(void **state HM_UNUSED)
{
	struct hm_factor_part mac = { 4, 0, 1, 0 }, wrong[] = { { 8, 0, 1, 0 }, { 4, 0, 2, 0 }, { 4, 0, 1, 1 } };
	HM_CLEANUP(hm_factor_release) struct hm_world *zero = help_world(NULL, 0, 5), *one = help_world("host.mac", 1, 5), *mix = mixed("host", &mac, 1);

	expect_same(mix, zero);
	assert_string_equal(mix->hostname, zero->hostname);
	assert_memory_equal(mix->mac, one->mac, sizeof(mix->mac));
	assert_memory_not_equal(mix->mac, zero->mac, sizeof(mix->mac));
	for (size_t i = 0; i < HM_COUNT(wrong); i++) {
		struct hm_factor_choice choice[64];
		struct hm_world *world = NULL;
		struct hm_fail fail = { 0 };

		choose(choice);
		assert_int_equal(hm_factor_mixed(&world, seed, "screen", choice, "host", &wrong[i], 1, &fail), HM_E_BAD);
	}
}

static size_t differing(const struct hm_world *a, const struct hm_world *b, size_t file, size_t *first, size_t *last)
{
	size_t count = 0;

	for (size_t i = 0; i < a->file[file].content.len; i++) {
		if (a->file[file].content.data[i] == b->file[file].content.data[i])
			continue;
		*first = count++ ? *first : i;
		*last = i;
	}
	return count;
}

/* The first and the second half of a letter's secret characters: the second begins where the first has ended. */
static void halves_do_not_overlap(void **state HM_UNUSED)
{
	uint32_t places = hm_factor_places("content", LETTER);
	struct hm_factor_part first = { LETTER, 0, places / 2, 0 }, second = { LETTER, places / 2, places, 0 };
	HM_CLEANUP(hm_factor_release) struct hm_world *zero = help_world(NULL, 0, 5), *a = mixed("content", &first, 1), *b = mixed("content", &second, 1);
	size_t from[2], to[2];

	assert_true(differing(zero, a, LETTER, &from[0], &to[0]) > 10);
	assert_true(differing(zero, b, LETTER, &from[1], &to[1]) > 10);
	assert_true(to[0] < from[1]);
}

static void spans_are_of_the_text(void **state HM_UNUSED)
{
	size_t offset, length, of;

	assert_false(hm_factor_span(LETTER, 0, 1, &offset, &length, &of));
	assert_false(hm_factor_span(12, 0, 1, &offset, &length, &of));
	assert_true(hm_factor_span(PLAN, 0, 2, &offset, &length, &of));
	assert_int_equal(offset, strlen("Plan for the move of the records office & its staff\nStage 1 empties rooms "));
	assert_int_equal(length, 2);
	assert_true(hm_factor_span(ARCHIVE, 0, hm_factor_places("content", ARCHIVE), &offset, &length, &of));
	assert_int_equal(offset, strlen("Names of those who were told: list "));
	assert_int_equal(offset + length + strlen(".\n"), of);
}

static void places_are_of_who_has_a_part(void **state HM_UNUSED)
{
	assert_int_equal(hm_factor_places("content", 7), 0); /* the notice */
	assert_int_equal(hm_factor_places("sample", 7), 1);
	assert_int_equal(hm_factor_places("marking", LETTER), 1);
	assert_int_equal(hm_factor_places("marking", 2), 0);
	assert_int_equal(hm_factor_places("names", 2), 1);
	assert_int_equal(hm_factor_places("names", 11), 1);
	assert_int_equal(hm_factor_places("content", 11), 0);
	assert_int_equal(hm_factor_places("names", 12), 0);
	assert_int_equal(hm_factor_things("host"), 8);
	assert_int_equal(hm_factor_places("host", 7), 1);
	assert_int_equal(hm_factor_places("host", 8), 0);
	assert_string_equal(hm_factor_thing("host", 4), "host.mac");
	assert_int_equal(hm_factor_things("host.mac"), 0);
	assert_int_equal(hm_factor_places("host.mac", 0), 0);
	assert_int_equal(hm_factor_places("names.count", 3), 0);
	assert_int_equal(hm_factor_places("names.count", 11), 1);
	assert_int_equal(hm_factor_places("metadata.size", 0), 0);
	assert_int_equal(hm_factor_places("metadata", 0), 1);
}

static void wrong_parts_are_refused(void **state HM_UNUSED)
{
	static const struct hm_factor_part rows[][2] = {
		{ { LETTER, 3, 3, 0 }, { PLAN, 0, 1, 0 } },
		{ { LETTER, 0, 100000, 0 }, { PLAN, 0, 1, 0 } },
		{ { PLAN, 0, 1, 0 }, { LETTER, 0, 1, 0 } },
		{ { LETTER, 0, 5, 0 }, { LETTER, 4, 6, 0 } },
		{ { 7, 0, 1, 0 }, { PLAN, 0, 1, 0 } },
		{ { LETTER, 0, 5, 0 }, { UINT32_MAX, 0, 1, 0 } },
		{ { LETTER, 0, 5, 4000 }, { PLAN, 0, 1, 0 } },
		{ { LETTER, 0, 5, 1 }, { LETTER, 8, 9, 2 } },
	};

	for (size_t i = 0; i < HM_COUNT(rows); i++) {
		struct hm_factor_part parts[2] = { rows[i][0], rows[i][1] };
		struct hm_factor_choice choice[64];
		struct hm_world *world = NULL;
		struct hm_fail fail = { 0 };

		choose(choice);
		assert_int_equal(hm_factor_mixed(&world, seed, "screen", choice, "content", parts, 2, &fail), HM_E_BAD);
		assert_null(world);
	}
}

static void a_set_follows_from_its_parts(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *store = hm_parts_new();
	struct hm_factor_part parts[2] = { { LETTER, 5, 30, 0 }, { PLAN, 1, 9, 0 } }, other;
	HM_CLEANUP(hm_factor_release) struct hm_world *world = mixed("content", parts, 2);
	HM_JSON json_t *files = json_array();
	struct hm_factor_choice choice[64];
	struct hm_fail fail = { 0 };

	choose(choice);
	assert_int_equal(hm_factor_describe(files, world, store, &fail), 0);
	if (hm_factor_check(files, HM_FACTOR_DOCUMENTS, seed, "screen", choice, "content", parts, 2, &fail) < 0)
		fail_msg("%s", fail.text);
	assert_int_equal(hm_factor_check(files, HM_FACTOR_DOCUMENTS, seed, "screen", choice, NULL, NULL, 0, &fail), HM_E_BAD);
	other = parts[0];
	parts[0].to++;
	assert_int_equal(hm_factor_check(files, HM_FACTOR_DOCUMENTS, seed, "screen", choice, "content", parts, 2, &fail), HM_E_BAD);
	parts[0] = other;
	parts[0].draw++;
	assert_int_equal(hm_factor_check(files, HM_FACTOR_DOCUMENTS, seed, "screen", choice, "content", parts, 2, &fail), HM_E_BAD);
	assert_string_equal(json_string_value(json_object_get(hm_factor_row(files, LETTER), "role")), "document");
	assert_null(hm_factor_row(files, 11));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_and_all_are_the_levels),
		cmocka_unit_test(lengths_stay),
		cmocka_unit_test(rows_of_the_machine),
		cmocka_unit_test(halves_do_not_overlap),
		cmocka_unit_test(spans_are_of_the_text),
		cmocka_unit_test(places_are_of_who_has_a_part),
		cmocka_unit_test(wrong_parts_are_refused),
		cmocka_unit_test(a_set_follows_from_its_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
