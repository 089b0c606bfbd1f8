#include "commands.h"

#include "attest.h"
#include "bundle.h"
#include "fs.h"
#include "product.h"
#include "program.h"
#include "reply.h"
#include "signer.h"
#include "yamldoc.h"

static const struct hm_option options[] = {
	{ "key", 'k', "FILE", false, "the supplier's private key" },
	{ "output", 'o', "FILE", false, "where the signed statement is written" },
	{ "text", 't', "FILE", false, "what is replied to the bundle's claims (YAML)" },
	{ "declaration", 0, "FILE", false, "sign this declaration (YAML) instead" },
};

struct replying {
	struct hm_map map;
	struct hm_parts *parts;
	struct hm_yaml yaml;
	json_t *declaration;
	struct hm_signer *signer;
	struct hm_pubkey *key;
	struct hm_bytes statement;
};

static void release(struct replying *r)
{
	hm_parts_free(r->parts);
	hm_fs_unmap(&r->map);
	hm_yaml_release(&r->yaml);
	json_decref(r->declaration);
	hm_signer_free(r->signer);
	hm_pubkey_free(r->key);
	hm_bytes_release(&r->statement);
}

static int load_key(struct replying *r, const char *path, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes pem = { 0 };
	int code = hm_signer_load(&r->signer, path, fail);

	if (code == 0)
		code = hm_signer_public(r->signer, &pem, fail);
	return code < 0 ? code : hm_pubkey_parse(&r->key, hm_slice_of(&pem), fail);
}

static int state_reply(struct replying *r, const struct hm_args *args, struct hm_fail *fail)
{
	const char *path = hm_args_get(args, "text");
	int code = hm_fs_map(&r->map, args->operand[0], fail);

	if (code == 0)
		code = hm_bundle_read(&r->parts, r->map.bytes, fail);
	if (code == 0)
		code = hm_bundle_check_parts(r->parts, true, fail);
	if (code < 0)
		return hm_fail_in(fail, "reading %s", args->operand[0]);
	code = hm_yaml_load(&r->yaml, path, fail);
	if (code < 0)
		return code;
	code = hm_reply_statement(&r->statement, r->yaml.root, r->parts, fail);
	return code < 0 ? hm_fail_in(fail, "%s", path) : 0;
}

static int state_declaration(struct replying *r, const char *path, struct hm_fail *fail)
{
	int code = hm_product_declaration(&r->declaration, path, fail);

	if (code < 0)
		return code;
	code = hm_reply_declaration(&r->statement, r->declaration, fail);
	return code < 0 ? hm_fail_in(fail, "%s", path) : 0;
}

static int sign(const struct replying *r, const char *path, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes pae = { 0 }, signature = { 0 }, envelope = { 0 };
	int code;

	hm_dsse_pae(&pae, HM_PAYLOAD_TYPE, hm_slice_of(&r->statement));
	code = hm_signer_sign(r->signer, hm_slice_of(&pae), &signature, fail);
	if (code < 0)
		return code;
	hm_attest_envelope(&envelope, hm_slice_of(&r->statement), hm_pubkey_id(r->key), hm_slice_of(&signature));
	hm_bytes_u8(&envelope, '\n');
	return hm_fs_write_atomic(path, hm_slice_of(&envelope), 0644, fail);
}

static int run(const struct hm_args *args, struct hm_fail *fail)
{
	HM_CLEANUP(release) struct replying r = { .parts = NULL };
	bool declares = hm_args_has(args, "declaration"), replies = args->operands == 1 && hm_args_has(args, "text");
	int code;

	if (!hm_args_has(args, "key") || !hm_args_has(args, "output"))
		return hm_fail_set(fail, HM_E_USAGE, "reply: --key FILE and --output FILE are needed");
	if (declares == replies || (declares && (args->operands || hm_args_has(args, "text"))))
		return hm_fail_set(fail, HM_E_USAGE, "reply: either BUNDLE with --text FILE, or --declaration FILE");
	code = load_key(&r, hm_args_get(args, "key"), fail);
	if (code == 0)
		code = declares ? state_declaration(&r, hm_args_get(args, "declaration"), fail) : state_reply(&r, args, fail);
	return code < 0 ? code : sign(&r, hm_args_get(args, "output"), fail);
}

const struct hm_command hm_cmd_reply = {
	.name = "reply",
	.summary = "a supplier answers a bundle's claims, or signs his declaration",
	.usage = "BUNDLE --text FILE --key FILE -o FILE | --declaration FILE --key FILE -o FILE",
	.detail = "Signs what a product's supplier says to the claims of BUNDLE, or the declaration by which his product is to be\n"
		  "judged. verify, report and compare show it beside the claims, with --reply FILE --supplier-key PUB, and with\n"
		  "whose key. It never changes a verdict. doc/format/reply.md tells what stands in the file.\n\n"
		  "exit: 0 written; 1 the text or the bundle is malformed, or a claim is none of the bundle's.",
	.max = 1,
	.options = options,
	.option_count = HM_COUNT(options),
	.run = run,
};
