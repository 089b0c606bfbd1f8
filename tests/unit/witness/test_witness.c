#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "merkle.h"
#include "notary.h"
#include "text.h"
#include "witness.h"
#include "../../support/folder.h"

#define LEAVES 8

struct world {
	struct test_folder folder;
	struct hm_notary *log, *other;
	struct hm_policy *logs;
	struct hm_witness *witness;
	char *key, *database;
	struct hm_sha256 leaf[LEAVES], root[LEAVES + 1];
};

static struct hm_notary *make_key(struct world *w, const char *file, const char *name, uint8_t type)
{
	HM_FREE char *path = hm_sprintf("%s/%s", w->folder.path, file);
	struct hm_notary *key = NULL;

	assert_int_equal(hm_notary_generate(path, name, type, NULL), 0);
	assert_int_equal(hm_notary_load(&key, path, type, NULL), 0);
	return key;
}

static void open_witness(struct world *w)
{
	struct hm_fail fail;

	if (hm_witness_open(&w->witness, w->key, w->database, w->logs, &fail) < 0)
		fail_msg("%s", fail.text);
}

static int set_up(void **state)
{
	struct world *w = hm_alloc(1, sizeof(*w));
	struct hm_merkle tree = { 0 };

	test_folder_make(&w->folder);
	w->log = make_key(w, "log", "log.example", HM_KEY_LOG);
	w->other = make_key(w, "other", "log.example", HM_KEY_LOG);
	hm_notary_free(make_key(w, "witness", "witness.example", HM_KEY_WITNESS));
	w->key = hm_sprintf("%s/witness", w->folder.path);
	w->database = hm_sprintf("%s/db", w->folder.path);
	w->logs = hm_policy_of(hm_notary_key(w->log));
	hm_merkle_root(&tree, &w->root[0]);
	for (uint8_t i = 0; i < LEAVES; i++) {
		hm_merkle_leaf(&w->leaf[i], &(struct hm_slice){ &i, 1 }, 1);
		hm_merkle_append(&tree, &w->leaf[i]);
		hm_merkle_root(&tree, &w->root[i + 1]);
	}
	open_witness(w);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	hm_witness_close(w->witness);
	hm_policy_free(w->logs);
	hm_notary_free(w->log);
	hm_notary_free(w->other);
	test_folder_remove(&w->folder);
	free(w->key);
	free(w->database);
	free(w);
	return 0;
}

/* Asks with `proof` as hashes one behind the other; the answer's body goes to `said` unless NULL. */
static int ask(struct world *w, const struct hm_notary *by, const char *origin, unsigned old, unsigned size, const struct hm_sha256 *root,
	       const struct hm_sha256 *proof, size_t count, struct hm_bytes *said)
{
	HM_CLEANUP(hm_web_answer_release) struct hm_web_answer answer = { .status = 404 };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes body = { 0 }, text = { 0 };

	hm_bytes_printf(&body, "old %u\n", old);
	for (size_t i = 0; i < count; i++) {
		hm_text_base64(&body, (struct hm_slice){ proof[i].b, HM_SHA256_LEN });
		hm_bytes_u8(&body, '\n');
	}
	hm_bytes_u8(&body, '\n');
	hm_checkpoint_write(&text, origin, size, root);
	hm_bytes_slice(&body, hm_slice_of(&text));
	hm_bytes_u8(&body, '\n');
	assert_int_equal(hm_notary_sign(by, hm_slice_of(&text), 0, &body, NULL), 0);
	hm_witness_add(w->witness, hm_slice_of(&body), 1700000000 + size, &answer);
	if (said) {
		said->len = 0;
		hm_bytes_slice(said, hm_slice_of(&answer.body));
	}
	if (answer.status == 409)
		assert_string_equal(answer.type, "text/x.tlog.size");
	return answer.status;
}

