#pragma once
#include "plist.h"

#define PLIST_TEXT 1024u /* bytes of a key or value; longer ones are passed over */
int plist_binary(struct hm_slice bytes, hm_plist_fn each, void *cookie, struct hm_fail *fail) HM_MUST_CHECK;
int plist_xml(struct hm_slice bytes, hm_plist_fn each, void *cookie, struct hm_fail *fail) HM_MUST_CHECK;
