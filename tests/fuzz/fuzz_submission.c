/* What is read as a submission is written again byte for byte. */
#include "submission.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HM_CLEANUP(hm_submission_release) struct hm_submission submission = { 0 };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes again = { 0 };
	struct hm_fail fail;

	if (hm_submission_read(&submission, (struct hm_slice){ data, size }, &fail) < 0)
		return 0;
	hm_submission_write(&again, hm_pubkey_spki(submission.key), hm_slice_of(&submission.signature), submission.entry);
	if (!hm_slice_eq(hm_slice_of(&again), (struct hm_slice){ data, size }))
		abort();
	return 0;
}
