/* Attestations that were stripped, added, exchanged or dressed up. */
#include "refuse.h"

static struct hm_slice part(const struct hm_parts *parts, const char *name)
{
	struct hm_slice content = { 0 };

	assert_true(hm_parts_get(parts, name, &content));
	return content;
}

static char *sigstore_name(struct hm_pubkey *key)
{
	return hm_attest_sigstore_name(hm_pubkey_id(key));
}

/* A parts list with these attestations in place of the valid ones, and the Sigstore bundles of both keys if asked for. */
static struct hm_parts *with_lines(struct hm_slice lines, bool second_sigstore, const struct hm_parts *second)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *copy = copy_without(valid, HM_ATTESTATIONS);
	struct hm_parts *parts = copy_with(copy, HM_ATTESTATIONS, lines);

	if (second_sigstore) {
		HM_FREE char *name = sigstore_name(others);

		assert_int_equal(hm_parts_borrow(parts, name, part(second, name), NULL), 0);
	}
	return parts;
}

static void wrong_key(void **state HM_UNUSED)
{
	struct hm_slice file = hm_slice_of(&valid_file);
	struct hm_pubkey *both[] = { others, trusted };
	struct hm_verify v;

	assert_int_equal(exit_of(file, others), 1);
	assert_int_equal(row_of(file, others, "signature"), HM_CHECK_FALSE);
	/* The right one among others is enough. */
	assert_int_equal(hm_verify_bundle(&v, file, both, 2, NULL, 0, NULL), 0);
	for (size_t i = 0; i < v.rows; i++)
		assert_int_not_equal(v.row[i].outcome, HM_CHECK_FALSE);
	hm_verify_release(&v);
}

static void signature_stripped(void **state HM_UNUSED)
{
	HM_FREE char *name = sigstore_name(trusted);
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *half = copy_without(valid, HM_ATTESTATIONS);
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *bare = copy_without(half, name), *other = copy_without(valid, name);
	HM_CLEANUP(hm_bytes_release) struct hm_bytes file = pack(bare);

	assert_int_equal(exit_of(hm_slice_of(&file), trusted), 1);
	assert_int_equal(exit_of(hm_slice_of(&file), NULL), 2); /* integrity only, and it says so */
	assert_int_equal(row_of(hm_slice_of(&file), NULL, "statement"), HM_CHECK_UNCHECKED);
	refused_parts(half, "Sigstore bundle without its envelope");
	refused_parts(other, "envelope without its Sigstore bundle");
}

static void second_envelope(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *second = copy_without(valid, NULL), *parts = NULL, *unsorted = NULL;
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *twice = NULL, *alone = NULL;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes lines = { 0 }, reversed = { 0 }, doubled = { 0 }, file = { 0 };
	struct hm_slice ours = part(valid, HM_ATTESTATIONS), theirs;
	bool first = strcmp(hm_pubkey_id(trusted), hm_pubkey_id(others)) < 0;

	sign_again(&second, forger);
	theirs = part(second, HM_ATTESTATIONS);
	hm_bytes_slice(&lines, first ? ours : theirs);
	hm_bytes_slice(&lines, first ? theirs : ours);
	hm_bytes_slice(&reversed, first ? theirs : ours);
	hm_bytes_slice(&reversed, first ? ours : theirs);
	hm_bytes_slice(&doubled, ours);
	hm_bytes_slice(&doubled, ours);
	/* A second signer is nothing wrong, but a key that was not given is a signature that was not checked. */
	parts = with_lines(hm_slice_of(&lines), true, second);
	file = pack(parts);
	assert_int_equal(exit_of(hm_slice_of(&file), trusted), 2);
	assert_int_not_equal(row_of(hm_slice_of(&file), trusted, "signature"), HM_CHECK_FALSE);
	unsorted = with_lines(hm_slice_of(&reversed), true, second);
	refused_parts(unsorted, "envelopes out of order");
	twice = with_lines(hm_slice_of(&doubled), false, NULL);
	refused_parts(twice, "the same envelope twice");
	alone = with_lines(hm_slice_of(&lines), false, NULL);
	refused_parts(alone, "second envelope without Sigstore bundle");
}

