/* Whatever the packet file says, what is made of it is a replay that can be read. */
#include "internet_internal.h"

/* Stands for who opens TLS: it says of both sides what their bytes make it say. */
static int open_some(struct hm_replay_side sides[2], const struct hm_slice said[2], struct hm_slice keylog HM_UNUSED, struct hm_fail *fail HM_UNUSED)
{
	for (size_t i = 0; i < 2; i++) {
		hm_bytes_slice(&sides[i].text, said[i]);
		sides[i].clear = said[i].len > 5 ? said[i].data[5] % said[i].len : 0;
		sides[i].piece = hm_alloc(said[i].len + 1, sizeof(*sides[i].piece));
		for (size_t at = 0; at < said[i].len; at += 1 + said[i].data[at] % 64)
			sides[i].piece[sides[i].pieces++] = (struct hm_replay_piece){ at + 1, at, 1 };
	}
	return said[0].len % 7 != 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes json = { 0 };
	struct replay replay;
	struct hm_fail fail;

	if (hm_replay_load(&json, (struct hm_slice){ data, size }, HM_CHAMBER_ADDRESS, "00", 1, open_some, &fail) < 0)
		return 0;
	if (hm_internet_replay_read(&replay, hm_slice_of(&json), &fail) < 0)
		abort();
	hm_internet_replay_release(&replay);
	return 0;
}
