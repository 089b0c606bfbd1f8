/* Redacted bundles: what is left verifies under the same id and signatures; whoever redacts can put nothing else in, and what is withheld counts as
 * no recomputed claim. */
#include "redaction.h"
#include "refuse.h"

#define RECORD "runs/0001/record.cbor.zst"
#define PACKETS "runs/0001/packets.pcapng"
#define SALTS "runs/0001/packets.salts"

static const struct hm_redact all_packets = { .what = HM_REDACT_PACKETS, .run_from = 1, .run_to = 1, .to = UINT64_MAX };
static const struct hm_redact middle = { .what = HM_REDACT_RECORDS, .run_from = 1, .run_to = 1, .from = 3, .to = 4 };

static struct hm_parts *redacted(const struct hm_parts *from, const struct hm_redact *wish)
{
	struct hm_parts *parts = NULL;
	struct hm_fail fail = { 0 };
	uint64_t blocks;

	if (hm_redact(&parts, &blocks, from, wish, 1, &fail) < 0)
		fail_msg("%s", fail.text);
	assert_non_null(parts);
	assert_true(blocks > 0);
	return parts;
}

static struct hm_verify verified(struct hm_bytes *file, const struct hm_parts *parts, struct hm_pubkey *key, const char *require)
{
	struct hm_verify v;

	*file = pack(parts);
	keep(hm_slice_of(file));
	assert_int_equal(hm_verify_bundle(&v, hm_slice_of(file), &key, key ? 1 : 0, &require, require ? 1 : 0, NULL), 0);
	if (getenv("HALLMARK_SHOW"))
		for (size_t i = 0; i < v.rows; i++)
			printf("#   %d %s: %s\n", (int)v.row[i].outcome, v.row[i].name, v.row[i].detail);
	return v;
}

/* The status of a claim. */
static void status_is(const struct hm_verify *v, const char *id, const char *status)
{
	HM_JSON json_t *claims = NULL;
	const json_t *row;
	size_t i;

	assert_int_equal(hm_json_parse(&claims, hm_slice_of(&v->claims), "claims", NULL), 0);
	json_array_foreach (claims, i, row)
		if (strcmp(json_string_value(json_object_get(row, "id")), id) == 0) {
			assert_string_equal(json_string_value(json_object_get(row, "status")), status);
			return;
		}
	fail_msg("no row for %s", id);
}

static int outcome_of(const struct hm_verify *v, const char *name)
{
	for (size_t i = 0; i < v->rows; i++)
		if (strcmp(v->row[i].name, name) == 0)
			return (int)v->row[i].outcome;
	return -1;
}

static void packets_are_withheld(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = redacted(valid, &all_packets);
	HM_CLEANUP(hm_bytes_release) struct hm_bytes file = { 0 };
	HM_CLEANUP(hm_verify_release) struct hm_verify v = verified(&file, parts, trusted, NULL);
	struct hm_sha256 id;
	char hex[65];

	assert_int_equal(hm_bundle_id(&id, valid, NULL), 0);
	assert_string_equal(v.bundle_id, hm_text_hex_into(hex, (struct hm_slice){ id.b, 32 }));
	assert_int_equal(hm_verify_exit(&v), 2);
	assert_int_equal(outcome_of(&v, "redaction"), HM_CHECK_HOLDS);
	assert_int_equal(outcome_of(&v, "signature"), HM_CHECK_HOLDS);
	assert_int_equal(outcome_of(&v, "findings"), HM_CHECK_UNCHECKED);
	assert_int_equal(v.findings.len, 0);
	status_is(&v, "collect.content", "evidence withheld");
	status_is(&v, "capable.load", "recomputed");
	status_is(&v, "identity.package", "recomputed");
}

