/* A part that claims to be features: it holds the rows, or it is refused. */
#include "derived.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct hm_feature feature = { .endpoint = "a.example:80/tcp", .name = (char *)(uintptr_t)"0.size", .number = 7, .flow = SIZE_MAX };
	const struct hm_features features = { .list = (struct hm_feature *)(uintptr_t)&feature, .count = 1 };
	struct hm_bytes rows = { 0 }, part = { 0 };
	struct hm_fail fail;

	hm_derived_rows(&rows, &features);
	if (hm_derived_check((struct hm_slice){ data, size }, hm_slice_of(&rows), &fail) == 0 &&
	    (hm_derived_pack(&part, hm_slice_of(&rows), &fail) < 0 || hm_derived_check(hm_slice_of(&part), hm_slice_of(&rows), &fail) < 0))
		abort();
	hm_bytes_release(&rows);
	hm_bytes_release(&part);
	return 0;
}
