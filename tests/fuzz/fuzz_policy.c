/* A policy that was taken has keys that tell apart, and accepts no checkpoint that nobody signed. */
#include "policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char note[] = "log.example\n1\n6FMs4YZ2wQ1ZRnaSV37xZu14V3HDA1p9b28/pWI9LvQ=\n\n\xe2\x80\x94 log.example AAAAAAA=\n";
	HM_CLEANUP(hm_policy_cleanup) struct hm_policy *policy = NULL;
	const struct hm_vkey *a, *b;
	struct hm_policy_outcome outcome;
	struct hm_fail fail;
	const char *url;

	if (hm_policy_parse(&policy, (struct hm_slice){ data, size }, &fail) < 0)
		return 0;
	for (size_t i = 0; (a = hm_policy_log(policy, i, &url)); i++)
		for (size_t k = 0; (b = hm_policy_witness(policy, k, &url)); k++)
			if (memcmp(a->key, b->key, 32) == 0)
				abort();
	if (hm_policy_check(&outcome, policy, hm_slice_text(note), &fail) == 0)
		abort();
	return 0;
}
