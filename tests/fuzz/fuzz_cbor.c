/* Whatever hm_cbor_skip accepts is read by the typed readers and written again byte for byte: one value, one form. */
#include "cbor.h"

/* Copies one item from `c` to `out` through the typed readers. The item was accepted before. */
static void copy_item(struct hm_bytes *out, struct hm_cursor *c)
{
	uint64_t count;

	switch (*c->at >> 5) {
	case 0:
		hm_cbor_uint(out, hm_cbor_get_uint(c));
		return;
	case 1:
		hm_cbor_int(out, hm_cbor_get_int(c));
		return;
	case 2:
		hm_cbor_bytes(out, hm_cbor_get_bytes(c));
		return;
	case 4:
		count = hm_cbor_get_array(c);
		hm_cbor_array(out, count);
		for (uint64_t i = 0; i < count; i++)
			copy_item(out, c);
		return;
	default:
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hm_slice input = { data, size };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes again = { 0 };
	struct hm_cursor c = hm_cursor_of(input), all = c;

	while (!all.bad && hm_cursor_left(&all)) {
		struct hm_cursor before = all;

		hm_cbor_skip(&all);
		if (all.bad) {
			if (all.at != before.at)
				abort();
			break;
		}
		copy_item(&again, &c);
		if (c.bad || c.at != all.at)
			abort();
	}
	if (!hm_slice_eq(hm_slice_of(&again), (struct hm_slice){ data, (size_t)(all.at - data) }))
		abort();
	return 0;
}
