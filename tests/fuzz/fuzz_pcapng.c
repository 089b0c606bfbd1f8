/* A block is read only where the writer makes the same bytes of what was read; blocks lie one behind the other. */
#include "pcapng.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hm_cursor c = hm_cursor_of((struct hm_slice){ data, size });
	const uint8_t *at = data;
	struct hm_pcapng_block b;
	struct hm_fail fail;
	int r;

	while ((r = hm_pcapng_next(&c, &b, &fail)) == 1) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes again = { 0 };

		if (b.whole.data != at || b.whole.len < 12 || b.whole.len % 4)
			abort();
		at += b.whole.len;
		if (b.type != HM_PCAPNG_EPB && (b.packet.len || b.time_ns || b.wire_len))
			abort();
		if (b.type != HM_PCAPNG_EPB)
			continue;
		hm_pcapng_packet(&again, b.time_ns, b.packet, b.wire_len);
		if (!hm_slice_eq(hm_slice_of(&again), b.whole))
			abort();
	}
	if (r == 0 && at != data + size)
		abort();
	return 0;
}