/* What it answers is its signature, with that time, over that tree. */
static void check_cosigned(struct world *w, unsigned size, struct hm_slice line)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes note = { 0 };
	struct hm_note parsed;
	uint64_t time;

	hm_checkpoint_write(&note, "log.example", size, &w->root[size]);
	hm_bytes_u8(&note, '\n');
	hm_bytes_slice(&note, line);
	assert_int_equal(hm_note_parse(&parsed, hm_slice_of(&note), NULL), 0);
	assert_int_equal(hm_note_check(&parsed, hm_witness_key(w->witness), &time), HM_NOTE_GOOD);
	assert_int_equal(time, 1700000000 + size);
}

static void every_status(void **state)
{
	struct world *w = *state;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes said = { 0 };
	struct hm_sha256 proof[4], right;

	/* From 4 leaves to 6: the proof is the node over leaves 4 and 5. */
	hm_merkle_node(&right, &w->leaf[4], &w->leaf[5]);
	proof[0] = right;
	assert_int_equal(ask(w, w->log, "unknown.example", 0, 4, &w->root[4], NULL, 0, &said), 404);
	assert_int_equal(ask(w, w->other, "log.example", 0, 4, &w->root[4], NULL, 0, &said), 403);
	assert_int_equal(ask(w, w->log, "log.example", 5, 4, &w->root[4], NULL, 0, &said), 400);
	assert_int_equal(ask(w, w->log, "log.example", 3, 4, &w->root[4], NULL, 0, &said), 409);
	assert_true(hm_slice_eq(hm_slice_of(&said), HM_SLICE("0\n")));
	assert_int_equal(ask(w, w->log, "log.example", 0, 0, &w->root[4], NULL, 0, &said), 422);
	assert_int_equal(ask(w, w->log, "log.example", 0, 4, &w->root[4], proof, 1, &said), 422);
	assert_int_equal(ask(w, w->log, "log.example", 0, 0, &w->root[0], NULL, 0, &said), 200);
	assert_int_equal(ask(w, w->log, "log.example", 0, 4, &w->root[4], NULL, 0, &said), 200);
	check_cosigned(w, 4, hm_slice_of(&said));
	assert_int_equal(ask(w, w->log, "log.example", 4, 4, &w->root[4], NULL, 0, &said), 200);
	assert_int_equal(ask(w, w->log, "log.example", 4, 4, &w->root[5], NULL, 0, &said), 422);
	assert_int_equal(ask(w, w->log, "log.example", 0, 6, &w->root[6], NULL, 0, &said), 409);
	assert_true(hm_slice_eq(hm_slice_of(&said), HM_SLICE("4\n")));
	assert_int_equal(ask(w, w->log, "log.example", 4, 6, &w->root[6], NULL, 0, &said), 422);
	proof[0].b[0] ^= 1;
	assert_int_equal(ask(w, w->log, "log.example", 4, 6, &w->root[6], proof, 1, &said), 422);
	proof[0].b[0] ^= 1;
	assert_int_equal(ask(w, w->log, "log.example", 4, 6, &w->root[5], proof, 1, &said), 422);
	/* None of these moved it, and it outlives the process. */
	hm_witness_close(w->witness);
	open_witness(w);
	assert_int_equal(ask(w, w->log, "log.example", 4, 6, &w->root[6], proof, 1, &said), 200);
	check_cosigned(w, 6, hm_slice_of(&said));
	assert_int_equal(ask(w, w->log, "log.example", 4, 6, &w->root[6], proof, 1, &said), 409);
	assert_true(hm_slice_eq(hm_slice_of(&said), HM_SLICE("6\n")));
}

