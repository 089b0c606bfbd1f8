/* A bundle whose parts were changed by somebody who packs, seals or signs them again. */
#include "record_internal.h"
#include "refuse.h"

static void parts_missing(void **state HM_UNUSED)
{
	for (size_t i = 0; i < hm_parts_count(valid); i++) {
		const char *name = hm_parts_at(valid, i, NULL);
		HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = copy_without(valid, name);

		if (strcmp(name, HM_ATTESTATIONS) == 0)
			continue; /* stripped signatures have a test of their own */
		refused_parts(parts, name);
		/* Sealing again makes core.json and manifest.json anew: the valid bundle. */
		if (strcmp(name, "core.json") != 0 && strcmp(name, "manifest.json") != 0 && seal_again(&parts))
			refused_parts(parts, name);
	}
}

static void parts_added(void **state HM_UNUSED)
{
	static const char *const names[] = { "planted/9999", "planted/0012", "runs/0003/record.cbor.zst", "scenario.json", "runs/0001/features.cbor.zst", "runs/0003/features.cbor.zst",
					     "declaration.json", "readme.txt", "log/checkpoint", "runs/0001/output", "a",
					     "attestation-0123456789abcdef.sigstore.json", "runs/0001/record.cbor.zst.1" };
	struct hm_slice record;

	assert_true(hm_parts_get(valid, "runs/0001/record.cbor.zst", &record));
	for (size_t i = 0; i < HM_COUNT(names); i++) {
		bool is_record = strstr(names[i], "record") != NULL;
		HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts =
			copy_with(valid, names[i], is_record ? record : HM_SLICE("{}"));

		refused_parts(parts, names[i]);
		if (seal_again(&parts))
			refused_parts(parts, names[i]);
	}
}

/* Whoever seals a changed core again has a bundle that fits, but for the statement; whoever signs it with a key of his own is
 * told from the signer by whoever has the signer's key; and what does not follow from the records is refused in any case. */
static void forged(const char *part, struct hm_slice content, const char *what)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = copy_with(valid, part, content);
	HM_CLEANUP(hm_bytes_release) struct hm_bytes statement = { 0 };

	refused_parts(parts, what);
	if (!seal_again(&parts))
		return;
	refused_parts(parts, what);
	if (hm_attest_statement(&statement, parts, NULL) < 0)
		return; /* nothing that could be signed */
	sign_again(&parts, forger);
	refused_parts(parts, what);
}

/* Replaces the first `from` in a part by `to`. */
static void edited(const char *part, const char *from, const char *to)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };
	struct hm_slice text;
	const uint8_t *at;

	assert_true(hm_parts_get(valid, part, &text));
	at = memmem(text.data, text.len, from, strlen(from));
	if (!at)
		fail_msg("%s does not hold %s", part, from);
	hm_bytes_append(&out, text.data, (size_t)(at - text.data));
	hm_bytes_text(&out, to);
	hm_bytes_append(&out, at + strlen(from), (size_t)(text.data + text.len - at) - strlen(from));
	forged(part, hm_slice_of(&out), to);
}

static void documents_edited(void **state HM_UNUSED)
{
	/* verdicts and numbers of the findings */
	edited("findings.json", "\"verdict\":\"not verifiable\"", "\"verdict\":\"upheld\"");
	edited("findings.json", "\"semantics\":5", "\"semantics\":4");
	edited("findings.json", "{\"claim_set\":", "{\"claim_set\": ");
	/* one value twice, another form of the same, numbers that not every reader keeps */
	edited("plan.json", "{\"alpha\":[1,100],", "{\"alpha\":[1,100],\"alpha\":[1,100],");
	edited("plan.json", "\"alpha\":[1,100]", "\"alpha\":[1, 100]");
	edited("plan.json", "\"time_limit_s\":60", "\"time_limit_s\":9007199254740992");
	edited("plan.json", "\"time_limit_s\":60", "\"time_limit_s\":60.0");
	edited("plan.json", "\"time_limit_s\":60", "\"time_limit_s\":1e2");
	edited("plan.json", "\"time_limit_s\":60", "\"time_limit_s\":99999999999999999999999999");
	edited("plan.json", "\"time_limit_s\":60", "\"time_limit_s\":61");
	edited("assessment.json", "\"dropped\":[]", "\"dropped\":[],\"dropped\":[]");
	edited("assessment.json", "\"start_us\":1700000000000000", "\"start_us\":9007199254740993");
	edited("product.json", "\"size\":1000", "\"size\":1000,\"size\":1000");
	edited("planted.json", "\"files\":[", "\"files\":[],\"files\":[");
	edited("planted.json", "\"mode\":420", "\"mode\":420.5");
	edited("claims.json", "\"question\":1", "\"question\":1,\"question\":1");
	/* a member that nobody knows */
	edited("plan.json", "{\"alpha\"", "{\"aa\":1,\"alpha\"");
	edited("assessment.json", "{\"chamber\"", "{\"b\":1,\"chamber\"");
	edited("product.json", "\"definitions\":[]", "\"definitions\":[],\"extra\":1");
	/* another seed, other runs, other tokens, another claim set */
	edited("assessment.json", "\"seed\":\"01", "\"seed\":\"02");
	edited("assessment.json", "\"seed\":\"01", "\"seed\":\"");
	edited("plan.json", "{\"kind\":\"aa\",\"run\":2}", "{\"kind\":\"aa\",\"run\":3}");
	edited("plan.json", "\"scenario\":null", "\"scenario\":\"sha256:00\"");
	edited("claims.json", "\"question\":1", "\"question\":2");
	edited("planted.json", "\"size\":", "\"size\":1");
	edited("planted.json", "\"part\":\"planted/0001\"", "\"part\":\"planted/0002\"");
}

