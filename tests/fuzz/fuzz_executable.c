/* ELF and PE: facts and symbols of whatever begins like one. */
#include "binary.h"

static int observe(void *cookie HM_UNUSED, const struct hm_observation *o, struct hm_fail *fail HM_UNUSED)
{
	if (!*o->value || strlen(o->value) > 1024)
		abort();
	return 0;
}

static int symbol(void *cookie HM_UNUSED, const char *name)
{
	return *name ? 0 : 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hm_binary_file file = { { data, size }, "a", NULL, NULL };
	struct hm_fail fail = { 0 };
	int r = hm_binary_read(&file, observe, NULL, &fail);

	if ((r != 0 && r != HM_E_BAD) || hm_binary_symbols(file.bytes, symbol, NULL) != 0)
		abort();
	return 0;
}
