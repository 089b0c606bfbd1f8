#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "attest.h"
#include "digest.h"
#include "json.h"
#include "signature.h"
#include "text.h"
#include "../../support/vectors.h"

static const char keyid[] = "Wnp4zKSg9CDZvGK7Zpw8J1njn3I9OuENy+DwgVoH7NQ=";

/* protocol.md of secure-systems-lab/dsse: its key has d = 97358161215184420915383655311931858321456579547487070936769975997791359926199. */
static const char protocol_key[] = "-----BEGIN PUBLIC KEY-----\n"
				   "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEZ805D3eqNZywjCI19lInBJOp7YMr\n"
				   "CrzAH3CVTAOQ0jgMeCvVTiaRJaRPRDOv8UMs6U4SvKc6pnrIDOoSYI3fdA==\n"
				   "-----END PUBLIC KEY-----\n";

static void pae_of_the_protocol(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes pae = { 0 }, raw = { 0 };
	HM_CLEANUP(hm_pubkey_cleanup) struct hm_pubkey *key = NULL;
	static const char sig[] = "A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA==";

	hm_dsse_pae(&pae, "http://example.com/HelloWorld", HM_SLICE("hello world"));
	assert_true(hm_slice_eq(hm_slice_of(&pae), HM_SLICE("DSSEv1 29 http://example.com/HelloWorld 11 hello world")));
	assert_int_equal(hm_pubkey_parse(&key, hm_slice_text(protocol_key), NULL), 0);
	assert_int_equal(hm_text_unbase64(&raw, hm_slice_text(sig)), 0);
	assert_true(hm_signature_check(key, hm_slice_of(&pae), hm_slice_of(&raw), true));
	assert_false(hm_signature_check(key, hm_slice_of(&pae), hm_slice_of(&raw), false));
	hm_vectors_agree("DSSE protocol.md", 1);
	pae.data[pae.len - 1] ^= 1;
	assert_false(hm_signature_check(key, hm_slice_of(&pae), hm_slice_of(&raw), true));
}

/* A verification summary that Google's build service signed: a foreign envelope, read with a JSON parser. */
static void real_summary(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 }, pem = { 0 }, payload = { 0 }, sig = { 0 }, pae = { 0 };
	HM_CLEANUP(hm_pubkey_cleanup) struct hm_pubkey *key = NULL;
	HM_JSON json_t *envelope = NULL;
	const json_t *signature;

	if (!hm_vector(&text, "vsa/gke-gce-pre.bcid-vsa.jsonl") || !hm_vector(&pem, "vsa/vsa_signing_public_key.pem"))
		skip();
	assert_int_equal(hm_json_parse(&envelope, hm_slice_of(&text), "summary", NULL), 0);
	assert_int_equal(hm_pubkey_parse(&key, hm_slice_of(&pem), NULL), 0);
	signature = json_array_get(json_object_get(envelope, "signatures"), 0);
	assert_int_equal(hm_text_unbase64(&payload, hm_slice_text(json_string_value(json_object_get(envelope, "payload")))), 0);
	assert_int_equal(hm_text_unbase64(&sig, hm_slice_text(json_string_value(json_object_get(signature, "sig")))), 0);
	hm_dsse_pae(&pae, json_string_value(json_object_get(envelope, "payloadType")), hm_slice_of(&payload));
	assert_true(hm_signature_check(key, hm_slice_of(&pae), hm_slice_of(&sig), true));
	assert_false(hm_signature_check(key, hm_slice_of(&pae), hm_slice_of(&sig), false));
	for (size_t i = 0; i < pae.len; i += 7) {
		pae.data[i] ^= 0x10;
		assert_false(hm_signature_check(key, hm_slice_of(&pae), hm_slice_of(&sig), true));
		pae.data[i] ^= 0x10;
	}
	hm_vectors_agree("vsa (Google's, raw r and s)", 1);
	/* It is nobody's attestation of ours. */
	payload.len = 0;
	sig.len = 0;
	{
		char id[64];

		assert_int_equal(hm_attest_read(hm_slice_of(&text), &payload, id, &sig, NULL), HM_E_BAD);
	}
}

static int read_code(struct hm_slice line)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes payload = { 0 }, sig = { 0 }, again = { 0 };
	char id[64];
	int r = hm_attest_read(line, &payload, id, &sig, NULL);

	if (r < 0)
		return r;
	hm_attest_envelope(&again, hm_slice_of(&payload), id, hm_slice_of(&sig));
	assert_true(hm_slice_eq(hm_slice_of(&again), line));
	return 0;
}