static void what_is_withheld_is_gone(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = redacted(valid, &all_packets);
	struct hm_slice packets = { 0 }, salts = { 0 };
	static const uint8_t zero[16];

	assert_true(hm_parts_get(parts, PACKETS, &packets) && hm_parts_get(parts, SALTS, &salts));
	assert_null(memmem(packets.data, packets.len, "hello from the", 14));
	assert_memory_equal(salts.data + 32, zero, 16);
	assert_memory_not_equal(salts.data, zero, 16);
}

static void a_record_is_withheld(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = redacted(valid, &middle);
	HM_CLEANUP(hm_bytes_release) struct hm_bytes file = { 0 };
	HM_CLEANUP(hm_verify_release) struct hm_verify v = verified(&file, parts, trusted, NULL);

	assert_int_equal(hm_verify_exit(&v), 2);
	assert_int_equal(outcome_of(&v, "core"), HM_CHECK_HOLDS);
	assert_int_equal(outcome_of(&v, "records"), HM_CHECK_HOLDS);
	status_is(&v, "capable.reach", "evidence withheld");
	status_is(&v, "identity.package", "recomputed");
}

static void its_beginning_too(void **state HM_UNUSED)
{
	static const struct hm_redact first = { .what = HM_REDACT_RECORDS, .run_from = 1, .run_to = 2, .from = 0, .to = 0 };
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = redacted(valid, &first);
	HM_CLEANUP(hm_bytes_release) struct hm_bytes file = { 0 };
	HM_CLEANUP(hm_verify_release) struct hm_verify v = verified(&file, parts, trusted, NULL);

	assert_int_equal(hm_verify_exit(&v), 2);
	assert_int_equal(outcome_of(&v, "records"), HM_CHECK_UNCHECKED);
}

/* A copy that borrows nothing. */
static struct hm_parts *owned(const struct hm_parts *from)
{
	struct hm_parts *out = hm_parts_new();

	for (size_t i = 0; i < hm_parts_count(from); i++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes own = { 0 };
		struct hm_slice there;
		const char *name = hm_parts_at(from, i, &there);

		hm_bytes_slice(&own, there);
		assert_int_equal(hm_parts_take(out, name, &own, NULL), 0);
	}
	return out;
}

#define SECRET "CLIENT_RANDOM 00 11\n"

/* The valid bundle, but for a block of TLS secrets before the packet. */
static struct hm_parts *with_secrets(void)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *plain = valid_parts(NULL), *half = copy_without(plain, PACKETS), *parts = copy_without(half, SALTS);
	HM_CLEANUP(hm_bytes_release) struct hm_bytes packets = { 0 }, salts = { 0 };
	struct hm_parts *out;
	struct hm_slice old = { 0 };

	assert_true(hm_parts_get(plain, PACKETS, &old));
	hm_bytes_append(&packets, old.data, 60);
	hm_pcapng_secrets(&packets, HM_SLICE(SECRET));
	hm_bytes_append(&packets, old.data + 60, old.len - 60);
	for (size_t i = 0; i < 64; i++)
		hm_bytes_u8(&salts, (uint8_t)(i + 1));
	assert_int_equal(hm_parts_take(parts, PACKETS, &packets, NULL), 0);
	assert_int_equal(hm_parts_take(parts, SALTS, &salts, NULL), 0);
	out = owned(parts);
	assert_int_equal(hm_bundle_seal(out, NULL), 0);
	valid_sign(out, signer);
	return out;
}