static void envelope_dressed_up(void **state HM_UNUSED)
{
	static const char *const from[] = { "application/vnd.in-toto+json", "{\"payload\"", "\"}]}\n", "\"}]}\n", "\"}]}\n", "\"keyid\"",
					    "\"}]}\n" };
	static const char *const to[] = { "application/vnd.in-toto.test-result+json", "{ \"payload\"", "\"}]}", "\"}]}\n\n", "\"}]}\r\n",
					  "\"x\":1,\"keyid\"", "\"},{\"keyid\":\"\",\"sig\":\"\"}]}\n" };
	struct hm_slice line = part(valid, HM_ATTESTATIONS);

	for (size_t i = 0; i < HM_COUNT(from); i++) {
		HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = NULL;
		HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
		const uint8_t *at = memmem(line.data, line.len, from[i], strlen(from[i]));

		assert_non_null(at);
		hm_bytes_append(&text, line.data, (size_t)(at - line.data));
		hm_bytes_text(&text, to[i]);
		hm_bytes_append(&text, at + strlen(from[i]), (size_t)(line.data + line.len - at) - strlen(from[i]));
		parts = with_lines(hm_slice_of(&text), false, NULL);
		refused_parts(parts, to[i]);
	}
	{
		HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = with_lines(HM_SLICE(""), false, NULL);

		refused_parts(parts, "no line");
	}
}

/* Signs `payload` as type `type` with the right key, and puts it where the attestation stands. */
static struct hm_parts *signed_as(const char *type, struct hm_slice payload, const char *keyid, bool raw)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes pae = { 0 }, signature = { 0 };
	HM_FREE char *name = sigstore_name(trusted);
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *half = copy_without(valid, HM_ATTESTATIONS);
	struct hm_parts *parts = copy_without(half, name);

	hm_dsse_pae(&pae, type, payload);
	assert_int_equal(hm_signer_sign(signer, hm_slice_of(&pae), &signature, NULL), 0);
	if (raw) { /* r and s of 32 bytes each instead of DER */
		uint8_t both[64] = { 0 };
		const uint8_t *p = signature.data + 2;

		for (size_t i = 0; i < 2; i++) {
			size_t len = p[1], zero = len > 32 ? len - 32 : 0;

			memcpy(both + 32 * i + (32 - (len - zero)), p + 2 + zero, len - zero);
			p += 2 + len;
		}
		signature.len = 0;
		hm_bytes_append(&signature, both, sizeof(both));
	}
	assert_int_equal(hm_attest_add(parts, payload, keyid, hm_slice_of(&signature), (struct hm_slice){ 0 }, NULL), 0);
	return parts;
}

