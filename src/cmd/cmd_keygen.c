#include "commands.h"

#include "program.h"
#include "signature.h"
#include "signer.h"

static int run(const struct hm_args *args, struct hm_fail *fail)
{
	HM_CLEANUP(hm_pubkey_cleanup) struct hm_pubkey *key = NULL;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };
	HM_FREE char *public_path = hm_sprintf("%s.pub", args->operand[0]);
	int r = hm_signer_generate(args->operand[0], fail);

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
	.usage = "FILE",
	.detail = "Makes an ECDSA P-256 key: FILE (PEM, PKCS #8, mode 0600) and FILE.pub (PEM). Neither may exist.\n"
		  "Give FILE.pub to whoever verifies, by a way that he trusts.",
	.min = 1,
	.max = 1,
	.run = run,
};