static void envelope_has_one_form(void **state HM_UNUSED)
{
	static const char *const bad[] = {
		"",
		"{}",
		/* URL-safe alphabet, no padding, set bits behind the end, line break */
		"{\"payload\":\"_-8=\",\"payloadType\":\"application/vnd.in-toto+json\",\"signatures\":[{\"keyid\":\"@\",\"sig\":\"MAYCAQECAQE=\"}]}",
		"{\"payload\":\"Zg\",\"payloadType\":\"application/vnd.in-toto+json\",\"signatures\":[{\"keyid\":\"@\",\"sig\":\"MAYCAQECAQE=\"}]}",
		"{\"payload\":\"Zh==\",\"payloadType\":\"application/vnd.in-toto+json\",\"signatures\":[{\"keyid\":\"@\",\"sig\":\"MAYCAQECAQE=\"}]}",
		"{\"payload\":\"Zm9v\\n\",\"payloadType\":\"application/vnd.in-toto+json\",\"signatures\":[{\"keyid\":\"@\",\"sig\":\"MAYCAQECAQE=\"}]}",
		/* another payload type, white space, order, a member more, two signatures, none, no key id */
		"{\"payload\":\"Zm9v\",\"payloadType\":\"application/vnd.in-toto.test-result+json\",\"signatures\":[{\"keyid\":\"@\",\"sig\":\"MAYCAQECAQE=\"}]}",
		"{\"payload\": \"Zm9v\",\"payloadType\":\"application/vnd.in-toto+json\",\"signatures\":[{\"keyid\":\"@\",\"sig\":\"MAYCAQECAQE=\"}]}",
		"{\"payloadType\":\"application/vnd.in-toto+json\",\"payload\":\"Zm9v\",\"signatures\":[{\"keyid\":\"@\",\"sig\":\"MAYCAQECAQE=\"}]}",
		"{\"payload\":\"Zm9v\",\"payload\":\"Zm9v\",\"payloadType\":\"application/vnd.in-toto+json\",\"signatures\":[{\"keyid\":\"@\",\"sig\":\"MAYCAQECAQE=\"}]}",
		"{\"payload\":\"Zm9v\",\"payloadType\":\"application/vnd.in-toto+json\",\"signatures\":[{\"keyid\":\"@\",\"sig\":\"MAYCAQECAQE=\"},{\"keyid\":\"@\",\"sig\":\"MAYCAQECAQE=\"}]}",
		"{\"payload\":\"Zm9v\",\"payloadType\":\"application/vnd.in-toto+json\",\"signatures\":[]}",
		"{\"payload\":\"Zm9v\",\"payloadType\":\"application/vnd.in-toto+json\",\"signatures\":[{\"sig\":\"MAYCAQECAQE=\"}]}",
		/* a signature of no form: short, a length that is too long, a needless zero byte */
		"{\"payload\":\"Zm9v\",\"payloadType\":\"application/vnd.in-toto+json\",\"signatures\":[{\"keyid\":\"@\",\"sig\":\"AAAA\"}]}",
		"{\"payload\":\"Zm9v\",\"payloadType\":\"application/vnd.in-toto+json\",\"signatures\":[{\"keyid\":\"@\",\"sig\":\"MAcCAQECAQE=\"}]}",
		"{\"payload\":\"Zm9v\",\"payloadType\":\"application/vnd.in-toto+json\",\"signatures\":[{\"keyid\":\"@\",\"sig\":\"MAcCAgABAgEB\"}]}",
		"{\"payload\":\"Zm9v\",\"payloadType\":\"application/vnd.in-toto+json\",\"signatures\":[{\"keyid\":\"mine\",\"sig\":\"MAYCAQECAQE=\"}]}",
	};
	HM_CLEANUP(hm_bytes_release) struct hm_bytes good = { 0 };

	hm_attest_envelope(&good, HM_SLICE("foo"), keyid, HM_SLICE("\x30\x06\x02\x01\x01\x02\x01\x01"));
	assert_int_equal(read_code(hm_slice_of(&good)), 0);
	for (size_t i = 0; i < HM_COUNT(bad); i++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes line = { 0 };

		for (const char *p = bad[i]; *p; p++)
			hm_bytes_text(&line, *p == '@' ? keyid : (char[]){ *p, 0 });
		if (read_code(hm_slice_of(&line)) != HM_E_BAD)
			fail_msg("%s", bad[i]);
	}
	for (size_t cut = 0; cut < good.len; cut++)
		assert_int_equal(read_code((struct hm_slice){ good.data, cut }), HM_E_BAD);
	/* Any change of a byte is refused, or is another envelope in canonical form: read_code compares. */
	for (size_t i = 0; i < good.len; i++) {
		good.data[i] ^= 1;
		(void)!read_code(hm_slice_of(&good));
		good.data[i] ^= 1;
	}
	hm_bytes_u8(&good, '\n');
	assert_int_equal(read_code(hm_slice_of(&good)), HM_E_BAD);
}

