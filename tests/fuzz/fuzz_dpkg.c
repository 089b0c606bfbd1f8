/* Whatever the status file says, names that become parts of paths stay names. */
#include "packages_internal.h"

static int visit(void *cookie, const struct hm_package *package, bool same HM_UNUSED, struct hm_fail *fail HM_UNUSED)
{
	const char *names[] = { package->name, package->arch };

	for (size_t i = 0; i < HM_COUNT(names); i++)
		if (!*names[i] || *names[i] == '.' || strchr(names[i], '/') || strlen(names[i]) > 200)
			abort();
	for (const char *s = package->version; *s; s++)
		if (*s <= ' ' || *s > '~')
			abort();
	++*(unsigned *)cookie;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hm_fail fail = { 0 };
	unsigned count = 0;
	int r = hm_status_parse((struct hm_slice){ data, size }, visit, &count, &fail);

	if (r != 0 && (r != HM_E_BAD || !fail.text[0]))
		abort();
	return 0;
}
