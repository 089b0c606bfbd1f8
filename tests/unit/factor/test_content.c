/* Matched secrets: documents that differ in what they say and in nothing that can be measured without reading them. */
#include "factor_help.h"

#include "digest.h"
#include "factor_internal.h"

#define SECRETS 3

static const struct hm_world_file *file_of(const struct hm_world *world, const char *id)
{
	const struct hm_world_file *file = hm_factor_file(world, id);

	assert_non_null(file);
	return file;
}

/* What the reader of the document reads. */
static void text_of(struct hm_bytes *text, const struct hm_world_file *file, unsigned level, unsigned n)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes whole = { 0 };
	HM_FREE char *label = hm_sprintf("secret/screen/content/%u/%u", level, n);
	const struct hm_factor_setting setting = { file->present, file->fillers };
	struct hm_sha256 key;

	hm_derive(&key, seed, label);
	for (size_t i = 0; i < hm_factor_doc_count; i++)
		if (strcmp(hm_factor_docs[i].id, file->id) == 0)
			hm_factor_render(&whole, text, &hm_factor_docs[i], &key, file->draw, &setting);
	assert_true(hm_slice_eq(hm_slice_of(&whole), hm_slice_of(&file->content)));
}

static void compare(const struct hm_world_file *a, const struct hm_world_file *b, unsigned n)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes x = { 0 }, y = { 0 };
	struct hm_slice p = hm_slice_of(&a->content), q = hm_slice_of(&b->content);

	text_of(&x, a, 0, n);
	text_of(&y, b, 1, n);
	assert_int_equal(p.len, q.len);
	assert_false(hm_slice_eq(p, q));
	assert_true(help_same_classes(hm_slice_of(&x), hm_slice_of(&y)));
	assert_true(help_same_bytes(hm_slice_of(&x), hm_slice_of(&y)));
	for (int level = 6; level <= 9; level += 3) {
		assert_int_equal(help_deflated(p, level), help_deflated(q, level));
		assert_int_equal(help_deflated(hm_slice_of(&x), level), help_deflated(hm_slice_of(&y), level));
	}
}

static void secrets_are_matched(void **state HM_UNUSED)
{
	for (unsigned n = 0; n < SECRETS; n++) {
		HM_CLEANUP(hm_factor_release) struct hm_world *a = help_world(NULL, 0, n), *b = help_world("content", 1, n);

		for (size_t i = 0; i < a->file_count; i++) {
			assert_string_equal(a->file[i].path, b->file[i].path);
			if (a->file[i].tokens)
				compare(&a->file[i], &b->file[i], n);
			else
				assert_true(hm_slice_eq(hm_slice_of(&a->file[i].content), hm_slice_of(&b->file[i].content)));
		}
	}
}

static uint32_t le(const uint8_t *at, unsigned size)
{
	return size == 0 ? 0 : at[0] | le(at + 1, size - 1) << 8;
}

/* Names, methods and both lengths of all members are alike, and each one's place. */
static void members_are_matched(void **state HM_UNUSED)
{
	static const char *const zips[] = { "archive.zip", "briefing.docx", "plan.odt" };

	for (unsigned n = 0; n < SECRETS; n++) {
		HM_CLEANUP(hm_factor_release) struct hm_world *a = help_world(NULL, 0, n), *b = help_world("content", 1, n);

		for (size_t i = 0; i < HM_COUNT(zips); i++) {
			struct hm_slice p = hm_slice_of(&file_of(a, zips[i])->content);
			struct hm_slice q = hm_slice_of(&file_of(b, zips[i])->content);
			uint32_t at = le(p.data + p.len - 6, 4), members = le(p.data + p.len - 12, 2);

			assert_true(members >= 2);
			assert_memory_equal(p.data + p.len - 22, q.data + q.len - 22, 22);
			for (uint32_t m = 0; m < members; m++) {
				uint32_t length = 46 + le(p.data + at + 28, 2);

				assert_int_equal(le(p.data + at, 4), 0x02014b50);
				assert_memory_equal(p.data + at, q.data + at, 16);
				assert_memory_equal(p.data + at + 20, q.data + at + 20, length - 20); /* all but the CRC */
				at += length;
			}
		}
	}
}

