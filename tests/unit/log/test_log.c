#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/stat.h>

#include "edge.h"
#include "folder.h"
#include "log.h"
#include "notary.h"
#include "../../support/folder.h"
#include "../../support/vectors.h"

struct world {
	struct test_folder folder;
	char *key, *log;
};

static int set_up(void **state)
{
	struct world *w = hm_alloc(1, sizeof(*w));

	test_folder_make(&w->folder);
	w->key = hm_sprintf("%s/key", w->folder.path);
	w->log = hm_sprintf("%s/log", w->folder.path);
	assert_int_equal(hm_notary_generate(w->key, "log.example/test", HM_KEY_LOG, NULL), 0);
	assert_int_equal(hm_log_create(w->log, w->key, NULL), 0);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	test_folder_remove(&w->folder);
	free(w->key);
	free(w->log);
	free(w);
	return 0;
}

/* Entries "N" from `from` on. */
static int append(struct hm_log *log, uint64_t from, size_t count, struct hm_fail *fail)
{
	struct hm_slice entry[HM_LOG_BATCH];
	char text[HM_LOG_BATCH][24];
	uint64_t first;
	int r;

	for (size_t i = 0; i < count; i++)
		entry[i] = (struct hm_slice){ (uint8_t *)text[i], (size_t)snprintf(text[i], 24, "%llu", (unsigned long long)(from + i)) };
	r = hm_log_append(log, entry, count, &first, fail);
	if (r == 0)
		assert_int_equal(first, from);
	return r;
}

static struct hm_log *open_log(struct world *w)
{
	struct hm_log *log = NULL;
	struct hm_fail fail;

	if (hm_log_open(&log, w->log, w->key, NULL, &fail) < 0)
		fail_msg("%s", fail.text);
	return log;
}

static int check(struct world *w, bool history, struct hm_folder_check *out, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes note = { 0 }, public = { 0 }, signed_text = { 0 };
	HM_FREE char *public_path = hm_sprintf("%s.pub", w->key), *signed_path = hm_sprintf("%s.signed", w->key);
	HM_CLEANUP(hm_policy_cleanup) struct hm_policy *policy = NULL;
	HM_CLOSE int fd = hm_folder_open(w->log, fail);
	struct hm_tile_source source = hm_folder_source(&fd);
	struct hm_policy_outcome outcome;
	struct hm_vkey key;
	int r;

	assert_int_equal(hm_fs_read(&public, public_path, 1000, fail), 0);
	assert_int_equal(hm_vkey_parse(&key, (struct hm_slice){ public.data, public.len - 1 }, fail), 0);
	if (history)
		assert_int_equal(hm_fs_read(&signed_text, signed_path, 1 << 20, fail), 0);
	policy = hm_policy_of(&key);
	r = hm_folder_checkpoint(source, &note, fail);
	if (r == 0)
		r = hm_policy_check(&outcome, policy, hm_slice_of(&note), fail);
	return r < 0 ? r : hm_folder_check_all(out, source, &outcome.checkpoint, &key, hm_slice_of(&signed_text), fail);
}

static void grows(void **state)
{
	static const size_t batches[] = { 1, 1, 253, 1, 256, 3, 255, 256, 255, 1, 77 };
	struct world *w = *state;
	struct hm_log *log = open_log(w);
	struct hm_folder_check checked;
	uint64_t size = 0;
	struct hm_fail fail;

	for (size_t i = 0; i < HM_COUNT(batches); i++) {
		assert_int_equal(append(log, size, batches[i], &fail), 0);
		size += batches[i];
		assert_int_equal(hm_log_size(log), size);
		if (i % 3 == 0) {
			hm_log_close(log);
			log = open_log(w);
		}
		if (check(w, true, &checked, &fail) < 0)
			fail_msg("%s", fail.text);
		assert_int_equal(checked.entries, size);
		assert_int_equal(checked.roots, i + 2);
	}
	assert_int_equal(append(log, size, HM_LOG_BATCH + 0, &fail), 0);
	assert_int_equal(hm_log_recovered(log), 0);
	hm_log_close(log);
}

static void one_writer(void **state)
{
	struct world *w = *state;
	struct hm_log *log = open_log(w), *second = NULL;
	struct hm_slice large = { (const uint8_t *)w, HM_ENTRY_MAX + 1 };
	struct hm_fail fail;
	uint64_t first;

	assert_int_equal(hm_log_open(&second, w->log, w->key, NULL, &fail), HM_E_SYSTEM);
	assert_int_equal(hm_log_append(log, NULL, 0, &first, &fail), HM_E_USAGE);
	assert_int_equal(hm_log_append(log, &large, 1, &first, &fail), HM_E_USAGE);
	assert_int_equal(append(log, 0, 1, &fail), 0);
	hm_log_close(log);
	assert_int_equal(hm_log_create(w->log, w->key, &fail), HM_E_SYSTEM);
}

