/* What is parsed is written canonically, is canonical then, and is written the same again. */
#include "json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes once = { 0 }, twice = { 0 };
	struct hm_slice input = { data, size };
	HM_JSON json_t *value = NULL, *canonical = NULL, *again = NULL;
	struct hm_fail fail;
	int r;

	if (hm_json_parse(&value, input, "input", &fail) < 0) {
		if (hm_json_parse_canonical(&again, input, "input", &fail) == 0)
			abort();
		return 0;
	}
	hm_json_write(&once, value);
	if (hm_json_parse_canonical(&canonical, hm_slice_of(&once), "output", &fail) < 0)
		abort();
	hm_json_write(&twice, canonical);
	if (!hm_slice_eq(hm_slice_of(&once), hm_slice_of(&twice)) || !json_equal(value, canonical))
		abort();
	r = hm_json_parse_canonical(&again, input, "input", &fail);
	if ((r == 0) != hm_slice_eq(input, hm_slice_of(&once)))
		abort();
	return 0;
}
