#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "fs.h"
#include "lines.h"
#include "note.h"
#include "../../support/vectors.h"

/* The example of c2sp.org/signed-note. */
static const char example_key[] = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
static const char example[] = "This is an example message.\n\n"
			      "\xe2\x80\x94 example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

static struct hm_vkey key_of(const char *text)
{
	struct hm_vkey key;

	assert_int_equal(hm_vkey_parse(&key, hm_slice_text(text), NULL), 0);
	return key;
}

static void the_specifications_example(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes again = { 0 };
	struct hm_vkey key = key_of(example_key);
	struct hm_note note;
	uint64_t time;

	assert_int_equal(hm_note_parse(&note, hm_slice_text(example), NULL), 0);
	assert_true(hm_slice_eq(note.text, HM_SLICE("This is an example message.\n")));
	assert_int_equal(note.count, 1);
	assert_int_equal(hm_note_check(&note, &key, &time), HM_NOTE_GOOD);
	hm_vkey_write(&again, &key);
	assert_true(hm_slice_eq(hm_slice_of(&again), hm_slice_text(example_key)));
	key.name[0] = 'f';
	assert_int_equal(hm_note_check(&note, &key, &time), HM_NOTE_ABSENT);
}

static void every_flipped_bit_shows(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes bytes = { 0 };
	struct hm_vkey key = key_of(example_key);
	struct hm_note note;
	uint64_t time;

	hm_bytes_slice(&bytes, hm_slice_text(example));
	for (size_t bit = 0; bit < bytes.len * 8; bit++) {
		bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (hm_note_parse(&note, hm_slice_of(&bytes), NULL) == 0)
			assert_int_not_equal(hm_note_check(&note, &key, &time), HM_NOTE_GOOD);
		bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t len = 0; len < bytes.len; len++)
		assert_int_equal(hm_note_parse(&note, (struct hm_slice){ bytes.data, len }, NULL), HM_E_BAD);
}

/* Manglings after golang.org/x/mod/sumdb/note's. */
static void keys_that_are_none(void **state HM_UNUSED)
{
	static const char *const wrong[] = {
		"", "example.com/foo", "example.com/foo+530d903a", "example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
		"example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
		"example.com/foo +530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", "example.com/foo+530d903+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
		"example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k=", "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3Q==",
		"example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k\n", "example.com/foo+530d903a+ ekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
		"example.com/\xe2\x80\x83+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", "example.com/\xff+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
	};
	struct hm_vkey key;

	for (size_t i = 0; i < HM_COUNT(wrong); i++)
		assert_int_equal(hm_vkey_parse(&key, hm_slice_text(wrong[i]), NULL), HM_E_BAD);
	/* A type that is not checked: taken, never good. */
	assert_int_equal(hm_vkey_parse(&key, HM_SLICE("example.com/foo+01020304+BgEC"), NULL), 0);
	assert_int_equal(key.type, 6);
}

static void notes_that_are_none(void **state HM_UNUSED)
{
	static const char line[] = "\xe2\x80\x94 a AAAAAAA=\n";
	static const char *const wrong[] = {
		"", "\n", "\n\n", "text\n", "text\n\n", "text\nno signature\n", "text\n\n\xe2\x80\x94 a\n", "text\n\n\xe2\x80\x94 a AAAAAA==\n",
		"text\n\n- a AAAAAAA=\n", "text\n\n\xe2\x80\x94 a AAAAAAA=", "text\n\n\xe2\x80\x94 a  AAAAAAA=\n", "text\n\n\xe2\x80\x94 a+b AAAAAAA=\n",
		"te\rxt\n\n\xe2\x80\x94 a AAAAAAA=\n", "te\xffxt\n\n\xe2\x80\x94 a AAAAAAA=\n", "text\n\n\xe2\x80\x94 a AAAAAAA\n", "text\n\n\xe2\x80\x94 a AAAAAAB=\n",
	};
	HM_CLEANUP(hm_bytes_release) struct hm_bytes many = { 0 };
	struct hm_note note;

	for (size_t i = 0; i < HM_COUNT(wrong); i++)
		assert_int_equal(hm_note_parse(&note, hm_slice_text(wrong[i]), NULL), HM_E_BAD);
	hm_bytes_text(&many, "text\n\n");
	for (size_t i = 0; i < HM_NOTE_SIGNATURES; i++)
		hm_bytes_text(&many, line);
	assert_int_equal(hm_note_parse(&note, hm_slice_of(&many), NULL), 0);
	hm_bytes_text(&many, line);
	assert_int_equal(hm_note_parse(&note, hm_slice_of(&many), NULL), HM_E_BAD);
}

