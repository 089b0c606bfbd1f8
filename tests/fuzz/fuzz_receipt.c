/* What is read as a receipt is written again byte for byte. */
#include "receipt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HM_CLEANUP(hm_receipt_release) struct hm_receipt receipt = { .index = 0 };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes again = { 0 };
	struct hm_fail fail;

	if (hm_receipt_parse(&receipt, (struct hm_slice){ data, size }, &fail) < 0)
		return 0;
	hm_receipt_write(&again, &receipt);
	if (!hm_slice_eq(hm_slice_of(&again), (struct hm_slice){ data, size }))
		abort();
	return 0;
}
