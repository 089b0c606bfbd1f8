/* What a reader sends: read, written again, read as the same. */
#include "../../src/estate/reader/reader_internal.h"

#include <stdlib.h>

static void release(char **text, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(text[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes again = { 0 };
	char *text[PARCEL_TEXTS] = { NULL }, *two[2] = { NULL, NULL };
	const struct hm_slice body = { data, size };
	struct hm_observation o;
	uint64_t number[3];

	if (parcel_read_observation(body, &o, text) == 0) {
		parcel_observation(&again, PARCEL_HELD, &o);
		if (!hm_slice_eq((struct hm_slice){ again.data + 5, again.len - 5 }, body))
			abort();
	}
	release(text, PARCEL_TEXTS);
	again.len = 0;
	if (parcel_read_texts(body, two, 2) == 0) {
		parcel_texts(&again, PARCEL_UNREAD, (const char *const *)two, 2);
		if (!hm_slice_eq((struct hm_slice){ again.data + 5, again.len - 5 }, body))
			abort();
	}
	release(two, 2);
	again.len = 0;
	if (parcel_read_numbers(body, number, 3) == 0) {
		parcel_numbers(&again, PARCEL_COUNT, number, 3);
		if (!hm_slice_eq((struct hm_slice){ again.data + 5, again.len - 5 }, body))
			abort();
	}
	return 0;
}