/* The derivation once more, by hand: numbers from the key's blocks, the slots' letters in the order that they give. */
static void a_token_follows_from_the_seed(void **state HM_UNUSED)
{
	static const char id[] = "source/gate.c", letters[] = "ABCDEFGHJKMNPQRSTVWXYZ";
	HM_CLEANUP(hm_factor_release) struct hm_world *world = help_world(NULL, 0, 0);
	const struct hm_world_file *file = file_of(world, id);
	const struct hm_sha256 *bits;
	struct hm_sha256 key, block[8];
	char digit[18], upper[28];
	unsigned at = 0, digits = 0, uppers = 0;

	hm_derive(&key, seed, "secret/screen/content/0/0");
	for (unsigned i = 0; i < 8; i++) {
		HM_FREE char *label = hm_sprintf("%s/%u/%u", id, file->draw, i);

		hm_derive(&block[i], key.b, label);
	}
	bits = block; /* 6 digits of the site and 6 a token; 14 letters a token */
	for (unsigned i = 0; i < 18; i++)
		digit[i] = (char)('0' + i % 10);
	for (unsigned i = 0; i < 28; i++)
		upper[i] = letters[i % 22];
	for (unsigned pass = 0; pass < 2; pass++) {
		char *of = pass ? upper : digit;

		for (unsigned i = pass ? 28 : 18; i > 1; i--) {
			uint32_t drawn = le(bits[at / 8].b + 4 * (at % 8), 4) % i; /* the chance of another draw is 1 in 10^8 */
			char kept = of[drawn];

			of[drawn] = of[i - 1];
			of[i - 1] = kept;
			at++;
		}
	}
	digits = 6;
	assert_int_equal(file->tokens, 2);
	for (unsigned k = 0; k < 2; k++)
		for (unsigned i = 0; i < 20; i++) {
			char c = file->token[k][i];

			assert_int_equal(c, c <= '9' ? digit[digits++] : upper[uppers++]);
		}
	assert_int_equal(digits, 18);
	assert_int_equal(uppers, 28);
}

static void tokens_stand_in_the_text(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_factor_release) struct hm_world *a = help_world(NULL, 0, 0), *b = help_world("content", 1, 0);
	unsigned count = 0;

	for (size_t i = 0; i < a->file_count; i++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };

		text_of(&text, &a->file[i], 0, 0);
		for (unsigned k = 0; k < a->file[i].tokens; k++, count++) {
			assert_non_null(memmem(text.data, text.len, a->file[i].token[k], 20));
			assert_string_not_equal(a->file[i].token[k], b->file[i].token[k]);
		}
	}
	assert_true(count >= 20);
}

/* Another number is another secret; the same gives the same bytes. */
static void secrets_are_numbered(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_factor_release) struct hm_world *a = help_world(NULL, 0, 0), *again = help_world(NULL, 0, 0),
						       *b = help_world(NULL, 0, 1);

	for (size_t i = 0; i < a->file_count; i++) {
		const struct hm_world_file *other = file_of(b, a->file[i].id);

		assert_true(hm_slice_eq(hm_slice_of(&a->file[i].content), hm_slice_of(&again->file[i].content)));
		if (a->file[i].tokens)
			assert_false(hm_slice_eq(hm_slice_of(&a->file[i].content), hm_slice_of(&other->content)));
	}
}

/* With a marking and without: the same letters. */
static void markings_are_matched(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_factor_release) struct hm_world *a = help_world(NULL, 0, 0), *b = help_world("marking", 1, 0);
	unsigned marked = 0;

	for (size_t i = 0; i < a->file_count; i++) {
		struct hm_slice p = hm_slice_of(&a->file[i].content), q = hm_slice_of(&b->file[i].content);

		assert_int_equal(p.len, q.len);
		assert_null(a->file[i].marking);
		if (!b->file[i].marking) {
			assert_true(hm_slice_eq(p, q));
			continue;
		}
		marked++;
		assert_null(memmem(p.data, p.len, "OFFICIAL-SENSITIVE", 18));
		assert_non_null(memmem(q.data, q.len, "OFFICIAL-SENSITIVE", 18));
		assert_int_equal(help_deflated(p, 9), help_deflated(q, 9));
		assert_int_equal(help_deflated(p, 6), help_deflated(q, 6));
	}
	assert_int_equal(marked, 4);
}

static void samples_are_matched(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_factor_release) struct hm_world *a = help_world(NULL, 0, 0), *b = help_world("sample", 1, 0);
	struct hm_slice p = hm_slice_of(&file_of(a, "notice.com")->content), q = hm_slice_of(&file_of(b, "notice.com")->content);
	struct hm_slice x = hm_slice_of(&file_of(a, "archive.zip")->content), y = hm_slice_of(&file_of(b, "archive.zip")->content);

	assert_int_equal(p.len, 68);
	assert_false(hm_slice_eq(p, q));
	assert_true(help_same_classes(p, q));
	assert_true(help_same_bytes(p, q));
	assert_int_equal(help_deflated(p, 9), help_deflated(q, 9));
	assert_int_equal(x.len, y.len);
	assert_null(memmem(x.data, x.len, q.data, q.len));
	assert_non_null(memmem(x.data, x.len, p.data, p.len));
	assert_non_null(memmem(y.data, y.len, q.data, q.len));
	assert_string_equal(file_of(a, "notice.com")->role, "document");
	assert_string_equal(file_of(b, "notice.com")->role, "sample");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(secrets_are_matched),	     cmocka_unit_test(members_are_matched),
		cmocka_unit_test(a_token_follows_from_the_seed), cmocka_unit_test(tokens_stand_in_the_text),
		cmocka_unit_test(secrets_are_numbered),	     cmocka_unit_test(markings_are_matched),
		cmocka_unit_test(samples_are_matched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
