/* Whatever the packet file says, what is made of it is a replay that can be read. */
#include "internet_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes json = { 0 };
	struct replay replay;
	struct hm_fail fail;

	if (hm_replay_load(&json, (struct hm_slice){ data, size }, HM_CHAMBER_ADDRESS, "00", 1, &fail) < 0)
		return 0;
	if (hm_internet_replay_read(&replay, hm_slice_of(&json), &fail) < 0)
		abort();
	hm_internet_replay_release(&replay);
	return 0;
}
