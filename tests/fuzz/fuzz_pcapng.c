/* A block is read only where the writer makes the same bytes of what was read; blocks lie one behind the other. */
#include "pcapng.h"

/* Secrets and names are read only as the writer makes them, too. */
static void write_again(struct hm_bytes *again, const struct hm_pcapng_block *b)
{
	struct hm_cursor c = hm_cursor_of(b->records);
	struct hm_pcapng_name names[64];
	size_t count = 0;

	if (b->type == HM_PCAPNG_DSB)
		hm_pcapng_secrets(again, b->secrets);
	while (b->type == HM_PCAPNG_NRB && count < 64 && hm_pcapng_name(&c, &names[count]) == 1)
		count++;
	if (b->leaf.len)
		hm_pcapng_withheld(again, b->was, b->was_len, b->leaf.data);
	if (b->type == HM_PCAPNG_NRB && hm_cursor_done(&c))
		hm_pcapng_names(again, names, count);
}

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
		if (b.type == HM_PCAPNG_EPB)
			hm_pcapng_packet(&again, b.time_ns, b.packet, b.wire_len);
		else
			write_again(&again, &b);
		if (again.len && !hm_slice_eq(hm_slice_of(&again), b.whole))
			abort();
	}
	if (r == 0 && at != data + size)
		abort();
	return 0;
}