static void signed_something_else(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes statement = { 0 }, spaced = { 0 };
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *good = NULL, *type = NULL, *other = NULL, *space = NULL, *raw = NULL, *id = NULL;

	assert_int_equal(hm_attest_statement(&statement, valid, NULL), 0);
	good = signed_as(HM_PAYLOAD_TYPE, hm_slice_of(&statement), hm_pubkey_id(trusted), false);
	{
		HM_CLEANUP(hm_bytes_release) struct hm_bytes file = pack(good);

		assert_int_equal(exit_of(hm_slice_of(&file), trusted), 2); /* the same as the valid one */
	}
	type = signed_as("application/vnd.in-toto.test-result+json", hm_slice_of(&statement), hm_pubkey_id(trusted), false);
	{
		HM_CLEANUP(hm_bytes_release) struct hm_bytes file = pack(type);

		assert_int_equal(exit_of(hm_slice_of(&file), trusted), 1);
	}
	other = signed_as(HM_PAYLOAD_TYPE, HM_SLICE("{\"_type\":\"https://in-toto.io/Statement/v1\"}"), hm_pubkey_id(trusted), false);
	refused_parts(other, "another statement, well signed");
	hm_bytes_slice(&spaced, hm_slice_of(&statement));
	hm_bytes_u8(&spaced, ' ');
	space = signed_as(HM_PAYLOAD_TYPE, hm_slice_of(&spaced), hm_pubkey_id(trusted), false);
	refused_parts(space, "the statement in another form, well signed");
	/* r and s as others write them are no other signature. */
	raw = signed_as(HM_PAYLOAD_TYPE, hm_slice_of(&statement), hm_pubkey_id(trusted), true);
	{
		HM_CLEANUP(hm_bytes_release) struct hm_bytes file = pack(raw);

		assert_int_equal(exit_of(hm_slice_of(&file), trusted), 2);
		assert_int_equal(row_of(hm_slice_of(&file), trusted, "signature"), HM_CHECK_HOLDS);
	}
	/* the right signature under another key's id: not by the key that was given */
	id = signed_as(HM_PAYLOAD_TYPE, hm_slice_of(&statement), hm_pubkey_id(others), false);
	{
		HM_CLEANUP(hm_bytes_release) struct hm_bytes file = pack(id);

		assert_int_equal(exit_of(hm_slice_of(&file), trusted), 1);
		assert_int_equal(exit_of(hm_slice_of(&file), others), 1);
	}
}

static void statement_of_another_bundle(void **state HM_UNUSED)
{
	/* Salts are random, so a second assessment has another core. */
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *second = valid_sealed(NULL, signer), *parts = NULL, *both = NULL;
	HM_FREE char *name = sigstore_name(trusted);

	parts = with_lines(part(second, HM_ATTESTATIONS), false, NULL);
	refused_parts(parts, "attestation of another bundle");
	both = copy_with(parts, name, part(second, name));
	refused_parts(both, "attestation and Sigstore bundle of another bundle");
}

static void required_claims(void **state HM_UNUSED)
{
	static const char *const nothing = "no.such.claim";
	HM_JSON json_t *document = NULL;
	json_t *claim;
	size_t i, judged = 0;
	struct hm_verify v;

	assert_int_equal(hm_verify_bundle(&v, hm_slice_of(&valid_file), &trusted, 1, &nothing, 1, NULL), 0);
	assert_int_equal(hm_verify_exit(&v), 1);
	hm_verify_release(&v);
	assert_int_equal(hm_json_parse(&document, part(valid, "findings.json"), "findings", NULL), 0);
	json_array_foreach(json_object_get(document, "claims"), i, claim) {
		const char *id = json_string_value(json_object_get(claim, "id"));
		bool upheld = strcmp(json_string_value(json_object_get(claim, "verdict")), "upheld") == 0;

		assert_int_equal(hm_verify_bundle(&v, hm_slice_of(&valid_file), &trusted, 1, &id, 1, NULL), 0);
		assert_int_equal(hm_verify_exit(&v), upheld ? 2 : 1);
		hm_verify_release(&v);
		judged++;
	}
	assert_true(judged > 0);
	json_array_foreach(json_object_get(document, "not_tested"), i, claim) {
		const char *id = json_string_value(json_object_get(claim, "id"));

		assert_int_equal(hm_verify_bundle(&v, hm_slice_of(&valid_file), &trusted, 1, &id, 1, NULL), 0);
		assert_int_equal(hm_verify_exit(&v), 1);
		hm_verify_release(&v);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_key),		cmocka_unit_test(signature_stripped),
		cmocka_unit_test(second_envelope),	cmocka_unit_test(envelope_dressed_up),
		cmocka_unit_test(signed_something_else), cmocka_unit_test(statement_of_another_bundle),
		cmocka_unit_test(required_claims),
	};

	return cmocka_run_group_tests(tests, refuse_set_up, refuse_tear_down);
}
