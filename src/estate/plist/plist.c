#include "plist_internal.h"

int hm_plist_read(struct hm_slice bytes, hm_plist_fn each, void *cookie, struct hm_fail *fail)
{
	if (bytes.len >= 8 && memcmp(bytes.data, "bplist0", 7) == 0)
		return plist_binary(bytes, each, cookie, fail);
	return plist_xml(bytes, each, cookie, fail);
}