static void one_bit_and_sealed_again(void **state HM_UNUSED)
{
	for (size_t i = 0; i < hm_parts_count(valid); i++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes changed = { 0 };
		struct hm_slice content;
		const char *name = hm_parts_at(valid, i, &content);

		if (strcmp(name, "core.json") == 0 || strcmp(name, "manifest.json") == 0 || strncmp(name, "attestation", 11) == 0)
			continue;
		hm_bytes_slice(&changed, content);
		for (size_t k = 0; k < 8; k++) {
			size_t at = changed.len * (2 * k + 1) / 16;
			HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = NULL;

			changed.data[at] ^= (uint8_t)(1 << k);
			parts = copy_with(valid, name, hm_slice_of(&changed));
			if (seal_again(&parts))
				refused_parts(parts, name);
			changed.data[at] ^= (uint8_t)(1 << k);
		}
	}
}

/* A record that is cut at each of its borders, sealed again. */
static void record_cut_and_sealed_again(void **state HM_UNUSED)
{
	static const char name[] = "runs/0001/record.cbor.zst";
	struct hm_slice record;

	assert_true(hm_parts_get(valid, name, &record));
	for (size_t at = 0; at + 4 < record.len; at++) {
		HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = NULL;

		if (at % 37 != 0 && memcmp(record.data + at + 1, "\x2a\x4d\x18", 3) != 0)
			continue;
		parts = copy_with(valid, name, (struct hm_slice){ record.data, at });
		refused_parts(parts, "record cut");
		if (seal_again(&parts))
			refused_parts(parts, "record cut and sealed");
	}
}

static void runs_exchanged(void **state HM_UNUSED)
{
	struct hm_slice one, two;

	assert_true(hm_parts_get(valid, "runs/0001/record.cbor.zst", &one));
	assert_true(hm_parts_get(valid, "runs/0002/record.cbor.zst", &two));
	forged("runs/0001/record.cbor.zst", two, "run 2 as run 1");
	forged("runs/0002/record.cbor.zst", one, "run 1 as run 2");
	assert_true(hm_parts_get(valid, "runs/0001/tree.cbor.zst", &two));
	forged("runs/0001/record.cbor.zst", two, "a tree as a record");
	forged("runs/0001/tree.cbor.zst", one, "a record as a tree");
	forged("runs/0001/packets.salts", (struct hm_slice){ one.data, 32 }, "too few salts");
}

/* Bundles that were false when they were made: the assessor himself is the forger, so the key is right. */
static void born_false(void **state HM_UNUSED)
{
	static const struct {
		struct valid variant;
		const char *row, *what;
	} cases[] = {
		{ { .foreign_plan = true }, "records", "records of another plan" },
		{ { .other_seed = true }, "seed", "a seed that was not committed to" },
		{ { .late_names = true }, "findings", "names behind a packet" },
		{ { .skip_run_2 = true }, "records", "a run that was taken away" },
		{ { .event_version = 1 }, "records", "older events than the semantics are for" },
		{ { .plan_semantics = 1 }, "records", "older semantics than the events are for" },
	};

	for (size_t i = 0; i < HM_COUNT(cases); i++) {
		HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = valid_sealed(&cases[i].variant, signer);
		HM_CLEANUP(hm_bytes_release) struct hm_bytes file = pack(parts);

		refused(hm_slice_of(&file), cases[i].what);
		assert_int_equal(row_of(hm_slice_of(&file), trusted, cases[i].row), HM_CHECK_FALSE);
	}
}

