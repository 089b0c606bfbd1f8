/* Whatever is read as somebody's envelope has a type and a signature; no key signed it by chance. What Hallmark would write of it is read again as the same. */
#include "attest.h"
#include "foreign.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* The key of RFC 6979 A.2.5. */
	static const char pem[] = "-----BEGIN PUBLIC KEY-----\n"
				  "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYP7UuiVanTHJYet0xjVtaMBJuJI7\n"
				  "Yfps5mliLmDyn7Z5A/4QCLi8maQa6elWKLxk8vGyDC1+n1F3o8KU1EYimQ==\n"
				  "-----END PUBLIC KEY-----\n";
	HM_CLEANUP(hm_foreign_release) struct hm_foreign envelope = { 0 }, again = { 0 };
	HM_CLEANUP(hm_pubkey_cleanup) struct hm_pubkey *key = NULL;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes ours = { 0 };
	struct hm_fail fail;

	if (hm_foreign_read(&envelope, (struct hm_slice){ data, size }, &fail) < 0)
		return 0;
	if (!envelope.type || !envelope.count || hm_pubkey_parse(&key, hm_slice_text(pem), &fail) < 0 || hm_foreign_signers(&envelope, &key, 1))
		abort();
	hm_attest_envelope(&ours, hm_slice_of(&envelope.payload), hm_pubkey_id(key), hm_slice_of(&envelope.signature[0]));
	if (hm_foreign_read(&again, hm_slice_of(&ours), &fail) < 0 || !hm_slice_eq(hm_slice_of(&again.payload), hm_slice_of(&envelope.payload)) ||
	    !hm_slice_eq(hm_slice_of(&again.signature[0]), hm_slice_of(&envelope.signature[0])))
		abort();
	return 0;
}
