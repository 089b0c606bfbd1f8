#include "data.h"

#include <string.h>

#include "bytes.h"

#ifndef HM_DATA_DIR
#define HM_DATA_DIR "/usr/local/share/hallmark"
#endif

static bool is_data(const char *folder)
{
	HM_FREE char *probe = hm_sprintf("%s/claims/claims.json", folder);

	return access(probe, R_OK) == 0;
}

int hm_data_folder(char **ret, struct hm_fail *fail)
{
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	const char *given = getenv("HALLMARK_DATA");
	HM_FREE char *beside = NULL;

	self[n < 0 ? 0 : n] = 0;
	if (strrchr(self, '/'))
		*strrchr(self, '/') = 0;
	beside = hm_sprintf("%s/../data", self);
	*ret = NULL;
	if (given)
		*ret = is_data(given) ? hm_strdup(given) : NULL;
	else if (is_data(beside))
		*ret = hm_take_ptr(&beside);
	else if (is_data(HM_DATA_DIR))
		*ret = hm_strdup(HM_DATA_DIR);
	if (!*ret)
		return hm_fail_set(fail, HM_E_SYSTEM, "finding Hallmark's data: not %s, nor beside the program, nor in %s "
				   "(set HALLMARK_DATA to the project's data folder)", given ? given : "in HALLMARK_DATA", HM_DATA_DIR);
	return 0;
}
