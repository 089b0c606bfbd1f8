/* Whatever is read as PEM is written again byte for byte, but for its last line feed; what is taken for a key has an id. The
 * same bytes as a signature are no valid one by that key. */
#include "pem.h"
#include "signature.h"

static void read_block(struct hm_slice input, const char *label)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes der = { 0 }, again = { 0 };

	if (hm_pem_read(&der, input, label) < 0)
		return;
	hm_pem_write(&again, label, hm_slice_of(&der));
	if (again.len - input.len > 1 || memcmp(again.data, input.data, input.len) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hm_slice input = { data, size };
	HM_CLEANUP(hm_pubkey_cleanup) struct hm_pubkey *key = NULL;
	struct hm_fail fail;

	read_block(input, "PUBLIC KEY");
	read_block(input, "PRIVATE KEY");
	if (hm_pubkey_parse(&key, input, &fail) < 0)
		return 0;
	if (strlen(hm_pubkey_id(key)) != 44 || hm_signature_check(key, input, input, true))
		abort();
	return 0;
}
