#include "decide.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char found_text[] = "{\"made\":\"2024-01-01\",\"suppliers\":[{\"id\":\"a\",\"name\":\"A\",\"kind\":\"security\",\"control\":[{\"controller\":\"a\",\"country\":\"RU\",\"from\":null,"
					 "\"to\":null,\"source\":\"none\",\"confidence\":\"memory\"}]}],\"targets\":[],\"items\":[{\"target\":\"t\",\"supplier\":\"a\",\"product\":\"P\",\"class\":\"\","
					 "\"relation\":\"branded\",\"state\":\"running\",\"outer\":\"\",\"score\":100,\"channels\":[],\"evidence\":[],\"evidence_count\":0}],\"candidates\":[]}";
	HM_CLEANUP(hm_decide_policy_cleanup) struct hm_decide_policy *policy = NULL;
	struct hm_decide_question question = { .as_of = "2024-06-01", .level = "SECRET", .kind = "found", .name = "x" };
	HM_JSON json_t *found = NULL, *decision = NULL;
	struct hm_fail fail;

	if (hm_decide_policy_read(&policy, (struct hm_slice){ data, size }, "input", &fail) < 0)
		return 0;
	if (hm_json_parse(&found, hm_slice_text(found_text), "found", &fail) < 0)
		abort();
	if (hm_decide(&decision, policy, found, &question, &fail) == 0 && hm_decide_exit(decision) > 2)
		abort();
	return 0;
}