static void secrets_are_withheld(void **state HM_UNUSED)
{
	static const struct hm_redact secrets = { .what = HM_REDACT_SECRETS, .run_from = 1, .run_to = UINT32_MAX, .to = UINT64_MAX };
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *whole = with_secrets(), *parts = redacted(whole, &secrets);
	HM_CLEANUP(hm_bytes_release) struct hm_bytes file = { 0 };
	HM_CLEANUP(hm_verify_release) struct hm_verify v = verified(&file, parts, trusted, NULL);
	struct hm_slice packets = { 0 }, list = { 0 };

	assert_int_equal(hm_verify_exit(&v), 2);
	assert_int_equal(outcome_of(&v, "signature"), HM_CHECK_HOLDS);
	status_is(&v, "collect.content", "evidence withheld");
	status_is(&v, "capable.load", "recomputed");
	assert_true(hm_parts_get(parts, PACKETS, &packets) && hm_parts_get(parts, HM_REDACTION, &list));
	assert_null(memmem(packets.data, packets.len, SECRET, strlen(SECRET)));
	assert_non_null(memmem(packets.data, packets.len, "hello from the", 14));
	assert_non_null(memmem(list.data, list.len, "\"what\":\"secrets\"", 16));
}

static void twice(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *once = redacted(valid, &all_packets), *parts = redacted(once, &middle);
	HM_CLEANUP(hm_bytes_release) struct hm_bytes file = { 0 };
	HM_CLEANUP(hm_verify_release) struct hm_verify v = verified(&file, parts, trusted, NULL);
	struct hm_slice manifest = { 0 }, original = { 0 };

	assert_int_equal(hm_verify_exit(&v), 2);
	assert_true(hm_parts_get(valid, "manifest.json", &manifest) && hm_parts_get(parts, HM_ORIGINAL_MANIFEST, &original));
	assert_true(hm_slice_eq(manifest, original));
}

static void nothing_to_withhold(void **state HM_UNUSED)
{
	static const struct hm_redact none = { .what = HM_REDACT_SECRETS, .run_from = 1, .run_to = 9, .to = UINT64_MAX };
	struct hm_parts *parts;
	uint64_t blocks;

	assert_int_equal(hm_redact(&parts, &blocks, valid, &none, 1, NULL), 0);
	assert_true(blocks == 0 && !parts);
}

/* The parts with one member other, which {0} takes away; manifest.json is that of the others, core.json stays. */
static struct hm_parts *forged(const struct hm_parts *from, const char *name, struct hm_slice content)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *rest = copy_without(from, name), *open = copy_without(rest, "manifest.json");
	HM_CLEANUP(hm_bytes_release) struct hm_bytes manifest = { 0 };

	if (content.data)
		assert_int_equal(hm_parts_borrow(open, name, content, NULL), 0);
	if (hm_bundle_manifest(&manifest, open, NULL) == 0)
		assert_int_equal(hm_parts_take(open, "manifest.json", &manifest, NULL), 0);
	return owned(open);
}

static void refused_with(const struct hm_parts *from, const char *name, struct hm_slice content, const char *what)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = forged(from, name, content);

	refused_parts(parts, what);
}

static void the_list_is_right_or_refused(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = redacted(valid, &all_packets);
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *bare = copy_without(parts, HM_REDACTION), *unlisted = forged(bare, HM_ORIGINAL_MANIFEST, (struct hm_slice){ 0 });
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *whole = copy_without(valid, "nothing");
	HM_CLEANUP(hm_bytes_release) struct hm_bytes original = { 0 };
	struct hm_slice manifest = { 0 };

	refused_parts(bare, "without redaction.json");
	refused_parts(unlisted, "without both");
	refused_with(parts, HM_REDACTION, HM_SLICE("{}"), "an empty list");
	refused_with(parts, HM_REDACTION, HM_SLICE("{\"packets\":[],\"records\":[],\"removed\":[],\"schema\":\"hallmark/redaction/v1\"}"), "nothing in the list");
	refused_with(parts, HM_REDACTION, HM_SLICE("{\"packets\":[{\"name\":\"" PACKETS "\",\"withheld\":[{\"from\":2,\"to\":2,\"what\":\"secrets\"}]}],"
						   "\"records\":[],\"removed\":[],\"schema\":\"hallmark/redaction/v1\"}"), "another kind");
	assert_true(hm_parts_get(valid, "manifest.json", &manifest));
	assert_int_equal(hm_parts_borrow(whole, HM_REDACTION, HM_SLICE("{\"packets\":[],\"records\":[],\"removed\":[],\"schema\":\"hallmark/redaction/v1\"}"), NULL), 0);
	refused_with(whole, HM_ORIGINAL_MANIFEST, manifest, "a list, and nothing is withheld");
	hm_bytes_slice(&original, manifest);
	original.data[original.len - 3] ^= 1; /* the schema's last letter */
	refused_with(parts, HM_ORIGINAL_MANIFEST, hm_slice_of(&original), "another manifest of before");
}

