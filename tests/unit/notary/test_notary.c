#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <sys/stat.h>

#include "notary.h"
#include "../../support/folder.h"
#include "../../support/vectors.h"

/* The published key of transparency-dev/tessera's test log (testdata/build_log.sh). */
static const char test_key[] = "PRIVATE+KEY+example.com/log/testdata+33d7b496+AeymY/SZAX0jZcJ8enZ5FY1Dz+wTML2yWSkK+9DSF3eg\n";

static int set_up(void **state)
{
	*state = hm_alloc(1, sizeof(struct test_folder));
	test_folder_make(*state);
	return 0;
}

static int tear_down(void **state)
{
	test_folder_remove(*state);
	free(*state);
	return 0;
}

static int load(void **state, struct hm_notary **key, const char *text, mode_t mode, uint8_t type, struct hm_fail *fail)
{
	HM_FREE char *path = hm_sprintf("%s/key", ((struct test_folder *)*state)->path);

	unlink(path);
	assert_int_equal(hm_fs_write_atomic(path, hm_slice_text(text), mode, NULL), 0);
	return hm_notary_load(key, path, type, fail);
}

/* Ed25519 is deterministic: what we sign is what they signed. */
static void signs_as_others_do(void **state)
{
	HM_CLEANUP(hm_notary_cleanup) struct hm_notary *key = NULL;
	unsigned same = 0;

	assert_int_equal(load(state, &key, test_key, 0600, HM_KEY_LOG, NULL), 0);
	for (unsigned size = 0; size <= 15; size++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes bytes = { 0 }, line = { 0 };
		HM_FREE char *name = hm_sprintf("tlog-tiles/checkpoint.%u", size);
		struct hm_note note;

		if (!hm_vector(&bytes, name))
			skip();
		assert_int_equal(hm_note_parse(&note, hm_slice_of(&bytes), NULL), 0);
		assert_int_equal(hm_notary_sign(key, note.text, 0, &line, NULL), 0);
		same += hm_slice_eq(hm_slice_of(&line), note.signature[0].line);
	}
	hm_vectors_agree("tlog-tiles, checkpoints signed again byte for byte", same);
	assert_int_equal(same, 16);
}

static void makes_keys(void **state)
{
	HM_FREE char *path = hm_sprintf("%s/made", ((struct test_folder *)*state)->path), *public = hm_sprintf("%s.pub", path);
	HM_CLEANUP(hm_notary_cleanup) struct hm_notary *key = NULL;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes bytes = { 0 }, vkey = { 0 };
	struct hm_vkey read;
	struct hm_note note;
	struct hm_fail fail;
	struct stat st;
	uint64_t time;

	assert_int_equal(hm_notary_generate(path, "witness.example/w", HM_KEY_WITNESS, &fail), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(hm_notary_generate(path, "witness.example/w", HM_KEY_WITNESS, &fail), HM_E_SYSTEM);
	assert_int_equal(hm_notary_load(&key, path, HM_KEY_LOG, &fail), HM_E_BAD);
	assert_int_equal(hm_notary_load(&key, path, HM_KEY_WITNESS, &fail), 0);
	assert_int_equal(hm_fs_read(&vkey, public, 1000, &fail), 0);
	vkey.len--;
	assert_int_equal(hm_vkey_parse(&read, hm_slice_of(&vkey), &fail), 0);
	assert_memory_equal(&read, hm_notary_key(key), sizeof(read));
	hm_bytes_text(&bytes, "text\n\n");
	assert_int_equal(hm_notary_sign(key, HM_SLICE("text\n"), 1700000000, &bytes, &fail), 0);
	assert_int_equal(hm_note_parse(&note, hm_slice_of(&bytes), &fail), 0);
	assert_int_equal(hm_note_check(&note, &read, &time), HM_NOTE_GOOD);
	assert_int_equal(time, 1700000000);
	assert_int_equal(hm_notary_generate("/nowhere/key", "a b", HM_KEY_LOG, &fail), HM_E_SYSTEM);
}

static void refuses(void **state)
{
	static const char *const wrong[] = {
		"", "PRIVATE+KEY+a", "PRIVATE+KEY+example.com/log/testdata+33d7b497+AeymY/SZAX0jZcJ8enZ5FY1Dz+wTML2yWSkK+9DSF3eg\n",
		"PRIVATE+KEY+example.com/log/testdata+33d7b496+AeymY/SZAX0jZcJ8enZ5FY1Dz+wTML2yWSkK+9DSF3eg\n\n",
		"PRIVATE+KEY+example.com/log/testdata+33d7b496+AeymY/SZAX0jZcJ8enZ5FY1Dz+wTML2yWSkK+9DSF3e=\n",
		"PRIVATE+KEY+example.com/log/testdatb+33d7b496+AeymY/SZAX0jZcJ8enZ5FY1Dz+wTML2yWSkK+9DSF3eg\n",
	};
	struct hm_notary *key = NULL;
	struct hm_fail fail;

	for (size_t i = 0; i < HM_COUNT(wrong); i++)
		assert_int_equal(load(state, &key, wrong[i], 0600, HM_KEY_LOG, &fail), HM_E_BAD);
	assert_int_equal(load(state, &key, test_key, 0644, HM_KEY_LOG, &fail), HM_E_SYSTEM);
	assert_int_equal(load(state, &key, test_key, 0600, HM_KEY_WITNESS, &fail), HM_E_BAD);
	assert_null(strstr(fail.text, "AeymY"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signs_as_others_do),
		cmocka_unit_test(makes_keys),
		cmocka_unit_test(refuses),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
