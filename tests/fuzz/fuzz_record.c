/* A record that opens is read to its end, and holds as many items as it says. CRCs stop nearly every changed input at the
 * door, so each is tried a second time with its first block's CRCs made right: that reaches the lengths and zstd. */
#include "record_internal.h"

#define OF_FRAME_LEN 60
#define OF_FRAME_CRC 64

static void read_all(struct hm_slice input)
{
	const struct hm_record_head *head;
	struct hm_record *r;
	struct hm_slice item;
	struct hm_fail fail;
	uint64_t items = 0;
	int e;

	if (hm_record_open(&r, input, &fail) < 0)
		return;
	head = hm_record_head(r);
	while ((e = hm_record_next(r, &item, &fail)) == 1) {
		if (hm_record_position(r) < items || item.len == 0)
			abort();
		items++;
	}
	if (e < 0 || items > head->items || (!head->withheld && items != head->items))
		abort();
	hm_record_close(r);
}

static void put_crc(uint8_t *at, struct hm_slice of)
{
	uint32_t crc = hm_record_crc(of);

	for (size_t i = 0; i < 4; i++)
		at[i] = (uint8_t)(crc >> 8 * i);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes patched = { 0 };
	uint32_t frame_len;

	read_all((struct hm_slice){ data, size });
	if (size < HM_RECORD_BLOCK_LEN)
		return 0;
	hm_bytes_append(&patched, data, size);
	memcpy(&frame_len, data + OF_FRAME_LEN, sizeof(frame_len));
	if (frame_len <= size - HM_RECORD_BLOCK_LEN)
		put_crc(patched.data + OF_FRAME_CRC, (struct hm_slice){ patched.data + HM_RECORD_BLOCK_LEN, frame_len });
	put_crc(patched.data + HM_RECORD_BLOCK_LEN - 4, (struct hm_slice){ patched.data, HM_RECORD_BLOCK_LEN - 4 });
	read_all(hm_slice_of(&patched));
	return 0;
}
