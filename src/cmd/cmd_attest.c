#include "commands.h"

#include "attest.h"
#include "fs.h"
#include "program.h"
#include "signer.h"
#include "summary.h"
#include "text.h"
#include "verify.h"

static const struct hm_option options[] = {
	{ "key", 'k', "FILE", false, "the private key to sign with" },
	{ "output", 'o', "FOLDER", false, "where the statements are written" },
	{ "trust", 't', "PUB", true, "a key whose signature of the bundle is enough (beside that of --key)" },
	{ "resource", 0, "URI", false, "what the summary is about (otherwise the product's purl)" },
	{ "verifier", 0, "URI", false, "who says so in the summary (otherwise urn:hallmark:key:HEX)" },
	{ "quiet", 'q', NULL, false, "print nothing; the exit code tells" },
};

struct attesting {
	struct hm_map map;
	struct hm_verify verified;
	struct hm_signer *signer;
	struct hm_pubkey **keys; /* the signer's first */
	size_t key_count;
};

static void release(struct attesting *a)
{
	hm_verify_release(&a->verified);
	hm_fs_unmap(&a->map);
	hm_signer_free(a->signer);
	for (size_t i = 0; i < a->key_count; i++)
		hm_pubkey_free(a->keys[i]);
	free(a->keys);
}

static int load_keys(struct attesting *a, const struct hm_args *args, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes pem = { 0 };
	size_t count;
	const char *const *trusted = hm_args_all(args, "trust", &count);
	int r = hm_signer_load(&a->signer, hm_args_get(args, "key"), fail);

	a->keys = hm_alloc(count + 1, sizeof(*a->keys));
	if (r == 0)
		r = hm_signer_public(a->signer, &pem, fail);
	if (r == 0)
		r = hm_pubkey_parse(&a->keys[0], hm_slice_of(&pem), fail);
	if (r < 0)
		return r;
	a->key_count = 1;
	for (size_t i = 0; i < count; i++, a->key_count++) {
		r = hm_pubkey_load(&a->keys[i + 1], trusted[i], fail);
		if (r < 0)
			return r;
	}
	return 0;
}

/* NAME.intoto.json and NAME.sigstore.json. */
static int write_statement(const struct attesting *a, const char *folder, const char *name, struct hm_slice statement, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes pae = { 0 }, signature = { 0 }, envelope = { 0 }, sigstore = { 0 };
	HM_FREE char *envelope_path = hm_sprintf("%s/%s.intoto.json", folder, name), *sigstore_path = hm_sprintf("%s/%s.sigstore.json", folder, name);
	const char *keyid = hm_pubkey_id(a->keys[0]);
	int r;

	hm_dsse_pae(&pae, HM_PAYLOAD_TYPE, statement);
	r = hm_signer_sign(a->signer, hm_slice_of(&pae), &signature, fail);
	if (r < 0)
		return r;
	hm_attest_envelope(&envelope, statement, keyid, hm_slice_of(&signature));
	hm_bytes_u8(&envelope, '\n');
	hm_attest_sigstore(&sigstore, statement, keyid, hm_slice_of(&signature), NULL);
	r = hm_fs_write_atomic(envelope_path, hm_slice_of(&envelope), 0644, fail);
	return r < 0 ? r : hm_fs_write_atomic(sigstore_path, hm_slice_of(&sigstore), 0644, fail);
}

static bool row_holds(const struct hm_verify *v, const char *name)
{
	for (size_t i = 0; i < v->rows; i++)
		if (strcmp(v->row[i].name, name) == 0 && v->row[i].outcome == HM_CHECK_HOLDS)
			return true;
	return false;
}

/* Why there is no summary of this bundle, or NULL. */
static const char *stands_in_the_way(const struct hm_verify *v)
{
	if (!row_holds(v, "findings"))
		return "its findings could not be derived again";
	if (!row_holds(v, "signature"))
		return "no key that is trusted signed it (--trust PUB)";
	if (!row_holds(v, "claim set"))
		return "its claim set is none that Hallmark published";
	return NULL;
}

