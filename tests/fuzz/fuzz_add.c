/* The body of an add-checkpoint: what is taken has its checkpoint at the end of the body. */
#include "request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hm_fail fail;
	struct hm_add add;

	if (hm_add_parse(&add, (struct hm_slice){ data, size }, &fail) < 0)
		return 0;
	if (add.count > HM_ADD_HASHES || add.bytes.data + add.bytes.len != data + size || add.checkpoint.size > INT64_MAX)
		abort();
	return 0;
}