/* A shell's command line in the test's folder. */
static void shell(const char *folder, const char *line)
{
	HM_FREE char *command = hm_sprintf("cd %s && %s", folder, line);

	assert_int_equal(system(command), 0);
}

/* What a restored copy must not lead to. Each case is what a shell does before. */
static void never_two_versions(void **state)
{
	static const struct {
		const char *change, *says;
	} rows[] = {
		{ "rm -rf log && cp -a log-20 log", "older copy" },
		{ "cp -a key.signed-20 key.signed", "older copy" },
		{ "rm -r log/tile/entries", "is missing" },
		{ "rm key.signed", "missing" },
		{ "sed -i '$d' key.signed", "older copy" },
		{ "sed -i '$s/ ./ A/' key.signed", "no signature by the log's key" },
		{ "head -1 key.signed >x && mv x key.signed", "no signature in it" },
		{ "printf '\\0\\001x' | dd of=log/tile/entries/000.p/40 conv=notrunc bs=1 status=none", "of another tree" },
		{ "sed -i 2s/40/41/ log/checkpoint", "checkpoint" },
		{ "rm -rf log && cp -a other log", "not by the log's key" },
	};
	struct world *w = *state;
	const char *f = w->folder.path;
	HM_FREE char *other = hm_sprintf("%s/other", f), *other_key = hm_sprintf("%s/other.key", f);
	struct hm_log *log = open_log(w);
	struct hm_fail fail;

	assert_int_equal(hm_notary_generate(other_key, "log.example/test", HM_KEY_LOG, &fail), 0);
	assert_int_equal(hm_log_create(other, other_key, &fail), 0);
	assert_int_equal(append(log, 0, 20, &fail), 0);
	shell(f, "cp -a log log-20 && cp -a key.signed key.signed-20");
	assert_int_equal(append(log, 20, 20, &fail), 0);
	hm_log_close(log);
	shell(f, "cp -a log log-40 && cp -a key.signed key.signed-40");
	for (size_t i = 0; i < HM_COUNT(rows); i++) {
		log = NULL;
		shell(f, rows[i].change);
		if (hm_log_open(&log, w->log, w->key, NULL, &fail) == 0)
			fail_msg("opened after: %s", rows[i].change);
		if (!strstr(fail.text, rows[i].says))
			fail_msg("after %s: %s", rows[i].change, fail.text);
		shell(f, "rm -rf log key.signed && cp -a log-40 log && cp -a key.signed-40 key.signed");
	}
	/* The published checkpoint alone is older, or gone: that is an append that was interrupted. */
	shell(f, "cp log-20/checkpoint log/checkpoint");
	hm_log_close(open_log(w));
	shell(f, "cmp log/checkpoint log-40/checkpoint");
	shell(f, "rm log/checkpoint");
	hm_log_close(open_log(w));
	shell(f, "cmp log/checkpoint log-40/checkpoint");
	/* A torn line was never used. */
	shell(f, "printf '41 abc' >>key.signed");
	hm_log_close(open_log(w));
	shell(f, "cmp key.signed key.signed-40");
}

static void full_tiles_stay(void **state)
{
	struct world *w = *state;
	const char *f = w->folder.path;
	struct hm_log *log = open_log(w);
	struct hm_folder_check checked;
	struct hm_fail fail;

	assert_int_equal(append(log, 0, 200, &fail), 0);
	hm_log_close(log);
	shell(f, "cp -a log before && cp -a key.signed signed");
	/* A batch that was killed before its signature: all of its files, none of the rest. */
	log = open_log(w);
	assert_int_equal(append(log, 200, 100, &fail), 0);
	hm_log_close(log);
	shell(f, "cp before/checkpoint log/ && cp signed key.signed");
	log = open_log(w);
	assert_int_equal(hm_log_recovered(log), 56);
	assert_int_equal(hm_log_size(log), 256);
	assert_int_equal(append(log, 256, 10, &fail), 0);
	assert_int_equal(check(w, true, &checked, &fail), 0);
	hm_log_close(log);
	/* The same, but what it left is of another history. */
	shell(f, "rm -rf log && cp -a before log && cp signed key.signed && mkdir -p log/tile/0 && head -c 8192 /dev/zero >log/tile/0/000");
	log = open_log(w);
	assert_int_equal(append(log, 200, 100, &fail), HM_E_BAD);
	assert_non_null(strstr(fail.text, "never written over"));
	assert_int_equal(append(log, 200, 100, &fail), HM_E_SYSTEM); /* it is not gone on with */
	hm_log_close(log);
}

