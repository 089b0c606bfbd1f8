#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "merkle.h"
#include "notary.h"
#include "receipt.h"
#include "../../support/folder.h"

/* A log and three witnesses with keys of their own. */
struct world {
	struct test_folder folder;
	struct hm_notary *log, *witness[3], *other;
	char *vkey[5];
};

static struct hm_notary *make_key(struct world *w, const char *name, uint8_t type, char **vkey)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	HM_FREE char *path = hm_sprintf("%s/%s", w->folder.path, name);
	struct hm_notary *key = NULL;

	assert_int_equal(hm_notary_generate(path, name, type, NULL), 0);
	assert_int_equal(hm_notary_load(&key, path, type, NULL), 0);
	hm_vkey_write(&text, hm_notary_key(key));
	*vkey = hm_slice_dup(hm_slice_of(&text));
	return key;
}

static int set_up(void **state)
{
	struct world *w = hm_alloc(1, sizeof(*w));

	test_folder_make(&w->folder);
	w->log = make_key(w, "log.example", HM_KEY_LOG, &w->vkey[0]);
	w->witness[0] = make_key(w, "w1.example", HM_KEY_WITNESS, &w->vkey[1]);
	w->witness[1] = make_key(w, "w2.example", HM_KEY_WITNESS, &w->vkey[2]);
	w->witness[2] = make_key(w, "w3.example", HM_KEY_WITNESS, &w->vkey[3]);
	w->other = make_key(w, "other.example", HM_KEY_LOG, &w->vkey[4]);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	hm_notary_free(w->log);
	hm_notary_free(w->other);
	for (size_t i = 0; i < 3; i++)
		hm_notary_free(w->witness[i]);
	for (size_t i = 0; i < 5; i++)
		free(w->vkey[i]);
	test_folder_remove(&w->folder);
	free(w);
	return 0;
}

/* %0 to %4 in a policy stand for the keys. */
static int parse(struct hm_policy **policy, const struct world *w, const char *text, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };

	for (; *text; text++) {
		if (*text == '%' && text[1] >= '0' && text[1] <= '4')
			hm_bytes_text(&out, w->vkey[*++text - '0']);
		else
			hm_bytes_u8(&out, (uint8_t)*text);
	}
	return hm_policy_parse(policy, hm_slice_of(&out), fail);
}

/* A note with the log's signature and those of the witnesses whose bits are set. */
static void make_note(struct hm_bytes *note, const struct world *w, struct hm_slice text, unsigned witnesses)
{
	hm_bytes_slice(note, text);
	hm_bytes_u8(note, '\n');
	assert_int_equal(hm_notary_sign(w->log, text, 0, note, NULL), 0);
	for (unsigned i = 0; i < 3; i++)
		if (witnesses >> i & 1)
			assert_int_equal(hm_notary_sign(w->witness[i], text, 1000 + i, note, NULL), 0);
}

static const char text[] = "log.example\n1\n6FMs4YZ2wQ1ZRnaSV37xZu14V3HDA1p9b28/pWI9LvQ=\n";
#define PARTIES "log %0 https://log.example/\nwitness a %1\n\twitness b %2 http://w2 \n # words\n\nwitness c %3\n"

