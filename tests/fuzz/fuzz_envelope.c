/* Whatever is read as an envelope is written again byte for byte, and has a Sigstore bundle with a name. */
#include "attest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes statement = { 0 }, signature = { 0 }, again = { 0 }, sigstore = { 0 };
	HM_FREE char *name = NULL;
	char keyid[64];
	struct hm_fail fail;

	if (hm_attest_read((struct hm_slice){ data, size }, &statement, keyid, &signature, &fail) < 0)
		return 0;
	hm_attest_envelope(&again, hm_slice_of(&statement), keyid, hm_slice_of(&signature));
	if (!hm_slice_eq(hm_slice_of(&again), (struct hm_slice){ data, size }))
		abort();
	name = hm_attest_sigstore_name(keyid);
	hm_attest_sigstore(&sigstore, hm_slice_of(&statement), keyid, hm_slice_of(&signature), NULL);
	if (!name || sigstore.len <= again.len)
		abort();
	return 0;
}
