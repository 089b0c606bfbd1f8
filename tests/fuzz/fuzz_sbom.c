/* Whatever a document says, a component that is observed has a name of bounded length. */
#include "sbom.h"

static int observe(void *cookie HM_UNUSED, const struct hm_observation *o, struct hm_fail *fail HM_UNUSED)
{
	if (!*o->value || strlen(o->value) > 1024 || !o->source || !*o->source || (o->sha256 && (strlen(o->sha256) != 64 || o->sha256[strspn(o->sha256, "0123456789abcdef")])))
		abort();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hm_sbom_file file = { { data, size }, "bom.json", NULL };
	struct hm_fail fail = { 0 };
	int r = hm_sbom_read(&file, observe, NULL, &fail);

	if (r != 0 && ((r != HM_E_BAD && r != HM_E_UNKNOWN) || !fail.text[0]))
		abort();
	return 0;
}
