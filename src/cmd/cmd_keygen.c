#include "commands.h"

#include "notary.h"
#include "program.h"
#include "signature.h"
#include "signer.h"

static const struct hm_option options[] = {
	{ "log", 0, "NAME", false, "an Ed25519 key of a log with this origin instead" },
	{ "witness", 0, "NAME", false, "an Ed25519 key of a witness with this name instead" },
};

static int make_note_key(const struct hm_args *args, const char *name, uint8_t type, struct hm_fail *fail)
{
	HM_CLEANUP(hm_notary_cleanup) struct hm_notary *key = NULL;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };
	int r = hm_notary_generate(args->operand[0], name, type, fail);

	if (r == 0)
		r = hm_notary_load(&key, args->operand[0], type, fail);
	if (r < 0)
		return r;
	hm_bytes_printf(&out, "private key %s\npublic key  %s.pub\n", args->operand[0], args->operand[0]);
	hm_vkey_write(&out, hm_notary_key(key));
	hm_bytes_u8(&out, '\n');
	return hm_program_print(hm_slice_of(&out), fail);
}

static int run(const struct hm_args *args, struct hm_fail *fail)
{
	HM_CLEANUP(hm_pubkey_cleanup) struct hm_pubkey *key = NULL;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };
	HM_FREE char *public_path = hm_sprintf("%s.pub", args->operand[0]);
	int r;

	if (hm_args_has(args, "log") && hm_args_has(args, "witness"))
		return hm_fail_set(fail, HM_E_USAGE, "--log and --witness: a key is for one purpose");
	if (hm_args_has(args, "log"))
		return make_note_key(args, hm_args_get(args, "log"), HM_KEY_LOG, fail);
	if (hm_args_has(args, "witness"))
		return make_note_key(args, hm_args_get(args, "witness"), HM_KEY_WITNESS, fail);
	r = hm_signer_generate(args->operand[0], fail);
	if (r == 0)
		r = hm_pubkey_load(&key, public_path, fail);
	if (r < 0)
		return r;
	hm_bytes_printf(&out, "private key %s\npublic key  %s\nkey id      %s\n", args->operand[0], public_path, hm_pubkey_id(key));
	return hm_program_print(hm_slice_of(&out), fail);
}

const struct hm_command hm_cmd_keygen = {
	.name = "keygen",
	.summary = "make a signing key",
	.usage = "[--log NAME | --witness NAME] FILE",
	.detail = "Makes an ECDSA P-256 key: FILE (PEM, PKCS #8, mode 0600) and FILE.pub (PEM). Neither may exist.\n"
		  "Give FILE.pub to whoever verifies, by a way that he trusts.\n"
		  "With --log or --witness: a key for hallmark log or hallmark witness, as one line of text each (doc/format/log.md).",
	.options = options,
	.option_count = HM_COUNT(options),
	.min = 1,
	.max = 1,
	.run = run,
};