static char *verifier_id(const struct attesting *a, const struct hm_args *args)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes digest = { 0 };
	char hex[65];

	if (hm_args_has(args, "verifier"))
		return hm_strdup(hm_args_get(args, "verifier"));
	if (hm_text_unbase64(&digest, hm_slice_text(hm_pubkey_id(a->keys[0]))) < 0 || digest.len != 32)
		abort(); /* a key id of our own */
	return hm_sprintf("urn:hallmark:key:%s", hm_text_hex_into(hex, hm_slice_of(&digest)));
}

static int write_summary(const struct attesting *a, const struct hm_args *args, struct hm_bytes *said, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes statement = { 0 };
	HM_FREE char *verifier = verifier_id(a, args);
	const char *way = stands_in_the_way(&a->verified), *folder = hm_args_get(args, "output");
	int r = way ? HM_E_UNKNOWN : hm_summary_vsa(&statement, a->verified.parts, verifier, hm_args_get(args, "resource"), fail);

	if (r == HM_E_UNKNOWN) {
		hm_bytes_printf(said, "no summary: %s\n", way ? way : fail->text);
		return 2;
	}
	if (r == 0)
		r = write_statement(a, folder, "vsa", hm_slice_of(&statement), fail);
	if (r == 0)
		hm_bytes_printf(said, "%s/vsa.intoto.json\n%s/vsa.sigstore.json\n", folder, folder);
	return r;
}

static int write_all(const struct attesting *a, const struct hm_args *args, struct hm_bytes *said, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes statement = { 0 };
	const struct hm_verify_row *bad = hm_verify_first_false(&a->verified);
	const char *folder = hm_args_get(args, "output");
	int r;

	/* That the bundle has another signer alone is no falsehood of the bundle. */
	if (bad && strcmp(bad->name, "signature") != 0)
		return hm_fail_set(fail, HM_E_BAD, "%s: %s: %s", args->operand[0], bad->name, bad->detail);
	r = hm_summary_assessment(&statement, a->verified.parts, fail);
	if (r == 0)
		r = hm_fs_mkdirs(folder, 0755, fail);
	if (r == 0)
		r = write_statement(a, folder, "assessment", hm_slice_of(&statement), fail);
	if (r < 0)
		return r;
	hm_bytes_printf(said, "%s/assessment.intoto.json\n%s/assessment.sigstore.json\n", folder, folder);
	return write_summary(a, args, said, fail);
}

static int run(const struct hm_args *args, struct hm_fail *fail)
{
	HM_CLEANUP(release) struct attesting a = { .key_count = 0 };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes said = { 0 };
	int r = 0, printed = 0;

	if (!hm_args_has(args, "key") || !hm_args_has(args, "output"))
		return hm_fail_set(fail, HM_E_USAGE, "attest: --key FILE and --output FOLDER are needed");
	r = load_keys(&a, args, fail);
	if (r == 0)
		r = hm_fs_map(&a.map, args->operand[0], fail);
	if (r < 0)
		return r;
	hm_program_working("verifying");
	r = hm_verify_bundle(&a.verified, a.map.bytes, a.keys, a.key_count, NULL, 0, fail);
	hm_program_done();
	if (r == 0)
		r = write_all(&a, args, &said, fail);
	if (r >= 0 && !hm_args_has(args, "quiet"))
		printed = hm_program_print(hm_slice_of(&said), fail);
	return printed < 0 ? printed : r;
}

const struct hm_command hm_cmd_attest = {
	.name = "attest",
	.summary = "sign what a bundle says for programs that know nothing of bundles",
	.usage = "BUNDLE --key FILE -o FOLDER [--trust PUB]... [--resource URI] [--verifier URI]",
	.detail = "Verifies BUNDLE and writes two in-toto statements into FOLDER, each as a DSSE envelope and as a Sigstore\n"
		  "bundle: what was recorded, covered, lost and not asserted; and, where every judged claim is upheld, a SLSA\n"
		  "verification summary that slsa-verifier takes. hallmark verify BUNDLE --statement FILE holds them against\n"
		  "the bundle again.\n\n"
		  "exit: 0 both were written; 1 the bundle is false or malformed; 2 no summary, and why: a claim is not upheld,\n"
		  "or no key that is trusted signed the bundle.",
	.min = 1,
	.max = 1,
	.options = options,
	.option_count = HM_COUNT(options),
	.run = run,
};
