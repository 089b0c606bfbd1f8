/* A found.json from anywhere: what is taken goes through every report and is decided on. */
#include "decide.h"
#include "found.h"
#include "inventory.h"

static const char policy_text[] =
	"{\"schema\":\"hallmark/policy/v1\",\"id\":\"p\",\"title\":\"t\",\"issuer\":\"i\",\"source\":\"s\",\"levels\":[],\"scopes\":[],\"unsourced_country\":\"cannot tell\",\"unknown_supplier\":[],"
	"\"rules\":[{\"id\":\"r\",\"quote\":\"q\",\"quote_note\":\"\",\"source\":\"s\",\"read\":\"2024-01-01\",\"about\":\"\",\"in_force\":{\"from\":\"2000-01-01\",\"to\":null},\"applies_to\":{},"
	"\"when\":{\"country\":[\"RU\"],\"class\":[\"antivirus\"],\"definitions_after\":\"2020-01-01\"},\"unless\":[],\"answer\":\"prohibited\"}]}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HM_CLEANUP(hm_decide_policy_cleanup) struct hm_decide_policy *policy = NULL;
	const struct hm_decide_question question = { .as_of = "2024-01-01", .kind = "found", .name = "x" };
	HM_JSON json_t *found = NULL, *decision = NULL;
	struct hm_fail fail;

	if (hm_found_read(&found, (struct hm_slice){ data, size }, "input", &fail) < 0)
		return 0;
	for (int explain = 0; explain < 2; explain++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };

		hm_inventory_terminal(&out, found, explain);
	}
	for (const struct hm_inventory_format *f = hm_inventory_formats; f->name; f++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };
		HM_JSON json_t *again = NULL;

		f->make(&out, found);
		if (strcmp(f->name, "cyclonedx") == 0) {
			json_error_t error;

			again = json_loadb((const char *)out.data, out.len, JSON_REJECT_DUPLICATES, &error);
			if (!again)
				abort();
		}
	}
	if (hm_decide_policy_read(&policy, hm_slice_text(policy_text), "policy", &fail) < 0 || hm_decide(&decision, policy, found, &question, &fail) < 0)
		abort();
	return 0;
}