static void malformed(void **state)
{
	static const char *const wrong[] = { "", "old\n\n", "old 0\n", "old 00\n\n", "old 0\n\n", "old -1\n\nx\n", "old 0\nx\n\nx\n", "new 0\n\n",
					     "old 0\n\nlog.example\n1\nAA==\n\n\xe2\x80\x94 a AAAAAAA=\n" };
	struct world *w = *state;

	for (size_t i = 0; i < HM_COUNT(wrong); i++) {
		HM_CLEANUP(hm_web_answer_release) struct hm_web_answer answer = { .status = 404 };

		hm_witness_add(w->witness, hm_slice_text(wrong[i]), 1, &answer);
		assert_int_equal(answer.status, 400);
	}
}

/* A conversation of torchwood's litewitness (cmd/litewitness/testdata): its log's key and checkpoint. */
static void foreign_conversation(void **state)
{
	static const char origin[] = "sigsum.org/v1/tree/985ea163f5af026723561354f51f2ebcdcf2af809ce254ccfb64aa9aadd80f90";
	static const char body[] = "old 0\n\n"
				   "sigsum.org/v1/tree/985ea163f5af026723561354f51f2ebcdcf2af809ce254ccfb64aa9aadd80f90\n"
				   "1\nKgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n"
				   "\xe2\x80\x94 sigsum.org/v1/tree/985ea163f5af026723561354f51f2ebcdcf2af809ce254ccfb64aa9aadd80f90 "
				   "7BKT0gOfNZ1J0So9unY3BZtm2YkPIoNYM/dce0Z2avJDs8dxN6ts9bOSwwrVrbjm6P9K3ZxpK6jJngOG6YvGGzV/lwo=\n";
	HM_CLEANUP(hm_web_answer_release) struct hm_web_answer answer = { .status = 404 }, shown = { .status = 404 };
	struct world *w = *state;
	uint8_t key[32];
	struct hm_vkey log;
	struct hm_sha256 digest;
	struct hm_slice name = hm_slice_text(origin);
	char hex[65];
	HM_FREE char *path = NULL;
	struct hm_web_request request = { .post = false };

	assert_int_equal(hm_text_unhex(key, 32, HM_SLICE("52c05edad1bf5feffa81354faae59a655d9a9a1a793ed2f62c39c26c0be2aecd")), 0);
	assert_int_equal(hm_vkey_make(&log, name, HM_KEY_LOG, key, NULL), 0);
	hm_witness_close(w->witness);
	hm_policy_free(w->logs);
	w->logs = hm_policy_of(&log);
	open_witness(w);
	hm_witness_add(w->witness, hm_slice_text(body), 1, &answer);
	assert_int_equal(answer.status, 200);
	hm_sha256_slice(&digest, name);
	path = hm_sprintf("/%s/checkpoint", hm_text_hex_into(hex, (struct hm_slice){ digest.b, 32 }));
	request.path = path;
	hm_witness_answer(w->witness, &request, &shown);
	assert_int_equal(shown.status, 200);
	assert_true(shown.body.len == strlen(body) - 7 + answer.body.len);
	assert_memory_equal(shown.body.data, body + 7, strlen(body) - 7);
}

static void paths(void **state)
{
	static const struct {
		const char *path;
		bool post;
		int status;
	} rows[] = { { "/", false, 404 },	      { "/add-checkpoint", false, 405 }, { "/add-checkpoint", true, 400 }, { "/add-checkpoint/", true, 404 },
		     { "/checkpoint", false, 404 }, { "/0000000000000000000000000000000000000000000000000000000000000000/checkpoint", false, 404 } };

	for (size_t i = 0; i < HM_COUNT(rows); i++) {
		HM_CLEANUP(hm_web_answer_release) struct hm_web_answer answer = { .status = 404 };
		struct hm_web_request request = { .post = rows[i].post, .path = rows[i].path };

		hm_witness_answer(((struct world *)*state)->witness, &request, &answer);
		assert_int_equal(answer.status, rows[i].status);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_status, set_up, tear_down), cmocka_unit_test_setup_teardown(malformed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(foreign_conversation, set_up, tear_down), cmocka_unit_test_setup_teardown(paths, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