static void nothing_else_is_changed(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = redacted(valid, &all_packets), *record = redacted(valid, &middle);
	struct hm_slice planted = { 0 }, other = { 0 };

	assert_true(hm_parts_get(parts, "planted/0001", &planted) && hm_parts_get(parts, "planted/0002", &other));
	refused_with(parts, "planted/0001", other, "another document");
	refused_with(parts, "runs/0002/packets.salts", HM_SLICE("0123456789012345678901234567890123456789ABCDEFGH"), "other salts of a file of which nothing is withheld");
	refused_with(parts, "replication.json", HM_SLICE("{}"), "a member that is new");
	assert_true(hm_parts_get(parts, PACKETS, &other));
	refused_with(record, PACKETS, other, "more is withheld than is listed");
	assert_true(hm_parts_get(valid, "runs/0002/record.cbor.zst", &other));
	refused_with(parts, RECORD, other, "another run's record");
}

/* One byte of a member, at `at`, is another. */
static void flip(const struct hm_parts *from, const char *name, size_t at, uint8_t bits, const char *what)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes copy = { 0 };
	struct hm_slice content = { 0 };

	assert_true(hm_parts_get(from, name, &content) && at < content.len);
	hm_bytes_slice(&copy, content);
	copy.data[at] ^= bits;
	refused_with(from, name, hm_slice_of(&copy), what);
}

static void what_stands_in_its_place(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = redacted(valid, &all_packets);
	const size_t block = 28 + 32; /* section header, interface */

	flip(parts, PACKETS, block, 1, "type");
	flip(parts, PACKETS, block + 4, 4, "length");
	flip(parts, PACKETS, block + 8, 2, "what it was");
	flip(parts, PACKETS, block + 12, 1, "a length that none has");
	for (size_t i = 0; i < 32; i += 5)
		flip(parts, PACKETS, block + 16 + i, 0x10, "leaf");
	flip(parts, PACKETS, block + 48, 4, "length again");
	flip(parts, SALTS, 32, 1, "a salt for what is withheld");
}

static void headers_of_withheld_blocks(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = redacted(valid, &middle);
	struct hm_slice record = { 0 };

	assert_true(hm_parts_get(parts, RECORD, &record));
	for (size_t at = 0; at < record.len; at += 3)
		flip(parts, RECORD, at, 0x20, "a byte of the record");
}

/* Findings that the record does not give, signed by one who is trusted. */
static struct hm_parts *lying(const char *claim, const char *verdict)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *true_parts = valid_parts(NULL);
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = copy_without(true_parts, "findings.json");
	struct hm_parts *out;
	HM_JSON json_t *findings = NULL;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	struct hm_slice there;
	json_t *row;
	size_t i;

	assert_true(hm_parts_get(true_parts, "findings.json", &there));
	assert_int_equal(hm_json_parse_canonical(&findings, there, "findings", NULL), 0);
	json_array_foreach (json_object_get(findings, "claims"), i, row)
		if (strcmp(json_string_value(json_object_get(row, "id")), claim) == 0)
			json_object_set_new(row, "verdict", json_string(verdict));
	hm_json_write(&text, findings);
	assert_int_equal(hm_parts_take(parts, "findings.json", &text, NULL), 0);
	out = owned(parts);
	assert_int_equal(hm_bundle_seal(out, NULL), 0);
	valid_sign(out, signer);
	return out;
}