static void checkpoints(void **state HM_UNUSED)
{
	static const char good[] = "log.example/a\n700\n6FMs4YZ2wQ1ZRnaSV37xZu14V3HDA1p9b28/pWI9LvQ=\n";
	static const char *const wrong[] = {
		"", "log.example/a\n", "log.example/a\n700\n", "\n700\n6FMs4YZ2wQ1ZRnaSV37xZu14V3HDA1p9b28/pWI9LvQ=\n",
		"log.example/a\n0700\n6FMs4YZ2wQ1ZRnaSV37xZu14V3HDA1p9b28/pWI9LvQ=\n", "log.example/a\n-1\n6FMs4YZ2wQ1ZRnaSV37xZu14V3HDA1p9b28/pWI9LvQ=\n",
		"log.example/a\n9223372036854775808\n6FMs4YZ2wQ1ZRnaSV37xZu14V3HDA1p9b28/pWI9LvQ=\n", "log.example/a\n700\n6FMs4YZ2wQ1ZRnaSV37xZu14V3HDA1p9b28/pWI9LvR=\n",
		"log.example/a\n700\n6FMs4YZ2wQ1ZRnaSV37xZu14V3HDA1p9b28/pWI9LvQ", "log.example/a\n700\n6FMs4YZ2wQ1ZRnaSV37xZu14V3HDA1p9b28/pWI9LvQ=\n\n",
	};
	HM_CLEANUP(hm_bytes_release) struct hm_bytes again = { 0 };
	struct hm_checkpoint c;

	assert_int_equal(hm_checkpoint_parse(&c, hm_slice_text(good), NULL), 0);
	assert_int_equal(c.size, 700);
	assert_false(c.extended);
	hm_checkpoint_write(&again, "log.example/a", c.size, &c.root);
	assert_true(hm_slice_eq(hm_slice_of(&again), hm_slice_text(good)));
	for (size_t i = 0; i < HM_COUNT(wrong); i++)
		assert_int_equal(hm_checkpoint_parse(&c, hm_slice_text(wrong[i]), NULL), HM_E_BAD);
	hm_bytes_text(&again, "extension\n");
	assert_int_equal(hm_checkpoint_parse(&c, hm_slice_of(&again), NULL), 0);
	assert_true(c.extended);
}

/* Every checkpoint of transparency-dev/tessera's test log. */
static void foreign_checkpoints(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	struct hm_vkey key;
	unsigned good = 0;

	if (!hm_vector(&text, "tlog-tiles/vkey.txt"))
		skip();
	while (text.len && text.data[text.len - 1] == '\n')
		text.len--;
	assert_int_equal(hm_vkey_parse(&key, hm_slice_of(&text), NULL), 0);
	for (unsigned size = 0; size <= 15; size++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes bytes = { 0 };
		HM_FREE char *name = hm_sprintf("tlog-tiles/checkpoint.%u", size);
		struct hm_checkpoint c;
		struct hm_note note;
		uint64_t time;

		assert_true(hm_vector(&bytes, name));
		assert_int_equal(hm_note_parse(&note, hm_slice_of(&bytes), NULL), 0);
		assert_int_equal(hm_checkpoint_parse(&c, note.text, NULL), 0);
		assert_int_equal(c.size, size);
		good += hm_note_check(&note, &key, &time) == HM_NOTE_GOOD;
	}
	hm_vectors_agree("tlog-tiles, checkpoints by their key", good);
	assert_int_equal(good, 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_specifications_example), cmocka_unit_test(every_flipped_bit_shows), cmocka_unit_test(keys_that_are_none),
		cmocka_unit_test(notes_that_are_none),	      cmocka_unit_test(checkpoints),		 cmocka_unit_test(foreign_checkpoints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