#define ARTIFACT(path, digit) "{\"package\":null," path ",\"role\":\"executed\",\"sha256\":\"" digit "\"}"
#define D32(c) c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c
#define DIGEST(c) D32(c) D32(c)
#define GONE "{\"package\":null,\"path\":\"/tmp/x\",\"role\":\"executed\",\"sha256\":null}"
#define FINDINGS(artifacts, claims) \
	"{\"claims\":[" claims "],\"product\":{\"artifacts\":[" artifacts "]},\"schema\":\"hallmark/findings/v1\"}"

static int statement_of(struct hm_bytes *out, const char *findings)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = hm_parts_new();

	assert_int_equal(hm_parts_borrow(parts, "core.json", HM_SLICE("core"), NULL), 0);
	assert_int_equal(hm_parts_borrow(parts, "manifest.json", HM_SLICE("manifest"), NULL), 0);
	assert_int_equal(hm_parts_borrow(parts, "findings.json", hm_slice_text(findings), NULL), 0);
	return hm_attest_statement(out, parts, NULL);
}

static void statement_is(const char *findings, const char *subject, const char *tests)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes got = { 0 };
	/* printf %s core | sha256sum, and manifest */
	HM_FREE char *expected = hm_sprintf(
		"{\"_type\":\"https://in-toto.io/Statement/v1\",\"predicate\":{\"configuration\":["
		"{\"digest\":{\"sha256\":\"0d45f5fd462b8c70bffb10021ac1bcff3f58f29b1faf7568595095427d42812c\"},\"name\":\"core.json\"},"
		"{\"digest\":{\"sha256\":\"05b3abf2579a5eb66403cd78be557fd860633a1fe2103c7642030defe32c657f\"},\"name\":\"manifest.json\"}],"
		"%s},\"predicateType\":\"https://in-toto.io/attestation/test-result/v0.1\",\"subject\":[%s]}",
		tests, subject);

	assert_int_equal(statement_of(&got, findings), 0);
	hm_bytes_u8(&got, 0);
	assert_string_equal((const char *)got.data, expected);
}

#define SUBJECT(name, digit) "{\"digest\":{\"sha256\":\"" digit "\"},\"name\":\"" name "\"}"
#define CLAIM(id, verdict) "{\"id\":\"" id "\",\"verdict\":\"" verdict "\"}"

static void statement_follows_from_findings(void **state HM_UNUSED)
{
	statement_is(FINDINGS(ARTIFACT("\"path\":\"/bin/b\"", DIGEST("1")) "," ARTIFACT("\"path\":\"/bin/a\"", DIGEST("2")),
			      CLAIM("z.z", "upheld") "," CLAIM("a.a", "upheld")),
		     SUBJECT("/bin/a", DIGEST("2")) "," SUBJECT("/bin/b", DIGEST("1")),
		     "\"failedTests\":[],\"passedTests\":[\"a.a\",\"z.z\"],\"result\":\"PASSED\",\"warnedTests\":[]");
	statement_is(FINDINGS(ARTIFACT("\"path\":\"/a\"", DIGEST("1")),
			      CLAIM("b", "not verifiable") "," CLAIM("a", "upheld")),
		     SUBJECT("/a", DIGEST("1")),
		     "\"failedTests\":[],\"passedTests\":[\"a\"],\"result\":\"WARNED\",\"warnedTests\":[\"b\"]");
	statement_is(FINDINGS(ARTIFACT("\"path\":\"/a\"", DIGEST("1")),
			      CLAIM("b", "not verifiable") "," CLAIM("a", "refuted")),
		     SUBJECT("/a", DIGEST("1")),
		     "\"failedTests\":[\"a\"],\"passedTests\":[],\"result\":\"FAILED\",\"warnedTests\":[\"b\"]");
	/* What is gone and has no digest is no subject. */
	statement_is(FINDINGS(GONE "," ARTIFACT("\"path\":\"/a\"", DIGEST("1")) "," GONE, ""), SUBJECT("/a", DIGEST("1")), "\"failedTests\":[],\"passedTests\":[],\"result\":\"WARNED\",\"warnedTests\":[]");
	/* nothing judged is no success */
	statement_is(FINDINGS(ARTIFACT("\"path\":\"/a\"", DIGEST("1")), ""), SUBJECT("/a", DIGEST("1")),
		     "\"failedTests\":[],\"passedTests\":[],\"result\":\"WARNED\",\"warnedTests\":[]");
}