static void check_finds(void **state)
{
	static const struct {
		const char *change, *says;
	} rows[] = {
		{ "printf X | dd of=log/tile/0/000 conv=notrunc bs=1 seek=5000 status=none", "tile/0/000 is not what" },
		{ "printf X | dd of=log/tile/1/000.p/1 conv=notrunc bs=1 seek=5 status=none", "tile/1/000.p/1 is not what" },
		{ "printf X | dd of=log/tile/entries/000 conv=notrunc bs=1 seek=2 status=none", "signed at size 300" },
		{ "printf X >>log/tile/entries/001.p/44", "does not hold 44 entries" },
		{ "rm log/tile/0/001.p/44", "is missing" },
		{ "sed -i '$d' log/checkpoint", "note" },
		{ "sed -i '3s/ ./ B/' key.signed", "signed at size 300" },
	};
	struct world *w = *state;
	const char *f = w->folder.path;
	struct hm_log *log = open_log(w);
	struct hm_folder_check checked;
	struct hm_fail fail;

	assert_int_equal(append(log, 0, 200, &fail), 0);
	assert_int_equal(append(log, 200, 100, &fail), 0);
	hm_log_close(log);
	shell(f, "cp -a log good && cp -a key.signed signed");
	for (size_t i = 0; i < HM_COUNT(rows); i++) {
		shell(f, rows[i].change);
		assert_int_equal(check(w, true, &checked, &fail), HM_E_BAD);
		if (!strstr(fail.text, rows[i].says) && !strstr(fail.text, "signed at size 200"))
			fail_msg("after %s: %s", rows[i].change, fail.text);
		shell(f, "rm -rf log key.signed && cp -a good log && cp -a signed key.signed");
	}
	assert_int_equal(check(w, true, &checked, &fail), 0);
}

static void receipts_of_the_log(void **state)
{
	struct world *w = *state;
	struct hm_log *log = open_log(w);
	HM_CLEANUP(hm_policy_cleanup) struct hm_policy *policy = hm_policy_of(hm_log_key(log));
	HM_CLEANUP(hm_bytes_release) struct hm_bytes note = { 0 };
	HM_CLOSE int fd = hm_folder_open(w->log, NULL);
	struct hm_tile_source source = hm_folder_source(&fd);
	struct hm_fail fail;

	for (uint64_t size = 0; size < 1000; size += 250)
		assert_int_equal(append(log, size, 250, &fail), 0);
	assert_int_equal(hm_folder_checkpoint(source, &note, &fail), 0);
	for (uint64_t i = 0; i < 1000; i += 37) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
		HM_CLEANUP(hm_receipt_release) struct hm_receipt receipt = { .index = 0 };
		HM_FREE char *entry = hm_sprintf("%llu", (unsigned long long)i);
		struct hm_slice slice = hm_slice_text(entry);
		struct hm_policy_outcome outcome;
		struct hm_sha256 leaf;

		assert_int_equal(hm_folder_receipt(source, hm_slice_of(&note), i, HM_SLICE(""), &text, &fail), 0);
		assert_int_equal(hm_receipt_parse(&receipt, hm_slice_of(&text), &fail), 0);
		hm_merkle_leaf(&leaf, &slice, 1);
		assert_int_equal(hm_receipt_check(&outcome, &receipt, &leaf, policy, &fail), 0);
	}
	hm_log_close(log);
}

/* The log of transparency-dev/tessera, made again from its entries: all tiles of all sizes, byte for byte. */
static void foreign_log(void **state HM_UNUSED)
{
	struct hm_edge edge = { 0 };
	unsigned same = 0;

	for (unsigned size = 1; size <= 15; size++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes bundle = { 0 };
		HM_CLEANUP(hm_edge_files_release) struct hm_edge_files files = { .count = 0 };
		HM_FREE char *name = hm_sprintf("tlog-tiles/tile/entries/000.p/%u", size);
		struct hm_cursor c;

		if (!hm_vector(&bundle, name))
			skip();
		c = hm_cursor_of(hm_slice_of(&bundle));
		for (unsigned i = 1; i < size; i++)
			hm_tile_entry(&c);
		hm_edge_add(&edge, hm_tile_entry(&c), NULL);
		assert_true(hm_cursor_done(&c));
		hm_edge_partial(&edge, HM_EDGE_LEVELS, &files);
		for (size_t i = 0; i < files.count; i++) {
			HM_CLEANUP(hm_bytes_release) struct hm_bytes there = { 0 };
			char path[HM_TILE_PATH];
			HM_FREE char *vector = hm_sprintf("tlog-tiles/%s", hm_tile_path(path, files.file[i].tile));

			assert_true(hm_vector(&there, vector));
			same += hm_slice_eq(hm_slice_of(&there), hm_slice_of(&files.file[i].bytes));
		}
	}
	hm_edge_release(&edge);
	hm_vectors_agree("tlog-tiles, tiles and bundles made again byte for byte", same);
	assert_int_equal(same, 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(grows, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_writer, set_up, tear_down),
		cmocka_unit_test_setup_teardown(never_two_versions, set_up, tear_down),
		cmocka_unit_test_setup_teardown(full_tiles_stay, set_up, tear_down),
		cmocka_unit_test_setup_teardown(check_finds, set_up, tear_down),
		cmocka_unit_test_setup_teardown(receipts_of_the_log, set_up, tear_down),
		cmocka_unit_test(foreign_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
