/* Receipts of logs that were exchanged, forged, made too late, or that nobody else has seen. */
#include "refuse.h"

#include "entry.h"
#include "merkle.h"
#include "notary.h"
#include "verify_log.h"

/* What a bundle's log material is made of. */
struct made {
	bool no_plan, no_attestation;
	unsigned witnesses;	  /* bits: who cosigned */
	uint64_t planned, logged; /* when */
	bool plan_late;		  /* the plan is cosigned with the attestation only */
	const struct hm_signer *plan_by;
	struct hm_slice plan; /* another than the bundle's */
	bool other_log;
};

static struct hm_notary *log_key, *other_log, *witness[2];
static char *policy_text;

static struct hm_notary *note_key(const char *folder, const char *file, const char *name, uint8_t type)
{
	HM_FREE char *path = hm_sprintf("%s/%s", folder, file);
	struct hm_notary *key = NULL;

	assert_int_equal(hm_notary_generate(path, name, type, NULL), 0);
	assert_int_equal(hm_notary_load(&key, path, type, NULL), 0);
	return key;
}

static char *vkey(const struct hm_notary *key)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };

	hm_vkey_write(&text, hm_notary_key(key));
	return hm_slice_dup(hm_slice_of(&text));
}

static int set_up(void **state)
{
	char folder[] = "/tmp/hm-refuse-XXXXXX";
	HM_FREE char *log = NULL, *first = NULL, *second = NULL;

	assert_non_null(mkdtemp(folder));
	log_key = note_key(folder, "log", "log.example", HM_KEY_LOG);
	other_log = note_key(folder, "other", "log.example", HM_KEY_LOG);
	witness[0] = note_key(folder, "w1", "w1.example", HM_KEY_WITNESS);
	witness[1] = note_key(folder, "w2", "w2.example", HM_KEY_WITNESS);
	assert_int_equal(hm_fs_remove_tree(folder, NULL), 0);
	log = vkey(log_key);
	first = vkey(witness[0]);
	second = vkey(witness[1]);
	policy_text = hm_sprintf("log %s\nwitness a %s\nwitness b %s\ngroup both all a b\nquorum both\n", log, first, second);
	return refuse_set_up(state);
}

static int tear_down(void **state)
{
	hm_notary_free(log_key);
	hm_notary_free(other_log);
	hm_notary_free(witness[0]);
	hm_notary_free(witness[1]);
	free(policy_text);
	return refuse_tear_down(state);
}

static void put_note(struct hm_bytes *note, const struct made *m, uint64_t size, const struct hm_sha256 *root, uint64_t time)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };

	hm_checkpoint_write(&text, "log.example", size, root);
	hm_bytes_slice(note, hm_slice_of(&text));
	hm_bytes_u8(note, '\n');
	assert_int_equal(hm_notary_sign(m->other_log ? other_log : log_key, hm_slice_of(&text), 0, note, NULL), 0);
	for (unsigned i = 0; i < 2; i++)
		if (m->witnesses >> i & 1)
			assert_int_equal(hm_notary_sign(witness[i], hm_slice_of(&text), time + i, note, NULL), 0);
}

static struct hm_sha256 leaf_of(struct hm_slice entry)
{
	struct hm_sha256 leaf;

	hm_merkle_leaf(&leaf, &entry, 1);
	return leaf;
}

static void sign_pae(struct hm_bytes *signature, const struct hm_signer *by, const char *type, struct hm_slice payload)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes pae = { 0 };

	hm_dsse_pae(&pae, type, payload);
	assert_int_equal(hm_signer_sign(by, hm_slice_of(&pae), signature, NULL), 0);
}

/* The entry of the plan and what its receipt's `extra` is. */
static void plan_entry(struct hm_bytes *entry, struct hm_bytes *extra, const struct made *m)
{
	const struct hm_signer *by = m->plan_by ? m->plan_by : signer;
	HM_CLEANUP(hm_pubkey_cleanup) struct hm_pubkey *key = valid_pubkey(by);
	HM_CLEANUP(hm_bytes_release) struct hm_bytes signature = { 0 };
	struct hm_slice plan = m->plan;

	if (!plan.len)
		assert_true(hm_parts_get(valid, "plan.json", &plan));
	sign_pae(&signature, by, HM_PLAN_TYPE, plan);
	hm_entry_plan(entry, plan, hm_slice_of(&signature), hm_pubkey_spki(key));
	hm_bytes_slice(extra, hm_pubkey_spki(key));
	hm_bytes_slice(extra, hm_slice_of(&signature));
}