static void subjects_are_unique(void **state HM_UNUSED)
{
	statement_is(FINDINGS(ARTIFACT("\"path\":\"/a\"", DIGEST("2")) "," ARTIFACT("\"path\":\"/a\"", DIGEST("1")) ","
			      ARTIFACT("\"path\":\"/a\"", DIGEST("2")) "," ARTIFACT("\"path_b64\":\"L2Ev/yA=\"", DIGEST("3")),
			      ""),
		     SUBJECT("/a#sha256:" DIGEST("1"), DIGEST("1")) "," SUBJECT("/a#sha256:" DIGEST("2"), DIGEST("2")) ","
		     SUBJECT("/a/%FF%20", DIGEST("3")),
		     "\"failedTests\":[],\"passedTests\":[],\"result\":\"WARNED\",\"warnedTests\":[]");
}

static void statement_refuses(void **state HM_UNUSED)
{
	static const char *const bad[] = {
		"", "{}", "[]", FINDINGS("", ""), FINDINGS("{}", ""), FINDINGS("1", ""),
		FINDINGS(GONE, ""), FINDINGS(ARTIFACT("\"path\":\"/a\"", "12"), ""), FINDINGS(ARTIFACT("\"path\":7", DIGEST("1")), ""),
		FINDINGS(ARTIFACT("\"path\":\"/a\"", DIGEST("1")), "{}"),
		FINDINGS(ARTIFACT("\"path\":\"/a\"", DIGEST("1")), CLAIM("a", "passed")),
		FINDINGS(ARTIFACT("\"path\":\"/a\"", DIGEST("1")), "{\"id\":1,\"verdict\":\"upheld\"}"),
	};

	for (size_t i = 0; i < HM_COUNT(bad); i++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };

		if (statement_of(&out, bad[i]) != HM_E_BAD)
			fail_msg("%s", bad[i]);
		assert_int_equal(out.len, 0);
	}
}

static void sigstore_stands_beside(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = hm_parts_new();
	HM_CLEANUP(hm_bytes_release) struct hm_bytes line = { 0 };
	HM_JSON json_t *bundle = NULL;
	HM_FREE char *name = hm_attest_sigstore_name(keyid);
	struct hm_slice content;

	assert_null(hm_attest_sigstore_name("mine"));
	assert_string_equal(name, "attestation-5a7a78cca4a0f420.sigstore.json");
	assert_int_equal(hm_attest_add(parts, HM_SLICE("{}"), keyid, HM_SLICE("sig"), (struct hm_slice){ 0 }, NULL), 0);
	assert_int_equal(hm_attest_add(parts, HM_SLICE("{}"), keyid, HM_SLICE("sig"), (struct hm_slice){ 0 }, NULL), HM_E_BAD);
	assert_true(hm_parts_get(parts, HM_ATTESTATIONS, &content));
	hm_attest_envelope(&line, HM_SLICE("{}"), keyid, HM_SLICE("sig"));
	hm_bytes_u8(&line, '\n');
	assert_true(hm_slice_eq(content, hm_slice_of(&line)));
	assert_true(hm_parts_get(parts, name, &content));
	assert_int_equal(hm_json_parse_canonical(&bundle, content, name, NULL), 0);
	assert_string_equal(json_string_value(json_object_get(
				    json_object_get(json_object_get(bundle, "verificationMaterial"), "publicKey"), "hint")),
			    keyid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pae_of_the_protocol),		   cmocka_unit_test(real_summary),
		cmocka_unit_test(envelope_has_one_form),	   cmocka_unit_test(statement_follows_from_findings),
		cmocka_unit_test(subjects_are_unique),		   cmocka_unit_test(statement_refuses),
		cmocka_unit_test(sigstore_stands_beside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