static void a_lie_that_shows(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *false_parts = lying("capable.reach", "refuted"), *parts = redacted(false_parts, &all_packets);
	HM_CLEANUP(hm_bytes_release) struct hm_bytes file = { 0 };
	HM_CLEANUP(hm_verify_release) struct hm_verify v = verified(&file, parts, trusted, NULL);

	assert_int_equal(hm_verify_exit(&v), 1);
	status_is(&v, "capable.reach", "differs");
}

static void a_lie_that_is_withheld(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *false_parts = lying("collect.content", "upheld"), *parts = redacted(false_parts, &all_packets);
	HM_CLEANUP(hm_bytes_release) struct hm_bytes file = { 0 }, again = { 0 }, third = { 0 };
	HM_CLEANUP(hm_verify_release) struct hm_verify v = verified(&file, parts, trusted, "collect.content");
	HM_CLEANUP(hm_verify_release) struct hm_verify other = verified(&again, parts, trusted, "capable.reach");
	HM_CLEANUP(hm_verify_release) struct hm_verify absent = verified(&third, parts, trusted, "no.such");

	assert_int_equal(hm_verify_exit(&v), 2);
	status_is(&v, "collect.content", "evidence withheld");
	assert_int_equal(outcome_of(&v, "require"), HM_CHECK_UNCHECKED);
	assert_int_equal(outcome_of(&other, "require"), HM_CHECK_FALSE);
	assert_int_equal(outcome_of(&absent, "require"), HM_CHECK_FALSE);
}

/* What refutes it is still there. */
static void refuted_by_what_is_left(void **state HM_UNUSED)
{
	static const struct valid reaching = { .reaches = true };
	static const struct hm_redact second = { .what = HM_REDACT_RECORDS, .run_from = 2, .run_to = 2, .from = 3, .to = 4 };
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *whole = valid_sealed(&reaching, signer), *parts = redacted(whole, &second);
	HM_CLEANUP(hm_bytes_release) struct hm_bytes file = { 0 };
	HM_CLEANUP(hm_verify_release) struct hm_verify v = verified(&file, parts, trusted, NULL);

	assert_int_equal(hm_verify_exit(&v), 2);
	status_is(&v, "change.files", "evidence withheld");
}

static void patterns(void **state HM_UNUSED)
{
	assert_true(hm_redact_fits("/home/*/x", HM_SLICE("..../home/alice/xyz")));
	assert_false(hm_redact_fits("/home/*/x", HM_SLICE("/home/alice/b/x")));
	assert_true(hm_redact_fits("/home/**/x", HM_SLICE("/home/alice/b/x")));
	assert_true(hm_redact_fits("*.key", HM_SLICE("a/b.key")));
	assert_false(hm_redact_fits("/home", HM_SLICE("/hom")));
	assert_true(hm_redact_fits("/a", HM_SLICE("/b/a")));
	assert_false(hm_redact_fits("/a/*/b", HM_SLICE("/a/\0/b")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_are_withheld), cmocka_unit_test(what_is_withheld_is_gone), cmocka_unit_test(a_record_is_withheld),
		cmocka_unit_test(its_beginning_too), cmocka_unit_test(secrets_are_withheld), cmocka_unit_test(twice), cmocka_unit_test(nothing_to_withhold),
		cmocka_unit_test(the_list_is_right_or_refused), cmocka_unit_test(nothing_else_is_changed), cmocka_unit_test(what_stands_in_its_place),
		cmocka_unit_test(headers_of_withheld_blocks), cmocka_unit_test(a_lie_that_shows), cmocka_unit_test(a_lie_that_is_withheld),
		cmocka_unit_test(refuted_by_what_is_left), cmocka_unit_test(patterns),
	};

	return cmocka_run_group_tests(tests, refuse_set_up, refuse_tear_down);
}