/* The valid bundle with that material: a log of the plan and the attestation. */
static struct hm_parts *logged(const struct made *m)
{
	HM_FREE char *sigstore = hm_attest_sigstore_name(hm_pubkey_id(trusted));
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *half = copy_without(valid, HM_ATTESTATIONS);
	struct hm_parts *parts = copy_without(half, sigstore);
	HM_CLEANUP(hm_bytes_release) struct hm_bytes statement = { 0 }, signature = { 0 }, entry = { 0 }, plan = { 0 }, note = { 0 }, receipt = { 0 },
						     plan_note = { 0 };
	struct hm_bytes plan_receipt = { 0 };
	struct hm_receipt r = { .index = 1, .count = 1 }, p = { .index = 0 };
	struct hm_sha256 leaf, root;

	assert_int_equal(hm_attest_statement(&statement, parts, NULL), 0);
	sign_pae(&signature, signer, HM_PAYLOAD_TYPE, hm_slice_of(&statement));
	hm_entry_attestation(&entry, hm_slice_of(&statement), hm_slice_of(&signature), hm_pubkey_spki(trusted));
	plan_entry(&plan, &p.extra, m);
	leaf = leaf_of(hm_slice_of(&entry));
	r.proof[0] = leaf_of(hm_slice_of(&plan));
	hm_merkle_node(&root, &r.proof[0], &leaf);
	put_note(&note, m, 2, &root, m->logged);
	r.checkpoint = hm_slice_of(&note);
	hm_bytes_slice(&r.extra, hm_pubkey_spki(trusted));
	hm_receipt_write(&receipt, &r);
	if (m->plan_late) {
		p.proof[p.count++] = leaf;
		p.checkpoint = r.checkpoint;
	} else {
		put_note(&plan_note, m, 1, &r.proof[0], m->planned);
		p.checkpoint = hm_slice_of(&plan_note);
	}
	hm_receipt_write(&plan_receipt, &p);
	if (m->no_attestation)
		receipt.len = 0;
	assert_int_equal(hm_attest_add(parts, hm_slice_of(&statement), hm_pubkey_id(trusted), hm_slice_of(&signature), hm_slice_of(&receipt), NULL), 0);
	if (!m->no_plan)
		assert_int_equal(hm_parts_take(parts, HM_PLAN_RECEIPT, &plan_receipt, NULL), 0);
	hm_bytes_release(&plan_receipt);
	hm_receipt_release(&r);
	hm_receipt_release(&p);
	return parts;
}

/* Exit code with key and policy; a word that a false row must have goes by `says` unless NULL. */
static int exit_with(struct hm_slice file, const char *policy_of, const char *says)
{
	HM_CLEANUP(hm_policy_cleanup) struct hm_policy *policy = NULL;
	struct hm_verify v;
	bool said = !says;
	int code;

	assert_int_equal(hm_policy_parse(&policy, hm_slice_text(policy_of), NULL), 0);
	assert_int_equal(hm_verify_bundle(&v, file, &trusted, 1, NULL, 0, NULL), 0);
	hm_verify_log(&v, policy);
	code = hm_verify_exit(&v);
	for (size_t i = 0; i < v.rows; i++) {
		said |= says && strstr(v.row[i].detail, says);
		if (getenv("HALLMARK_SHOW"))
			printf("#   %d %s: %s\n", (int)v.row[i].outcome, v.row[i].name, v.row[i].detail);
	}
	if (!said)
		fail_msg("nothing says: %s", says);
	hm_verify_release(&v);
	return code;
}

/* The runs of the valid bundle take less than the 1,000 s between these. */
#define GOOD .witnesses = 3, .planned = 1700000000, .logged = 1700001000