static void quorums(void **state)
{
	static const struct {
		const char *policy;
		unsigned enough; /* bit n: the set n of witnesses is a quorum */
	} rows[] = {
		{ PARTIES "quorum none\n", 0xff },
		{ PARTIES "quorum a\n", 0xaa },
		{ PARTIES "group g any a b c\nquorum g\n", 0xfe },
		{ PARTIES "group g all a b c\nquorum g\n", 0x80 },
		{ PARTIES "group g 2 a b c\nquorum g\n", 0xe8 },
		{ PARTIES "group g 1 a b\ngroup h all g c\nquorum h\n", 0xe0 },
		{ PARTIES "group g 1 a\nquorum g\n", 0xaa },
	};

	for (size_t i = 0; i < HM_COUNT(rows); i++) {
		HM_CLEANUP(hm_policy_cleanup) struct hm_policy *policy = NULL;

		assert_int_equal(parse(&policy, *state, rows[i].policy, NULL), 0);
		for (unsigned set = 0; set < 8; set++) {
			HM_CLEANUP(hm_bytes_release) struct hm_bytes note = { 0 };
			struct hm_policy_outcome outcome;

			make_note(&note, *state, hm_slice_text(text), set);
			assert_int_equal(hm_policy_check(&outcome, policy, hm_slice_of(&note), NULL), 0);
			assert_int_equal(outcome.quorum, rows[i].enough >> set & 1);
			assert_int_equal(outcome.witnesses, __builtin_popcount(set));
			assert_int_equal(outcome.demands, i != 0);
			if (set & 2)
				assert_int_equal(outcome.time[set & 1], 1001);
		}
	}
}

static void policies_that_are_none(void **state)
{
	static const char *const wrong[] = {
		"", "log %0\n", "log %0\nquorum none", "log\nquorum none\n", "log %0 u v\nquorum none\n", "log %1\nquorum none\n",
		"witness a %0\nquorum none\n", "log %0\nlog %0\nquorum none\n", "witness a %1\nwitness b %1\nquorum none\n",
		"witness a %1\nwitness a %2\nquorum none\n", "witness none %1\nquorum none\n", "quorum none\nquorum none\n", "quorum a\n",
		"quorum a\nwitness a %1\n", "quorum\n", "quorum a b\n", PARTIES "group g any\nquorum g\n", PARTIES "group g 0 a\nquorum g\n",
		PARTIES "group g 2 a\nquorum g\n", PARTIES "group g 01 a\nquorum g\n", PARTIES "group g some a\nquorum g\n",
		PARTIES "group g any a a\nquorum g\n", PARTIES "group g any a\ngroup h any a\nquorum h\n", PARTIES "group g any none\nquorum g\n",
		PARTIES "group g any x\nquorum g\n", PARTIES "group a any b\nquorum a\n", PARTIES "group g any g\nquorum g\n", "lag %0\nquorum none\n",
		"log %0\r\nquorum none\n", "log x+00000000+AA==\nquorum none\n",
	};

	for (size_t i = 0; i < HM_COUNT(wrong); i++) {
		HM_CLEANUP(hm_policy_cleanup) struct hm_policy *policy = NULL;
		struct hm_fail fail;

		if (parse(&policy, *state, wrong[i], &fail) != HM_E_BAD)
			fail_msg("taken: %s", wrong[i]);
		assert_int_equal(strncmp(fail.text, "log policy: ", 12), 0);
	}
}