/* What a newer Hallmark may have made is not false, and not checked. */
static void newer_version(void **state HM_UNUSED)
{
	static const struct {
		struct valid variant;
		const char *what;
	} cases[] = {
		{ { .plan_semantics = HM_SEMANTICS + 1 }, "semantics" },
		{ { .event_version = HM_EVENT_VERSION + 1 }, "version of the events" },
		{ { .extra_kind = 4000 }, "kind of event" },
	};

	for (size_t i = 0; i < HM_COUNT(cases); i++) {
		HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = valid_sealed(&cases[i].variant, signer);
		HM_CLEANUP(hm_bytes_release) struct hm_bytes file = pack(parts);

		if (exit_of(hm_slice_of(&file), trusted) != 2 || exit_of(hm_slice_of(&file), NULL) != 2)
			fail_msg("%s", cases[i].what);
		assert_int_not_equal(row_of(hm_slice_of(&file), trusted, "findings"), HM_CHECK_HOLDS);
	}
}

/* The file format of a record: its version stands at byte 16 of every frame of ours, the CRC-32C in its last four bytes. */
static void newer_record(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = NULL;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes changed = { 0 }, file = { 0 };
	static const char name[] = "runs/0001/record.cbor.zst";
	struct hm_slice content;
	uint32_t crc;

	assert_true(hm_parts_get(valid, name, &content));
	hm_bytes_slice(&changed, content);
	changed.data[16] = HM_RECORD_VERSION + 1;
	crc = hm_record_crc((struct hm_slice){ changed.data, HM_RECORD_BLOCK_LEN - 4 });
	for (size_t i = 0; i < 4; i++)
		changed.data[HM_RECORD_BLOCK_LEN - 4 + i] = (uint8_t)(crc >> 8 * i);
	parts = copy_with(valid, name, hm_slice_of(&changed));
	refused_parts(parts, "newer record that the manifest does not know");
	/* With a manifest that fits, nothing is false that can be judged; whoever made it must have signed it. */
	{
		HM_CLEANUP(hm_bytes_release) struct hm_bytes manifest = { 0 };
		struct hm_parts *again = copy_without(parts, "manifest.json");

		assert_int_equal(hm_bundle_manifest(&manifest, again, NULL), 0);
		assert_int_equal(hm_parts_take(again, "manifest.json", &manifest, NULL), 0);
		sign_again(&again, signer);
		file = pack(again);
		hm_parts_free(again);
	}
	assert_int_equal(exit_of(hm_slice_of(&file), trusted), 2);
	assert_int_equal(row_of(hm_slice_of(&file), trusted, "records"), HM_CHECK_UNCHECKED);
}

static void newer_format(void **state HM_UNUSED)
{
	static const char *const from[] = { "\"format\":1", "\"hallmark/core/v1\"" };
	static const char *const to[] = { "\"format\":2", "\"hallmark/core/v2\"" };
	struct hm_slice core;

	assert_true(hm_parts_get(valid, "core.json", &core));
	for (size_t i = 0; i < HM_COUNT(from); i++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 }, file = { 0 };
		HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = NULL;
		uint8_t *at;

		hm_bytes_slice(&text, core);
		at = memmem(text.data, text.len, from[i], strlen(from[i]));
		assert_non_null(at);
		memcpy(at, to[i], strlen(to[i]));
		parts = copy_with(valid, "core.json", hm_slice_of(&text));
		file = pack(parts);
		assert_int_equal(exit_of(hm_slice_of(&file), trusted), 2);
		assert_int_equal(row_of(hm_slice_of(&file), trusted, "core"), HM_CHECK_UNCHECKED);
	}
	{
		HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = copy_with(valid, "core.json", HM_SLICE("{\"format\":2}"));

		refused_parts(parts, "no core of ours");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_missing),      cmocka_unit_test(parts_added),
		cmocka_unit_test(documents_edited),   cmocka_unit_test(one_bit_and_sealed_again),
		cmocka_unit_test(record_cut_and_sealed_again), cmocka_unit_test(runs_exchanged),
		cmocka_unit_test(born_false),	      cmocka_unit_test(newer_version),
		cmocka_unit_test(newer_record),	      cmocka_unit_test(newer_format),
	};

	return cmocka_run_group_tests(tests, refuse_set_up, refuse_tear_down);
}