static void holds(void **state HM_UNUSED)
{
	struct made made = { GOOD }, lone = { GOOD };
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = logged(&made);
	HM_CLEANUP(hm_bytes_release) struct hm_bytes file = pack(parts), alone = { 0 };
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *without = NULL;
	HM_FREE char *log = vkey(log_key), *none = hm_sprintf("log %s\nquorum none\n", log);
	int bare = exit_of(hm_slice_of(&valid_file), trusted);

	assert_int_equal(row_of(hm_slice_of(&file), trusted, "log"), HM_CHECK_UNCHECKED);
	assert_int_equal(row_of(hm_slice_of(&file), NULL, "sigstore"), HM_CHECK_HOLDS);
	assert_int_equal(bare, 2);
	assert_int_not_equal(exit_with(hm_slice_of(&file), policy_text, "the attestation 999 s later"), 1);
	/* Whoever asks for no witness is told what that does not show. */
	assert_int_not_equal(exit_with(hm_slice_of(&file), none, "nothing shows that others see the same log"), 1);
	lone.no_plan = true;
	without = logged(&lone);
	alone = pack(without);
	assert_int_equal(exit_with(hm_slice_of(&alone), policy_text, "nothing shows that this was the only attempt"), 2);
	assert_int_equal(exit_with(hm_slice_of(&valid_file), policy_text, "no attestation of this bundle was logged"), 1);
}

static void false_material(void **state HM_UNUSED)
{
	const struct {
		struct made made;
		bool alone; /* refused without a policy too */
		const char *says;
	} rows[] = {
		{ { .witnesses = 1, .planned = 1, .logged = 2 }, false, "the quorum of the policy has not cosigned" },
		{ { .witnesses = 0 }, false, "the quorum of the policy has not cosigned" },
		{ { GOOD, .other_log = true }, false, "not signed by a log of the policy" },
		{ { GOOD, .no_attestation = true }, false, "no attestation of this bundle was logged" },
		{ { GOOD, .plan_late = true }, false, "the plan was not logged before the runs" },
		{ { .witnesses = 3, .planned = 1700001000, .logged = 1700000000 }, false, "the plan was not logged before them" },
		{ { GOOD, .plan_by = forger }, true, "signed the plan, and not this bundle" },
		{ { GOOD, .plan = HM_SLICE("{}") }, true, "not a key and its signature over plan.json" },
	};

	for (size_t i = 0; i < HM_COUNT(rows); i++) {
		HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = logged(&rows[i].made);
		HM_CLEANUP(hm_bytes_release) struct hm_bytes file = pack(parts);

		assert_int_equal(exit_with(hm_slice_of(&file), policy_text, rows[i].says), 1);
		assert_int_equal(exit_of(hm_slice_of(&file), trusted) == 1, rows[i].alone);
	}
}

/* Each bit of both receipts, and each of their ends. */
static void altered_receipts(void **state HM_UNUSED)
{
	struct made made = { GOOD };
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = logged(&made);
	HM_FREE char *name = hm_attest_receipt_name(hm_pubkey_id(trusted));
	const char *const names[] = { name, HM_PLAN_RECEIPT };

	for (size_t k = 0; k < HM_COUNT(names); k++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes copy = { 0 };
		HM_CLEANUP(hm_parts_cleanup) struct hm_parts *altered = NULL;
		struct hm_slice receipt;

		assert_true(hm_parts_get(parts, names[k], &receipt));
		hm_bytes_slice(&copy, receipt);
		altered = copy_with(parts, names[k], hm_slice_of(&copy));
		for (size_t bit = 0; bit < copy.len * 8; bit += 7) {
			HM_CLEANUP(hm_bytes_release) struct hm_bytes file = { 0 };

			copy.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
			file = pack(altered);
			assert_int_equal(exit_with(hm_slice_of(&file), policy_text, NULL), 1);
			copy.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
	}
}

static void stray_receipts(void **state HM_UNUSED)
{
	struct made made = { GOOD };
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = logged(&made), *stray = NULL, *stripped = NULL, *bare = NULL;
	HM_FREE char *name = hm_attest_receipt_name(hm_pubkey_id(trusted)), *other = hm_attest_receipt_name(hm_pubkey_id(others));
	struct hm_slice receipt;

	assert_true(hm_parts_get(parts, name, &receipt));
	stray = copy_with(parts, other, receipt);
	refused_parts(stray, "a receipt without an envelope");
	bare = copy_with(valid, name, receipt);
	refused_parts(bare, "a receipt that the Sigstore bundle does not have");
	stripped = copy_without(parts, name);
	refused_parts(stripped, "a Sigstore bundle whose receipt is gone");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holds),
		cmocka_unit_test(false_material),
		cmocka_unit_test(altered_receipts),
		cmocka_unit_test(stray_receipts),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