static void checkpoints_that_are_refused(void **state)
{
	struct world *w = *state;
	HM_CLEANUP(hm_policy_cleanup) struct hm_policy *policy = NULL, *two = NULL;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes note = { 0 }, foreign = { 0 }, extended = { 0 }, borrowed = { 0 };
	struct hm_policy_outcome o;
	struct hm_fail fail;

	assert_int_equal(parse(&policy, w, PARTIES "group g 2 a b c\nquorum g\n", NULL), 0);
	assert_int_equal(parse(&two, w, "log %0\nlog %4\nquorum none\n", NULL), 0);
	make_note(&note, w, hm_slice_text(text), 7);
	/* Each bit of it: refused, or a signature that is nobody's now. */
	for (size_t bit = 0; bit < note.len * 8; bit++) {
		note.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (hm_policy_check(&o, policy, hm_slice_of(&note), &fail) == 0)
			assert_true(o.witnesses == 2 && bit / 8 > sizeof(text));
		note.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	/* Signed by a log that is listed, under the origin of another that is listed. */
	hm_bytes_text(&borrowed, text);
	hm_bytes_u8(&borrowed, '\n');
	assert_int_equal(hm_notary_sign(w->other, HM_SLICE(text), 0, &borrowed, NULL), 0);
	assert_int_equal(hm_policy_check(&o, two, hm_slice_of(&borrowed), &fail), HM_E_BAD);
	assert_int_equal(hm_policy_check(&o, policy, hm_slice_of(&borrowed), &fail), HM_E_BAD);
	make_note(&foreign, w, HM_SLICE("other.example\n1\n6FMs4YZ2wQ1ZRnaSV37xZu14V3HDA1p9b28/pWI9LvQ=\n"), 7);
	assert_int_equal(hm_policy_check(&o, two, hm_slice_of(&foreign), &fail), HM_E_BAD);
	make_note(&extended, w, HM_SLICE("log.example\n1\n6FMs4YZ2wQ1ZRnaSV37xZu14V3HDA1p9b28/pWI9LvQ=\nmore\n"), 7);
	assert_int_equal(hm_policy_check(&o, policy, hm_slice_of(&extended), &fail), HM_E_BAD);
}

/* A tree of three leaves. */
static void receipts(void **state)
{
	struct world *w = *state;
	HM_CLEANUP(hm_policy_cleanup) struct hm_policy *policy = NULL;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes head = { 0 }, note = { 0 }, out = { 0 };
	HM_CLEANUP(hm_receipt_release) struct hm_receipt receipt = { .index = 2, .count = 1 }, again = { 0 };
	struct hm_policy_outcome o;
	struct hm_merkle tree = { 0 };
	struct hm_sha256 leaf[3], root;
	struct hm_fail fail;

	for (uint8_t i = 0; i < 3; i++) {
		hm_merkle_leaf(&leaf[i], &(struct hm_slice){ &i, 1 }, 1);
		hm_merkle_append(&tree, &leaf[i]);
	}
	hm_merkle_root(&tree, &root);
	hm_merkle_node(&receipt.proof[0], &leaf[0], &leaf[1]);
	hm_checkpoint_write(&head, "log.example", 3, &root);
	make_note(&note, w, hm_slice_of(&head), 3);
	receipt.checkpoint = hm_slice_of(&note);
	hm_bytes_text(&receipt.extra, "more");
	hm_receipt_write(&out, &receipt);
	assert_int_equal(parse(&policy, w, PARTIES "group g 2 a b c\nquorum g\n", NULL), 0);
	assert_int_equal(hm_receipt_parse(&again, hm_slice_of(&out), &fail), 0);
	assert_int_equal(hm_receipt_check(&o, &again, &leaf[2], policy, &fail), 0);
	assert_true(o.quorum && o.witnesses == 2 && again.extra.len == 4);
	assert_int_equal(hm_receipt_check(&o, &again, &leaf[1], policy, &fail), HM_E_BAD);
	for (size_t bit = 0; bit < out.len * 8; bit++) {
		HM_CLEANUP(hm_receipt_release) struct hm_receipt other = { 0 };

		out.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (hm_receipt_parse(&other, hm_slice_of(&out), &fail) == 0 && hm_receipt_check(&o, &other, &leaf[2], policy, &fail) == 0 && o.quorum)
			assert_false(hm_slice_eq(hm_slice_of(&other.extra), hm_slice_of(&again.extra))); /* nobody signed that line */
		out.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t len = 0; len < out.len; len++) {
		HM_CLEANUP(hm_receipt_release) struct hm_receipt other = { 0 };

		if (hm_receipt_parse(&other, (struct hm_slice){ out.data, len }, &fail) == 0) /* a whole cosignature is missing */
			assert_true(hm_receipt_check(&o, &other, &leaf[2], policy, &fail) < 0 || !o.quorum);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quorums),
		cmocka_unit_test(policies_that_are_none),
		cmocka_unit_test(checkpoints_that_are_refused),
		cmocka_unit_test(receipts),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
