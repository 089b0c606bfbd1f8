/* An answer has one length, repeats the client's time, and is no question. */
#include "ntp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes answer = { 0 }, again = { 0 };

	if (hm_ntp_answer(&answer, (struct hm_slice){ data, size }, 1700000000123456789) < 0)
		return 0;
	if (answer.len != 48 || memcmp(answer.data + 24, data + 40, 8) != 0 || answer.data[0] >> 3 != (data[0] >> 3 & 7))
		abort();
	if (hm_ntp_answer(&again, hm_slice_of(&answer), 0) == 0)
		abort();
	return 0;
}
