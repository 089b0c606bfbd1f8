#include "beside.h"

#include "attest.h"
#include "foreign.h"
#include "fs.h"
#include "summary.h"

static void check_one(struct hm_verify *v, const char *path, struct hm_slice text, struct hm_pubkey *const *keys, size_t key_count)
{
	HM_CLEANUP(hm_foreign_release) struct hm_foreign envelope = { 0 };
	const char *kind = "";
	struct hm_fail fail = { 0 };
	uint64_t signers = 0;
	int r = hm_foreign_read(&envelope, text, &fail);

	if (r == 0 && strcmp(envelope.type, HM_PAYLOAD_TYPE) != 0)
		r = hm_fail_set(&fail, HM_E_BAD, "its payload is no in-toto statement");
	if (r == 0 && !v->parts)
		r = hm_fail_set(&fail, HM_E_BAD, "there is no bundle to hold it against: its container is malformed");
	if (r == 0)
		r = hm_summary_check(&kind, v->parts, hm_slice_of(&envelope.payload), &fail);
	if (r == 0)
		signers = hm_foreign_signers(&envelope, keys, key_count);
	if (r < 0)
		hm_verify_say(v, "beside", HM_CHECK_FALSE, "%s: %s", path, fail.text);
	else if (!key_count)
		hm_verify_say(v, "beside", HM_CHECK_UNCHECKED, "%s: %s; no key was given to check who signed it", path, kind);
	else if (!signers)
		hm_verify_say(v, "beside", HM_CHECK_FALSE, "%s: none of its signatures is by a key that was given", path);
	else
		hm_verify_say(v, "beside", HM_CHECK_HOLDS, "%s: %s, made again: the same; by key %s", path, kind, hm_pubkey_id(keys[__builtin_ctzll(signers)]));
}

int hm_beside_check(struct hm_verify *v, const char *const *path, size_t count, struct hm_pubkey *const *keys, size_t key_count, struct hm_fail *fail)
{
	for (size_t i = 0; i < count; i++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
		int r = hm_fs_read(&text, path[i], HM_FOREIGN_MAX, fail);

		if (r < 0)
			return r;
		check_one(v, path[i], hm_slice_of(&text), keys, key_count);
	}
	return 0;
}
